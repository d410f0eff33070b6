"""A column's dates read by how they are written: as moments, or as what the clock on the wall showed.

A column's writing is one text, stored with a run: a format of `strptime`, such as `%d.%m.%Y`; where its values are moments (they
carry offsets, or the column of a Parquet file has a zone), ` @` and the zone whose clock the features read follow:
`%Y-%m-%dT%H:%M:%S%z @Europe/Berlin`. `@Europe/Berlin` alone: the values were no text. `epoch`, `epoch_ms`: numbers since 1970;
`excel`: days of a spreadsheet. Beside what `strptime` knows, `%q` is a quarter (`H%q`, `S%q`: a half-year), `%tw` a week as Stata
counts them, from the first of January, `%dth` a day with its ending (`1st`), ` - ...`
the end of an interval whose begin is read, and the names of months are those of several languages, whole or cut short, with a
point or without.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from dltrain.config.catalog.date_formats import EPOCHS, JSON_DATE, ORIGINS, split_writing
from dltrain.data.columns.dates.formats import (
    AFTER_NOON,
    BEFORE_NOON,
    ENDING,
    INTERVAL,
    MONTHS,
    OTHER_BLANKS,
    PLACE,
    TO_ITS_END,
    WEEKDAYS,
    ZONE,
    ZONE_HOURS,
)
from dltrain.later import polars

UTC = "UTC"
ISO_FORMATS = tuple(
    f"{date}{time}"
    for date in ("%Y-%m-%d",)
    for time in (
        "", " %H:%M:%S", "T%H:%M:%S", " %H:%M", "T%H:%M", " %H:%M:%S%.f", "T%H:%M:%S%.f",
        "T%H:%M:%S%.f%z", " %H:%M:%S%.f%z", "T%H:%M%z", " %H:%M%z",
    )
)  # fmt: skip
WIDTHS = {"Y": 4, "G": 4, "j": 3}
# Hour 24, as which ISO 8601 writes the midnight that ends a day.
_END_OF_DAY = rf"^(.*(?:[ T_:]|\d-|\d{{8}}))24((?:[:.]?00){{0,2}}(?:[.,]0+)?(?: ?(?:{ZONE}))?)$"
_IN_JSON = r"^/Date\((-?\d{1,17})(?:[+-]\d{4})?\)/$"
_HALVES, _QUARTERS = ({"1": "-01", "2": "-07"}, {"1": "-01", "2": "-04", "3": "-07", "4": "-10"})
# Week of Stata -> day of the year: the first begins on the first of January, the last one is longer.
_WEEKS_OF_STATA = {f"{week:0{width}d}": f"-{7 * week - 6:03d}" for width in (1, 2) for week in range(1, 53)}


def to_dates(series: polars.Series, writing: str | None, *, with_iso: bool = True) -> polars.Series:
    """What the clock on the wall showed: datetimes (microseconds, no zone), null where there is no value or no such date.

    Moments are shown by the clock of the writing's zone, whatever zone they are given in; where it has none, by their own. Text
    without a format is ISO 8601, which is read beside any other format, unless `with_iso` is false.
    """
    dates, is_moment = _read(series, writing, with_iso=with_iso)
    zone = split_writing(writing)[1]
    if not is_moment.any():
        return dates
    return _choose(is_moment, to_clock(dates, zone), dates)


def to_moments(series: polars.Series, writing: str | None) -> polars.Series:
    """The moments as datetimes of UTC, without a zone; what is written without one is taken as it stands, or by the writing's."""
    dates, is_moment = _read(series, writing)
    zone = split_writing(writing)[1]
    if zone is None or is_moment.all():
        return dates
    return _choose(is_moment, dates, from_clock(dates, zone))


def to_clock(moments: polars.Series, zone: str | None) -> polars.Series:
    """Moments of UTC by the clock of a zone."""
    if zone is None or zone == UTC:
        return moments
    if zone[0] in "+-":
        return _moved(moments, _offset_minutes(zone))
    return moments.dt.replace_time_zone(UTC).dt.convert_time_zone(zone).dt.replace_time_zone(None)


