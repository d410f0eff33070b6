"""Numbers on one scale as graphs, in float32: what `dltrain.data.columns.scaling` computes in float64.

So that a large mean under a small deviation costs no digits, what is subtracted is the sum of two float32 numbers, the second
holding what the first one rounds away.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.data.columns.scaling import CLIP, FAR


def standardize(values: Any, center: NDArray[np.float64], spread: NDArray[np.float64]) -> Any:
    """`(values - center) / spread` in float32, as exactly as if center and spread were float64."""
    rounded = center.astype(np.float32)
    rest = ((center - rounded) / spread).astype(np.float32)
    # Subtracted one after the other, the two would be put together again by TensorFlow Lite's converter.
    scaled = (values - rounded) / spread.astype(np.float32)
    return scaled - rest if rest.any() else scaled


def clip_smoothly(ops: Any, scaled: Any) -> Any:
    """What `dltrain.data.columns.scaling.clip_smoothly` computes, for float32 of any shape."""
    near = ops.clip(scaled, -FAR, FAR)
    share = near / np.float32(CLIP)
    return near / ops.sqrt(share * share + np.float32(1.0))


def to_quantiles(ops: Any, values: Any, quantiles: NDArray[np.float64]) -> Any:
    """What `dltrain.data.columns.scaling.to_quantiles` computes, for float32 [rows]."""
    exact = np.asarray(quantiles, np.float64)
    edges = exact.astype(np.float32)
    rest = (exact - edges).astype(np.float32)
    last = len(edges) - 1
    if last == 0:
        return ops.zeros_like(values)
    shares = np.linspace(0, 1, len(exact), dtype=np.float32)[:-1]
    width = np.maximum(np.diff(exact), np.finfo(np.float32).tiny).astype(np.float32)
    above = ops.expand_dims(values, 1) - edges
    border = _border(exact, edges, rest)

    def interpolate(is_below: Any) -> Any:
        # A run of equal quantiles has a share at either end; which end is met depends on the side that is looked from.
        # Counting takes the place of a search, which not every format has.
        index = ops.clip(ops.sum(ops.cast(is_below(border, above), "int32"), axis=1), 1, last) - 1
        along = (values - ops.take(edges, index, axis=0) - ops.take(rest, index, axis=0)) / ops.take(width, index, axis=0)
        return ops.take(shares, index, axis=0) + ops.clip(along, 0.0, 1.0) * np.float32(1 / last)

    middle = 0.5 * (interpolate(ops.less) + interpolate(ops.less_equal))
    middle = ops.where(ops.greater_equal(values - edges[last], border[last]), np.float32(1.0), middle)
    return ops.where(ops.less_equal(values - edges[0], border[0]), np.float32(0.0), middle)


def _border(exact: NDArray[np.float64], edges: NDArray[np.float32], rest: NDArray[np.float32]) -> NDArray[np.float32]:
    """How far above its edge a value has to be to lie above the quantile.

    Usually not at all: a quantile of 0.1 is met by the value 0.1, and both are rounded alike. Only where a quantile differs from
    a float32 number by an error of float64, or where float32 cannot tell it from the next one, is the value the exact one.
    """
    is_error = np.abs(rest) < 1e-3 * np.spacing(np.abs(edges))
    merged = (np.diff(edges) == 0) & (np.diff(exact) != 0)
    is_merged = np.concatenate([merged, [False]]) | np.concatenate([[False], merged])
    return np.where(is_error | is_merged, rest, np.float32(0.0)).astype(np.float32)
