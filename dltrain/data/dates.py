"""How dates are written in a column, and their text read as moments or as what the clock on the wall showed.

A column's writing is one text, stored with a run: a format of `strptime`, such as `%d.%m.%Y`; where its values are moments (they
carry offsets, or the column of a Parquet file has a zone), ` @` and the zone whose clock the features read follow:
`%Y-%m-%dT%H:%M:%S%z @Europe/Berlin`. `@Europe/Berlin` alone: the values were no text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dltrain.config.date_formats import DATE_ORDERS, DAY_FIRST, MONTH_FIRST, split_writing
from dltrain.data.column_names import name_of

if TYPE_CHECKING:
    import polars

UTC = "UTC"
ISO_FORMATS = tuple(
    f"{date}{time}"
    for date in ("%Y-%m-%d",)
    for time in (
        "", " %H:%M:%S", "T%H:%M:%S", " %H:%M", "T%H:%M", " %H:%M:%S%.f", "T%H:%M:%S%.f",
        "T%H:%M:%S%.f%z", " %H:%M:%S%.f%z", "T%H:%M%z", " %H:%M%z",
    )
)  # fmt: skip
# Hours from UTC of names that mean one offset: those of RFC 822 and of Europe.
ZONE_HOURS = {
    "Z": 0, "UTC": 0, "GMT": 0, "UT": 0, "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7,
    "WET": 0, "WEST": 1, "CET": 1, "CEST": 2, "EET": 2, "EEST": 3,
}  # fmt: skip
_ZONE = r"Z|z|[+-]\d\d:?\d\d|[+-]\d\d|(?: (?:" + "|".join(ZONE_HOURS) + "))"
_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
_WEEKDAY = re.compile(r"(mon|tue|wed|thu|fri|sat|sun)([a-z]*)(,? +)", re.IGNORECASE)
_TIMED = re.compile(
    r"(?P<date>.+?)(?P<join>[ T:]|, )(?P<hour>\d{1,2})"
    r"(?:(?P<sign>[:.])(?P<minute>\d\d)(?:(?P=sign)(?P<second>\d\d)(?P<part>[.,]\d{1,9})?)?)?"
    rf"(?P<half> ?[AaPp][Mm])?(?P<gap> ?)(?P<zone>{_ZONE})?"
)
_BASIC = re.compile(rf"\d{{8}}(?P<join>[T _-])(?P<time>\d{{4}}|\d{{6}})(?P<part>\.\d{{1,9}})?(?P<gap> ?)(?P<zone>{_ZONE})?")
# What C's ctime and the posts of networks write: `Mon Apr  6 22:19:45 2009`.
_CTIME = re.compile(rf"{_MONTH} +\d{{1,2}} \d\d:\d\d:\d\d \d{{4}}", re.IGNORECASE)
# Digits that are dates if all of a column's are, and their formats: a month where a column holds times, a day, a day and a time.
_YEAR_MONTH, _DAY, _HOUR = r"(?:19|20)\d\d(?:0[1-9]|1[0-2])", r"(?:0[1-9]|[12]\d|3[01])", r"(?:[01]\d|2[0-3])"
COMPACT = (
    (rf"^{_YEAR_MONTH}$", ("%Y%m",)),
    (rf"^{_YEAR_MONTH}{_DAY}$", ("%Y%m%d",)),
    (rf"^{_DAY}{_DAY}(?:19|20)\d\d$", ("%d%m%Y", "%m%d%Y")),
    (rf"^{_YEAR_MONTH}{_DAY}{_HOUR}$", ("%Y%m%d%H",)),
    (rf"^{_YEAR_MONTH}{_DAY}{_HOUR}[0-5]\d$", ("%Y%m%d%H%M",)),
    (rf"^{_YEAR_MONTH}{_DAY}{_HOUR}[0-5]\d[0-5]\d$", ("%Y%m%d%H%M%S",)),
)
# Fewer different dates show no regular spacing.
FEW_DATES = 5
REGULAR_SPREAD, IRREGULAR_SPREAD = 0.25, 0.5


@dataclass(frozen=True, slots=True)
class Writing:
    """How the dates of a column are written.

    Attributes:
        text: the writing, as the module describes it.
        note: what was guessed, a sentence for the user with `warning: ` before it where nothing speaks for the guess; or empty.
    """

    text: str
    note: str = ""


def to_dates(series: polars.Series, writing: str | None, *, with_iso: bool = True) -> polars.Series:
    """What the clock on the wall showed: datetimes (microseconds, no zone), null where there is no value or no such date.

    Moments are shown by the clock of the writing's zone, whatever zone they are given in. Text without a format is ISO 8601, and
    ISO 8601 is read beside any other format, unless `with_iso` is false.
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
    import polars

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
    import polars

    date_format, zone = split_writing(writing)
    if series.dtype.is_integer() and date_format:  # 20141013
        series = series.cast(polars.String)
    if series.dtype == polars.String:
        if date_format is None:
            return _read_iso(series)
        dates, is_moment = _parse(series, date_format)
        if with_iso and dates.null_count() > series.null_count() and not date_format.startswith("%Y-%d"):
            others, others_are = _read_iso(series.set(dates.is_not_null(), None))
            is_moment = _choose(dates.is_not_null(), is_moment, others_are)
            dates = _choose(dates.is_not_null(), dates, others)
        return dates, is_moment
    no, yes = (polars.Series("", [flag], dtype=polars.Boolean).new_from_index(0, len(series)) for flag in (False, True))
    if str(series.dtype).startswith("Date"):
        if getattr(series.dtype, "time_zone", None):
            if zone is None:  # trained on dates without a zone
                return series.dt.replace_time_zone(None).cast(polars.Datetime("us"), strict=False), no
            return series.dt.convert_time_zone(UTC).dt.replace_time_zone(None).cast(polars.Datetime("us"), strict=False), yes
        return series.cast(polars.Datetime("us"), strict=False), no
    return polars.Series(series.name, [None] * len(series), dtype=polars.Datetime("us")), no


