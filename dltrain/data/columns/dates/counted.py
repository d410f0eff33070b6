"""Numbers in a column that is called a date: days of a spreadsheet, seconds since 1970, months such as 202101, days of years."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.config.catalog.date_formats import epoch_of

CALLED_DATE = re.compile(
    r"(?i)(?:.*[^a-z])?(?:date|datum|data|fecha|dato|day|tag|jour|time|datetime|timestamp|zeit|zeitpunkt|zeitstempel|month|monat|mois|mes"
    r"|period|yyyymm|ts|created|updated|created_at|updated_at)|[a-z]+(?:Date|Datum|Time|datum|_at)"
)
# Days from 1954 to 2064: fewer are years, sizes or counts more often.
FIRST_DAY, LAST_DAY = 20_000, 60_000
FIRST_YEAR, LAST_YEAR = 1900, 2100
FEWEST = 5
SECONDS_OF = {"epoch": 1.0, "epoch_ms": 1e-3, "epoch_us": 1e-6, "epoch_ns": 1e-9}


def counted_dates(name: str, numbers: NDArray[Any], *, are_times: bool = False) -> tuple[str, str, str]:
    """What the numbers of a column look like, the first of them as a date, and how `data.dates` says it; empty: no dates.

    Args:
        name: of the column, which has to call it one.
        numbers: without gaps.
        are_times: they are the times of a series, whatever the column is called.
    """
    is_called = CALLED_DATE.fullmatch(name) is not None
    if not (is_called or are_times) or len(np.unique(numbers)) < FEWEST:
        return "", "", ""
    low, high, first = float(numbers.min()), float(numbers.max()), float(numbers[0])
    if is_called and low >= FIRST_DAY and high <= LAST_DAY:
        day = datetime(1899, 12, 30, tzinfo=UTC) + timedelta(first)
        return "days of a spreadsheet", day.date().isoformat(), "excel"
    epoch = epoch_of(f"{low:.0f}")
    if epoch is not None and epoch == epoch_of(f"{high:.0f}"):
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=first * SECONDS_OF[epoch])
        return "times since 1970", f"{moment:%Y-%m-%d %H:%M} of UTC", epoch
    if is_called and _are_parts_of_years(numbers, 12):
        return "months", f"{first // 100:.0f}-{first % 100:02.0f}", '"%Y%m"'
    if is_called and _are_parts_of_years(numbers, 366):
        day = datetime(int(first // 1000), 1, 1, tzinfo=UTC) + timedelta(first % 1000 - 1)
        return "days of years", day.date().isoformat(), '"%Y%j"'
    return "", "", ""


def _are_parts_of_years(numbers: NDArray[Any], most: int) -> bool:
    """Whether whole numbers are years from 1900 to 2100 with that of a month or a day of the year behind: 202101, 2021365."""
    years, parts = np.divmod(numbers, 10 ** len(f"{most}"))
    are_whole = (numbers % 1 == 0) & (parts >= 1) & (parts <= most)
    return bool((are_whole & (years >= FIRST_YEAR) & (years <= LAST_YEAR)).all())
