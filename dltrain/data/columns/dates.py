"""How dates are written in a column, and their text read as moments or as what the clock on the wall showed.

A column's writing is one text, stored with a run: a format of `strptime`, such as `%d.%m.%Y`; where its values are moments (they
carry offsets, or the column of a Parquet file has a zone), ` @` and the zone whose clock the features read follow:
`%Y-%m-%dT%H:%M:%S%z @Europe/Berlin`. `@Europe/Berlin` alone: the values were no text. `epoch`, `epoch_ms`: numbers since 1970.
Beside what `strptime` knows, `%q` is a quarter, `%dth` a day with its ending (`1st`), and the names of months are those of
several languages, whole or cut short, with a point or without.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dltrain.config.catalog.date_formats import DATE_ORDERS, DAY_FIRST, EPOCHS, MONTH_FIRST, is_zone, split_writing
from dltrain.data.columns.date_formats import ENDING, MONTHS, PLACE, ZONE, ZONE_HOURS, candidates
from dltrain.data.tables.column_names import name_of

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
# Digits that are dates if all of a column's are, and their formats: a month where a column holds times, a day, a day and a time.
_YEAR_MONTH, _DAY, _HOUR = r"(?:19|20)\d\d(?:0[1-9]|1[0-2])", r"(?:0[1-9]|[12]\d|3[01])", r"(?:[01]\d|2[0-4])"
COMPACT = (
    (rf"^{_YEAR_MONTH}$", ("%Y%m",)),
    (rf"^{_YEAR_MONTH}{_DAY}$", ("%Y%m%d",)),
    (rf"^{_DAY}{_DAY}(?:19|20)\d\d$", ("%d%m%Y", "%m%d%Y")),
    (rf"^{_YEAR_MONTH}{_DAY}{_HOUR}$", ("%Y%m%d%H",)),
    (rf"^{_YEAR_MONTH}{_DAY}{_HOUR}[0-5]\d$", ("%Y%m%d%H%M",)),
    (rf"^{_YEAR_MONTH}{_DAY}{_HOUR}[0-5]\d[0-5]\d$", ("%Y%m%d%H%M%S",)),
)
# The same in a column that is asked for times, its numbers perhaps without the zeros that they began with; the likelier first.
DIGITS_OF_TIMES = (
    "%Y%m", "%d%m%y", "%m%d%y", "%y%m%d", "%Y%j", "%Y%m%d", "%d%m%Y", "%m%d%Y", "%Y%m%d%H", "%Y%m%d%H%M", "%Y%m%d%H%M%S",
)  # fmt: skip
_DIGITS_OF = {
    "Y": r"(?:19|20)\d\d", "y": r"\d\d", "m": r"(?:0[1-9]|1[0-2])", "d": _DAY, "j": r"(?:[0-2]\d\d|3[0-6]\d)", "H": _HOUR,
    "M": r"[0-5]\d", "S": r"[0-5]\d", "G": r"(?:19|20)\d\d", "V": r"[0-5]\d",
}  # fmt: skip
_WIDTHS = {"Y": 4, "G": 4, "j": 3}
# Hour 24, as which ISO 8601 writes the midnight that ends a day.
_END_OF_DAY = rf"^(.*(?:[ T_:]|\d-|\d{{8}}))24((?:[:.]?00){{0,2}}(?:[.,]0+)?(?: ?(?:{ZONE}))?)$"
# Fewer different dates show no regular spacing.
FEW_DATES = 5
REGULAR_SPREAD, IRREGULAR_SPREAD = 0.25, 0.5


@dataclass(frozen=True, slots=True)
class Writing:
    """How the dates of a column are written.

    Attributes:
        text: the writing, as the module describes it.
        note: what was guessed, a sentence for the user; or empty.
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
    if date_format in EPOCHS:
        return _read_epoch(series, EPOCHS[date_format])
    if date_format and (series.dtype.is_numeric() or is_digits(date_format)):  # 20141013
        series = as_digits(series, date_format)
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


def _read_epoch(series: polars.Series, microseconds: int) -> tuple[polars.Series, polars.Series]:
    """Moments out of numbers (of text or not) that count so many microseconds each; see `_read`."""
    import polars

    whole = series.cast(polars.Int64, strict=False) if not series.dtype.is_float() else None
    if whole is not None and whole.null_count() == series.null_count():
        counts = whole * microseconds
    else:
        parts = series.cast(polars.Float64, strict=False) * float(microseconds)
        counts = parts.round(0).cast(polars.Int64, strict=False)
    moments = counts.cast(polars.Datetime("us")).alias(series.name)
    return moments, polars.Series("", [True], dtype=polars.Boolean).new_from_index(0, len(series))


