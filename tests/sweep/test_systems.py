"""The shipped sweeps: learning rates tried in a loop, the size that suffices, cross-validation."""

from __future__ import annotations

import csv
import json
import math
import os
import statistics
from pathlib import Path

import pytest

from dltrain.config import load_config
from dltrain.sweep.combinations import grid_size
from dltrain.sweep.plan import SweepOptions, plan_sweep
from tests.support import CONFIGS, data_folder, run_dltrain, shared_data


def sweep_config(name: str, folder: Path, *words: str) -> dict:
    """`dltrain sweep` of a shipped config: its JSON document."""
    environment = {"DLTRAIN_DATA": str(data_folder()), "DLTRAIN_CACHE": os.environ["DLTRAIN_CACHE"]}
    done = run_dltrain("sweep", str(CONFIGS / f"{name}.yaml"), "--json", *words, cwd=folder, **environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("name", "strategy", "trials", "fits"),
    [("lfw", "grid", 4, 1), ("learning_rates", "grid", 4, 1), ("capacity", "capacity", 9, 1), ("folds", "grid", 1, 5)],
)
def test_what_the_shipped_sweeps_plan(name, strategy, trials, fits):
    plan = plan_sweep(load_config(CONFIGS / f"{name}.yaml"))
    assert (plan.strategy, grid_size(plan.space), plan.fits_per_trial) == (strategy, trials, fits)


def test_a_parameter_of_a_shipped_config_goes_by_its_bare_name():
    config = load_config(CONFIGS / "lfw.yaml")
    rates = "training.optimizer.learning_rate=1e-4,1e-3,1e-2,1e-1"
    assert grid_size(plan_sweep(config, SweepOptions(over=[rates, "droprate=0.0,0.2,0.5"])).space) == 12


@pytest.mark.slow
def test_learning_rates_of_sgd(tmp_path):
    document = sweep_config("learning_rates", tmp_path)
    rates = [trial["parameters"]["training.optimizer.learning_rate"] for trial in document["trials"]]
    assert rates == [0.0001, 0.001, 0.01, 0.1]
    assert document["best"]["parameters"]["training.optimizer.learning_rate"] >= 0.01
    assert document["best"]["metrics"]["test"]["accuracy"] >= 0.93
    slowest = document["trials"][0]["metrics"]["validation"]["loss"]
    assert document["best"]["metrics"]["validation"]["loss"] < 0.5 * slowest


@pytest.mark.slow
@pytest.mark.parametrize(
    "over",
    [
        "training.optimizer.learning_rate=0.0001,0.001,0.01,0.1",
        "size_inner=10,100,1000",
        "droprate=0.0,0.2,0.5,0.8",
    ],
)
def test_heads_on_a_frozen_body(over, tmp_path, monkeypatch):
    """On small pictures of some of the clothes: the body is computed once, and every trial is a whole run."""
    shared_data("weights/xception_imagenet_notop.weights.h5")
    monkeypatch.setenv("DLTRAIN_CACHE", str(tmp_path / "cache"))
    document = sweep_config(
        "clothing", tmp_path, "--over", over, "data.limit=120", "data.image_size=[71, 71]", "training.epochs=2"
    )
    values = over.partition("=")[2].split(",")
    assert [trial["status"] for trial in document["trials"]] == ["finished"] * len(values)
    assert len(list((tmp_path / "cache" / "features").glob("*/*.npz"))) == 1
    for trial in document["trials"]:
        run = tmp_path / trial["run"]
        assert json.loads((run / "manifest.json").read_text())["engine"] == "stacked"
        assert {"best.h5", "last.h5"} < {file.name for file in (run / "checkpoints").iterdir()}
    assert min(trial["metrics"]["validation"]["loss"] for trial in document["trials"]) < math.log(10)
    done = run_dltrain("evaluate", str(run), "--part", "validation", "--json", cwd=tmp_path, DLTRAIN_DATA=str(data_folder()))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["metrics"]["loss"] == pytest.approx(trial["metrics"]["validation"]["loss"], rel=1e-3)


@pytest.mark.slow
def test_the_size_that_suffices(tmp_path):
    shared_data("tabular/concrete/concrete_data.csv")
    document = sweep_config("capacity", tmp_path)
    sizes = [trial["parameters"]["model.layers.0.units"] for trial in document["trials"]]
    assert sizes == [2**index for index in range(len(sizes))]
    assert 2 <= len(sizes) < 9
    assert document["best"]["parameters"]["model.layers.0.units"] == sizes[-2]
    assert f"(layers.0.units={sizes[-2]})" in document["notes"][0]
    assert document["best"]["metrics"]["validation"]["rmse"] < document["trials"][0]["metrics"]["validation"]["rmse"]


@pytest.mark.slow
def test_five_folds(tmp_path):
    shared_data("tabular/pima_diabetes")
    document = sweep_config("folds", tmp_path)
    [trial] = document["trials"]
    folds = [json.loads((tmp_path / fit["run"] / "metrics.json").read_text())["metrics"] for fit in trial["fits"]]
    accuracies = [metrics["validation"]["accuracy"] for metrics in folds]
    assert trial["metrics"]["validation"]["accuracy"] == pytest.approx(statistics.mean(accuracies))
    assert trial["spreads"]["validation"]["accuracy"] == pytest.approx(statistics.stdev(accuracies))
    with (tmp_path / document["run"] / "out_of_fold.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row["row"]) for row in rows] == list(range(1, 769))
    right = sum(row["prediction"] == row["true_diabetes"] for row in rows) / 768
    assert right == pytest.approx(statistics.mean(accuracies), abs=0.002)
    assert 0.72 <= right <= 0.82  # what logistic regression and small networks reach on this table
    log_loss = -statistics.mean(math.log(float(row[f"probability_{row['true_diabetes']}"])) for row in rows)
    assert log_loss == pytest.approx(trial["metrics"]["validation"]["log_loss"], abs=0.002)
