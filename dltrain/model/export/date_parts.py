"""Parts of a date from seconds since 1970, as graphs of operations on whole numbers.

The calendar arithmetic is that of Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms".
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dltrain.data.columns.date import SECONDS_A_DAY

# Seconds of some ten thousand years: what is below the negative of it is no date but the mark of a missing one.
_FARTHEST = 1 << 38
DAYS_TO_1970 = 719_468  # from the first of March of the year 0


def date_parts(ops: Any, seconds: Any, part: str, start: int) -> Any:
    """One part as float32 [rows], NaN where there is no date.

    Args:
        ops: `keras.ops`.
        seconds: int64 [rows], of the years 1 to 8000.
        part: "year", "month", "day", "weekday" (Monday 1), "hour" (with its minutes), "day number".
        start: days after 1970-01-01 from which the day number is counted.
    """
    # Counted from a day before all others, as some formats that this is converted to divide negative whole numbers otherwise.
    moved = seconds + DAYS_TO_1970 * SECONDS_A_DAY
    of_day = ops.mod(moved, SECONDS_A_DAY)
    # What is left is a multiple of a day, so the rounded quotient of float32 numbers is exact; not every format divides int64.
    days = ops.cast(ops.round(ops.cast(moved - of_day, "float32") / np.float32(SECONDS_A_DAY)), "int32")
    if part == "day number":
        number = ops.cast(days - (DAYS_TO_1970 + start), "float32") + ops.cast(of_day, "float32") / np.float32(SECONDS_A_DAY)
    elif part == "hour":
        number = ops.cast(ops.floor_divide(ops.cast(of_day, "int32"), 60), "float32") / np.float32(60.0)
    elif part == "weekday":
        number = ops.cast(ops.mod(days + 2, 7) + 1, "float32")  # the first of March of the year 0 was a Wednesday
    else:
        number = ops.cast(_calendar(ops.floor_divide, days, part), "float32")
    return ops.where(ops.less(seconds, -_FARTHEST), np.float32(np.nan), number)


def _calendar(divide: Any, days: Any, part: str) -> Any:
    """Year, month or day of days that are counted from the first of March of the year 0, none of them negative."""
    era = divide(days, 146_097)
    day_of_era = days - era * 146_097
    year_of_era = divide(day_of_era - divide(day_of_era, 1460) + divide(day_of_era, 36_524) - divide(day_of_era, 146_096), 365)
    day_of_year = day_of_era - (365 * year_of_era + divide(year_of_era, 4) - divide(year_of_era, 100))
    month_from_march = divide(5 * day_of_year + 2, 153)
    if part == "day":
        return day_of_year - divide(153 * month_from_march + 2, 5) + 1
    is_next_year = divide(month_from_march, 10)
    if part == "month":
        return month_from_march + 3 - 12 * is_next_year
    return year_of_era + era * 400 + is_next_year
