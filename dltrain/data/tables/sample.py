"""What a table is, from the first rows of its first file; a small one is read whole."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from dltrain.config.types import DataConfig, SplitConfig, config_fault
from dltrain.data.columns.reading import is_unreadable
from dltrain.data.facts import WRITING, DataFacts, expected_rows
from dltrain.data.files import expand_paths, is_compressed, read_blocks, unpacks_to_more
from dltrain.data.part_sizes import SplitError, rolling_sizes
from dltrain.data.raw import RawTable, identifying
from dltrain.data.sources.arguments import refuse_missing_files
from dltrain.data.tables.column_names import column_of
from dltrain.errors import ConfigError, DataError, Fault, Note, texts
from dltrain.later import polars
from dltrain.storage.bounds import LINE_BYTES
from dltrain.wording import cut_middle, listed, shown

if TYPE_CHECKING:
    from dltrain.data.dataset import Schema
    from dltrain.data.fitted import Fitted

SMALL_BYTES = 1 << 23
SMALL_PARQUET = 1 << 20  # which packs its columns
SMALL_TEXT = 1 << 24  # that small files may unpack to
BLOCK = 1 << 18
MOST_BYTES = 1 << 26
ROW_MARGIN = 1.2  # rows are counted by their length in the file's beginning
# Said of a sample that may just not hold enough: no reason to refuse the whole.
_PERHAPS = ("one class only", "in every row", "one class of", "is the same", "stands in one row only")
# Warnings that hold for the whole if they hold for some rows of it.
_SURE = (
    "alike_words", "encoding", "first_line_is_data", "late_codes", "nearly_numbers", "numbers_among_labels", "row_of_units",
    "several_units", "without_unit",
)  # fmt: skip
# The first rows of the first of some files, and about how many rows all have, if that can be told.
Sample = Callable[[Sequence[str], DataConfig], tuple[RawTable, int | None]]


def look_at_table(config: DataConfig, seed: int, sample: Sample, whole: Callable[[], DataFacts]) -> DataFacts:
    """What the first rows tell: columns, task, classes, and about how many rows there are.

    Args:
        config: the `data:` block.
        seed: of the split.
        sample: takes the first rows.
        whole: reads all of it, where that is little.

    Raises:
        DataError: files that are not there, or whose beginning cannot be read.
    """
    refuse_missing_files(config)
    files = expand_paths((*config.path, *config.validation, *config.test))
    small = SMALL_PARQUET if config.source == "parquet" else SMALL_BYTES
    if sum(os.path.getsize(file) for file in files) <= small and not any(unpacks_to_more(file, SMALL_TEXT) for file in files):
        return whole()
    sampled = expand_paths(config.path)
    raw, rows = sample(sampled, config)
    name = f"{shown(sampled[0])}" + (f" and {len(sampled) - 1} more" if len(sampled) > 1 else "")
    count = f"about {rows:,} rows" if rows else "more rows than were looked at"
    line = f"{name}: {count}, {raw.frame.width} columns; looked at the first {raw.frame.height:,}"
    return facts_of_sample(config, raw, rows, line, seed)


def facts_of_sample(config: DataConfig, raw: RawTable, rows: int | None, line: str, seed: int) -> DataFacts:
    """What some of a table's rows tell of all.

    Args:
        config: the `data:` block.
        raw: the rows that were looked at.
        rows: how many there are, or None.
        line: what was looked at, in words.
        seed: of the split.
    """
    schema, errors, more, dates = _fit_sample(identifying(config, raw), raw, seed)
    try:
        parts = expected_rows(config, rows)
    except SplitError as error:
        parts, errors = {}, (*errors, config_fault(config, "data.split", str(error)))
    else:
        errors = (*errors, *_too_short(config, rows))
    found = {f"data.{key}": value for key, value in raw.reading.items() if f"data.{key}" in WRITING and not getattr(config, key)}
    found |= {"data.dates": dates} if dates and not isinstance(config.dates, str) else {}
    columns = tuple(raw.frame.columns)
    notes = (Note(line), *more)
    return DataFacts(schema, parts, notes=notes, errors=errors, inferred=found, columns=columns, is_sample=True)


def _fit_sample(
    config: DataConfig, raw: RawTable, seed: int
) -> tuple[Schema | None, tuple[Fault, ...], tuple[Note, ...], dict[str, str]]:
    """The schema as the sample has it, faults, facts, and how dates are written where the sample leaves nothing open."""
    from dltrain.data.tables.fit import fit_table

    split = config.split
    set_aside = tuple(name for name in (split.column, split.group, split.time) if name and name in raw.frame.columns)
    alike = tuple(name for name in raw.frame.columns if _is_alike(column_of(raw.frame, name)))
    plain = replace(config, split=SplitConfig(), validation=(), test=(), limit=None, drop=(*config.drop, *set_aside))
    plain = _with_constant(plain, alike)
    missing = tuple(
        config_fault(config, f"data.split.{key}", f"{cut_middle(name)} is not a column of {config.source}")
        for key, name in (("column", split.column), ("group", split.group), ("time", split.time))
        if name and name not in raw.frame.columns
    )
    try:
        fitted = fit_table(plain, raw, seed, None) if plain.series is None else _fit_sampled_series(plain, raw)
    except (DataError, ConfigError) as error:
        sure = tuple(fault for fault in error.faults if not any(word in fault.message for word in _PERHAPS))
        return None, (*missing, *sure), (), {}
    dates = {
        name: writing
        for name, writing in (fitted.resolved.get("data.dates") or {}).items()
        if not any(warning.startswith(f"{name}: ") for warning in texts(fitted.notes, "warning"))
    }
    told = [note for note in fitted.notes if note.level == "note" or note.code in _SURE]
    if config.constant_columns != "keep" and (kept := [name for name in alike if name in _learnt_from(fitted)]):
        told.append(
            Note(f"{listed(kept)}: the same in these rows; a fit leaves out what is the same in all of its training part")
        )
    return fitted.preprocessing.schema, missing, tuple(told), dates


def _is_alike(series: polars.Series) -> bool:
    """Whether a column has one value, or none."""
    return not is_unreadable(series) and series.drop_nulls().n_unique() < 2


def _with_constant(config: DataConfig, alike: Sequence[str]) -> DataConfig:
    """The block that keeps columns that are the same in the sample alone: rows may be sorted by them.

    Args:
        config: the block.
        alike: columns of one value in the sample. One that named inputs do not list is left out, as a fit does if it is
            the same in all rows.
    """
    named = {name for group in config.input_columns.values() for name in group}
    unnamed = [name for name in alike if name not in named] if named else []
    return replace(config, constant_columns="keep", drop=(*config.drop, *unnamed))


def _learnt_from(fitted: Fitted) -> set[str]:
    return {column.name for column in getattr(fitted.preprocessing, "features", ())}


def _too_short(config: DataConfig, rows: int | None) -> list[Fault]:
    """Faults of the parts that hold no window of a series, by far, when there are about so many rows."""
    if config.series is None or (config.task == "classification" and config.series.id):
        return []  # how many rows a series has is not known
    series = config.series
    reaches = series.history_from == "before"
    spans = {"train": series.span + series.reach}  # and those of the other parts
    rest = series.horizon if reaches else spans["train"]
    hint = "lower data.series.history or data.series.horizon, or enlarge the part"
    if config.split.folds is not None and rows is not None and not series.id:
        return _first_fold_too_short(config, rows)
    return [
        config_fault(
            config,
            "data.series",
            f"the {name} part has no window: about {count:,} rows, and a window is {spans.get(name, rest)}",
            hint,
        )
        for name, count in expected_rows(replace(config, series=None), rows).items()
        if count * ROW_MARGIN < spans.get(name, rest)
    ]


def _first_fold_too_short(config: DataConfig, rows: int) -> list[Fault]:
    """A fault where the first fold of a rolling origin trains on no window, by far: it has the fewest rows."""
    series, split = config.series, config.split
    assert series is not None
    assert split.folds is not None
    try:
        most = rolling_sizes(int(rows * ROW_MARGIN), split.test, split.folds, 1)["train"]
    except SplitError as error:
        return [config_fault(config, "data.split.folds", str(error))]
    needed = series.span + series.reach
    if most >= needed:
        return []
    message = f"the first of {split.folds} folds trains on about {int(most / ROW_MARGIN):,} rows, and a window is {needed:,}"
    hint = "lower data.series.history or data.series.horizon, or ask for fewer folds"
    return [config_fault(config, "data.split.folds", message, hint)]


def _fit_sampled_series(config: DataConfig, raw: RawTable) -> Fitted:
    """As a series, of which a single window of one row is made: the sample may be shorter than the history."""
    from dltrain.data.series.fit import fit_series
    from dltrain.data.series.preprocessing import SeriesPreprocessing
    from dltrain.reporting import Reporter

    series = config.series
    assert series is not None
    offset = 0 if config.task == "classification" else None
    short = replace(series, history=1, horizon=1, sampling=1, offset=offset, stride=max(raw.frame.height, 1))
    fitted = fit_series(replace(config, series=short), raw, 0, None, Reporter())
    assert isinstance(fitted.preprocessing, SeriesPreprocessing)
    said = {name: getattr(series, name) for name in ("history", "horizon", "sampling", "offset", "stride")}
    found = replace(fitted.preprocessing.series, **said)
    preprocessing = replace(fitted.preprocessing, series=found)
    return replace(fitted, preprocessing=preprocessing, notes=[Note(preprocessing.describe()[0]), *fitted.notes[1:]])


def read_head(file: str, num_lines: int) -> tuple[bytes, bool, bool]:
    """The first lines of a text file, unpacked where it is compressed.

    Returns:
        The bytes up to a line's end that no quoted field crosses, whether that is all, and whether it was compressed.

    Raises:
        DataError: it cannot be read.
    """
    from dltrain.data.tables.text_scan import too_long

    parts: list[bytes] = []
    lines = size = looked = 0
    complete = False
    for block in read_blocks(file, BLOCK):
        parts.append(block)
        lines += block.count(b"\n") if lines or not block.isspace() else 0
        size += len(block)
        if size > (MOST_BYTES if lines else max(MOST_BYTES, LINE_BYTES.value)):
            break
        if lines > num_lines and size >= looked:
            parts, looked = [b"".join(parts)], 2 * size
            if parts[0].find(b"\n", 0, max(_last_end(parts[0]), 0)) >= 0:  # a row beside the header
                break
    else:
        complete = True
    head = b"".join(parts)
    if complete or head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return head, complete, is_compressed(file)
    if head.isspace():
        raise DataError(f"the first {len(head):,} bytes are empty lines: this is not a table", file=shown(file))
    if not lines and b"\r" in head:  # the line ends of old
        return head[: head.rfind(b"\r") + 1], False, is_compressed(file)
    if not lines:
        raise DataError(too_long(shown(file), 1))
    end = _last_end(head)
    if head.find(b"\n", 0, max(end, 0)) < 0:  # a quote that is not closed by then never is, which whoever looks for the rows says
        end = head.rfind(b"\n")
    return head[: end + 1], False, is_compressed(file)


def _last_end(head: bytes) -> int:
    """Where the last line ends that no quoted field crosses; -1: none does."""
    end = head.rfind(b"\n")
    is_open = head.count(b'"', 0, max(end, 0)) % 2
    while is_open and end >= 0:
        before = head.rfind(b"\n", 0, head.rfind(b'"', 0, end))
        is_open = (is_open + head.count(b'"', max(before, 0), end)) % 2
        end = before
    return end
