"""Columns of dates and times: a number for each part of them. How they are written stands in `dates/`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dltrain.config.catalog.date_formats import split_writing
from dltrain.data.columns.dates.reading import to_dates
from dltrain.data.columns.kind import Learning
from dltrain.data.columns.number import Number, make_gaps, make_numbers
from dltrain.data.columns.reading import Reading, mend, unreadable
from dltrain.data.columns.scaling import NO_VALUE, fit_number, ignoring_constant, same_value, why_untaught
from dltrain.later import polars

if TYPE_CHECKING:
    from dltrain.data.columns.column import FeatureColumn

DATE_PARTS = ("year", "month", "day", "weekday", "day number", "hour")
SECONDS_A_DAY = 86_400
# What an exported model takes for no date.
NO_DATE = np.iinfo(np.int64).min


class Date(Number):
    """A date, or a date with a time."""

    name = "date"
    many = "dates"
    is_array = False
    tells_alone = False

    def read(
        self, series: polars.Series, column: FeatureColumn, reading: Reading
    ) -> tuple[Any, NDArray[np.int64], polars.Series]:
        """See `Kind.read`."""
        series = mend(series, reading)
        values = to_dates(series, column.date_format)
        return values, unreadable(series, values), series

    def expected(self, column: FeatureColumn) -> str:
        """See `Kind.expected`; with how the column's dates are written."""
        written = split_writing(column.date_format)[0]
        return f"a date written {written}" if written else "a date"

    def learn(self, column: FeatureColumn, seen: Any, how: Learning) -> FeatureColumn:
        """Which parts there are, and fill and scale of each."""
        has_hours = bool(((seen.dt.hour() != 0) | (seen.dt.minute() != 0)).any())
        parts = DATE_PARTS if has_hours else DATE_PARTS[:-1]
        numbers = date_numbers(seen, parts)
        made = []
        for part, shown in zip(parts, numbers, strict=True):
            number = ignoring_constant(fit_number(f"{column.name} {part}", shown, how.scale, how.impute), shown)
            made.append(replace(number, indicator=bool(seen.null_count()) and part == "year"))
        reasons = [why_untaught(shown) for shown in numbers]
        untaught = "" if not all(reasons) else NO_VALUE if NO_VALUE in reasons else same_value(str(seen[0]))
        return replace(column, date_parts=parts, numbers=tuple(made), untaught=untaught)

    def numbers(self, column: FeatureColumn, values: Any) -> list[NDArray[np.float64]]:
        """See `Number.numbers`."""
        return date_numbers(values, column.date_parts)

    def judged_by(self, column: FeatureColumn) -> str:
        """See `Number.judged_by`."""
        return f"{column.name} day number"

    def say_number(self, value: float) -> str:
        """A day number as its date."""
        return str(np.datetime64(int(value // 1), "D"))

    def to_series(self, name: str, values: NDArray[Any]) -> polars.Series:
        """See `Kind.to_series`."""
        dates = values.astype("datetime64[s]").astype("datetime64[us]")  # the smallest int64 becomes NaT
        return polars.Series(name, dates).cast(polars.Datetime("us"))

    def num_numbers(self, column: FeatureColumn) -> int:
        """See `Kind.num_numbers`."""
        return len(column.date_parts)

    def make_up(self, column: FeatureColumn, generator: np.random.Generator, count: int, words: Sequence[str]) -> NDArray[Any]:
        """Seconds since 1970, int64."""
        gaps = make_gaps(column, generator, count)
        days = make_numbers(column.numbers[column.date_parts.index("day number")], generator, count)
        return np.where(gaps, NO_DATE, np.round(days * SECONDS_A_DAY).astype(np.int64))


def date_numbers(values: polars.Series, parts: Sequence[str]) -> list[NDArray[np.float64]]:
    """Float64 [rows] for each part of the dates, NaN where there is none."""
    made = []
    for part in parts:
        if part == "day number":
            number = values.dt.epoch("s").cast(polars.Float64) / 86400.0
        elif part == "hour":
            number = values.dt.hour().cast(polars.Float64) + values.dt.minute().cast(polars.Float64) / 60.0
        else:
            number = getattr(values.dt, part)().cast(polars.Float64)
        made.append(number.fill_null(float("nan")).to_numpy(writable=True))
    return made


DATE = Date()
