"""Intervals of errors that few groups or blocks share: how many of its own standard errors a sample lies off is what is drawn.

A few groups with large errors make an error and its spread large together, and groups without them both small. Quantiles of the
samples alone are then too narrow above (Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, 12.5 and 22).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Compute = Callable[[Floats], Mapping[str, Floats]]
_LARGEST = 3.0  # times Student's quantile: of very few units the samples' own spreads may be next to nothing
_STEP = 1e-6  # relative, of sums


def logarithm(values: Floats) -> Floats:
    """Of an error."""
    return np.asarray(np.log(values))


def lost_share(values: Floats) -> Floats:
    """The logarithm of what R² leaves unexplained."""
    return np.asarray(np.log(1 - values))


BACK: Mapping[Callable[[Floats], Floats], Callable[[float], float]] = {
    logarithm: math.exp,
    lost_share: lambda value: 1 - math.exp(value),
}


def studentized_intervals(
    compute: Compute,
    added: Floats,
    counts: Floats,
    tailed: Mapping[str, Callable[[Floats], Floats]],
    quantile: float,
) -> dict[str, tuple[float, float]]:
    """Metric -> its interval, where one can be told.

    Args:
        compute: from sums [..., sums] to metric -> values.
        added: sums of each unit [units, sums].
        counts: how often each unit is in each sample [samples, units].
        tailed: metric -> `logarithm` or `lost_share`, on whose scale it is drawn.
        quantile: Student's, of as many units less one.
    """
    units = len(added)
    total, sums = added.sum(axis=0), counts @ added
    wide = NormalDist().cdf(quantile * math.sqrt(units / (units - 1)))
    found: dict[str, tuple[float, float]] = {}
    with np.errstate(all="ignore"):
        whole, samples = (_slopes(compute, values, total, tailed) for values in (total, sums))
        for name, back in ((name, BACK[scale]) for name, scale in tailed.items()):
            value, slope = whole[name]
            own = added @ slope
            error = math.sqrt(units / (units - 1) * float(((own - own.mean()) ** 2).sum()))
            moved, slopes = samples[name]
            each = slopes @ added.T
            spread = (counts * each**2).sum(axis=1) - (counts * each).sum(axis=1) ** 2 / units
            off = (moved - value) / np.sqrt(units / (units - 1) * spread)
            off = off[np.isfinite(off)]
            if len(off) < len(counts) // 2 or not math.isfinite(error) or error <= 0:
                continue
            most = _LARGEST * quantile
            low, high = np.clip(np.quantile(off, [1 - wide, wide]), -most, most)
            ends = sorted(back(min(float(value) - float(end) * error, 700.0)) for end in (low, high))
            found[name] = ends[0], ends[1]
    return found


def _slopes(
    compute: Compute, sums: Floats, total: Floats, tailed: Mapping[str, Callable[[Floats], Floats]]
) -> dict[str, tuple[Floats, Floats]]:
    """Metric -> its value on its scale, and how that moves with each of the sums."""
    values = compute(sums)
    slopes = {name: np.empty(sums.shape) for name in tailed}
    least = 1e-9 * float(np.abs(total).max())
    for place in range(sums.shape[-1]):
        step = _STEP * np.maximum(np.abs(sums[..., place]), least)
        ends = []
        for sign in (1, -1):
            moved = sums.copy()
            moved[..., place] += sign * step
            ends.append(compute(moved))
        for name, scale in tailed.items():
            slopes[name][..., place] = (scale(ends[0][name]) - scale(ends[1][name])) / (2 * step)
    return {name: (scale(values[name]), slopes[name]) for name, scale in tailed.items()}
