"""The text of a table read as values: words for "no value", numbers, booleans; see `dates` for dates and `units.py` for units."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.data.columns.dates.durations import are_durations, to_seconds
from dltrain.data.columns.measures import MEASURES, in_one_unit
from dltrain.data.columns.number_signs import TELEPHONE, grouped
from dltrain.data.columns.units import AS_PAIRS, AS_TRIPLES, TIMES, find_unit, seconds_of, units_among, without_unit
from dltrain.data.tables.column_names import marked, name_of
from dltrain.later import polars

SAMPLE_ROWS = 10_000
# Cells of so few rows are looked up one by one sooner than polars has begun: tables of many thousand columns have few rows.
FEW_ROWS = 500
# pandas' words for "no value", the question mark of the UCI repository, the point of SAS and Stata, the errors of spreadsheets,
# what databases write.
USUAL_MISSING = (
    "?", ".", "NA", "N/A", "n/a", "NaN", "nan", "-NaN", "-nan", "NULL", "Null", "null", "None", "<NA>",
    "#N/A", "#N/A N/A", "#NA", "1.#IND", "-1.#IND", "1.#QNAN", "-1.#QNAN",
    "#DIV/0!", "#VALUE!", "#REF!", "#NUM!", "#NAME?", "#NULL!", "#NV", "#WERT!", "#BEZUG!", "#ZAHL!", "#VALEUR!", "#NOMBRE!",
    "NaT", "\\N", "0000-00-00", "0000-00-00 00:00:00",
)  # fmt: skip
# Digits with leading zeros are codes, not numbers.
LEADING_ZERO = r"^[+-]?0\d"
# Digits with an e between them, and such as nobody writes for a number: 12E5, 0E1, 1E2 (but 10e3, of the thousands).
WITH_E = r"^\d+[eE]\d+$"
_ODD_E = r"^(?:\d{2,}|0)[eE]0*(?:[124578]|1[013-9]|[2-9]\d|\d{3,})$|^\d[eE]0*[0-2]$"
OF_TYPE = "values of type "
# A column whose cells are files of pictures, and how such files begin.
PICTURES = "whole files of pictures"
PICTURE_STARTS = {b"\x89PNG": ".png", b"\xff\xd8\xff": ".jpg", b"GIF8": ".gif", b"BM": ".bmp"}
VERSION, FEW_COUNTS = r"^\d{1,3}\.(?:0|[1-9]\d?)$", 4
# What is left of a time of the day without saying anything.
MIDNIGHT = r"( 00:00:00)?(\.0+)?$"
BOOLEANS = {"true": 1.0, "false": 0.0}


@dataclass(frozen=True, slots=True)
class Reading:
    """How the text of a table becomes values; stored with a run, so that later rows are read the same way.

    Attributes:
        missing: words that mean "no value", beside the empty field.
        decimal: the decimal sign.
        thousands: the sign between thousands, or None.
        replace: column -> {old text: new text}.
        dates: how dates are written: "day_first", "month_first", a format, or column -> one of these; see `columns.dates`.
        units: column -> what its numbers are written with, see `columns.units`; columns that are not there have bare numbers.
            None: the one currency or percent sign that the values at hand have is left out.
        gaps: columns of numbers in which what is none is no value.
        codes: columns of numbers among which codes with leading zeros are known to be.
    """

    missing: tuple[str, ...] = USUAL_MISSING
    decimal: str = "."
    thousands: str | None = None
    replace: Mapping[str, Mapping[str, str]] | None = None
    dates: str | Mapping[str, str] | None = None
    units: Mapping[str, str] | None = None
    gaps: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()

    def dates_of(self, name: str) -> str | None:
        """What was said on how a column's dates are written."""
        return self.dates if self.dates is None or isinstance(self.dates, str) else self.dates.get(name)


def is_text(series: polars.Series) -> bool:
    """Whether a column holds text that still has to be read."""
    return str(series.dtype) in ("String", "Utf8")


def are_coded(values: polars.Series) -> bool:
    """Whether text that may be numbers holds codes, see `coded_by`."""
    return bool(coded_by(values))


def coded_by(values: polars.Series) -> str:
    """What makes codes of text that may be numbers, in words; empty: they are none.

    Leading zeros; an e between digits as in 12E5 and 2E50; telephone numbers; versions. A power of ten that is written by a
    program has a point or a sign somewhere; codes among digits are all of one length.
    """
    if values.str.contains(LEADING_ZERO).any():
        return "leading zeros"
    if not len(values):
        return ""
    if re.match(TELEPHONE, values[0]) and values.str.contains(TELEPHONE).all():
        return "a plus before them, as telephone numbers have"
    if re.match(VERSION, values[0]) and _are_versions(values):
        return "points that separate counts, as versions have (after 1.9 comes 1.10)"
    has_e = values.str.contains(WITH_E)
    if not has_e.any() or not values.str.contains(rf"{WITH_E}|^\d+$").all():
        return ""
    is_odd = values.str.contains(_ODD_E).any() or (not has_e.all() and values.str.len_chars().n_unique() == 1)
    return "an e between them" if is_odd else ""


