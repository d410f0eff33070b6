import json
import math
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dltrain.config import load_config_text
from dltrain.config.gates import SCHEMA_PATTERN
from dltrain.errors import ConfigError, UsageError
from dltrain.evaluation.metrics.gates import Requirement, check_gates, parse_gate, parse_gates

METRICS = {
    "train": {"loss": 0.1, "accuracy": 0.99},
    "validation": {"loss": 0.3, "accuracy": 0.9},
    "test": {"loss": 0.4, "accuracy": 0.85, "rmse": math.nan, "r2": -math.inf},
}


@pytest.mark.parametrize(
    ("text", "name", "operator", "threshold"),
    [
        ("accuracy>=0.9", "accuracy", ">=", 0.9),
        (" rmse <= 7 ", "rmse", "<=", 7.0),
        ("val_loss<3e-1", "val_loss", "<", 0.3),
        ("test.accuracy > .8", "test.accuracy", ">", 0.8),
        ("r2>-1.5", "r2", ">", -1.5),
        ("f1[a>=b]>=0.5", "f1[a>=b]", ">=", 0.5),
        ("f1[George W Bush]>=0.5", "f1[George W Bush]", ">=", 0.5),
    ],
)
def test_forms(text, name, operator, threshold):
    assert parse_gate(text) == Requirement(text, name, operator, threshold)


@pytest.mark.parametrize("text", ["accuracy>=0.9 @95%", "accuracy >= 9e-1@ 95 %"])
def test_a_level_is_read(text):
    assert parse_gate(text) == Requirement(text, "accuracy", ">=", 0.9, 95)
    assert re.search(SCHEMA_PATTERN, text)


@pytest.mark.parametrize("text", ["accuracy>=0.9 @90%", "accuracy>=0.9 @95", "accuracy>=0.9@"])
def test_another_level_is_told_the_one_there_is(text):
    with pytest.raises(UsageError, match="95% was expected after @"):
        parse_gate(text)
    assert not re.search(SCHEMA_PATTERN, text)


@pytest.mark.parametrize(("text", "hint"), [("accuracy>=90%", "write accuracy>=0.9"), ("f1[a] > 7.5 %", "write f1[a]>0.075")])
def test_a_share_in_percent_is_told_as_a_number(text, hint):
    with pytest.raises(UsageError, match="a finite number was expected") as caught:
        parse_gate(text)
    assert caught.value.faults[0].hint == hint


def test_the_end_of_the_interval_that_is_nearer_has_to_meet_a_gate_with_a_level():
    ends = {"test": {"accuracy": [0.8, 0.9], "loss": [0.3, 0.5]}}
    texts = ["accuracy>=0.8 @95%", "accuracy>0.8 @95%", "loss<=0.5 @95%", "loss<0.5@95%", "loss<0.45", "loss<0.45 @95%"]
    gates = check_gates(texts, METRICS, intervals=ends)
    assert [gate.met for gate in gates] == [True, False, True, False, True, False]
    assert gates[0].interval == (0.8, 0.9)
    assert gates[4].interval is None
    with pytest.raises(UsageError, match=r"needs an interval, and accuracy has none here"):
        check_gates(["accuracy>=0.9 @95%"], METRICS)
    assert not check_gates(["rmse<7 @95%"], METRICS, intervals=ends)[0].met


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "a requirement was expected"),
        ("accuracy", "a requirement was expected"),
        (">=0.9", "a requirement was expected"),
        ("accuracy>=", "found nothing"),
        ("accuracy>=high", "'high'"),
        ("accuracy>=90%", "'90%'"),
        ("accuracy>=nan", "'nan'"),
        ("accuracy<inf", "'inf'"),
        ("accuracy=>0.9", "did you mean accuracy>=0.9"),
        ("accuracy==0.9", "did you mean accuracy>=0.9"),
        ("loss=<0.9", "did you mean loss<=0.9"),
        ("accuracy!=0.9", "'!='"),
    ],
)
def test_bad_forms_say_what_was_expected(text, said):
    with pytest.raises(UsageError) as caught:
        parse_gate(text)
    assert said in str(caught.value)


def test_all_bad_forms_are_told_together():
    with pytest.raises(UsageError) as caught:
        parse_gates(["accuracy", "loss<0.3", "rmse<<1"])
    assert len(caught.value.faults) == 2


