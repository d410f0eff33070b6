"""`init` on pictures as they are handed around: beside a table that names them without a suffix, next to what archives leave."""

from __future__ import annotations

import subprocess
from pathlib import Path

import polars
import pytest
from PIL import Image

from dltrain.checking.check import check_config
from dltrain.config import load_config_text
from dltrain.data.load import load_dataset
from dltrain.errors import DataError, Fault, UsageError
from dltrain.parts import parts_among
from dltrain.reporting import Reporter
from dltrain.starting.start import make_starter
from dltrain.starting.starter import Wishes
from tests.data.sources.support import write_picture

SIZE = (12, 12)


class Hearing(Reporter):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def warning(self, warning: str | Fault) -> None:
        self.heard.append(str(warning))


@pytest.mark.parametrize("folders", [("train",), ("images/part_1", "images/part_2"), (".",)])
@pytest.mark.parametrize("suffix", [".jpg", ".PNG"])
def test_a_table_of_names_finds_its_pictures(tmp_path: Path, folders: tuple[str, ...], suffix: str) -> None:
    names = [f"{index:07x}" for index in range(40)]
    for index, name in enumerate(names):
        write_picture(tmp_path / folders[index * len(folders) // 40] / f"{name}{suffix}", SIZE, seed=index)
    polars.DataFrame({"id": names, "breed": ["lab", "pug"] * 20}).write_csv(tmp_path / "labels.csv")
    starter = make_starter(str(tmp_path / "labels.csv"), target="breed", folder=tmp_path)
    config = load_config_text(starter.text, folder=tmp_path)
    assert config.data.features == {"id": "image"}
    assert config.data.images.suffix == suffix
    assert load_dataset(config.data, seed=0).parts["train"].num_rows == 24


def test_names_with_a_suffix_are_found_in_a_folder_beside(tmp_path: Path) -> None:
    names = [f"{index}.jpg" for index in range(40)]
    for index, name in enumerate(names):
        write_picture(tmp_path / "imgs" / name, SIZE, seed=index)
    polars.DataFrame({"file": names, "y": ["a", "b"] * 20}).write_csv(tmp_path / "labels.csv")
    starter = make_starter(str(tmp_path / "labels.csv"), target="y", folder=tmp_path)
    data = load_config_text(starter.text, folder=tmp_path).data
    assert data.images.folder == (str(tmp_path / "imgs"),)
    assert load_dataset(data, seed=0).parts["test"].num_rows == 10


@pytest.mark.parametrize(
    ("table", "folders", "taken"),
    [
        ("train.csv", ("test", "train"), "train"),
        ("labels.csv", ("test", "train"), "train"),
        ("train_labels.csv", ("data/a_test", "data/b_train"), "data/b_train"),
        ("test_labels.csv", ("test", "train"), "test"),
        ("small.csv", ("images", "images_small"), "images_small"),
        ("labels.csv", ("large", "small"), "large"),
    ],
)
def test_of_folders_with_the_same_names_that_of_the_table_is_taken_and_it_is_said(
    table: str, folders: tuple[str, ...], taken: str, tmp_path: Path
) -> None:
    names = [f"{index:04d}" for index in range(40)]
    for folder in folders:
        for index, name in enumerate(names):
            write_picture(tmp_path / folder / f"{name}.png", SIZE, seed=index)
    polars.DataFrame({"id": names, "y": ["a", "b"] * 20}).write_csv(tmp_path / table)
    hearing = Hearing()
    starter = make_starter(str(tmp_path / table), target="y", folder=tmp_path, reporter=hearing)
    assert load_config_text(starter.text, folder=tmp_path).data.images.folder == (str(tmp_path / taken),)
    assert sum("hold files of these names" in said for said in hearing.heard) == 1


def test_the_size_is_that_of_the_pictures_as_they_are_turned(tmp_path: Path) -> None:
    turned = Image.Exif()
    turned[274] = 6
    for index in range(20):
        path = tmp_path / "p" / "ab"[index % 2] / f"{index}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (120, 60), (index, 0, 0)).save(path, exif=turned)
    config = load_config_text(make_starter(str(tmp_path / "p")).text, folder=tmp_path).data
    height, width = config.arguments["image_size"]
    assert height == 2 * width


@pytest.mark.parametrize("allows", [True, False])
def test_one_folder_is_a_class_where_one_is_enough_whatever_table_lies_beside(allows: bool, tmp_path: Path) -> None:
    for index in range(8):
        write_picture(tmp_path / "p" / "cat" / f"{index}.png", SIZE, seed=index)
    (tmp_path / "p" / "t.csv").write_text("file,y\n" + "".join(f"cat/{index}.png,a\n" for index in range(8)))
    text = f"data: {{source: image_folder, path: p, image_size: [4, 4], allow_one_class: {str(allows).lower()}, split: {{test: 0.25}}}}"
    config = load_config_text(text, folder=tmp_path).data
    if allows:
        assert load_dataset(config, seed=0).schema.targets[0].classes == ("not cat", "cat")
        return
    with pytest.raises(DataError, match="holds no folder for each class, and a table names its pictures"):
        load_dataset(config, seed=0)


def test_pictures_are_looked_at_beside_other_columns(tmp_path: Path) -> None:
    rows = 60
    for index in range(rows):
        write_picture(tmp_path / "photos" / f"p{index}.jpg", SIZE, seed=index)
    columns = {
        "photo": [f"p{index}" for index in range(rows)],
        "age": [index * 7 % 31 + 0.5 for index in range(rows)],
        "town": [f"town {index % 12}" for index in range(rows)],
        "stars": [index % 5 for index in range(rows)],
    }
    polars.DataFrame(columns).write_csv(tmp_path / "pets.csv")
    starter = make_starter(str(tmp_path / "pets.csv"), target="stars", folder=tmp_path)
    config = load_config_text(starter.text, folder=tmp_path)
    assert config.data.features == {"photo": "image", "age": "number", "town": "category"}
    assert config.data.task == "classification"
    assert not check_config(config, data=True).errors
    assert "Concatenate: {from: [features, photo_told" in starter.text


@pytest.mark.parametrize("layout", ["images/{}.png", "train/{}.png"])
def test_a_table_beside_pictures_is_named(layout: str, tmp_path: Path) -> None:
    for index in range(12):
        write_picture(tmp_path / layout.format(f"p{index}"), SIZE, seed=index)
    polars.DataFrame({"id": [f"p{index}" for index in range(12)], "y": ["a", "b"] * 6}).write_csv(tmp_path / "train.csv")
    with pytest.raises((DataError, UsageError), match=r"a table names its pictures, .*train\.csv") as caught:
        make_starter(str(tmp_path), folder=tmp_path)
    assert "--target COLUMN" in str(caught.value.faults[0].hint)


def test_a_folder_of_a_table_and_its_pictures_is_that_table(tmp_path: Path) -> None:
    for index in range(20):
        write_picture(tmp_path / f"p{index}.png", SIZE, seed=index)
    polars.DataFrame({"id": [f"p{index}" for index in range(20)], "y": ["a", "b"] * 10}).write_csv(tmp_path / "train.csv")
    config = load_config_text(make_starter(str(tmp_path), folder=tmp_path).text, folder=tmp_path)
    assert config.data.path == (str(tmp_path / "train.csv"),)
    assert config.data.features == {"id": "image"}


def test_what_some_row_does_not_name_is_no_picture(tmp_path: Path) -> None:
    for index in range(39):
        write_picture(tmp_path / "train" / f"p{index}.jpg", SIZE, seed=index)
    polars.DataFrame({"id": [f"p{index}" for index in range(40)], "y": ["a", "b"] * 20}).write_csv(tmp_path / "labels.csv")
    with pytest.raises(DataError, match="no column is left to learn from"):
        make_starter(str(tmp_path / "labels.csv"), target="y", folder=tmp_path)


def test_folders_of_parts_are_no_classes_whatever_lies_beside_them(tmp_path: Path) -> None:
    for part in ("train", "test"):
        for name in ("NORMAL", "PNEUMONIA"):
            (tmp_path / "__MACOSX" / part / name).mkdir(parents=True)
            (tmp_path / "__MACOSX" / part / name / "._0.jpg").write_text("x")
            for index in range(12):
                write_picture(tmp_path / part / name / f"{index}.jpg", SIZE, seed=index)
    (tmp_path / "docs").mkdir()
    config = load_config_text(make_starter(str(tmp_path), folder=tmp_path.parent).text, folder=tmp_path.parent)
    assert config.data.path == (str(tmp_path / "train"),)
    assert config.data.test == (str(tmp_path / "test"),)
    text = f"data: {{source: image_folder, path: {tmp_path}, image_size: [8, 8]}}"
    with pytest.raises(DataError, match="these are parts, not classes"):
        load_dataset(load_config_text(f"{text}\nmodel: {{layers: [Flatten]}}", folder=tmp_path).data, seed=0)


def test_labels_at_the_beginning_of_names_become_a_table_by_the_command_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for index in range(20):
        write_picture(tmp_path / "train" / f"{'cat' if index % 2 else 'dog'}.{index}.jpg", SIZE, seed=index)
    with pytest.raises(UsageError) as caught:
        make_starter("train")
    hint = caught.value.faults[0].hint or ""
    assert "their names begin with cat, dog" in hint
    subprocess.run(["bash", "-c", hint.split("`")[1]], check=True)
    starter = make_starter("labels.csv", target="label")
    assert "features: {file: image}" in starter.text
    assert load_dataset(load_config_text(starter.text, folder=tmp_path).data, seed=0).parts["train"].num_rows == 12


def test_parts_whose_names_differ_in_a_word_are_no_classes(tmp_path: Path) -> None:
    """As archives hold them: each part in a folder of its own name, and pictures without labels beside."""
    for part in ("train", "test"):
        for name in ("sea", "street"):
            for index in range(12):
                write_picture(tmp_path / f"seg_{part}/seg_{part}" / name / f"{index}.jpg", SIZE, seed=index)
    write_picture(tmp_path / "seg_pred/seg_pred/0.jpg", SIZE)
    hearing = Hearing()
    config = load_config_text(make_starter(str(tmp_path), folder=tmp_path, reporter=hearing).text, folder=tmp_path)
    assert config.data.path == (str(tmp_path / "seg_train/seg_train"),)
    assert config.data.test == (str(tmp_path / "seg_test/seg_test"),)
    assert any(said.startswith("seg_pred: its pictures are in no folder of a class") for said in hearing.heard)
    text = f"data: {{source: image_folder, path: {tmp_path}, image_size: [8, 8]}}\nmodel: {{layers: [Flatten]}}"
    with pytest.raises(DataError, match="holds seg_test, seg_train: these are parts, not classes"):
        load_dataset(load_config_text(text, folder=tmp_path).data, seed=0)


@pytest.mark.parametrize("unlabelled", ["test", "test/unknown", "test/test"])
def test_a_test_folder_without_classes_is_no_part_and_it_is_said(unlabelled: str, tmp_path: Path) -> None:
    """As competitions hand them out: the labels of the test pictures are kept back."""
    for name in ("cat", "dog"):
        for index in range(20):
            write_picture(tmp_path / "train" / name / f"{index}.png", SIZE, seed=index)
    for index in range(5):
        write_picture(tmp_path / unlabelled / f"{index}.png", SIZE, seed=index)
    hearing = Hearing()
    starter = make_starter(str(tmp_path), folder=tmp_path, reporter=hearing)
    data = load_config_text(starter.text, folder=tmp_path).data
    assert (data.path, data.test) == ((str(tmp_path / "train"),), ())
    assert data.split.test is not None
    assert len(load_dataset(data, seed=0).parts["train"].identifiers["file"]) == 24
    assert [said for said in hearing.heard if said.startswith("test: its pictures are in no folder of a class")]


def test_a_test_folder_of_one_class_stays_a_part(tmp_path: Path) -> None:
    for place in ("train/cat", "train/dog", "test/cat"):
        for index in range(20):
            write_picture(tmp_path / place / f"{index}.png", SIZE, seed=index)
    data = load_config_text(make_starter(str(tmp_path), folder=tmp_path).text, folder=tmp_path).data
    assert data.test == (str(tmp_path / "test"),)


@pytest.mark.parametrize(
    ("names", "parts"),
    [
        (["train", "test"], {"train": "train", "test": "test"}),
        (["20news-bydate-train", "20news-bydate-test"], {"20news-bydate-train": "train", "20news-bydate-test": "test"}),
        (["seg_pred", "seg_test", "seg_train"], {"seg_test": "test", "seg_train": "train"}),
        (["Training", "Validation"], {"Training": "train", "Validation": "validation"}),
        (["train", "bus"], {}),
        (["bus_train", "car_test"], {}),
        (["test_a", "test_b"], {}),
    ],
)
def test_folders_that_call_parts(names: list[str], parts: dict[str, str]) -> None:
    assert parts_among(names) == parts


@pytest.mark.parametrize(
    ("side", "weights", "wishes", "body"),
    [
        (120, "mobilenet_v2_imagenet_notop.weights.h5", Wishes(), "MobileNetV2"),
        (120, "mobilenet_v2_imagenet_notop.weights.h5", Wishes(simple=True), None),
        (120, "xception_imagenet_notop.weights.h5", Wishes(seconds=1), None),  # no time to look at each
        (120, "xception_imagenet_top.weights.h5", Wishes(), None),
        (60, "xception_imagenet_notop.weights.h5", Wishes(), None),
    ],
)
def test_photographs_are_seen_by_a_network_whose_weights_are_at_hand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, side: int, weights: str, wishes: Wishes, body: str | None
) -> None:
    monkeypatch.setenv("DLTRAIN_DATA", str(tmp_path))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / weights).touch()
    for index in range(40):
        write_picture(tmp_path / "photos" / "ab"[index % 2] / f"{index}.png", (side, side), seed=index)
    text = make_starter(str(tmp_path / "photos"), folder=tmp_path, wishes=wishes).text
    config = load_config_text(text, folder=tmp_path)
    layers = config.model.layers
    if body is not None:
        assert layers[0].component.name == body
        assert f"{body}: {{weights: imagenet, trainable: false}}" in text
        assert (config.data.arguments["image_size"], config.data.augment) == ([96, 96], ())
    else:
        assert "Xception" not in str(layers)
        assert config.data.arguments["image_size"] == [64 if side > 60 else 48] * 2
        assert ("84 MB" in text) is (side > 96 and not wishes.simple)
    assert check_config(config).errors == ()


@pytest.mark.parametrize("coloured", [0, 1])
def test_a_jpeg_s_size_and_colours_are_those_of_the_whole_picture(tmp_path: Path, coloured: int) -> None:
    """Where only a small copy is decoded, the size is still the file's; one picture with colours among grey ones is enough."""
    for index in range(40):
        mode = "RGB" if index >= 40 - coloured else "L"
        write_picture(tmp_path / "photos" / "ab"[index // 20] / f"{index:02}.jpg", (640, 480), seed=index, mode=mode)
    config = load_config_text(
        make_starter(str(tmp_path / "photos"), folder=tmp_path, wishes=Wishes(simple=True)).text, folder=tmp_path
    )
    assert config.data.arguments["image_size"] == [64, 88]
    assert config.data.arguments.get("color") == (None if coloured else "grayscale")
