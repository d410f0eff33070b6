"""The kind of a column - number, category, boolean, date, free text, picture - told from its type, its values and its name."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dltrain.config.catalog.date_formats import DATE_ORDERS, EPOCHS, NO_DATES, split_writing
from dltrain.data.columns.dates.durations import are_durations
from dltrain.data.columns.dates.finding import Writing, find_compact_writing, find_digits_of_times, find_writing, zoned
from dltrain.data.columns.dates.reading import is_digits, to_dates
from dltrain.data.columns.reading import (
    BOOLEANS,
    OF_TYPE,
    SAMPLE_ROWS,
    Reading,
    are_coded,
    first_values,
    is_duration,
    is_labelled,
    is_text,
    mend,
    read_numbers,
    text_of,
    to_numbers,
    type_name,
)
from dltrain.data.tables.cells_apart import lists_as_text, several_in_cells
from dltrain.data.tables.column_names import name_of
from dltrain.errors import DataError
from dltrain.later import polars

KINDS = ("number", "category", "boolean", "date", "text", "image")
NAMES_OF_PICTURES = "names of picture files; the kind `image` reads them"
PICTURE_NAME = r"(?i)\S\.(jpe?g|png|webp|bmp|gif|tiff?)$"
COUNTERS = ("unnamed", "index", "idx", "order", "instant", "row")
# What other programs call a number of the row, written in many ways ("S. No.", "sr_no"); signs are left out for the comparison.
ROW_NUMBERS = (
    "no", "nr", "obs", "rowid", "rowno", "rownum", "serial", "serialno", "slno", "sno", "srno", "recno", "lfdnr", "number", "num",
    "nummer", "seq", "seqno", "seqnr", "recordno", "lineno", "caseno", "obsno",
)  # fmt: skip
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
MANY_UNSPACED = 0.2  # of the texts
LONG = 60
LONG_TEXT = "long text"


@dataclass(frozen=True, slots=True)
class ColumnKind:
    """A column's kind, how its dates are written, why it is no feature by itself (empty: it is one), and what was guessed."""

    kind: str
    date_format: str | None = None
    left_out: str = ""
    note: str = ""


def infer_kind(series: polars.Series, reading: Reading) -> ColumnKind:
    """The kind of a column, from the first 10,000 rows (all rows where those hold no value).

    Digits with leading zeros are codes, so a category. Text whose values nearly all differ, and whole numbers that are called
    an id or index and differ in every row, are no features unless asked for.
    """
    if name_of(series) in reading.gaps:
        return ColumnKind("number")
    if series.dtype.is_float() and len(series) and not series.null_count() and np.isfinite(series.to_numpy()).all():
        return _kind_of_type(series, reading)
    sample = first_values(series, reading)
    if not len(sample):
        return ColumnKind("category", left_out="empty")
    date = _said_date(series, sample, reading) or _compact_date(series, sample, reading)
    if date:
        return date
    if is_labelled(series) or not is_text(sample):
        return _kind_of_type(series, reading)
    if sample.str.to_lowercase().is_in(list(BOOLEANS)).all():
        return ColumnKind("boolean")
    is_code = are_coded(sample) and not are_durations(sample)
    if not is_code and not np.isnan(to_numbers(sample, reading)).any():
        return ColumnKind("number", left_out=_row_name(series, reading))
    written = date_writing(series, sample, reading)
    if written:
        return ColumnKind("date", written.text, _index_reason(sample), written.note)
    return _kind_of_text(sample)


def _compact_date(series: polars.Series, sample: polars.Series, reading: Reading) -> ColumnKind | None:
    """The kind of a column of dates without signs between their parts, such as 20200131; None: it holds others."""
    wanted = reading.dates_of(name_of(series))
    if wanted == NO_DATES or not (is_text(sample) or sample.dtype.is_integer()):
        return None
    compact = _by_all(lambda values: find_compact_writing(values, wanted), series, sample, reading)
    return ColumnKind("date", compact.text, _index_reason(sample), compact.note) if compact else None


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
        raise DataError(message, path="data.dates", hint=hint)
    return ColumnKind("date", found.text, note=found.note) if found else kind


