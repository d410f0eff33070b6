"""Dates written as a column has them: the opposite of `reading.py`."""

from __future__ import annotations

import re
from collections.abc import Sequence

from dltrain.config.catalog.date_formats import JSON_DATE
from dltrain.data.columns.dates.formats import TO_ITS_END
from dltrain.later import polars

# Parts of a format that `strftime` does not know, what it writes instead between two marks, and the text that this becomes.
_FIRST, _LAST = "\x01", "\x02"
_IN_MARKS = re.compile(f"{_FIRST}([^{_LAST}]*){_LAST}")
_ENDINGS = {1: "st", 2: "nd", 3: "rd"}


def write_dates(dates: polars.Series, date_format: str, known: polars.Series, labels: Sequence[str]) -> list[str]:
    """What a clock shows as text, with or without zeros before its numbers as the column has them.

    Args:
        dates: datetimes without a zone.
        date_format: as `reading.py` has it, without an offset.
        known: some of the column's dates.
        labels: their text.
    """
    date_format = date_format.removesuffix(TO_ITS_END).replace(".%f", "%.6f")
    forms = [date_format, *(re.sub(f"%([{parts}])", r"%-\1", date_format) for parts in ("dmV", "HI", "dmVHI"))]
    right = [sum(map(str.__eq__, _written(known, form), labels)) for form in dict.fromkeys(forms)] if len(labels) else [0]
    return _written(dates, [*dict.fromkeys(forms)][right.index(max(right))])


def _written(dates: polars.Series, date_format: str) -> list[str]:
    if date_format == JSON_DATE:
        return [f"/Date({milliseconds})/" for milliseconds in dates.dt.epoch("ms").to_list()]
    dates = _begins_of_weeks(dates) if "%tw" in date_format else dates
    is_half = re.search(r"[HhSs]%q|%q[HhSs]", date_format) is not None
    for part, instead, become in (
        ("%q", "%m", lambda number: str((number + 5) // 6)),
        ("%tw", "%j", lambda number: str((number + 6) // 7)),
        ("%dth", "%-d", _with_ending),
        ("%-dth", "%-d", _with_ending),
    ):
        if part in date_format and (is_half or part != "%q"):
            texts: list[str] = dates.dt.strftime(date_format.replace(part, f"{_FIRST}{instead}{_LAST}")).to_list()
            return [_IN_MARKS.sub(lambda match, become=become: become(int(match[1])), text) for text in texts]  # type: ignore[misc]
    found: list[str] = dates.dt.strftime(date_format).to_list()
    return found


def _begins_of_weeks(dates: polars.Series) -> polars.Series:
    """The nearest days on which weeks of Stata begin: one of a year's last days is nearer to the next year's first."""
    given = polars.DataFrame([dates.alias("date")])
    week = (polars.col("date").dt.ordinal_day().cast(polars.Int64) + 2) // 7
    year = polars.col("date").dt.year() + (week >= 52).cast(polars.Int32)
    begin = polars.datetime(year, 1, 1) + polars.duration(days=7 * polars.when(week >= 52).then(0).otherwise(week))
    return given.select(begin.cast(polars.Datetime("us")).alias("date"))["date"]


def _with_ending(number: int) -> str:
    return f"{number}{'th' if 10 < number < 20 else _ENDINGS.get(number % 10, 'th')}"
