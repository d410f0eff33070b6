"""The columns of a table for a first config: their kinds, gaps and oddities."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

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
from dltrain.data.splits import PART_NAMES
from dltrain.data.tables.column_names import column_of
from dltrain.data.tables.fitting.summary import hint_left_out
from dltrain.errors import DataError, Fault

if TYPE_CHECKING:
    import polars

MOST_ODD_WORDS = 3
MOST_LATE_WORDS = 20
# Up to this share, different words are read as no value among numbers, such as the seven of 2,000 ZIP codes that are foreign.
HARDLY_ANY = 0.02
MOSTLY_NUMBERS, MOSTLY_WORDED = 0.8, 0.5
MANY_NUMBERS = 20
COUNTS_ROWS = re.compile(
    r"row|column\d+|(?:row|serial|record|line|obs|observation|sample)?(?:no|nr|num|number|id|idx|index)", re.IGNORECASE
)
IS_TIME = re.compile(r"(?i)^t$|time|date|year|month|week|day|hour|minute|second|epoch|step|period|age")
# Part of a table that counted its rows has numbers of up to so many times its own.
SOME_ROWS = 4
# Of words whose different ones are more than this share of the rows, next to nothing can be learnt about each.
NAMES_SHARE, MANY_NAMES = 0.2, 50
NAMES_ROWS = re.compile(r"(?:.*[_\s.-])?(?:id|pid|uuid|guid|key)", re.IGNORECASE)


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
        codes: column -> why its whole numbers are read as categories.
    """

    kinds: Mapping[str, ColumnKind]
    reading: Reading
    numbers: Mapping[str, NDArray[np.float64]]
    missing: Mapping[str, float] = field(default_factory=dict)
    constant: tuple[str, ...] = ()
    odd_words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unreadable: tuple[str, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    codes: Mapping[str, str] = field(default_factory=dict)

    def identifier(self) -> str | None:
        """The column that names the rows: left out for being different in every row, and called an id."""
        for name, kind in self.kinds.items():
            differs = kind.left_out.startswith(("counts ", "names the rows", "text, all different"))
            if differs and (NAMES_ROWS.fullmatch(name) or name.endswith(("ID", "Id"))):
                return name
        return None


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
            numbers[name] = read_numbers(column_of(frame, name), reading)[0]
    return Columns(kinds, reading, numbers, missing, tuple(constant), odd, tuple(unreadable))


def without_parts(columns: Columns, frame: polars.DataFrame, target: str) -> Columns:
    """The columns, of which one that says of each row whether it is to train or to test on is no feature."""
    kinds = dict(columns.kinds)
    for name, kind in columns.kinds.items():
        if kind.kind != "category" or kind.left_out or name == target or name in columns.missing:
            continue
        words = column_of(frame, name).unique().to_list()
        parts = {PART_NAMES.get(str(word).strip().casefold()) for word in words[: len(PART_NAMES) + 1]}
        if None not in parts and {"train", "test"} <= parts:
            why = f"says which part a row is of: `split: {{column: {name}}}` in place of the shares below takes it at its word"
            kinds[name] = replace(kind, left_out=why)
    return replace(columns, kinds=kinds)


def _with_units_among_words(frame: polars.DataFrame, reading: Reading) -> Reading:
    """The reading with the units of columns in which words without a digit stand among numbers that all have one."""
    import polars

    worded = []
    for series in frame.get_columns():
        if is_text(series) and series.name not in (reading.units or {}):
            has_digits = series.str.contains("[0-9]").fill_null(False)
            if 0 < (~has_digits & series.is_not_null()).sum() < (1 - MOSTLY_WORDED) * len(series):
                worded.append(series.set(~has_digits, None))
    found = find_units(polars.DataFrame(worded), reading) if worded else reading
    units = {name: unit for name, unit in (found.units or {}).items() if not is_currency(unit)}
    return replace(reading, units={**(reading.units or {}), **units})


def with_short_texts(columns: Columns, frame: polars.DataFrame, target: str) -> Columns:
    """The columns, of which texts of a few words are read as text where nothing else is left to learn from."""
    others = {name: kind for name, kind in columns.kinds.items() if name != target}
    if any(not kind.left_out for kind in others.values()):
        return columns
    short = [
        name
        for name, kind in others.items()
        if kind.left_out.startswith("text, ")
        and (column_of(frame, name).str.strip_chars().str.count_matches(r"\s+").mean() or 0) >= 1
    ]
    return replace(columns, kinds={**columns.kinds, **dict.fromkeys(short, ColumnKind("text"))})


def with_pictures(columns: Columns, target: str) -> Columns:
    """The columns, of which the one that names picture files is read as pictures where nothing else is left to learn from."""
    others = {name: kind for name, kind in columns.kinds.items() if name != target}
    named = [name for name, kind in others.items() if kind.left_out == NAMES_OF_PICTURES]
    if len(named) != 1 or any(not kind.left_out for kind in others.values()):
        return columns
    return replace(columns, kinds={**columns.kinds, named[0]: ColumnKind("image")})


def names_pictures(columns: Columns, name: str | None) -> bool:
    """Whether the cells of a column are names of picture files."""
    return name is not None and name in columns.kinds and columns.kinds[name].left_out == NAMES_OF_PICTURES


def check_some_column(columns: Columns, target: str, file: str) -> None:
    """There must be something to learn from; what the columns are left out for says why there is not (raises DataError)."""
    reasons = [(name, kind.left_out) for name, kind in columns.kinds.items() if name != target]
    if reasons and all(reason for _, reason in reasons):
        raise DataError(Fault("no column is left to learn from", file=file, hint=hint_left_out(reasons)))


def with_names(columns: Columns, frame: polars.DataFrame, target: str, *, classes: bool) -> Columns:
    """The columns, with those that only name the rows pointed out, as long as something else is left to learn from.

    Args:
        columns, frame: the table.
        target: its column to predict.
        classes: whether that holds classes, of which a table often lists one after the other: a count of its rows tells them.
    """
    found: dict[str, str] = {}
    one_after_other = classes and _in_runs(column_of(frame, target))
    others = {name: kind for name, kind in columns.kinds.items() if name != target and not kind.left_out}
    for name, kind in others.items():
        if kind.kind == "category":
            values = mend(column_of(frame, name), columns.reading).drop_nulls()
            different = values.n_unique()
            if different > MANY_NAMES and different > NAMES_SHARE * len(values):
                found[name] = f"{different:,} different in {len(values):,} rows"
        elif kind.kind == "number" and name in columns.numbers:
            reason = _count_reason(name, columns.numbers[name], classes=classes, one_after_other=one_after_other)
            found |= {name: reason} if reason else {}
    left = [name for name in others if name not in found and name not in columns.constant]
    return replace(columns, names=found) if left else columns


def _in_runs(labels: polars.Series) -> bool:
    """Whether far fewer rows than by chance have another label than the row before."""
    shares = labels.value_counts()["count"].to_numpy() / max(len(labels), 1)
    by_chance = len(labels) * (1 - float((shares**2).sum()))
    return 2 * float((labels != labels.shift()).sum() or 0) < by_chance


def _count_reason(name: str, numbers: NDArray[np.float64], *, classes: bool, one_after_other: bool) -> str:
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
    odd = tuple(series.gather(np.flatnonzero(is_odd)).unique(maintain_order=True).to_list())
    if kind.kind not in ("category", "text"):
        return odd
    are_words = len(odd) <= MOST_ODD_WORDS and not any(re.search(r"\d", word) for word in odd)  # `no data`, however often
    share = MOSTLY_WORDED if are_words else MOSTLY_NUMBERS
    is_mostly_numbers = is_odd.sum() < (1 - share) * is_filled.sum() and len(np.unique(numbers[~is_odd])) > MANY_NUMBERS
    is_code = are_coded(series.drop_nulls())
    most = MOST_LATE_WORDS if is_odd.sum() <= HARDLY_ANY * is_filled.sum() else MOST_ODD_WORDS
    return odd if is_mostly_numbers and not is_code and len(odd) <= most else ()
