"""Masks of large pictures: predicted in overlapping tiles, whose probabilities are put together where they overlap.

As in the U-Net of Ronneberger et al. 2015 ("overlap-tile"): a pixel near the edge of a tile is told best by the tile beside it,
so that each tile counts by how far a pixel is from its edges.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.data.pictures.picture_file import PictureFile
from dltrain.data.pictures.reader import in_range, read_whole
from dltrain.data.pictures.tiles import tile_size
from dltrain.data.raw import RawPictures
from dltrain.evaluation.masks.predicted import MaskMaker, ToldMask, resized
from dltrain.reporting import Reporter

# So much of a tile, at the least, is also in the next one.
OVERLAP = 4
# Tiles of a row that are told together.
AT_ONCE = 8


def tell_in_tiles(maker: MaskMaker, files: Sequence[PictureFile], width: int, reporter: Reporter) -> Iterator[ToldMask]:
    """The mask of each picture, in its own size.

    Args:
        maker: of the run.
        files: the pictures.
        width: of a tile in pixels of the pictures; its height has the ratio of the model's. It is brought to the model's size.
        reporter: hears how far it is.
    """
    tile = tile_size(maker.form, width)
    for row, file in enumerate(files):
        reporter.status(f"pictures in tiles: {row:,} of {len(files):,}")
        codes, is_finite = _told(maker, read_whole(file.path, maker.reader), tile)
        yield ToldMask(row, codes, None, is_finite)


def starts_of(length: int, tile: int) -> list[int]:
    """Where tiles begin along a side: at equal distances, the first at 0, the last ending with the side."""
    if length <= tile:
        return [0]
    step = max(1, tile - tile // OVERLAP)
    count = -(-(length - tile) // step) + 1
    return [int(start) for start in np.round(np.linspace(0, length - tile, count))]


def _told(maker: MaskMaker, pixels: NDArray[np.uint8], tile: tuple[int, int]) -> tuple[NDArray[np.uint8], bool]:
    """The class of each pixel [height, width], and whether all probabilities are finite.

    Probabilities are held of one row of tiles at a time: what no further tile reaches is decided.
    """
    height, width = pixels.shape[:2]
    beside = [(0, max(0, side - own)) for side, own in zip(tile, (height, width), strict=True)]
    pixels = np.pad(pixels, [*beside, (0, 0)], mode="edge")  # of a picture smaller than a tile
    tops, lefts = starts_of(pixels.shape[0], tile[0]), starts_of(pixels.shape[1], tile[1])
    weight = np.outer(_ramp(tile[0]), _ramp(tile[1]))[..., np.newaxis]
    band = np.zeros((tile[0], pixels.shape[1], len(maker.head.classes)), np.float32)
    codes, is_finite = np.zeros(pixels.shape[:2], np.uint8), True
    for top, following in zip(tops, [*tops[1:], pixels.shape[0]], strict=True):
        tiles = [pixels[top : top + tile[0], left : left + tile[1]] for left in lefts]
        for left, told in zip(lefts, _probabilities(maker, tiles, tile), strict=True):
            is_finite = is_finite and bool(np.isfinite(told).all())
            band[:, left : left + tile[1]] += weight * told
        done = following - top
        codes[top:following] = band[:done].argmax(axis=-1)
        band = np.concatenate([band[done:], np.zeros_like(band[:done])])
    return codes[:height, :width], is_finite


def _probabilities(maker: MaskMaker, tiles: Sequence[NDArray[np.uint8]], tile: tuple[int, int]) -> Iterator[NDArray[np.float32]]:
    """Of each class [height, width, classes] in the tiles' own size."""
    small = [maker.form.brought(own) for own in tiles]
    raw = RawPictures(images=in_range(np.stack(small), maker.reader), target=None)
    part: Any = maker.preprocessing.transform(raw, with_targets=False)
    for _, told in maker.probabilities(part):
        yield np.stack([resized(told[..., code], tile) for code in range(told.shape[-1])], axis=-1)


def _ramp(length: int) -> NDArray[np.float32]:
    """A weight for each place along the side of a tile: how far it is from the nearer edge."""
    places = np.arange(length)
    return np.asarray(np.minimum(places + 1, length - places) / length, np.float32)