def _read_iso(series: polars.Series) -> tuple[polars.Series, polars.Series]:
    dates, is_moment = _parse(series, ISO_FORMATS[0])
    for iso in ISO_FORMATS[1:]:
        if dates.null_count() == series.null_count():
            break
        others, others_are = _parse(series, iso)
        is_moment = _choose(dates.is_not_null(), is_moment, others_are)
        dates = _choose(dates.is_not_null(), dates, others)
    return dates, is_moment


def _parse(series: polars.Series, date_format: str) -> tuple[polars.Series, polars.Series]:
    """Text of one format: see `_read`."""
    import polars

    has_zone = date_format.endswith(("%z", "%Z"))
    text, minutes = series, None
    if has_zone:
        date_format = date_format[:-2].rstrip()
        parts = series.str.extract_groups(rf"^(.*?) ?({_ZONE})$").struct
        text, minutes = parts[0], _zone_minutes(parts[1])
    for have, lack, fill in (("%Y%y", "%d%j%e%D%F%c%s", " 01"), ("%H%I", "%M%T%R%X%c%s", " 00")):
        directives = set(re.findall(r"%[A-Za-z]", date_format))
        if directives & set(re.findall("%.", have)) and not directives & set(re.findall("%.", lack)):
            text, date_format = text + fill, date_format + (" %d" if fill == " 01" else " %M")
    date_format = date_format.replace(".%f", "%.f")
    try:
        dates = text.str.to_datetime(date_format, strict=False, time_unit="us", exact=True)
    except polars.exceptions.PolarsError:
        dates = polars.Series(series.name, [None] * len(series), dtype=polars.Datetime("us"))
    dates = dates.alias(series.name)
    if "%Y" in date_format:  # `98` is no year of four digits
        short = dates.dt.year() < 1000
        if short.any():
            dates = dates.set((short & ~text.str.contains(r"\d{4}")).fill_null(False), None)
    elif "%y" in date_format:  # by POSIX 69 is 1969
        last = (dates.dt.year() == 2069).fill_null(False)
        if last.any():
            dates = _choose(last, dates.dt.offset_by("-100y"), dates)
    moment = polars.Series("", [has_zone], dtype=polars.Boolean).new_from_index(0, len(series))
    if minutes is not None:
        dates = polars.DataFrame([dates.alias("d"), minutes.alias("m")]).select(
            (polars.col("d") - polars.duration(minutes=polars.col("m"))).alias(series.name)
        )[series.name]
    return dates, moment


