"""Intervals of errors by a studentized bootstrap: of each sample it is asked how many of its own standard errors it lies off."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_LARGEST = 3.0  # times Student's quantile: of very few units the samples' own spreads may be next to nothing
_AS_WORST = 1.5  # times Student's quantile, from where on an error ends at that of the worst unit
_SKEWED, _TOLD, _OUTWARDS = 0.15, 0.7, 4.0  # see `_outwards`
_STEP = 1e-6  # relative, of sums
_TRIED = 20  # samples


def logarithm(values: Floats) -> Floats:
    """The logarithm of an error, on whose scale its interval is symmetric."""
    return np.asarray(np.log(values))


def lost_share(values: Floats) -> Floats:
    """The logarithm of what R² leaves unexplained."""
    return np.asarray(np.log(1 - values))


BACK: Mapping[Callable[[Floats], Floats], Callable[[float], float]] = {
    logarithm: math.exp,
    lost_share: lambda value: 1 - math.exp(value),
}


def studentized_intervals(
    compute: Callable[[Floats], Mapping[str, Floats]],
    added: Floats,
    counts: Floats,
    tailed: Mapping[str, Callable[[Floats], Floats]],
    quantile: float,
) -> dict[str, tuple[float, float]]:
    """Intervals of errors: how many of its own standard errors a sample lies off is what is drawn.

    A few units with large errors make an error and its spread large together. Quantiles of the samples alone are then too narrow
    above (Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, 12.5 and 22). Where none can be told, there is none.
    One unit far out makes them endless; so they end where all units are as bad as the worst one.

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
        apart = added - added.mean(axis=0)
        moving = _moving_places(compute, sums[:_TRIED], total, tailed)
        moving = {name: [place for place in places if apart[:, place].any()] for name, places in moving.items()}
        means, (squares, where) = counts @ apart, _products(moving.values(), apart, counts)
        whole, samples = (_slopes(compute, values, total, tailed, moving) for values in (total, sums))
        worst = _worst(compute(added), compute(total), tailed)
        for name, back in ((name, BACK[scale]) for name, scale in tailed.items()):
            value, slope = whole[name]
            each = apart[:, moving[name]] @ slope
            error = math.sqrt(units / (units - 1) * float((each**2).sum()))
            moved, slopes = samples[name]
            pairs = [(place, other) for place in moving[name] for other in moving[name]]
            products = squares[:, [where[pair] for pair in pairs]].reshape(*slopes.shape, slopes.shape[-1])
            spread = (
                np.einsum("sp,spq,sq->s", slopes, products, slopes) - (means[:, moving[name]] * slopes).sum(axis=1) ** 2 / units
            )
            off = (moved - value) / np.sqrt(units / (units - 1) * spread)
            off = off[np.isfinite(off)]
            if len(off) < len(counts) // 2 or not math.isfinite(error) or error <= 0:
                continue
            most = _LARGEST * quantile
            low, high = np.clip(np.quantile(off, [1 - wide, wide]), -most, most)
            furthest = max(_AS_WORST * quantile * error, worst[name])
            far = _outwards(each)
            ends = sorted(back(min(float(value) + min(-float(end) * error, furthest), 700.0)) for end in (low * far, high))
            found[name] = ends[0], ends[1]
    return found


def _outwards(each: Floats) -> float:
    """How much further out an error may end than its samples say, as those of large errors that are rare lack the largest.

    Where next to nothing is skewed there is nothing to lack, and where one unit is nearly all of it the largest is there.
    Measured from 100 units on: 93 to 97 of 100 intervals hold what is true, of normal errors as of log-normal ones (their
    logarithms of a spread of 1); without, 87 to 96. Squares by Student's t with 3 degrees, of endless variance, stay near 90.

    Args:
        each: by how much each unit moves the error on its scale [units].
    """
    skew = float((each**3).sum() / (each**2).sum() ** 1.5)
    return 1 + _OUTWARDS * max(skew - _SKEWED, 0.0) * max(1 - skew / _TOLD, 0.0)


def _worst(
    each: Mapping[str, Floats], whole: Mapping[str, Floats], tailed: Mapping[str, Callable[[Floats], Floats]]
) -> dict[str, float]:
    """Metric -> by how much it would be larger, on its scale, if all units were as the worst one; R² has that of `mse`."""
    found = {}
    for name, scale in tailed.items():
        same = "mse" if scale is lost_share else name
        ratios = np.log(each[same] / whole[same])
        found[name] = float(np.max(ratios[np.isfinite(ratios)], initial=-math.inf))
    return found


def _products(moving: Iterable[Sequence[int]], apart: Floats, counts: Floats) -> tuple[Floats, dict[tuple[int, int], int]]:
    """Of each sample the sums of products of two places that one metric moves with; and where each pair stands among them.

    Along the slopes of each sample every unit would have a number of its own, which are many more.
    """
    pairs = sorted({(min(a, b), max(a, b)) for places in moving for a in places for b in places})
    first, second = (np.array([pair[end] for pair in pairs], int) for end in (0, 1))
    where = {pair: index for index, pair in enumerate(pairs)}
    return counts @ (apart[:, first] * apart[:, second]), where | {(b, a): index for (a, b), index in where.items()}


def _moving_places(
    compute: Callable[[Floats], Mapping[str, Floats]],
    some: Floats,
    total: Floats,
    tailed: Mapping[str, Callable[[Floats], Floats]],
) -> dict[str, list[int]]:
    """Metric -> the sums that it moves with in any of some samples."""
    every = {name: list(range(len(total))) for name in tailed}
    slopes = _slopes(compute, some, total, tailed, every)
    return {name: [place for place in every[name] if (found[:, place] != 0).any()] for name, (_, found) in slopes.items()}


def _slopes(
    compute: Callable[[Floats], Mapping[str, Floats]],
    sums: Floats,
    total: Floats,
    tailed: Mapping[str, Callable[[Floats], Floats]],
    moving: Mapping[str, Sequence[int]],
) -> dict[str, tuple[Floats, Floats]]:
    """Metric -> its value on its scale, and how that moves with each of the sums that it moves with."""
    values = compute(sums)
    slopes = {name: np.empty((*sums.shape[:-1], len(places))) for name, places in moving.items()}
    least = 1e-9 * float(np.abs(total).max())
    for place in sorted({place for places in moving.values() for place in places}):
        step = _STEP * np.maximum(np.abs(sums[..., place]), least)
        ends = []
        for sign in (1, -1):
            moved = sums.copy()
            moved[..., place] += sign * step
            ends.append(compute(moved))
        for name, places in moving.items():
            if place in places:
                scale = tailed[name]
                slopes[name][..., places.index(place)] = (scale(ends[0][name]) - scale(ends[1][name])) / (2 * step)
    return {name: (scale(values[name]), slopes[name]) for name, scale in tailed.items()}
