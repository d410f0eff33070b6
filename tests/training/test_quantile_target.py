"""A fit that learns the quantiles of its target: everything that is said is in own units."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from dltrain.config import load_config_text
from dltrain.evaluation.evaluate import evaluate
from dltrain.evaluation.export import export
from dltrain.evaluation.predictions.predict import predict
from dltrain.training.fit import fit
from tests.training.stacked.support import assert_like_own_fits

TEXT = """
seed: 3
data: {source: csv, path: p.csv, target: y, scale_target: quantile, split: {test: 0.25, validation: 0.2}}
model: {layers: [{Dense: {units: 8, activation: relu}}]}
training: {optimizer: {Adam: {learning_rate: 0.02}}, epochs: 3, batch_size: 32, metrics: [RootMeanSquaredError, MeanAbsolutePercentageError]}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    generator = np.random.default_rng(0)
    x, kind = generator.normal(size=300), generator.choice(list("abc"), 300)
    y = 5 + np.exp(5 + x + (kind == "a") + generator.normal(0, 0.6, 300))
    rows = "\n".join(f"{a:.4f},{b},{c:.4f}" for a, b, c in zip(x, kind, y, strict=True))
    (tmp_path / "p.csv").write_text(f"x,kind,y\n{rows}\n")
    return tmp_path


def test_metrics_predictions_and_exports_are_in_own_units(folder: Path) -> None:
    import keras
    import tensorflow as tf

    run = fit(load_config_text(TEXT, folder=folder), run_dir=folder / "run").run
    with open(folder / "p.csv", newline="") as file:
        true = np.array([float(row["y"]) for row in csv.DictReader(file)])
    said = np.array(predict(run, data=[str(folder / "p.csv")]).prediction)
    assert np.corrcoef(said, true)[0, 1] > 0.5
    result = evaluate(run, data=[str(folder / "p.csv")])
    rmse = float(np.sqrt(np.mean((said - true) ** 2)))
    assert result.metrics["rmse"] == pytest.approx(rmse, rel=1e-4)
    assert result.metrics["root_mean_squared_error"] == pytest.approx(rmse, rel=1e-4)
    percentage = 100 * float(np.mean(np.abs(said - true) / true))
    assert result.metrics["mean_absolute_percentage_error"] == pytest.approx(percentage, rel=1e-3)
    train = np.load(run / "state" / "parts.npz")["train"]
    baseline = float(np.sqrt(np.mean((true[train].mean() - true) ** 2)))
    assert result.baseline["rmse"] == pytest.approx(baseline, rel=1e-3)
    export(run, format="keras", destination=folder / "e.keras", force=True)
    model = keras.models.load_model(folder / "e.keras")
    (folder / "two.csv").write_text("x,kind\n0.5,a\n-1.25,never\n")
    found = model.predict({"x": tf.constant([0.5, -1.25]), "kind": tf.constant(["a", "never"])}, verbose=0)["prediction"]
    np.testing.assert_allclose(np.ravel(found), predict(run, data=[str(folder / "two.csv")]).prediction, rtol=1e-4)


@pytest.mark.slow
def test_such_fits_are_stacked_as_alone(folder: Path) -> None:
    texts = [TEXT, TEXT.replace("seed: 3", "seed: 4")]
    assert_like_own_fits([load_config_text(text, folder=folder) for text in texts], folder, tolerance=1e-3)
