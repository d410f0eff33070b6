"""Arrays beside those of the training: whether their numbers are on the scale that the model has learnt."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.data.arrays.disk_array import DiskArray, rows_in_memory
from dltrain.data.arrays.scaled_pixels import BLOCK_VALUES
from dltrain.errors import Note, warn

# Fewer numbers than these may lie close together by chance.
FEWEST_VALUES = 16
# Numbers that fill less than one part in so many of what training's filled are on another scale: 0...1 instead of 0...255.
SMALL_SHARE = 100


def blocks_of(images: NDArray[Any] | DiskArray, rows: NDArray[np.int64]) -> Iterator[NDArray[Any]]:
    """The rows, so many at a time that they do not fill the memory."""
    size = max(1, BLOCK_VALUES // max(1, int(np.prod(images.shape[1:]))))
    return (rows_in_memory(images, rows[start : start + size]) for start in range(0, len(rows), size))


def range_of(images: NDArray[Any] | DiskArray, rows: NDArray[np.int64]) -> tuple[float, float] | None:
    """The least and the largest number of some rows; None where there is none."""
    bounds = [(float(block.min()), float(block.max())) for block in blocks_of(images, rows) if block.size]
    return (min(low for low, _ in bounds), max(high for _, high in bounds)) if bounds else None


def notes_of_another_scale(
    images: NDArray[Any] | DiskArray, rows: NDArray[np.int64], seen: tuple[float, float] | None
) -> list[Note]:
    """A warning of numbers that are far outside of what training has seen, or all in a small corner of it.

    Args:
        images: arrays that a trained model is asked about, before they are scaled.
        rows: those that it is asked about.
        seen: the least and the largest number of the training part; None: not known.
    """
    found = None if seen is None else range_of(images, rows)
    if seen is None or found is None or seen[0] == seen[1]:
        return []
    span = seen[1] - seen[0]
    is_outside = found[1] - seen[1] > span or seen[0] - found[0] > span
    num_values = len(rows) * int(np.prod(images.shape[1:]))
    is_small = 0 < (found[1] - found[0]) * SMALL_SHARE < span and num_values >= FEWEST_VALUES
    if not is_outside and not is_small:
        return []
    said = (
        f"the numbers of the arrays go from {found[0]:g} to {found[1]:g}, those of the training from {seen[0]:g} to {seen[1]:g}: "
        "if they are scaled otherwise, bring them to the training's scale first"
    )
    return [warn(said, "another_scale")]
