"""The columns of a table too long for memory that are put on disk, and as what, by its first rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from dltrain.config.types import MULTILABEL, DataConfig
from dltrain.data.columns.column import FeatureColumn
from dltrain.data.columns.dates.durations import are_durations
from dltrain.data.columns.kinds import ColumnKind, infer_time, is_open
from dltrain.data.columns.reading import Reading, first_values, is_text, mend, read_numbers
from dltrain.data.raw import RawTable
from dltrain.data.tables.column_names import column_of
from dltrain.data.tables.fitting.kinds import column_kinds, feature_columns
from dltrain.data.tables.fitting.targets import target_names
from dltrain.data.tables.preprocessing import TablePreprocessing
from dltrain.data.tables.streamed.column_files import AS_READ, ColumnFiles
from dltrain.data.tables.streamed.convert import Plan
from dltrain.data.targets import EXACT, FEW_VALUES, are_codes
from dltrain.later import polars


def plan_columns(config: DataConfig, sample: RawTable, reading: Reading) -> Plan:
    """The columns that fitting will look at. Faults of the config show here, before a long conversion."""
    kinds = column_kinds(config, sample, reading)
    features, _ = feature_columns(config, sample, kinds)
    columns: dict[str, FeatureColumn | None] = {column.name: column for column in features}
    known = dict(kinds)
    for name, kind in kinds.items():
        is_guessed = kind.kind == "date" and is_open(kind.note, kind.date_format)
        if (config.features or {}).get(name) is not None and not is_guessed:
            continue
        is_empty = mend(column_of(sample.frame, name), reading).null_count() == sample.frame.height
        if is_empty or is_guessed or (kind.kind == "number" and kind.left_out):
            # Only all rows can say what an empty column holds, how open dates are written, or that a number merely names its row.
            columns[name] = None if is_empty or is_guessed else FeatureColumn(name, "number")
            del known[name]
    exact = set()
    for name in target_names(config, sample):
        is_number = config.task not in ("classification", MULTILABEL) and _is_amount(column_of(sample.frame, name), reading)
        columns[name] = FeatureColumn(name, "number") if is_number else None
        exact |= {name} if is_number else set()
    columns.update(_role_columns(config, sample, reading))
    return Plan(columns, frozenset(exact), known)


def with_late_values(raw: RawTable, sample: RawTable, reading: Reading) -> RawTable:
    """The first rows, in which columns that have no value there have the first ones of all rows."""
    files, made = raw.frame, {}
    assert isinstance(files, ColumnFiles)
    height = sample.frame.height
    for name, kind in files.stored.items():
        if kind == AS_READ and files.height > height and not len(first_values(column_of(sample.frame, name), reading)):
            values = first_values(files[name], reading).head(height)
            made[name] = values.extend_constant(None, height - len(values))
    series = [made.get(column.name, column) for column in sample.frame.get_columns()]
    return replace(sample, frame=polars.DataFrame(series)) if made else sample


def stored_plan(config: DataConfig, sample: RawTable, stored: TablePreprocessing) -> Plan:
    """The columns that a stored run needs."""
    stored.check_columns(sample, with_targets=True)
    columns: dict[str, FeatureColumn | None] = {
        column.name: FeatureColumn(column.name, column.kind, column.date_format) for column in stored.features
    }
    columns.update(_role_columns(config, sample, stored.reading))
    exact = set()
    for spec in stored.targets:
        if spec.is_multilabel:
            columns.update(dict.fromkeys(spec.columns_read))
        elif not spec.is_reconstruction:
            is_number = spec.task == "regression" and _is_amount(column_of(sample.frame, spec.name), stored.reading)
            columns[spec.name] = FeatureColumn(spec.name, "number") if is_number else None
            exact |= {spec.name} if is_number else set()
    return Plan(columns, frozenset(exact))


def _is_amount(series: polars.Series, reading: Reading) -> bool:
    """Whether a target is text of numbers that are no labels by their look: as numbers they lose nothing."""
    mended = mend(series, reading)
    if not is_text(series) or are_codes(mended) or are_durations(mended):
        return False
    numbers, bad = read_numbers(series, reading)
    found = numbers[np.isfinite(numbers)]
    return not len(bad) and len(np.unique(found)) > FEW_VALUES and bool((np.abs(found) < EXACT).all())


def _role_columns(config: DataConfig, sample: RawTable, reading: Reading) -> dict[str, FeatureColumn | None]:
    """Columns of weights, of the split, and those that name the rows."""
    others = (config.weight, config.split.column, config.split.group)
    columns: dict[str, FeatureColumn | None] = {}
    if config.split.time and config.split.time not in others:
        kind: ColumnKind = infer_time(mend(column_of(sample.frame, config.split.time), reading), reading)
        if kind.kind == "number":  # moments are read from what is written, not from what a clock showed
            columns[config.split.time] = FeatureColumn(config.split.time, kind.kind)
    for name in (*others, config.split.time):
        if name and name not in columns:
            columns[name] = None
    return columns | {name: None for name in config.identifiers if name in sample.frame.columns and name not in columns}
