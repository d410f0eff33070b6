"""One picture, or a tile of one, that was found and not yet read: where it lies, how it is called, what it shows."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dltrain.wording import as_text


@dataclass(frozen=True, slots=True)
class Tile:
    """A part of a large picture that is shown to the model by itself.

    Attributes:
        picture: (height, width) of the picture.
        top, left: where it begins.
        size: its (height, width) in the picture's pixels; of a smaller picture it reaches beyond the edge.
        counted: left, top, right, bottom within the tile of the pixels that no tile before it has.
    """

    picture: tuple[int, int]
    top: int
    left: int
    size: tuple[int, int]
    counted: tuple[int, int, int, int]

    def cut(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Its pixels [height, width, channels] of those of the picture; beyond the edge those at the edge again."""
        own = pixels[self.top : self.top + self.size[0], self.left : self.left + self.size[1]]
        beyond = [(0, wanted - there) for wanted, there in zip(self.size, own.shape[:2], strict=True)]
        return np.pad(own, [*beyond, (0, 0)], mode="edge")

    def counted_box(self, size: tuple[int, int]) -> tuple[int, int, int, int]:
        """What is counted of it where it was brought to a (height, width): left, top, right, bottom."""
        down, across = size[0] / self.size[0], size[1] / self.size[1]
        left, top, right, bottom = self.counted
        return round(left * across), round(top * down), round(right * across), round(bottom * down)


@dataclass(frozen=True, slots=True)
class PictureFile:
    """One picture that was found, unread.

    Attributes:
        path: of the file.
        name: short, for the user: from the named folder's own name on.
        label: its class as text, its number as text, or None.
        size: of the file, in bytes.
        changed: time of its last change, in nanoseconds.
        key: its text in the column of a table by which the pictures are split.
        tile: what of the picture a row is; None: all of it.
    """

    path: str
    name: str
    label: str | None
    size: int
    changed: int
    key: str | None = None
    tile: Tile | None = None


def picture_file(path: str, name: str, label: str | None) -> PictureFile:
    """A file as it lies there; one that is gone or cannot be looked at has no size, and is named when it is read."""
    name = as_text(name)
    try:
        status = os.stat(path)
    except OSError:
        return PictureFile(path, name, label, -1, 0)
    return PictureFile(path, name, label, status.st_size if stat.S_ISREG(status.st_mode) else -1, status.st_mtime_ns)
