"""Pictures beside the same pictures with the places marked that an answer hangs on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dltrain.evaluation.drawing.picture_sheet import Line, plot_sheet
from dltrain.evaluation.importance.occlusion import Occlusion, Occlusions

FILE = "importance.png"
_LOWER, _HIGHER = (0xD5, 0x5E, 0x00), (0x00, 0x72, 0xB2)  # told apart by the colour-blind: Okabe and Ito
_STRONGEST = 0.75  # of a mark that hides the picture below it


def plot_occlusions(picture: Path, found: Occlusions) -> bool:
    """Draw them as PNG, whole or not at all: orange where covering lowers the answer, blue where it raises it."""
    heading = f"{found.part} part: covering orange lowers the answer, blue raises it"
    drawn = np.stack([np.concatenate([_colours(one), _gap(one), _marked(one)], axis=1) for one in found.pictures])
    plot_sheet(picture, heading, drawn, [_caption(one, found.is_number) for one in found.pictures])
    return True


def _caption(one: Occlusion, is_number: bool) -> tuple[Line, Line]:
    fall, *_ = one.worst
    if is_number:
        return Line("is {}", one.true, "#000000"), Line(f"said {{}}, {one.value - fall:.4g}", one.said, "#000000")
    ends = f"{100 * one.value:.0f}→{100 * (one.value - fall):.0f} %"
    said = Line(f"said {{}}: {ends}", one.said, "#1b7837" if one.true == one.said else "#b2182b")
    return Line("is {}", one.true, "#1b7837"), said


def _gap(one: Occlusion) -> NDArray[np.uint8]:
    height, width = one.picture.shape[:2]
    return np.full((height, max(1, width // 16), 3), 255, np.uint8)


def _colours(one: Occlusion) -> NDArray[np.uint8]:
    return one.picture if one.picture.shape[-1] == 3 else np.repeat(one.picture, 3, axis=-1)


def _marked(one: Occlusion) -> NDArray[np.uint8]:
    """The picture in grey, each cell in the colour of what covering it does."""
    height, width = one.picture.shape[:2]
    cells = one.falls / (np.abs(one.falls).max() or 1.0)
    rows, columns = (np.arange(size) * count // size for size, count in zip((height, width), cells.shape, strict=True))
    share = cells[rows][:, columns][..., np.newaxis]
    grey = np.repeat(one.picture.mean(axis=-1, keepdims=True), 3, axis=-1)
    colour = np.where(share > 0, np.array(_LOWER), np.array(_HIGHER))
    strength = _STRONGEST * np.abs(share)
    return np.asarray(np.round((1 - strength) * grey + strength * colour), np.uint8)
