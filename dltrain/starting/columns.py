"""The columns of a table for a first config: their kinds, gaps and oddities."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from dltrain.data.columns.dates.reading import to_dates
from dltrain.data.columns.kinds import NAMES_OF_PICTURES, ColumnKind, infer_kind
from dltrain.data.columns.reading import (
    Reading,
    are_coded,
    find_units,
    is_text,
    mend,
    read_numbers,
    text_of,
    to_booleans,
    to_numbers,
)
from dltrain.data.columns.units import is_currency
from dltrain.data.tables.column_names import column_of, name_of
from dltrain.data.tables.fitting.owners import names_rows
from dltrain.data.tables.fitting.summary import hint_left_out
from dltrain.errors import DataError, Note, warn
from dltrain.later import polars
from dltrain.parts import part_called
from dltrain.wording import counted

MOST_PARTS = 8  # names of parts in one column
SAYS_PART = "says which part a row is of"
MOST_ODD_WORDS = 3
MOST_LATE_WORDS = 20
# Up to this share, different words are read as no value among numbers, such as the seven of 2,000 ZIP codes that are foreign.
HARDLY_ANY = 0.02
MOSTLY_NUMBERS, MOSTLY_WORDED = 0.8, 0.5
_DASHES = re.compile(r"[-\u2010-\u2015\u2212]+")
MANY_NUMBERS = 20
# A number of nines alone that lies so many times farther out than any other, in some rows, stands for no value; in most rows it
# tells as much as a gap would (bank marketing's 999 days since the last call: the log loss is .1957 as it is and as a gap).
NINES = re.compile(r"9{3,}|-9{2,}")
FARTHER, FEWEST_STAND_INS = 5, 2
# `250,000+` is that or more; beside it `2,500-` is that or less, and not negative.
OR_MORE, OR_LESS = r"\d\+$", r"\d-$"
# Beside a longer text those of so many words on average are sentences as well, such as the second of a pair.
WORDS_OF_SENTENCE = 4
ONE_WORD, MOSTLY_WORDS = r"^\p{L}+(?:['\u2019.-]\p{L}*)*$", 0.9
# A molecule, which has brackets and bonds where a code has none.
FORMULA, BONDS, WITH_BONDS = r"^[A-Za-z0-9@+\-\[\]()=#/\\%.]+$", r"[(=#]", 0.3
MANY_NAMES = 50
COUNTS_ROWS = re.compile(
    r"row|column\d+|(?:row|serial|record|line|obs|observation|sample)?(?:no|nr|num|number|id|idx|index)", re.IGNORECASE
)
IS_TIME = re.compile(r"(?i)^t$|time|date|year|month|week|day|hour|minute|second|epoch|step|period|age")
# Part of a table that counted its rows has numbers of up to so many times its own.
SOME_ROWS = 4
# What a number is called that tells rows apart, such as CLIENTNUM, EmployeeNumber and account_no.
NUMBERED = re.compile(r"(?i:.*(?:num|number|nummer)|(?:.*[_\s.-])?(?:no|nr))|.*(?:No|Nr)")


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of a table.

    Attributes:
        kinds: of every column, those left out included.
        reading: how the text becomes values, with what was found out.
        numbers: values of the number columns, NaN where missing.
        missing: column -> share of rows without a value, where there are any.
        constant: columns with the same value in every row.
        odd_words: column -> words among its numbers, dates or booleans that are none, to be read as "no value".
        unreadable: columns with too many such words in late rows to name them.
        names: column -> why it only names rows although it does not look like it at once: words nearly each of which stands in a
            few rows only, or a counter of the rows in another order.
        read_as: column -> as what it is read because that tells more of the target, and why.
        present: columns whose texts are too many to learn and read as categories all the same.
        stand_ins: column -> a number that stands for no value in it, such as -999, and how many rows have it.
    """

    kinds: Mapping[str, ColumnKind]
    reading: Reading
    numbers: Mapping[str, NDArray[np.float64]]
    missing: Mapping[str, float] = field(default_factory=dict)
    constant: tuple[str, ...] = ()
    odd_words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unreadable: tuple[str, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    read_as: Mapping[str, str] = field(default_factory=dict)
    present: tuple[str, ...] = ()
    stand_ins: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def are_chosen(self) -> bool:
        """Whether the config has to name the columns, as some are read, or left out, otherwise than a fit would by itself."""
        return bool(self.read_as)

    def gaps_of(self, features: Collection[str]) -> dict[str, list[str]]:
        """The argument `data.gaps`, where any word in some of the features is no value."""
        names = [name for name in self.reading.gaps if name in features]
        return {"gaps": names} if names else {}

    def identifier(self) -> str | None:
        """The column that names the rows: left out for being different in every row, and called an id."""
        for name, kind in self.kinds.items():
            differs = kind.left_out.startswith(("counts ", "names the rows", "text, all different"))
            if differs and names_rows(name):
                return name
        return None


def count_reason(name: str, numbers: NDArray[np.float64], *, classes: bool, one_after_other: bool) -> str:
    """Why different whole numbers only count the rows: all from 0 or 1 on; or some of them, if the name says so.

    A column of another name that rises by 1 may be a time, or an amount that was tried step by step.
    """
    if len(numbers) <= MANY_NAMES or not np.isfinite(numbers).all() or numbers.min() < 0:
        return ""
    steps = np.diff(np.sort(numbers))
    if (numbers != np.floor(numbers)).any() or not steps.all():
        return ""
    is_called_so = COUNTS_ROWS.fullmatch(re.sub(r"[\W_]", "", name)) is not None
    if numbers.min() in (0, 1) and (steps == 1).all():
        if IS_TIME.search(name):
            return ""
        if not (np.diff(numbers) == 1).all() and not (np.diff(numbers) == -1).all():
            return "counts the rows, in another order"
        return "counts the rows" if classes and (one_after_other or is_called_so) else ""
    return "counts rows, of which these are some" if is_called_so and np.ptp(numbers) < SOME_ROWS * len(numbers) else ""


def study_columns(frame: polars.DataFrame, decimal: str, thousands: str | None = None) -> Columns:
    """Look at every value of every column.

    Args:
        frame: as a source reads it.
        decimal, thousands: the signs of its numbers, where it is text.
    """
    reading = find_units(frame, Reading(decimal=decimal, thousands=thousands))
    reading = _with_units_among_words(frame, reading)
    kinds: dict[str, ColumnKind] = {}
    odd: dict[str, tuple[str, ...]] = {}
    unreadable = []
    for name in frame.columns:
        kinds[name] = infer_kind(column_of(frame, name), reading)
        words = _odd_words(
            column_of(frame, name), kinds[name], replace(reading, units=reading.units if name in (reading.units or ()) else None)
        )
        if len(words) > MOST_LATE_WORDS:
            unreadable.append(name)
        elif words:
            odd[name] = words
    if odd:
        reading = replace(reading, replace={name: dict.fromkeys(words, "") for name, words in odd.items()})
        reading = find_units(frame, reading)
        kinds |= {name: infer_kind(column_of(frame, name), reading) for name in odd}
        several = [name for name, words in odd.items() if kinds[name].kind == "number" and len(words) > MOST_ODD_WORDS]
        reading = with_any_word(reading, [name for name in several if is_text(column_of(frame, name))])
        odd = {name: words for name, words in odd.items() if name not in reading.gaps}
    missing: dict[str, float] = {}
    constant: list[str] = []
    numbers: dict[str, NDArray[np.float64]] = {}
    for name in frame.columns:
        series = mend(column_of(frame, name), reading)
        if series.null_count():
            missing[name] = series.null_count() / len(series)
        elif series.n_unique() == 1:
            constant.append(name)
        if kinds[name].kind == "number" and name not in unreadable:
            numbers[name], bad = read_numbers(column_of(frame, name), reading)
            if name in reading.gaps:
                numbers[name][bad] = np.nan
                missing[name] = float(np.isnan(numbers[name]).mean())
    return Columns(kinds, reading, numbers, missing, tuple(constant), odd, tuple(unreadable))


def with_any_word(reading: Reading, names: Sequence[str]) -> Reading:
    """The reading in which any word in these columns is no value: of several different ones later rows have others."""
    replaced = {name: words for name, words in (reading.replace or {}).items() if name not in names}
    return replace(reading, replace=replaced, gaps=(*reading.gaps, *names))


def without_parts(columns: Columns, frame: polars.DataFrame, target: str) -> Columns:
    """The columns, of which one that says of each row whether it is to train or to test on is no feature."""
    kinds = dict(columns.kinds)
    for name, kind in columns.kinds.items():
        if kind.kind != "category" or kind.left_out or name == target or name in columns.missing:
            continue
        words = column_of(frame, name).unique().to_list()
        parts = {part_called(str(word)) for word in words[:MOST_PARTS]} if len(words) <= MOST_PARTS else {None}
        if None not in parts and {"train", "test"} <= parts:
            how = f"{{column: {name}}}" if "validation" in parts else f"{{column: {name}, validation: 0.2}}"
            why = f"{SAYS_PART}: `split: {how}` takes it at its word"
            kinds[name] = replace(kind, left_out=why)
    return replace(columns, kinds=kinds)


def _with_units_among_words(frame: polars.DataFrame, reading: Reading) -> Reading:
    """The reading with the units of columns in which words without a digit stand among numbers that all have one."""
    worded = []
    for name in frame.columns:
        series = column_of(frame, name)
        if is_text(series) and name not in (reading.units or {}):
            has_digits = series.str.contains("[0-9]").fill_null(False)
            if 0 < (~has_digits & series.is_not_null()).sum() < (1 - MOSTLY_WORDED) * len(series):
                worded.append(series.set(~has_digits, None).alias(name))
    found = find_units(polars.DataFrame(worded), reading) if worded else reading
    units = {name: unit for name, unit in (found.units or {}).items() if not is_currency(unit)}
    return replace(reading, units={**(reading.units or {}), **units})


def with_gaps(columns: Columns, target: str) -> Columns:
    """The columns, of whose numbers those that stand for no value, as -999 and 99999999 do, are read as none."""
    found: dict[str, tuple[int, int]] = {}
    numbers, missing, odd = dict(columns.numbers), dict(columns.missing), dict(columns.odd_words)
    replaced = dict(columns.reading.replace or {})
    for name, values in columns.numbers.items():
        number = _stand_in(values) if name != target and not columns.kinds[name].left_out else None
        if number is None:
            continue
        numbers[name] = np.where(values == number, np.nan, values)
        missing[name] = float(np.isnan(numbers[name]).mean())
        found[name] = number, int((values == number).sum())
        odd[name] = (*odd.get(name, ()), str(number))
        replaced[name] = dict.fromkeys(odd[name], "")
    reading = replace(columns.reading, replace=replaced)
    return (
        replace(columns, reading=reading, numbers=numbers, missing=missing, odd_words=odd, stand_ins=found) if found else columns
    )


def _stand_in(values: NDArray[np.float64]) -> int | None:
    """The number of nines alone, farther out than all others, that several rows have."""
    values = values[np.isfinite(values)]
    for end in (values.max(), values.min()) if len(values) else ():
        others = values[values != end]
        if end != np.floor(end) or not NINES.fullmatch(f"{end:.0f}"):
            continue
        if not FEWEST_STAND_INS <= len(values) - len(others) <= len(others):
            continue
        if len(others) and others.min() != others.max() and (others * np.sign(end)).max() * FARTHER < abs(end):
            return int(end)
    return None


def with_short_texts(columns: Columns, frame: polars.DataFrame, target: str) -> Columns:
    """The columns, of which texts of a few words are read as text beside a longer one, or where there is nothing else.

    Where these texts are single words, such as names, those are read, letter by letter.
    """
    others = {name: kind for name, kind in columns.kinds.items() if name != target}
    own = columns.identifier()
    short = [name for name, kind in others.items() if kind.left_out.startswith("text, ") and name != own]
    if any(kind.kind == "text" and not kind.left_out for kind in others.values()):
        read = [name for name in short if _mean_words(column_of(frame, name)) >= WORDS_OF_SENTENCE]
    elif any(not kind.left_out for kind in others.values()):
        read = []
    else:
        read = [name for name in short if _mean_words(column_of(frame, name)) >= 2]
        read = read or [name for name in short if are_single_words(column_of(frame, name))]
    return replace(columns, kinds={**columns.kinds, **dict.fromkeys(read, ColumnKind("text"))}) if read else columns


def _mean_words(texts: polars.Series) -> float:
    return float(texts.str.strip_chars().str.count_matches(r"\s+").mean() or 0) + 1


def are_single_words(texts: polars.Series) -> bool:
    """Whether nearly every text is one word of letters, such as a name, or a formula; what has digits is a code."""
    is_word = texts.drop_nulls().str.strip_chars().str.contains(ONE_WORD)
    return (len(is_word) > 0 and float(is_word.mean() or 0) >= MOSTLY_WORDS) or are_formulas(texts)


def are_formulas(texts: polars.Series) -> bool:
    """Whether nearly every text is a molecule as SMILES writes it, such as `CC(=O)O`: each sign, small or large, counts there."""
    words = texts.drop_nulls().str.strip_chars()
    if not len(words) or float(words.str.contains(BONDS).mean() or 0) < WITH_BONDS:
        return False
    return float(words.str.contains(FORMULA).mean() or 0) >= MOSTLY_WORDS


def with_pictures(columns: Columns, target: str) -> Columns:
    """The columns, of which the one that names picture files is read as pictures where nothing else is left to learn from."""
    others = {name: kind for name, kind in columns.kinds.items() if name != target}
    named = [name for name, kind in others.items() if kind.left_out == NAMES_OF_PICTURES]
    if len(named) != 1 or any(not kind.left_out for kind in others.values()):
        return columns
    return replace(columns, kinds={**columns.kinds, named[0]: ColumnKind("image")})


def is_dash(word: str) -> bool:
    """Whether a word is what ledgers write where there is no amount, in however many rows."""
    return _DASHES.fullmatch(word) is not None


def none_of_classes(labels: polars.Series, reading: Reading) -> list[Note]:
    """A warning on rows whose label is the word None, which is read as no value, but may be a class: no disorder, no damage."""
    if not is_text(labels) or "None" not in reading.missing:
        return []
    name, count = name_of(labels), int((labels.str.strip_chars() == "None").sum() or 0)
    if not count:
        return []
    said = f"{counted(count, 'row')} with None for {name} {'is' if count == 1 else 'are'} left out, as None is read as no value"
    return [warn(f"{said}; if it is a class, `data.replace: {{{name}: {{None: none}}}}` makes it one", "none_of_classes")]


def names_pictures(columns: Columns, name: str | None) -> bool:
    """Whether the cells of a column are names of picture files."""
    return name is not None and name in columns.kinds and columns.kinds[name].left_out == NAMES_OF_PICTURES


def check_some_column(columns: Columns, target: str, file: str) -> None:
    """There must be something to learn from; what the columns are left out for says why there is not (raises DataError)."""
    same = dict.fromkeys(columns.constant, "the same in every row")
    reasons = [(name, kind.left_out or same.get(name, "")) for name, kind in columns.kinds.items() if name != target]
    if reasons and all(reason for _, reason in reasons):
        raise DataError("no column is left to learn from", file=file, hint=hint_left_out(reasons, file))


def _odd_words(series: polars.Series, kind: ColumnKind, reading: Reading) -> tuple[str, ...]:
    """Words that keep the column from being read as what it otherwise is."""
    if series.dtype.is_float():
        return tuple(text_of(series.filter(series.is_infinite())).unique().to_list())
    if not is_text(series):
        return ()
    series = mend(series, reading)
    numbers = to_numbers(series, reading)
    if kind.kind == "date":
        is_odd = to_dates(series, kind.date_format).is_null().to_numpy()
    elif kind.kind == "boolean":
        is_odd = np.isnan(to_booleans(series))
    else:
        is_odd = ~np.isfinite(numbers)
    is_filled = series.is_not_null().to_numpy()
    is_odd &= is_filled
    if not is_odd.any():
        return ()
    if series.filter(is_odd).str.contains(OR_MORE).any():
        is_odd |= series.str.contains(OR_LESS).fill_null(False).to_numpy()
    odd = tuple(series.gather(np.flatnonzero(is_odd)).unique(maintain_order=True).to_list())
    if kind.kind not in ("category", "text"):
        return odd
    are_words = len(odd) <= MOST_ODD_WORDS and not any(re.search(r"\d", word) for word in odd)  # `no data`, however often
    share = 0.0 if all(map(is_dash, odd)) else MOSTLY_WORDED if are_words else MOSTLY_NUMBERS
    is_mostly_numbers = is_odd.sum() < (1 - share) * is_filled.sum() and len(np.unique(numbers[~is_odd])) > MANY_NUMBERS
    is_code = are_coded(series.drop_nulls())
    most = MOST_LATE_WORDS if is_odd.sum() <= HARDLY_ANY * is_filled.sum() else MOST_ODD_WORDS
    are_few = sum(re.search(rf"{OR_MORE}|{OR_LESS}", word) is None for word in odd) <= most
    return odd if is_mostly_numbers and not is_code and are_few else ()