def _zone_minutes(zones: polars.Series) -> polars.Series:
    import polars

    different = zones.drop_nulls().unique()
    found = polars.Series([_offset_minutes(zone) for zone in different.to_list()], dtype=polars.Int64)
    return zones.replace_strict(different, found, default=None, return_dtype=polars.Int64)


def _offset_minutes(zone: str) -> int:
    zone = zone.strip().upper()
    if zone in ZONE_HOURS:
        return 60 * ZONE_HOURS[zone]
    digits = zone[1:].replace(":", "").ljust(4, "0")
    return (-1 if zone[0] == "-" else 1) * (60 * int(digits[:2]) + int(digits[2:]))


def find_writing(values: polars.Series, wanted: str | None = None) -> Writing | None:
    """How a column's text, without gaps, is written as dates; None: it holds no dates.

    Where day and month could change places, the values' own spacing tells, else the note says what was taken.

    Args:
        values: text.
        wanted: "day_first" or "month_first" where the user said so.
    """
    return _choose_writing(values, _fitting(values), wanted)


def _choose_writing(values: polars.Series, fitting: list[str], wanted: str | None) -> Writing | None:
    """One of the formats that read all values."""
    if not fitting:
        return None
    chosen, note = fitting[0], ""
    other = _swapped(chosen)
    if other in fitting:
        chosen, note = _which(values, chosen, other, wanted)
    elif _is_weak(chosen) and not _is_regular(values, chosen):
        return None
    if chosen.endswith("%z"):
        zone, more = _zone_of(values, chosen)
        return Writing(f"{chosen} @{zone}", note or more)
    return Writing(chosen, note)


def zoned(values: polars.Series, writing: str) -> Writing:
    """A writing of the user's with the zone that the values show, where it names none and they are moments."""
    date_format, zone = split_writing(writing)
    if zone is not None or date_format is None or not date_format.endswith(("%z", "%Z")):
        return Writing(writing)
    found, note = _zone_of(values, date_format)
    return Writing(f"{date_format} @{found}", note)


def _fitting(values: polars.Series) -> list[str]:
    """The formats that read all values."""

    def reads(date_format: str, some: polars.Series) -> bool:
        return not _parse(some, date_format)[0].has_nulls()

    first = [date_format for date_format in candidates(values[0]) if reads(date_format, values.head(1))]
    found = [date_format for date_format in first if reads(date_format, values)]
    if found or not first:
        return found
    # Those that write midnight without a time or whole seconds without a fraction, or the name of May.
    missed = _parse(values, first[0])[0].is_null()
    others = candidates(values.filter(missed)[0])
    return [date_format for date_format in others if reads(date_format, values)]


def _swapped(date_format: str) -> str | None:
    if "%d" not in date_format or "%m" not in date_format:
        return None
    return date_format.replace("%d", "\0").replace("%m", "%d").replace("\0", "%m")


def _is_day_first(date_format: str) -> bool:
    return date_format.index("%d") < date_format.index("%m")


