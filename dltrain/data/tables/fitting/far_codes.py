"""Numbers and dates that look like a code for "no value": -99, 999.9, 32767, 9999-12-31, far from all others."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.config.catalog.date_formats import split_writing
from dltrain.errors import Note, warn
from dltrain.later import polars
from dltrain.wording import counted, listed, shown_column

# Nines, or one of the other codes of questionnaires; with a fraction, as weather stations and logs of wells have them; the ends
# of whole numbers of 16 and 32 bits.
CODE = re.compile(r"9{2,9}|[789]|8{2,4}|7{2,4}|9+[78]|200|9{2,5}\.9{1,3}|999\.25|3276[78]|65535|214748364[78]|429496729[45]")
FEW_CODES, MOST_CODES = 3, 4
# Of so many different values what is a thousand times farther out than they are apart is a code, whatever it is.
MANY_VALUES, FARTHEST = 10, 1000
# So many times what nine in ten of the values span: by such a scale these are one.
SQUEEZED = 1000
# Dates that programs write for none.
NO_DATES = (
    *("0001-01-01", "1753-01-01", "1899-12-30", "1899-12-31", "1900-01-01", "1970-01-01"),
    *("2099-12-31", "2999-12-31", "9999-12-31"),
)
LAST_YEAR = 9000
DAY = 86_400
_PLAIN_DATE = re.compile(r"(?:%[YymdHMSbBj]|[^%])+")


def far_codes(numbers_of: Mapping[str, NDArray[Any]], targets: Sequence[str]) -> list[Note]:
    """Warnings of numbers that look like a code for "no value": several times at one end and far from all others.

    Args:
        numbers_of: column -> its values, NaN where missing.
        targets: which of them are predicted.
    """
    found = []
    for name, numbers in numbers_of.items():
        known = numbers[np.isfinite(numbers)]
        values, counts = np.unique(known, return_counts=True)
        for codes, others in _codes(values, counts):
            told = [f"{code:.10g}" for code in codes]
            what = f"{int(counts[np.isin(values, codes)].sum()):,} of the {len(known):,} values looked at are {listed(told, 4)}"
            low, high = float(others.min()), float(others.max())
            is_near = max(codes) < 0 <= low and low - max(codes) <= max(high - low, 1.0)
            where = "the only ones below 0" if is_near else "far from all others"
            words = ", ".join(f'"{code}": ""' for code in told)
            is_code = "makes it no value" if len(told) == 1 else "makes them no value"
            how = f"`data.replace: {{{name}: {{{words}}}}}` {is_code}"
            how += ", and `data.missing_target: drop` leaves those rows out" if name in targets else ""
            if_that = "if that is a code" if len(told) == 1 else "if these are codes"
            found.append(warn(f"{shown_column(name)}: {what}, {where} ({low:g} to {high:g}); {if_that}, {how}", "far_code"))
    return found


def _codes(values: NDArray[Any], counts: NDArray[np.int64]) -> list[tuple[list[float], NDArray[Any]]]:
    """The codes at each end of a column's different values (sorted), and the other values."""
    found = []
    for step in (1, -1):  # from the smallest on, from the largest on
        ordered, of_them = values[::step], counts[::step]
        for count in range(1, min(MOST_CODES, len(values) - 2) + 1):
            codes, others = ordered[:count], ordered[count:]
            if not _is_code(float(codes[-1]), others, step):
                break
            num_codes = int(of_them[:count].sum())
            if num_codes < FEW_CODES:
                continue
            gap, span = abs(float(others[0]) - float(codes[-1])), float(np.ptp(others))
            is_far = gap > max(span, 1.0) or (count > 1 and 2 * gap > max(span, 1.0) and gap >= FEW_CODES)
            if is_far or (step > 0 and _alone_below_0(codes, num_codes, others, of_them[count:])):
                found.append((sorted(float(code) for code in codes), others))
                break
    return found


