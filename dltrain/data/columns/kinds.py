"""What a column holds - numbers, categories, booleans, dates, free text - and its text turned into such values."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dltrain.config.catalog.date_formats import DATE_ORDERS, EPOCHS, NO_DATES, split_writing
from dltrain.data.columns.dates import (
    Writing,
    find_compact_writing,
    find_digits_of_times,
    find_writing,
    is_digits,
    to_dates,
    zoned,
)
from dltrain.data.columns.durations import are_durations, to_seconds
from dltrain.data.columns.number_signs import grouped
from dltrain.data.columns.units import AS_PAIRS, TIMES, find_unit, seconds_of, without_unit
from dltrain.data.tables.column_names import marked, name_of
from dltrain.errors import DataError, Fault

if TYPE_CHECKING:
    import polars

KINDS = ("number", "category", "boolean", "date", "text", "image")
SAMPLE_ROWS = 10_000
PICTURE_NAME = r"(?i)\S\.(jpe?g|png|webp|bmp|gif|tiff?)$"
# pandas' words for "no value", the question mark of the UCI repository, the point of SAS and Stata, the errors of spreadsheets,
# what databases write.
USUAL_MISSING = (
    "?", ".", "NA", "N/A", "n/a", "NaN", "nan", "-NaN", "-nan", "NULL", "Null", "null", "None", "<NA>",
    "#N/A", "#N/A N/A", "#NA", "1.#IND", "-1.#IND", "1.#QNAN", "-1.#QNAN",
    "#DIV/0!", "#VALUE!", "#REF!", "#NUM!", "#NAME?", "#NULL!", "#NV", "#WERT!", "#BEZUG!", "#ZAHL!", "#VALEUR!", "#NOMBRE!",
    "NaT", "\\N", "0000-00-00", "0000-00-00 00:00:00",
)  # fmt: skip
OF_TYPE = "values of type "
# Digits with leading zeros are codes, not numbers.
LEADING_ZERO = r"^[+-]?0\d"
# What is left of a time of the day without saying anything.
MIDNIGHT = r"( 00:00:00)?(\.0+)?$"
BOOLEANS = {"true": 1.0, "false": 0.0}
COUNTERS = ("unnamed", "index", "idx", "order", "instant", "row")
# What other programs call a number of the row, written in many ways ("S. No.", "sr_no"); signs are left out for the comparison.
ROW_NUMBERS = ("no", "nr", "obs", "rowid", "rowno", "rownum", "serial", "serialno", "slno", "sno", "srno", "recno", "lfdnr")
# A column without a name, as it is read here, by pandas and in pandas' Parquet files; and an index that was made a column
# (`...1` by R).
UNNAMED = re.compile(r"(?i)|unnamed(_\d+|: ?\d+)(_level_\d+|\.\d+)?|__index_level_\d+__")
INDEX = re.compile(r"(?i)index|level_\d+|row_?names|rn|#|\.\.\.\d+")
INDEX_REASON = "the index of a table that was exported"
MOSTLY_DIFFERENT = 0.5
SEVERAL_COUNTS = 0.3  # different values among the rows of some tables that were put one below the other, each with its count
FEW, MANY = 10, 50
# Text of so many characters and words on average is prose, from which can be learned; shorter text is names.
PROSE = (40, 5)
# Scripts that put no blanks between words.
UNSPACED = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tibetan}]"
# The same of a script without blanks between words, whose words are of about two characters.
UNSPACED_PROSE = 10
LONG = 60


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
    """

    missing: tuple[str, ...] = USUAL_MISSING
    decimal: str = "."
    thousands: str | None = None
    replace: Mapping[str, Mapping[str, str]] | None = None
    dates: str | Mapping[str, str] | None = None
    units: Mapping[str, str] | None = None

    def dates_of(self, name: str) -> str | None:
        """What was said on how a column's dates are written."""
        return self.dates if self.dates is None or isinstance(self.dates, str) else self.dates.get(name)


@dataclass(frozen=True, slots=True)
class ColumnKind:
    """A column's kind, how its dates are written, why it is no feature by itself (empty: it is one), and what was guessed."""

    kind: str
    date_format: str | None = None
    left_out: str = ""
    note: str = ""


def is_text(series: polars.Series) -> bool:
    """Whether a column holds text that still has to be read."""
    return str(series.dtype) in ("String", "Utf8")


def is_unreadable(series: polars.Series) -> bool:
    """Whether its type holds neither text, nor numbers, nor dates: lists, structures, bytes."""
    return series.dtype.is_nested() or str(series.dtype) in ("Binary", "Object")


