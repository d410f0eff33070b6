"""Arrays beside those of the training: whether their numbers are on the scale that the model has learnt."""

from __future__ import annotations

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
# Percent of the numbers that may lie outside, at each end, without being what training has seen.
FAR_OUT = 0.1


def range_of(images: NDArray[Any] | DiskArray, rows: NDArray[np.int64]) -> tuple[float, float] | None:
    """Between which numbers nearly all of some rows are, one in a thousand at each end left out; None where there is none."""
    size = max(1, int(np.prod(images.shape[1:])))
    every = max(1, -(-len(rows) * size // BLOCK_VALUES))
    values = rows_in_memory(images, rows[::every])
    if not values.size:
        return None
    low, high = np.percentile(values, FAR_OUT, method="lower"), np.percentile(values, 100 - FAR_OUT, method="higher")
    return float(low), float(high)


def notes_of_another_scale(found: tuple[float, float] | None, seen: tuple[float, float] | None, num_values: int) -> list[Note]:
    """A warning of numbers that are far outside of what training has seen, or all in a small corner of it.

    Args:
        found: `range_of` the arrays that a trained model is asked about, before they are scaled; None: there are none.
        seen: the same of the training part; None: not known.
        num_values: how many numbers were found.
    """
    if seen is None or found is None or seen[0] == seen[1]:
        return []
    span = seen[1] - seen[0]
    is_outside = found[1] - seen[1] > span or seen[0] - found[0] > span
    is_small = 0 < (found[1] - found[0]) * SMALL_SHARE < span and num_values >= FEWEST_VALUES
    if not is_outside and not is_small:
        return []
    said = (
        f"the numbers of the arrays go from {found[0]:g} to {found[1]:g}, those of the training from {seen[0]:g} to {seen[1]:g}: "
        "if they are scaled otherwise, bring them to the training's scale first"
    )
    return [warn(said, "another_scale")]
