"""Delimited text: CSV, TSV and the like, plain or compressed, one file or several."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from dltrain.config.types import DataConfig
from dltrain.data.columns.reading import SAMPLE_ROWS
from dltrain.data.facts import DataFacts
from dltrain.data.files import digest, expand_paths, read_content, to_utf8
from dltrain.data.raw import RawTable
from dltrain.data.sources.arguments import MAY_LACK
from dltrain.data.sources.source import DataSource
from dltrain.data.tables.combine import combine_tables
from dltrain.data.tables.sample import look_at_table, read_head
from dltrain.data.tables.second_table import header_among_rows, second_table
from dltrain.data.tables.text_encoding import detect_encoding
from dltrain.data.tables.text_format import Framing
from dltrain.data.tables.text_layout import empty_note, find_layout, repeats_warning
from dltrain.data.tables.text_parse import find_origin, read_columns, without_blanks
from dltrain.data.tables.text_scan import scan_text, without_empty_end
from dltrain.errors import DataError, Note, warn
from dltrain.reporting import Reporter
from dltrain.wording import shown


def read(config: DataConfig, *, seed: int, reporter: Reporter) -> RawTable:
    """All files of `config.path` below one another, every column as text without blanks around it.

    Raises:
        DataError: a file is missing, empty, no text, or has rows of unequal length; with file and line.
    """
    tables = []
    for file in expand_paths(config.path):
        reporter.status(f"reading {shown(file)}")
        tables.append(read_text(file, config))
    return combine_tables(tables, config.arguments.get(MAY_LACK, ()))


def read_text(file: str, config: DataConfig) -> RawTable:
    """One file. Its structure is checked before the fast reader sees it."""
    raw_bytes = read_content(file)
    # Hashing leaves the interpreter free, so it runs beside the parsing.
    with ThreadPoolExecutor(1) as beside:
        future = beside.submit(digest, raw_bytes)
        table = parse_text(raw_bytes, file, config)
        table.details[file]["digest"] = future.result()
    return table


def parse_text(raw_bytes: bytes, file: str, config: DataConfig) -> RawTable:
    """The bytes of one file, or of its beginning up to a line's end, as a table without a digest."""
    name = shown(file)
    found = None if config.encoding else detect_encoding(raw_bytes)
    content = to_utf8(raw_bytes, config.encoding or found, file)
    framing = Framing.of(config, content)
    content, empty = without_empty_end(framing.apply(content))
    layout, scan = find_layout(content, config, name, framing)
    content, repeats = layout.without_repeats(content, 1, begins=True)
    scan = scan_text(content, layout.separator, layout.quote, name) if repeats else scan
    odd = [warn(f"{name} is no UTF-8: it is read as {found}; data.encoding says otherwise", "encoding")] if found else []
    check = layout.width_check(name)
    check.add(scan.num_fields[layout.first :], scan.lines[layout.first :])
    if faults := check.faults():
        raise DataError(faults)
    if (second := second_table(content, scan, layout, layout.first, name)) is not None:
        raise DataError(second)
    if len(scan.starts) <= layout.first:
        raise DataError("the file holds a header and no rows", file=name, line=int(scan.lines[0]))
    frame = read_columns(without_blanks(content, scan), layout.columns, layout.separator, layout.quote, name)
    frame = frame.slice(layout.first)
    num_rows = len(scan.starts) - layout.first
    if frame.height != num_rows:
        raise DataError(f"{num_rows:,} rows were counted, {frame.height:,} read: stray quotes?", file=name)
    if (second := header_among_rows(frame, scan.lines[layout.first :], name)) is not None:
        raise DataError(second)
    return RawTable(
        frame,
        origin=find_origin(scan, layout.first, name),
        details={file: {"bytes": len(raw_bytes), "rows": frame.height, "columns": len(layout.columns)}},
        notes=(
            Note(layout.describe(Path(file).name, frame.height)),
            *odd,
            *layout.warnings,
            *([repeats_warning(name, repeats)] if repeats else []),
            *([empty_note(name, empty)] if empty else []),
        ),
        reading={**layout.reading, **({"encoding": found} if found else {})},
    )


def look(config: DataConfig, *, seed: int, whole: Callable[[], DataFacts]) -> DataFacts:
    """What the first rows tell; a small table is read whole."""
    return look_at_table(config, seed, sample, whole)


def sample(files: Sequence[str], config: DataConfig) -> tuple[RawTable, int | None]:
    """The first rows of the first file, and about how many rows all files have."""
    head, complete, packed = read_head(files[0], SAMPLE_ROWS + 1)
    raw = parse_text(head, files[0], config)
    total = sum(os.path.getsize(file) for file in files)
    if packed:
        return raw, raw.frame.height if complete and len(files) == 1 else None
    rows = raw.frame.height if complete and len(files) == 1 else round(raw.frame.height * total / max(len(head), 1))
    return raw, rows


SOURCE = DataSource(read, look)