def _are_versions(values: polars.Series) -> bool:
    """Whether what follows the point counts beyond 9 with hardly a gap, as 1.8, 1.9, 1.10, 1.11 do: of numbers none ends in 0."""
    if not values.str.contains(r"^\d+\.[1-9]0$").any() or not values.str.contains(VERSION).all():
        return False
    parts = values.unique().str.split(".")
    counts = {int(count) for count in parts.list.last()}
    is_dense = len(counts) >= max(FEW_COUNTS, 0.8 * (max(counts) - min(counts) + 1))
    return min(counts) < 10 and is_dense and bool((parts.list.first() != "0").any())


def is_unreadable(series: polars.Series) -> bool:
    """Whether its type holds neither text, nor numbers, nor dates: lists, structures, bytes, types that others have added."""
    return series.dtype.is_nested() or str(series.dtype) in ("Binary", "Object") or is_added_type(series.dtype)


def is_added_type(dtype: polars.DataType) -> bool:
    """Whether it is none of Parquet's own, but one that others have added, such as the periods of pandas."""
    return str(dtype).startswith("Extension")


def type_name(dtype: polars.DataType) -> str:
    """What a type is called in a message."""
    return str(dtype.ext_name()) if is_added_type(dtype) else str(dtype)


def is_duration(series: polars.Series) -> bool:
    """Whether a column holds lengths of time, or times of the day, by its type: they are numbers of seconds."""
    return str(series.dtype).startswith("Duration") or str(series.dtype) == "Time"


def is_labelled(series: polars.Series) -> bool:
    """Whether the file itself says that the column holds categories."""
    return str(series.dtype).startswith(("Categorical", "Enum"))


def mend(series: polars.Series, reading: Reading) -> polars.Series:
    """The column with `replace` applied and its words for "no value" made null; categories of a file are text."""
    if is_labelled(series):
        series = series.cast(polars.String)
    replacements = (reading.replace or {}).get(name_of(series))
    if replacements:
        series = _replaced(series, replacements, reading)
    if series.dtype.is_float():
        series = series.fill_nan(None)
    if not is_text(series) and reading.missing == USUAL_MISSING:
        return series
    missing = holds(series, ("", *reading.missing), reading)
    return series.set(missing, None) if missing.any() else series


def first_values(series: polars.Series, reading: Reading) -> polars.Series:
    """The values of the first 10,000 rows; where those hold none, the first 10,000 values."""
    sample = mend(series.head(SAMPLE_ROWS), reading).drop_nulls()
    if len(sample) or len(series) <= SAMPLE_ROWS:
        return sample
    return mend(series, reading).drop_nulls().head(SAMPLE_ROWS)


def _replaced(series: polars.Series, replacements: Mapping[str, str], reading: Reading) -> polars.Series:
    texts = text_of(series)
    mended = texts.replace(dict(replacements))
    numbers = [word for word in replacements if word_numbers((word,), reading)]
    if numbers:
        is_done = texts.is_in(list(replacements)).fill_null(False)
        for word in numbers:
            mended = mended.set(holds(series, (word,), reading) & ~is_done, replacements[word])
    return mended


def holds(series: polars.Series, words: tuple[str, ...], reading: Reading) -> polars.Series:
    """Boolean [rows]: whether a cell is one of the words; by value where both are numbers (`-200`, `-200.0`), else by text.

    Digits with leading zeros are codes, which only their own text is.
    """
    numbers = word_numbers(words, reading)
    if is_text(series):
        if len(series) <= FEW_ROWS and not numbers:
            among = frozenset(words)
            return polars.Series([cell in among for cell in series.to_list()], dtype=polars.Boolean)
        found = series.is_in(list(words)).fill_null(False)
        if numbers:
            is_same = polars.Series(np.isin(to_numbers(series, reading), numbers))
            found |= is_same & ~series.str.contains(LEADING_ZERO).fill_null(False)
        return found
    if series.dtype.is_integer():
        whole = [int(number) for number in numbers if number == int(number)]
        return series.is_in(
            polars.Series(whole, dtype=polars.Int128).cast(series.dtype, strict=False).drop_nulls().to_list()
        ).fill_null(False)
    if series.dtype.is_numeric():
        numbers = [*numbers, *(float(word) for word in words if word in ("inf", "-inf"))]
        values = np.asarray(numbers, np.float32 if str(series.dtype) == "Float32" else np.float64)
        return polars.Series(np.isin(to_numbers(series, reading), values.astype(np.float64)))
    if is_unreadable(series) or str(series.dtype) == "Null":
        return polars.Series(np.zeros(len(series), bool))
    if str(series.dtype).startswith("Date"):  # 1900-01-01 is midnight of that day, a T or fractions of a second do not matter
        bare = [re.sub(MIDNIGHT, "", word.replace("T", " ")) for word in words]
        return text_of(series).str.replace(MIDNIGHT, "").is_in(bare).fill_null(False)
    return text_of(series).is_in(list(words)).fill_null(False)


