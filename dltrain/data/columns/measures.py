"""Amounts in two units at once - `5 ft 11 in`, `12 st 3 lb`, `48°51'24"N` - or towards two sides (`12.5W`), as one number."""

from __future__ import annotations

from dataclasses import dataclass

from dltrain.later import polars

_NUMBER = r"\d+(?:[.,]\d+)?"
_PRIMES, _DOUBLES = r"['\x{2019}\x{2032}]", r"(?:[\x22\x{201d}\x{2033}]|''|\x{2019}\x{2019})"


@dataclass(frozen=True, slots=True)
class Measure:
    """How an amount is written in several parts.

    Attributes:
        pattern: of all values; its groups are a sign, up to three numbers, and a side.
        shows: what at least one value has, so that the column is such.
        sizes: of each number's unit, in the one that is read.
    """

    pattern: str
    shows: str
    sizes: tuple[float, ...]


def _pair(large: str, small: str, most: str, size: float) -> Measure:
    number = rf"(?:{most})(?:[.,]\d+)?"  # 5'30" are minutes and seconds
    pattern = rf"(?i)^(-?)(\d+) ?{large}\.?(?:,| and)? ?-?(?:({number}) ?(?:{small})?\.?)?()()$"
    return Measure(pattern, rf"(?i)\d ?{large}\.?(?:,| and)? ?-?{number} ?{small}", (size, 1.0))


# By what is said of them: the parts, and the unit that is read.
MEASURES = {
    "feet and inches as inches": _pair(rf"(?:ft|feet|foot|{_PRIMES})", rf"(?:in|inch|inches|{_DOUBLES})", r"\d|1[01]", 12.0),
    "stones and pounds as pounds": _pair("(?:st|stones?)", "(?:lbs?|pounds?)", r"\d|1[0-3]", 14.0),
    "pounds and ounces as ounces": _pair("(?:lbs?|pounds?)", "(?:oz|ounces?)", r"\d|1[0-5]", 16.0),
    "degrees and minutes as degrees": Measure(
        rf"^([-+\x{{2212}}]?)({_NUMBER}) ?[°º] ?(?:({_NUMBER}) ?{_PRIMES} ?)?(?:({_NUMBER}) ?{_DOUBLES} ?)?([NSEW]?)$",
        rf"° ?{_NUMBER} ?{_PRIMES}",
        (1.0, 1 / 60, 1 / 3600),
    ),
    "north and south as degrees": Measure(rf"^()({_NUMBER}) ?°? ?()()([NS])$", "S$", (1.0, 1 / 60, 1 / 3600)),
    "east and west as degrees": Measure(rf"^()({_NUMBER}) ?°? ?()()([EW])$", "W$", (1.0, 1 / 60, 1 / 3600)),
}
_TWO_SIDES = {"north and south as degrees": "N$", "east and west as degrees": "E$"}


def find_measure(values: polars.Series) -> str:
    """Which of `MEASURES` all values of a column are written in; empty: none.

    Args:
        values: text without gaps.
    """
    for name, measure in MEASURES.items():
        if values.str.contains(measure.shows).any() and values.str.contains(measure.pattern).all():
            return name if values.str.contains(_TWO_SIDES.get(name, "")).any() else ""
    return ""


def unit_of_measure(name: str) -> str:
    """The one unit in which a measure is read: `inches`."""
    return name.partition(" as ")[2]


def in_one_unit(series: polars.Series, name: str) -> polars.Series:
    """Float64 in that unit, null where there is no value or it is written otherwise; south and west are negative.

    Args:
        series: text.
        name: one of `MEASURES`.
    """
    measure = MEASURES[name]
    parts = series.str.extract_groups(measure.pattern).struct.rename_fields(["sign", "0", "1", "2", "side"]).struct
    total = polars.Series(series.name, [0.0], dtype=polars.Float64).new_from_index(0, len(series))
    for place, size in enumerate(measure.sizes):
        number = parts.field(str(place)).str.replace(",", ".", literal=True).cast(polars.Float64, strict=False)
        total = total + size * number.fill_null(0.0)
    is_negative = parts.field("sign").is_in(["-", "\u2212"]) | parts.field("side").is_in(["S", "W"])
    total = total.zip_with(~is_negative.fill_null(False), -total)
    return total.set(parts.field("0").is_null(), None).alias(series.name)
