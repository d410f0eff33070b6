"""A fit that learns the logarithm of its target: everything that is said is in own units, with the smearing."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from dltrain.config import load_config_text
from dltrain.evaluation.evaluate import evaluate
from dltrain.evaluation.export import export
from dltrain.evaluation.load_run import load_run
from dltrain.evaluation.predictions.predict import predict
from dltrain.training.fit import fit
from dltrain.training.stacked.structure import why_not_stacked

TEXT = """
seed: 3
data: {source: csv, path: p.csv, target: y, scale_target: log, split: {test: 0.25, validation: 0.2}}
model: {layers: [{Dense: {units: 8, activation: relu}}]}
training: {optimizer: {Adam: {learning_rate: 0.02}}, epochs: 8, batch_size: 32, metrics: [RootMeanSquaredError]}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("log_target")
    generator = np.random.default_rng(0)
    x, kind = generator.normal(size=500), generator.choice(list("abc"), 500)
    y = np.exp(5 + x + (kind == "a") + generator.normal(0, 0.6, 500))
    rows = "\n".join(f"{a:.4f},{b},{c:.4f}" for a, b, c in zip(x, kind, y, strict=True))
    (folder / "p.csv").write_text(f"x,kind,y\n{rows}\n")
    fit(load_config_text(TEXT, folder=folder), run_dir=folder / "run")
    return folder


def test_metrics_of_the_run_are_those_of_its_predictions(folder: Path) -> None:
    run = folder / "run"
    [spec] = load_run(run).preprocessing.schema.targets
    assert 1.05 < spec.smearing < 1.5  # of noise of 0.6 it is exp(0.18) = 1.20
    with open(folder / "p.csv", newline="") as file:
        true = np.array([float(row["y"]) for row in csv.DictReader(file)])
    said = np.array(predict(run, data=[str(folder / "p.csv")]).prediction)
    result = evaluate(run, data=[str(folder / "p.csv")])
    rmse = float(np.sqrt(np.mean((said - true) ** 2)))
    assert result.metrics["rmse"] == pytest.approx(rmse, rel=1e-5)
    assert result.metrics["root_mean_squared_error"] == pytest.approx(rmse, rel=1e-5)
    assert result.metrics["mae"] == pytest.approx(float(np.abs(said - true).mean()), rel=1e-5)
    parts = np.load(run / "state" / "parts.npz")
    train = parts["train"]
    # Duan's factor of the training part itself: without it the predictions' logarithms are the model's own.
    residuals = np.log(true[train]) - np.log(said[train] / spec.smearing)
    assert spec.smearing == pytest.approx(float(np.exp(residuals).mean()), rel=1e-4)
    baseline = float(np.sqrt(np.mean((true[train].mean() - true) ** 2)))
    assert result.baseline["rmse"] == pytest.approx(baseline, rel=1e-5)


def test_an_export_answers_in_own_units(folder: Path) -> None:
    import keras
    import tensorflow as tf

    made = export(folder / "run", format="keras", destination=folder / "e.keras", force=True)
    assert made.difference is not None
    model = keras.models.load_model(folder / "e.keras")
    (folder / "two.csv").write_text("x,kind\n0.5,a\n-1.25,never\n")
    found = model.predict({"x": tf.constant([0.5, -1.25]), "kind": tf.constant(["a", "never"])}, verbose=0)["prediction"]
    said = predict(folder / "run", data=[str(folder / "two.csv")]).prediction
    np.testing.assert_allclose(np.ravel(found), said, rtol=1e-4)


def test_such_fits_are_trained_together(folder: Path) -> None:
    assert why_not_stacked(load_config_text(TEXT, folder=folder)) is None
