"""Several labels per row as they are written: in a cell of text (`a|b`), in columns of 0 and 1, in an array of both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.data.columns.reading import Reading, is_text, mend, text_of, to_booleans, to_numbers
from dltrain.data.dataset import TargetSpec
from dltrain.data.labels.written_lists import read_written_lists
from dltrain.data.raw import Locate
from dltrain.data.tables.column_names import column_of, name_of
from dltrain.data.targets import row_fault, sort_labels
from dltrain.errors import DataError, Note, capped, warn
from dltrain.later import polars
from dltrain.wording import counted, listed, quoted

SEPARATORS = ("|", ";", ",")  # that are found out
MOST_LABELS = 1_000
YES_OR_NO = {"true": "1", "yes": "1", "y": "1", "false": "0", "no": "0", "n": "0"}
NO_ROW = -1  # of a row without a value
NONE, MISSING = "none", "missing"
COLUMNS_HINT = "`data.labels: {empty: none}` takes an empty cell for 0; data.missing_target: drop leaves such rows out"
MISSING_HINT = (
    "data.missing_target: drop leaves such rows out; a row without any label has an empty cell, "
    'and a word becomes one by data.replace: {COLUMN: {WORD: ""}}'
)


@dataclass(frozen=True, slots=True)
class Cells:
    """The labels of each row of a column of text.

    Attributes:
        rows, labels: a row's number and one of its labels, each pair once.
        is_missing: bool [rows]: which rows have no value, not even that of no label.
        num_empty: rows whose cell is empty.
    """

    rows: NDArray[np.int64]
    labels: polars.Series
    is_missing: NDArray[np.bool_]
    num_empty: int

    def matrix(self, classes: Sequence[str]) -> NDArray[np.int8]:
        """int8 [rows, labels]: 1 where a row has the label, `NO_ROW` throughout where it has no value."""
        found = np.zeros((len(self.is_missing), len(classes)), np.int8)
        order = {label: index for index, label in enumerate(classes)}
        places = self.labels.replace_strict(order, default=-1, return_dtype=polars.Int64).to_numpy()
        known = places >= 0
        found[self.rows[known], places[known]] = 1
        found[self.is_missing] = NO_ROW
        return found


def is_list(series: polars.Series) -> bool:
    """Whether each cell is a list of text or numbers, as Parquet can hold them."""
    inner = getattr(series.dtype, "inner", None)
    return inner is not None and not inner.is_nested()


def lists_of(series: polars.Series, reading: Reading) -> polars.Series | None:
    """The column as lists, where it holds some, or texts that are lists; None where it does not."""
    return series if is_list(series) else read_written_lists(series, reading)


def _read_lists(series: polars.Series, empty: str, reading: Reading) -> Cells:
    """The labels of cells that are lists: an empty list has no label, none at all is no value unless `empty` says otherwise."""
    is_null = series.is_null().to_numpy()
    frame = polars.DataFrame({"row": np.arange(len(series)), "label": series.alias("label")}).explode("label")
    labels = text_of(frame["label"]).str.strip_chars().replace(dict((reading.replace or {}).get(name_of(series)) or {}))
    frame = polars.DataFrame({"row": frame["row"], "label": labels})
    frame = frame.filter(polars.col("label").is_not_null() & (polars.col("label") != "")).unique(maintain_order=True)
    is_missing = is_null if empty == MISSING else np.zeros(len(series), bool)
    num_empty = len(series) - frame["row"].n_unique() - int(is_missing.sum())
    return Cells(frame["row"].to_numpy(), frame["label"], is_missing, num_empty)


def read_cells(series: polars.Series, separator: str, empty: str, reading: Reading) -> Cells:
    """Splits the cells of a column into labels, without blanks around these; one that is repeated counts once.

    Args:
        series: the raw column.
        separator: what stands between labels.
        empty: `NONE` or `MISSING`.
        reading: its words for "no value", and what is replaced, in whole cells and in single labels.
    """
    lists = lists_of(series, reading)
    if lists is not None:
        return _read_lists(lists, empty, reading)
    name = name_of(series)
    raw = text_of(series) if not is_text(series) else series
    replaced = mend(raw, replace(reading, missing=()))  # what is replaced by nothing is as empty as an empty cell
    is_empty = (replaced.is_null() | (replaced.str.strip_chars() == "")).fill_null(True).to_numpy()
    mended = mend(raw, reading)
    is_missing = mended.is_null().to_numpy() & ~is_empty
    if empty == MISSING:
        is_missing = is_missing | is_empty
    frame = polars.DataFrame({"row": np.arange(len(raw)), "label": mended.fill_null("").alias("label")})
    frame = frame.with_columns(polars.col("label").str.split(separator)).explode("label")
    frame = frame.with_columns(polars.col("label").str.strip_chars()).filter(polars.col("label") != "")
    words = (reading.replace or {}).get(name)
    if words:
        frame = frame.with_columns(polars.col("label").replace(dict(words))).filter(polars.col("label") != "")
    frame = frame.unique(maintain_order=True)
    return Cells(frame["row"].to_numpy(), frame["label"], is_missing, int(np.count_nonzero(is_empty)))


def find_separator(series: polars.Series, reading: Reading) -> str:
    """The separator between the labels of a column's cells.

    Raises:
        DataError: nothing of what usually does, or more than one of these.
    """
    name, cells = name_of(series), mend(text_of(series), reading).drop_nulls()
    counts = {sign: int(cells.str.contains(sign, literal=True).sum()) for sign in SEPARATORS}
    found = [sign for sign in SEPARATORS if counts[sign]]
    if len(found) == 1:
        return found[0]
    if found:
        said = " or ".join(f'"{sign}" ({counted(counts[sign], "cell")})' for sign in found)
        message = f"the labels of {name} could be separated by {said}"
        raise DataError(message, path="data.labels", hint=f'say which: labels: {{separator: "{found[0]}"}}')
    message = f"no cell of {name} holds several labels: there is no {', '.join(SEPARATORS[:-1])} or {SEPARATORS[-1]} in any"
    hint = 'say `data.task: classification` for one label a row, or what stands between them: labels: {separator: " "}'
    raise DataError(message, path="data.labels", hint=hint)


def other_separator(labels: Sequence[str], separator: str) -> str | None:
    """The sign by which labels come apart into fewer, as `a; b` and `b; a` do by ";" where "|" was said; None: none does."""
    for sign in SEPARATORS:
        parts = {part.strip() for label in labels for part in label.split(sign)}
        if sign != separator and sum(sign in label for label in labels) > 1 and len(parts - {""}) < len(labels):
            return sign
    return None


def labels_of(cells: Cells, name: str, least: int) -> tuple[str, ...]:
    """The different labels in order, without those of fewer than `least` rows.

    Raises:
        DataError: there are none, or too many to give each an output.
    """
    counts = cells.labels.value_counts()
    label, count = counts.columns
    kept = counts.filter(counts[count] >= least)[label].to_list()
    if not kept:
        what = f"no label of {name} stands in {least:,} rows or more" if len(counts) else f"no row has a label of {name}"
        raise DataError(what, path="data.target")
    if len(kept) > MOST_LABELS:
        message = (
            f"the column {name} holds {len(kept):,} different labels, more than the {MOST_LABELS:,} that have an output each"
        )
        hint = "labels: {min_count: 20} leaves out those of fewer rows; see as well whether the separator is right"
        raise DataError(message, path="data.labels", hint=hint)
    return tuple(sort_labels(kept))


def encode_cells(
    series: polars.Series, spec: TargetSpec, reading: Reading, locate: Locate, *, drop: bool, notes: list[Note] | None = None
) -> NDArray[np.int8]:
    """The labels of a column's rows, int8 [rows, labels]; labels that the spec does not have are said.

    Args:
        series: the raw column.
        spec: its labels and separator.
        reading: see `read_cells`.
        locate: the place of a row.
        drop: whether rows without a value are let through, as `NO_ROW`.
        notes: a warning of labels that are not known goes there.

    Raises:
        DataError: a row without a value, with its place.
    """
    cells = read_cells(series, spec.separator, spec.empty, reading)
    refuse_missing(cells.is_missing, spec.name, locate, drop=drop)
    if notes is not None:
        notes += unknown_labels(cells, spec)
    return cells.matrix(spec.classes)


def unknown_labels(cells: Cells, spec: TargetSpec) -> list[Note]:
    """A warning of labels that the target's classes do not have."""
    unknown = cells.labels.filter(~cells.labels.is_in(list(spec.classes)))
    if not len(unknown):
        return []
    counts = unknown.value_counts(sort=True)
    words = [f"{label} ({counted(count, 'row')})" for label, count in counts.iter_rows()]
    said = f"labels of {spec.name} that training has not learnt, which count for nothing here: {listed(words, 8)}"
    return [warn(said, "unknown_labels")]