def _said_date(series: polars.Series, sample: polars.Series, reading: Reading) -> ColumnKind | None:
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
    written = _by_all(lambda values: zoned(values, said), series, sample, reading)
    return ColumnKind("date", written.text, note=written.note) if written else None


def date_writing(series: polars.Series, sample: polars.Series, reading: Reading) -> Writing | None:
    """How a column's dates are written, by its first values, or by all where those leave something open."""
    said = reading.dates_of(name_of(series))
    if said == NO_DATES:
        return None
    if said is None or said in DATE_ORDERS or isinstance(reading.dates, str):
        wanted = said if said in DATE_ORDERS else None
        return _by_all(lambda values: find_writing(values, wanted), series, sample, reading)
    return _by_all(lambda values: zoned(values, said), series, sample, reading)


def is_open(note: str, writing: str | None) -> bool:
    """Whether further values may tell more of how a column's dates are written: something was guessed, or offsets may change."""
    return bool(note) or ("%z" in (writing or "").casefold())


def _by_all(
    find: Callable[[polars.Series], Writing | None], series: polars.Series, sample: polars.Series, reading: Reading
) -> Writing | None:
    """What is found in the first values; in all, if that leaves something open and all are dates."""
    written = find(sample)
    if written and is_open(written.note, written.text) and len(series) > SAMPLE_ROWS:
        return find(mend(series, reading).drop_nulls()) or written
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
    return ColumnKind(
        "text",
        left_out=several_in_cells(series) or OF_TYPE + type_name(dtype),
    )


def _kind_of_text(sample: polars.Series) -> ColumnKind:
    if sample.str.contains(PICTURE_NAME).all():
        return ColumnKind("text", left_out=NAMES_OF_PICTURES)
    if reason := lists_as_text(sample):
        return ColumnKind("text", left_out=reason)
    different = sample.n_unique()
    mean_length = float(sample.str.len_chars().mean())
    if different > FEW and is_prose(sample) and (different > MOSTLY_DIFFERENT * len(sample) or mean_length > LONG):
        return ColumnKind("text")
    if different > FEW and different > MOSTLY_DIFFERENT * len(sample):
        share = "all" if different == len(sample) else f"{different:,} of {len(sample):,}"
        return ColumnKind("text", left_out=f"text, {share} different")
    if different > FEW and mean_length > LONG:
        return ColumnKind("text", left_out=LONG_TEXT)
    return ColumnKind("category", left_out=_index_reason(sample))


def is_unspaced(texts: polars.Series) -> bool:
    """Whether many texts are of scripts that put no blanks between words (Chinese, Japanese, Thai and others).

    That is, they make up most of the characters, or a fifth of the texts: a line of Chinese is short beside one of English.
    """
    num_characters = int(texts.str.len_chars().sum() or 0)
    if not num_characters:
        return False
    most = int(texts.str.count_matches(UNSPACED).sum() or 0) > 0.5 * num_characters
    return most or float(_are_unspaced(texts).mean() or 0) >= MANY_UNSPACED


def _are_unspaced(texts: polars.Series) -> polars.Series:
    """Of each text, whether most of its characters are of such a script; null where it is missing."""
    return texts.str.count_matches(UNSPACED) > 0.5 * texts.str.len_chars()


def is_prose(sample: polars.Series) -> bool:
    """Whether the values are sentences rather than names, by the mean length of those of the commoner kind of script."""
    characters, words = PROSE
    unspaced = _are_unspaced(sample).fill_null(False)
    if float(unspaced.mean() or 0) > 0.5:
        return float(sample.filter(unspaced).str.len_chars().mean() or 0) >= UNSPACED_PROSE
    others = sample.filter(~unspaced)
    lengths, blanks = others.str.len_chars().mean(), others.str.count_matches(r"\s+").mean()
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


def kind_counts(kinds: Sequence[str]) -> str:
    """`6 numbers, 8 categories`."""
    plural = {"category": "categories", **{kind: f"{kind}s" for kind in KINDS if kind != "category"}}
    counts = [(kind, kinds.count(kind)) for kind in KINDS if kind in kinds]
    return ", ".join(f"{count} {kind if count == 1 else plural[kind]}" for kind, count in counts)