def is_duration(series: polars.Series) -> bool:
    """Whether a column holds lengths of time, or times of the day, by its type: they are numbers of seconds."""
    return str(series.dtype).startswith("Duration") or str(series.dtype) == "Time"


def is_labelled(series: polars.Series) -> bool:
    """Whether the file itself says that the column holds categories."""
    return str(series.dtype).startswith(("Categorical", "Enum"))


def mend(series: polars.Series, reading: Reading) -> polars.Series:
    """The column with `replace` applied and its words for "no value" made null; categories of a file are text."""
    import polars

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
    import polars

    numbers = word_numbers(words, reading)
    if is_text(series):
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
    import polars

    texts = [word for word in words if not re.match(LEADING_ZERO, word)]
    values = to_numbers(polars.Series(texts, dtype=polars.String), Reading((), decimal, thousands)).tolist()
    read = [
        value if math.isfinite(value) else float(word) if is_number(word) else None
        for word, value in zip(texts, values, strict=True)
    ]
    return tuple(value for value in read if value is not None)


def text_of(series: polars.Series) -> polars.Series:
    """The column as text: whole numbers without a decimal point, booleans as `true` and `false`."""
    import polars

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
    import polars

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
    plain = without_unit(series, unit)
    numbers = numbers if plain is series else _from_text(plain, reading)
    if unit is None and numbers.null_count() == len(numbers) and are_durations(series):
        return to_seconds(series)
    return numbers


def find_units(frame: polars.DataFrame, reading: Reading, labels: Collection[str] = (), words: Collection[str] = ()) -> Reading:
    """The reading with what the numbers of each text column are written with, by its first 10,000 rows.

    Args:
        frame: raw columns.
        reading: signs and words.
        labels: columns that may hold names of classes.
        words: those that do, or are no numbers for another reason.
    """
    units: dict[str, str] = {}
    for column in frame.get_columns():
        if not is_text(column) or column.name in words:
            continue
        sample = mend(column.head(SAMPLE_ROWS).alias(marked(column.name)), reading).drop_nulls()
        if not len(sample) or not _from_text(sample, reading).null_count() or not sample.str.contains("[0-9]").all():
            continue
        unit = find_unit(sample, as_labels=column.name in labels)
        if unit:
            found = replace(reading, units={column.name: unit})
            units |= {} if np.isnan(to_numbers(sample, found)).any() else {column.name: unit}
    return replace(reading, units=units)


def _from_text(series: polars.Series, reading: Reading) -> polars.Series:
    import polars

    if reading.thousands:
        series = _ungrouped(series, reading)
    if reading.decimal != ".":
        series = series.str.replace(reading.decimal, ".", literal=True)
    return series.cast(polars.Float64, strict=False)


def _ungrouped(series: polars.Series, reading: Reading) -> polars.Series:
    """Numbers without the sign between their thousands; what is not grouped as `grouped` says is no such number."""
    import polars

    sign, decimal = re.escape(reading.thousands or ""), re.escape(reading.decimal)
    is_grouped = series.str.contains(rf"^[-+]?(?:{grouped(sign)})(?:{decimal}\d*)?$").fill_null(False)
    bare = series.str.replace_all(reading.thousands or "", "", literal=True)
    return polars.select(polars.when(is_grouped).then(bare).otherwise(series).alias(series.name)).to_series()


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
    import polars

    if is_text(series):
        words = {**BOOLEANS, "1": 1.0, "0": 0.0, "1.0": 1.0, "0.0": 0.0}
        series = series.str.to_lowercase().replace_strict(words, default=None, return_dtype=polars.Float64)
    numbers = series.cast(polars.Float64, strict=False)
    numbers = numbers.set((numbers != 0) & (numbers != 1), None)
    array: NDArray[np.float64] = numbers.fill_null(float("nan")).to_numpy(writable=True)
    return array