def encode_columns(
    columns: Sequence[polars.Series], spec: TargetSpec, reading: Reading, locate: Locate, *, drop: bool
) -> NDArray[np.int8]:
    """The labels of rows that have a column of 0 and 1 for each, int8 [rows, labels].

    Raises:
        DataError: a value that is neither 0 nor 1, yes nor no; a row without a value; with their places.
    """
    made = [_zero_or_one(series, reading, locate) for series in columns]
    found = np.stack([np.where(np.isnan(values), NO_ROW, values) for values in made], axis=1).astype(np.int8)
    if spec.empty == NONE:
        found[found == NO_ROW] = 0
    is_missing = (found == NO_ROW).any(axis=1)
    if not drop:
        rows = np.flatnonzero(is_missing)
        lacking = [listed([name for name, code in zip(spec.columns, found[row]) if code == NO_ROW], 3) for row in rows[:10]]
        faults = [row_fault(locate, int(row), f"no value for {name}", COLUMNS_HINT) for row, name in zip(rows, lacking)]
        if faults:
            raise DataError(capped(faults, len(rows)))
    found[is_missing] = NO_ROW
    return found


def _zero_or_one(series: polars.Series, reading: Reading, locate: Locate) -> NDArray[np.float64]:
    """0, 1, or NaN where there is no value."""
    name, mended = name_of(series), mend(series, reading)
    empty = mended.is_null().to_numpy()
    if is_text(mended):
        mended = mended.str.strip_chars().str.to_lowercase().replace(YES_OR_NO)
    values = to_numbers(mended, reading) if str(mended.dtype) != "Boolean" else to_booleans(mended)
    bad = np.flatnonzero(~empty & ~np.isin(values, (0.0, 1.0)))
    if len(bad):
        hint = "columns of 0 and 1, true and false, yes and no are labels; a column of text such as a|b is a target by itself"
        message = f"the column {name} is one label of several, and holds {quoted(series[int(bad[0])])}, neither 0 nor 1"
        raise DataError(capped([row_fault(locate, int(bad[0]), message, hint)], len(bad)))
    return np.where(empty, np.nan, values)


