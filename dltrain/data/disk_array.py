"""An array in a file, read in pieces: what does not fit in memory."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.errors import DataError


class DiskArray:
    """Rows of one shape and type, one after the other in a file without a header.

    Pieces are read into memory of their own. Mapping the file would count every page once touched as the process's memory.

    Args:
        path: the file.
        shape: [rows, ...].
        dtype: of the numbers, in this machine's byte order.
        first_row: row of the file at which this array begins.
    """

    def __init__(self, path: Path, shape: tuple[int, ...], dtype: str, *, first_row: int = 0) -> None:
        self.path = Path(path)
        self.shape = tuple(shape)
        self.dtype = np.dtype(dtype)
        self.first_row = first_row

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
        view = result.data.cast("B") if result.size else memoryview(b"")
        offset = (self.first_row + start) * self.row_bytes
        try:
            descriptor = os.open(self.path, os.O_RDONLY)
        except OSError as error:
            raise DataError(
                f"cached data {self.path} is gone: {error.strerror}", hint="run again: it will be made anew"
            ) from error
        try:
            while len(view):
                count = os.preadv(descriptor, [view[: 1 << 30]], offset)
                if not count:
                    raise DataError(f"cached data {self.path} is shorter than it was", hint="remove it and run again")
                view, offset = view[count:], offset + count
        finally:
            os.close(descriptor)


Array = NDArray[Any] | DiskArray


def in_memory(array: Array) -> NDArray[Any]:
    """The whole array in memory."""
    return array.read(0, len(array)) if isinstance(array, DiskArray) else array
