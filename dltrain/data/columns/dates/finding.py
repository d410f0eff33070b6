"""How the dates of a column are written, found out from its values; what a writing is stands in `reading.py`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.config.catalog.date_formats import DATE_ORDERS, DAY_FIRST, JSON_DATE, MONTH_FIRST, is_zone, split_writing
from dltrain.data.columns.dates.formats import ISO_OF_STATA, NAMED_PLACE, PLACE, STATA_WEEK, ZONE, candidates
from dltrain.data.columns.dates.reading import (
    UTC,
    WIDTHS,
    as_digits,
    parse,
    zone_last,
    zone_minutes,
)
from dltrain.data.tables.column_names import name_of
from dltrain.later import polars

# Digits that are dates if all of a column's are, and their formats: a month where a column holds times, a day, a day and a time.
_YEAR_MONTH, _DAY, _HOUR = r"(?:19|20)\d\d(?:0[1-9]|1[0-2])", r"(?:0[1-9]|[12]\d|3[01])", r"(?:[01]\d|2[0-4])"
COMPACT = (
    (rf"^{_YEAR_MONTH}{_DAY}$", ("%Y%m%d",)),
    (rf"^{_DAY}{_DAY}(?:19|20)\d\d$", ("%d%m%Y", "%m%d%Y")),
    (rf"^{_YEAR_MONTH}{_DAY}{_HOUR}$", ("%Y%m%d%H",)),
    (rf"^{_YEAR_MONTH}{_DAY}{_HOUR}[0-5]\d$", ("%Y%m%d%H%M",)),
    (rf"^{_YEAR_MONTH}{_DAY}{_HOUR}[0-5]\d[0-5]\d$", ("%Y%m%d%H%M%S",)),
)
# The same in a column that is asked for times, its numbers perhaps without the zeros that they began with; the likelier first.
DIGITS_OF_TIMES = (
    "%Y%m", "%G%V", "%d%m%y", "%m%d%y", "%y%m%d", "%Y%j", "%Y%m%d", "%d%m%Y", "%m%d%Y", "%Y%m%d%H", "%Y%m%d%H%M", "%Y%m%d%H%M%S",
)  # fmt: skip
_DIGITS_OF = {
    "Y": r"(?:19|20)\d\d", "y": r"\d\d", "m": r"(?:0[1-9]|1[0-2])", "d": _DAY, "j": r"(?:[0-2]\d\d|3[0-6]\d)", "H": _HOUR,
    "M": r"[0-5]\d", "S": r"[0-5]\d", "G": r"(?:19|20)\d\d", "V": r"[0-5]\d",
}  # fmt: skip
# Fewer different dates show no regular spacing.
FEW_DATES = 5
# By fewer, years that end in the next (2000/01) are not told from months.
FEWEST_SEASONS = 3
# So many values tell how most of a column are written.
SOME_VALUES = 1_000
EPOCH_DAY = date(1970, 1, 1).toordinal()
# Weeks that are told from months, and from other numbers behind a year, by their even spacing alone.
WEEKS_LIKE_MONTHS = ("%G/%V", "%G-%V", "%V/%G", "%V-%G")
# Codes such as S11234 and Q47890 are no half-years and quarters: of those the years are these.
YEARS_OF_QUARTERS = (1700, 2200)
# Dates of so late a year, or years so far apart, may be of the century before.
FAR_YEAR, MANY_YEARS = 2040, 60
# Years of our time in other calendars.
OTHER_CALENDARS = {"the Buddhist calendar": (2450, 2650), "a Hijri calendar, lunar or Persian": (1300, 1500)}
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


def find_writing(values: polars.Series, wanted: str | None = None) -> Writing | None:
    """How a column's text, without gaps, is written as dates; None: it holds no dates.

    Where day and month could change places, the values' own spacing tells, else the note says what was taken.

    Args:
        values: text.
        wanted: "day_first" or "month_first" where the user said so.
    """
    return _choose_writing(values, _fitting(values), wanted)


def nearest_writing(values: polars.Series) -> Writing | None:
    """How most of a column's text, without gaps, is written as dates, where something else is among them; None: hardly any is."""
    some = values.head(SOME_VALUES)
    formats = dict.fromkeys(date_format for value in some.head(FEW_DATES).to_list() for date_format in candidates(value))
    read = {date_format: len(some) - parse(some, date_format)[0].null_count() for date_format in formats}
    best = max(read, key=lambda date_format: read[date_format], default="")
    return zoned(some, best) if best and read[best] else None


