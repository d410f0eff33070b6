"""The columns of a table that holds a series, and whether it holds several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.config.types import DataConfig
from dltrain.data.columns.column import read_features
from dltrain.data.columns.kinds import ColumnKind, infer_kind
from dltrain.data.columns.reading import SAMPLE_ROWS, Reading, read_numbers
from dltrain.data.columns.spoken import how_read
from dltrain.data.columns.unmet_words import said_of_gaps, said_of_units, unmet_words
from dltrain.data.raw import Locate, RawTable, locator
from dltrain.data.series.labels import read_label_codes
from dltrain.data.series.several import MANY_DOUBLES, Several, find_several, said_of_blocks, said_of_own_times
from dltrain.data.series.timeline import placed
from dltrain.data.series.times import Times, read_times
from dltrain.data.tables.column_names import column_of
from dltrain.data.tables.fitting.no_rows import totals_rows
from dltrain.data.tables.preprocessing import TablePreprocessing
from dltrain.data.targets import no_number_fault
from dltrain.errors import DataError, Note, all_of, capped, warn
from dltrain.wording import quoted


def read_columns(
    raw: RawTable, table: TablePreprocessing, locate: Locate, *, with_targets: bool
) -> tuple[dict[str, Any], dict[str, NDArray[np.float64]]]:
    """Features by kind, and targets as float64, or codes of labels, NaN where there is no value, in the file's order.

    Raises:
        DataError: values that are not of their kind, with their rows.
    """
    seen = f"as the first {SAMPLE_ROWS:,} rows are" if raw.frame.height > SAMPLE_ROWS else "as in the other rows"
    specs = table.targets if with_targets else ()
    features, targets = all_of(
        lambda: read_features(raw.frame, table.features, table.reading, locate, seen),
        lambda: {
            spec.name: read_label_codes(raw, spec, table.reading, locate)
            if spec.task == "classification"
            else read_target_numbers(raw, spec.name, table.reading, locate)
            for spec in specs
        },
    )
    return features, targets


def read_target_numbers(raw: RawTable, name: str, reading: Reading, locate: Locate) -> NDArray[np.float64]:
    """A column to foretell: float64, NaN where it has no value.

    Raises:
        DataError: values that are no numbers, with their rows.
    """
    numbers, bad = read_numbers(column_of(raw.frame, name), reading)
    if len(bad):
        if len(bad) > raw.frame.height / 2:
            such = quoted(column_of(raw.frame, name)[int(bad[0])])
            message = f"the target {name} holds text, such as {such}: a series foretells numbers"
            raise DataError(
                message,
                path="data.target",
                hint="data.task: classification tells the label of each window; or name a column of numbers",
            )
        faults = [no_number_fault(locate, int(row), name, column_of(raw.frame, name)[int(row)]) for row in bad[:10]]
        raise DataError(capped(faults, len(bad)))
    return numbers


def refuse_several(
    raw: RawTable,
    times: Times,
    time_columns: Sequence[str],
    targets: Sequence[str],
    reading: Reading,
    notes: list[Note],
    rows: NDArray[np.int64] | None = None,
) -> None:
    """Refuse a table that holds several series: windows would run from one into the next.

    Args:
        raw: the table.
        times: of its rows.
        time_columns: `data.series.time`; without it the columns of dates are looked at.
        targets: the columns to foretell.
        reading: how text is written.
        notes: hears of rows that are not in the order of a column of dates although no time was named.
        rows: of one part; None: all.

    Raises:
        DataError: times repeat, and a column tells the rows of one time apart, or many do.
    """
    rows, locate = np.arange(raw.frame.height) if rows is None else rows, locator(raw)
    named = ", ".join(time_columns)
    if times.kind != "row":
        several = find_several(raw.frame[rows], times.values[rows], {*time_columns, *targets})
        if several is not None and (several.columns or several.doubled > MANY_DOUBLES * len(rows)):
            raise _several_fault(raw, several, named, rows, locate)
        notes += said_of_own_times(raw.frame[rows], times.values[rows], {*time_columns, *targets}) if several is None else []
        return
    for name in raw.frame.columns:
        if infer_kind(column_of(raw.frame, name), reading).kind != "date":
            continue
        try:
            dates = read_times(raw.frame, (name,), reading, locate)
        except DataError:  # not a date in every row
            continue
        values = dates.values[rows]
        back = np.flatnonzero(np.diff(values) < 0)
        several = find_several(raw.frame[rows], values, {name, *targets})
        # Rows of one day in their order are one series, unless it is a store or the like that tells them apart.
        if several is not None and (several.has_usual_name or (several.columns and len(back))):
            raise _several_fault(raw, several, name, rows, locate)
        if not len(back) or len(back) == len(values) - 1:  # in order, or the newest first
            continue
        where = placed(locate, int(rows[back[0] + 1]))
        said = f"the rows count as in the order of time, but {name} goes back {len(back):,} times (first {where})"
        notes.append(warn(f"{said}; `series: {{time: {name}}}` puts them in order", "time_goes_back"))
    notes += said_of_blocks(raw.frame[rows], targets)


def _several_fault(raw: RawTable, several: Several, time: str, rows: NDArray[np.int64], locate: Locate) -> DataError:
    first, second = int(rows[several.first]), int(rows[several.second])
    what = f"{placed(locate, first)} and {placed(locate, second)}"
    message = f"{several.doubled:,} of {len(rows):,} rows have the same time as another: {what} ({time})"
    hint = "keep one row of each time: their mean or sum, say"
    if several.columns:
        values = [", ".join(str(column_of(raw.frame, name)[row]) for name in several.columns) for row in (first, second)]
        apart = ", ".join(map(quoted, values))
        message += f"; {several.named} tells them apart ({apart}): {several.count:,} series in one table"
        named = several.columns[0] if len(several.columns) == 1 else f"[{several.named}]"
        hint = f"`series: {{id: {named}}}` learns them all in one model, no window across two"
    file, line = locate(second)
    return DataError(message, path="data.series.time", file=file, line=line, hint=hint)


def odd_cells(config: DataConfig, raw: RawTable, reading: Reading, kinds: Mapping[str, ColumnKind] | None) -> list[Note]:
    """What is said of how the cells are read: words among numbers or in place of them, words that stand nowhere, units.

    Args:
        config: the `data:` block.
        raw: the table.
        reading: of the table, or of the stored run.
        kinds: of the columns that are learnt from; None: the rows are those of a stored run.
    """
    frame = raw.frame
    notes = [*said_of_gaps(frame, reading, frame.columns), *said_of_units(frame, reading, frame.columns)]
    if kinds is None:
        return notes
    return [*how_read(config, frame, kinds, reading), *unmet_words(config, frame, reading), *totals_rows(raw, reading), *notes]