def from_clock(dates: polars.Series, zone: str | None) -> polars.Series:
    """The opposite: the first of two moments that one time of the clock means, and an hour on where it means none."""
    if zone is None or zone == UTC:
        return dates
    if zone[0] in "+-":
        return _moved(dates, -_offset_minutes(zone))
    local = dates.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    if local.null_count() > dates.null_count():
        later = dates.dt.offset_by("1h").dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
        frame = polars.DataFrame([local.alias("a"), later.alias("b")])
        local = frame.select(polars.coalesce("a", "b").alias(dates.name)).to_series()
    return local.dt.convert_time_zone(UTC).dt.replace_time_zone(None)


def _moved(dates: polars.Series, minutes: int) -> polars.Series:
    return dates.dt.offset_by(f"{minutes}m")


def _choose(mask: polars.Series, yes: polars.Series, no: polars.Series) -> polars.Series:
    return yes.zip_with(mask, no)


def _read(series: polars.Series, writing: str | None, *, with_iso: bool = True) -> tuple[polars.Series, polars.Series]:
    """Datetimes, and which of them are moments of UTC rather than what a clock showed."""
    date_format, zone = split_writing(writing)
    if date_format in EPOCHS:
        return _read_epoch(series, EPOCHS[date_format], ORIGINS.get(date_format, 0))
    if date_format and (series.dtype.is_numeric() or is_digits(date_format)):  # 20141013
        series = as_digits(series, date_format)
    if series.dtype == polars.String:
        dates, is_moment = _read_text(series, date_format, with_iso=with_iso)
        has_offset = (is_moment & dates.is_not_null()).fill_null(False)
        if zone is None and "%z" not in (date_format or "").casefold() and has_offset.any():  # learnt from dates without a zone
            bare = series.str.replace(rf" ?(?:{ZONE})(?:{PLACE})?$", "")
            dates = _choose(has_offset, _read_text(bare, date_format, with_iso=with_iso)[0], dates)
            is_moment = is_moment & ~has_offset
        return dates, is_moment
    no, yes = (polars.Series("", [flag], dtype=polars.Boolean).new_from_index(0, len(series)) for flag in (False, True))
    if str(series.dtype).startswith("Date"):
        if getattr(series.dtype, "time_zone", None):
            if zone is None:  # trained on dates without a zone
                return series.dt.replace_time_zone(None).cast(polars.Datetime("us"), strict=False), no
            return series.dt.convert_time_zone(UTC).dt.replace_time_zone(None).cast(polars.Datetime("us"), strict=False), yes
        return series.cast(polars.Datetime("us"), strict=False), no
    return polars.Series(series.name, [None] * len(series), dtype=polars.Datetime("us")), no


def _read_text(series: polars.Series, date_format: str | None, *, with_iso: bool) -> tuple[polars.Series, polars.Series]:
    if date_format is None:
        return _read_iso(series)
    dates, is_moment = parse(series, date_format)
    if with_iso and dates.null_count() > series.null_count() and not date_format.startswith("%Y-%d"):
        others, others_are = _read_iso(series.set(dates.is_not_null(), None))
        is_moment = _choose(dates.is_not_null(), is_moment, others_are)
        dates = _choose(dates.is_not_null(), dates, others)
    return dates, is_moment


def _read_epoch(series: polars.Series, microseconds: float, origin: int) -> tuple[polars.Series, polars.Series]:
    """Moments out of numbers (of text or not) that count so many microseconds each, 1970 being `origin`; see `_read`."""
    whole = series.cast(polars.Int64, strict=False) if not series.dtype.is_float() else None
    if whole is not None and whole.null_count() == series.null_count():
        counts = (whole - origin) * int(microseconds) if microseconds >= 1 else (whole - origin) // round(1 / microseconds)
    else:
        parts = (series.cast(polars.Float64, strict=False) - float(origin)) * float(microseconds)
        counts = parts.round(0).cast(polars.Int64, strict=False)
    moments = counts.cast(polars.Datetime("us")).alias(series.name)
    return moments, polars.Series("", [True], dtype=polars.Boolean).new_from_index(0, len(series))


def is_digits(date_format: str) -> bool:
    """Whether a format writes digits alone: `%d%m%y`."""
    return re.fullmatch(r"(%[YymdjHMSGV])+", date_format) is not None


