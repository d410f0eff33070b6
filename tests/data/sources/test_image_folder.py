from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from dltrain.config import load_config_text
from dltrain.config.types import DataConfig
from dltrain.data import load_dataset, read_part
from dltrain.data.arrays.disk_array import DiskArray, in_memory
from dltrain.data.arrays.scaled_pixels import ScaledPixels
from dltrain.data.look import read_facts
from dltrain.data.pictures import store as picture_store
from dltrain.data.pictures.form import PictureForm
from dltrain.data.pictures.reader import read_pictures
from dltrain.data.raw import RawPictures
from dltrain.data.sources import image_folder
from dltrain.errors import ConfigError, DataError, DltrainError, Note, texts, warnings_of
from tests.data.pictures.test_pictures import png_header
from tests.data.sources.support import Recorder, write_picture
from tests.support import examples, shared_data


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DLTRAIN_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def write_folders(folder: Path, counts: dict[str, int], size: tuple[int, int] = (40, 30), kind: str = "png") -> Path:
    for number, (name, count) in enumerate(counts.items()):
        for index in range(count):
            write_picture(folder / name / f"{index:02d}.{kind}", size, seed=100 * number + index)
    return folder


def config_of(folder: Path, *lines: str) -> DataConfig:
    text = "\n".join(
        ["data:", "  source: image_folder", f"  path: {folder}", "  image_size: [12, 10]", *(f"  {line}" for line in lines)]
    )
    return load_config_text(text, file="c.yaml", folder=folder).data


def read(config: DataConfig, recorder: Recorder | None = None) -> RawPictures:
    return image_folder.read(config, seed=0, reporter=recorder or Recorder())


def faults_of(config: DataConfig) -> list[Any]:
    with pytest.raises(DltrainError) as caught:
        read(config)
    return caught.value.faults


def test_a_folder_for_each_class_in_the_order_of_the_names(tmp_path: Path) -> None:
    folder = write_folders(tmp_path / "pictures", {"Zoe": 2, "ann lee": 3, "b_c": 1})
    (folder / "notes.txt").write_text("no picture")
    (folder / "Zoe" / "notes.txt").write_text("no picture")
    (folder / "Zoe" / ".hidden.png").write_text("no picture")
    (folder / ".git").mkdir()
    write_picture(folder / "b_c" / "deeper" / "still.webp")
    raw = read(config_of(folder))
    assert raw.classes == ("Zoe", "ann lee", "b_c")
    assert raw.names == (
        "pictures/Zoe/00.png", "pictures/Zoe/01.png",
        "pictures/ann lee/00.png", "pictures/ann lee/01.png", "pictures/ann lee/02.png",
        "pictures/b_c/00.png", "pictures/b_c/deeper/still.webp",
    )  # fmt: skip
    assert np.asarray(raw.target).tolist() == [0, 0, 1, 1, 1, 2, 2]
    assert isinstance(raw.images, DiskArray)
    assert (raw.images.shape, raw.images.dtype) == ((7, 12, 10, 3), np.uint8)
    with Image.open(folder / "ann lee" / "01.png") as image:
        expected = np.asarray(image.resize((10, 12), Image.Resampling.BILINEAR))
    np.testing.assert_array_equal(raw.images.read(3, 4)[0], expected)
    assert Note("train: passed over what is no picture by its name: 1 .txt") in raw.notes
    assert any(note.text.startswith("their own sizes (width × height): from 40×30 to 250×250") for note in raw.notes)
    assert {name: entry["rows"] for name, entry in raw.details.items()} == {
        "pictures/Zoe": 2, "pictures/ann lee": 3, "pictures/b_c": 1, "pictures/b_c/deeper": 1,
    }  # fmt: skip


