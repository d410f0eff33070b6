"""The best learning rate is not the one that jumps."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from dltrain.cli.commands.sweep import trials_table
from dltrain.sweep.asked import asked_metric
from dltrain.sweep.comparison import compare
from dltrain.sweep.record import reports_of
from dltrain.sweep.space import show
from tests.sweep.support import small

STEADY = [1.0, 0.6, 0.45, 0.4]
JUMPING = [1.0, 0.3, 1.4, 0.38]


@pytest.fixture
def trials(tmp_path):
    def make(*facts, rate="training.optimizer.learning_rate"):
        made = []
        for number, (value, error, curve) in enumerate(facts, 1):
            path = tmp_path / str(number)
            path.mkdir(exist_ok=True)
            lines = "".join(f"{epoch},{loss}\n" for epoch, loss in enumerate(curve, 1))
            (path / "history.csv").write_text("epoch,val_loss\n" + lines)
            fit = SimpleNamespace(path=path)
            parameters = {rate: 10.0**-number}
            facts_of_trial = {"number": number, "parameters": parameters, "value": value, "standard_error": error, "fits": [fit]}
            made.append(SimpleNamespace(**facts_of_trial, status="finished", spread=None))
        plan = SimpleNamespace(mode="min", fits_per_trial=1, metric="loss", space=[SimpleNamespace(keys=(rate,))])
        return made, plan

    return make


@pytest.mark.parametrize(
    "rate",
    [
        "training.optimizer.learning_rate",
        "training.optimizer.learning_rate.initial_learning_rate",
        "training.optimizer.learning_rate.peak",
        "training.phases.0.optimizer.learning_rate",
    ],
)
def test_d9_of_two_within_chance_the_steadier_is_the_best(trials, rate):
    made, plan = trials((0.38, 0.05, JUMPING), (0.40, 0.05, STEADY), rate=rate)
    found = compare(made, plan)
    assert found.best.number == 2
    assert found.lowest.number == 1
    name = show(made[0].parameters)
    assert f"trial 1 ({name}) has the better loss, 0.38 against 0.4, which is within chance" in found.sentence(plan)


def test_d9_chance_is_what_the_sentence_calls_so_and_of_equally_steady_ones_the_better_is_the_best(trials):
    nearly = [1.0, 0.5, 0.51, 0.42]
    made, plan = trials((0.38, 0.02, JUMPING), (0.43, 0.02, STEADY), (0.42, 0.02, nearly), (0.60, 0.02, STEADY))
    assert compare(made, plan).best.number == 3  # 0.04 is less than two standard errors of the difference, 0.057


@pytest.mark.parametrize(
    "facts",
    [
        [(0.38, 0.01, JUMPING), (0.60, 0.01, STEADY)],  # better by more than chance
        [(0.38, None, JUMPING), (0.40, None, STEADY)],  # nothing is known of chance
        [(0.38, 0.05, STEADY), (0.40, 0.05, JUMPING)],
        [(0.38, 0.05, JUMPING), (0.40, 0.05, JUMPING)],
        [(0.38, 0.05, [1.0, 0.5, 0.52, 0.4]), (0.40, 0.05, STEADY)],  # steady enough
        [(1.099, 0.05, [1.099, 1.0990001, 1.0989999]), (1.099, 0.05, [1.099] * 3)],  # nothing was learnt
        [(0.38, 0.05, JUMPING), (0.40, 0.05, [0.4] * 4)],  # and what learnt nothing is not called steady
    ],
)
def test_d9_else_the_lowest_is(facts, trials):
    made, plan = trials(*facts)
    assert compare(made, plan).best.number == 1


def test_d9_other_keys_are_compared_by_their_values(trials):
    made, plan = trials((0.38, 0.05, JUMPING), (0.40, 0.05, STEADY), rate="training.batch_size")
    assert compare(made, plan).best.number == 1


def test_d9_the_table_shows_what_people_ask_for():
    trials = [
        {"number": 1, "parameters": {"a": 1}, "status": "finished", "value": 0.2, "epoch": 7, "metrics": {"validation": {"auc": 0.91}}},
        {"number": 2, "parameters": {"a": 2}, "status": "failed", "value": None, "metrics": {}},
        {"number": 3, "parameters": {"a": 3}, "status": "finished", "value": 0.3, "metrics": {"validation": {"auc": 0.8}},
         "epoch": None, "fits": [{"epoch": 12}, {"epoch": 5}]},
    ]  # fmt: skip
    lines = trials_table(trials, "loss", trials[0], asked="auc").splitlines()
    assert lines[0].split() == ["trial", "a", "status", "epoch", "loss", "auc"]
    assert lines[1].split() == ["1", "1", "finished", "7", "0.2000", "0.9100", "best"]
    assert lines[2].split() == ["2", "2", "failed", "-", "-", "-"]
    assert lines[3].split() == ["3", "3", "finished", "5-12", "0.3000", "0.8000"]


@pytest.mark.parametrize(
    ("metrics", "there", "compared", "asked"),
    [
        ("[AUC]", ["loss", "accuracy", "auc"], "loss", "auc"),
        ("[mae]", ["loss", "rmse", "mae"], "loss", "mae"),
        ("[mean_absolute_error, mse]", ["loss", "rmse", "mae"], "val_loss", "mae"),
        ("[]", ["log_loss", "accuracy", "loss"], "loss", "accuracy"),
        ("[]", ["r2", "rmse", "mae", "loss"], "loss", "rmse"),
        ("[]", ["r2", "rmse", "mae", "loss"], "rmse", None),
        ("[accuracy]", ["accuracy", "loss"], "val_accuracy", None),
        ("[]", ["loss"], "loss", None),
    ],
)
def test_d9_what_is_asked_for_is_the_first_metric_of_the_config_else_the_usual_one(metrics, there, compared, asked):
    plan = SimpleNamespace(config=small(f"training.metrics={metrics}"), metric=compared)
    trial = SimpleNamespace(metrics={"validation": dict.fromkeys(there, 0.5)})
    assert asked_metric(plan, [trial]) == asked


def test_d9_the_best_value_is_named_beside_the_trial_that_is_recommended(trials):
    made, plan = trials((0.38, 0.05, JUMPING), (0.40, 0.05, STEADY))
    found = compare(made, plan)
    assert (found.best.number, found.top.number) == (2, 1)
    assert compare(made[:1], plan).top.number == 1


def test_the_table_by_class_is_the_mean_of_what_all_fits_have(tmp_path):
    fits = []
    for number, (f1, auc) in enumerate([(0.5, None), (0.7, 0.9)]):
        path = tmp_path / str(number)
        path.mkdir()
        # Of a label that no row of the part has there is no area under the curve.
        scores = {"precision": f1, "recall": f1, "f1": f1, "average_precision": auc, "roc_auc": auc}
        row = {**scores, "support": 4, "predicted": 4}
        (path / "manifest.json").write_text("{}")
        (path / "metrics.json").write_text(json.dumps({"reports": {"test": {"classes": {"a": row}, "averages": {}}}}))
        fits.append(SimpleNamespace(path=path, status="finished"))
    found = reports_of(SimpleNamespace(fits=fits))["test"]["classes"]["a"]
    assert found == pytest.approx({"precision": 0.6, "recall": 0.6, "f1": 0.6, "support": 4.0, "predicted": 4.0})
