"""Pictures kept as the bytes that they are, and scaled when they are read: a quarter of the memory of float32."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dltrain.data.arrays.disk_array import DiskArray

BLOCK_VALUES = 1 << 22


@dataclass(frozen=True, slots=True, eq=False)
class ScaledPixels:
    """float32 rows, each value (pixel - center) / spread, worked out in float64 from pixels of 8 bits.

    Attributes:
        pixels: uint8 [rows, ...], in memory or on disk.
        center, spread: float64 of one row's shape, or of shape ().
        streamed: too large for memory: it stays on disk while it is trained on.
    """

    pixels: NDArray[np.uint8] | DiskArray
    center: NDArray[np.float64]
    spread: NDArray[np.float64]
    streamed: bool = False

    def __len__(self) -> int:
        return len(self.pixels)

    @property
    def shape(self) -> tuple[int, ...]:
        """[rows, ...]."""
        return tuple(self.pixels.shape)

    @property
    def dtype(self) -> np.dtype[np.float32]:
        """Of the scaled values."""
        return np.dtype(np.float32)

    @property
    def row_bytes(self) -> int:
        """Bytes of one row as it is kept."""
        return math.prod(self.shape[1:])

    @property
    def nbytes(self) -> int:
        """Bytes of all rows as they are kept."""
        return len(self) * self.row_bytes

    def take(self, rows: NDArray[np.int64]) -> ScaledPixels:
        """The given rows as an array of their own."""
        pixels = self.pixels.take(rows) if isinstance(self.pixels, DiskArray) else self.pixels[rows]
        return ScaledPixels(pixels, self.center, self.spread, self.streamed)

    def read(self, start: int, stop: int) -> NDArray[np.float32]:
        """Rows `start` to `stop` (exclusive), scaled.

        Raises:
            DataError: what is on disk is gone or cut off.
        """
        scaled = np.empty((stop - start, *self.shape[1:]), np.float32)
        block = max(1, BLOCK_VALUES // max(1, self.row_bytes))
        for first in range(start, stop, block):
            last = min(first + block, stop)
            scaled[first - start : last - start] = scale_pixels(self.read_pixels(first, last), self.center, self.spread)
        return scaled

    def read_pixels(self, start: int, stop: int) -> NDArray[np.uint8]:
        """The same rows as they are kept."""
        return self.pixels.read(start, stop) if isinstance(self.pixels, DiskArray) else self.pixels[start:stop]


def scale_pixels(values: NDArray[np.generic], center: NDArray[np.float64], spread: NDArray[np.float64]) -> NDArray[np.float64]:
    """(value - center) / spread in float64."""
    scaled: NDArray[np.float64] = (values.astype(np.float64) - center) / spread
    return scaled