def _choose_writing(values: polars.Series, fitting: list[str], wanted: str | None) -> Writing | None:
    """One of the formats that read all values."""
    if not fitting:
        return None
    chosen, note = fitting[0], ""
    other = _swapped(chosen)
    if other in fitting:
        chosen, note = _which(values, chosen, other, wanted)
    elif other and wanted in DATE_ORDERS and not chosen.startswith("%Y") and _is_day_first(chosen) != (wanted == DAY_FIRST):
        note = f"{name_of(values)}: data.dates says {wanted}, but its dates can only be read as {chosen}, and are read so"
    year_first = next((each for each in fitting if each.startswith("%y") and each.count("%") == 3 and "%d" in each), None)
    if year_first is not None and chosen[:2] in ("%d", "%m") and wanted is None and chosen[2:3] != ".":
        chosen, note = _year_first_or_last(values, chosen, year_first, note)
    elif _is_something_else(values, chosen):
        return None
    if chosen == JSON_DATE:
        return Writing(f"{chosen} @{UTC}")
    if STATA_WEEK in fitting:
        chosen, note = _whose_weeks(values)
    if "%z" in chosen:
        zone, more = _zone_of(values, chosen)
        return Writing(f"{chosen} @{zone}", note or more)
    place = NAMED_PLACE.search(chosen)
    if place:
        zone = place[1] or place[2]
        return Writing(f"{chosen} @{zone}", note) if is_zone(zone) else None
    return Writing(chosen, _with_years(values, chosen, note, wanted))


def _with_years(values: polars.Series, chosen: str, note: str, wanted: str | None) -> str:
    """A note, with what is to be said of years of two digits, and of those of the Buddhist or a Hijri calendar."""
    if "%Y" not in chosen:
        return note or (_of_which_century(values, chosen) if "%y" in chosen and wanted is None else "")
    years = parse(values, chosen)[0].dt.year()
    first, last = int(years.min()), int(years.max())
    whose = next((whose for whose, (begin, end) in OTHER_CALENDARS.items() if begin <= first and last <= end), None)
    said = f"{name_of(values)}: years from {first} to {last} look like those of {whose}, and are read as years A.D."
    said += "; weekdays and steps of time are true of dates such as 2020-12-31"
    return "; ".join([*[note] * bool(note), *[said] * bool(whose)])


def _of_which_century(values: polars.Series, date_format: str) -> str:
    """A note on years of two digits that may be of another century than the one they are read in; else empty."""
    years = parse(values, date_format)[0].dt.year()
    first, last = int(years.arg_min() or 0), int(years.arg_max() or 0)
    if years[last] < FAR_YEAR and years[last] - years[first] < MANY_YEARS:
        return ""
    said = f"{name_of(values)}: years of two digits are read as those from 1969 to 2068, {values[last]} as {years[last]}"
    return f"{said}; where that is another century, write four digits"


def zoned(values: polars.Series, writing: str) -> Writing:
    """A writing of the user's with the zone that the values show, where it names none and they are moments."""
    date_format, zone = split_writing(writing)
    if zone is not None or date_format is None or not date_format.endswith(("%z", "%Z", "%z %Y")):
        return Writing(writing)
    found, note = _zone_of(values, date_format)
    return Writing(f"{date_format} @{found}", note)


def _fitting(values: polars.Series) -> list[str]:
    """The formats that read all values."""

    def reads(date_format: str, some: polars.Series) -> bool:
        return not parse(some, date_format)[0].has_nulls()

    first = [date_format for date_format in candidates(values[0]) if reads(date_format, values.head(1))]
    found = [date_format for date_format in first if reads(date_format, values)]
    if found or not first:
        return found
    # Those that write midnight without a time or whole seconds without a fraction, or the name of May.
    missed = parse(values, first[0])[0].is_null()
    others = candidates(values.filter(missed)[0])
    return [date_format for date_format in others if reads(date_format, values)]


def _swapped(date_format: str) -> str | None:
    if "%d" not in date_format or "%m" not in date_format:
        return None
    return date_format.replace("%d", "\0").replace("%m", "%d").replace("\0", "%m")


def _day_of(date_format: str) -> str:
    """A format from where its date begins, behind the name of a weekday or a time."""
    return re.sub(r"^(?:%[aA],? +|%[HI]:%M(?::%S)?(?: ?%p)?,? )", "", date_format)


def _is_day_first(date_format: str) -> bool:
    return date_format.index("%d") < date_format.index("%m")