def infer_kind(series: polars.Series, reading: Reading) -> ColumnKind:
    """The kind of a column, from the first 10,000 rows (all rows where those hold no value).

    Digits with leading zeros are codes, so a category. Text whose values nearly all differ, and whole numbers that are called
    an id or index and differ in every row, are no features unless asked for.
    """
    if series.dtype.is_float() and len(series) and not series.null_count() and np.isfinite(series.to_numpy()).all():
        return _kind_of_type(series, reading)
    sample = mend(series.head(SAMPLE_ROWS), reading).drop_nulls()
    if not len(sample):
        sample = mend(series, reading).drop_nulls().head(SAMPLE_ROWS)
    if not len(sample):
        return ColumnKind("category", left_out="empty")
    said = _said_date(sample, reading)
    if said:
        return said
    if (is_text(sample) or sample.dtype.is_integer()) and reading.dates_of(name_of(series)) != NO_DATES:
        compact = find_compact_writing(sample, reading.dates_of(name_of(series)))
        if compact:
            return ColumnKind("date", compact.text, _index_reason(sample), compact.note)
    if is_labelled(series) or not is_text(sample):
        return _kind_of_type(series, reading)
    if sample.str.to_lowercase().is_in(list(BOOLEANS)).all():
        return ColumnKind("boolean")
    has_leading_zero = sample.str.contains(LEADING_ZERO).any() and not are_durations(sample)
    if not has_leading_zero and not np.isnan(to_numbers(sample, reading)).any():
        return ColumnKind("number", left_out=_row_name(series, reading))
    written = date_writing(series, sample, reading)
    if written:
        return ColumnKind("date", written.text, _index_reason(sample), written.note)
    return _kind_of_text(sample)


def infer_time(series: polars.Series, reading: Reading) -> ColumnKind:
    """The kind of a column that is asked for times: as `infer_kind`, and digits such as 201410 and 311298 are dates.

    Raises:
        DataError: digits that are dates of several writings, of which nothing tells which it is.
    """
    said = reading.dates_of(name_of(series))
    if said is not None and split_writing(said)[0] in EPOCHS:
        return ColumnKind("date", said)
    kind = infer_kind(series, reading)
    if kind.kind == "date" or said == NO_DATES or not (is_text(series) or series.dtype.is_numeric()):
        return kind
    values = mend(series, reading).drop_nulls()
    found = find_digits_of_times(values, said) if len(values) else None
    if isinstance(found, list):
        name = name_of(series)
        message = f"the times of the column {name} are digits such as {text_of(values.head(1))[0]}, "
        message += f"which may be dates written {' or '.join(found)}, and nothing tells which"
        hint = f'say data.dates: {{{name}: "{found[0]}"}}, or {{{name}: number}} where they are numbers'
        raise DataError(Fault(message, path="data.dates", hint=hint))
    return ColumnKind("date", found.text, note=found.note) if found else kind


def _said_date(sample: polars.Series, reading: Reading) -> ColumnKind | None:
    """A column whose dates are written as the config says: named there, or such that the format for all reads it."""
    said = reading.dates_of(name_of(sample))
    if said is None or said in (*DATE_ORDERS, NO_DATES) or sample.dtype.is_temporal():
        return None
    if isinstance(reading.dates, str):  # what is said of all columns is not said of those that hold numbers
        date_format = split_writing(said)[0] or ""
        if not is_text(sample) or date_format in EPOCHS or to_dates(sample, said, with_iso=False).null_count():
            return None
        if is_digits(date_format) and sample.str.len_chars().min() < 5:
            return None
    written = zoned(sample, said)
    return ColumnKind("date", written.text, note=written.note)


def date_writing(series: polars.Series, sample: polars.Series, reading: Reading) -> Writing | None:
    """How a column's dates are written by its first values; all are asked where those leave open which is day and which month."""
    said = reading.dates_of(name_of(series))
    if said == NO_DATES:
        return None
    if said is not None and said not in DATE_ORDERS:
        return zoned(sample, said) if not isinstance(reading.dates, str) else find_writing(sample)
    written = find_writing(sample, said)
    if written and written.note and len(series) > SAMPLE_ROWS:
        return find_writing(mend(series, reading).drop_nulls(), said) or written
    return written


def _kind_of_type(series: polars.Series, reading: Reading) -> ColumnKind:
    dtype = series.dtype
    if str(dtype) == "Boolean":
        return ColumnKind("boolean")
    if dtype.is_numeric():
        return ColumnKind("number", left_out=_row_name(series, reading))
    if is_duration(series):
        return ColumnKind("number", left_out=_row_name(series, reading))
    if dtype.is_temporal():
        zone = getattr(dtype, "time_zone", None)
        return ColumnKind("date", f"@{zone}" if zone else None, _index_reason(series.head(SAMPLE_ROWS)))
    if is_labelled(series):
        return ColumnKind("category")
    return ColumnKind("text", left_out=OF_TYPE + str(dtype))


