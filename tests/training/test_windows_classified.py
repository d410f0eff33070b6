"""Windows of series with a label: from the fit to the exported model, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars
import pytest

from dltrain.checking import check_config
from dltrain.data import load_dataset
from dltrain.data.arrays.disk_array import in_memory
from dltrain.errors import ConfigError, UsageError
from dltrain.evaluation.evaluate import evaluate
from dltrain.evaluation.export import export
from dltrain.evaluation.metrics.learned_baselines import learned_baselines
from dltrain.evaluation.predictions.ahead import predict_ahead
from dltrain.evaluation.predictions.predict import predict
from dltrain.evaluation.predictions.stored_part import predict_part
from dltrain.evaluation.slices import cut_result
from dltrain.model.keras_import import import_keras
from dltrain.training.fit import FitResult, fit
from tests.training.support import config_of

PITCHES = """
name: pitches
seed: 2
data:
  source: csv
  path: pitches.csv
  target: pitch
  task: classification
  series: {id: tone, time: at, history: 12, stride: 3, scale: per_series}
  split: {test: 0.2, validation: 0.2}
model:
  layers: [{Conv1D: {filters: 8, kernel_size: 4, activation: relu}}, GlobalAveragePooling1D]
training: {optimizer: {Adam: {learning_rate: 0.05}}, epochs: 12, batch_size: 16, metrics: [accuracy]}
"""


def pitches(folder: Path, name: str = "pitches.csv", seed: int = 0) -> polars.DataFrame:
    """Sines of two frequencies, at random phases and levels."""
    generator, frames = np.random.default_rng(seed), []
    for tone in range(30):
        high, at = tone % 2, np.arange(24)
        values = np.sin((0.4 + 1.2 * high) * at + generator.uniform(0, 6)) + generator.normal(0, 0.1, 24) + 50 * tone
        frames.append(polars.DataFrame({"tone": tone, "at": at, "value": values, "pitch": ["low", "high"][high]}))
    frame = polars.concat(frames)
    frame.write_csv(folder / name)
    return frame


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> FitResult:
    """Two members, whose average is calibrated and held to a gate of the series' answers."""
    folder = tmp_path_factory.mktemp("pitches")
    pitches(folder)
    gate = "evaluation={calibrate: temperature, require: ['series_accuracy>=0.9']}"
    config = config_of(PITCHES, gate, "training.members=2", folder=folder)
    assert not check_config(config).errors
    return fit(config, run_dir=folder / "run")


def test_tones_are_told_apart(run: FitResult, tmp_path: Path) -> None:
    assert run.metrics["test"]["accuracy"] > 0.95
    assert run.baseline["accuracy"] == pytest.approx(0.5)
    frame = pitches(tmp_path, "new.csv", seed=9)
    result = evaluate(run.run, data=[str(tmp_path / "new.csv")])
    said = predict(run.run, data=[str(tmp_path / "new.csv")], windows=True)
    true = dict(frame.select("tone", "pitch").unique().iter_rows())
    right = [label == true[int(tone)] for label, tone in zip(said.prediction, said.identifiers["tone"], strict=True)]
    assert len(right) == 30 * 5
    by_tone = cut_result(result, ["tone"])
    assert result.metrics["accuracy"] == pytest.approx(np.mean([one.metrics["accuracy"] for one in by_tone]))
    assert result.metrics["accuracy"] == pytest.approx(np.mean(right))

    exported = export(run.run, format="keras", destination=tmp_path / "tones.keras")
    assert "the file answers one window; a series' answer is the mean of the probabilities of its windows" in exported.notes
    model = import_keras().models.load_model(exported.path)
    import tensorflow as tf

    last = frame.filter(polars.col("tone") == 7)["value"].to_numpy()[None, -12:]
    answers = model({"value": tf.constant(last, tf.float32)})
    of_last = [place for place, tone in enumerate(said.identifiers["tone"]) if tone == "7"][-1]
    assert np.ravel(answers["prediction"])[0].decode() == said.prediction[of_last]
    with pytest.raises(UsageError, match="tells labels of windows"):
        predict_ahead(run.run, 3)