def word_numbers(words: tuple[str, ...], reading: Reading) -> list[float]:
    """Those of the words that are numbers, as the table writes numbers or as YAML does."""
    return [] if words == USUAL_MISSING else list(_word_numbers(words, reading.decimal, reading.thousands))


@lru_cache(maxsize=256)
def _word_numbers(words: tuple[str, ...], decimal: str, thousands: str | None) -> tuple[float, ...]:
    texts = [word for word in words if not re.match(LEADING_ZERO, word)]
    values = to_numbers(polars.Series(texts, dtype=polars.String), Reading((), decimal, thousands)).tolist()
    read = [
        value if math.isfinite(value) else float(word) if is_number(word) else None
        for word, value in zip(texts, values, strict=True)
    ]
    return tuple(value for value in read if value is not None)


def has_text(series: polars.Series) -> bool:
    """Whether each value of a column can be written as one text: lists, records and bytes cannot."""
    return not series.dtype.is_nested() and str(series.dtype) not in ("Binary", "Object")


def text_of(series: polars.Series) -> polars.Series:
    """The column as text: whole numbers without a decimal point, booleans as `true` and `false`."""
    if is_text(series):
        return series
    if series.dtype.is_float():
        whole = series.is_null() | (series.is_finite() & (series == series.round(0)) & (series.abs() < 2**53))
        if whole.fill_null(True).all():
            return series.cast(polars.Int64, strict=False).cast(polars.String)
    if str(series.dtype).startswith("Duration"):
        return series.dt.to_string("iso")
    return series.cast(polars.String)


def to_numbers(series: polars.Series, reading: Reading) -> NDArray[np.float64]:
    """Float64, NaN where there is no value or none that is a number; seconds of durations and of times of the day.

    Args:
        series: as `mend` returns it.
        reading: decimal and thousands signs.
    """
    if is_text(series):
        numbers = _from_text(series, reading)
        if numbers.null_count() > series.null_count():
            numbers = _from_units(series, numbers, reading)
        series = numbers
    elif is_duration(series) and (reading.units or {}).get(name_of(series)) == AS_PAIRS:
        return np.full(len(series), np.nan)  # `2:03` may be hours and minutes or minutes and seconds
    elif str(series.dtype).startswith("Duration"):
        series = series.dt.total_microseconds() / 1e6
    elif str(series.dtype) == "Time":
        series = series.cast(polars.Int64) / 1e9
    elif series.dtype.is_temporal():
        return np.full(len(series), np.nan)
    numbers = series if str(series.dtype) == "Float64" else series.cast(polars.Float64, strict=False)
    if numbers.null_count():
        numbers = numbers.fill_null(float("nan"))
    array: NDArray[np.float64] = numbers.to_numpy(writable=True)
    return array


def _from_units(series: polars.Series, numbers: polars.Series, reading: Reading) -> polars.Series:
    """Numbers of text that is more than digits: with a unit, or a length of time."""
    if not series.filter(numbers.is_null()).str.contains("[0-9]").any():
        return numbers  # words alone, found at a fraction of the cost
    unit = None if reading.units is None else reading.units.get(name_of(series), "")
    if unit in TIMES:
        return seconds_of(series, unit)
    if unit in MEASURES:
        return in_one_unit(series, unit)
    plain = without_unit(series, unit)
    numbers = numbers if plain is series else _from_text(plain, reading)
    if unit is None and numbers.null_count() == len(numbers) and are_durations(series):
        return to_seconds(series)
    return numbers


