"""How far naive forecasts are off within the training part: what MASE and RMSSE are measured in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.data.dataset import SeriesRows
from dltrain.data.series.groups import Groups
from dltrain.storage.values import typed


@dataclass(frozen=True, slots=True)
class NaiveErrors:
    """Errors of the naive forecasts in the training part, of each series by itself.

    Attributes:
        season: how many rows back the forecast of `absolute` looks; 1 where no season is known.
        absolute: target -> for each series the mean of |y(t) - y(t - season)|, which MASE is measured in (Hyndman & Koehler,
            "Another look at measures of forecast accuracy", International Journal of Forecasting 22, 2006; with the season as in
            the M4 competition); None: the series is too short or the same throughout.
        squared: target -> for each series the mean of (y(t) - y(t - 1))^2, which RMSSE is measured in (M5 competition).
    """

    season: int
    absolute: Mapping[str, tuple[float | None, ...]]
    squared: Mapping[str, tuple[float | None, ...]]

    def to_state(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "season": self.season,
            "absolute": {name: list(found) for name, found in self.absolute.items()},
            "squared": {name: list(found) for name, found in self.squared.items()},
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any], num_series: int) -> NaiveErrors:
        """The errors that `to_state` wrote.

        Raises:
            ValueError: it is something else.
        """
        by_way = []
        for way in ("absolute", "squared"):
            found = {str(name): tuple(values) for name, values in typed(state, way, dict).items()}
            for values in found.values():
                if len(values) != num_series or not all(value is None or _is_size(value) for value in values):
                    raise ValueError("errors of naive forecasts out of range")
            by_way.append(found)
        return cls(typed(state, "season", int), *by_way)


def _is_size(value: Any) -> bool:
    return isinstance(value, float) and np.isfinite(value) and value > 0


def naive_errors(
    targets: Mapping[str, NDArray[np.float64]],
    train: NDArray[np.int64],
    codes: NDArray[np.int64],
    runs: NDArray[np.int64],
    season: int | None,
) -> NaiveErrors:
    """Measure the naive forecasts on the rows of the training part.

    Args:
        targets: name -> float64 [rows] in its own units, NaN where there is none, in the order of the timeline.
        train: rows of the training part, rising.
        codes: which series each row is of.
        runs: which run of rows without a gap each is of.
        season: rows after which things repeat; None: not known.
    """
    is_train = np.zeros(len(codes), bool)
    is_train[train] = True
    known = np.unique(codes[train])

    def mean_of(column: NDArray[np.float64], lag: int, power: int) -> tuple[float | None, ...]:
        later = train[(train >= lag) & is_train[np.maximum(train - lag, 0)] & (runs[np.maximum(train - lag, 0)] == runs[train])]
        errors = np.abs(column[later] - column[later - lag]) ** power
        there = np.isfinite(errors)
        place = np.searchsorted(known, codes[later[there]])
        sums = np.bincount(place, errors[there], len(known))
        counts = np.bincount(place, minlength=len(known))
        return tuple(float(total / count) if count and total > 0 else None for total, count in zip(sums, counts, strict=True))

    lag = season or 1
    return NaiveErrors(
        lag,
        {name: mean_of(column, lag, 1) for name, column in targets.items()},
        {name: mean_of(column, 1, 2) for name, column in targets.items()},
    )


def series_rows(
    naive: NaiveErrors | None, known: tuple[tuple[str, ...], ...], groups: Groups, rows: NDArray[np.int64]
) -> SeriesRows:
    """Which series each of some rows is of, and what its errors are measured in.

    Args:
        naive: of the training part; None: a run of before they were kept.
        known: the series of the training part; empty: there is one, without a name.
        groups: of all rows.
        rows: which.
    """
    there, codes = np.unique(groups.codes[rows], return_inverse=True)
    names = [groups.names[code] for code in there.tolist()]
    places = {name: place for place, name in enumerate(known or ((),))}

    def sizes(by_target: Mapping[str, tuple[float | None, ...]]) -> dict[str, NDArray[np.float64]]:
        return {
            target: np.array([_size(values, places.get(name)) for name in names], np.float64)
            for target, values in by_target.items()
        }

    if naive is None:
        return SeriesRows(codes.astype(np.int64), names)
    return SeriesRows(codes.astype(np.int64), names, naive.season, sizes(naive.absolute), sizes(naive.squared))


def _size(values: tuple[float | None, ...], place: int | None) -> float:
    value = None if place is None else values[place]
    return np.nan if value is None else value
