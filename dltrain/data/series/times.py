"""The time of each row of a series: read, put in order, and the step from one row to the next."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.config.catalog.date_formats import EPOCHS, ORIGINS, split_writing
from dltrain.data.columns.dates.counted import counted_dates
from dltrain.data.columns.dates.finding import nearest_writing
from dltrain.data.columns.dates.reading import from_clock, to_clock, to_moments
from dltrain.data.columns.dates.writing import write_dates
from dltrain.data.columns.kinds import infer_time
from dltrain.data.columns.reading import Reading, is_text, mend, text_of, to_numbers
from dltrain.data.raw import Locate
from dltrain.data.series.calendars import (
    BUSINESS_MONTH_ENDS,
    CALENDAR_KEYS,
    DAY,
    MONTH,
    MONTH_ENDS,
    OPEN_DAYS,
    SECOND,
    WEEKDAYS,
    WORKING_DAYS,
    Step,
    as_written,
    day_of,
    days_in_months,
    days_of_months,
    month_calendar,
    most_frequent,
    number_step,
    open_days,
    opening_hours,
    rounding_of,
)
from dltrain.data.tables.column_names import column_of
from dltrain.errors import DataError, Note
from dltrain.later import polars
from dltrain.wording import no_row_hint, quoted, shown_column

# Times of the day, and those with points as Italian loggers write them.
_CLOCK, _POINTS = r"^\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?$", r"^(\d{1,2})\.(\d{2})\.(\d{2})$"
# What a column of the hours of a day is called, 0 to 23 without minutes.
HOURS, _HOUR = ("hour", "hours", "hr", "hrs", "h"), r"^0?([0-9]|1[0-9]|2[0-3])(?:\.0)?$"
LABELS_LOOKED_AT = 50
MOST_OPEN = 0.9  # of the steps
DATE_PARTS = ("year", "month", "day", "hour", "minute", "second")


@dataclass(frozen=True, slots=True)
class Times:
    """The time of each row.

    Attributes:
        kind: "date", "number" or "row".
        values: int64 microseconds since 1970 (of UTC, where dates have a zone), or float64 numbers, or int64 row numbers.
        date_format: how dates are written, see `dltrain.data.columns.dates`.
        labels: object [rows]: each as the file has it; None: its dates are no text, or its numbers have fractions.
    """

    kind: str
    values: NDArray[Any]
    date_format: str | None = None
    labels: NDArray[np.object_] | None = None

    def take(self, rows: NDArray[np.int64]) -> Times:
        """The times of some of the rows."""
        return Times(self.kind, self.values[rows], self.date_format, None if self.labels is None else self.labels[rows])

    @property
    def clock(self) -> NDArray[Any]:
        """`values` by the clock of the dates' zone."""
        return self.to_clock(self.values)

    def to_clock(self, values: NDArray[Any]) -> NDArray[Any]:
        """Other times in the form of `values`, by the clock of the dates' zone."""
        zone = split_writing(self.date_format)[1]
        return values if zone is None else _to_int(to_clock(_to_dates(values), zone))

    def step(self, beside: NDArray[np.bool_]) -> tuple[Step, float]:
        """The most frequent step between neighbours (times in rising order), and the share of neighbours with it.

        Args:
            beside: bool [rows - 1]: whether each next row is of the same series.
        """
        if self.kind == "row":
            return Step("row", 1), 1.0
        unit = {"date": "microsecond", "number": "number"}[self.kind]
        if self.kind == "number":
            return number_step(self.values, beside)
        size, share = most_frequent(np.diff(self.values)[beside])
        if self.kind == "date" and size >= DAY:  # a day is 23 or 25 hours long where the clock is changed
            size, share = most_frequent(np.diff(self.clock)[beside])
        if self.kind == "date" and size >= 28 * DAY:
            months, share_of_months = most_frequent(np.diff(_months(self.clock))[beside])
            if share_of_months > share:
                return Step(MONTH, months, month_calendar(np.floor_divide(self.clock, DAY))), share_of_months
        if self.kind == "date" and DAY <= size < 28 * DAY and size % DAY == 0:
            of_months = Step(MONTH, 1, days_of_months(np.floor_divide(self.clock, DAY)))
            if of_months.calendar:
                return of_months, float(self.follows(of_months)[beside].mean())
        if self.kind == "date" and size < DAY:
            by_hours = Step(unit, size, opening_hours(self.clock, size))
            are_places = by_hours.has_places and not by_hours.is_even
            return by_hours, float(self.follows(by_hours)[beside].mean()) if are_places else share
        calendar = _week(self.clock, beside, size) if self.kind == "date" and size < 7 * DAY and size % DAY == 0 else ""
        if calendar and size != DAY:
            size, share = DAY, float((np.diff(self.clock)[beside] == DAY).mean())
        return Step(unit, size, calendar), share

    def asked_step(self, beside: NDArray[np.bool_], calendar: str | None, holidays: Sequence[str]) -> Step | None:
        """The step between neighbours by a calendar that the user names; None: there is none.

        Args:
            beside: bool [rows - 1]: whether each next row is of the same series.
            calendar: `data.series.calendar`.
            holidays: `data.series.holidays`.

        Raises:
            ValueError: the times are no days, or not those of the calendar; with the place of the first such row.
        """
        if calendar is None and not holidays:
            return None
        if self.kind != "date":
            raise ValueError("a calendar is of dates")
        found, _ = self.step(beside)
        if found.unit == "microsecond" and (found.size < DAY or found.size % DAY):
            raise ValueError(f"a calendar is of days or months, and the rows are {found.describe()} apart")
        days = np.floor_divide(self.clock, DAY)
        calendar = calendar or ("business_days" if found.calendar == WORKING_DAYS else "days")
        named = CALENDAR_KEYS[calendar] if calendar != "open_days" else OPEN_DAYS + open_days(days)
        asked = Step(found.unit, found.size, named, tuple(sorted(map(day_of, holidays))))
        if calendar.endswith("ends"):
            months = _months(self.clock)
            asked = replace(asked, unit=MONTH, size=max(1.0, most_frequent(np.diff(months)[beside])[0]))
            own = asked.own_days(np.floor_divide(_to_int(_to_dates(self.clock).dt.month_end()), DAY))
        else:
            between = asked.days_from(days[:-1], days[1:])[beside]
            asked, own = replace(asked, unit="microsecond", size=DAY * max(1.0, most_frequent(between)[0])), asked.own_days(days)
        odd = np.flatnonzero(own != days)
        if len(odd):
            text = self.texts(self.values[odd[:1]])[0]
            are = "1 row is on a day" if len(odd) == 1 else f"{len(odd):,} rows are on days"
            raise ValueError(f"{are} that the calendar leaves out, such as {text}")
        return asked

    def follows(self, step: Step) -> NDArray[np.bool_]:
        """bool [rows - 1]: whether each next row comes one step after the one before."""
        if step.unit == "row":
            return np.ones(max(len(self.values) - 1, 0), bool)
        if step.has_places and not step.is_even:
            return np.asarray(np.diff(step.places(self.clock)) == 1)
        if step.skips_days:
            days = np.floor_divide(self.clock, DAY)
            between = step.days_from(days[:-1], days[1:])
            return np.asarray((between == step.size // DAY) & (np.diff(self.clock - days * DAY) == 0))
        by_clock = step.unit == "microsecond" and step.size % DAY == 0
        values = _months(self.clock) if step.unit == MONTH else self.clock if by_clock else self.values
        rounding = rounding_of(self.values, step.size) if step.unit == "number" else 0.0
        return np.asarray(np.isclose(np.diff(values), step.size, rtol=1e-6, atol=rounding))

    def later(self, step: Step, count: int) -> NDArray[Any]:
        """The times so many steps later by the calendar of the step, in the form of `values`."""
        by_clock = step.unit == MONTH or (step.unit == "microsecond" and step.size % DAY == 0) or step.has_places
        if not by_clock:
            moved: NDArray[Any] = self.values + step.size * count
            if self.kind == "number":
                return as_written(moved, self.values, step)
            return moved.astype(np.int64)
        if step.has_places:
            moved = step.moved_places(self.clock, count)
        elif step.unit == MONTH:
            dates = _to_dates(self.clock).dt.offset_by(f"{int(step.size) * count}mo")
            if step.calendar in (MONTH_ENDS, BUSINESS_MONTH_ENDS):
                dates = dates.dt.month_end()
            moved = _to_int(dates)
            if step.calendar == BUSINESS_MONTH_ENDS:
                moved = step.moved_days(moved, 0)
            elif step.calendar not in ("", MONTH_ENDS):
                moved = days_in_months(_months(moved), step.calendar) * DAY + moved % DAY
        elif step.calendar:
            moved = step.moved_days(self.clock, int(step.size // DAY) * count)
        else:
            moved = (self.clock + step.size * count).astype(np.int64)
        zone = split_writing(self.date_format)[1]
        return moved if zone is None else _to_int(from_clock(_to_dates(moved), zone))

    def texts(self, values: NDArray[Any]) -> list[str]:
        """Times as they are written in the data, or as ISO 8601 has them."""
        if self.kind == "number":
            return [_plain(value) for value in values.tolist()]
        if self.kind == "row":
            return [str(value + 1) for value in values.tolist()]
        written, zone = split_writing(self.date_format)
        if written in EPOCHS:
            one = EPOCHS[written]
            if written in ORIGINS:
                return [_plain(count) for count in (values / one + ORIGINS[written]).tolist()]
            return [str(count) for count in (values // int(one) if one >= 1 else values * round(1 / one)).tolist()]
        clock = self.to_clock(values)
        smallest = next((size for size in (DAY, 60 * SECOND, SECOND) if not (clock % size).any()), 1)
        usual = "%Y-%m-%d" + {DAY: "", 60 * SECOND: " %H:%M", SECOND: " %H:%M:%S", 1: " %H:%M:%S%.6f"}[smallest]
        if zone is not None and written is None:
            usual = f"{usual if smallest != DAY else '%Y-%m-%d %H:%M'}%z"
        written = (written or usual).replace("%Z", "%z")
        if written.endswith("%z %Y"):
            written = f"{usual}%z"
        colon = self.labels is not None and len(self.labels) > 0 and ":" in str(self.labels[0])[-3:]
        offset = re.search(r" ?%z$", written)
        some = np.unique(np.linspace(0, max(len(self.values) - 1, 0), LABELS_LOOKED_AT).astype(np.int64))
        some = some[:0] if self.labels is None else some[: len(self.labels)]
        labels = [] if self.labels is None else [str(label) for label in self.labels[some]]
        known = _to_dates(self.to_clock(self.values[some]))
        found = write_dates(_to_dates(clock), written[: offset.start()] if offset else written, known, labels)
        if offset is None:
            return found
        blank = " " if offset[0][0] == " " else ""
        return [
            text + blank + _offset(minutes, colon=colon or self.labels is None)
            for text, minutes in zip(found, ((clock - values) // (60 * SECOND)).tolist(), strict=True)
        ]


def _plain(value: float) -> str:
    """A number as tables write it: a whole one without a point, and none with what its last bits add."""
    return str(int(value)) if value.is_integer() and abs(value) < 1e22 else f"{value:.15g}"


def _offset(minutes: int, *, colon: bool) -> str:
    sign, minutes = "-" if minutes < 0 else "+", abs(minutes)
    return f"{sign}{minutes // 60:02d}{':' if colon else ''}{minutes % 60:02d}"


def _to_dates(values: NDArray[Any]) -> polars.Series:
    return polars.Series(values).cast(polars.Int64).cast(polars.Datetime("us"))


def _to_int(dates: polars.Series) -> NDArray[np.int64]:
    array: NDArray[np.int64] = dates.dt.epoch("us").to_numpy()
    return array


def _week(clock: NDArray[np.int64], beside: NDArray[np.bool_], size: float) -> str:
    """The calendar of rows on some days of the week: not on Saturdays and Sundays in two weeks, not on others in four.

    Args:
        clock: of the rows.
        beside: bool [rows - 1]: whether each next row is of the same series.
        size: the most frequent step, of whole days; where it is several, nearly all rows must be on the next such day.
    """
    days = np.floor_divide(clock, DAY)
    length = int(days.max() - days.min()) if len(days) > 5 else 0
    week = open_days(days)
    if length < 7 or "0" not in week or (length < 28 and (week[5:] != "00" or size != DAY)):
        return ""
    calendar = WORKING_DAYS if week == "1111100" or length < 28 else WEEKDAYS + week
    if size == DAY:
        return calendar
    next_open = Step("microsecond", DAY, calendar).days_from(days[:-1], days[1:])[beside] == 1
    return calendar if next_open.mean() >= MOST_OPEN else ""


def _months(values: NDArray[np.int64]) -> NDArray[np.int64]:
    return values.astype("datetime64[us]").astype("datetime64[M]").astype(np.int64)


def times_as_numbers(columns: Sequence[str], times: Times) -> list[Note]:
    """A note on times that are numbers of which nothing says so, and look like seconds since 1970 or days of a spreadsheet."""
    if times.kind != "number" or len(columns) != 1:
        return []
    name, first = columns[0], float(times.values[0])
    what, date, key = counted_dates(name, times.values, are_times=True)
    if not what:
        return []
    said = f"{shown_column(name)}: numbers such as {first:.15g} look like {what} ({date}), and are read as numbers"
    return [Note(f"{said}, which know no day and no season; `data.dates: {{{name}: {key}}}` reads times")]


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
    moments = _moments(frame, columns, reading) if len(columns) == 2 else None
    if len(columns) > 1 and moments is None:
        return _from_parts(frame, columns, reading, locate)
    raw = column_of(frame, columns[0]) if moments is None else moments
    series = mend(raw, reading)
    if date_format is None:
        found = infer_time(raw, reading)
        date_format, is_date = found.date_format, found.kind == "date"
        if not is_date and is_text(series):  # one that begins with dates and has something else among them
            written = nearest_writing(series.drop_nulls())
            date_format, is_date = written.text if written else None, written is not None
    else:
        is_date = True
    if is_date:
        dates = to_moments(series, date_format)
        _refuse_gaps(dates.is_null().to_numpy(), series, columns[0], f"a date{_written(date_format)}", locate)
        return Times("date", _to_int(dates), date_format, series.to_numpy() if is_text(series) else None)
    numbers = to_numbers(series, reading)
    _refuse_gaps(~np.isfinite(numbers), series, columns[0], "a date or a number", locate)
    return Times("number", numbers, labels=None if series.dtype.is_float() else text_of(series).to_numpy())


def _written(date_format: str | None) -> str:
    written = split_writing(date_format)[0]
    return f" written {written}" if written else ""


def _moments(frame: polars.DataFrame, columns: Sequence[str], reading: Reading) -> polars.Series | None:
    """A column of dates and one of times of the day, or of hours, as one text, `16/12/2006 17:24:00`; None: they are not such."""
    date, clock = (mend(column_of(frame, column), reading) for column in columns)
    are_hours = columns[1].casefold() in HOURS
    if (clock.dtype.is_numeric() and not are_hours) or date.dtype.is_numeric():
        return None
    clock = text_of(clock).str.replace(_POINTS, "$1:$2:$3")
    clock = clock.str.replace(_HOUR, "$1:00") if are_hours else clock
    if not len(clock.drop_nulls()) or not clock.drop_nulls().str.contains(_CLOCK).all():
        return None
    return (text_of(date) + " " + clock).alias(date.name)


def _from_parts(frame: polars.DataFrame, columns: Sequence[str], reading: Reading, locate: Locate) -> Times:
    names = [column.casefold() for column in columns]
    if "year" not in names or set(names) - set(DATE_PARTS) or len(set(names)) < len(names):
        message = f"the columns {', '.join(columns)} are no parts of a date: {', '.join(DATE_PARTS)}"
        hint = "or a column that holds dates or numbers, or one of dates and one of times of the day, or of hours (0 to 23)"
        raise DataError(message, path="data.series.time", hint=hint)
    parts = {}
    for column, name in zip(columns, names, strict=True):
        series = mend(column_of(frame, column), reading)
        numbers = to_numbers(series, reading)
        _refuse_gaps(~np.isfinite(numbers) | (numbers != np.floor(numbers)), series, column, "a whole number", locate)
        parts[name] = polars.Series(name, numbers.astype(np.int64))
    given = polars.DataFrame(list(parts.values()))
    date = polars.datetime(*(polars.col(part) if part in parts else 1 for part in DATE_PARTS[:3]))
    try:
        dates = given.select(date.cast(polars.Datetime("us")).alias("date"))["date"]
    except polars.exceptions.PolarsError:
        dates = polars.Series([None] * frame.height, dtype=polars.Datetime("us"))
    _refuse_gaps(dates.is_null().to_numpy(), column_of(frame, columns[0]), ", ".join(columns), "a date", locate)
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
    found = "nothing" if value is None else quoted(value)
    message = f"the time column {column} holds {found}, expected {expected} ({len(rows):,} such rows)"
    hint = "leave data.series.time out if the rows are in order already"
    if expected.startswith("a date written"):
        hint = f"data.dates: {{{column}: FORMAT}} says how dates are written (day_first, month_first, '%d/%m/%Y'); or {hint}"
    raise DataError(message, file=file, line=line, hint=(no_row_hint(value) if isinstance(value, str) else "") + hint)
