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
    from dltrain.data.scaled_pixels import ScaledPixels


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
            for first, row, count in self._runs(start, start + len(result)):
                self._fill(descriptor, result[first : first + count], row)
        finally:
            os.close(descriptor)

    def _runs(self, start: int, stop: int) -> Iterator[tuple[int, int, int]]:
        """Row of the result, row of the file and number of rows of each run of neighbours in the file."""
        if self.rows is None:
            yield 0, self.first_row + start, stop - start
            return
        rows = self.rows[start:stop]
        ends = np.flatnonzero(np.diff(rows) != 1) + 1
        for first, last in zip([0, *ends.tolist()], [*ends.tolist(), len(rows)], strict=True):
            if last > first:
                yield first, int(rows[first]), last - first

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
