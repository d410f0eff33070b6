"""Arrays of an archive that are called by parts."""

from __future__ import annotations

import numpy as np
import pytest

from dltrain.checking.check import check_file
from dltrain.config.types import DataConfig
from dltrain.data.arrays.called import arrays_of_parts
from dltrain.data.load import load_dataset
from dltrain.data.look import read_facts

ROWS = {"train": 40, "val": 12, "test": 20}
WRITINGS = {
    "keras": {part: (f"x_{part}", f"y_{part}") for part in ROWS},
    "scikit-learn": {part: (f"X_{part}", f"y_{part}") for part in ROWS},
    "medmnist": {part: (f"{part}_images", f"{part}_labels") for part in ROWS},
    "glued": {part: (f"{part}X", f"{part}Y") for part in ROWS},
    "words": {part: (f"features_{part}", f"target_{part}") for part in ROWS},
}


@pytest.mark.parametrize("names", WRITINGS.values(), ids=list(WRITINGS))
def test_the_parts_of_an_archive_are_its_own(names, tmp_path):
    rng = np.random.default_rng(0)
    arrays = {}
    for part, rows in ROWS.items():
        inputs, targets = names[part]
        arrays |= {inputs: rng.normal(size=(rows, 5)).astype(np.float32), targets: np.arange(rows)[:, None] % 3}
    path = tmp_path / "parts.npz"
    np.savez(path, **arrays)
    config = DataConfig("npz", path=(str(path),), task="classification", scale="none")
    assert dict(read_facts(config, seed=0).rows) == {"train": 40, "validation": 12, "test": 20}
    dataset = load_dataset(config, seed=0)
    assert {name: part.num_rows for name, part in dataset.parts.items()} == {"train": 40, "validation": 12, "test": 20}
    for part, called in (("train", "train"), ("validation", "val"), ("test", "test")):
        np.testing.assert_array_equal(dataset.parts[part].inputs["features"], arrays[names[called][0]])
        np.testing.assert_array_equal(
            dataset.parts[part].targets[dataset.schema.targets[0].name].ravel(), arrays[names[called][1]].ravel()
        )


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["x_train", "y_train", "x_test"], {"train": ("x_train", "y_train")}),
        (["X_train", "y_train", "x_train", "y_test", "X_test"], {}),
        (["x_test", "y_test"], {}),
        (["x", "y", "x_train", "y_train"], {}),
        (["training_data", "training_labels", "weights"], {"train": ("training_data", "training_labels")}),
        (["train", "test"], {}),
    ],
)
def test_which_arrays_are_parts(names, expected):
    assert arrays_of_parts(names) == expected


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["test_images", "test_labels"], {"test": ("test_images", "test_labels")}),
        (["X_test"], {"test": ("X_test", "")}),
        (["x_train", "y_train", "x_test"], {"train": ("x_train", "y_train")}),
        (["y_test"], {}),
        (["x", "y_test"], {}),
    ],
)
def test_which_arrays_are_rows_to_predict(names, expected):
    assert arrays_of_parts(names, for_training=False) == expected


def test_without_a_validation_part_nothing_of_it_is_watched(tmp_path, monkeypatch):
    np.savez(tmp_path / "parts.npz", x_train=np.ones((40, 2)), y_train=np.arange(40) % 3, x_test=np.ones((9, 2)))
    monkeypatch.chdir(tmp_path)
    config = tmp_path / "c.yaml"
    config.write_text(
        "data: {source: npz, path: parts.npz, task: classification}\n"
        "model: {layers: [{Dense: {units: 2}}]}\n"
        "training: {epochs: 1, early_stopping: {monitor: val_loss}}\n"
    )
    _, result = check_file(config, data=True)
    assert [(fault.path, fault.line) for fault in result.errors] == [("training.early_stopping.monitor", 3)]
    assert "needs a validation part" in result.errors[0].message
