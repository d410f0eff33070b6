"""Quantiles of a series, from the fit to predictions: learnt by the pinball loss, never crossing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars
import pytest
from sklearn.metrics import mean_pinball_loss

from dltrain.checking import check_config
from dltrain.errors import ConfigError
from dltrain.evaluation.evaluate import evaluate
from dltrain.evaluation.predictions.ahead import predict_ahead
from dltrain.evaluation.predictions.predict import predict
from dltrain.evaluation.predictions.stored_part import predict_part
from dltrain.model.heads.pinball import pinball_class
from dltrain.model.keras_import import import_keras
from dltrain.training.fit import fit
from dltrain.training.result import FitResult
from tests.training.support import config_of

NOISE = """
name: noise
seed: 2
data:
  source: csv
  path: noise.csv
  target: y
  series: {time: day, history: 5, horizon: 2, quantiles: [0.9, 0.1, 0.5]}
  split: {test: 0.3, validation: 0.2}
model:
  layers: [Flatten]
training: {optimizer: {Adam: {learning_rate: 0.02}}, epochs: 8, batch_size: 16}
evaluation: {require: [crps<99, coverage_80>0.4]}
"""
QUANTILES = (0.1, 0.5, 0.9)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("quantiles")
    days = [str(np.datetime64("2020-01-01") + day) for day in range(500)]
    polars.DataFrame({"day": days, "y": np.random.default_rng(3).normal(100, 20, 500)}).write_csv(folder / "noise.csv")
    return folder


@pytest.fixture(scope="module")
def trained(folder: Path) -> FitResult:
    return fit(config_of(NOISE, folder=folder), run_dir=folder / "run")


def columns_of(found: object, ahead: int) -> list[np.ndarray]:
    named = [f"prediction_y +{ahead}" if quantile == 0.5 else f"quantile_{quantile:g}_y +{ahead}" for quantile in QUANTILES]
    return [np.array(found.columns[name]) for name in named]  # type: ignore[attr-defined]


def test_noise_has_the_quantiles_of_its_distribution(trained: FitResult) -> None:
    said = predict_part(trained.run, "test")
    truth = np.concatenate([said.identifiers[f"true_y +{ahead}"] for ahead in (1, 2)])
    low, middle, high = (np.concatenate(pair) for pair in zip(columns_of(said, 1), columns_of(said, 2), strict=True))
    assert ((low <= middle) & (middle <= high)).all()
    metrics = trained.metrics["test"]
    losses = [mean_pinball_loss(truth, said, alpha=alpha) for alpha, said in zip(QUANTILES, (low, middle, high), strict=True)]
    assert metrics["crps"] == pytest.approx(2 * np.mean(losses), rel=1e-4)
    assert metrics["coverage_80"] == pytest.approx(((low <= truth) & (truth <= high)).mean())
    assert metrics["mae"] == pytest.approx(np.abs(truth - middle).mean(), rel=1e-4)
    assert 0.65 < metrics["coverage_80"] < 0.92
    intervals = evaluate(trained.run).intervals
    for name in ("crps", "pinball", "coverage_80"):
        low, high = intervals[name]
        assert low < metrics[name] < high
    assert intervals["crps"] == pytest.approx([2 * end for end in intervals["pinball"]])
    assert intervals["coverage_80"][1] < 1
    # The loss is the mean pinball loss in units of the training part's deviation.
    train = polars.read_csv(trained.run.parent / "noise.csv")["y"].to_numpy()[:280]
    assert metrics["loss"] == pytest.approx(np.mean(losses) / train.std(), rel=1e-3)
    assert [row["quantile"] for row in trained.report["quantiles"]] == list(QUANTILES)
    assert evaluate(trained.run).metrics == pytest.approx(metrics)
    assert (trained.run / "forecast.png").is_file()


def test_the_file_opens_in_plain_keras_and_does_not_cross_there(trained: FitResult) -> None:
    model = import_keras().models.load_model(trained.run / "checkpoints" / "best.h5")
    rows = np.random.default_rng(0).normal(0, 30, (200, 5, 1)).astype("float32")
    outputs = np.asarray(model(rows)).reshape(200, 2, 3)
    assert (np.diff(outputs, axis=2) >= 0).all()
    kernel, bias = model.get_layer("output_values").get_weights()
    values = (rows.reshape(200, 5) @ kernel + bias).reshape(200, 2, 3).astype(float)
    rises = np.logaddexp(0, values[..., 1:]).cumsum(axis=2)
    expected = np.concatenate([values[..., :1], values[..., :1] + rises], axis=2)
    np.testing.assert_allclose(outputs, expected, rtol=1e-4, atol=1e-4)


def test_what_comes_next_has_quantiles_as_far_as_the_horizon(folder: Path, trained: FitResult) -> None:
    found = predict_ahead(trained.run, 3)
    plain = predict(trained.run, data=[str(folder / "noise.csv")])
    low, middle, high = ([values[-1] for values in pair] for pair in zip(columns_of(plain, 1), columns_of(plain, 2), strict=True))
    assert found.columns["quantile_0.1"][:2] == pytest.approx(low)
    assert found.prediction[:2] == pytest.approx(middle)
    assert found.columns["quantile_0.9"][:2] == pytest.approx(high)
    assert np.isnan(found.columns["quantile_0.9"][2])
    assert any("quantiles end with the horizon" in note for note in found.notes)


def test_the_loss_is_scikit_learns() -> None:
    generator = np.random.default_rng(1)
    true, said = generator.normal(size=(2, 30, 3)).astype("float32")
    expected = np.mean([mean_pinball_loss(true[:, place], said[:, place], alpha=alpha) for place, alpha in enumerate(QUANTILES)])
    loss = pinball_class()(QUANTILES)
    assert float(loss(true, said)) == pytest.approx(expected, rel=1e-5)
    assert pinball_class().from_config(loss.get_config()).quantiles == list(QUANTILES)


@pytest.mark.parametrize(
    ("override", "path", "words"),
    [
        ("data.series.quantiles=[0.1, 0.9]", "data.series.quantiles", "0.5 is not among the quantiles"),
        ("training.loss=mae", "training.loss", "quantiles are learnt by the pinball loss"),
        ("model.output={Dense: {units: 6}}", "model.output", "the outputs of quantiles are added"),
        ("training.metrics=[mae]", "training.metrics", "metrics compare one forecast with the truth"),
        ("training.checkpoint={filepath: a.keras, format: keras}", "training.checkpoint.format", "plain Keras does not know"),
        ("training.members=2", "training.members", "here each row has several quantiles"),
        ("evaluation.require=[coverage_50>0.4]", "evaluation.require", "no metric coverage_50"),
    ],
)
def test_what_quantiles_exclude_is_said_before_training(folder: Path, override: str, path: str, words: str) -> None:
    try:
        faults = check_config(config_of(NOISE, override, folder=folder)).errors
    except ConfigError as error:
        faults = error.faults
    assert any(fault.path == path and words in fault.message for fault in faults), faults
