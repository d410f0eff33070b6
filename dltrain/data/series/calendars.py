"""The step from one row of a series to the next, and the calendar that it goes by."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.wording import listed

MOST_PLACES = 9  # of decimals, of times that are numbers
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
# Of numbers: years with a fraction, a month apart.
YEARS, FIRST_YEAR, LAST_YEAR = "years", 1000, 2300
CALENDARS = (
    "", YEARS, MONTH_ENDS, WORKING_DAYS, DAYS, BUSINESS_DAYS, BUSINESS_MONTH_ENDS, BUSINESS_MONTH_STARTS,
    *(f"{WEEKDAY_OF_MONTH}{day} {place}" for day in range(7) for place in (0, 1, 2, 3, "last")),
)  # fmt: skip
MOST_OF_MONTHS, FEWEST_MONTHS = 0.9, 6  # whose days go by a calendar: others fall on holidays
# Of shops that are closed on Sundays: the days of the week that have rows, Monday first, as they were found and as the user asks.
WEEKDAYS, OPEN_DAYS = "weekdays ", "open days "
LONGEST_HOLIDAYS, MOST_HOLIDAYS = 5, 0.1  # open days in a row without a row, and their share of all: more are missing data
A_WEEK = re.compile(f"({WEEKDAYS}|{OPEN_DAYS})(?=.*1)[01]{{7}}")
# As they are found: some days of each month, such as its 1st and its 15th, or its last where it is shorter; some times of the
# day, in seconds, on some days of the week, as of an exchange or an office.
DAYS_OF_MONTHS, OPENING_HOURS = "days of months", "opening hours "
A_FOUND_CALENDAR = re.compile(
    f"{A_WEEK.pattern}|{DAYS_OF_MONTHS}(?: [1-9][0-9]?){{2,5}}|{OPENING_HOURS}(?=[01]*1)[01]{{7}}(?: [0-9]{{1,5}}){{2,1440}}"
)
MOST_DAYS_OF_MONTHS = 5
# Days with rows, times of each, and the share of these that have one; up to so many a day are far from evenly apart.
FEWEST_OPEN, MOST_TIMES, MOST_TAKEN, FEW_TIMES = 5, 1440, 0.9, 4
_NAMES = ("Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays")
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
        calendar: one of `CALENDARS` or `A_FOUND_CALENDAR`; "years", "month ends", "weekdays 1111110" or "working days" where the
            training part has no other; or empty.
        holidays: days since 1970 on which there is no row, rising.
    """

    unit: str
    size: float
    calendar: str = ""
    holidays: tuple[int, ...] = ()

    @property
    def season(self) -> int | None:
        """How many rows make the usual season; None: there is no usual one."""
        if self.hours:
            return len(self.hours)
        if self.month_days:
            return 12 * len(self.month_days)
        if self.is_month_in_years:
            return 12
        if self.unit == MONTH:
            return int(12 // self.size) if self.size < 12 and 12 % self.size == 0 else None
        if self.unit == "microsecond" and self.calendar and self.size == DAY and "0" in self.weekdays:
            return self.weekdays.count("1")
        return SEASONS.get(int(self.size)) if self.unit == "microsecond" else None

    def describe(self) -> str:
        """`1 hour`; of numbers, which have no unit, `1`."""
        size, unit = self.size, self.unit
        if self.hours and not self.is_even:
            return f"1 of {len(self.hours)} times a day"
        if self.month_days:
            share = {2: "half", 3: "a third of"}.get(len(self.month_days), f"1/{len(self.month_days)} of")
            return f"{share} a month"
        if self.is_month_in_years:
            return "1/12 (a month, in years)"
        if unit == "number":
            return f"{size:.10g}"
        if unit == "microsecond":
            units = (("week", 7 * DAY), ("day", DAY), ("hour", 3600 * SECOND), ("minute", 60 * SECOND), ("second", SECOND))
            unit, size = next(((name, size / length) for name, length in units if size % length == 0), ("second", size / SECOND))
        which = "" if unit != "day" else "business " if self.calendar == BUSINESS_DAYS else "open " if self.opens else ""
        return f"{size:g} {which}{unit}{'s' if size != 1 else ''}"

    @property
    def is_month_in_years(self) -> bool:
        """Whether times are years with a fraction, as R writes those of a monthly series: 1949.0833 is February."""
        return self.calendar == YEARS

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
        if self.hours:
            return self.calendar.removeprefix(OPENING_HOURS)[:7]
        return "1111111" if self.calendar == DAYS else "1111100"

    @property
    def hours(self) -> tuple[int, ...]:
        """The times of each day that rows are at, in seconds; empty: they are none in particular."""
        return tuple(map(int, self.calendar.split()[3:])) if self.calendar.startswith(OPENING_HOURS) else ()

    @property
    def month_days(self) -> tuple[int, ...]:
        """The days of each month that rows are on, 1 to 31; empty: they are none in particular."""
        return tuple(map(int, self.calendar.split()[3:])) if self.calendar.startswith(DAYS_OF_MONTHS) else ()

    @property
    def is_even(self) -> bool:
        """Whether there are many times of each day, all as far from each other as most rows are."""
        return len(self.hours) > FEW_TIMES and {second - first for first, second in pairwise(self.hours)} == {self.size / SECOND}

    def describe_hours(self) -> str:
        """`9 times a day, 09:00 to 17:00, Monday to Friday`; empty: rows are at none in particular."""
        if not self.hours:
            return ""
        first, last = (f"{seconds // 3600:02d}:{seconds % 3600 // 60:02d}" for seconds in (self.hours[0], self.hours[-1]))
        names = [name for name, is_open in zip(_NAMES, self.weekdays, strict=True) if is_open == "1"]
        days = "" if len(names) == 7 else ", Monday to Friday" if self.weekdays == "1111100" else f", {listed(names)}"
        return f"{len(self.hours)} times a day, {first} to {last}{days}"

    @property
    def has_places(self) -> bool:
        """Whether rows are at places of the calendar that are not as far from each other as they are many: see `places`."""
        return self.calendar.startswith((DAYS_OF_MONTHS, OPENING_HOURS))

    def places(self, clock: NDArray[np.int64]) -> NDArray[np.int64]:
        """The number of the place of the calendar that each time is at: of all halves of months, or all times of open days."""
        days = np.floor_divide(clock, DAY)
        if self.hours:
            times = np.array(self.hours) * SECOND
            found = np.searchsorted(times, clock - days * DAY, side="right") - 1
            return np.asarray(self.days_from(np.zeros_like(days), days) * len(times) + found, np.int64)
        months = _months_of(days)
        passed = np.sum([days >= day for day in self._days_of(months)[1:]], axis=0)
        return np.asarray(len(self.month_days) * months + passed, np.int64)

    def moved_places(self, clock: NDArray[np.int64], count: int) -> NDArray[np.int64]:
        """The times so many places of the calendar later."""
        places = self.places(clock) + count
        if self.hours:
            times = np.array(self.hours) * SECOND
            first = np.zeros(len(places), "datetime64[D]")
            days = np.busday_offset(first, places // len(times), roll="forward", busdaycal=self._calendar).astype(np.int64)
            return np.asarray(days * DAY + times[places % len(times)], np.int64)
        months, which = np.divmod(places, len(self.month_days))
        return np.asarray(np.choose(which, self._days_of(months)) * DAY + clock % DAY, np.int64)

    def _days_of(self, months: NDArray[np.int64]) -> list[NDArray[np.int64]]:
        """The days that rows are on in some months since 1970: the first of each, the second, ..."""
        firsts, lasts = _first_days(months), _first_days(months + 1) - 1
        return [np.minimum(firsts + day - 1, lasts) for day in self.month_days]

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


def days_of_months(days: NDArray[np.int64]) -> str:
    """The calendar of rows on the same few days of each month, or on its last where it has no such; empty: they are on others.

    Args:
        days: since 1970, of the rows of all series.
    """
    months = _months_of(days)
    in_month = days - _first_days(months) + 1
    every = np.unique(np.where(days == _first_days(months + 1) - 1, in_month.max(initial=0), in_month))
    if len(np.unique(months)) < FEWEST_MONTHS / 2 or not 2 <= len(every) <= MOST_DAYS_OF_MONTHS:
        return ""
    calendar = f"{DAYS_OF_MONTHS} {' '.join(map(str, every.tolist()))}"
    return calendar if (Step(MONTH, 1, calendar).moved_places(days * DAY, 0) == days * DAY).all() else ""


def opening_hours(clock: NDArray[np.int64], size: float) -> str:
    """The calendar of rows at the same times of each day that has rows, of which the night or days of the week have none.

    Args:
        clock: of the rows of all series, in microseconds.
        size: the most frequent step, less than a day.
    """
    moments = np.unique(clock)
    days = np.floor_divide(moments, DAY)
    times, num_days = np.unique(moments - days * DAY), len(np.unique(days))
    is_some = 2 <= len(times) <= MOST_TIMES and num_days >= FEWEST_OPEN and not (times % SECOND).any()
    if not is_some or len(moments) < MOST_TAKEN * num_days * len(times):
        return ""
    week, length = open_days(days), int(days[-1] - days[0])
    week = week if length >= 28 or (length >= 7 and week[5:] == "00") else "1111111"
    if "0" not in week and len(times) * size == DAY:
        return ""
    return f"{OPENING_HOURS}{week} {' '.join(map(str, (times // SECOND).tolist()))}"


def open_days(days: NDArray[np.int64]) -> str:
    """`1111110`: which days of the week, Monday first, are among some days since 1970."""
    return "".join("1" if has else "0" for has in np.bincount((days + 3) % 7, minlength=7) > 0)


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


def number_step(times: NDArray[np.float64], beside: NDArray[np.bool_]) -> tuple[Step, float]:
    """The most frequent step between neighbours, and the share of neighbours with it; of 1949.083, 1949.167, … a twelfth.

    Args:
        times: in rising order.
        beside: bool [rows - 1]: whether each next row is of the same series.
    """
    apart = np.diff(times)[beside]
    size, share = most_frequent(apart)
    near = apart[np.abs(apart - size) <= _place(times) * 1.001]
    if share < 1 and len(near) > share * len(apart):
        mean = float(near.mean())
        if rounding_of(times, mean):  # not of 1, 2, 4, 5: some rows lack
            size, share = mean, len(near) / len(apart)
    if abs(12 * size - 1) < 1e-3 and times[0] >= FIRST_YEAR and times[-1] < LAST_YEAR:  # a twelfth of an hour is five minutes
        return Step("number", 1 / 12, YEARS), share
    return Step("number", size), share


def rounding_of(times: NDArray[np.float64], size: float) -> float:
    """By how much steps of that size may seem to differ, as times are written with few places: 0 where none needs more."""
    place = _place(times)
    steps = size / place if place else 0.0
    return place * 1.001 if abs(steps - round(steps)) > 1e-3 and steps > 2 else 0.0


def as_written(later: NDArray[np.float64], times: NDArray[np.float64], step: Step) -> NDArray[np.float64]:
    """Further times with as many decimal places as those have that went before."""
    if step.is_month_in_years:
        return on_twelfths(later)
    return np.round(later, round(-np.log10(_place(times)))) if rounding_of(times, step.size) else later


def on_twelfths(times: NDArray[np.float64]) -> NDArray[np.float64]:
    """Years with a fraction, to the month where each is near one, as 1961.084 is near February's 1961.083."""
    months = np.round(12 * times)
    near = np.abs(12 * times - months).max(initial=0.0) < 0.1
    return np.asarray(np.round(months / 12 if near else times, MOST_PLACES))


def _place(times: NDArray[np.float64]) -> float:
    """What the last decimal place is worth that the times are written with: 0.001 of 1949.083; 0 where there are many."""
    largest = max(1.0, float(np.abs(times).max(initial=0.0)))
    for places in range(MOST_PLACES):
        if np.abs(times - np.round(times, places)).max(initial=0.0) <= 1e-14 * largest:
            return float(10.0**-places)
    return 0.0


def most_frequent(differences: NDArray[Any]) -> tuple[float, float]:
    """The most frequent positive difference, and its share of all."""
    differences = differences[differences > 0]
    if not len(differences):
        return 1.0, 0.0
    rounded = differences if differences.dtype.kind == "i" else np.round(differences, 9)
    sizes, counts = np.unique(rounded, return_counts=True)
    best = int(np.argmax(counts))
    return float(sizes[best]), float(counts[best] / len(differences))