def _kind_of_text(sample: polars.Series) -> ColumnKind:
    if sample.str.contains(PICTURE_NAME).all():
        return ColumnKind("text", left_out="names of picture files; the kind `image` reads them")
    different = sample.n_unique()
    mean_length = float(sample.str.len_chars().mean())
    if different > FEW and is_prose(sample) and (different > MOSTLY_DIFFERENT * len(sample) or mean_length > LONG):
        return ColumnKind("text")
    if different > FEW and different > MOSTLY_DIFFERENT * len(sample):
        share = "all" if different == len(sample) else f"{different:,} of {len(sample):,}"
        return ColumnKind("text", left_out=f"text, {share} different")
    if different > FEW and mean_length > LONG:
        return ColumnKind("text", left_out="long text")
    return ColumnKind("category", left_out=_index_reason(sample))


def is_unspaced(texts: polars.Series) -> bool:
    """Whether most characters are of scripts that put no blanks between words (Chinese, Japanese, Thai and others)."""
    num_characters = int(texts.str.len_chars().sum() or 0)
    return num_characters > 0 and int(texts.str.count_matches(UNSPACED).sum() or 0) > 0.5 * num_characters


def is_prose(sample: polars.Series) -> bool:
    """Whether the values are sentences rather than names, by their mean length."""
    characters, words = PROSE
    if is_unspaced(sample):
        return float(sample.str.len_chars().mean() or 0) >= UNSPACED_PROSE
    lengths, blanks = sample.str.len_chars().mean(), sample.str.count_matches(r"\s+").mean()
    return float(lengths or 0) >= characters and float(blanks or 0) + 1 >= words


def _row_name(series: polars.Series, reading: Reading) -> str:
    """Why a number column only names the rows, or an empty string; its name must say so as well."""
    name = name_of(series)
    is_index = bool(UNNAMED.fullmatch(name) or INDEX.fullmatch(name))
    is_called_id = name.casefold() in ("id", "pid", "uuid") or name.endswith(("ID", "Id", "_id"))
    counts_by_name = name.casefold().startswith(COUNTERS) or re.sub(r"[\W_]", "", name.casefold()) in ROW_NUMBERS
    if not is_index and not is_called_id and not counts_by_name:
        return ""
    numbers, _ = read_numbers(series.head(100), reading)
    if not _are_whole(numbers) and not UNNAMED.fullmatch(name):
        return ""
    numbers, _ = read_numbers(series, reading)
    if len(numbers) < 3 or np.isnan(numbers).any():
        return ""
    different = len(np.unique(numbers))
    if not _are_whole(numbers):
        return INDEX_REASON if UNNAMED.fullmatch(name) and different == len(numbers) else ""
    if bool((np.diff(numbers) == 1).all()) and numbers[0] in (0, 1):
        return "counts the rows"
    if is_index and (different == len(numbers) or (len(numbers) > MANY and different >= SEVERAL_COUNTS * len(numbers))):
        return INDEX_REASON
    if counts_by_name and different == len(numbers) and numbers.min() in (0, 1) and np.ptp(numbers) == len(numbers) - 1:
        return "counts the rows, in another order"
    return "names the rows" if is_called_id and len(numbers) > FEW and different == len(numbers) else ""


def _are_whole(numbers: NDArray[np.float64]) -> bool:
    return bool((numbers == np.floor(numbers)).all())


def _index_reason(sample: polars.Series) -> str:
    """Why a column of dates or words without a name is no feature: it differs in every row, as the index of a table does."""
    is_index = UNNAMED.fullmatch(name_of(sample)) and len(sample) > 2 and sample.n_unique() == len(sample)
    return INDEX_REASON if is_index else ""


def unreadable(series: polars.Series, values: Any) -> NDArray[np.int64]:
    """Rows that hold something, of which nothing was made: `values` is NaN or null there, or infinite."""
    if isinstance(values, np.ndarray):
        bad = ~np.isfinite(values)
        if not bad.any():
            return np.zeros(0, np.int64)
        return np.flatnonzero(bad & series.is_not_null().to_numpy())
    return np.flatnonzero(values.is_null().to_numpy() & series.is_not_null().to_numpy())


def kind_counts(kinds: Sequence[str]) -> str:
    """`6 numbers, 8 categories`."""
    plural = {"category": "categories", **{kind: f"{kind}s" for kind in KINDS if kind != "category"}}
    counts = [(kind, kinds.count(kind)) for kind in KINDS if kind in kinds]
    return ", ".join(f"{count} {kind if count == 1 else plural[kind]}" for kind, count in counts)
