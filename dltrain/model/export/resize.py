"""Resizing as Pillow does it, as two products of matrices: first along the width, then along the height, rounded after each.

Unlike `tf.image.resize` it gives the grey levels that the run's own reading of picture files gives, and it can be converted to
other formats. Where the other direction is cheaper Pillow begins with it: that makes a difference of a grey level, seldom more.
"""

from __future__ import annotations

from typing import Any

import numpy as np

_SUPPORT = {"bilinear": 1.0, "bicubic": 2.0}


def resize(ops: Any, pictures: Any, height: int, width: int, kernel: str) -> Any:
    """float32 [rows, height, width, channels], whole numbers 0...255.

    Args:
        ops: `keras.ops`.
        pictures: float32 [rows, any, any, channels], whole numbers 0...255.
        height, width: of the result.
        kernel: "bilinear" or "bicubic"; wider where the picture shrinks (antialiased).
    """
    along_width = _matrix(ops, pictures[0, 0, :, 0], width, kernel)
    pictures = _to_bytes(ops, ops.einsum("ow,nhwc->nhoc", along_width, pictures))
    along_height = _matrix(ops, pictures[0, :, 0, 0], height, kernel)
    return _to_bytes(ops, ops.einsum("oh,nhwc->nowc", along_height, pictures))


def _matrix(ops: Any, line: Any, size: int, kernel: str) -> Any:
    """Weights [size, extent] of the pixels of a line for each pixel of the result."""
    # The extent is not known before a picture comes in; it is counted.
    ones = ops.ones_like(line)
    positions = ops.cumsum(ones) - 0.5
    scale = ops.sum(ones) / np.float32(size)
    filter_scale = ops.maximum(scale, 1.0)
    centers = scale * (np.arange(size, dtype=np.float32)[:, np.newaxis] + np.float32(0.5))
    distance = ops.abs(positions - centers) / filter_scale
    weights = _bilinear(ops, distance) if kernel == "bilinear" else _bicubic(ops, distance)
    # Pillow looks at whole pixels only: those whose middle lies within the support, whose bounds it rounds.
    weights = ops.where(ops.less_equal(distance, np.float32(_SUPPORT[kernel])), weights, np.float32(0.0))
    return weights / ops.sum(weights, axis=1, keepdims=True)


def _bilinear(ops: Any, distance: Any) -> Any:
    return ops.maximum(1.0 - distance, 0.0)


def _bicubic(ops: Any, distance: Any) -> Any:
    """Keys's cubic convolution with a = -0.5."""
    square = distance * distance
    near = (1.5 * distance - 2.5) * square + 1.0
    far = ((-0.5 * distance + 2.5) * distance - 4.0) * distance + 2.0
    return ops.where(ops.less(distance, 1.0), near, far)


def _to_bytes(ops: Any, values: Any) -> Any:
    return ops.clip(ops.floor(values + 0.5), 0.0, 255.0)