def _which(values: polars.Series, chosen: str, other: str | None, wanted: str | None) -> tuple[str, str]:
    """Which of two formats with day and month in either order, and a note."""
    assert other is not None
    day, month = (chosen, other) if _is_day_first(chosen) else (other, chosen)
    if wanted in DATE_ORDERS:
        return (day if wanted == DAY_FIRST else month), ""
    if chosen.startswith("%Y") or chosen[2:3] == ".":  # nobody writes these the other way round
        return chosen, ""
    name, example = name_of(values), values[0]
    plainer = _plainer(values, day, month)
    if plainer is not None:
        word = DAY_FIRST if plainer == day else MONTH_FIRST
        against = MONTH_FIRST if plainer == day else DAY_FIRST
        spoken = word.replace("_", " ")
        return plainer, f"{name}: dates are read {spoken}, as that spaces them evenly; data.dates: {against} says otherwise"
    word, against = (DAY_FIRST, MONTH_FIRST) if chosen == day else (MONTH_FIRST, DAY_FIRST)
    message = f"{name}: dates such as {example} can be read day first or month first, and no value tells which; "
    message += f"read {word.replace('_', ' ')}; data.dates: {against} says otherwise, {word} that it is right"
    return chosen, f"warning: {message}"


def _plainer(values: polars.Series, one: str, two: str) -> str | None:
    """The format by which the values follow each other in order and evenly, where the other does not."""
    found = [_order_and_spread(values, date_format) for date_format in (one, two)]
    if None in found:
        return None
    (first_rises, first_spread), (second_rises, second_spread) = found  # type: ignore[misc]
    if first_rises != second_rises:
        return one if first_rises else two
    if first_spread < REGULAR_SPREAD and second_spread > IRREGULAR_SPREAD:
        return one
    if second_spread < REGULAR_SPREAD and first_spread > IRREGULAR_SPREAD:
        return two
    return None


def _order_and_spread(values: polars.Series, date_format: str) -> tuple[bool, float] | None:
    """Whether the dates never fall (or never rise), and the deviation of the steps between different ones by their mean."""
    times = _parse(values, date_format)[0].dt.epoch("s").to_numpy()
    steps = np.diff(np.unique(times))
    if len(steps) < FEW_DATES - 1:
        return None
    ways: NDArray[Any] = np.diff(times)
    return bool((ways >= 0).all() or (ways <= 0).all()), float(steps.std() / steps.mean())


def _is_weak(date_format: str) -> bool:
    """Whether much else is written so: fractions, results of games."""
    return date_format == "%m/%y"


def _is_regular(values: polars.Series, date_format: str) -> bool:
    found = _order_and_spread(values, date_format)
    return found is not None and found[0]


def _zone_of(values: polars.Series, date_format: str) -> tuple[str, str]:
    """The zone whose clock the hours are read by: the one offset that all values have, else UTC, with a note."""
    minutes = _zone_minutes(values.str.extract(rf" ?({_ZONE})$")).unique().sort().to_list()
    if minutes == [0]:
        return UTC, ""
    words = [f"{'-' if number < 0 else '+'}{abs(number) // 60:02d}:{abs(number) % 60:02d}" for number in minutes]
    if len(words) == 1:
        return words[0], ""
    how = f'data.dates: {{{name_of(values)}: "{date_format} @Europe/Berlin"}} takes the clock of a place'
    return UTC, f"{name_of(values)}: offsets of time differ ({', '.join(words[:4])}), so its hours are those of UTC; {how}"


def find_compact_writing(values: polars.Series, wanted: str | None = None, *, with_months: bool = False) -> Writing | None:
    """How digits alone are written as dates, such as 20141013: five different ones at least, all of this century or the last.

    Args:
        values: text or whole numbers, without gaps.
        wanted: as in `find_writing`.
        with_months: whether 201410 is a date.
    """
    import polars

    for pattern, formats in COMPACT if with_months else COMPACT[1:]:
        if not re.match(pattern, str(values[0])):
            continue
        texts = values.cast(polars.String)
        if not texts.str.contains(pattern).all() or texts.n_unique() < FEW_DATES:
            return None
        return _choose_writing(texts, [text for text in formats if not _parse(texts, text)[0].has_nulls()], wanted)
    return None


