"""Intervals of Keras's own metrics: every metric has one, and it covers what is true as often as it says."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
import polars
import pytest
from scipy.stats import t as student
from sklearn.metrics import average_precision_score, fbeta_score

from dltrain.cli.app import run as dltrain
from dltrain.evaluation.evaluate import evaluate
from dltrain.evaluation.metrics.bootstrap import jackknife
from dltrain.evaluation.metrics.intervals import units_of
from dltrain.training.fit import fit
from tests.training.support import config_of

KINDS = {
    "binary": "[AUC, {AUC: {curve: PR, name: pr}}, Hinge, FalseNegatives, {FBetaScore: {beta: 2.0}}, MeanSquaredError]",
    "classes": "[AUC, Precision, Recall, {Recall: {top_k: 2, name: r2}}, {MeanIoU: {num_classes: 3}}, KLDivergence]",
    "number": "[MeanSquaredLogarithmicError, LogCoshError, R2Score, RootMeanSquaredError, MeanAbsolutePercentageError]",
    "focal": "[accuracy], loss: {CategoricalFocalCrossentropy: {gamma: 2.0}}",
    "two targets": "[AUC, F1Score, LogCoshError]",
    "labels": "[AUC, {AUC: {multi_label: true, name: each}}, F1Score, {F1Score: {average: micro, name: all}}, BinaryAccuracy]",
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_metric_has_an_interval_around_it(kind: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    values = rng.normal(size=(240, 3))
    scores = values @ rng.normal(size=(3, 3)) + rng.normal(size=(240, 3))
    target: Any = {
        "binary": np.array(["no", "yes"])[(scores[:, 0] > 0).astype(int)],
        **dict.fromkeys(("classes", "focal"), np.array(["u", "v", "w"])[scores.argmax(axis=1)]),
        **dict.fromkeys(("number", "two targets"), np.exp(scores[:, 0])),
        "labels": ["|".join(name for name, is_set in zip("pqr", row, strict=True) if is_set) for row in scores > 0],
    }[kind]
    table = {**{name: values[:, place] for place, name in enumerate("abc")}, "y": target}
    second, asked = ({"z": (scores[:, 1] > 0).astype(int)}, "[y, z]") if kind == "two targets" else ({}, "y")
    polars.DataFrame({**table, **second}).write_csv(tmp_path / "t.csv")
    more = "task: multilabel, labels: {separator: '|'}, " if kind == "labels" else ""
    text = f"""
    data: {{source: csv, path: t.csv, target: {asked}, {more}split: {{test: 0.5}}}}
    model: {{layers: [{{Dense: {{units: 6, activation: relu}}}}]}}
    training: {{epochs: 2, metrics: {KINDS[kind]}}}
    """
    result = fit(config_of(text, folder=tmp_path), run_dir=tmp_path / "run")
    metrics, intervals = result.metrics["test"], result.intervals["test"]
    assert set(metrics) == {name for name in metrics if name in intervals}
    for name, value in metrics.items():
        assert intervals[name][0] <= value <= intervals[name][1], name
    again = evaluate(result.run).intervals
    assert {name: pytest.approx(bounds) for name, bounds in intervals.items()} == again
    gate = next(name for name in metrics if name != "loss" and metrics[name] > 0)
    assert dltrain(["evaluate", str(result.run), "--require", f"{gate}>=0.0 @95%"]) == 0


OWN = """
import keras

@keras.saving.register_keras_serializable()
class OfAll(keras.losses.Loss):
    def call(self, y_true, y_pred):
        return keras.ops.mean(keras.ops.square(y_true - y_pred))

@keras.saving.register_keras_serializable()
class Width(keras.metrics.Mean):
    def update_state(self, y_true, y_pred, sample_weight=None):
        super().update_state(float(y_true.get_shape()[-1]))
"""


@pytest.mark.parametrize(("loss", "metric"), [("Dice", "AUC"), ("OfAll", "Width")])
def test_a_loss_of_many_rows_at_once_and_own_code_have_none(loss: str, metric: str, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("DLTRAIN_TRUST_CODE", "1")
    (tmp_path / "own.py").write_text(OWN)
    rng = np.random.default_rng(6)
    table = {"a": rng.normal(size=90), "y": rng.normal(size=90) if metric == "Width" else [f"c{row % 3}" for row in range(90)]}
    polars.DataFrame(table).write_csv(tmp_path / "t.csv")
    text = f"""
    {"code: [own.py]" if metric == "Width" else ""}
    data: {{source: csv, path: t.csv, target: y, split: {{test: 0.5}}}}
    model: {{layers: [{{Dense: {{units: 3}}}}]}}
    training: {{epochs: 1, loss: {loss}, metrics: [{metric}]}}
    """
    result = fit(config_of(text, folder=tmp_path), run_dir=tmp_path / "run")
    assert {"loss", metric.lower()} <= set(result.metrics["test"])
    assert {"loss", metric.lower()} & set(result.intervals["test"]) == ({"auc"} if metric == "AUC" else set())


def interval_of(metric: Any, true: np.ndarray, said: np.ndarray) -> tuple[float, float]:
    """The interval of a metric over rows that are independent."""
    units = units_of(len(true))
    assert units is not None
    metric.update_state(true, said)
    value, groups = float(metric.result()), jackknife.groups_of(units)
    shown = (partial(lambda one, rows: one.update_state(true[rows], said[rows]), rows=rows) for rows in groups)
    found = jackknife.interval_of_states(metric, jackknife.states_of(metric, *shown), value)
    assert found is not None
    return found


def test_of_a_mean_it_is_student_s() -> None:
    true, said = np.zeros((4000, 1), "float32"), np.random.default_rng(2).normal(size=(4000, 1)).astype("float32")
    low, high = interval_of(keras.metrics.MeanAbsoluteError(), true, said)
    half = student.ppf(0.975, jackknife.GROUPS - 1) * np.abs(said).std() / np.sqrt(4000)
    assert (low + high) / 2 == pytest.approx(np.abs(said).mean(), rel=1e-4)
    assert (high - low) / 2 == pytest.approx(half, rel=0.5)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["pr", "f_beta", "log_cosh", "false_negatives"])
def test_it_covers_what_is_true_in_some_95_of_100_samples(name: str) -> None:
    def drawn(rng: np.random.Generator, rows: int) -> tuple[np.ndarray, np.ndarray]:
        true = rng.random(rows) < 0.4
        said = 1 / (1 + np.exp(-(rng.normal(size=rows) + 1.2 * true - 0.6)))
        return true.astype("float32")[:, None], said.astype("float32")[:, None]

    make = {
        "pr": lambda: keras.metrics.AUC(curve="PR"),
        "f_beta": lambda: keras.metrics.FBetaScore(average="macro", beta=2.0, threshold=0.5),
        "log_cosh": keras.metrics.LogCoshError,
        "false_negatives": keras.metrics.FalseNegatives,
    }[name]
    true, said = drawn(np.random.default_rng(0), 400_000)
    flags, scores, rows = true[:, 0] > 0, said[:, 0], 500
    expected = {
        "pr": lambda: average_precision_score(flags, scores),
        "f_beta": lambda: fbeta_score(flags, scores > 0.5, beta=2.0),
        "log_cosh": lambda: np.log(np.cosh(true - said)).mean(),
        "false_negatives": lambda: rows * (flags & (scores <= 0.5)).mean(),
    }[name]()
    hits = 0
    for seed in range(400):
        low, high = interval_of(make(), *drawn(np.random.default_rng(seed + 1), rows))
        hits += low <= expected <= high
    assert 0.925 <= hits / 400 <= 0.975