def as_digits(series: polars.Series, date_format: str) -> polars.Series:
    """Whole numbers, of text or not, as their digits, with the zeros before them that a day, a month or a short year has lost."""
    if series.dtype.is_float():
        series = series.set((series != series.round(0)).fill_null(False), None).cast(polars.Int64, strict=False)
    texts = series.cast(polars.String).str.replace(r"^(\d+)\.0*$", "$1")
    if not is_digits(date_format) or date_format[1] not in "dmy":
        return texts
    return texts.str.zfill(sum(WIDTHS.get(part, 2) for part in date_format[1::2]))


def _read_iso(series: polars.Series) -> tuple[polars.Series, polars.Series]:
    dates, is_moment = parse(series, ISO_FORMATS[0])
    for iso in ISO_FORMATS[1:]:
        if dates.null_count() == series.null_count():
            break
        others, others_are = parse(series, iso)
        is_moment = _choose(dates.is_not_null(), is_moment, others_are)
        dates = _choose(dates.is_not_null(), dates, others)
    return dates, is_moment


def parse(series: polars.Series, date_format: str) -> tuple[polars.Series, polars.Series]:
    """Text of one format: see `_read`."""
    if date_format == JSON_DATE:
        return _read_epoch(series.str.extract(_IN_JSON), EPOCHS["epoch_ms"], 0)
    if " " in date_format and (series.str.len_bytes() != series.str.len_chars()).any():  # blanks of ASCII alone need none
        series = series.str.replace_all(OTHER_BLANKS, " ")
    if date_format.endswith(TO_ITS_END):
        series, date_format = series.str.replace(rf"{INTERVAL}.*\d.*$", ""), date_format.removesuffix(TO_ITS_END)
    series, date_format = zone_last(series, date_format)
    has_zone, written = date_format.endswith(("%z", "%Z")), date_format
    text, minutes = series, None
    if has_zone:
        date_format = date_format[:-2].rstrip()
        parts = series.str.extract_groups(rf"^(.*?) ?({ZONE})(?:{PLACE})?$").struct
        text, minutes = parts[0], zone_minutes(parts[1])
    text, date_format = _filled(*_spelt(text, date_format))
    date_format = date_format.replace(".%f", "%.f")
    try:
        dates = text.str.to_datetime(date_format, strict=False, time_unit="us", exact=True)
    except polars.exceptions.PolarsError:
        dates = polars.Series(series.name, [None] * len(series), dtype=polars.Datetime("us"))
    dates = _in_their_century(dates.alias(series.name), text, date_format)
    if "%H" in written and dates.null_count() > series.null_count():
        ends_a_day = (series.str.contains(_END_OF_DAY) & dates.is_null()).fill_null(False)
        if ends_a_day.any():
            begun, _ = parse(series.str.replace(_END_OF_DAY, "${1}00${2}"), written)
            dates = _choose(ends_a_day, begun.dt.offset_by("1d"), dates)
    moment = polars.Series("", [has_zone], dtype=polars.Boolean).new_from_index(0, len(series))
    if minutes is not None:
        dates = polars.DataFrame([dates.alias("d"), minutes.alias("m")]).select(
            (polars.col("d") - polars.duration(minutes=polars.col("m"))).alias(series.name)
        )[series.name]
    return dates, moment


def _filled(text: polars.Series, date_format: str) -> tuple[polars.Series, str]:
    """Text and its format with the first day, minute or weekday where none is written."""
    for have, lack, value, part in (
        ("%Y%y", "%d%j%e%D%F%c%s", "01", "%d"),
        ("%H%I", "%M%T%R%X%c%s", "00", "%M"),
        ("%G", "%u%w%A%a", "1", "%u"),
    ):
        directives = set(re.findall(r"%[A-Za-z]", date_format))
        if directives & set(re.findall("%.", have)) and not directives & set(re.findall("%.", lack)):
            text, date_format = text + f" {value}", f"{date_format} {part}"
    return text, date_format


def _in_their_century(dates: polars.Series, text: polars.Series, date_format: str) -> polars.Series:
    """Dates without those whose year is too short, and 69 as the year that it is by POSIX."""
    if "%Y" in date_format:  # `98` is no year of four digits
        short = dates.dt.year() < 1000
        if short.any():
            return dates.set((short & ~text.str.contains(r"\d{4}")).fill_null(False), None)
    elif "%y" in date_format:  # by POSIX 69 is 1969
        last = (dates.dt.year() == 2069).fill_null(False)
        if last.any():
            return _choose(last, dates.dt.offset_by("-100y"), dates)
    return dates


