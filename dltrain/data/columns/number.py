"""Columns of numbers: filled, scaled, and marked where they had gaps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dltrain.data.columns.kind import GAPS, Kind, Learning, Unseen
from dltrain.data.columns.reading import Reading, read_numbers
from dltrain.data.columns.scaling import (
    BY_ROUNDING,
    NumberTransform,
    fit_number,
    ignoring_constant,
    vary_by_rounding,
    why_untaught,
)
from dltrain.data.tables.column_names import name_of
from dltrain.errors import DataError
from dltrain.later import polars

if TYPE_CHECKING:
    from dltrain.data.columns.column import FeatureColumn


class Number(Kind):
    """A number; and what booleans and dates share with it: they become one number or several, each with a transform."""

    name = "number"
    many = "numbers"
    is_array = True
    is_amount = True
    tells_alone = True

    def read(
        self, series: polars.Series, column: FeatureColumn, reading: Reading
    ) -> tuple[Any, NDArray[np.int64], polars.Series]:
        """See `Kind.read`."""
        numbers, bad = read_numbers(series, reading)
        if name_of(series) in reading.gaps:
            numbers[bad] = np.nan
        return numbers, bad, series

    def expected(self, column: FeatureColumn) -> str:
        """See `Kind.expected`."""
        return "a finite number"

    def learn(self, column: FeatureColumn, seen: Any, how: Learning) -> FeatureColumn:
        """Fit the value that fills gaps, and the scale."""
        fitted = fit_number(column.name, seen, how.scale, how.impute)
        number = ignoring_constant(fitted, seen, keeps_rounding=how.keeps_rounding)
        untaught = why_untaught(seen)
        if not untaught and not how.keeps_rounding and not np.isnan(seen).any() and vary_by_rounding(seen, how.scale):
            untaught = BY_ROUNDING
        return replace(column, numbers=(number,), untaught=untaught)

    def numbers(self, column: FeatureColumn, values: Any) -> list[NDArray[np.float64]]:
        """Float64 [rows] for each of its transforms."""
        return [values]

    def is_embedded(self, column: FeatureColumn) -> bool:
        """See `Kind.is_embedded`."""
        return False

    def columns(self, column: FeatureColumn) -> tuple[str, ...]:
        """See `Kind.columns`."""
        return tuple(name for number in column.numbers for name in number.columns)

    def unit_range(self, column: FeatureColumn) -> bool:
        """See `Kind.unit_range`."""
        return all(number.scale in ("minmax", "quantile") for number in column.numbers)

    def to_series(self, name: str, values: NDArray[Any]) -> polars.Series:
        """See `Kind.to_series`."""
        return polars.Series(name, values.astype(np.float64), nan_to_null=True)

    def num_numbers(self, column: FeatureColumn) -> int:
        """See `Kind.num_numbers`."""
        return 1

    def write(self, column: FeatureColumn, values: Any, block: NDArray[np.float32], unseen: Unseen) -> None:
        """See `Kind.write`."""
        place = 0
        for transform, number in zip(column.numbers, self.numbers(column, values), strict=True):
            with np.errstate(over="ignore", invalid="ignore"):
                block[:, place] = transform.transform(number)
            odd = ~np.isfinite(block[:, place])
            if odd.any():
                _refuse_beyond(column, number[odd])
            if transform.indicator:
                block[:, place + 1] = np.isnan(number)
            place += len(transform.columns)
            if np.isfinite(transform.spread) and transform.name == self.judged_by(column):
                unseen.add_numbers(column.name, transform.seen, number)
        unseen.add_gaps(column, self.are_gaps(values))

    def judged_by(self, column: FeatureColumn) -> str:
        """The name of the number by which a value is near those of training or far from them; empty where none tells."""
        return column.name

    def had_no_gaps(self, column: FeatureColumn) -> bool:
        """See `Kind.had_no_gaps`; of a column that never varies nothing is learnt, and a gap makes no difference."""
        is_told = any(transform.indicator for transform in column.numbers)
        return not is_told and any(np.isfinite(transform.spread) for transform in column.numbers)

    def read_back(self, column: FeatureColumn, block: NDArray[np.float64]) -> dict[str, Any]:
        """Numbers in their own units; a date's parts are columns of their own."""
        found: dict[str, Any] = {}
        place = 0
        for number in column.numbers:
            found[number.name] = self.show(number.inverse(block[:, place]))
            place += len(number.columns)
        return found

    def show(self, values: NDArray[np.float64]) -> Any:
        """Numbers as they are shown to the user: as exact as the model's are."""
        return values.astype(np.float32)

    def describe(self, columns: Sequence[FeatureColumn]) -> str:
        """`(minmax; 2 with gaps filled and marked)`."""
        scales = sorted({number.scale for column in columns for number in column.numbers})
        missing = sum(any(number.indicator for number in column.numbers) for column in columns)
        return f" ({', '.join(scales)}{f'; {missing} with gaps filled and marked' if missing else ''})"

    def make_up(self, column: FeatureColumn, generator: np.random.Generator, count: int, words: Sequence[str]) -> NDArray[Any]:
        """See `Kind.make_up`."""
        gaps = make_gaps(column, generator, count)
        return np.where(gaps, np.nan, make_numbers(column.numbers[0], generator, count)).astype(np.float32)


def _refuse_beyond(column: FeatureColumn, numbers: NDArray[np.float64]) -> None:
    """Refuse numbers of which the scale makes some that float32 cannot hold (raises DataError); gaps are none."""
    numbers = numbers[~np.isnan(numbers)]
    if len(numbers):
        most = numbers[np.abs(numbers).argmax()]
        hint = f'if it means "no value": data.replace: {{{column.name}: {{"{most:g}": ""}}}}; '
        hint += f"data.scale: {{{column.name}: quantile}} takes it as one that is above or below all others"
        raise DataError(
            f"column {column.name} holds {most:g}, of which data.scale makes a number beyond those of float32", hint=hint
        )


def make_gaps(column: FeatureColumn, generator: np.random.Generator, count: int) -> NDArray[np.bool_]:
    """Which of the made up rows have no value; none where a run takes no rows with gaps."""
    gaps = generator.random(count) < GAPS
    return gaps & (not any(np.isnan(number.fill) for number in column.numbers))


def make_numbers(number: NumberTransform, generator: np.random.Generator, count: int) -> NDArray[np.float64]:
    """Made-up numbers distributed as those of training, a few of them beyond."""
    if len(number.quantiles):
        beyond = 0.1 * (number.quantiles[-1] - number.quantiles[0])
        return generator.uniform(number.quantiles[0] - beyond, number.quantiles[-1] + beyond, count)
    middle = number.center if number.scale != "none" or not np.isfinite(number.fill) else number.fill
    return generator.normal(middle, number.spread, count)


NUMBER = Number()
