"""How dates are written, as a config says it: day or month first, a format of `strptime` with or without a zone, or an epoch."""

from __future__ import annotations

import re

DAY_FIRST, MONTH_FIRST = "day_first", "month_first"
DATE_ORDERS = (DAY_FIRST, MONTH_FIRST)
# What the services of ASP.NET write for a moment: milliseconds since 1970, perhaps with an offset behind them.
JSON_DATE = "/Date(epoch_ms)/"
# Numbers since 1970-01-01 00:00 of UTC, and the microseconds of one; days of a spreadsheet, and how many of them 1970 begins at.
EPOCHS = {"epoch": 1_000_000, "epoch_ms": 1_000, "epoch_us": 1, "epoch_ns": 0.001, "excel": 86_400_000_000}
ORIGINS = {"excel": 25_569}
# What says that digits which look like dates are none.
NO_DATES = "number"


def split_writing(writing: str | None) -> tuple[str | None, str | None]:
    """The format and the zone of a writing."""
    if not writing or "@" not in writing:
        return writing or None, None
    date_format, _, zone = writing.rpartition("@")
    return date_format.strip() or None, zone.strip()


def why_no_writing(writing: str) -> str:
    """What is wrong with a writing of the user's; empty: nothing."""
    date_format, zone = split_writing(writing)
    if zone is not None and not is_zone(zone):
        return f"{zone} is no time zone"
    if date_format is None:
        return "" if zone else "no format"
    if date_format in EPOCHS or date_format == JSON_DATE:
        return ""
    directives = set(re.findall(r"%\.?-?\d?([A-Za-z%])", date_format))
    if not directives & set("YyGFDcs"):
        return "a format with %Y or %y is expected, such as %d.%m.%Y"
    return "" if directives & set("mbBjhqVFDcst") else "a format with a month is expected: %m, %b or %B"


def epoch_of(value: object) -> str | None:
    """The word of `data.dates` by which a number is a time between 1973 and 2286; None: it looks like none."""
    text = str(value).strip()
    if re.fullmatch(r"\d{9,19}(\.\d+)?", text) is None:
        return None
    seconds = float(text) * 1e-6
    return next((word for word, microseconds in EPOCHS.items() if 1e8 <= seconds * microseconds < 1e10), None)


def is_zone(zone: str) -> bool:
    """Whether a text names a time zone or is an offset such as +02:00."""
    import zoneinfo

    if re.fullmatch(r"[+-]\d\d:\d\d", zone):
        return True
    try:
        zoneinfo.ZoneInfo(zone)
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
        return False
    return True
