"""Large pictures in tiles, of which each is a row: those of a picture stay in one part, and each pixel is counted once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from dltrain.data.pictures.files import PictureError, decode_file, skipped_notes, unusable
from dltrain.data.pictures.folders import PictureList
from dltrain.data.pictures.form import PictureForm, upright_size
from dltrain.data.pictures.picture_file import PictureFile, Tile
from dltrain.errors import Fault, Note, warn

# Pictures with a side so many times the model's are hardly meant to be shown to it whole.
LARGE = 4


def tile_size(form: PictureForm, width: int) -> tuple[int, int]:
    """(height, width) of tiles so many pixels wide: their shape is that of the model's pictures."""
    return max(1, round(width * form.size[0] / form.size[1])), width


def tiles_of(picture: tuple[int, int], size: tuple[int, int]) -> list[Tile]:
    """Tiles that cover a picture, as few as can be, the last of a row ending with it.

    Args:
        picture: its (height, width).
        size: of a tile.
    """
    down, across = (_places(length, tile) for length, tile in zip(picture, size, strict=True))
    return [
        Tile(picture, top, left, size, (skipped, above, min(size[1], picture[1] - left), min(size[0], picture[0] - top)))
        for top, above in down
        for left, skipped in across
    ]


def _places(length: int, tile: int) -> list[tuple[int, int]]:
    """Where tiles begin along a side, and how many of their pixels the one before has as well."""
    count = max(1, -(-length // tile))
    starts = [round(place * (length - tile) / (count - 1)) for place in range(count)] if count > 1 else [0]
    return [(start, before + tile - start if place else 0) for place, (before, start) in enumerate(zip([0, *starts], starts))]


def cut_up(found: PictureList, form: PictureForm, width: int | None, *, skip: bool, hint: str) -> PictureList:
    """The pictures as the tiles that cover them; of each file only the size is looked at.

    Args:
        found: the pictures, and the mask of each.
        form: of the model's pictures.
        width: of a tile in pixels of the pictures; None: they stay whole.
        skip: leave those out that are no pictures.
        hint: what to do about such.

    Raises:
        DataError: files that are no pictures; all are named.
    """
    if width is None:
        return found
    size, result, faults = tile_size(form, width), replace(found, files=[], masks=[], notes=list(found.notes)), list[Fault]()
    rows = list[list[int]]()
    for place, file in enumerate(found.files):
        rows.append([])
        try:
            picture, _ = decode_file(file.path, upright_size)
        except PictureError as error:
            faults.append(Fault(str(error), file=file.path, hint=error.hint))
            continue
        for tile in tiles_of(picture, size):
            rows[-1].append(len(result.files))
            result.files.append(replace(file, name=f"{file.name}@{tile.left},{tile.top}", tile=tile))
            result.masks += [replace(mask, tile=tile) for mask in found.masks[place : place + 1]]
    if faults and (not skip or not result.files):
        raise unusable(faults, hint)
    result.parts = {
        part: np.array([row for place in places.tolist() for row in rows[place]], np.int64)
        for part, places in found.parts.items()
    }
    said = f"{len(found.files) - len(faults):,} pictures in {len(result.files):,} tiles of {size[0]}×{size[1]} pixels"
    result.notes += skipped_notes(faults)
    result.notes.append(Note(f"{said}; those of a picture are in one part"))
    return result


def pictures_of(files: Sequence[PictureFile]) -> NDArray[np.int64] | None:
    """Which picture each row is a tile of; None: rows are pictures."""
    if not any(file.tile for file in files):
        return None
    return np.unique([file.path for file in files], return_inverse=True)[1].astype(np.int64)


def large_notes(sizes: Sequence[tuple[int, int]], form: PictureForm, hint: str) -> list[Note]:
    """A warning of pictures of which the model sees little more than the outlines.

    Args:
        sizes: of the pictures.
        form: of the model's.
        hint: what shows it more of them.
    """
    most = max((max(size) for size in sizes), default=0)
    if most < LARGE * max(form.size):
        return []
    height, width = form.size
    said = f"pictures of up to {most:,} pixels a side are brought to {height}×{width} before they are looked at"
    return [warn(f"{said}; {hint.format(width=width)} shows the model tiles of {width} pixels as they are", "large_pictures")]
