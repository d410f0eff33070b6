"""Pictures that are given to a trained run are found and labelled as those of its training are."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dltrain.config import load_config_text
from dltrain.config.types import DataConfig
from dltrain.data.arrays.disk_array import in_memory
from dltrain.data.dataset import Dataset, Part
from dltrain.data.load import load_dataset
from dltrain.data.new_rows import read_part, skipping_broken, with_images
from dltrain.data.pictures.preprocessing import PicturePreprocessing
from dltrain.errors import ConfigError, DataError, UsageError
from tests.data.sources.support import Recorder, write_picture


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DLTRAIN_CACHE", str(tmp_path / "cache"))


def config_of(folder: Path, *lines: str) -> DataConfig:
    text = "\n".join(["data:", "  source: image_folder", "  image_size: [6, 5]", *(f"  {line}" for line in lines)])
    return load_config_text(text, file="c.yaml", folder=folder).data


def stored(dataset: Dataset) -> PicturePreprocessing:
    """As a fresh process has it."""
    assert isinstance(dataset.preprocessing, PicturePreprocessing)
    return PicturePreprocessing.from_state(*dataset.preprocessing.to_state())


def assert_same(one: Part, other: Part) -> None:
    np.testing.assert_array_equal(in_memory(one.inputs["image"]), in_memory(other.inputs["image"]))
    for name, target in one.targets.items():
        np.testing.assert_array_equal(target, other.targets[name])


def write_nested(folder: Path) -> Path:
    """Digits in folders of writers whose names are digits, too."""
    for part in ("train", "test"):
        for digit in "012":
            for writer in "012":
                seed = 100 * int(digit) + 10 * int(writer) + (part == "test")
                write_picture(folder / part / digit / writer / "a.png", (9, 8), seed=seed)
    return folder


def test_c1_other_data_is_labelled_by_the_folder_that_fit_takes(tmp_path: Path) -> None:
    nest = write_nested(tmp_path / "nest")
    dataset = load_dataset(config_of(tmp_path, "path: nest/train", "test: nest/test"), seed=0)
    assert_same(read_part(stored(dataset), [str(nest / "test")], with_targets=True), dataset.parts["test"])
    assert_same(read_part(stored(dataset), [str(nest / "train")], with_targets=True), dataset.parts["train"])


def test_c1_a_folder_of_one_class_and_what_is_not_clear(tmp_path: Path) -> None:
    for label in ("cat", "dog"):
        for index in range(3):
            write_picture(tmp_path / "p" / label / "2020" / f"{index}.png", (9, 8), seed=index)
    preprocessing = stored(load_dataset(config_of(tmp_path, "path: p"), seed=0))
    part = read_part(preprocessing, [str(tmp_path / "p" / "dog")], with_targets=True)
    assert part.targets["target"].tolist() == [1, 1, 1]
    one = read_part(preprocessing, [str(tmp_path / "p" / "dog" / "2020" / "0.png")], with_targets=True)
    assert one.targets["target"].tolist() == [1]
    write_picture(tmp_path / "q" / "cat" / "dog" / "0.png", (9, 8))
    with pytest.raises(DataError, match="above it are classes: which is its label"):
        read_part(preprocessing, [str(tmp_path / "q" / "cat" / "dog" / "0.png")], with_targets=True)
    recorder = Recorder()
    part = read_part(preprocessing, [str(tmp_path / "q" / "cat")], with_targets=True, reporter=recorder)
    assert part.targets["target"].tolist() == [1]
    assert "not its own name" in str(recorder.warnings)
    write_picture(tmp_path / "r" / "2021" / "0.png", (9, 8))
    with pytest.raises(DataError, match="the folder '2021'"):
        read_part(preprocessing, [str(tmp_path / "r")], with_targets=True)


def test_c1_links_are_followed_as_in_training(tmp_path: Path) -> None:
    for label in ("a", "b"):
        write_picture(tmp_path / "real" / label / "0.png", (9, 8), seed=ord(label))
        (tmp_path / "p" / label).mkdir(parents=True)
        os.symlink(tmp_path / "real" / label, tmp_path / "p" / label / "linked")
    dataset = load_dataset(config_of(tmp_path, "path: p"), seed=0)
    assert dataset.parts["train"].num_rows == 2
    assert_same(read_part(stored(dataset), [str(tmp_path / "p")], with_targets=True), dataset.parts["train"])


def test_a_folder_that_lies_further_out_is_told_which_one_in_it_is_meant(tmp_path: Path) -> None:
    for label in ("cat", "dog"):
        write_picture(tmp_path / "p" / "images" / label / "0.png", (9, 8), seed=ord(label[0]))
    preprocessing = stored(load_dataset(config_of(tmp_path, "path: p/images"), seed=0))
    with pytest.raises(DataError) as caught:
        read_part(preprocessing, [str(tmp_path / "p")], with_targets=True)
    assert caught.value.faults[0].hint == f"the folders of the classes are in {tmp_path}/p/images: name that"
    with pytest.raises(DataError, match="holds one folder, images, whose folders are cat, dog") as refused:
        load_dataset(config_of(tmp_path, "path: p"), seed=0)
    assert f"path: {tmp_path}/p/images" in str(refused.value.faults[0].hint)


def write_table(folder: Path, name: str, rows: list[tuple[str, ...]], header: str) -> Path:
    path = folder / name
    path.write_text("\n".join([header, *(",".join(row) for row in rows)]) + "\n")
    return path


def write_competition(folder: Path, num_rows: int = 24) -> Path:
    """Ids without suffix in a table, pictures in a folder of their own."""
    rows = []
    for index in range(num_rows):
        write_picture(folder / "train" / f"{index:04d}.jpg", (9, 8), seed=index)
        rows.append((f"{index:04d}", f"p{index // 3}", "yes" if index % 2 else "no"))
    write_table(folder, "labels.csv", rows, "id,patient,label")
    return folder


IMAGES = "images: {folder: train, suffix: .jpg}"


def test_c7_ids_without_suffix_and_pictures_in_another_folder(tmp_path: Path) -> None:
    write_competition(tmp_path)
    dataset = load_dataset(config_of(tmp_path, "path: labels.csv", IMAGES), seed=0)
    part = dataset.parts["train"]
    assert part.targets["target"].tolist() == [0, 1] * 12
    with Image.open(tmp_path / "train" / "0007.jpg") as image:
        expected = np.asarray(image.resize((5, 6), Image.Resampling.BILINEAR), np.float32) / 255
    np.testing.assert_allclose(in_memory(part.inputs["image"])[7], expected, atol=1e-6)
    assert_same(read_part(stored(dataset), [str(tmp_path / "labels.csv")], with_targets=True), part)


def test_c7_another_table_with_and_without_labels(tmp_path: Path) -> None:
    write_competition(tmp_path)
    dataset = load_dataset(config_of(tmp_path, "path: labels.csv", IMAGES), seed=0)
    other = write_table(tmp_path, "other.csv", [("0005", "yes"), ("0002", "no"), ("0005", "yes")], "id,label")
    part = read_part(stored(dataset), [str(other)], with_targets=True)
    assert part.targets["target"].tolist() == [1, 0, 1]
    images = in_memory(dataset.parts["train"].inputs["image"])
    np.testing.assert_array_equal(in_memory(part.inputs["image"]), images[[5, 2, 5]])
    bare = write_table(tmp_path, "bare.csv", [("0003",)], "id")
    part = read_part(stored(dataset), [str(bare)], with_targets=False)
    np.testing.assert_array_equal(in_memory(part.inputs["image"]), images[[3]])
    with pytest.raises(DataError, match="label"):
        read_part(stored(dataset), [str(bare)], with_targets=True)
    strange = write_table(tmp_path, "strange.csv", [("0003", "maybe")], "id,label")
    with pytest.raises(DataError, match=r"the label 'maybe' .* is no class of the run"):
        read_part(stored(dataset), [str(strange)], with_targets=True)


def test_c7_numbers_in_a_table(tmp_path: Path) -> None:
    for index in range(8):
        write_picture(tmp_path / f"{index}.png", (9, 8), seed=index)
    table = write_table(tmp_path, "ages.csv", [(f"{index}.png", f"{index * 1.5}") for index in range(8)], "file,age")
    dataset = load_dataset(config_of(tmp_path, "path: ages.csv"), seed=0)
    assert dataset.schema.targets[0].task == "regression"
    part = read_part(stored(dataset), [str(table)], with_targets=True)
    assert_same(part, dataset.parts["train"])
    with pytest.raises(DataError, match="expected a number to compare the prediction with"):
        read_part(stored(dataset), [str(tmp_path / "3.png")], with_targets=True)


def test_c7_codes_are_labels(tmp_path: Path) -> None:
    rows = []
    for index in range(9):
        write_picture(tmp_path / f"{index}.png", (9, 8), seed=index)
        rows.append((f"{index}.png", f"0{index % 3 + 1}"))
    table = write_table(tmp_path, "codes.csv", rows, "file,code")
    dataset = load_dataset(config_of(tmp_path, "path: codes.csv"), seed=0)
    assert dataset.schema.targets[0].classes == ("01", "02", "03")
    assert_same(read_part(stored(dataset), [str(table)], with_targets=True), dataset.parts["train"])


@pytest.mark.parametrize("columns", ["", "files: id"])
def test_a_suffix_that_no_picture_has_is_told_at_its_key(columns: str, tmp_path: Path) -> None:
    write_competition(tmp_path, 4)
    config = config_of(tmp_path, "path: labels.csv", "images: {folder: train, suffix: .jpeg}", *([columns] if columns else []))
    with pytest.raises((ConfigError, DataError)) as caught:
        load_dataset(config, seed=0)
    fault = caught.value.faults[0]
    assert "0000.jpg is there; data.images.suffix" in (fault.hint or "")
    if not columns:
        assert fault.path == "data.images.suffix"
        assert "with .jpeg behind it no column of" in fault.message


@pytest.mark.parametrize(("written", "meant"), [("jpg", ".jpg"), (".jpg", ".jpg"), ("_s.jpg", "_s.jpg")])
def test_c7_a_suffix_with_or_without_its_dot(written: str, meant: str, tmp_path: Path) -> None:
    assert config_of(tmp_path, "path: labels.csv", f"images: {{suffix: {written}}}").images.suffix == meant


def test_c7_a_picture_in_two_folders_is_not_guessed(tmp_path: Path) -> None:
    write_competition(tmp_path)
    write_picture(tmp_path / "test" / "0003.jpg", (9, 8))
    with pytest.raises(DataError, match=r"0003.jpg is in several folders of data.images") as caught:
        load_dataset(config_of(tmp_path, "path: labels.csv", "images: {folder: [train, test], suffix: .jpg}"), seed=0)
    assert caught.value.faults[0].line == 5


@pytest.mark.parametrize("split", ["group", "column", "time"])
def test_c7_split_by_a_column_of_the_table(split: str, tmp_path: Path) -> None:
    write_competition(tmp_path)
    if split == "group":
        dataset = load_dataset(config_of(tmp_path, "path: labels.csv", IMAGES, "split: {group: patient, test: 0.25}"), seed=0)
        patients = {name: {int(row) // 3 for row in part.row_ids} for name, part in dataset.parts.items()}
        assert len(patients["test"]) == 2
        assert patients["train"].isdisjoint(patients["test"])
    elif split == "column":
        rows = [(f"{i:04d}", "test" if i >= 20 else "train", "yes" if i % 2 else "no") for i in range(24)]
        write_table(tmp_path, "labels.csv", rows, "id,part,label")
        dataset = load_dataset(config_of(tmp_path, "path: labels.csv", IMAGES, "split: {column: part}"), seed=0)
        assert dataset.parts["test"].row_ids.tolist() == [20, 21, 22, 23]
    else:
        rows = [(f"{i:04d}", f"2020-01-{24 - i:02d}", "yes" if i % 2 else "no") for i in range(24)]
        write_table(tmp_path, "labels.csv", rows, "id,day,label")
        dataset = load_dataset(config_of(tmp_path, "path: labels.csv", IMAGES, "split: {time: day, test: 0.25}"), seed=0)
        assert sorted(dataset.parts["test"].row_ids.tolist()) == [0, 1, 2, 3, 4, 5]
    assert sum(part.num_rows for part in dataset.parts.values()) == 24


def test_c7_a_folder_has_no_column_to_split_by(tmp_path: Path) -> None:
    write_nested(tmp_path / "nest")
    with pytest.raises(DataError, match="no column to split by"):
        load_dataset(config_of(tmp_path, "path: nest/train", "split: {group: writer, test: 0.2}"), seed=0)
    write_competition(tmp_path)
    with pytest.raises(DataError, match="no column 'pacient'"):
        load_dataset(config_of(tmp_path, "path: labels.csv", IMAGES, "split: {group: pacient, test: 0.2}"), seed=0)


def test_c7_images_are_for_tables_of_pictures(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="names no pictures"):
        load_config_text("data: {source: digits, images: {folder: x}}", file="c.yaml", folder=tmp_path)


def test_c7_the_same_in_a_column_of_pictures(tmp_path: Path) -> None:
    write_competition(tmp_path)
    text = (
        "data: {source: csv, path: labels.csv, target: label, features: {id: image}, image_size: [6, 5], "
        "images: {folder: train, suffix: .jpg}, split: {group: patient, test: 0.25}}"
    )
    dataset = load_dataset(load_config_text(text, file="c.yaml", folder=tmp_path).data, seed=0)
    preprocessing = type(dataset.preprocessing).from_state(*dataset.preprocessing.to_state())
    part = read_part(preprocessing, [str(tmp_path / "labels.csv")], with_targets=True)
    rows = dataset.parts["test"].row_ids
    np.testing.assert_array_equal(part.inputs["id"][rows], dataset.parts["test"].inputs["id"])
    images = load_dataset(config_of(tmp_path, "path: labels.csv", IMAGES), seed=0).parts["train"].inputs["image"]
    np.testing.assert_allclose(part.inputs["id"], in_memory(images), atol=1e-6)


def damage(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def test_c5_a_truncated_picture_is_named_or_left_out_everywhere(tmp_path: Path) -> None:
    write_competition(tmp_path)
    damage(tmp_path / "train" / "0004.jpg")
    with pytest.raises(DataError, match=r"corrupt or truncated") as caught:
        load_dataset(config_of(tmp_path, "path: labels.csv", IMAGES), seed=0)
    assert str(caught.value.faults[0].file).endswith("0004.jpg")
    dataset = load_dataset(config_of(tmp_path, "path: labels.csv", IMAGES, "on_error: skip"), seed=0)
    assert dataset.parts["train"].num_rows == 23
    recorder = Recorder()
    part = read_part(stored(dataset), [str(tmp_path / "labels.csv")], with_targets=True, reporter=recorder)
    assert_same(part, dataset.parts["train"])
    assert "1 picture that cannot be used was left out" in str(recorder.warnings)
    with pytest.raises(DataError, match="corrupt"):
        read_part(stored(dataset), [str(tmp_path / "train" / "0004.jpg")], with_targets=False)


def test_c5_a_row_whose_picture_is_broken_is_named_or_left_out(tmp_path: Path) -> None:
    write_competition(tmp_path)
    damage(tmp_path / "train" / "0004.jpg")
    text = (
        "data: {source: csv, path: labels.csv, target: label, features: {id: image}, image_size: [6, 5], "
        "images: {folder: train, suffix: .jpg}, split: {test: 0.25}"
    )
    with pytest.raises(DataError, match="corrupt or truncated"):
        load_dataset(load_config_text(text + "}", file="c.yaml", folder=tmp_path).data, seed=0)
    config = load_config_text(text + ", on_error: skip}", file="c.yaml", folder=tmp_path).data
    dataset = load_dataset(config, seed=0)
    assert sorted(row for part in dataset.parts.values() for row in part.row_ids) == [row for row in range(24) if row != 4]
    assert "1 picture that cannot be used was left out" in str(dataset.warnings)
    preprocessing = type(dataset.preprocessing).from_state(*dataset.preprocessing.to_state())
    again = load_dataset(config, seed=0, preprocessing=preprocessing)
    np.testing.assert_array_equal(again.parts["test"].row_ids, dataset.parts["test"].row_ids)
    recorder = Recorder()
    part = read_part(preprocessing, [str(tmp_path / "labels.csv")], with_targets=True, reporter=recorder)
    assert part.row_ids.tolist() == [row for row in range(24) if row != 4]
    assert part.targets["label"].tolist() == [row % 2 for row in range(24) if row != 4]
    assert "left out" in str(recorder.warnings)


def test_c5_broken_pictures_can_be_left_out_of_a_run_that_knows_none(tmp_path: Path) -> None:
    write_competition(tmp_path)
    text = (
        "data: {source: csv, path: labels.csv, target: label, features: {id: image}, image_size: [6, 5], "
        "images: {folder: train, suffix: .jpg}}"
    )
    column = load_dataset(load_config_text(text, file="c.yaml", folder=tmp_path).data, seed=0).preprocessing
    pictures = load_dataset(config_of(tmp_path, "path: labels.csv", IMAGES), seed=0).preprocessing
    damage(tmp_path / "train" / "0004.jpg")
    for preprocessing in (column, pictures):
        with pytest.raises(DataError, match="skip") as caught:
            read_part(preprocessing, [str(tmp_path / "labels.csv")], with_targets=True)
        assert "--skip-broken" in str(caught.value.faults[0].hint)
        part = read_part(skipping_broken(preprocessing), [str(tmp_path / "labels.csv")], with_targets=True)
        assert part.targets[next(iter(part.targets))].tolist() == [row % 2 for row in range(24) if row != 4]


def test_c7_pictures_of_another_table_in_another_folder(tmp_path: Path) -> None:
    """Of the same names, as competitions have them: those of the folder that is said, for each way of training."""
    write_competition(tmp_path)
    rows = []
    for index in range(6):
        write_picture(tmp_path / "test" / f"{index:04d}.jpg", (9, 8), seed=1000 + index)
        rows.append((f"{index:04d}", "p", "yes" if index % 2 else "no"))
    table = str(write_table(tmp_path, "test.csv", rows, "id,patient,label"))
    expected = []
    for index in range(6):
        with Image.open(tmp_path / "test" / f"{index:04d}.jpg") as image:
            expected.append(np.asarray(image.resize((5, 6), Image.Resampling.BILINEAR), np.float32) / 255)
    text = (
        "data: {source: csv, path: labels.csv, target: label, features: {id: image}, image_size: [6, 5], "
        "images: {folder: train, suffix: .jpg}}"
    )
    column = load_dataset(load_config_text(text, file="c.yaml", folder=tmp_path).data, seed=0).preprocessing
    pictures = load_dataset(config_of(tmp_path, "path: labels.csv", IMAGES), seed=0).preprocessing
    for preprocessing in (column, pictures):
        recorder = Recorder()
        own = read_part(preprocessing, [table], with_targets=True, reporter=recorder)
        assert "train" in str(recorder.warnings)
        moved = read_part(with_images(preprocessing, [str(tmp_path / "test")]), [table], with_targets=True)
        name = next(iter(moved.inputs))
        np.testing.assert_allclose(in_memory(moved.inputs[name]), expected, atol=1e-6)
        assert not np.array_equal(in_memory(own.inputs[name]), in_memory(moved.inputs[name]))
        assert moved.targets[next(iter(moved.targets))].tolist() == [0, 1] * 3
        with pytest.raises(UsageError, match="nowhere is no folder"):
            with_images(preprocessing, [str(tmp_path / "nowhere")])
    for index in range(3):
        write_picture(tmp_path / "p" / "cat" / f"{index}.png", (9, 8), seed=index)
        write_picture(tmp_path / "p" / "dog" / f"{index}.png", (9, 8), seed=10 + index)
    folders = load_dataset(config_of(tmp_path, "path: p"), seed=0).preprocessing
    with pytest.raises(UsageError, match="needs a run on a table that names pictures"):
        with_images(folders, [str(tmp_path / "test")])


@pytest.mark.parametrize("key", ["image_size: [8, 8]", "interpolation: nearest", "on_error: skip"])
def test_keys_of_pictures_are_refused_where_no_column_is_one(key: str, tmp_path: Path) -> None:
    text = f"data: {{source: csv, path: t.csv, target: y, {key}}}\nmodel: {{layers: [{{Dense: {{units: 4}}}}]}}\ntraining: {{}}\n"
    with pytest.raises(ConfigError, match="is about pictures, and no column is one"):
        load_config_text(text, folder=tmp_path)
    load_config_text(text.replace("target: y,", "target: y, features: {file: image},"), folder=tmp_path)


@pytest.mark.parametrize(
    ("text", "with_targets", "said", "hint"),
    [
        ("id,a\n7,1\n8,2\n", False, "holds names of pictures", "one column must hold their paths"),
        ("file,a,b\ntrain/0/0/a.png,0,1\n", True, "which column of t.csv holds the labels", "call the column label"),
    ],
    ids=["no pictures", "no labels"],
)
def test_a_table_that_names_no_pictures_or_labels_gets_a_hint_that_a_run_can_take(
    tmp_path: Path, text: str, with_targets: bool, said: str, hint: str
) -> None:
    dataset = load_dataset(config_of(tmp_path, f"path: {write_nested(tmp_path)}/train", "split: {test: 0.3}"), seed=0)
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(DataError, match=said) as caught:
        read_part(stored(dataset), [str(tmp_path / "t.csv")], with_targets=with_targets)
    assert str(caught.value.faults[0].hint).startswith(hint)
    assert "data." not in str(caught.value.faults[0].hint)


def test_of_two_columns_that_name_pictures_the_taken_one_is_said(tmp_path: Path) -> None:
    dataset = load_dataset(config_of(tmp_path, f"path: {write_nested(tmp_path)}/train", "split: {test: 0.3}"), seed=0)
    heard = Recorder()
    for header, cell, count in (("ref,file", "train/1/1/a.png", 1), ("ref,text", "no picture", 0)):
        (tmp_path / "t.csv").write_text(f"{header}\ntrain/0/0/a.png,{cell}\n")
        part = read_part(stored(dataset), [str(tmp_path / "t.csv")], with_targets=False, reporter=heard)
        assert part.num_rows == 1
        assert len(heard.warnings) == count
        heard.warnings.clear()
