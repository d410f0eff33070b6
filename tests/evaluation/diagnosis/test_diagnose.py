"""Each illness by figures that show it, and silence where they do not."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dltrain.evaluation.diagnosis import Evidence, diagnose
from dltrain.model.layer_statistics import LayerStatistics

CALM = LayerStatistics("dense", "relu", 16, 0.1, None, 500, 0.02, 0.5)


def history(losses, validation=None, rate=0.01):
    rows = [{"epoch": index + 1, "loss": loss, "learning_rate": rate} for index, loss in enumerate(losses)]
    for row, value in zip(rows, validation or ()):
        row["val_loss"] = value
    return rows


def falling(count=20, first=0.7, last=0.1):
    return [last + (first - last) * math.exp(-0.4 * index) for index in range(count)]


def healthy(**changes):
    """A classifier of two classes that learnt what there was."""
    report = {"labels": ["no", "yes"], "confusion_matrix": [[90, 10], [12, 88]]}
    base = Evidence(
        history=history(falling(), [value + 0.02 for value in falling()]),
        layers=[CALM, replace(CALM, name="output", activation="sigmoid", dead=None)],
        num_sampled=500,
        rows={"train": 1000, "validation": 200, "test": 200},
        metrics={part: {"log_loss": 0.2, "accuracy": 0.89} for part in ("train", "validation", "test")},
        baselines={part: {"log_loss": 0.69, "accuracy": 0.5} for part in ("train", "validation", "test")},
        reports=dict.fromkeys(("train", "validation", "test"), report),
        targets={"answer": "classification"},
        weights="best",
        epochs=20,
        loss_is_log_loss=True,
    )
    return replace(base, **changes)


def kinds(evidence):
    return [finding.kind for finding in diagnose(evidence)]


def only(evidence, kind):
    """The one finding there must be."""
    findings = diagnose(evidence)
    assert [finding.kind for finding in findings] == [kind]
    return str(findings[0])


def layers(*gradients, **more):
    return [
        replace(CALM, name=f"dense_{index}", gradient=slope, gradient_norm=10 * slope, **more)
        for index, slope in enumerate(gradients)
    ]


def test_a_healthy_fit_has_no_findings():
    assert diagnose(healthy()) == []
    assert diagnose(Evidence(history=[])) == []
    assert diagnose(healthy(history=history(falling()))) == []


def test_dead_units():
    text = only(healthy(layers=[replace(CALM, dead=0.75)]), "dead_units")
    assert "12 of the 16 units of the layer dense (75 %) are dead: relu gives 0 on all of 500 training rows." in text
    assert diagnose(healthy(layers=[replace(CALM, dead=0.4)])) == []
    assert diagnose(healthy(layers=[replace(CALM, dead=0.75, places=20)])) == []


def test_saturated_units():
    text = only(healthy(layers=[replace(CALM, activation="tanh", dead=None, saturated=0.91)]), "saturated_units")
    assert "91 % of the outputs of the layer dense" in text
    assert "-1 or 1" in text
    assert diagnose(healthy(layers=[replace(CALM, activation="tanh", dead=None, saturated=0.5)])) == []


def test_vanishing_and_exploding_gradients():
    text = only(healthy(layers=layers(1e-9, 1e-6, 1e-3, 0.1)), "vanishing_gradients")
    assert "dense_0 1e-09, dense_1 1e-06, dense_2 0.001, dense_3 0.1" in text
    assert "1e+08 times slower" in text
    assert kinds(healthy(layers=layers(5.0, 0.1, 1e-3))) == ["exploding_gradients"]
    assert kinds(healthy(layers=layers(1e5, 1e5))) == ["exploding_gradients"]
    assert diagnose(healthy(layers=layers(0.01, 0.05, 0.2))) == []
    # What lies behind a wholly dead layer gets no gradient: one sentence, not two.
    assert kinds(healthy(layers=layers(0.0, 0.0, 0.1, dead=1.0)))[:1] == ["dead_units"]
    assert "vanishing_gradients" not in kinds(healthy(layers=layers(0.0, 0.0, 0.1, dead=1.0)))


def test_learning_rate_too_high():
    losses = [0.9, 0.4, 0.8, 0.3, 0.7, 0.35, 0.75, 0.3]
    text = only(healthy(history=history(losses, rate=0.5)), "learning_rate_too_high")
    assert "it jumped up 3 times, in epoch 3 from 0.4 to 0.8, at a rate of 0.5" in text
    scheduled = [{**row, "learning_rate": 0.5 / (index + 1)} for index, row in enumerate(history(losses))]
    assert "from 0.4 to 0.8, at a rate of 0.167." in only(healthy(history=scheduled), "learning_rate_too_high")
    assert kinds(healthy(history=history([0.5, 0.6, 0.7, 0.8, 0.9, 1.0]))) == ["learning_rate_too_high"]
    noisy = [value + 0.01 * (-1) ** index for index, value in enumerate(falling())]
    assert diagnose(healthy(history=history(noisy))) == []
    # Dropout and small batches make a loss of next to nothing jump, which is no matter; of another loss that is not known.
    learnt = [0.5, 0.1, 0.02, 0.008, 0.014, 0.007, 0.013, 0.006, 0.012, 0.007]
    known = {"log_loss": 0.006, "loss": 0.006, "accuracy": 1.0}
    fit = healthy(history=history(learnt), metrics=dict.fromkeys(("train", "test"), known))
    assert "learning_rate_too_high" not in kinds(fit)
    assert "learning_rate_too_high" in kinds(replace(fit, loss_is_log_loss=False))


def test_a_loss_that_begins_far_above_what_knows_nothing():
    known = {"log_loss": 0.2, "loss": 0.2, "accuracy": 0.89}
    fit = healthy(history=history([900.0, 300.0, 80.0, 20.0, 5.0, 0.2]), metrics=dict.fromkeys(("train", "test"), known))
    text = only(fit, "loss_begins_too_high")
    assert "began at 900, where always saying how frequent the classes are gives 0.69" in text
    assert "kernel_initializer" in text
    saturated = {**known, "log_loss": 20.0, "loss": 2000.0}  # a probability has no more than 15 digits, a logit has
    late = replace(fit, metrics={"train": saturated, "test": saturated}, history=history([90000.0, 30000.0, 8000.0, 2000.0]))
    assert "loss_begins_too_high" in kinds(late)
    assert "loss_begins_too_high" not in kinds(replace(fit, loss_is_log_loss=False))
    assert "loss_begins_too_high" not in kinds(replace(fit, history=history([900.0, 800.0, 900.0, 1000.0, 800.0, 900.0])))


def test_learning_rate_too_low():
    straight = [0.7 - 0.01 * index for index in range(20)]
    text = only(healthy(history=history(straight, rate=1e-5)), "learning_rate_too_low")
    assert "21 % of its whole fall from 0.7 to 0.51 came in the last 4 of 20 epochs, at a learning rate of 1e-05." in text
    assert diagnose(healthy(history=history(straight), stopped=True)) == []
    rising = [0.5 + 0.005 * index for index in range(20)]
    assert "learning_rate_too_low" not in kinds(healthy(history=history(straight, rising)))


def test_stuck_at_the_baseline():
    metrics = {part: {"log_loss": 0.69, "accuracy": 0.5} for part in ("train", "test")}
    never = {"labels": ["no", "yes"], "confusion_matrix": [[100, 0], [100, 0]]}
    evidence = healthy(metrics=metrics, history=history([0.7, *[0.69] * 19]), reports={"test": never})
    text = only(evidence, "stuck_at_baseline")  # and not that one class is never predicted as well
    assert "log_loss is 0.69, and always answering with the shares of the classes gives 0.69" in text


def test_underfitting():
    metrics = {part: {"mse": 94.0, "r2": 0.06} for part in ("train", "validation", "test")}
    baselines = {part: {"mse": 100.0, "r2": 0.0} for part in ("train", "validation", "test")}
    evidence = healthy(metrics=metrics, baselines=baselines, targets={"price": "regression"}, reports={})
    assert "mse is 94 (6 % below the baseline's 100)" in only(evidence, "underfitting")
    assert diagnose(replace(evidence, metrics={part: {"mse": 80.0, "r2": 0.2} for part in metrics})) == []


def test_overfitting_and_where_it_began():
    training = falling(20, 0.7, 0.01)
    validation = [*falling(8, 0.7, 0.4), *[0.42 + 0.03 * index for index in range(12)]]
    text = only(healthy(history=history(training, validation)), "overfitting")
    best = validation.index(min(validation)) + 1
    assert f"overfits from epoch {best + 1} on" in text
    assert "had risen from 0.436 to 0.75" in text or "had risen from" in text
    assert "the run's model is that of its best epoch" in text
    assert diagnose(healthy(history=history(training, falling(20, 0.7, 0.3)))) == []


def test_overfitting_without_a_validation_part():
    metrics = {"train": {"log_loss": 0.01, "accuracy": 1.0}, "test": {"log_loss": 0.9, "accuracy": 0.7}}
    evidence = healthy(metrics=metrics, history=history(falling()), rows={"train": 100, "test": 200})
    assert "accuracy is 1 on the training part and 0.7 on the test part" in only(evidence, "overfitting")
    assert "Give it a validation part" in only(evidence, "overfitting")
    validated = replace(evidence, history=history([0.3, 0.01], [0.7, 0.9]))  # two epochs have no curve to tell by
    assert "validation part" not in only(validated, "overfitting")


def test_a_class_never_predicted():
    report = {"labels": ["a", "b", "c"], "confusion_matrix": [[50, 0, 5], [20, 0, 3], [2, 0, 40]]}
    text = only(healthy(reports={"test": report, "train": report}), "class_never_predicted")
    assert "1 class is never predicted on the test part: 'b' (23 rows)." in text
    rare = {"labels": ["a", "b"], "confusion_matrix": [[50, 0], [2, 0]]}
    assert diagnose(healthy(reports={"test": rare})) == []


def test_a_validation_part_too_small():
    metrics = {**healthy().metrics, "validation": {"log_loss": 0.2, "accuracy": 0.83}}
    text = only(healthy(rows={"train": 100, "validation": 24, "test": 200}, metrics=metrics), "validation_too_small")
    assert "of 24 rows an accuracy of 0.83 is sure to ±0.16 only" in text
    assert diagnose(healthy(rows={"train": 100, "validation": 400}, metrics=metrics)) == []


def test_several_targets_are_told_apart():
    names = {"kind_log_loss": 0.69, "kind_accuracy": 0.5, "price_mse": 50.0, "price_r2": 0.5}
    baselines = {"kind_log_loss": 0.69, "kind_accuracy": 0.5, "price_mse": 100.0, "price_r2": 0.0}
    evidence = healthy(
        targets={"kind": "classification", "price": "regression"},
        metrics={"train": names, "test": names},
        baselines={"train": baselines, "test": baselines},
        reports={},
    )
    assert "Nothing was learnt for kind" in only(evidence, "stuck_at_baseline")


finite = st.floats(1e-6, 1e6)


def test_other_baselines_than_the_mean_are_none_to_be_stuck_at():
    """A series is held against its last value, a reconstruction against principal components: neither knows nothing."""
    metrics = {part: {"mse": 50.0, "r2": 0.6, "rmse": 7.1} for part in ("train", "test")}
    baselines = {part: {"mse": 20.0, "r2": 0.84} for part in ("train", "test")}
    evidence = healthy(metrics=metrics, baselines=baselines, targets={"passengers": "regression"}, reports={})
    assert diagnose(evidence) == []
    without_r2 = {part: {"mse": 50.0} for part in metrics}
    assert diagnose(replace(evidence, metrics=without_r2, targets={"image": "reconstruction"})) == []


@given(st.lists(finite, min_size=1, max_size=40), st.lists(finite, max_size=40), st.integers(1, 5000))
def test_any_curve_is_survived(losses, validation, rows):
    evidence = healthy(history=history(losses, validation), rows={"train": 10, "validation": rows})
    for finding in diagnose(evidence):
        assert finding.sentence.endswith(".")
        assert finding.advice.endswith(".")
        assert "nan" not in finding.sentence


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_numbers_that_are_none_are_left_out(value):
    assert diagnose(healthy(history=history([0.7, value, 0.5, 0.4, 0.3, 0.2]))) == []
    metrics = {part: {"log_loss": value, "accuracy": 0.9} for part in ("train", "test")}
    assert diagnose(healthy(metrics=metrics)) == []


@pytest.mark.parametrize("spread", [0.0, 1.0])
def test_numbers_of_a_test_part_that_do_not_vary_show_no_overfitting(spread: float) -> None:
    metrics = {"train": {"mse": 0.01, "r2": 0.99}, "test": {"mse": 0.01, "r2": 0.0}}
    baselines = {"train": {"mse": 1.0}, "test": {"mse": spread}}
    evidence = healthy(
        metrics=metrics,
        baselines=baselines,
        reports={},
        targets={"y": "regression"},
        history=history(falling()),
        rows={"test": 90},
    )
    assert ("overfitting" in kinds(evidence)) == (spread > 0)


@pytest.mark.parametrize(("held", "kind"), [(0.55, "bands_too_narrow"), (0.99, "bands_too_wide"), (0.75, None), (0.88, None)])
def test_bands_that_do_not_hold_what_they_should(held: float, kind: str | None) -> None:
    part = {"rmse": 1.0, "r2": 0.8, "mse": 1.0, "coverage_80": held}
    evidence = Evidence(
        history=history(falling()), rows={"train": 900, "test": 200}, metrics={"test": part}, targets={"y": "regression"}
    )
    found = [finding for finding in diagnose(evidence) if finding.kind.startswith("bands")]
    assert [finding.kind for finding in found] == ([kind] if kind else [])
    if kind == "bands_too_narrow":
        said = "The bands that should hold 80 % of the values hold 55 % of those of the test part: they are too narrow."
        assert found[0].sentence == said
    few = replace(evidence, rows={"train": 900, "test": 12})
    assert not [finding for finding in diagnose(few) if finding.kind.startswith("bands")]
