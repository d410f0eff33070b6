"""What numbers are written with - a currency, percent, a unit such as `kg` - found out once and stored with a run.

Dollars and euros are no one number, and neither are `79%` and `0.79`, or kilograms and pounds: a column is read with the one sign
that its first rows show, and a value with another one is no number.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from dltrain.data.columns.dates.durations import are_durations, to_seconds
from dltrain.data.columns.dates.finding import find_writing
from dltrain.data.columns.measures import find_measure
from dltrain.data.columns.number_signs import CURRENCY, MARK, MINUS
from dltrain.later import polars

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# What stands for a unit where a column holds lengths of time: `2h 50m`, or `1:02:03` beside `2:03`; all of them `1:02:03`; all of
# them `2:03`, of which nothing tells whether they are hours and minutes.
AS_SECONDS, AS_TRIPLES, AS_PAIRS = TIMES = ("seconds", "hours:minutes:seconds", "pairs")
_PAIR = r"^-?\d{1,4}:[0-5]\d(?:[.,]\d{1,9})?$"
PERCENT = "%"
# What stands for a unit where letters behind some numbers say how sure they are, as those of Eurostat do: `12.3 p`, `7 bu`.
FLAGS = "flags behind some"
_FLAG = r" [bcdefinprsuz]{1,2}$"
_USUAL_FLAG = r" (?:[bep]|[a-z]{2})$"
_INCHES = " (?:in|cc)$"  # and cubic centimetres
MOST_FLAGGED = 0.5
# What stands for a unit where amounts are cut to thousands, millions and billions: `980` beside `1.2K`; with `, €` behind it
# where they have a currency: `€565K` beside `€110.5M`.
CUT = "cut to K, M, B"
# More different values than these are amounts, even where they are to be told apart.
MANY_AMOUNTS = 20
MOST_UNITS = 8
_ORDINALS = ("st", "nd", "rd", "th", "er", "ère", "ème")
FEWEST_MARKS = 10
_LETTER = r"\p{L}"
_BLANKS = r"\s\x{a0}\x{202f}\x{2009}\x{2007}"
_BLANK = f"[{_BLANKS}]*"
_DIGITS = rf"[.,]?\d(?:[\d.,'\x{{2019}}{_BLANKS}]*\d)?"
_EXPONENT = r"(?:[eE][-+]?\d+)?"
# In the place of no cents: `5.-`, `Fr. 5.--`, `499,-`.
_NO_CENTS = r"[.,][-\x{2013}\x{2014}]{1,2}"
# A currency before or after a number, percent, brackets around what is negative in a ledger, a minus behind it or a long one.
_AFFIX = (
    rf"^{_BLANK}\(?{_BLANK}[-+{MINUS}]?{_BLANK}({CURRENCY}|){_BLANK}\(?[-+{MINUS}]?{_BLANK}{_DIGITS}(?:{_NO_CENTS}|[.,]?){_EXPONENT}"
    rf"{_BLANK}({CURRENCY}|%|){_BLANK}-?\)?{_BLANK}$"
)
_ODD_SIGNS = rf"[%({MINUS}]|-$|^\s*[-+]\s|{_NO_CENTS}$|{CURRENCY}"
# Behind a number: `kg`, `km/h`, `m2`, `l/100km`, `sq ft`, `°C`, `/night`, `per night`.
_UNIT = r"(?:/ ?)?[\p{L}°″\x22][^\s\d,;:'()]{0,11}[²³\d]?(?:/[^\s,;:'()]{1,6})?(?: [\p{L}²³/.]{1,10}[23]?){0,2}"
# Or what it is a part of, as in marks: `4.1/5`, `87 / 100`.
_OF = r"/ ?[1-9]\d{0,3}"
# Or what ends each line, behind its last number.
_END = r"[;|]"
# The minus, what stands before the number, it, what stands behind it.
_SIGNED = rf"[-+{MINUS}]?{_BLANK}{_DIGITS}{_EXPONENT}"
_WITH_UNIT = rf"^{_BLANK}([-+{MINUS}]?){_BLANK}({MARK}|){_BLANK}({_SIGNED}){_BLANK}({_UNIT}|{_OF}|{_END}|){_BLANK}$"
_FACTORS = {"k": "e3", "K": "e3", "M": "e6", "B": "e9", "bn": "e9", "Bn": "e9", "T": "e12", "Tsd": "e3", "Mio": "e6", "Mrd": "e9"}
_CUT = (
    rf"^{_BLANK}([-+{MINUS}]?)({CURRENCY}|){_BLANK}([-+{MINUS}]?{_DIGITS}){_BLANK}({'|'.join(_FACTORS)}|)\.?{_BLANK}({CURRENCY}|)"
    rf"{_BLANK}$"
)


def find_unit(values: polars.Series, *, as_labels: bool = False) -> str:
    """What the numbers of a column are written with: a currency, `%`, a unit, one of `TIMES` or `MEASURES`; empty: none, several.

    Args:
        values: text without gaps.
        as_labels: they may be meant as names of classes, which numbers with few different values and a unit then are.
    """
    if are_durations(values):
        is_pair = values.str.contains(_PAIR)
        return AS_PAIRS if is_pair.all() else AS_SECONDS if is_pair.any() or values.str.contains(_LETTER).any() else AS_TRIPLES
    if measure := find_measure(values):
        return measure
    if (currency := _currency_of_cut(values)) is not None:
        return f"{CUT}, {currency}" if currency else CUT
    signs = _signs_of(values)
    units = units_of(values) if len(signs) != 1 else []
    if signs and (len(signs) == 1 or len(units) != 1):
        return signs[0] if len(signs) == 1 else ""
    if not units and _are_flagged(values):
        return FLAGS
    if len(units) != 1 or (as_labels and values.n_unique() <= MANY_AMOUNTS) or values.n_unique() < 2:
        return ""
    if re.fullmatch(_OF, units[0]) and not _are_marks(values, units[0]):
        return ""
    return "" if find_writing(values) else units[0]


def _are_marks(values: polars.Series, unit: str) -> bool:
    """Whether numbers go from 0 to what stands behind their slash, as those of a rating do."""
    numbers = values.str.extract(r"^\s*(\d+(?:[.,]\d+)?) ?/", 1).str.replace(",", ".").cast(float, strict=False)
    return len(values) >= FEWEST_MARKS and numbers.null_count() == 0 and bool(numbers.max() <= float(unit.lstrip("/ ")))


def _are_flagged(values: polars.Series) -> bool:
    has_flag = values.str.contains(_FLAG)
    is_number = values.str.replace(_FLAG, "").str.contains(rf"^-?{_DIGITS}$")
    # Seconds, days and degrees are letters that flags have as well; those of Eurostat are mostly these, or two.
    has_usual = values.str.contains(_USUAL_FLAG).any() and not values.str.contains(_INCHES).any()
    return bool(is_number.all()) and bool(has_usual) and 0 < has_flag.sum() < MOST_FLAGGED * len(values)


def is_cut(unit: str) -> bool:
    """Whether amounts are cut to thousands and more, with a currency or without."""
    return unit == CUT or unit.startswith(f"{CUT}, ")


def _currency_of_cut(values: polars.Series) -> str | None:
    """The currency ("": they have none) of numbers behind which letters say thousands or more; None: these are none such.

    The letters are of two kinds, or behind a currency; else K (or Mio), some being bare. An M alone may stand for metres or
    months, a B for bytes.
    """
    if not values.str.contains(r"\d ?(?:[kKMBT]|[bB]n|Tsd|Mio|Mrd)\.?\s*(?:" + CURRENCY + r")?\s*$").any():
        return None
    parts = values.str.extract_groups(_CUT).struct
    if parts[3].null_count():
        return None
    currencies, letters = {*parts[1].unique(), *parts[4].unique()} - {""}, set(parts[3].unique().to_list())
    is_bare = values.filter(parts[3] == "").str.contains("[1-9]").any()
    several = len({_FACTORS[letter] for letter in letters if letter}) > 1
    is_such = len(currencies) < 2 and (several or currencies or (is_bare and letters & {"k", "K", "Tsd", "Mio", "Mrd"}))
    return next(iter(currencies), "") if is_such else None


def _in_full(series: polars.Series, currency: str) -> polars.Series:
    """`€1.2K` as `1.2e3`; what has another currency stays as it is."""
    parts = series.str.extract_groups(_CUT).struct
    if currency:
        has_other = ~(parts[1].is_in(["", currency]) & parts[4].is_in(["", currency]))
        parts = series.set(has_other.fill_null(False), None).str.extract_groups(_CUT).struct
    factors = parts[3].replace_strict({**_FACTORS, "": ""}, default=None)
    return (_bare(parts) + factors).fill_null(series).alias(series.name)


def _bare(parts: Any) -> polars.Series:
    """A number without blanks, of the sign before its currency and of what stands behind that."""
    return (parts[0] + parts[2]).str.replace_all(f"[{_BLANKS}]", "").str.replace(f"[{MINUS}]", "-")


def is_currency(unit: str) -> bool:
    """Whether a unit is a currency; numbers may stand without it beside others that have it."""
    return re.fullmatch(CURRENCY, unit) is not None


def number_in_words(unit: str) -> str:
    """What to give as a number with a unit, in words: `a number (kg)`."""
    if is_cut(unit):
        return f"a number in full (1.2K is 1200{unit[len(CUT) :]})"
    if unit in TIMES:
        return "a number of seconds (2:03 is 123)" if unit == AS_PAIRS else "a number of seconds"
    return f"a number ({unit})" if unit and unit != FLAGS else "a number"


def seconds_of(series: polars.Series, unit: str) -> polars.Series:
    """Lengths of time as seconds, null where they are written so that they may be others than those of the training.

    Args:
        series: text.
        unit: one of `TIMES`.
    """
    seconds = to_seconds(series)
    if unit == AS_SECONDS:
        return seconds
    is_pair = series.str.contains(_PAIR)
    return seconds.set((is_pair if unit == AS_TRIPLES else ~is_pair).fill_null(False), None)


def units_of(values: polars.Series) -> list[str]:
    """The different units of numbers, each as it is written, where all values but zeros have one; or their currencies."""
    written_with = _written_with(values)
    bare = values.filter(written_with.is_null())
    if len(bare) and not bare.str.contains(r"^[-+]?0+([.,]0*)?$").all():
        return _signs_of(values) if values.str.contains(_AFFIX).all() else []
    written = sorted(written_with.drop_nulls().unique().to_list(), reverse=True)
    return sorted({_plain(unit): unit for unit in written}.values())


def units_among(values: polars.Series) -> list[str]:
    """Percent, currencies, and the units that most of some values have, whatever the others are."""
    counts = _written_with(values).drop_nulls().value_counts(sort=True)
    return [PERCENT, "$", "€", "£", *counts.to_series(0).head(MOST_UNITS).to_list()]


def has_no_unit(values: polars.Series) -> NDArray[np.bool_]:
    """Which values are no numbers with something before them or behind."""
    is_bare: NDArray[np.bool_] = _written_with(values).is_null().to_numpy()
    return is_bare


def is_measure(unit: str) -> bool:
    """Whether what stands at few different numbers is a unit, rather than a part of a code (`2B`) or of an order (`2nd`)."""
    return unit.casefold() not in _ORDINALS and (len(unit) > 1 or not unit.isalpha() or unit in "ghlmst")


def _written_with(values: polars.Series) -> polars.Series:
    """What stands before each number and behind it, as one: `kg`, `AU$ per night`; null: nothing, or no number."""
    parts = values.str.extract_groups(_WITH_UNIT).struct
    after = parts[3].str.replace("^(\\p{L})", " $1")
    both = (parts[1] + after).str.strip_chars_start()
    return both.set((both == "").fill_null(True), None)


def _plain(unit: str) -> str:
    """A unit without what does not matter: a point, an s of the plural, capitals (but `mW` is no `MW`)."""
    unit = unit.rstrip(". ")
    unit = re.sub(r"(?<=[^\W\d_]{2})s$", "", unit)
    return unit if unit[:1] in "mMpP" and len(unit) <= 3 else unit.casefold()


def _signs_of(values: polars.Series) -> list[str]:
    """The different currencies and percent signs; none where a percentage stands beside a bare number."""
    if not values.str.contains(_ODD_SIGNS).any():
        return []
    parts = polars.DataFrame({"before": values.str.extract(_AFFIX, 1), "after": values.str.extract(_AFFIX, 2), "text": values})
    parts = parts.drop_nulls()
    signs = {sign for column in ("before", "after") for sign in parts[column].unique().to_list()} - {""}
    is_bare = (parts["before"] == "") & (parts["after"] == "") & parts["text"].str.contains("[1-9]")
    return [] if PERCENT in signs and is_bare.any() else sorted(signs)


def without_unit(series: polars.Series, unit: str | None) -> polars.Series:
    """Numbers without what they are written with; with a bracket or a minus behind, negative. Other values stay as they are.

    Args:
        series: text.
        unit: as `find_unit` gives it; None: the one currency or percent sign that these very values have, if it is one.
    """
    if unit is None:
        signs = _signs_of(series)
        if len(signs) > 1 or (not signs and series.str.contains("%").any()):
            return series
        unit = signs[0] if signs else ""
    if is_cut(unit):
        return _in_full(series, unit[len(CUT) + 2 :])
    if unit == FLAGS:
        return series.str.replace(_FLAG, "")
    if unit and unit != PERCENT and not is_currency(unit):
        parts, written_with = series.str.extract_groups(_WITH_UNIT).struct, _written_with(series)
        same = [text for text in written_with.drop_nulls().unique().to_list() if _plain(text) == _plain(unit)]
        return _bare(parts).zip_with(written_with.is_in(same).fill_null(False), series).alias(series.name)
    if not series.str.contains(_ODD_SIGNS).any():
        return series
    before, after = series.str.extract(_AFFIX, 1), series.str.extract(_AFFIX, 2)
    has_sign = (before == unit) | (after == unit)
    is_bare = (before == "") & (after == "")
    if unit == PERCENT:
        is_bare &= ~series.str.contains("[1-9]")
    others = ((before != "") & (before != unit)) | ((after != "") & (after != unit))
    is_number = ((has_sign | is_bare) & ~others).fill_null(False)
    bare = series.str.replace_all(f"{CURRENCY}|%|[{_BLANKS}]" if unit else r"^\s+|\s+$", "")
    bare = bare.str.replace(rf"{_NO_CENTS}$", "").str.replace(f"[{MINUS}]", "-").str.replace(r"^([-+])\s+", "$1")
    bare = bare.str.replace(r"^\((.*)\)$", "-$1").str.replace(r"^([^-]*\d)-$", "-$1")
    return polars.select(polars.when(is_number).then(bare).otherwise(series).alias(series.name)).to_series()
