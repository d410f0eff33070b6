"""The time of each row of a series: read, put in order, and the step from one row to the next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dltrain.data.kinds import Reading, find_date_format, infer_kind, is_text, mend, to_dates, to_numbers
from dltrain.data.targets import Locate
from dltrain.errors import DataError, Fault

if TYPE_CHECKING:
    import polars

DATE_PARTS = ("year", "month", "day", "hour", "minute", "second")
SECOND = 1_000_000
DAY = 86_400 * SECOND
MONTH = "month"
# Step in microseconds -> rows after which things usually repeat: a day of hours, a week of days, a year of weeks.
SEASONS = {60 * SECOND: 1440, 900 * SECOND: 96, 1800 * SECOND: 48, 3600 * SECOND: 24, DAY: 7, 7 * DAY: 52}


@dataclass(frozen=True, slots=True)
class Step:
    """From one row of a series to the next.

    Attributes:
        unit: "month", "microsecond" (of dates), "number" (of a column of numbers) or "row" (no time is given).
        size: how many of them.
    """

    unit: str
    size: float

    @property
    def season(self) -> int | None:
        """How many rows make the usual season; None: there is no usual one."""
        if self.unit == MONTH:
            return int(12 // self.size) if self.size < 12 and 12 % self.size == 0 else None
        return SEASONS.get(int(self.size)) if self.unit == "microsecond" else None

    def describe(self) -> str:
        """`1 hour`."""
        size, unit = self.size, self.unit
        if unit == "microsecond":
            units = (("week", 7 * DAY), ("day", DAY), ("hour", 3600 * SECOND), ("minute", 60 * SECOND), ("second", SECOND))
            unit, size = next(((name, size / length) for name, length in units if size % length == 0), ("second", size / SECOND))
        return f"{size:g} {unit}{'s' if size != 1 and unit != 'number' else ''}"


@dataclass(frozen=True, slots=True)
class Times:
    """The time of each row.

    Attributes:
        kind: "date", "number" or "row".
        values: int64 microseconds since 1970, or float64 numbers, or int64 row numbers.
        date_format: how dates are written, where they are a column of text.
    """

    kind: str
    values: NDArray[Any]
    date_format: str | None = None

    def take(self, rows: NDArray[np.int64]) -> Times:
        """Those of some rows."""
        return Times(self.kind, self.values[rows], self.date_format)

    def step(self) -> tuple[Step, float]:
        """The most frequent step between neighbours (times in rising order), and the share of neighbours with it."""
        if self.kind == "row":
            return Step("row", 1), 1.0
        unit = {"date": "microsecond", "number": "number"}[self.kind]
        size, share = _most_frequent(np.diff(self.values))
        if self.kind == "date" and size >= 28 * DAY:
            months, share_of_months = _most_frequent(np.diff(_months(self.values)))
            if share_of_months > share:
                return Step(MONTH, months), share_of_months
        return Step(unit, size), share

    def follows(self, step: Step) -> NDArray[np.bool_]:
        """bool [rows - 1]: whether each next row comes one step after the one before."""
        if step.unit == "row":
            return np.ones(max(len(self.values) - 1, 0), bool)
        values = _months(self.values) if step.unit == MONTH else self.values
        return np.asarray(np.isclose(np.diff(values), step.size, rtol=1e-6, atol=0))

    def later(self, step: Step, count: int) -> NDArray[Any]:
        """The times so many steps later, in the form of `values`."""
        if step.unit != MONTH:
            moved = self.values + step.size * count
            return moved if self.kind == "number" else moved.astype(np.int64)
        import polars

        dates = polars.Series(self.values).cast(polars.Datetime("us")).dt.offset_by(f"{int(step.size) * count}mo")
        array: NDArray[np.int64] = dates.cast(polars.Int64).to_numpy()
        return array

    def texts(self, values: NDArray[Any]) -> list[str]:
        """Times as they are written in the data, or as ISO 8601 has them."""
        if self.kind == "number":
            return [f"{value:.10g}" for value in values.tolist()]
        if self.kind == "row":
            return [str(value + 1) for value in values.tolist()]
        import polars

        dates = polars.Series(values).cast(polars.Datetime("us"))
        smallest = next((size for size in (DAY, 60 * SECOND) if not (values % size).any()), SECOND)
        usual = {DAY: "%Y-%m-%d", 60 * SECOND: "%Y-%m-%d %H:%M", SECOND: "%Y-%m-%d %H:%M:%S"}[smallest]
        found: list[str] = dates.dt.strftime(self.date_format or usual).to_list()
        return found


def _months(values: NDArray[np.int64]) -> NDArray[np.int64]:
    return values.astype("datetime64[us]").astype("datetime64[M]").astype(np.int64)


def _most_frequent(differences: NDArray[Any]) -> tuple[float, float]:
    """The most frequent positive difference, and its share of all."""
    differences = differences[differences > 0]
    if not len(differences):
        return 1.0, 0.0
    rounded = differences if differences.dtype.kind == "i" else np.round(differences, 9)
    sizes, counts = np.unique(rounded, return_counts=True)
    best = int(np.argmax(counts))
    return float(sizes[best]), float(counts[best] / len(differences))


def read_times(
    frame: polars.DataFrame, columns: Sequence[str], reading: Reading, locate: Locate, date_format: str | None = None
) -> Times:
    """The time of each row of a table.

    Args:
        frame: raw columns.
        columns: one column of dates or numbers; or several that hold the parts of a date (year, month, ..., by their names);
            or none: the rows are in order.
        reading: how text is written.
        locate: the place of a row.
        date_format: how dates are written, where it is known already.

    Raises:
        DataError: rows without a time, or columns that hold none; with their places.
    """
    if not columns:
        return Times("row", np.arange(frame.height))
    if len(columns) > 1:
        return _from_parts(frame, columns, reading, locate)
    series = mend(frame[columns[0]], reading)
    if date_format is None:
        found = infer_kind(frame[columns[0]], reading)
        date_format, is_date = found.date_format, found.kind == "date"
        if not is_date and is_text(series):  # one that begins with dates and has something else among them
            date_format = find_date_format(series.drop_nulls().head(1)) if len(series.drop_nulls()) else None
            is_date = date_format is not None
    else:
        is_date = True
    if is_date:
        dates = to_dates(series, date_format)
        _refuse_gaps(dates.is_null().to_numpy(), series, columns[0], f"a date{_written(date_format)}", locate)
        return Times("date", dates.dt.epoch("us").to_numpy(), date_format)
    numbers = to_numbers(series, reading)
    _refuse_gaps(~np.isfinite(numbers), series, columns[0], "a date or a number", locate)
    return Times("number", numbers)


def _written(date_format: str | None) -> str:
    return f" written {date_format}" if date_format else ""


def _from_parts(frame: polars.DataFrame, columns: Sequence[str], reading: Reading, locate: Locate) -> Times:
    import polars

    names = [column.casefold() for column in columns]
    if "year" not in names or set(names) - set(DATE_PARTS) or len(set(names)) < len(names):
        message = f"data.series.time names the columns {', '.join(columns)}, expected parts of a date: {', '.join(DATE_PARTS)}"
        raise DataError(Fault(message, path="data.series.time", hint="or one column that holds dates or numbers"))
    parts = {}
    for column, name in zip(columns, names, strict=True):
        series = mend(frame[column], reading)
        numbers = to_numbers(series, reading)
        _refuse_gaps(~np.isfinite(numbers) | (numbers != np.floor(numbers)), series, column, "a whole number", locate)
        parts[name] = polars.Series(name, numbers.astype(np.int64))
    given = polars.DataFrame(list(parts.values()))
    date = polars.datetime(*(polars.col(part) if part in parts else 1 for part in DATE_PARTS[:3]))
    try:
        dates = given.select(date.cast(polars.Datetime("us")).alias("date"))["date"]
    except polars.exceptions.PolarsError:
        dates = polars.Series([None] * frame.height, dtype=polars.Datetime("us"))
    _refuse_gaps(dates.is_null().to_numpy(), frame[columns[0]], ", ".join(columns), "a date", locate)
    seconds = np.zeros(frame.height, np.int64)
    for part, length in (("hour", 3600), ("minute", 60), ("second", 1)):
        if part in parts:
            seconds += parts[part].to_numpy() * length
    return Times("date", dates.dt.epoch("us").to_numpy() + seconds * SECOND)


def _refuse_gaps(bad: NDArray[np.bool_], series: polars.Series, column: str, expected: str, locate: Locate) -> None:
    rows = np.flatnonzero(bad)
    if not len(rows):
        return
    file, line = locate(int(rows[0]))
    value = series[int(rows[0])]
    found = "nothing" if value is None else repr(value)
    message = f"the time column {column} holds {found}, expected {expected} ({len(rows):,} such rows)"
    hint = "leave data.series.time out if the rows are in order already"
    raise DataError(Fault(message, file=file, line=line, hint=hint))
