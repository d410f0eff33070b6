"""Pictures side by side, each with two lines under it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.evaluation.drawing.figure import new_figure, own_style, save_figure

_COLUMNS, _INCH, _TEXT = 6, 1.5, 0.42
_MOST_LETTERS = 22

Line = tuple[str, str]  # text and colour


@own_style()
def plot_sheet(picture: Path, heading: str, pictures: NDArray[np.uint8], captions: Sequence[tuple[Line, Line]]) -> None:
    """Draw pictures as PNG, written whole or not at all.

    Args:
        picture: the file.
        heading: of the whole.
        pictures: uint8 [n, height, width, 1 or 3].
        captions: two lines for each picture.
    """
    columns = min(_COLUMNS, len(pictures))
    rows = math.ceil(len(pictures) / columns)
    side = pictures.shape[1] / pictures.shape[2]
    cell = _INCH * min(max(side, 0.5), 2.0) + _TEXT
    width, height = max(_INCH * columns, 3.2), cell * rows + 0.35
    figure = new_figure(width, height)
    margins = {"left": 0.05 / width, "right": 1 - 0.05 / width, "bottom": _TEXT / height, "top": 1 - 0.35 / height}
    grid = figure.subplots(
        rows, columns, squeeze=False, gridspec_kw={**margins, "wspace": 0.08, "hspace": _TEXT / (cell - _TEXT)}
    )
    for axes in grid.flat:
        axes.set_axis_off()
    for axes, image, (first, second) in zip(grid.flat, pictures, captions):
        axes.imshow(image if image.shape[-1] == 3 else image[..., 0], cmap="gray", vmin=0, vmax=255, aspect="equal")
        style: dict[str, Any] = {"transform": axes.transAxes, "ha": "center", "va": "top", "fontsize": 7}
        axes.text(0.5, -0.03, first[0], color=first[1], **style)
        axes.text(0.5, -0.03 - 0.14 * _INCH / (cell - _TEXT), second[0], color=second[1], **style)
    figure.suptitle(heading, y=1 - 0.12 / height, fontsize=9)
    save_figure(figure, picture)


def short(text: str) -> str:
    """A word that fits under a picture."""
    shown = "".join(letter if letter.isprintable() else "?" for letter in text)
    return shown if len(shown) <= _MOST_LETTERS else shown[: _MOST_LETTERS - 1] + "…"