def encode_array(values: NDArray[Any], name: str, empty: str | None = None) -> NDArray[np.int8]:
    """The labels of an array [rows, labels] of 0 and 1, or booleans; NaN in a row: it has no value, unless `empty` says no label.

    Raises:
        DataError: other numbers.
    """
    numbers = np.asarray(values, np.float64)
    gaps = np.isnan(numbers)
    bad = np.argwhere(~gaps & (numbers != 0) & (numbers != 1))
    if len(bad):
        row, column = bad[0].tolist()
        message = f"row {row + 1:,}: the array {name} holds {numbers[row, column]:g} in column {column}, neither 0 nor 1"
        raise DataError(message, hint="an array of several labels has a column of 0 and 1 for each")
    found = np.where(gaps, 0 if empty == NONE else NO_ROW, numbers).astype(np.int8)
    if empty == NONE:
        return found
    found[gaps.any(axis=1)] = NO_ROW
    return found


def encode_labels(
    frame: polars.DataFrame,
    spec: TargetSpec,
    reading: Reading,
    locate: Locate,
    *,
    drop: bool,
    notes: list[Note] | None = None,
) -> NDArray[np.int8]:
    """The labels of a table's rows as a run has learnt them, int8 [rows, labels]; see `encode_cells` and `encode_columns`."""
    if spec.columns:
        return encode_columns([column_of(frame, name) for name in spec.columns], spec, reading, locate, drop=drop)
    return encode_cells(column_of(frame, spec.name), spec, reading, locate, drop=drop, notes=notes)


def refuse_missing(is_missing: NDArray[np.bool_], name: str, locate: Locate, *, drop: bool) -> None:
    """Raises DataError where a row has no value and such rows are not left out."""
    rows = np.flatnonzero(is_missing)
    if len(rows) and not drop:
        message = f"no value for the target {name}"
        raise DataError(capped([row_fault(locate, int(row), message, MISSING_HINT) for row in rows[:10]], len(rows)))


def joined(matrix: NDArray[Any], spec: TargetSpec) -> list[str]:
    """The labels of each row in one text, as a cell has them: `a|b`; empty where there are none."""
    return [spec.separator.join(spec.classes[place] for place in np.flatnonzero(row)) for row in np.asarray(matrix) > 0]


def separator_for(labels: Sequence[str]) -> str:
    """A sign that no label holds, to write several in one text."""
    return next((sign for sign in SEPARATORS if not any(sign in label for label in labels)), "\t")