def find_units(frame: polars.DataFrame, reading: Reading, labels: Collection[str] = (), words: Collection[str] = ()) -> Reading:
    """The reading with what the numbers of each text column are written with, by its `first_values`.

    Args:
        frame: raw columns.
        reading: signs and words.
        labels: columns that may hold names of classes.
        words: those that do, or are no numbers for another reason.
    """
    units: dict[str, str] = {}
    for column in frame.get_columns():
        if is_duration(column) and column.name not in words:  # later rows may be text
            units[column.name] = AS_TRIPLES
        if not is_text(column) or column.name in words:
            continue
        sample = first_values(column.alias(marked(column.name)), reading)
        if column.name in reading.gaps:
            sample = _most_alike(sample, reading)
        if not len(sample) or not _from_text(sample, reading).null_count() or not sample.str.contains("[0-9]").all():
            continue
        unit = find_unit(sample, as_labels=column.name in labels)
        if unit:
            found = replace(reading, units={column.name: unit})
            units |= {} if np.isnan(to_numbers(sample, found)).any() else {column.name: unit}
    return replace(reading, units=units)


def _most_alike(sample: polars.Series, reading: Reading) -> polars.Series:
    """Those of a column's values that are numbers, by the way of writing that most have: bare ones, or with one of the units."""
    readings = [replace(reading, units={name_of(sample): unit}) for unit in ("", *units_among(sample))]
    are_read = [np.isfinite(to_numbers(sample, found)) for found in readings]
    return sample.filter(max(are_read, key=lambda found: int(found.sum())))


def _from_text(series: polars.Series, reading: Reading) -> polars.Series:
    if reading.thousands:
        series = _ungrouped(series, reading)
    if reading.decimal != ".":
        series = series.str.replace(reading.decimal, ".", literal=True)
    return series.cast(polars.Float64, strict=False)


def _ungrouped(series: polars.Series, reading: Reading) -> polars.Series:
    """Numbers without the sign between their thousands; what is not grouped as `grouped` says is no such number.

    A point is no decimal sign where it stands between thousands: `7.25` is no number there, as `7.925` is 7,925.
    """
    sign, decimal = re.escape(reading.thousands or ""), re.escape(reading.decimal)
    is_grouped = series.str.contains(rf"^[-+]?(?:{grouped(sign)})(?:{decimal}\d*)?(?:e\d+)?$").fill_null(False)
    bare = series.str.replace_all(reading.thousands or "", "", literal=True)
    rest = polars.when(series.str.contains(".", literal=True)).then(None).otherwise(series) if sign == r"\." else series
    return polars.select(polars.when(is_grouped).then(bare).otherwise(rest).alias(series.name)).to_series()


def read_numbers(series: polars.Series, reading: Reading) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Numbers of a column that need not be mended yet, and the rows that hold something else.

    Looks up the words for "no value" only where no number was found.
    """
    has_words = bool((reading.replace or {}).get(name_of(series))) or bool(word_numbers(reading.missing, reading))
    if str(series.dtype) == "Float64" and not has_words:
        numbers = to_numbers(series, reading)
        return numbers, np.flatnonzero(np.isinf(numbers))
    words = ["", *reading.missing]
    if not is_text(series) or has_words:
        series = mend(series, reading)
        numbers = to_numbers(series, reading)
        return numbers, unreadable(series, numbers)
    numbers = to_numbers(series, reading)
    odd = np.flatnonzero(~np.isfinite(numbers))
    if not len(odd):
        return numbers, odd
    texts = series.gather(odd)
    missing = (texts.is_null() | texts.is_in(words)).to_numpy()
    numbers[odd[missing]] = np.nan
    return numbers, odd[~missing]


def is_number(text: str) -> bool:
    """Whether a word is a finite number."""
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def to_booleans(series: polars.Series) -> NDArray[np.float64]:
    """1 and 0, NaN where there is no value or none that is `true`, `false`, 1 or 0."""
    if is_text(series):
        words = {**BOOLEANS, "1": 1.0, "0": 0.0, "1.0": 1.0, "0.0": 0.0}
        series = series.str.to_lowercase().replace_strict(words, default=None, return_dtype=polars.Float64)
    numbers = series.cast(polars.Float64, strict=False)
    numbers = numbers.set((numbers != 0) & (numbers != 1), None)
    array: NDArray[np.float64] = numbers.fill_null(float("nan")).to_numpy(writable=True)
    return array


def unreadable(series: polars.Series, values: Any) -> NDArray[np.int64]:
    """Rows that hold something, of which nothing was made: `values` is NaN or null there, or infinite."""
    if isinstance(values, np.ndarray):
        bad = ~np.isfinite(values)
        if not bad.any():
            return np.zeros(0, np.int64)
        return np.flatnonzero(bad & series.is_not_null().to_numpy())
    return np.flatnonzero(values.is_null().to_numpy() & series.is_not_null().to_numpy())
