"""Runs side by side."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from dltrain.config import dump_yaml
from dltrain.config.types import SplitConfig
from dltrain.errors import RunError, UsageError
from dltrain.storage.run import Run
from dltrain.storage.run_list import best_of_sweep
from dltrain.sweep.compare import compare, is_drawn_by_seed
from dltrain.training.fit import fit
from tests.sweep.support import small


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two runs that differ in two keys, and one of other data."""
    folder = tmp_path_factory.mktemp("compare")
    fit(small("training.epochs=3"), run_dir=folder / "a")
    fit(small("training.epochs=4", "model.layers.0.units=9"), run_dir=folder / "b")
    fit(small("data.rows=200"), run_dir=folder / "c")
    return [folder / name for name in "abc"]


def test_differences_metrics_and_curves(runs, tmp_path):
    result = compare(runs[:2], picture=tmp_path / "curves.png")
    assert result.differences == {"model.layers.0.units": [5, 9], "training.epochs": [3, 4]}
    for index, run in enumerate(runs[:2]):
        for part, values in Run(run).read_metrics()["metrics"].items():
            for name, value in values.items():
                assert result.metrics[part][name][index] == value
    losses = result.metrics["test"]["loss"]
    assert result.best["test"]["loss"] == losses.index(min(losses))
    accuracies = result.metrics["test"]["accuracy"]
    assert accuracies[result.best["test"]["accuracy"]] == max(accuracies)
    assert result.labels == ["a", "b"]
    assert result.warnings == []
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("split", "drawn"),
    [
        (SplitConfig(test=0.2), True),
        (SplitConfig(folds=3, fold=1), True),
        (SplitConfig(), False),  # files of their own
        (SplitConfig(test=0.2, seed=3), False),
        (SplitConfig(test=0.2, time=("day",)), False),
    ],
)
def test_other_seeds_draw_other_rows_where_the_parts_are_drawn(split, drawn):
    assert is_drawn_by_seed(split) == drawn


def test_of_other_rows_none_is_the_best(runs):
    result = compare([runs[0], runs[2]])
    assert "the metrics are not of the same rows" in result.warnings[0]
    assert {place for places in result.best.values() for place in places.values()} == {None}


@pytest.mark.parametrize(
    ("optimizers", "differences"),
    [
        (("adam", "{Adam: {}}"), {}),
        (("adam", "{Adam: {learning_rate: 0.001}}"), {}),
        (("adam", "{Adam: {learning_rate: 0.01}}"), {"training.optimizer.learning_rate": [0.001, 0.01]}),
        (("sgd", "{Adam: {learning_rate: 0.01}}"), {"training.optimizer": ["SGD", "Adam"]}),  # the rate of both
    ],
)
def test_a_default_that_is_written_out_is_no_difference(tmp_path, optimizers, differences):
    for name, optimizer in zip("ab", optimizers):
        run = Run(tmp_path / name)
        run.path.mkdir()
        run.write_manifest({"status": "finished"})
        run.config_file.write_text(dump_yaml(small(f"training.optimizer={optimizer}").resolved))
    assert compare([tmp_path / "a", tmp_path / "b"]).differences == differences


def test_other_data_is_said(runs):
    [warning] = compare(runs).warnings
    assert warning.startswith("c: other data than a")


@pytest.mark.parametrize("choose", [lambda runs: runs[:1], lambda runs: [runs[0], runs[1], runs[0]]])
def test_fewer_than_two_runs_are_refused(runs, choose):
    with pytest.raises(UsageError):
        compare(choose(runs))


def test_no_place_for_the_picture(runs, tmp_path):
    with pytest.raises(UsageError, match="no folder"):
        compare(runs, picture=tmp_path / "none" / "x.png")


def test_a_picture_that_is_there_is_not_replaced(runs, tmp_path):
    picture = tmp_path / "x.png"
    picture.write_text("mine")
    with pytest.raises(RunError, match="exists already"):
        compare(runs[:2], picture=picture)
    assert picture.read_text() == "mine"
    compare(runs[:2], picture=picture, force=True)
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_a_sweep_stands_for_its_best_trial(runs, tmp_path):
    sweep = Run(tmp_path / "sweep")
    sweep.path.mkdir()
    sweep.write_manifest({"kind": "sweep", "status": "running"})
    with pytest.raises(RunError, match="without a best trial"):
        best_of_sweep(sweep.path)
    for best in ("../../etc", "trials/0001"):
        sweep.write_manifest({"kind": "sweep", "status": "finished", "best": best})
        with pytest.raises(RunError):
            best_of_sweep(sweep.path)
    (sweep.path / "trials").mkdir()
    fit(small("training.epochs=1"), run_dir=sweep.path / "trials" / "0001")
    assert best_of_sweep(sweep.path) == sweep.path / "trials" / "0001"
    assert compare([sweep.path, runs[0]]).runs[0] == sweep.path / "trials" / "0001"
    assert not math.isnan(compare([sweep.path, runs[0]]).metrics["test"]["loss"][0])
