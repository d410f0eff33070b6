"""Parquet files: columns with types of their own."""

from __future__ import annotations

from pathlib import Path

from dltrain.config.types import DataConfig
from dltrain.data.files import digest, expand_paths
from dltrain.data.raw import RawTable
from dltrain.data.tables.combine import combine_tables
from dltrain.data.tables.parquet_file import read_parquet_content
from dltrain.errors import DataError, Fault
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
    return combine_tables(tables)


def _read_file(file: str) -> RawTable:
    name = shown(file)
    frame, content = read_parquet_content(file)
    if not frame.height or not frame.width:
        raise DataError(Fault("the file holds no rows", file=name))
    return RawTable(
        frame,
        origin=((0, name, 0),),
        details={file: {"digest": digest(content), "bytes": len(content), "rows": frame.height, "columns": frame.width}},
        notes=(f"{Path(file).name}: {frame.height:,} rows, {frame.width} columns",),
    )
