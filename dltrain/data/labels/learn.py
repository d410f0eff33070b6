"""Which labels are learnt: those of the training part; and what is told of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from dltrain.config.types import MULTILABEL, DataConfig, LabelsConfig
from dltrain.data.columns.reading import Reading
from dltrain.data.dataset import TargetSpec
from dltrain.data.labels.cells import (
    MISSING,
    NONE,
    encode_columns,
    find_separator,
    labels_of,
    lists_of,
    other_separator,
    read_cells,
    refuse_missing,
    separator_for,
)
from dltrain.data.raw import Locate, RawTable
from dltrain.data.splits import Rows
from dltrain.data.tables.column_names import column_of
from dltrain.errors import DataError, Note, warn
from dltrain.later import polars
from dltrain.wording import counted, listed, shares_of

SEVERAL_COLUMNS = "labels"  # what the target is called that several columns make


def read_labels(
    config: DataConfig, raw: RawTable, names: Sequence[str], reading: Reading, locate: Locate, *, drop: bool
) -> tuple[TargetSpec, NDArray[np.int8]]:
    """The labels that a table holds, and which of them each row has.

    Args:
        config: the `data:` block.
        raw: the table.
        names: a column of text, or several of 0 and 1.
        reading: how its text becomes values.
        locate: the place of a row.
        drop: whether rows without a value are let through.

    Raises:
        DataError: what `cells.py` cannot read.
    """
    asked = config.labels or LabelsConfig()
    if len(names) > 1:
        spec = TargetSpec(
            SEVERAL_COLUMNS, MULTILABEL, tuple(names), reason=_reason(config, f"{len(names)} columns of 0 and 1 are its labels")
        )
        spec = replace(spec, columns=tuple(names), separator=separator_for(names), empty=asked.empty or MISSING)
        columns: list[polars.Series] = [column_of(raw.frame, name) for name in names]
        return spec, encode_columns(columns, spec, reading, locate, drop=drop)
    series = column_of(raw.frame, names[0])
    holds_lists = lists_of(series, reading) is not None
    sign = asked.separator or ("" if holds_lists else find_separator(series, reading))
    separator = sign.strip() or sign
    empty = asked.empty or (MISSING if holds_lists else NONE)
    cells = read_cells(series, separator, empty, reading)
    refuse_missing(cells.is_missing, names[0], locate, drop=drop)
    classes = labels_of(cells, names[0], asked.min_count)
    found = "" if asked.separator else ", as found out"
    holds = "lists of labels" if holds_lists else f'labels with "{separator}" between them{found}'
    reason = _reason(config, f"`{names[0]}` holds {holds}")
    separator = separator or separator_for(classes)
    spec = TargetSpec(names[0], MULTILABEL, classes, reason=reason, separator=separator, empty=empty)
    return spec, cells.matrix(classes)


def _reason(config: DataConfig, what: str) -> str:
    return f"{'data.labels' if config.labels is not None else 'data.task'} says so; {what}"


def labels_of_array(config: DataConfig, codes: NDArray[np.int8], name: str) -> TargetSpec:
    """The labels of an array [rows, labels], called by the number of their column."""
    asked = config.labels or LabelsConfig()
    classes = tuple(str(index) for index in range(codes.shape[1]))
    reason = _reason(config, f"the array has {counted(len(classes), 'column')} of 0 and 1")
    return TargetSpec(name, MULTILABEL, classes, reason=reason, separator=separator_for(classes), empty=asked.empty or MISSING)


def learn_labels(
    config: DataConfig, spec: TargetSpec, codes: NDArray[np.int8], rows: Mapping[str, Rows]
) -> tuple[TargetSpec, NDArray[np.int8], list[Note]]:
    """The labels that the training part can teach, those of all rows without the others, and warnings of what is odd.

    Args:
        config: the `data:` block.
        spec: with all labels.
        codes: int8 [rows, labels] of all rows.
        rows: of each part.

    Raises:
        DataError: no label is left.
    """
    least = max(1, (config.labels or LabelsConfig()).min_count)
    train = codes[rows["train"]]
    counts = train.sum(axis=0, dtype=np.int64)
    kept, notes, of = counts >= least, list[Note](), "" if spec.columns else f" of {spec.name}"
    sign = None if spec.columns or (codes.sum(axis=1) > 1).any() else other_separator(spec.classes, spec.separator)
    if sign is not None:
        said = f'no row has several labels{of}, and "{sign}" stands within them'
        said += f': `data.labels: {{separator: "{sign}"}}` takes them apart'
        notes.append(warn(said, "labels_not_apart"))
    absent = np.flatnonzero(counts == 0)
    if len(absent):
        others = sum((codes[part].sum(axis=0, dtype=np.int64) for name, part in rows.items() if name != "train"), 0 * counts)
        words = [f"{spec.classes[place]} ({counted(int(others[place]), 'row')} elsewhere)" for place in absent]
        said = f"labels{of} that no row of the training part has, so that they are not learnt: {listed(words, 8)}"
        notes.append(warn(said, "labels_not_learnt"))
    rare = np.flatnonzero((counts > 0) & ~kept)
    if len(rare):
        words = [f"{spec.classes[place]} ({int(counts[place]):,})" for place in rare]
        said = f"labels{of} with fewer than {least:,} rows of the training part, not learnt: {listed(words, 8)}"
        notes.append(warn(said, "labels_not_learnt"))
    if not kept.any():
        raise DataError(f"no label of {spec.name} is left to learn", path="data.target")
    always = np.flatnonzero(kept & (counts == len(train)))
    if len(always):
        words = [spec.classes[place] for place in always]
        said = f"every row of the training part has the label {listed(words, 8)}{of}: there is nothing to tell"
        notes.append(warn(said, "one_value"))
    classes = tuple(label for label, is_kept in zip(spec.classes, kept.tolist()) if is_kept)
    columns = tuple(name for name, is_kept in zip(spec.columns, kept.tolist()) if is_kept)
    return replace(spec, classes=classes, columns=columns), np.ascontiguousarray(codes[:, kept]), notes


def describe_labels(spec: TargetSpec, codes: NDArray[np.int8]) -> list[str]:
    """Lines on the labels of all rows: how many, how many a row has, and what an empty cell means."""
    shares = shares_of(zip(spec.classes, codes.sum(axis=0, dtype=np.int64).tolist(), strict=True), len(codes))
    each = codes.sum(axis=1, dtype=np.int64)
    named = "target" if spec.name == "target" else f"target {spec.name}"
    lines = [f"{named}: {counted(len(spec.classes), 'label')}, {each.mean():.2f} a row: {shares} (multilabel: {spec.reason})"]
    none = int(np.count_nonzero(each == 0))
    if none:
        is_cell = spec.empty == NONE and not spec.columns
        how = (
            "an empty cell has none, `labels: {empty: missing}` makes it a row without a value" if is_cell else "of those learnt"
        )
        lines.append(f"{counted(none, 'row')} without any label ({how})")
    return lines
