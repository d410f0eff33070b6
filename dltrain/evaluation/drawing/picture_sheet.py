"""Pictures side by side, each with two lines under it."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dltrain.evaluation.drawing.letters import apart, font_of
from dltrain.storage.atomic import write_atomically

_COLUMNS, _INCH, _TEXT, _GAP = 6, 1.5, 0.42, 0.12
_HEADING, _NARROWEST = 0.35, 3.2
_DOTS = 120  # an inch
_MOST_LETTERS = 22


class Line(NamedTuple):
    """A line under a picture: `frame` with `{}` where the word stands, which is cut to the room there is."""

    frame: str
    word: str
    colour: str


def plot_sheet(picture: Path, heading: str, pictures: NDArray[np.uint8], captions: Sequence[tuple[Line, Line]]) -> None:
    """Draw pictures as PNG, written whole or not at all.

    Put together by Pillow: matplotlib, with axes for each picture, takes ten times as long.

    Args:
        picture: the file.
        heading: of the whole.
        pictures: uint8 [n, height, width, 1 or 3].
        captions: two lines for each picture.
    """
    from PIL import Image, ImageDraw

    columns = min(_COLUMNS, len(pictures))
    rows = math.ceil(len(pictures) / columns)
    side = min(max(pictures.shape[1] / pictures.shape[2], 0.5), 2.0)
    cell = _INCH * side + _TEXT
    width, height = max(_INCH * columns, _NARROWEST), cell * rows + _HEADING
    sheet = Image.new("RGB", (_dots(width), _dots(height)), "white")
    pen = ImageDraw.Draw(sheet)
    large, shown = _font(heading, 9)
    pen.text((_dots(width / 2), _dots(0.12)), shown, fill="black", font=large, anchor="mm")
    left = (width - _INCH * columns) / 2
    for index, (image, lines) in enumerate(zip(pictures, captions, strict=True)):
        middle, top = left + _INCH * (index % columns + 0.5), _HEADING + cell * (index // columns)
        drawn = _fitted(image, _dots(_INCH - _GAP), _dots(_INCH * side))
        sheet.paste(drawn, (_dots(middle) - drawn.width // 2, _dots(top) + (_dots(_INCH * side) - drawn.height) // 2))
        for number, line in enumerate(lines):
            place = (_dots(middle), _dots(top + _INCH * side + 0.04 + 0.14 * number))
            small, shown = _within(line, _dots(_INCH - _GAP / 2))
            pen.text(place, shown, fill=line.colour, font=small, anchor="ma")
    buffer = io.BytesIO()
    sheet.save(buffer, format="png")
    write_atomically(picture, buffer.getvalue())


def _within(line: Line, dots: int) -> tuple[Any, str]:
    """The font, and the line with as many letters of its word as there is room for."""
    for most in range(min(_MOST_LETTERS, max(len(line.word), 1)), 0, -1):
        font, text = _font(line.frame.replace("{}", apart(short(line.word, most))), 7)
        if font.getlength(text) <= dots:
            break
    return font, text


def _dots(inches: float) -> int:
    return round(_DOTS * inches)


def _fitted(image: NDArray[np.uint8], width: int, height: int) -> Any:
    """A picture as large as it fits into so many dots, its sides as they are; what is small keeps its pixels apart."""
    from PIL import Image

    found = Image.fromarray(image if image.shape[-1] == 3 else image[..., 0])
    scale = min(width / found.width, height / found.height)
    size = max(1, round(found.width * scale)), max(1, round(found.height * scale))
    return found.resize(size, Image.Resampling.NEAREST if scale > 1 else Image.Resampling.LANCZOS)


def _font(text: str, points: float) -> tuple[Any, str]:
    """A font of so many points that has the letters of a text, and the text as it can draw it."""
    font, shown = font_of(text)
    return _loaded(font, points), shown


@cache
def _loaded(font: Path, points: float) -> Any:
    from PIL import ImageFont

    return ImageFont.truetype(font, points * _DOTS / 72)


def short(text: str, most: int = _MOST_LETTERS) -> str:
    """A word that fits under a picture."""
    shown = "".join(letter if letter.isprintable() else "?" for letter in text)
    return shown if len(shown) <= most else shown[: most - 1] + "…"
