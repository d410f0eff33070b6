"""A table whose rows hold a picture beside numbers and categories: two branches, one model."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import numpy as np
import pytest

from dltrain.checking import check_config
from dltrain.config.types import Config
from dltrain.data import load_dataset
from dltrain.data.stored import load_preprocessing
from dltrain.errors import ConfigError, DataError, InterruptedRun
from dltrain.evaluation.evaluate import evaluate
from dltrain.evaluation.predictions.predict import predict
from dltrain.training.fit import fit
from tests.support import shared_data
from tests.training.support import assert_same_bits, config_of, fit_with_interruptions, interrupted_at_call

TEXT = """
name: both
seed: 2
data:
  source: csv
  path: rows.csv
  features: {photo: image, age: number, place: category}
  image_size: [8, 8]
  color: grayscale
  target: y
  split: {test: 0.2}
model:
  layers:
    - Conv2D: {filters: 3, kernel_size: 3, activation: relu, from: photo}
    - GlobalAveragePooling2D: {name: seen}
    - Dense: {units: 6, activation: relu, name: told, from: features}
    - Concatenate: {from: [seen, told]}
    - Dense: {units: 8, activation: relu}
training: {epochs: 12, batch_size: 8, optimizer: {Adam: {learning_rate: 0.02}}}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The label needs both: whether the picture is bright, and whether the age is above 40."""
    from PIL import Image

    made = tmp_path_factory.mktemp("both")
    (made / "photos").mkdir()
    rng = np.random.default_rng(0)
    lines = []
    for index in range(160):
        bright, age = rng.random() < 0.5, rng.integers(20, 60)
        pixels = rng.integers(0, 90, (12, 10)) + (150 if bright else 0)
        Image.fromarray(pixels.astype(np.uint8)).save(made / "photos" / f"{index}.png")
        lines.append(f"photos/{index}.png,{age},{'xyz'[index % 3]},{int(bright) + int(age > 40)}th")
    (made / "rows.csv").write_text("photo,age,place,y\n" + "\n".join(lines) + "\n")
    return made


def config(folder: Path, *overrides: str) -> Config:
    return config_of(TEXT, *overrides, folder=folder)


def test_learns_from_both_resumes_and_predicts_from_raw_rows(
    folder: Path, monkeypatch: pytest.MonkeyPatch, thorough: bool
) -> None:
    whole = fit(config(folder), run_dir=folder / "whole")
    assert whole.metrics["test"]["accuracy"] > whole.baseline["accuracy"] + 0.1
    if thorough:
        fit_with_interruptions(config(folder), folder / "cut", monkeypatch, [17])
        assert_same_bits(folder / "whole", folder / "cut")
    assert evaluate(folder / "whole").metrics == whole.metrics["test"]
    rows = load_dataset(config(folder).data, seed=2).parts["test"].row_ids
    monkeypatch.chdir(folder.parent)  # pictures are looked for beside the table
    made = predict(folder / "whole", data=[str(folder / "rows.csv")]).prediction
    with open(folder / "rows.csv") as file:
        labels = [row["y"] for row in csv.DictReader(file)]
    right = np.mean([made[row] == labels[row] for row in rows])
    assert right == pytest.approx(whole.metrics["test"]["accuracy"])
    seen = predict(folder / "whole", data=[str(folder / "rows.csv")], layer="seen")
    assert seen.arrays["seen"].shape == (160, 3)


def test_pixels_are_those_of_the_files_and_come_back_from_a_run(folder: Path, tmp_path: Path) -> None:
    from PIL import Image

    dataset = load_dataset(config(folder, "data.image_size=[12, 10]").data, seed=2)
    part = dataset.parts["test"]
    for place, row in list(enumerate(part.row_ids))[:5]:
        with Image.open(folder / "photos" / f"{row}.png") as image:
            np.testing.assert_array_equal(part.inputs["photo"][place, ..., 0], np.asarray(image, np.float32) / 255)
    assert [spec.shape for spec in dataset.schema.inputs] == [(4,), (12, 10, 1)]
    dataset.preprocessing.save(tmp_path)
    assert load_preprocessing(tmp_path).schema == dataset.preprocessing.schema


def test_check_knows_shapes_without_reading_a_picture(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("dltrain.data.columns.image.decode_pictures", lambda *_: pytest.fail("read"))
        result = check_config(config(folder))
        assert (result.errors, result.warnings) == ((), ())
        assert {row.name: row.output_shape for row in result.layers}["seen"] == (3,)
        joined = check_config(config(folder, "model.layers=[{Dense: {units: 3}}]"))
    assert "cannot be put beside features" in joined.errors[0].message
    assert joined.errors[0].path == "model.layers.0"


def test_what_names_no_picture_is_named(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (folder / "rows.csv").read_text().replace("photos/3.png", "photos/none.png").replace("photos/4.png", "rows.csv")
    (tmp_path / "rows.csv").write_text(text)
    (tmp_path / "photos").symlink_to(folder / "photos")
    with pytest.raises(DataError) as caught:
        load_dataset(config(tmp_path).data, seed=2)
    said = [str(fault) for fault in caught.value.faults]
    assert any("none.png" in text and "no such file" in text for text in said)
    assert any("rows.csv" in text and "expected a picture" in text for text in said)
    (tmp_path / "rows.csv").write_text(text.replace("photos/7.png", ""))
    with pytest.raises(DataError, match="photo names no picture") as caught:
        load_dataset(config(tmp_path).data, seed=2)
    assert caught.value.faults[0].line == 9
    monkeypatch.setenv("DLTRAIN_STREAM_BYTES", "0")
    with pytest.raises(ConfigError, match="held in memory"):
        load_dataset(config(tmp_path).data, seed=2)


def test_a_changed_picture_is_not_the_data_of_the_run(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(folder / "photos", tmp_path / "photos")
    shutil.copy(folder / "rows.csv", tmp_path)
    small = config(tmp_path, "training.epochs=2")
    with interrupted_at_call(monkeypatch, 20), pytest.raises(InterruptedRun):
        fit(small, run_dir=tmp_path / "run")
    changed = tmp_path / "photos" / "5.png"
    before = changed.read_bytes()
    shutil.copy(folder / "photos" / "6.png", changed)
    with pytest.raises(DataError, match="pictures of photo has other contents"):
        fit(small, run_dir=tmp_path / "run", resume="auto")
    changed.write_bytes(before)  # with another time of change: only contents count
    assert fit(small, run_dir=tmp_path / "run", resume="auto").epochs == 2
    shutil.copy(folder / "photos" / "6.png", changed)
    with pytest.raises(DataError, match="pictures of photo has other contents"):
        evaluate(tmp_path / "run")


CLOTHES = """model.layers=[{Conv2D: {filters: 16, kernel_size: 3, strides: 2, activation: relu, from: photo}},
  {Conv2D: {filters: 16, kernel_size: 3, strides: 2, activation: relu}}, {Flatten: {name: seen}},
  {Dense: {units: 4, activation: relu, name: told, from: features}}, {Concatenate: {from: [seen, told]}},
  {Dense: {units: 32, activation: relu}}]"""


@pytest.mark.slow
def test_clothes_with_the_size_of_their_files(tmp_path: Path) -> None:
    """Real pictures, a column beside them, two classes."""
    files = [file for name in ("shirt", "shoes") for file in sorted((shared_data("clothing") / "train" / name).iterdir())]
    lines = [f"{file},{file.stat().st_size},{file.parent.name}" for file in files]
    (tmp_path / "rows.csv").write_text("photo,age,y\n" + "\n".join(lines) + "\n")
    small = config(
        tmp_path,
        "data.features={photo: image, age: number}",
        "data.image_size=[32, 32]",
        CLOTHES,
        "training.epochs=15",
        "training.optimizer=adam",
    )
    result = fit(small, run_dir=tmp_path / "run")
    assert result.metrics["test"]["accuracy"] > result.baseline["accuracy"] + 0.1
