"""Which rows are of which part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.config.catalog.date_formats import split_writing
from dltrain.config.types import MULTILABEL, DataConfig, config_fault
from dltrain.data.columns.dates.finding import nearest_writing
from dltrain.data.columns.dates.reading import to_moments
from dltrain.data.columns.kinds import infer_time
from dltrain.data.columns.reading import Reading, is_text, mend, text_of, to_numbers
from dltrain.data.dataset import TargetSpec
from dltrain.data.fitted import given_parts, split_at_random
from dltrain.data.part_sizes import SplitError
from dltrain.data.raw import RawTable, locator
from dltrain.data.splits import Rows, split_column, split_groups, split_time
from dltrain.data.tables.column_names import column_of
from dltrain.data.targets import have_targets
from dltrain.errors import ConfigError, DataError
from dltrain.later import polars
from dltrain.parts import PARTS
from dltrain.wording import counted

# A whole number with a point is the same group as one without: `7.0` and `7`.
WHOLE = r"^(-?(?:0|[1-9]\d*))\.0*$"


def choose_rows(
    config: DataConfig,
    raw: RawTable,
    reading: Reading,
    specs: tuple[TargetSpec, ...],
    targets: dict[str, NDArray[Any]],
    seed: int,
) -> tuple[dict[str, Rows], str]:
    """Rows of each part, and the manner of the split in a word."""
    split = config.split
    brought, rows = given_parts(config, raw.parts, raw.frame.height)
    is_taught = have_targets(targets, raw.frame.height)
    rows, brought = rows[is_taught[rows]], {name: part[is_taught[part]] for name, part in brought.items()}
    shares = {"test": split.test, "validation": split.validation}
    try:
        if split.column:
            values, codes = coded(text_of(mend(column_of(raw.frame, split.column), reading)))
            parts = {name: part[is_taught[part]] for name, part in split_column(values, codes).items()}
            empty = [name for name, part in parts.items() if not len(part)]
            if empty:
                raise SplitError(f"no row of the {empty[0]} part has a value for the target")
            manner = f"by column {split.column}"
            if split.validation is None:
                return parts, manner
            if "validation" in parts:
                message = f"the column {split.column} names rows for validation itself"
                raise DataError(config_fault(config, "data.split.validation", message, "leave `validation` out"))
            drawn, how = _drawn(replace(config, split=replace(split, column=None)), parts["train"], specs, targets, seed, raw)
            return _ordered({**parts, **drawn}), f"{manner}, validation from its training rows, {how}"
        if split.group:
            groups = coded_groups(raw, split.group)[rows]
            labels = classes_of(config, specs, targets) if split.stratify else None
            labels = None if labels is None else labels[rows]
            chosen = split_groups(groups, seed=seed if split.seed is None else split.seed, labels=labels, **shares)
            manner = f"groups of {split.group} kept together{', stratified' * bool(split.stratify)}"
        elif split.time:
            chosen = split_time(times_of(config, raw, reading)[rows], **shares)
            manner = f"by time ({split.time})"
        else:
            parts, manner = _drawn(config, rows, specs, targets, seed, raw)
            return _ordered({**parts, **brought}), manner
    except SplitError as error:
        named = next((name for name in (split.column, split.group) if name), None)
        message = f"column {named}: {error}" if named else str(error)
        raise DataError(config_fault(config, "data.split", message)) from error
    return _ordered({**{name: rows[part] for name, part in chosen.items()}, **brought}), manner


def _drawn(
    config: DataConfig,
    rows: Rows,
    specs: tuple[TargetSpec, ...],
    targets: dict[str, NDArray[Any]],
    seed: int,
    raw: RawTable,
) -> tuple[dict[str, Rows], str]:
    """Random parts of `rows`, and the manner in a word."""
    spec = next((spec for spec in specs if spec.task in ("classification", MULTILABEL)), None)
    labels = None if spec is None else targets[spec.name]
    return split_at_random(config, rows, labels, spec.classes if spec else (), seed, locator(raw))


def classes_of(config: DataConfig, specs: Sequence[TargetSpec], targets: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
    """The class codes by which groups are stratified [rows] (raises ConfigError where rows have no one class)."""
    spec = next((spec for spec in specs if spec.is_one_of_classes), None)
    if spec is None:
        hint = "leave it out; groups are stratified by one class of a row"
        raise ConfigError(config_fault(config, "data.split.stratify", "there are no classes to stratify by", hint))
    return np.asarray(targets[spec.name])


def coded_groups(raw: RawTable, name: str) -> NDArray[np.int64]:
    """Int [rows]: which group a row is of; rows without one are one group."""
    return coded(text_of(column_of(raw.frame, name)).fill_null("").str.replace(WHOLE, "$1"))[1]


def coded(series: polars.Series) -> tuple[list[str | None], NDArray[np.int64]]:
    """The different texts in order (null last), and int [rows]: which of them a row holds."""
    values = series.drop_nulls().unique().sort()
    codes = series.cast(polars.Enum(values)).to_physical().cast(polars.Int64).fill_null(len(values)).to_numpy()
    return [*values.to_list(), None], codes


def _ordered(parts: dict[str, Rows]) -> dict[str, Rows]:
    return {name: parts[name] for name in PARTS if name in parts}


def times_of(config: DataConfig, raw: RawTable, reading: Reading) -> NDArray[Any]:
    """The times of all rows by which the config splits, as numbers.

    Raises:
        SplitError: a row has none.
    """
    name = str(config.split.time)
    series = mend(column_of(raw.frame, name), reading)
    kind = infer_time(series, reading)
    writing, is_date = kind.date_format, kind.kind == "date"
    if not is_date and is_text(series) and np.isnan(to_numbers(series, reading)).any():
        written = nearest_writing(series.drop_nulls())
        writing, is_date = written.text if written else None, written is not None
    if is_date:
        dates = to_moments(series, writing)
        times = np.where(dates.is_null().to_numpy(), np.nan, dates.dt.epoch("us").fill_null(0).to_numpy().astype(np.float64))
    else:
        times = to_numbers(series, reading)
    bad = np.flatnonzero(np.isnan(times))
    if len(bad):
        file, line = locator(raw)(int(bad[0]))
        value, expected = series[int(bad[0])], split_writing(writing)[0] if is_date else None
        found = "nothing" if value is None else repr(value)
        place = f"{file}:{line}" if line else f"row {int(bad[0]) + 1:,}"
        said = f"column {name} holds {found}, expected {f'a date written {expected}' if expected else 'a date or a number'}"
        how = (
            f"; data.dates: {{{name}: FORMAT}} says how dates are written (day_first, month_first, '%d/%m/%Y')"
            if expected
            else ""
        )
        raise SplitError(f"{said} ({counted(len(bad), 'such row')}, first {place}){how}")
    return times
