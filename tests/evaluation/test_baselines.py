"""`evaluate` beside the baselines that learn: those of the fit on the run's own rows, and on other data."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars
import pytest
from sklearn.linear_model import RidgeCV
from sklearn.metrics import root_mean_squared_error

import dltrain
from dltrain.cli.results import metrics_table

CONFIG = """
data: {source: csv, path: t.csv, target: y, split: {test: 0.25}}
model: {layers: []}
training: {epochs: 2}
evaluation: {baselines: [linear]}
"""


def table(seed: int) -> polars.DataFrame:
    a, b, noise = np.random.default_rng(seed).normal(size=(3, 200))
    return polars.DataFrame({"a": a, "b": b, "y": 3 * a - b + noise / 10})


def test_evaluate_shows_them_as_fit_does_and_on_other_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    table(0).write_csv("t.csv")
    table(1).write_csv("other.csv")
    Path("c.yaml").write_text(CONFIG)
    run = dltrain.fit("c.yaml", run_dir=tmp_path / "run").run
    fitted = json.loads((run / "metrics.json").read_text())["report"]["learned"]
    shown = dltrain.evaluate(run)
    assert shown.report["learned"] == fitted
    assert set(fitted) == {"linear"}
    assert "linear is a linear model, of scikit-learn" in metrics_table({"test": shown.metrics}, shown.baseline, shown.report)
    other = dltrain.evaluate(run, data=["other.csv"])
    train = polars.read_csv("t.csv")
    ridge = RidgeCV(np.logspace(-2, 3, 6)).fit(train[["a", "b"]].to_numpy(), train["y"].to_numpy())
    by_hand = root_mean_squared_error(table(1)["y"], ridge.predict(table(1)[["a", "b"]].to_numpy()))
    assert other.report["learned"]["linear"]["rmse"] == pytest.approx(by_hand, rel=0.03)  # of a quarter more rows
    Path("t.csv").unlink()
    alone = dltrain.evaluate(run, data=["other.csv"])
    assert "learned" not in alone.report
    assert any("baselines that learn are left out" in note for note in alone.notes)