def test_parts_of_their_own_and_what_training_does_not_know(tmp_path: Path) -> None:
    write_folders(tmp_path / "train", {"hat": 3, "shoe": 2})
    write_folders(tmp_path / "test", {"hat": 1, "shoe": 1})
    raw = read(config_of(tmp_path / "train", f"test: {tmp_path / 'test'}"))
    assert {part: rows.tolist() for part, rows in raw.parts.items()} == {"train": [0, 1, 2, 3, 4], "test": [5, 6]}
    dataset = load_dataset(config_of(tmp_path / "train", f"test: {tmp_path / 'test'}", "split: {validation: 0.4}"), seed=1)
    assert {name: part.num_rows for name, part in dataset.parts.items()} == {"train": 3, "validation": 2, "test": 2}
    assert dataset.parts["test"].identifiers["file"] == ["test/hat/00.png", "test/shoe/00.png"]
    write_folders(tmp_path / "test", {"shoes": 2})
    config = config_of(tmp_path / "train", f"test: {tmp_path / 'test'}")
    (fault,) = faults_of(config)
    assert (fault.path, fault.line) == ("data.test", 5)
    assert "the class 'shoes' is in the test part only (2 pictures, such as test/shoes/00.png), not in training" in fault.message
    assert fault.hint == 'did you mean "shoe"?'
    assert read_facts(config, seed=0).errors == (fault,)


def test_a_class_without_pictures_is_said(tmp_path: Path) -> None:
    folder = write_folders(tmp_path / "p", {"a": 2, "b": 2})
    (folder / "c").mkdir()
    facts = read_facts(config_of(folder), seed=0)
    assert [fault.message for fault in warnings_of(facts.notes)] == ["train: no pictures in p/c: it is no class"]
    assert facts.schema is not None
    assert facts.schema.targets[0].classes == ("a", "b")
    read = load_dataset(config_of(folder), seed=0)
    # Each is told once, with its code, by what only looks and by what reads.
    for notes in (facts.notes, read.notes):
        assert [(note.text, note.code) for note in notes if note.level == "warning"] == [
            ("train: no pictures in p/c: it is no class", "class_without_pictures")
        ]


def test_check_knows_all_without_opening_a_picture(tmp_path: Path) -> None:
    folder = write_folders(tmp_path / "p", {"a": 6, "b": 4})
    (folder / "a" / "00.png").write_bytes(b"corrupt")
    facts = read_facts(config_of(folder, "color: grayscale", "split: {test: 0.5}"), seed=0)
    assert facts.schema is not None
    assert facts.schema.inputs[0].shape == (12, 10, 1)
    assert facts.labels == {"target": {"a": 6, "b": 4}}
    assert (facts.rows, facts.exact, facts.errors) == ({"train": 5, "test": 5}, True, ())
    assert "all: 10 pictures; a: 6, b: 4" in texts(facts.notes, "note")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda p: p / "absent", "no such folder"),
        (lambda p: write_picture(p / "x" / "a.png").parent, "expected a folder for each class"),
        (lambda p: write_picture(p / "a.png"), "is a picture"),
        (lambda p: (p / "a.zip").write_bytes(b"PK") and p / "a.zip", "is an archive; pictures are read from folders"),
        (lambda p: (p / "empty").mkdir() or p / "empty", "found neither folders nor pictures"),
        (lambda p: (p / "e" / "a").mkdir(parents=True) or p / "e", "expected pictures"),
        (lambda p: write_folders(p / "one", {"a": 2}), "there is one class only: a"),
    ],
)
def test_what_is_no_folder_of_pictures_is_refused_at_its_place(make: Any, words: str, tmp_path: Path) -> None:
    config = config_of(make(tmp_path))
    facts = read_facts(config, seed=0)
    assert words in facts.errors[0].message
    with pytest.raises(DataError):
        load_dataset(config, seed=0)


def test_parts_named_as_classes_are_recognised(tmp_path: Path) -> None:
    for part in ("train", "val", "test"):
        write_folders(tmp_path / "p" / part, {"a": 1, "b": 1})
    (fault,) = faults_of(config_of(tmp_path / "p"))
    assert "test, train, val: these are parts, not classes" in fault.message
    assert fault.hint is not None
    assert "path: " in fault.hint