def zone_last(texts: polars.Series, date_format: str) -> tuple[polars.Series, str]:
    """Text and its format with the zone behind the year, before which networks and the `date` of Unix write it."""
    if not date_format.endswith(" %z %Y"):
        return texts, date_format
    return texts.str.replace(rf"^(.*?)( ?(?:{ZONE})) (\d{{4}})$", "${1} ${3}${2}"), f"{date_format[:-6]} %Y %z"


def _spelt(text: polars.Series, date_format: str) -> tuple[polars.Series, str]:
    """Text and its format with quarters, endings of days and names of months as `strptime` reads them."""
    if "%q" in date_format:
        is_half = re.search(r"[HhSs]%q|%q[HhSs]", date_format)
        return _of_parts(text, date_format, "%q", _HALVES if is_half else _QUARTERS, "%m")
    if "%tw" in date_format:
        return _of_parts(text, date_format, "%tw", _WEEKS_OF_STATA, "%j")
    if "%p" in date_format:
        text = text.str.replace(r"(?i)([ap])\.m\.", "${1}m").str.replace(BEFORE_NOON, "AM").str.replace(AFTER_NOON, "PM")
    if "%dth" in date_format:  # French writes `1er` beside `2`
        text, date_format = text.str.replace(rf"(?i)(\d){ENDING}", "${1}"), date_format.replace("%dth", "%d")
    if date_format.startswith("%a"):
        for english, others in WEEKDAYS.items():
            text = text.str.replace(rf"(?i)^(?:{others})[\p{{L}}]*(?:-feira)?\.?(,? +\d)", f"{english}${{1}}")
    if "%b" in date_format or "%B" in date_format:
        # Chrono's %B reads a whole name and one cut to three letters.
        for english, others in MONTHS.items():
            if text.str.contains(rf"(?i)(^|[^\p{{L}}])(?:{others})").any():
                text = text.str.replace(rf"(?i)(^|[^\p{{L}}])(?:{others})[\p{{L}}]*\.?", f"${{1}}{english}")
        date_format = re.sub(r"%[bB]\.?", "%B", date_format)
    return text, date_format


def _of_parts(
    text: polars.Series, date_format: str, part: str, begins: Mapping[str, str], written: str
) -> tuple[polars.Series, str]:
    """Quarters, half-years and weeks of a year as the month or the day of the year on which they begin.

    Args:
        text: the dates.
        date_format: theirs.
        part: stands for the part in it.
        begins: number of the part -> what is written behind the year instead.
        written: the format of that.
    """
    parts = {"%Y": r"(?P<year>\d{4})", "%y": r"(?P<year>\d\d)", part: r"(?P<part>\d{1,2})"}
    pattern = re.escape(date_format)
    for one, expression in parts.items():
        pattern = pattern.replace(re.escape(one), expression)
    if "(?P<year>" not in pattern:
        return polars.Series(text.name, [None] * len(text), dtype=polars.String), "%Y"
    found = text.str.extract_groups(f"(?i)^{pattern}$").struct
    where = found.field("part").replace_strict(dict(begins), default=None, return_dtype=polars.String)
    return found.field("year") + where, f"{'%Y' if '%Y' in date_format else '%y'}-{written}"


def zone_minutes(zones: polars.Series) -> polars.Series:
    """Minutes of offsets such as `+02:00`, `-0330`, `GMT+1` or `Z`."""
    different = zones.drop_nulls().unique()
    found = polars.Series([_offset_minutes(zone) for zone in different.to_list()], dtype=polars.Int64)
    return zones.replace_strict(different, found, default=None, return_dtype=polars.Int64)


def _offset_minutes(zone: str) -> int:
    zone = zone.strip().upper()
    if zone in ZONE_HOURS:
        return 60 * ZONE_HOURS[zone]
    zone = zone.removeprefix("GMT").removeprefix("UTC")
    hours, _, minutes = zone[1:].partition(":") if ":" in zone else (zone[1:3], "", zone[3:])
    return (-1 if zone[0] == "-" else 1) * (60 * int(hours) + int(minutes or 0))
