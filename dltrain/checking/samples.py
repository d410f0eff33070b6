"""`check --samples FILE`: some pictures of the training part as the model gets them, with their labels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dltrain.data.arrays.disk_array import rows_in_memory
from dltrain.data.dataset import Dataset, Part, Schema
from dltrain.data.pictures.preprocessing import PicturePreprocessing
from dltrain.errors import UsageError
from dltrain.evaluation.drawing.letters import lacking_letters, say_lacking
from dltrain.evaluation.drawing.picture_sheet import Line, plot_sheet
from dltrain.evaluation.masks.sheet import class_colours

NUM_SHOWN = 24


def draw_samples(dataset: Dataset, picture: Path) -> str:
    """Draw pictures of all classes in turn; returns a line that says so.

    Raises:
        UsageError: the data holds no pictures.
        RunError: the file cannot be written.
    """
    spec = next((spec for spec in dataset.schema.inputs if len(spec.shape) == 3 and spec.shape[-1] in (1, 3)), None)
    if spec is None:
        raise UsageError("--samples draws pictures, but the data holds none", hint="leave it out")
    part = dataset.parts["train"]
    rows = _rows_in_turn(part, dataset.schema)
    scaled = rows_in_memory(part.inputs[spec.name], rows)
    if isinstance(dataset.preprocessing, PicturePreprocessing):
        pixels = dataset.preprocessing.unscale(scaled)
        low, high = (dataset.preprocessing.reader or {}).get("range", (pixels.min(), pixels.max()))
        scaled = (pixels - low) / (high - low or 1.0)
    drawn = np.round(255 * np.clip(scaled, 0.0, 1.0)).astype(np.uint8)
    heading = f"{len(rows)} of {part.num_rows:,} pictures of the training part"
    masks = next((spec for spec in dataset.schema.targets if spec.task == "segmentation"), None)
    if masks is not None:
        drawn = _beside_masks(drawn, part.targets[masks.name][rows], len(masks.classes))
        heading += " beside their masks"
    captions = [
        (Line("{}", _label(part, dataset.schema, row), "#1b7837"), Line("{}", _name(part, row), "#666666")) for row in rows
    ]
    height, width = spec.shape[:2]
    heading += f", {height}×{width}"
    with lacking_letters() as lacking:
        plot_sheet(picture, heading, drawn, captions)
    more = f"; {say_lacking(lacking)}" if lacking else ""
    return f"{len(rows)} pictures of the training part are drawn in {picture}{more}"


def _beside_masks(pictures: NDArray[np.uint8], codes: NDArray[np.uint8], num_classes: int) -> NDArray[np.uint8]:
    """Right of each picture [height, width, channels] its mask in the colours of the classes; what does not count is white."""
    colours = np.full((256, 3), 255, np.uint8)
    colours[:num_classes] = class_colours(num_classes)
    of_colour = np.repeat(pictures, 3, axis=-1) if pictures.shape[-1] == 1 else pictures
    return np.concatenate([of_colour, colours[codes]], axis=2)


def _rows_in_turn(part: Part, schema: Schema) -> NDArray[np.int64]:
    """The first rows of each class in turn; without classes, rows evenly spread."""
    target = next((spec for spec in schema.targets if spec.task == "classification"), None)
    count = min(NUM_SHOWN, part.num_rows)
    if target is None:
        return np.linspace(0, part.num_rows - 1, count).astype(np.int64)
    codes = part.targets[target.name]
    turn = np.zeros(len(codes), np.int64)
    for code in range(len(target.classes)):
        rows = np.flatnonzero(codes == code)
        turn[rows] = np.arange(len(rows))
    chosen = np.lexsort((np.arange(len(codes)), codes, turn))[:count]
    return np.asarray(chosen, np.int64)


def _label(part: Part, schema: Schema, row: int) -> str:
    words = []
    for spec in schema.targets:
        if spec.task == "classification":
            words.append(spec.classes[int(part.targets[spec.name][row])])
        elif spec.task == "segmentation":
            present = [int(code) for code in np.unique(part.targets[spec.name][row]) if code < len(spec.classes)]
            words += [spec.classes[code] for code in present if code or len(present) == 1]  # the first is the background
        elif spec.task == "multilabel":
            words += [spec.classes[code] for code in np.flatnonzero(part.targets[spec.name][row])]
        elif spec.task == "regression":
            words.append(f"{float(spec.to_own(part.targets[spec.name][row])):.5g}")
    return ", ".join(words)


def _name(part: Part, row: int) -> str:
    name = str(part.identifiers["file"][row]) if "file" in part.identifiers else f"row {int(part.row_ids[row]) + 1:,}"
    return name if len(name) < 20 else name.rpartition("/")[2]