def is_digits(date_format: str) -> bool:
    """Whether a format writes digits alone: `%d%m%y`."""
    return re.fullmatch(r"(%[YymdjHMSGV])+", date_format) is not None


def as_digits(series: polars.Series, date_format: str) -> polars.Series:
    """Whole numbers, of text or not, as their digits, with the zeros before them that a day, a month or a short year has lost."""
    import polars

    if series.dtype.is_float():
        series = series.set((series != series.round(0)).fill_null(False), None).cast(polars.Int64, strict=False)
    texts = series.cast(polars.String).str.replace(r"^(\d+)\.0*$", "$1")
    if not is_digits(date_format) or date_format[1] not in "dmy":
        return texts
    return texts.str.zfill(sum(_WIDTHS.get(part, 2) for part in date_format[1::2]))


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

    has_zone, written = date_format.endswith(("%z", "%Z")), date_format
    text, minutes = series, None
    if has_zone:
        date_format = date_format[:-2].rstrip()
        parts = series.str.extract_groups(rf"^(.*?) ?({ZONE})(?:{PLACE})?$").struct
        text, minutes = parts[0], _zone_minutes(parts[1])
    text, date_format = _spelt(text, date_format)
    for have, lack, value, part in (
        ("%Y%y", "%d%j%e%D%F%c%s", "01", "%d"),
        ("%H%I", "%M%T%R%X%c%s", "00", "%M"),
        ("%G", "%u%w%A%a", "1", "%u"),
    ):
        directives = set(re.findall(r"%[A-Za-z]", date_format))
        if directives & set(re.findall("%.", have)) and not directives & set(re.findall("%.", lack)):
            text, date_format = text + f" {value}", f"{date_format} {part}"
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
    if "%H" in written and dates.null_count() > series.null_count():
        ends_a_day = (series.str.contains(_END_OF_DAY) & dates.is_null()).fill_null(False)
        if ends_a_day.any():
            begun, _ = _parse(series.str.replace(_END_OF_DAY, "${1}00${2}"), written)
            dates = _choose(ends_a_day, begun.dt.offset_by("1d"), dates)
    moment = polars.Series("", [has_zone], dtype=polars.Boolean).new_from_index(0, len(series))
    if minutes is not None:
        dates = polars.DataFrame([dates.alias("d"), minutes.alias("m")]).select(
            (polars.col("d") - polars.duration(minutes=polars.col("m"))).alias(series.name)
        )[series.name]
    return dates, moment


def _spelt(text: polars.Series, date_format: str) -> tuple[polars.Series, str]:
    """Text and its format with quarters, endings of days and names of months as `strptime` reads them."""
    import polars

    if "%q" in date_format:
        parts = {"%Y": r"(?P<year>\d{4})", "%y": r"(?P<year>\d\d)", "%q": "(?P<quarter>[1-4])"}
        pattern = re.escape(date_format)
        for part, written in parts.items():
            pattern = pattern.replace(re.escape(part), written)
        if "(?P<year>" not in pattern:
            return polars.Series(text.name, [None] * len(text), dtype=polars.String), "%Y"
        found = text.str.extract_groups(f"(?i)^{pattern}$").struct
        months = found.field("quarter").replace_strict({"1": "-01", "2": "-04", "3": "-07", "4": "-10"}, default=None)
        return found.field("year") + months, f"{'%Y' if '%Y' in date_format else '%y'}-%m"
    if "%p" in date_format:
        text = text.str.replace(r"(?i)([ap])\.m\.", "${1}m")
    if "%dth" in date_format:  # French writes `1er` beside `2`
        text, date_format = text.str.replace(rf"(?i)(\d){ENDING}", "${1}"), date_format.replace("%dth", "%d")
    if "%b" in date_format or "%B" in date_format:
        # Chrono's %B reads a whole name and one cut to three letters.
        for english, others in MONTHS.items():
            if text.str.contains(rf"(?i)(^|[^\p{{L}}])(?:{others})").any():
                text = text.str.replace(rf"(?i)(^|[^\p{{L}}])(?:{others})[\p{{L}}]*\.?", f"${{1}}{english}")
        date_format = re.sub(r"%[bB]\.?", "%B", date_format)
    return text, date_format


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
    year_first = next((each for each in fitting if each.startswith("%y") and each.count("%") == 3 and "%d" in each), None)
    if year_first is not None and chosen[:2] in ("%d", "%m") and wanted is None and chosen[2:3] != ".":
        chosen, note = _year_first_or_last(values, chosen, year_first, note)
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
    return chosen, message


