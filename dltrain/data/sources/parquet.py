"""Parquet files: columns with types of their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from dltrain.config.types import DataConfig
from dltrain.data.columns.reading import SAMPLE_ROWS
from dltrain.data.facts import DataFacts
from dltrain.data.files import digest, expand_paths
from dltrain.data.raw import RawTable
from dltrain.data.sources.arguments import MAY_LACK
from dltrain.data.sources.source import DataSource
from dltrain.data.tables.combine import combine_tables
from dltrain.data.tables.parquet_file import (
    blanks_note,
    count_parquet_rows,
    read_parquet,
    read_parquet_content,
    without_edge_blanks,
)
from dltrain.data.tables.sample import look_at_table
from dltrain.errors import DataError, Note
from dltrain.reporting import Reporter
from dltrain.wording import shown


def read(config: DataConfig, *, seed: int, reporter: Reporter) -> RawTable:
    """All files of `config.path` below one another.

    Raises:
        DataError: a file is missing, no parquet, empty, or lacks a column of the first.
    """
    tables = []
    for file in expand_paths(config.path):
        reporter.status(f"reading {shown(file)}")
        tables.append(_read_file(file))
    return combine_tables(tables, config.arguments.get(MAY_LACK, ()))


def _read_file(file: str) -> RawTable:
    name = shown(file)
    frame, content = read_parquet_content(file)
    if not frame.height or not frame.width:
        raise DataError("the file holds no rows", file=name)
    frame, blank = without_edge_blanks(frame)
    return RawTable(
        frame,
        origin=((0, name, 0),),
        details={file: {"digest": digest(content), "bytes": len(content), "rows": frame.height, "columns": frame.width}},
        notes=(Note(f"{Path(file).name}: {frame.height:,} rows, {frame.width} columns"), *blanks_note(file, blank)),
    )


def look(config: DataConfig, *, seed: int, whole: Callable[[], DataFacts]) -> DataFacts:
    """What the first rows tell; a small table is read whole."""
    return look_at_table(config, seed, sample, whole)


def sample(files: Sequence[str], config: DataConfig) -> tuple[RawTable, int]:
    """The first rows of the first file, and how many rows all files have."""
    frame, blank = without_edge_blanks(read_parquet(files[0], num_rows=SAMPLE_ROWS))
    return RawTable(frame, origin=((0, shown(files[0]), 0),), notes=tuple(blanks_note(files[0], blank))), sum(
        count_parquet_rows(file) for file in files
    )


SOURCE = DataSource(read, look)
