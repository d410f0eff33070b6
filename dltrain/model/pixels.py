"""Pixels of 8 bits as tensors, scaled where rows are taken: the bits of scaling all of them first, in a quarter of the memory."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from dltrain.data.arrays.scaled_pixels import ScaledPixels
from dltrain.later import tensorflow as tf


class PixelTensor(NamedTuple):
    """uint8 rows with the scale of their values; a structure of tensors to `tf.function`.

    Attributes:
        pixels: uint8 [rows, ...], a tensor or an array.
        scale: () for pixels as they are, (spread,) for pixel / spread, else (center, spread), of float64;
            a spread alone is float32 where the quotient is the same.
    """

    pixels: Any
    scale: tuple[Any, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """[rows, ...]."""
        return tuple(self.pixels.shape)


def pixel_tensor(array: ScaledPixels, start: int = 0, stop: int | None = None) -> PixelTensor:
    """Rows of an array of pixels; those on disk are read."""
    pixels = array.read_pixels(start, len(array) if stop is None else stop)
    if array.center.any():
        return PixelTensor(pixels, (array.center, array.spread))
    if (array.spread == 1).all():
        return PixelTensor(pixels, ())
    # A quotient of two float32 rounds the same directly as through float64, which has more than twice the digits.
    short = array.spread.astype(np.float32)
    return PixelTensor(pixels, (short if (short == array.spread).all() else array.spread,))


def to_tensors(pixels: PixelTensor) -> PixelTensor:
    """The same in TensorFlow's memory."""
    return PixelTensor(tf.constant(pixels.pixels), tuple(tf.constant(value) for value in pixels.scale))


def num_rows_of(tensor: Any) -> Any:
    """How many rows a tensor or `PixelTensor` has, as a tensor."""
    return tf.shape(tensor.pixels if isinstance(tensor, PixelTensor) else tensor)[0]


def take_rows(tensor: Any, rows: Any) -> Any:
    """The given rows as the model takes them."""
    if not isinstance(tensor, PixelTensor):
        return tf.gather(tensor, rows)
    pixels = tf.gather(tensor.pixels, rows)
    if not tensor.scale or tensor.scale[-1].dtype == np.float32:
        values = tf.cast(pixels, tf.float32)
        return values / tensor.scale[-1] if tensor.scale else values
    values = tf.cast(pixels, tf.float64)
    if len(tensor.scale) == 2:
        values = values - tensor.scale[0]
    return tf.cast(values / tensor.scale[-1], tf.float32)