def _is_code(value: float, others: NDArray[Any], step: int) -> bool:
    """Whether a number beyond all others is one that stands for no value; of one digit, among answers counted from 0 or 1."""
    if CODE.fullmatch(f"{abs(value):.10g}") or (value == -1 and step > 0):
        return not 0 < value < 10 or float(others.min()) <= 1
    return len(others) >= MANY_VALUES and abs(float(others[0]) - value) > FARTHEST * max(float(np.ptp(others)), 1.0)


def _alone_below_0(codes: NDArray[Any], num_codes: int, others: NDArray[Any], counts: NDArray[np.int64]) -> bool:
    """Whether codes are the only ones below 0 of a column of amounts, and no end of amounts that go on there.

    Args:
        codes, num_codes: the codes, and in how many rows they are.
        others, counts: the other values, from the smallest on, and in how many rows each is.
    """
    if codes[-1] >= 0 or others[0] < 0 or len(others) < MANY_VALUES:
        return False
    return num_codes > int(counts[others <= max(-float(codes[-1]), 2.0)].sum())


def squeezed(name: str, spread: float, seen: Sequence[float] | NDArray[Any], how: str) -> list[Note]:
    """A warning of numbers of which nearly all are one beside the scale that some far out give them.

    Args:
        name: of the column.
        spread: what its numbers are divided by.
        seen: the least of the training rows, what 5 % and 95 % of them lie below, and the greatest.
        how: what keeps them apart, in words.
    """
    least, low, high, greatest = (float(value) for value in seen)
    if not SQUEEZED * (high - low) < spread < np.inf or high == low:
        return []
    far = least if low - least > greatest - high else greatest
    what = f"nine in ten of the values lie between {low:g} and {high:g}, and {far:g} among them makes the scale {spread:.3g}"
    said = f"{shown_column(name)}: {what}, by which those hardly differ; if it is a mistake, "
    return [warn(f'{said}`data.replace: {{{name}: {{"{far:.10g}": ""}}}}` makes it no value; {how}', "far_value")]


def far_dates(dates_of: Mapping[str, tuple[polars.Series, str | None]]) -> list[Note]:
    """Warnings of dates that look like one for "no date", as 1900-01-01 and 9999-12-31 do.

    Args:
        dates_of: column -> its datetimes, and how they are written (None: they are no text, or ISO 8601).
    """
    found = []
    for name, (dates, writing) in dates_of.items():
        counts = dates.drop_nulls().value_counts(name="count").sort(dates.name)
        values, numbers = counts[dates.name].to_list(), counts["count"].to_list()
        seconds = counts[dates.name].dt.epoch("s").to_numpy().astype(np.float64)
        for end in (0, -1) if len(values) > FEW_CODES else ():
            if not _is_no_date(values[end], numbers[end], seconds[1:] if end == 0 else seconds[:-1], float(seconds[end])):
                continue
            others = values[1:] if end == 0 else values[:-1]
            between = f"{_day(others[0])} to {_day(others[-1])}"
            what = f"{numbers[end]:,} of the {counted(sum(numbers), 'date')} looked at {'is' if numbers[end] == 1 else 'are'}"
            how = f'`data.replace: {{{name}: {{"{_written(values[end], writing)}": ""}}}}` makes it no value'
            said = f"{shown_column(name)}: {what} {_day(values[end])}, far from all others ({between}); if that is no date, {how}"
            found.append(warn(said, "far_code"))
    return found


def _is_no_date(value: datetime, count: int, others: NDArray[np.float64], seconds: float) -> bool:
    if 1 < value.year < LAST_YEAR and count < FEW_CODES:
        return False
    gap, span = float(np.abs(others - seconds).min()), float(np.ptp(others))
    return gap > max(span / 4 if _day(value) in NO_DATES else span, 365.0 * DAY)


def _day(value: datetime) -> str:
    return value.date().isoformat()


def _written(value: datetime, writing: str | None) -> str:
    """A date in the format of its column; as year-month-day where that has none."""
    date_format = split_writing(writing)[0]
    if date_format is None or not _PLAIN_DATE.fullmatch(date_format):
        return _day(value) if value.time() == datetime.min.time() else value.isoformat(" ")
    return value.strftime(date_format.replace("%Y", f"{value.year:04}"))
