"""A rising curve through points, straight between them and on beyond its ends: both ways, in NumPy and in graphs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MOST_POINTS = 129
# Farther than any float32 of use lies beyond an end; an infinite number has no place in every format.
_FAR = 1e30


@dataclass(frozen=True, slots=True)
class Curve:
    """A rising curve that brings values close to a standard normal distribution.

    Attributes:
        values: rising.
        scores: of each, rising: where a normal distribution has as much below.
    """

    values: tuple[float, ...]
    scores: tuple[float, ...]

    @classmethod
    def of(cls, values: Floats) -> Curve | None:
        """The curve through quantiles of values; None where there is but one value.

        A value that is many quantiles has the score of their middle.
        """
        levels = np.linspace(0, 1, min(MOST_POINTS, len(values)))
        points, place = np.unique(np.quantile(values, levels), return_inverse=True)
        if len(points) < 2 or not (np.diff(points) > 0).all():
            return None
        half = 0.5 / len(values)
        shares = np.clip(np.bincount(place, levels) / np.bincount(place), half, 1 - half)
        return cls(tuple(points.tolist()), tuple(map(NormalDist().inv_cdf, shares.tolist())))

    def to_scores(self, values: Any) -> Floats:
        """Interpolate from the values of the curve to its scores."""
        return _along(self.values, self.scores, values)

    def to_values(self, scores: Any) -> Floats:
        """Interpolate from the scores of the curve back to its values."""
        return _along(self.scores, self.values, scores)

    def steepness(self, values: Any) -> Floats:
        """How much of the values a score more is worth, near the given ones."""
        x, y = np.asarray(self.values), np.asarray(self.scores)
        return np.asarray((np.diff(x) / np.diff(y))[_segment(x, np.asarray(values, np.float64))], np.float64)

    def to_state(self) -> dict[str, Any]:
        """The curve as plain values."""
        return {"values": self.values, "scores": self.scores}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Curve:
        """The curve that `to_state` wrote.

        Raises:
            ValueError, TypeError, KeyError: it is damaged.
        """
        found = [np.asarray([float(number) for number in state[name]]) for name in ("values", "scores")]
        if len(found[0]) != len(found[1]) or len(found[0]) < 2:
            raise ValueError("curve: expected a score for each of two values or more")
        if not all(np.isfinite(points).all() and (np.diff(points) > 0).all() for points in found):
            raise ValueError("curve: expected finite numbers that rise")
        return cls(*(tuple(points.tolist()) for points in found))


def _segment(points: Floats, x: Floats) -> NDArray[np.int64]:
    return np.clip(np.searchsorted(points, x, side="right") - 1, 0, len(points) - 2)


def _along(points: Sequence[float], others: Sequence[float], x: Any) -> Floats:
    there, here = np.asarray(points), np.asarray(others)
    numbers = np.asarray(x, np.float64)
    place = _segment(there, numbers)
    steep = np.diff(here) / np.diff(there)
    return np.asarray(here[place] + steep[place] * (numbers - there[place]), np.float64)


class CurveTables:
    """The ways from scores to values of several curves, in operations that every format has.

    It is the sum of all rises, each as far as a score has come on it.

    Args:
        curves: in any nesting of lists, all alike; None: a score is the value.
    """

    def __init__(self, curves: Any) -> None:
        flat, self._shape = _flatten(curves)
        most = max(1 if curve is None else len(curve.values) - 1 for curve in flat)
        starts, steepness, lows, highs = (np.zeros((len(flat), most), np.float32) for _ in range(4))
        first = np.zeros(len(flat), np.float32)
        for place, curve in enumerate(flat):
            values, scores = ((0.0, 1.0), (0.0, 1.0)) if curve is None else (curve.values, curve.scores)
            count = len(values) - 1
            first[place], starts[place, :count] = values[0], scores[:-1]
            steepness[place, :count] = np.diff(values) / np.diff(scores)
            highs[place, :count] = np.diff(scores)
            lows[place, 0], highs[place, count - 1] = -_FAR, _FAR
        self._first = first.reshape(self._shape)
        self._tables = [table.reshape(*self._shape, most) for table in (starts, steepness, lows, highs)]

    def to_values(self, scores: Any, ops: Any) -> Any:
        """Values of a tensor of scores, of whose last axes each has a curve.

        Args:
            scores: float32.
            ops: Keras's.
        """
        starts, steepness, lows, highs = self._tables
        come = ops.minimum(ops.maximum(ops.expand_dims(scores, -1) - starts, lows), highs)
        return ops.sum(come * steepness, axis=-1) + self._first


def _flatten(curves: Any) -> tuple[list[Curve | None], tuple[int, ...]]:
    if not isinstance(curves, list):
        return [curves], ()
    parts = [_flatten(item) for item in curves]
    return [curve for flat, _ in parts for curve in flat], (len(parts), *parts[0][1])