@lru_cache(maxsize=1024)
def candidates(text: str) -> tuple[str, ...]:
    """The formats that a text may be written in, the likelier first."""
    text = text.strip()
    weekday = _WEEKDAY.match(text)
    before = ""
    if weekday:
        before = ("%A" if weekday[2] else "%a") + weekday[3]
        text = text[weekday.end() :]
    found = [] if text.isdigit() else [before + date for date in _date_formats(text)]
    basic = _BASIC.fullmatch(text)
    if basic and not text.isdigit():
        time = "%H%M%S" if len(basic["time"]) == 6 else "%H%M"
        found.append(f"%Y%m%d{basic['join']}{time}{'%.f' if basic['part'] else ''}{_zone_format(basic)}")
    if weekday and _CTIME.fullmatch(text):
        found.append(f"{before}%b %d %H:%M:%S %Y")
    timed = _TIMED.fullmatch(text)
    if timed:
        half = timed["half"]
        time = "%I" if half else "%H"
        time += f"{timed['sign']}%M" if timed["minute"] else ""
        time += f"{timed['sign']}%S" if timed["second"] else ""
        if timed["part"]:
            time += "%.f" if timed["part"][0] == "." else f",%{len(timed['part']) - 1}f"
        if half:
            time += " %p" if half[0] == " " else "%p"
        time += _zone_format(timed)
        found += [f"{before}{date}{timed['join']}{time}" for date in _date_formats(timed["date"])]
    return tuple(found)


def _zone_format(match: re.Match[str]) -> str:
    if not match["zone"]:
        return ""
    return " %z" if match["gap"] or match["zone"].startswith(" ") else "%z"


def _date_formats(text: str) -> list[str]:
    """Formats of a date without a time."""
    patterns = (
        (r"\d{8}()", "Y m d|d m Y|m d Y"),
        (r"\d{4}([-/. ])\d{1,2}\1\d{1,2}", "Y m d|Y d m"),
        (r"\d{1,2}(/)\d{1,2}/\d{4}", "m d Y|d m Y"),
        (r"\d{1,2}(/)\d{1,2}/\d{2}", "m d y|d m y|y m d"),
        (r"\d{1,2}([-. ])\d{1,2}\1\d{4}", "d m Y|m d Y"),
        (r"\d{1,2}([-.])\d{1,2}\1\d{2}", "d m y|m d y|y m d"),
        (r"\d{4}([-/])\d{1,2}", "Y m"),
        (r"\d{1,2}([-/])\d{4}", "m Y"),
        (r"\d{2}(/)\d{2}", "m y"),
        (rf"\d{{1,2}}([-/. ]|\. |){_MONTH}\1\d{{4}}", "d B Y"),
        (rf"\d{{1,2}}([-/. ]|){_MONTH}\1\d{{2}}", "d B y|y B d"),
        (rf"\d{{4}}([-/. ]|){_MONTH}\1\d{{1,2}}", "Y B d"),
        (rf"{_MONTH}([-/.' ])\d{{4}}", "B Y"),
        (rf"{_MONTH}([-/.'])\d{{2}}", "B y"),
        (rf"\d{{4}}([-/. ]){_MONTH}", "Y B"),
        (rf"{_MONTH}([-/ ])\d{{1,2}}\1\d{{4}}", "B d Y"),
    )
    name = re.search(_MONTH, text, re.IGNORECASE)
    month = "%b" if name and len(name[0]) == 3 else "%B"
    found = []
    for pattern, orders in patterns:
        match = re.fullmatch(pattern, text, re.IGNORECASE)
        for order in orders.split("|") if match else ():
            assert match is not None
            found.append(match[1].join(month if part == "B" else f"%{part}" for part in order.split()))
    comma = re.fullmatch(rf"{_MONTH} \d{{1,2}}(, ?)(\d{{4}}|\d{{2}})", text, re.IGNORECASE)
    if comma:
        found.append(f"{month} %d{comma[1]}{'%Y' if len(comma[2]) == 4 else '%y'}")
    european = re.fullmatch(rf"\d{{1,2}}\. {_MONTH} (\d{{4}})", text, re.IGNORECASE)
    if european:
        found.append(f"%d. {month} %Y")
    return found
