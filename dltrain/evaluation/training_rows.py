"""Rows of the training part among other data: known by a digest of what the model is given."""

from __future__ import annotations

import io
import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dltrain.data.arrays.feature_store import digest_rows
from dltrain.data.dataset import Part
from dltrain.errors import DataError
from dltrain.storage.arrays import read_arrays
from dltrain.storage.atomic import write_atomically

FILE = "training_rows.npz"
# Of more rows or bytes no digests are kept: it must cost next to nothing.
MOST_ROWS = 200_000
MOST_BYTES = 256 << 20
BLOCK_BYTES = 8 << 20


def save_training_rows(folder: Path, part: Part) -> None:
    """Write a digest of each row of a training part that is not too large.

    Args:
        folder: of the run's state.
        part: the training part.
    """
    digests = _digests(part)
    if digests is not None:
        buffer = io.BytesIO()
        np.savez(buffer, allow_pickle=False, digests=np.unique(digests))
        write_atomically(folder / FILE, buffer.getvalue())


def warn_of_training_rows(folder: Path, part: Part) -> list[str]:
    """A sentence where rows of a part were trained on; none where it is not known.

    Args:
        folder: of the run's state.
        part: the rows that are evaluated.
    """
    if not (folder / FILE).is_file():
        return []
    try:
        known = read_arrays(folder / FILE, names=["digests"], limit=1 << 24)["digests"]
    except (DataError, KeyError):  # without it all else can be said
        return []
    digests = _digests(part)
    count = 0 if digests is None else int(np.isin(digests, known).sum())
    if not count:
        return []
    rows = f"{count:,} of the {part.num_rows:,} rows"
    return [f"{rows} have the features of rows that the model was trained on: what they say of new rows is too good"]


def _digests(part: Part) -> NDArray[np.uint64] | None:
    """A number for each row; None where there are too many.

    Of pictures and of what is on disk the values that the model is given count as well, so that it is the same number in whatever
    form the array is kept.
    """
    arrays = list(part.inputs.values())
    sizes = [math.prod(array.shape) * array.dtype.itemsize for array in arrays]
    if part.num_rows > MOST_ROWS or sum(sizes) > MOST_BYTES:
        return None
    found = np.zeros(part.num_rows, np.uint64)
    for array, size in zip(arrays, sizes, strict=True):
        block = max(1, BLOCK_BYTES * part.num_rows // max(size, 1))
        for start in range(0, part.num_rows, block):
            rows = (
                array[start : start + block]
                if isinstance(array, np.ndarray)
                else array.read(start, min(start + block, len(array)))
            )
            found[start : start + block] = found[start : start + block] * np.uint64(0x9E3779B97F4A7C15) + digest_rows(rows)[:, 0]
    return found