def _year_first_or_last(values: polars.Series, last: str, first: str, note: str) -> tuple[str, str]:
    """Which of two formats with a year of two digits, before the month and the day or behind them, and a note.

    What spaces the dates evenly and in order, else that of which there are fewer different numbers is the year: days differ more.
    """
    parts = values.str.extract_groups(r"^(\d+)\D+\d+\D+(\d+)").struct
    num_first, num_last = parts[0].n_unique(), parts[1].n_unique()
    if num_first >= 2 * num_last or parts[0].str.len_chars().min() == 1:
        return last, note
    chosen = _plainer(values, last, first) or (first if 2 * num_first <= num_last else last)
    other = last if chosen == first else first
    name = name_of(values)
    message = f"{name}: dates such as {values[0]} can be read as {chosen} or {other}; read as {chosen}; "
    return chosen, message + f'data.dates: {{{name}: "{other}"}} says otherwise, {{{name}: "{chosen}"}} that it is right'


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
    return date_format in ("%m/%y", "%m.%Y", "%Y-%j")


def _is_regular(values: polars.Series, date_format: str) -> bool:
    found = _order_and_spread(values, date_format)
    return found is not None and found[0]


def _zone_of(values: polars.Series, date_format: str) -> tuple[str, str]:
    """The zone whose clock the hours are read by: the one offset that all values have, else UTC, with a note."""
    minutes = _zone_minutes(values.str.extract(rf" ?({ZONE})(?:{PLACE})?$")).unique().sort().to_list()
    places = values.str.extract(rf"({PLACE})$").unique().to_list()
    if len(places) == 1 and places[0] and is_zone(places[0][1:-1]):
        return places[0][1:-1], ""
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


def find_digits_of_times(values: polars.Series, wanted: str | None = None) -> Writing | list[str] | None:
    """How whole numbers that are asked for times are written as dates, such as 311298.

    Args:
        values: text or numbers, without gaps.
        wanted: as in `find_writing`.

    Returns:
        A writing; or the formats of which nothing tells which it is; or None where they are no dates, or merely count.
    """
    texts = as_digits(values, "")
    if not texts.str.contains(r"^\d{3,14}$").all() or texts.n_unique() < FEW_DATES:
        return None
    numbers = np.unique(texts.cast(int).to_numpy())
    if bool((np.diff(numbers) == 1).all()):
        return None
    fitting = [date_format for date_format in DIGITS_OF_TIMES if _are_digits_of(texts, date_format)]
    if wanted in DATE_ORDERS:
        against = "%m%d" if wanted == DAY_FIRST else "%d%m"
        fitting = [date_format for date_format in fitting if not date_format.startswith(against)]
    if not fitting:
        return None
    chosen: str | None = fitting[0] if len(fitting) == 1 or fitting[0][:2] == "%Y" else _plainest(texts, fitting)
    if chosen is None:
        return fitting
    name = name_of(values)
    how = f"{name}: digits such as {texts[0]} are read as dates written {chosen}"
    return Writing(chosen, f"{how}; data.dates: {{{name}: FORMAT}} says otherwise, {{{name}: number}} that they are numbers")


def _are_digits_of(texts: polars.Series, date_format: str) -> bool:
    parts = date_format[1::2]
    width = sum(_WIDTHS.get(part, 2) for part in parts)
    lengths = texts.str.len_chars()
    most = lengths.max()
    if date_format[1] == "Y" and (most != width or lengths.min() != width):
        return False
    # A day or a month loses one zero, the year 2000 several, of which not all dates of a column have them all.
    least = 3 if parts[0] == "y" else width - 1
    if date_format[1] != "Y" and (most not in (width, width - 1) or lengths.min() < least):
        return False
    padded = as_digits(texts, date_format)
    pattern = "".join(_DIGITS_OF[part] for part in parts)
    return bool(padded.str.contains(f"^{pattern}$").all()) and not _parse(padded, date_format)[0].has_nulls()


def _plainest(texts: polars.Series, formats: Sequence[str]) -> str | None:
    """The one of several formats by which alone the values follow each other in order, or evenly; None: several, or none."""
    found = {date_format: _order_and_spread(as_digits(texts, date_format), date_format) for date_format in formats}
    rising = [date_format for date_format, shape in found.items() if shape and shape[0]]
    if len(rising) == 1:
        return rising[0]
    spreads = {date_format: shape[1] for date_format, shape in found.items() if shape}
    even = [date_format for date_format, spread in spreads.items() if spread < REGULAR_SPREAD]
    uneven = [date_format for date_format, spread in spreads.items() if spread > IRREGULAR_SPREAD]
    return even[0] if len(even) == 1 and len(uneven) == len(formats) - 1 else None