@given(st.text())
def test_any_text_is_a_gate_or_a_usage_error(text):
    try:
        gate = parse_gate(text)
    except UsageError:
        return
    assert gate.name
    assert math.isfinite(gate.threshold)


@given(st.sampled_from([">=", ">", "<=", "<"]), st.floats(-1e9, 1e9), st.floats(-1e9, 1e9))
def test_a_gate_is_the_comparison_it_says(operator, threshold, value):
    (gate,) = check_gates([f"score {operator} {threshold!r}"], {"test": {"score": value}})
    assert (
        gate.met == {">=": value >= threshold, ">": value > threshold, "<=": value <= threshold, "<": value < threshold}[operator]
    )


def test_parts():
    assert [gate.value for gate in check_gates(["accuracy>0", "val_accuracy>0", "train.acc>0"], METRICS)] == [0.85, 0.9, 0.99]
    assert check_gates(["accuracy>0"], METRICS, part="train")[0].value == 0.99
    without_test = {part: METRICS[part] for part in ("train", "validation")}
    assert check_gates(["accuracy>0"], without_test)[0].part == "validation"


def test_the_training_part_must_be_named():
    with pytest.raises(UsageError, match=r"train\.accuracy"):
        check_gates(["accuracy>=0.9"], {"train": METRICS["train"]})


@pytest.mark.parametrize("text", ["rmse<7", "rmse>7", "r2<1", "rmse<=1e300"])
def test_what_is_not_finite_meets_no_gate(text):
    assert not check_gates([text], METRICS)[0].met


def test_null_from_a_metrics_file_meets_no_gate():
    assert not check_gates(["rmse<7"], {"test": {"rmse": None}})[0].met


def test_an_unknown_metric_is_told_with_the_nearest_and_with_all_there_are():
    with pytest.raises(UsageError) as caught:
        check_gates(["acuracy>=0.9", "loss<1", "bleu>3"], METRICS)
    first, second = caught.value.faults
    assert first.hint == 'did you mean "accuracy"?'
    assert "rmse" in second.message


def test_a_missing_part_is_told():
    with pytest.raises(UsageError, match="needs the validation part"):
        check_gates(["val_loss<1"], {"test": METRICS["test"]})


def test_metrics_of_one_class():
    report = {"classes": {"spam": {"precision": 0.5, "recall": 0.25, "f1": 1 / 3, "support": 4}}}
    gates = check_gates(["f1[spam]>0.3", "test.F1Score[spam]>0.4", "recall[spam]>=0.25"], METRICS, reports={"test": report})
    assert [gate.met for gate in gates] == [True, False, True]
    with pytest.raises(UsageError, match=r"f1\[spam\]"):
        check_gates(["f1[span]>0.3"], METRICS, reports={"test": report})


@pytest.mark.parametrize(
    "gate",
    [
        "f1[George W Bush]>=0.9",
        "recall[a > b] >= 0.5",
        "test.precision[x y]<0.2",
        "F1Score[é ü] > .5",
        "loss<1e-3",
        " accuracy >= 0.9 ",
    ],
)
def test_d7_a_config_takes_what_the_command_line_takes(gate):
    config = load_config_text(f"data: {{source: digits}}\nevaluation: {{require: [{json.dumps(gate)}]}}\n", folder=Path())
    assert parse_gate(config.evaluation.require[0]) == parse_gate(gate)
    assert re.search(SCHEMA_PATTERN, gate)


@pytest.mark.parametrize("gate", ["accuracy", "accuracy=0.9", "accuracy>=", "accuracy>=high", ">=0.5", "loss<<1", "loss<nan"])
def test_d7_a_config_refuses_what_the_command_line_refuses(gate):
    with pytest.raises(UsageError) as line:
        parse_gate(gate)
    with pytest.raises(ConfigError) as config:
        load_config_text(f"data: {{source: digits}}\nevaluation:\n  require:\n    - {json.dumps(gate)}\n", folder=Path())
    fault = config.value.faults[0]
    assert (fault.message, fault.hint, fault.line) == (line.value.faults[0].message, line.value.faults[0].hint, 4)
    assert not re.search(SCHEMA_PATTERN, gate)


def test_several_requirements_in_one_are_told_to_be_one_each():
    with pytest.raises(UsageError) as caught:
        check_gates(["accuracy>0.5 and accuracy>0.6"], METRICS)
    assert str(caught.value.faults[0].hint).startswith("one requirement each: --require 'accuracy>=0.9' --require ")
