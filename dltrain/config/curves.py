"""Curves: numbers that change over the whole training, in shares of it. What they are called, and their formulas.

Unlike Keras's schedules they count no steps: a longer training, or another size of the batch, stretches them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from dltrain.config.types import Component

_PEAK = ["peak", "number>=0", "The highest value, by which the curve is multiplied."]

# In the form of catalog.json.
CURVES: Mapping[str, Mapping[str, Any]] = {
    "CosLog4": {
        "doc": "Four waves between 0 and the peak over the training, each twice as long as the one before (arXiv 2407.04491).",
        "arguments": [_PEAK],
    },
    "FlatCos": {
        "doc": "The peak for the first half of the training, then a cosine down to 0 (arXiv 2407.04491).",
        "arguments": [_PEAK],
    },
}
ALIASES: Mapping[str, str] = {"FlatCosine": "FlatCos"}


def is_curve(value: Any) -> bool:
    """Whether an argument's value is a curve."""
    return isinstance(value, Component) and value.kind == "curve"


def peak_of(value: Any) -> Any:
    """A curve's highest value; of all else the value itself."""
    return float(value.arguments["peak"]) if is_curve(value) else value


def curve_at(curve: Component, share: Any, ops: Any = math) -> Any:
    """The value of a curve.

    Args:
        curve: kind "curve".
        share: how much of the training is done, 0 to 1; a number, or a tensor with its `ops`.
        ops: where `cos`, `log` and `pi` are: `math`, `numpy`, or the like for tensors.
    """
    peak = float(curve.arguments["peak"])
    if curve.name == "CosLog4":
        return peak * 0.5 * (1.0 - ops.cos(2.0 * math.pi * ops.log(1.0 + 15.0 * share) / math.log(2.0)))
    falling = 0.5 * (1.0 + ops.cos(math.pi * (2.0 * share - 1.0)))
    flat = share < 0.5
    if isinstance(flat, bool):
        return peak if flat else peak * falling
    return peak * ops.where(flat, 1.0, falling)
