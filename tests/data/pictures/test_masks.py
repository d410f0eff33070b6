"""Pictures with masks: paired by name, held against each other, and what pixel values mean."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from dltrain.config.types import DataConfig, SplitConfig
from dltrain.data import load_dataset
from dltrain.data.arrays.disk_array import in_memory
from dltrain.data.dataset import IGNORED
from dltrain.data.pictures.form import ORIENTATION
from dltrain.data.pictures.masks import MaskClasses, classes_from_state
from dltrain.data.sources import source_of
from dltrain.errors import DataError, texts
from dltrain.reporting import Reporter
from dltrain.starting.start import make_starter


def save(root: Path, masks: dict[str, NDArray[np.uint8]], palette: bool = False) -> Path:
    """A folder of pictures with these masks."""
    for kind in ("pictures", "masks"):
        (root / kind).mkdir(parents=True, exist_ok=True)
    for number, (name, mask) in enumerate(masks.items()):
        picture = np.random.default_rng(number).integers(0, 255, (*mask.shape, 3), np.uint8)
        Image.fromarray(picture).save(root / "pictures" / f"{name}.jpg")
        image = Image.fromarray(mask)
        if palette:
            image = Image.fromarray(mask, mode="P")
            image.putpalette([10, 20, 30, 40, 50, 60, *([0] * 762)])  # of fewer colours Pillow saves fewer bits
        image.save(root / "masks" / f"{name}.png")
    return root


def halves(*values: int, size: int = 8) -> NDArray[np.uint8]:
    """A mask with a stripe of each value, from left to right."""
    return np.repeat(np.array(values, np.uint8), size // len(values))[None, :].repeat(size, axis=0)


def read(folder: Path, **more: object):
    arguments = {"image_size": [8, 8], **more}
    config = DataConfig("image_folder", path=(str(folder),), task="segmentation", arguments=arguments)
    return source_of(config).read(config, seed=0, reporter=Reporter())


def test_values_become_classes_in_their_order(tmp_path: Path) -> None:
    raw = read(save(tmp_path, {"a": halves(0, 200), "b": halves(7, 200)}))
    assert raw.classes == ("0", "7", "200")
    assert np.array_equal(raw.target[0], halves(0, 2))
    assert np.array_equal(raw.target[1], halves(1, 2))
    assert raw.target.dtype == np.uint8
    assert raw.sizes == ((8, 8), (8, 8))


def test_names_an_ignored_value_and_a_palette_are_kept(tmp_path: Path) -> None:
    folder = save(tmp_path, {"a": halves(0, 1, 255, 255)}, palette=True)
    raw = read(folder, classes=["ground", "cell"], ignore=255)
    assert np.array_equal(raw.target[0], halves(0, 1, IGNORED, IGNORED))
    classes = classes_from_state(raw.reader["masks"])
    assert (classes.names, classes.values, classes.ignore, classes.palette[:6]) == (
        ("ground", "cell"), (0, 1), 255, (10, 20, 30, 40, 50, 60),
    )  # fmt: skip
    assert read(folder, classes={"0": "ground", "1": "cell", "255": "edge"}).classes == ("ground", "cell", "edge")


@pytest.mark.parametrize(("fit", "size"), [("stretch", (4, 8)), ("pad", (8, 16)), ("crop", (8, 4))])
def test_masks_are_resized_by_nearest_as_their_pictures(tmp_path: Path, fit: str, size: tuple[int, int]) -> None:
    """In place of Pillow: of a mask twice as large every second pixel; what is beside it is ignored."""
    rng = np.random.default_rng(1)
    mask = rng.integers(0, 3, (16, 16), np.uint8)
    raw = read(save(tmp_path, {"a": mask}), image_size=list(size), fit=fit)
    found = raw.target[0]
    if fit == "stretch":
        expected = mask[2::4, 1::2]
    elif fit == "pad":
        expected = np.full(size, IGNORED, np.uint8)
        expected[:, 4:12] = mask[1::2, 1::2]
    else:
        expected = mask[1::2, 4:12][:, 1::2]
    assert np.array_equal(found, expected)


def test_masks_that_are_missing_or_too_many_are_named(tmp_path: Path) -> None:
    folder = save(tmp_path, {"a": halves(0, 1), "b": halves(0, 1), "c": halves(0, 1)})
    (folder / "masks" / "b.png").rename(folder / "masks" / "bb.png")
    with pytest.raises(DataError, match=r"no mask for 1 of 3 pictures: b\.jpg") as caught:
        read(folder)
    assert caught.value.exit_code == 3
    assert "bb.png" in str(caught.value.faults[0].hint)
    skipped = read(folder, on_error="skip")
    assert len(skipped.images) == 2
    assert "left out: 1 picture without a mask: b.jpg" in " ".join(texts(skipped.notes, "warning"))
    (folder / "pictures" / "b.jpg").unlink()
    assert "masks without a picture were left out: bb.png" in " ".join(texts(read(folder).notes, "note"))


def test_a_table_names_pictures_and_masks(tmp_path: Path) -> None:
    """The same as the two folders; a group of its own column for the split, a cell without a mask, and a mask that is gone."""
    masks = {"a": halves(0, 1, 255, 2), "b": halves(1, 0, 255, 2), "c": halves(2, 1, 255, 0), "d": halves(0, 2, 255, 1)}
    folder = save(tmp_path, masks)
    own = read(folder, ignore=255)
    rows = [f"pictures/{name}.jpg,masks/{name}.png,{number // 2}" for number, name in enumerate(masks)]
    table = tmp_path / "t.csv"
    table.write_text("\n".join(["photo,outline,place", *rows]))
    raw = read(table, ignore=255)
    assert np.array_equal(raw.target, own.target)
    assert np.array_equal(in_memory(raw.images), in_memory(own.images))
    assert any("the column outline of" in note for note in texts(raw.notes, "note"))
    assert raw.reader["table"]["label"] == "outline"
    arguments = {"image_size": [8, 8], "ignore": 255}
    config = DataConfig("image_folder", path=(str(table),), task="segmentation", arguments=arguments, target=("outline",))
    split = replace(config, split=SplitConfig(group="place", test=0.5))
    parts = {name: len(part.row_ids) for name, part in load_dataset(split, seed=1).parts.items()}
    assert parts == {"train": 2, "test": 2}
    with pytest.raises(DataError, match=r"the column place of .* names no masks: it holds 0, 0, 1"):
        load_dataset(replace(config, target=("place",)), seed=0)
    table.write_text(
        "\n".join(["photo,outline", *(row[:-2] for row in rows[:2]), "pictures/c.jpg,", "pictures/d.jpg,masks/e.png"])
    )
    with pytest.raises(DataError, match="no value in the column outline"):
        read(table, ignore=255)
    config = replace(config, missing_target="drop", arguments={**arguments, "on_error": "skip"}, split=SplitConfig())
    raw = source_of(config).read(config, seed=0, reporter=Reporter())
    assert len(raw.images) == 2
    assert any("masks/e.png (no such file)" in note for note in texts(raw.notes, "warning"))


def test_a_mask_of_another_size_is_named(tmp_path: Path) -> None:
    folder = save(tmp_path, {"a": halves(0, 1), "b": halves(0, 1)})
    Image.fromarray(halves(0, 1, size=6)).save(folder / "masks" / "b.png")
    with pytest.raises(DataError, match=r"the mask is 6×6 .* its picture .*b\.jpg 8×8") as caught:
        read(folder)
    assert caught.value.faults[0].file == str(folder / "masks" / "b.png")


def test_a_value_that_is_no_class_is_named_with_its_file(tmp_path: Path) -> None:
    folder = save(tmp_path, {"a": halves(0, 1), "b": halves(0, 9)})
    with pytest.raises(DataError, match=r"the mask has pixels of the value 9, which is no class") as caught:
        read(folder, classes=["ground", "cell"])
    assert caught.value.faults[0].file == str(folder / "masks" / "b.png")


def test_names_for_other_values_than_the_masks_have_are_said_with_those_values(tmp_path: Path) -> None:
    folder = save(tmp_path, {"a": halves(0, 255), "b": halves(0, 255)})
    with pytest.raises(DataError) as caught:
        read(folder, classes=["ground", "cell"])
    assert "`data.classes: {0: ground, 255: cell}` names the masks' own values" in str(caught.value.faults[0].hint)
    assert read(folder, classes={0: "ground", 255: "cell"}).classes == ("ground", "cell")


def test_colours_and_jpegs_are_no_masks(tmp_path: Path) -> None:
    folder = save(tmp_path, {"a": halves(0, 1), "b": halves(0, 1)})
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(folder / "masks" / "a.png")
    (folder / "masks" / "b.png").unlink()
    Image.fromarray(halves(0, 1)).save(folder / "masks" / "b.jpg")
    with pytest.raises(DataError) as caught:
        read(folder)
    said = [fault.message for fault in caught.value.faults]
    assert "expected a mask of grey values or with a palette, found a picture of RGB colours" in said
    assert any("a JPEG changes pixel values" in message for message in said)


def test_255_beside_small_values_is_asked_about(tmp_path: Path) -> None:
    raw = read(save(tmp_path, {"a": halves(0, 1, 255, 255)}))
    assert any("data.ignore: 255 leaves them out" in note for note in texts(raw.notes, "warning"))


def test_a_class_of_another_part_only_is_refused(tmp_path: Path) -> None:
    save(tmp_path / "train", {"a": halves(0, 1), "b": halves(0, 1)})
    save(tmp_path / "test", {"c": halves(0, 2)})
    config = DataConfig(
        "image_folder",
        path=(str(tmp_path / "train"),),
        test=(str(tmp_path / "test"),),
        task="segmentation",
        arguments={"image_size": [8, 8], "classes": ["ground", "cell", "edge"]},
        split=SplitConfig(),
    )
    with pytest.raises(DataError, match="the class 'edge' is in masks of the test part only"):
        load_dataset(config, seed=0)


def test_without_the_task_the_two_folders_are_no_classes(tmp_path: Path) -> None:
    folder = save(tmp_path, {"a": halves(0, 1)})
    config = DataConfig("image_folder", path=(str(folder),))
    with pytest.raises(DataError, match="which are no classes"):
        source_of(config).read(config, seed=0, reporter=Reporter())


@pytest.mark.parametrize(
    "damage",
    [{"values": [0, 0]}, {"values": [0, 256]}, {"names": ["a"]}, {"ignore": 1}, {"palette": [1, 2]}, {"values": "01"}],
)
def test_a_damaged_description_is_refused(damage: dict[str, object]) -> None:
    state = {**MaskClasses((0, 1), ("a", "b"), 255, (1, 2, 3)).to_state(), **damage}
    with pytest.raises(ValueError, match="masks"):
        classes_from_state(state)


def test_init_splits_only_the_part_that_has_no_folder(tmp_path: Path) -> None:
    for part in ("train", "val"):
        save(tmp_path / "data" / part, {f"{number}": halves(0, 1) for number in range(8)})
    text = make_starter(str(tmp_path / "data")).text
    assert "of the pictures in path" in text
    assert "validation: " in text
    assert "member" not in text


@pytest.mark.parametrize("source", ["image_folder", "csv"])
def test_a_column_of_names_of_masks_is_one_error_with_the_way_out(tmp_path: Path, source: str) -> None:
    save(tmp_path, {f"p{number}": halves(0, 1) for number in range(12)})
    rows = [f"pictures/p{number}.jpg,masks/p{number}.png" for number in range(12)]
    (tmp_path / "pairs.csv").write_text("\n".join(["picture,mask", *rows]) + "\n")
    arguments = {"image_size": [8, 8]} if source == "image_folder" else {}
    split = SplitConfig(test=0.25)
    config = DataConfig(source, path=(str(tmp_path / "pairs.csv"),), target=("mask",), arguments=arguments, split=split)
    with pytest.raises(DataError, match="the target mask names 12 picture files") as caught:
        load_dataset(config, seed=0)
    [fault] = caught.value.faults
    assert fault.path == "data.target"
    assert "task: segmentation, with source: image_folder" in str(fault.hint)


def test_a_picture_that_its_camera_turns_has_a_mask_that_is_turned(tmp_path: Path) -> None:
    folder = save(tmp_path, {"a": halves(0, 1), "b": halves(0, 1)})
    turned = Image.Exif()
    turned[ORIENTATION] = 6
    Image.fromarray(np.zeros((4, 8, 3), np.uint8)).save(folder / "pictures" / "b.jpg", exif=turned)
    Image.fromarray(np.zeros((4, 8), np.uint8)).save(folder / "masks" / "b.png")
    with pytest.raises(DataError, match=r"the mask is 8×4 .* 4×8") as caught:
        read(folder)
    assert "turned as its camera says" in str(caught.value.faults[0].hint)


@pytest.mark.parametrize(("turn", "height", "said"), [(6, 8, True), (3, 6, True), (6, 6, False), (1, 8, False)])
def test_a_picture_that_its_camera_turned_has_a_mask_that_may_not_be(tmp_path: Path, turn: int, height: int, said: bool) -> None:
    upright = np.random.default_rng(0).integers(0, 255, (height, 8, 3), np.uint8)
    is_turned = turn == 6 and height != 8  # then the mask's size shows that it was drawn on the turned picture
    for name in "ab":
        exif = Image.Exif()
        exif[ORIENTATION] = turn
        (tmp_path / "pictures").mkdir(exist_ok=True)
        (tmp_path / "masks").mkdir(exist_ok=True)
        Image.fromarray(upright).save(tmp_path / "pictures" / f"{name}.jpg", exif=exif)
        mask = halves(0, 1)[:height]
        Image.fromarray(mask.T if is_turned else mask).save(tmp_path / "masks" / f"{name}.png")
    warnings = texts(read(tmp_path).notes, "warning")
    assert any("2 of 2 pictures looked at are turned or mirrored" in text for text in warnings) == said
    assert any("a.jpg, b.jpg" in text for text in warnings) == said


def test_what_was_decoded_before_is_used_though_the_disk_fails_since(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dltrain.data.pictures import masked
    from dltrain.data.pictures.files import PictureError

    def fails(*_: object) -> None:
        raise PictureError("corrupt or truncated picture: Input/output error")

    folder = save(tmp_path / "shapes", {"a": halves(0, 200), "b": halves(7, 200)})
    before = read(folder)
    monkeypatch.setattr(masked, "decode_file", fails)  # it looks at the pictures once more, for a warning
    np.testing.assert_array_equal(in_memory(read(folder).images), in_memory(before.images))
    monkeypatch.setattr("dltrain.data.tables.streamed.column_files.read_meta", lambda path: {})
    heard: list[str] = []
    reporter = Reporter()
    monkeypatch.setattr(reporter, "warning", lambda warning: heard.append(str(warning)))
    config = DataConfig("image_folder", path=(str(folder),), task="segmentation", arguments={"image_size": [8, 8]})
    again = source_of(config).read(config, seed=0, reporter=reporter)
    np.testing.assert_array_equal(in_memory(again.images), in_memory(before.images))
    assert any("held in memory and not kept for later runs" in said and "cannot be read" in said for said in heard)