def _which(values: polars.Series, chosen: str, other: str | None, wanted: str | None) -> tuple[str, str]:
    """Which of two formats with day and month in either order, and a note."""
    assert other is not None
    day, month = (chosen, other) if _is_day_first(chosen) else (other, chosen)
    if wanted in DATE_ORDERS:
        return (day if wanted == DAY_FIRST else month), ""
    if _day_of(chosen).startswith("%Y") or _day_of(chosen)[2:3] == ".":  # nobody writes these the other way round
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
    Where the month is a name hardly anybody writes the year first: it needs such a sign, and nothing is said without one.
    """
    parts = values.str.extract_groups(r"^(\d+)\D+\d+\D+(\d+)").struct
    num_first, num_last = parts[0].n_unique(), parts[1].n_unique()
    chosen = _plainer(values, last, first) or (first if 2 * num_first <= num_last else last)
    if num_first >= 2 * num_last or parts[0].str.len_chars().min() == 1 or ("%m" not in last and chosen == last):
        return last, note
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
    times = parse(values, date_format)[0].dt.epoch("s").to_numpy()
    steps = np.diff(np.unique(times))
    if len(steps) < FEW_DATES - 1:
        return None
    ways: NDArray[Any] = np.diff(times)
    return bool((ways >= 0).all() or (ways <= 0).all()), float(steps.std() / steps.mean())


def _is_weak(date_format: str) -> bool:
    """Whether much else is written so: fractions, results of games."""
    return date_format in ("%m/%y", "%m.%Y", "%Y-%j")


def _are_seasons(values: polars.Series) -> bool:
    """Whether what looks like months are years that begin in one and end in the next: 2000/01, 2001/02, 2002/03."""
    parts = values.unique().str.extract_groups(r"^(\d{4})[-/](\d{2})$").struct
    if parts[0].null_count() or len(parts[0]) < FEWEST_SEASONS:
        return False
    return bool(((parts[0].cast(int) + 1) % 100 == parts[1].cast(int)).all())


def _is_something_else(values: polars.Series, date_format: str) -> bool:
    """Whether what looks like dates of a format that much else is written in shows nothing else of dates."""
    if date_format in ("%Y/%m", "%Y-%m", "%G/%V", "%G-%V") and _are_seasons(values):
        return True
    if date_format in WEEKS_LIKE_MONTHS:
        return not _are_even(values, date_format)
    if date_format in ("%Y/%m", "%Y-%m"):
        return False
    if "%q" in date_format and "%Y" in date_format:
        years = parse(values, date_format)[0].dt.year().drop_nulls()
        return not years.is_between(*YEARS_OF_QUARTERS).all()
    return _is_weak(date_format) and not _is_regular(values, date_format)


def _are_even(values: polars.Series, date_format: str) -> bool:
    """Whether the different dates follow each other evenly, with no gap that is much longer than the others."""
    found = _order_and_spread(values, date_format)
    return found is not None and found[1] < REGULAR_SPREAD


def _whose_weeks(values: polars.Series) -> tuple[str, str]:
    """Weeks such as `2011w7` as ISO 8601 counts them or as Stata does, from the first of January and never 53, and a note.

    That a year of 53 weeks is gone through without the last tells; else nothing does.
    """
    name, first = name_of(values), values[0]
    days = {date_format: parse(values, date_format)[0] for date_format in (ISO_OF_STATA, STATA_WEEK)}
    weeks = {*days[ISO_OF_STATA].dt.epoch("d").to_list()}
    are_skipped = any(day - 7 in weeks and day not in weeks and day + 7 in weeks for day in _days_of_week_53(days[ISO_OF_STATA]))
    chosen, other = (STATA_WEEK, ISO_OF_STATA) if are_skipped else (ISO_OF_STATA, STATA_WEEK)
    of = {ISO_OF_STATA: "ISO 8601", STATA_WEEK: "Stata"}
    said = f"{name}: weeks such as {first} are read as those of {of[chosen]} ({days[chosen][0]:%Y-%m-%d})"
    how = f'data.dates: {{{name}: "{other}"}} reads those of {of[other]} ({days[other][0]:%Y-%m-%d})'
    return chosen, f'{said}; {how}, {{{name}: "{chosen}"}} says that it is right'


def _days_of_week_53(dates: polars.Series) -> list[int]:
    """On which days since 1970 the 53rd weeks begin of the years of some dates that have so many."""
    years = dates.dt.iso_year().unique().to_list()
    last = [date(year, 12, 28).isocalendar() for year in years]
    return [date.fromisocalendar(*week).toordinal() - EPOCH_DAY - week[2] + 1 for week in last if week[1] == 53]


def _is_regular(values: polars.Series, date_format: str) -> bool:
    found = _order_and_spread(values, date_format)
    return found is not None and found[0]


def _zone_of(values: polars.Series, date_format: str) -> tuple[str, str]:
    """The zone whose clock the hours are read by: the one offset that all values have, else UTC, with a note."""
    values, _ = zone_last(values, date_format)
    minutes = zone_minutes(values.str.extract(rf" ?({ZONE})(?:{PLACE})?$")).unique().sort().to_list()
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


def find_compact_writing(values: polars.Series, wanted: str | None = None) -> Writing | None:
    """How digits alone are written as dates, such as 20141013: five different ones at least, all of this century or the last.

    Args:
        values: text or whole numbers, without gaps.
        wanted: as in `find_writing`.
    """
    for pattern, formats in COMPACT:
        if not re.match(pattern, str(values[0])):
            continue
        texts = values.cast(polars.String)
        if not texts.str.contains(pattern).all() or texts.n_unique() < FEW_DATES:
            return None
        return _choose_writing(texts, [text for text in formats if not parse(texts, text)[0].has_nulls()], wanted)
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
    width = sum(WIDTHS.get(part, 2) for part in parts)
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
    return bool(padded.str.contains(f"^{pattern}$").all()) and not parse(padded, date_format)[0].has_nulls()


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
