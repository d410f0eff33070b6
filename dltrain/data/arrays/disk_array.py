"""An array in a file, read in pieces: what does not fit in memory."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dltrain.errors import DataError

if TYPE_CHECKING:
    from dltrain.data.arrays.scaled_pixels import ScaledPixels


# Rows with gaps up to so many bytes are read with them, at most so many bytes at once.
_NEAR_BYTES = 4096
_SPAN_BYTES = 1 << 22


class DiskArray:
    """Rows of one shape and type, one after the other in a file without a header.

    Pieces are read into memory of their own. Mapping the file would count every page once touched as the process's memory.

    Args:
        path: the file.
        shape: [rows, ...].
        dtype: of the numbers, in this machine's byte order.
        first_row: row of the file at which this array begins.
        rows: int64 [rows]: the file's rows that make up this array; None: those from `first_row` on.
    """

    streamed = True

    def __init__(
        self, path: Path, shape: tuple[int, ...], dtype: str, *, first_row: int = 0, rows: NDArray[np.int64] | None = None
    ) -> None:
        self.path = Path(path)
        self.shape = tuple(shape)
        self.dtype = np.dtype(dtype)
        self.first_row = first_row
        self.rows = rows

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def row_bytes(self) -> int:
        """Bytes of one row."""
        return math.prod(self.shape[1:]) * self.dtype.itemsize

    @property
    def nbytes(self) -> int:
        """Bytes of all rows."""
        return self.shape[0] * self.row_bytes

    def take(self, rows: NDArray[np.int64]) -> DiskArray:
        """The given rows as an array of their own; nothing is read."""
        chosen = rows + self.first_row if self.rows is None else self.rows[rows]
        return DiskArray(self.path, (len(chosen), *self.shape[1:]), self.dtype.str, rows=chosen)

    def read(self, start: int, stop: int) -> NDArray[Any]:
        """Rows `start` to `stop` (exclusive) as an array in memory.

        Raises:
            DataError: the file is shorter than it was, or gone.
        """
        result = np.empty((stop - start, *self.shape[1:]), self.dtype)
        self.read_into(result, start)
        return result

    def read_into(self, result: NDArray[Any], start: int) -> None:
        """Fill a contiguous array with the rows from `start` on.

        Raises:
            DataError: the file is shorter than it was, or gone.
        """
        try:
            descriptor = os.open(self.path, os.O_RDONLY)
        except OSError as error:
            raise DataError(
                f"cached data {self.path} is gone: {error.strerror}", hint="run again: it will be made anew"
            ) from error
        try:
            if self.rows is None:
                self._fill(descriptor, result, self.first_row + start)
                return
            rows = self.rows[start : start + len(result)]
            for first, last in self._runs(rows):
                span = int(rows[last - 1] - rows[first]) + 1
                if span == last - first:
                    self._fill(descriptor, result[first:last], int(rows[first]))
                    continue
                with_gaps = np.empty((span, *self.shape[1:]), self.dtype)
                self._fill(descriptor, with_gaps, int(rows[first]))
                result[first:last] = with_gaps[rows[first:last] - rows[first]]
        finally:
            os.close(descriptor)

    def _runs(self, rows: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
        """Where rows begin and end that are read at once: neighbours in the file, or so near that what is between is read too."""
        steps = np.diff(rows)
        ends = np.flatnonzero((steps != 1) & ((steps < 1) | (steps * self.row_bytes > _NEAR_BYTES))) + 1
        most = max(1, _SPAN_BYTES // max(self.row_bytes, 1))
        for first, last in zip([0, *ends.tolist()], [*ends.tolist(), len(rows)], strict=True):
            while first < last and last - first < rows[last - 1] - rows[first] + 1 > most:
                middle = int(np.searchsorted(rows[first:last], rows[first] + most)) + first
                yield first, middle
                first = middle
            if last > first:
                yield first, last

    def _fill(self, descriptor: int, result: NDArray[Any], row: int) -> None:
        view = result.data.cast("B") if result.size else memoryview(b"")
        offset = row * self.row_bytes
        while len(view):
            count = os.preadv(descriptor, [view[: 1 << 30]], offset)
            if not count:
                raise DataError(f"cached data {self.path} is shorter than it was", hint="remove it and run again")
            view, offset = view[count:], offset + count


Array: TypeAlias = "NDArray[Any] | DiskArray | ScaledPixels"


def in_memory(array: Array) -> NDArray[Any]:
    """The whole array in memory."""
    return array if isinstance(array, np.ndarray) else array.read(0, len(array))


def is_streamed(array: object) -> bool:
    """Whether an array stays on disk while it is trained on."""
    return bool(getattr(array, "streamed", False))


def rows_in_memory(array: Array, rows: NDArray[np.int64]) -> NDArray[Any]:
    """Some rows of an array."""
    if not isinstance(array, np.ndarray):
        return array.take(rows).read(0, len(rows))
    chosen: NDArray[Any] = array[rows]
    return chosen
