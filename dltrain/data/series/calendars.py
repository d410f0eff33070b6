"""The step from one row of a series to the next, and the calendar that it goes by."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SECOND = 1_000_000
DAY = 86_400 * SECOND
MONTH = "month"
# Which of the times a step could lead to are those of a series, as it was found: the last days of months, Monday to Friday;
# and as the user says: any day or Monday to Friday but for holidays, the last working days of months.
MONTH_ENDS, WORKING_DAYS = "month ends", "working days"
DAYS, BUSINESS_DAYS, BUSINESS_MONTH_ENDS = "days", "business days", "business month ends"
# As they are found: the first working days of months; one day of the week in each month, such as the third Friday, as its number
# from Monday on and how many in the month come before it, or "last".
BUSINESS_MONTH_STARTS, WEEKDAY_OF_MONTH = "business month starts", "weekday of month "
CALENDARS = (
    "", MONTH_ENDS, WORKING_DAYS, DAYS, BUSINESS_DAYS, BUSINESS_MONTH_ENDS, BUSINESS_MONTH_STARTS,
    *(f"{WEEKDAY_OF_MONTH}{day} {place}" for day in range(7) for place in (0, 1, 2, 3, "last")),
)  # fmt: skip
MOST_OF_MONTHS, FEWEST_MONTHS = 0.9, 6  # whose days go by a calendar: others fall on holidays
# Of shops that are closed on Sundays: the days of the week that have rows, Monday first, as they were found and as the user asks.
WEEKDAYS, OPEN_DAYS = "weekdays ", "open days "
LONGEST_HOLIDAYS, MOST_HOLIDAYS = 5, 0.1  # open days in a row without a row, and their share of all: more are missing data
A_WEEK = re.compile(f"({WEEKDAYS}|{OPEN_DAYS})(?=.*1)[01]{{7}}")
CALENDAR_KEYS = {
    "days": DAYS,
    "business_days": BUSINESS_DAYS,
    "open_days": OPEN_DAYS,
    "month_ends": MONTH_ENDS,
    "business_month_ends": BUSINESS_MONTH_ENDS,
}
# Step in microseconds -> rows after which things usually repeat: a day of hours, a week of days, a year of weeks.
SEASONS = {60 * SECOND: 1440, 900 * SECOND: 96, 1800 * SECOND: 48, 3600 * SECOND: 24, DAY: 7, 7 * DAY: 52}


@dataclass(frozen=True, slots=True)
class Step:
    """From one row of a series to the next.

    Attributes:
        unit: "month", "microsecond" (of dates), "number" (of a column of numbers) or "row" (no time is given).
        size: how many of them.
        calendar: one of `CALENDARS`, or `A_WEEK`; "month ends", "weekdays 1111110" or "working days" where the training part
            has no other; or empty.
        holidays: days since 1970 on which there is no row, rising.
    """

    unit: str
    size: float
    calendar: str = ""
    holidays: tuple[int, ...] = ()

    @property
    def season(self) -> int | None:
        """How many rows make the usual season; None: there is no usual one."""
        if self.unit == MONTH:
            return int(12 // self.size) if self.size < 12 and 12 % self.size == 0 else None
        if self.unit == "microsecond" and self.calendar and self.size == DAY and "0" in self.weekdays:
            return self.weekdays.count("1")
        return SEASONS.get(int(self.size)) if self.unit == "microsecond" else None

    def describe(self) -> str:
        """`1 hour`; of numbers, which have no unit, `1`."""
        size, unit = self.size, self.unit
        if unit == "number":
            return f"{size:.10g}"
        if unit == "microsecond":
            units = (("week", 7 * DAY), ("day", DAY), ("hour", 3600 * SECOND), ("minute", 60 * SECOND), ("second", SECOND))
            unit, size = next(((name, size / length) for name, length in units if size % length == 0), ("second", size / SECOND))
        which = "" if unit != "day" else "business " if self.calendar == BUSINESS_DAYS else "open " if self.opens else ""
        return f"{size:g} {which}{unit}{'s' if size != 1 else ''}"

    @property
    def skips_days(self) -> bool:
        """Whether the next row may be several days later, by what the user says."""
        return self.calendar in (DAYS, BUSINESS_DAYS) or self.opens

    @property
    def opens(self) -> bool:
        """Whether the user asks for the days of the week that have rows."""
        return self.calendar.startswith(OPEN_DAYS)

    @property
    def weekdays(self) -> str:
        """`1111100`: the days of the week that rows may be on, Monday first."""
        if A_WEEK.fullmatch(self.calendar):
            return self.calendar[-7:]
        return "1111111" if self.calendar == DAYS else "1111100"

    @property
    def _calendar(self) -> np.busdaycalendar:
        return np.busdaycalendar(weekmask=self.weekdays, holidays=np.array(self.holidays, "datetime64[D]"))

    def days_from(self, first: NDArray[np.int64], second: NDArray[np.int64]) -> NDArray[np.int64]:
        """How many days of the calendar each of some days is after another."""
        begins, ends = (days.astype("datetime64[D]") for days in (first, second))
        found: NDArray[np.int64] = np.busday_count(begins, ends, busdaycal=self._calendar).astype(np.int64)
        return found

    def own_days(self, days: NDArray[np.int64]) -> NDArray[np.int64]:
        """Each day, or the last one before it that the calendar has."""
        if self.calendar == MONTH_ENDS:
            return days
        found = np.busday_offset(days.astype("datetime64[D]"), 0, roll="backward", busdaycal=self._calendar)
        return found.astype(np.int64)

    def moved_days(self, clock: NDArray[np.int64], count: int) -> NDArray[np.int64]:
        """Times so many days of the calendar later, at the same time of day."""
        days = np.floor_divide(clock, DAY)
        later = np.busday_offset(days.astype("datetime64[D]"), count, roll="backward", busdaycal=self._calendar)
        return np.asarray(clock + (later.astype(np.int64) - days) * DAY, np.int64)


def month_calendar(days: NDArray[np.int64]) -> str:
    """By which calendar rows that are months apart fall on their days; empty: on the same day of each month, or by none known.

    Args:
        days: since 1970, of the rows of all series.
    """
    months = _months_of(days)
    in_month = days - _first_days(months)
    if len(days) < 2 or len(np.unique(in_month)) < 2:
        return ""
    if (days == _first_days(months + 1) - 1).all():
        return MONTH_ENDS
    if len(days) < FEWEST_MONTHS:
        return ""
    weekdays = np.unique((days + 3) % 7)
    places = [*np.unique(in_month // 7).tolist(), "last"]
    some_weekday = [f"{WEEKDAY_OF_MONTH}{weekdays[0]} {place}" for place in places if place != 4] if len(weekdays) == 1 else []
    for calendar in (BUSINESS_MONTH_ENDS, BUSINESS_MONTH_STARTS, *some_weekday):
        if (days_in_months(months, calendar) == days).mean() >= MOST_OF_MONTHS:
            return calendar
    return ""


def are_on_changing_days(days: NDArray[np.int64]) -> bool:
    """Whether rows that are months apart fall neither all on one day of the month nor, where the month has none, on its last."""
    months = _months_of(days)
    in_month, last = days - _first_days(months), _first_days(months + 1) - 1
    return bool(((in_month != in_month.max(initial=0)) & (days != last)).any())


def days_in_months(months: NDArray[np.int64], calendar: str) -> NDArray[np.int64]:
    """The day of a calendar of months in each of some months since 1970, in days since 1970.

    Args:
        months: since January 1970.
        calendar: business month ends or starts, or a weekday of the month.
    """
    firsts, lasts = _first_days(months), _first_days(months + 1) - 1
    if calendar in (BUSINESS_MONTH_ENDS, BUSINESS_MONTH_STARTS):
        begins, roll = (lasts, "backward") if calendar == BUSINESS_MONTH_ENDS else (firsts, "forward")
        return np.busday_offset(begins.astype("datetime64[D]"), 0, roll=roll).astype(np.int64)  # type: ignore[call-overload,no-any-return]
    day, place = calendar.removeprefix(WEEKDAY_OF_MONTH).split()
    if place == "last":
        return np.asarray(lasts - ((lasts + 3) % 7 - int(day)) % 7, np.int64)
    return np.asarray(firsts + (int(day) - (firsts + 3) % 7) % 7 + 7 * int(place), np.int64)


def _months_of(days: NDArray[np.int64]) -> NDArray[np.int64]:
    return days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)


def _first_days(months: NDArray[np.int64]) -> NDArray[np.int64]:
    return months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)


def closed_days(days: NDArray[np.int64], step: Step) -> NDArray[np.int64]:
    """The days between the first and the last row that the calendar has and no row is on, as on holidays; not those of long gaps.

    Args:
        days: since 1970, of the rows of all series.
        step: whose calendar says which days of the week there are.
    """
    every = np.arange(days.min(), days.max() + 1) if len(days) else days
    usual = every[np.is_busday(every.astype("datetime64[D]"), weekmask=step.weekdays)]
    absent = ~np.isin(usual, days)
    begins = np.flatnonzero(np.diff(absent, prepend=False))  # of runs of days with rows and without, in turn
    for first, last in zip(begins[::2], [*begins[1::2], len(usual)][: len(begins[::2])], strict=True):
        absent[first:last] = last - first <= LONGEST_HOLIDAYS
    return usual[absent] if absent.sum() <= MOST_HOLIDAYS * len(usual) else usual[:0]


def day_of(text: str) -> int:
    """A date as ISO 8601 writes it, in days since 1970.

    Raises:
        ValueError: it is none.
    """
    if len(text) != len("2024-12-25"):
        raise ValueError(f"{text} is no date")
    return int(np.datetime64(text, "D").astype(np.int64))
