"""Some pictures of a part, their true masks, those that the network says, and where they differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dltrain.data.arrays.disk_array import rows_in_memory
from dltrain.data.dataset import IGNORED, Part
from dltrain.data.pictures.preprocessing import PicturePreprocessing
from dltrain.data.preprocessing import Preprocessing
from dltrain.evaluation.drawing.figure import as_bytes, draw_rows, own_style, save_figure
from dltrain.evaluation.drawing.picture_sheet import short
from dltrain.evaluation.masks.score import pixel_probabilities
from dltrain.model.forward import Forward
from dltrain.model.heads.head import Head

NUM_PICTURES = 10
_INCH = 1.0
_RIGHT, _WRONG, _NOT_COUNTED = (235, 235, 235), (200, 30, 30), (255, 255, 255)
_MOST_NAMED = 12


@dataclass(frozen=True, slots=True)
class MaskSheet:
    """What is drawn.

    Attributes:
        part: of the data.
        pictures: uint8 [n, height, width, 1 or 3].
        true, said: class codes [n, height, width].
        classes: names of the classes.
        palette: uint8 [classes, 3]: a colour for each.
    """

    part: str
    pictures: NDArray[np.uint8]
    true: NDArray[np.uint8]
    said: NDArray[np.uint8]
    classes: Sequence[str]
    palette: NDArray[np.uint8]


def class_colours(num_classes: int) -> NDArray[np.uint8]:
    """A colour for each class, uint8 [classes, 3]: those of PASCAL VOC, whose first, for the background, is black."""
    colours = np.zeros((num_classes, 3), np.uint8)
    for code in range(num_classes):
        rest = code
        for place in range(8):
            for channel in range(3):
                colours[code, channel] |= ((rest >> channel) & 1) << (7 - place)
            rest >>= 3
    return colours


def sheet_of_masks(preprocessing: Preprocessing, part: Part, name: str, head: Head, forward: Forward) -> MaskSheet | None:
    """Pictures at equal distances through a part; None where they are none that can be drawn.

    Args:
        preprocessing: of the pictures.
        part: with masks.
        name: of the part.
        head: of the model.
        forward: of it.
    """
    spec = preprocessing.schema.inputs[0]
    if not isinstance(preprocessing, PicturePreprocessing) or spec.shape[-1] not in (1, 3):
        return None
    array = part.inputs[spec.name]
    chosen = np.unique(np.linspace(0, len(array) - 1, NUM_PICTURES).astype(int))
    seen = rows_in_memory(array, chosen)
    said = pixel_probabilities(head, forward.outputs([seen])[0]).argmax(axis=-1).astype(np.uint8)
    pixels = preprocessing.unscale(seen)
    low, high = (0.0, 255.0) if pixels.min() >= 0 and 1 < pixels.max() <= 255 else (float(pixels.min()), float(pixels.max()))
    true = part.targets[head.targets[0].name][chosen]
    return MaskSheet(name, as_bytes(pixels, low, high), true, said, head.classes, class_colours(len(head.classes)))


@own_style()
def plot_masks(picture: Path, sheet: MaskSheet) -> None:
    """Draw the sheet as PNG, written whole or not at all."""
    from matplotlib.patches import Patch

    counted = sheet.true != IGNORED
    coloured = np.concatenate([sheet.palette, np.full((256 - len(sheet.palette), 3), 255, np.uint8)])
    mistakes = np.full((*sheet.true.shape, 3), _NOT_COUNTED, np.uint8)
    mistakes[counted] = np.where((sheet.true == sheet.said)[counted][:, None], _RIGHT, _WRONG)
    rows: dict[str, NDArray[np.uint8]] = {
        "picture": sheet.pictures,
        "truth": coloured[sheet.true],
        "prediction": coloured[sheet.said],
        "mistakes": mistakes,
    }
    figure = draw_rows(sheet.part, rows, inch=_INCH, foot=0.42)
    patches = [
        Patch(facecolor=colour / 255, edgecolor="grey", label=short(label))
        for label, colour in list(zip(sheet.classes, sheet.palette, strict=True))[:_MOST_NAMED]
    ]
    figure.legend(handles=patches, loc="lower center", ncols=min(len(patches), 6), fontsize=8, frameon=False)
    save_figure(figure, picture)