@pytest.mark.parametrize("size", ["[12]", "[0, 5]", "[12, 10, 3]", "[99999, 3]"])
def test_a_size_that_is_none_is_refused(size: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        read(
            config_of(
                write_folders(tmp_path / "p", {"a": 1}),
                f"limit: 1\n  image_size: {size}".replace("  image_size", "  fit: crop\n  image_size"),
            )
        )


def test_a_table_of_files_and_labels(tmp_path: Path) -> None:
    folder = write_folders(tmp_path / "p", {"a": 3, "b": 3})
    names = [f"{name}/{index:02d}.png" for name in "ab" for index in range(3)]
    table = folder / "labels.csv"
    table.write_text("id,picture,label,price\n" + "".join(f"{i},{name},{name[0]},{i + 0.5}\n" for i, name in enumerate(names)))
    raw = read(config_of(table))
    assert raw.classes == ("a", "b")
    assert raw.names == tuple(names)
    numbers = read(config_of(table, "target: price"))
    assert numbers.classes == ()
    assert np.asarray(numbers.target).tolist() == [0.5, 1.5, 2.5, 3.5, 4.5, 5.5]
    spec = load_dataset(config_of(table, "target: price", "split: {test: 0.5}"), seed=0).schema.targets[0]
    assert spec.task == "regression"
    assert load_dataset(config_of(table, "task: reconstruction"), seed=0).schema.targets[0].task == "reconstruction"
    (fault,) = faults_of(config_of(table, "target: prize"))
    assert (fault.path, fault.hint) == ("data.target", 'did you mean "price"? columns: id, label, price')
    (fault,) = faults_of(config_of(table, "files: pictures"))
    assert fault.path == "data.files"
    table.write_text("picture,label\na/00.png,a\na/01.png,\na/absent.png,b\n")
    (fault,) = faults_of(config_of(table))
    assert (fault.message, fault.line) == ("no value in the column label", 3)
    table.write_text("picture,label\na/00.png,a\nb/absent.png,b\n")
    (fault,) = faults_of(config_of(table))
    assert (fault.message, Path(fault.file).name) == ("no such file", "absent.png")
    table.write_text("name,label\nx,a\n")
    assert "no column of" in faults_of(config_of(table))[0].message


def hostile_folder(folder: Path) -> list[str]:
    """Two good classes and everything that a folder of pictures must not hold; the names of what is bad."""
    write_folders(folder, {"a": 4, "b": 4}, kind="jpg")
    whole = (folder / "a" / "00.jpg").read_bytes()
    bad = {
        "cut.jpg": whole[: len(whole) // 2],
        "empty.png": b"",
        "garbled.png": png_header(20, 20),
        "huge.png": png_header(16_000, 12_000),
        "page.png": b"<html>not found</html>",
        "text.jpg": b"hello",
    }
    for name, content in bad.items():
        (folder / "b" / name).write_bytes(content)
    (folder / "a" / "loop").symlink_to(folder / "a")
    (folder / "a" / "up").symlink_to(folder)
    (folder / "a" / "gone.png").symlink_to(folder / "nowhere.png")
    os.mkfifo(folder / "a" / "pipe.png")
    return ["gone.png", "pipe.png", *bad]


def test_hostile_files_are_named_all_at_once_or_left_out(tmp_path: Path) -> None:
    folder = tmp_path / "p"
    bad = hostile_folder(folder)
    faults = faults_of(config_of(folder))
    assert [Path(fault.file).name for fault in faults] == bad
    recorder = Recorder()
    raw = read(config_of(folder, "on_error: skip"), recorder)
    assert len(raw.names) == len(raw.images) == 8
    assert np.asarray(raw.target).tolist() == [0] * 4 + [1] * 4
    (note,) = texts(raw.notes, "warning")
    assert note.startswith("8 pictures that cannot be used were left out: ")
    again = read(config_of(folder, "on_error: skip"))
    assert again.names == raw.names
    assert again.notes == raw.notes
    assert [Path(fault.file).name for fault in faults_of(config_of(folder))] == bad, "the cache forgets nothing"


def test_links_in_a_circle_end(tmp_path: Path) -> None:
    folder = write_folders(tmp_path / "p", {"a": 2, "b": 2})
    (folder / "a" / "self").symlink_to(folder / "a")
    (folder / "b" / "to").mkdir()
    (folder / "b" / "to" / "back").symlink_to(folder / "b")
    assert len(read(config_of(folder)).names) == 4


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_files_without_permission_are_named(tmp_path: Path) -> None:
    folder = write_folders(tmp_path / "p", {"a": 2, "b": 2})
    (folder / "a" / "00.png").chmod(0)
    (fault,) = faults_of(config_of(folder))
    assert fault.message == "no permission to read it"


def test_decoded_once_until_a_file_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_folders(tmp_path / "p", {"a": 3, "b": 3})
    config = config_of(folder, "split: {test: 0.5}")
    first = load_dataset(config, seed=0)
    decoded: list[str] = []
    original = picture_store.decode_file
    monkeypatch.setattr(picture_store, "decode_file", lambda path, decode: (decoded.append(path), original(path, decode))[1])
    second = load_dataset(config, seed=0)
    assert decoded == []
    assert second.fingerprint == first.fingerprint
    write_picture(folder / "a" / "01.png", (40, 30), seed=77)
    third = load_dataset(config, seed=0)
    assert len(decoded) == 6
    assert third.fingerprint != first.fingerprint
    (tmp_path / "moved").mkdir()
    folder.rename(tmp_path / "moved" / "p")
    assert load_dataset(config_of(tmp_path / "moved" / "p", "split: {test: 0.5}"), seed=0).fingerprint == third.fingerprint


def test_a_damaged_cache_is_made_anew(tmp_path: Path, own_cache: Path) -> None:
    config = config_of(write_folders(tmp_path / "p", {"a": 3, "b": 3}))
    before = in_memory(read(config).images)
    for name, content in ((picture_store.PIXELS_FILE, b"short"), ("meta.json", b"{"), ("meta.json", b'{"rows": [0]}')):
        (file,) = own_cache.glob(f"streamed/pictures-*/{name}")
        file.write_bytes(content)
        np.testing.assert_array_equal(in_memory(read(config).images), before)


def test_without_a_cache_the_pictures_are_held_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_folders(tmp_path / "p", {"a": 3, "b": 3})
    expected = in_memory(read(config_of(folder)).images)
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("DLTRAIN_CACHE", str(tmp_path / "file" / "cache"))
    raw = read(config_of(folder))
    assert isinstance(raw.images, np.ndarray)
    np.testing.assert_array_equal(raw.images, expected)
    assert load_dataset(config_of(folder), seed=0).parts["train"].num_rows == 6
    monkeypatch.setattr(picture_store, "MOST_IN_MEMORY", 10)
    assert "DLTRAIN_CACHE" in str(faults_of(config_of(folder))[0].hint)


@pytest.mark.parametrize("scale", ["unit", "standard", "minmax", "none"])
def test_streamed_from_disk_or_not_the_numbers_are_the_same(scale: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = config_of(write_folders(tmp_path / "p", {"a": 9, "b": 7}), "split: {test: 0.25}", f"scale: {scale}")
    resident = load_dataset(config, seed=3)
    monkeypatch.setenv("DLTRAIN_STREAM_BYTES", "0")
    streamed = load_dataset(config, seed=3)
    raw = in_memory(read(config).images).astype(np.float64)
    for name, part in resident.parts.items():
        ours, other = part.inputs["image"], streamed.parts[name].inputs["image"]
        assert isinstance(ours, ScaledPixels)
        assert isinstance(other, ScaledPixels)
        assert (ours.streamed, other.streamed) == (False, True)
        np.testing.assert_array_equal(in_memory(ours), in_memory(other))
        pixels = raw[part.row_ids]
        train = raw[resident.parts["train"].row_ids]
        center, spread = {
            "unit": (0.0, 255.0),
            "none": (0.0, 1.0),
            "standard": (train.mean(axis=0), np.where(train.std(axis=0) > 0, train.std(axis=0), 1)),
            "minmax": (train.min(axis=0), np.maximum(train.max(axis=0) - train.min(axis=0), 1)),
        }[scale]
        np.testing.assert_allclose(in_memory(ours), (pixels - center) / spread, rtol=1e-5, atol=1e-5)


def test_prediction_reads_the_very_pixels_of_training(tmp_path: Path) -> None:
    folder = write_folders(tmp_path / "p", {"a": 2, "b": 2}, size=(300, 170), kind="jpg")
    for fit in ("stretch", "crop", "pad"):
        for color in ("rgb", "grayscale"):
            config = config_of(folder, f"fit: {fit}", f"color: {color}")
            dataset = load_dataset(config, seed=0)
            part = read_part(dataset.preprocessing, [str(folder)], with_targets=True)
            np.testing.assert_array_equal(in_memory(part.inputs["image"]), in_memory(dataset.parts["train"].inputs["image"]))
            np.testing.assert_array_equal(part.targets["target"], dataset.parts["train"].targets["target"])


def test_labels_of_other_data_come_from_the_folder_directly_below(tmp_path: Path) -> None:
    folder = write_folders(tmp_path / "p", {"a/2020": 2, "b": 1})
    reader = {"source": "image_folder", "size": [5, 5], "color": True, "range": [0.0, 255.0], "fit": "pad"}
    pictures = read_pictures([str(folder)], reader, with_labels=True, classes=("b", "a"))
    assert np.asarray(pictures.target).tolist() == [1, 1, 0]
    assert pictures.images.dtype == np.uint8


def test_the_limit_takes_from_all_classes(tmp_path: Path) -> None:
    folder = write_folders(tmp_path / "p", {"a": 5, "b": 2, "c": 5})
    raw = read(config_of(folder, "limit: 8"))
    assert np.bincount(np.asarray(raw.target)).tolist() == [3, 2, 3]


def test_the_camera_held_upright(tmp_path: Path) -> None:
    folder = write_folders(tmp_path / "p", {"a": 1, "b": 1})
    pixels = np.zeros((24, 20, 3), np.uint8)
    pixels[:12] = 255
    exif = Image.Exif()
    exif[0x0112] = 3
    Image.fromarray(pixels).save(folder / "a" / "01.png", exif=exif)
    image = in_memory(read(config_of(folder)).images)[1]
    assert image[:5].max() == 0
    assert image[-5:].min() == 255


@settings(max_examples=examples(40, 120))
@given(
    own=st.tuples(st.integers(1, 60), st.integers(1, 60)),
    size=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    fit=st.sampled_from(["stretch", "crop", "pad"]),
    color=st.booleans(),
)
def test_any_size_becomes_the_wanted_one(own: tuple[int, int], size: tuple[int, int], fit: str, color: bool) -> None:
    image = Image.new("RGB", own, (200, 200, 200))
    made = PictureForm(size, fit, color).decode(image)
    assert made.shape == (*size, 3 if color else 1)
    assert made.dtype == np.uint8
    if fit == "pad":
        assert set(np.unique(made)) <= {0, 200}
        rows, columns = (made[..., 0] == 200).any(axis=1).sum(), (made[..., 0] == 200).any(axis=0).sum()
        assert rows == size[0] or columns == size[1], "it reaches two sides"
    else:
        assert set(np.unique(made)) == {200}


def test_clothing_as_it_is() -> None:
    folder = shared_data("clothing")
    config = DataConfig(
        "image_folder",
        arguments={"image_size": [32, 32]},
        path=(str(folder / "train"),),
        validation=(str(folder / "validation"),),
        test=(str(folder / "test"),),
    )
    facts = read_facts(config, seed=0)
    assert facts.rows == {"train": 3068, "validation": 341, "test": 372}
    assert facts.schema is not None
    assert facts.schema.targets[0].classes == (
        "dress", "hat", "longsleeve", "outwear", "pants", "shirt", "shoes", "shorts", "skirt", "t-shirt",
    )  # fmt: skip
