"""Targets in an archive as `keras.utils.to_categorical` writes them are classes, in training and in whatever is asked later."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dltrain.config import load_config_text
from dltrain.data import load_dataset
from dltrain.errors import DataError
from dltrain.evaluation.evaluate import evaluate
from dltrain.reporting import Reporter, WarningList
from dltrain.starting.start import make_starter
from dltrain.training.fit import fit

CODES = np.tile([2, 0, 1, 2, 2], 12)
TEXT = "data: {{source: npz, path: a.npz, split: {{test: 0.25}}{more}}}\nmodel: {{layers: []}}\ntraining: {{epochs: 1}}\n"


def write(folder: Path, targets: np.ndarray, name: str = "a.npz") -> None:
    x = np.random.default_rng(0).normal(size=(len(targets), 3)).astype(np.float32)
    np.savez(folder / name, x=x, y=targets)


@pytest.mark.parametrize("more", ["", ", task: classification"])
@pytest.mark.parametrize("dtype", ["float32", "uint8", "bool"])
def test_the_column_of_the_one_is_the_class(dtype: str, more: str, tmp_path: Path) -> None:
    write(tmp_path, np.eye(3)[CODES].astype(dtype))
    dataset = load_dataset(load_config_text(TEXT.format(more=more), folder=tmp_path).data, seed=0)
    [target] = dataset.schema.targets
    assert (target.task, target.classes) == ("classification", ("0", "1", "2"))
    for part in dataset.parts.values():
        assert part.targets["target"].tolist() == CODES[part.row_ids].tolist()
    assert any("single 1 in each row" in note.text for note in dataset.notes)


def test_a_run_measures_what_it_was_trained_on(tmp_path: Path) -> None:
    write(tmp_path, np.eye(3)[CODES])
    run = fit(load_config_text(TEXT.format(more=""), folder=tmp_path), run_dir=tmp_path / "run").run
    write(tmp_path, CODES, "codes.npz")
    by_code = evaluate(run, data=[str(tmp_path / "codes.npz")])
    assert evaluate(run, data=[str(tmp_path / "a.npz")]).metrics == by_code.metrics
    assert "accuracy" in json.loads((run / "metrics.json").read_text())["metrics"]["test"]


def test_init_makes_classes_of_them_and_labels_of_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, np.eye(3)[CODES])
    assert "task: classification  " in make_starter("a.npz", target=None).text
    several = np.eye(3)[CODES]
    several[0] = 1
    write(tmp_path, several)
    assert "task: multilabel  " in make_starter("a.npz", target=None).text


def test_inputs_that_are_not_finite_are_told_by_their_rows(tmp_path: Path) -> None:
    write(tmp_path, CODES)
    with np.load(tmp_path / "a.npz") as arrays:
        x = arrays["x"]
    x[7, 1] = np.nan
    np.savez(tmp_path / "a.npz", x=x, y=CODES)
    with pytest.raises(DataError, match="the inputs of row 8 hold values that are not finite"):
        load_dataset(load_config_text("data: {source: npz, path: a.npz}\nmodel: {layers: []}", folder=tmp_path).data, seed=0)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_inputs_of_a_test_part_alone_are_held_against_the_same(value: float, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    arrays = {"x_train": rng.normal(size=(20, 3)), "y_train": CODES[:20] % 2, "x_test": rng.normal(size=(9, 3))}
    arrays["y_test"] = arrays["y_train"][:9]
    arrays["x_test"][4, 1] = value
    np.savez(tmp_path / "a.npz", **arrays)
    config = load_config_text("data: {source: npz, path: a.npz}\nmodel: {layers: []}", folder=tmp_path).data
    with pytest.raises(DataError, match="the inputs of row 5 of the test part hold values that are not finite"):
        load_dataset(config, seed=0)
    unscaled = replace(config, scale="none")
    with pytest.raises(DataError, match="row 5 of the test part"):
        load_dataset(unscaled, seed=0)


def test_init_says_which_inputs_are_not_finite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, CODES)
    with np.load(tmp_path / "a.npz") as arrays:
        x = arrays["x"]
    x[7, 1] = np.nan
    np.savez(tmp_path / "a.npz", x=x, y=CODES)
    heard = WarningList(Reporter())
    make_starter("a.npz", target=None, reporter=heard)
    assert any("row 8 of x holds values that are not finite" in warning.message for warning in heard.warnings)
