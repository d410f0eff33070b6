"""Folders of pictures that hold boxes, or masks beside the pictures, are taken for no classes, by `init` and by `check --data`."""

from __future__ import annotations

from pathlib import Path

import pytest

from dltrain.config import load_config_text
from dltrain.data.load import load_dataset
from dltrain.data.look import read_facts
from dltrain.errors import DataError, UsageError
from dltrain.starting.start import make_starter
from tests.data.sources.support import write_picture

YOLO = "0 0.5 0.5 0.2 0.2\n11 0.1 .1 1e-1 0.2\n"
POLYGON = "3 0.1 0.1 0.2 0.1 0.2 0.3\n"
VOC = "<annotation><object><name>cat</name><bndbox><xmin>1</xmin></bndbox></object></annotation>"
COCO = '{"images": [{"id": 1}], "annotations": [{"image_id": 1, "bbox": [1, 1, 2, 2]}]}'
BOXES = {
    "yolo": {"images/{}.png": "", "labels/{}.txt": YOLO},
    "yolo, parts above": {f"{part}/{kind}": text for part in ("train", "valid") for kind, text in
                          (("images/{}.png", ""), ("labels/{}.txt", YOLO))},
    "yolo, parts below": {f"{kind}": text for part in ("train", "val") for kind, text in
                          ((f"images/{part}/{{}}.png", ""), (f"labels/{part}/{{}}.txt", POLYGON))},
    "yolo, side by side": {"{}.png": "", "{}.txt": YOLO},
    "pascal": {"JPEGImages/{}.png": "", "Annotations/{}.xml": VOC},
    "coco": {"train2017/{}.png": "", "val2017/{}.png": "", "annotations/instances_train2017.json": COCO},
    "coco of a part": {"train/{}.png": "", "valid/{}.png": "", "train/_annotations.coco.json": COCO},
}  # fmt: skip
MASKS = {
    "images and masks": ("images/{}", "masks/{}"),
    "images and labels": ("images/{}", "labels/{}_mask"),
    "beside the part": ("train/{}", "train_masks/{}_mask"),
    "pascal": ("JPEGImages/{}", "SegmentationClass/{}"),
}
CLASSES = {
    "faces with and without a mask": ("mask/{}", "no_mask/{}"),
    "the same names in both": ("cats/{}", "dogs/{}"),
    "one class is called as masks are": ("label/{}", "barcode/{}"),
}


def lay_out(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        for number in range(3):
            path = folder / name.format(number)
            path.parent.mkdir(parents=True, exist_ok=True)
            if text:
                path.write_text(text)
            else:
                write_picture(path, (6, 5), seed=number)


def said_by_init(folder: Path) -> str:
    with pytest.raises((DataError, UsageError)) as caught:
        make_starter(str(folder), target=None)
    return caught.value.faults[0].message


def said_by_check(folder: Path) -> list[str]:
    text = f"data:\n  source: image_folder\n  path: {folder}\n  image_size: [5, 5]\n  split: {{test: 0.3}}\n"
    return [fault.message for fault in read_facts(load_config_text(text, file="c.yaml", folder=Path()).data, seed=0).errors]


@pytest.mark.parametrize("layout", BOXES)
def test_boxes_around_objects_are_not_learned(layout: str, tmp_path: Path) -> None:
    lay_out(tmp_path, BOXES[layout])
    assert "boxes around objects" in said_by_init(tmp_path)
    assert any("boxes around objects" in said or "are parts, not classes" in said for said in said_by_check(tmp_path))


@pytest.mark.parametrize("layout", MASKS)
def test_pictures_and_their_masks_are_no_two_classes(layout: str, tmp_path: Path) -> None:
    lay_out(tmp_path, {f"{name}.png": "" for name in MASKS[layout]})
    assert "their masks" in said_by_init(tmp_path)
    assert "their masks" in said_by_check(tmp_path)[0]


@pytest.mark.parametrize("layout", CLASSES)
def test_classes_stay_classes(layout: str, tmp_path: Path) -> None:
    lay_out(tmp_path, {f"{name}.png": "" for name in CLASSES[layout]})
    assert said_by_check(tmp_path) == []
    assert "2 classes" in make_starter(str(tmp_path), target=None).text


def told_of(folder: Path, layout: str) -> list[str]:
    for label in ("cat", "dog"):
        for number in range(12):
            path = folder / layout.format(label=label, number=number, four=number // 3, part="train" if number < 8 else "test")
            path.parent.mkdir(parents=True, exist_ok=True)
            write_picture(path, (6, 5), seed=number)
    text = f"data: {{source: image_folder, path: {folder}, image_size: [4, 4]}}\nmodel: {{layers: [Flatten]}}\ntraining: {{epochs: 1}}\n"
    config = load_config_text(text, folder=folder).data
    return [warning for warning in load_dataset(config, seed=0).warnings if "drawn into" in warning]


def test_folders_of_parts_within_the_classes_are_said(tmp_path: Path) -> None:
    (said,) = told_of(tmp_path / "d", "{label}/{part}/{number}.png")
    assert said.startswith("the folders of the classes hold cat/test, cat/train, of which no part is made")
    assert told_of(tmp_path / "one", "{label}/train/{number}.png") == []


def test_folders_of_what_was_photographed_are_said(tmp_path: Path) -> None:
    (said,) = told_of(tmp_path / "d", "{label}/patient_{four}/{number}.png")
    assert "such as cat/patient_0, are drawn into several parts" in said
    layouts = ("{label}/breed{four}/{number}.png", "{label}/{number}.png", "{label}/patient{number}/{number}.png")
    assert [told_of(tmp_path / str(index), layout) for index, layout in enumerate(layouts)] == [[], [], []]