def test_each_series_has_one_answer(run: FitResult) -> None:
    from sklearn.metrics import accuracy_score, log_loss

    each = predict_part(run.run, "test", windows=True).to_frame()
    one = predict_part(run.run, "test").to_frame()
    columns = ["probability_high", "probability_low"]
    by_hand = each.group_by("tone", maintain_order=True).agg(*columns, "true_pitch", polars.len().alias("windows"))
    by_hand = by_hand.with_columns(polars.col(*columns).list.mean(), polars.col("true_pitch").list.first())
    assert one["tone"].to_list() == by_hand["tone"].to_list()
    assert one["windows"].to_list() == by_hand["windows"].to_list()
    assert one["true_pitch"].to_list() == by_hand["true_pitch"].to_list()
    np.testing.assert_allclose(one.select(columns).to_numpy(), by_hand.select(columns).to_numpy(), rtol=1e-6)
    metrics = run.metrics["test"]
    assert metrics["series_accuracy"] == accuracy_score(one["true_pitch"], one["prediction"])
    assert metrics["series_log_loss"] == pytest.approx(log_loss(one["true_pitch"], one.select(columns)), rel=1e-6)
    assert one["error"].mean() == pytest.approx(metrics["series_log_loss"], rel=1e-6)
    assert run.report["series_answers"]["series"] == len(one)
    assert run.baseline["series_accuracy"] == pytest.approx(0.5)
    low, high = run.intervals["test"]["series_accuracy"]
    assert low < metrics["series_accuracy"] <= high
    members = json.loads((run.run / "metrics.json").read_text())["members"]["metrics"]["test"]
    again = evaluate(run.run)
    assert again.metrics == pytest.approx(metrics)
    measured = again.members
    assert measured.keys() == members.keys() >= {"series_accuracy", "accuracy"}
    assert measured["series_log_loss"]["values"] == pytest.approx(members["series_log_loss"]["values"], rel=1e-5)

    said = predict(run.run, data=[str(run.run.parent / "pitches.csv")])
    assert said.identifiers.keys() == {"tone"}
    assert len(said.prediction) == 30
    assert said.columns["windows"] == [5] * 30
    assert len(said.columns["spread"]) == 30
    assert "the mean probability of its windows, 150 in all" in said.notes[0]


def test_baselines_that_learn_take_a_window_for_a_row(tmp_path: Path) -> None:
    from sklearn.linear_model import LogisticRegression

    pitches(tmp_path)
    config = config_of(PITCHES, "data.series.scale=null", "evaluation.baselines=[linear]", folder=tmp_path)
    assert not check_config(config).errors
    dataset = load_dataset(config.data, seed=2)
    train, test = dataset.parts["train"], dataset.parts["test"]
    found = learned_baselines(["linear"], dataset.schema, train, test, 0)["linear"]["accuracy"]
    rows, shown = (in_memory(part.inputs["features"]).reshape(part.num_rows, -1) for part in (train, test))
    model = LogisticRegression(max_iter=1000).fit(rows, train.targets["pitch"])
    assert found == pytest.approx(model.score(shown, test.targets["pitch"]), abs=0.02)


@pytest.mark.parametrize(
    ("override", "path", "words"),
    [
        ("data.series.horizon=2", "data.series.horizon", "a window has one label"),
        ("data.series.quantiles=[0.1, 0.5]", "data.series.quantiles", "belongs to forecasts"),
        ("data.series.known=[value]", "data.series.known", "belongs to forecasts"),
        ("data.series={history: 3, label_of: series}", "data.series.label_of", "one series with one label"),
        ("data.series={history: 3, id: tone, label_of: series, offset: 1}", "data.series.offset", "that of no row"),
        ("data.split={group: tone, test: 0.2}", "data.split.group", "a series is split by time"),
        ("data.features=[value, pitch]", "data.features", "among the features"),
        ("data.task=regression", "data.target", "a series foretells numbers"),
    ],
)
def test_what_labels_of_windows_exclude(tmp_path: Path, override: str, path: str, words: str) -> None:
    pitches(tmp_path)
    try:
        faults = check_config(config_of(PITCHES, override, folder=tmp_path)).errors
    except ConfigError as error:
        faults = error.faults
    assert any(fault.path == path and words in fault.message for fault in faults), faults
