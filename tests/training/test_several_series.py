"""Several series as one model, from the fit to what is said of each."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars
import pytest

from dltrain.errors import UsageError
from dltrain.evaluation.evaluate import evaluate
from dltrain.evaluation.predictions.stored_part import predict_part
from dltrain.evaluation.slices import cut_result
from dltrain.training.fit import fit
from dltrain.training.result import FitResult
from tests.training.support import config_of

STORES = """
name: stores
seed: 2
data:
  source: csv
  path: stores.csv
  target: y
  series: {id: store, time: day, history: 6, horizon: 2}
  split: {test: 0.2, validation: 0.2}
model:
  layers: [Flatten]
training: {epochs: 3, batch_size: 16}
evaluation: {require: [mase<99]}
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, FitResult]:
    folder = tmp_path_factory.mktemp("stores")
    values = np.random.default_rng(5).normal(0, 1, (3, 60)).cumsum(axis=1) + np.array([[50], [500], [5]])
    days = [str(np.datetime64("2024-01-01") + day) for day in range(60)]
    frames = [polars.DataFrame({"store": 60 * [11 + place], "day": days, "y": values[place]}) for place in range(3)]
    polars.concat(frames).write_csv(folder / "stores.csv")
    return folder, fit(config_of(STORES, folder=folder), run_dir=folder / "run")


def test_errors_of_each_series_in_those_of_its_naive_forecast(trained: tuple[Path, FitResult]) -> None:
    folder, result = trained
    frame = polars.read_csv(folder / "stores.csv")
    said = predict_part(result.run, "test")
    mase, rmsse, smape, drift_mase = [], [], [], []
    for store in (11, 12, 13):
        y = frame.filter(polars.col("store") == store)["y"].to_numpy()
        train, rows = y[:38], [place for place, name in enumerate(said.identifiers["store"]) if name == str(store)]
        truth = np.stack([np.array(said.identifiers[f"true_y +{ahead}"])[rows] for ahead in (1, 2)], axis=1)
        forecast = np.stack([np.array(said.columns[f"prediction_y +{ahead}"])[rows] for ahead in (1, 2)], axis=1)
        np.testing.assert_allclose(truth[0], y[54:56], rtol=1e-5)
        scale = np.abs(train[7:] - train[:-7]).mean()
        mase.append(np.abs(truth - forecast).mean() / scale)
        rmsse.append(np.sqrt(((truth - forecast) ** 2).mean() / (np.diff(train) ** 2).mean()))
        smape.append((200 * np.abs(truth - forecast) / (np.abs(truth) + np.abs(forecast))).mean())
        ends = np.arange(53, 58)
        drift = np.stack([y[ends] + ahead * (y[ends] - y[ends - 5]) / 5 for ahead in (1, 2)], axis=1)
        drift_mase.append(np.abs(drift - truth).mean() / scale)
    metrics = result.metrics["test"]
    assert metrics["mase"] == pytest.approx(np.mean(mase), rel=1e-3)
    assert metrics["rmsse"] == pytest.approx(np.mean(rmsse), rel=1e-3)
    assert metrics["smape"] == pytest.approx(np.mean(smape), rel=1e-3)
    found = {row["series"]: row for row in result.report["series"]}
    assert [found[str(store)]["mase"] for store in (11, 12, 13)] == pytest.approx(mase, rel=1e-3)
    assert result.report["baselines"]["drift"]["mase"] == pytest.approx(np.mean(drift_mase), rel=1e-3)
    again = evaluate(result.run)
    assert again.metrics == pytest.approx(metrics)
    slices = cut_result(again, ["store"])
    assert {one.name: one.metrics["mase"] for one in slices} == pytest.approx(
        {str(store): value for store, value in zip((11, 12, 13), mase, strict=True)}, rel=1e-3
    )
    assert all(one.rows == 5 and one.baseline["rmse"] > 0 for one in slices)
    with pytest.raises(UsageError, match="by what tells these apart, not by y"):
        cut_result(again, ["y"])


def test_other_rows_are_measured_by_the_training_part(trained: tuple[Path, FitResult]) -> None:
    folder, result = trained
    frame = polars.read_csv(folder / "stores.csv")
    new = frame.filter(polars.col("store") == 11).with_columns(store=polars.lit(99))
    frame.filter(polars.col("store") == 12).vstack(new.cast({"store": polars.Int64})).write_csv(folder / "other.csv")
    found = evaluate(result.run, data=[str(folder / "other.csv")])
    rows = {row["series"]: row for row in found.report["series"]}
    assert rows["99"]["mase"] is None
    assert found.metrics["mase"] == rows["12"]["mase"]
