"""Which rows the metrics of a training part on disk are of: the same in a fit and in every later evaluation."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from dltrain.data.arrays.disk_array import Array, is_streamed, rows_in_memory
from dltrain.data.dataset import Part

# Half a million rows say the accuracy to a tenth of a percent, and cost little beside an epoch of a part that is on disk.
MOST_ROWS = 500_000
MOST_BYTES = 256 << 20


def spread_rows(part: Part) -> NDArray[np.int64] | None:
    """Rows evenly spread over a part: one at random out of each of as many stretches of equal length.

    Args:
        part: the training part.

    Returns:
        Row numbers in ascending order, a function of the part's sizes alone; None: all of it is evaluated.
    """
    if not any(is_streamed(array) for array in part.inputs.values()):
        return None
    row_bytes = sum(_row_bytes(array) for array in part.inputs.values())
    most = min(MOST_ROWS, max(1, MOST_BYTES // max(1, row_bytes)))
    if part.num_rows <= most:
        return None
    edges = np.arange(most + 1) * part.num_rows // most
    # Every so many rows alike would see one side only of what comes by turns.
    return np.asarray(edges[:-1] + np.random.default_rng(0).integers(0, np.diff(edges)), np.int64)


def take_part(part: Part, rows: NDArray[np.int64]) -> Part:
    """Some rows of a part; what is on disk stays there."""
    taken: dict[int, Array] = {}

    def take(array: Array) -> Array:
        # A target that is the input stays the very same array, which is read once.
        if id(array) not in taken:
            taken[id(array)] = array[rows] if isinstance(array, np.ndarray) else array.take(rows)
        return taken[id(array)]

    return replace(
        part,
        inputs={name: take(array) for name, array in part.inputs.items()},
        targets={name: take(array) for name, array in part.targets.items()},
        weights=None if part.weights is None else part.weights[rows],
        row_ids=part.row_ids[rows] if part.row_file is None else rows_in_memory(part.row_file, rows),
        identifiers={name: [values[row] for row in rows.tolist()] for name, values in part.identifiers.items()},
        row_file=None,
        sizes=tuple(part.sizes[row] for row in rows.tolist()) if part.sizes else (),
        blocks=None if part.blocks is None else part.blocks[rows],
        series=None if part.series is None else replace(part.series, codes=part.series.codes[rows]),
        references={
            name: {target: values[rows] for target, values in forecasts.items()} for name, forecasts in part.references.items()
        },
    )


def sample_note(rows: NDArray[np.int64]) -> str:
    """Says that the training part's metrics are those of a sample."""
    return f"The training part's metrics are those of {len(rows):,} rows, evenly spread over the training part."


def _row_bytes(array: Array) -> int:
    """Bytes of one row as it is kept."""
    return math.prod(array.shape[1:]) * array.dtype.itemsize if isinstance(array, np.ndarray) else array.row_bytes
