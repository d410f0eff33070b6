"""Delimited text: CSV, TSV and the like, plain or compressed, one file or several."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dltrain.config.types import DataConfig
from dltrain.data.combine import combine_tables
from dltrain.data.faults import capped, config_fault, listed, shown
from dltrain.data.files import digest, expand_paths, read_content, to_utf8
from dltrain.data.kinds import is_number
from dltrain.data.raw import RawTable
from dltrain.data.text_format import NAMES, find_decimal, find_separator, is_followed_by_blank, show_separator
from dltrain.data.text_scan import CHUNK, TextScan, scan_text, width_faults
from dltrain.errors import ConfigError, DataError, Fault
from dltrain.reporting import Reporter

NO_HEADER = "if the file has no header line, say data.header: false or name its columns with data.columns"

if TYPE_CHECKING:
    import polars


def read(config: DataConfig, *, seed: int, reporter: Reporter) -> RawTable:
    """All files of `config.path` below one another, every column as text without blanks around it.

    Raises:
        DataError: a file is missing, empty, no text, or has rows of unequal length; with file and line.
    """
    tables = []
    for file in expand_paths(config.path):
        reporter.status(f"reading {shown(file)}")
        tables.append(read_text(file, config))
    return combine_tables(tables)


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
    content = to_utf8(raw_bytes, config.encoding, file)
    if not content or content.isspace():
        raise DataError(Fault("the file is empty", file=name))
    quote = _quote(config)
    separator = _separator(config) or find_separator(content, quote)
    scan = scan_text(content, separator, quote, name)
    if scan.faults:
        raise DataError(scan.faults)
    first_row, header = _header(content, scan, config, separator, quote)
    columns, first = _column_names(config, first_row, header, name)
    named_by = "the header names" if first else ("data.columns names" if config.columns else "the first row has")
    faults = width_faults(scan, len(columns), first, named_by, name)
    if faults:
        raise DataError(faults)
    if len(scan.starts) <= first:
        raise DataError(Fault("the file holds a header and no rows", file=name, line=int(scan.lines[0])))
    frame = _parse(_without_blanks(content, scan), columns, first, separator, quote)
    if frame.height != len(scan.starts) - first:
        raise DataError(Fault(f"{len(scan.starts) - first:,} rows were counted, {frame.height:,} read: stray quotes?", file=name))
    notes = [_first_line(Path(file).name, frame, separator, content)]
    if first and config.header is None and sum(is_number(cell) for cell in first_row) > len(first_row) / 3:
        notes.append(f"warning: the first line of {name} looks like data ({listed(first_row, 4)}); {NO_HEADER}")
    return RawTable(
        frame,
        origin=_origin(scan, first, name),
        details={file: {"bytes": len(raw_bytes), "rows": frame.height, "columns": len(columns)}},
        notes=tuple(notes),
        reading={"separator": separator, "decimal": config.decimal or find_decimal(content, separator)},
    )


def _first_line(name: str, frame: polars.DataFrame, separator: str, content: bytes) -> str:
    look = show_separator(separator, is_followed_by_blank(content, separator))
    return f"{name}: {frame.height:,} rows, {frame.width} columns (separator {look})"


def _quote(config: DataConfig) -> str | None:
    if config.quote is None:
        return '"'
    if config.quote.casefold() in ("", "none"):
        return None
    if len(config.quote) != 1 or not config.quote.isascii():
        raise ConfigError(config_fault(config, "data.quote", f"expected one character, got {config.quote!r}"))
    return config.quote


def _separator(config: DataConfig) -> str | None:
    if config.separator is None:
        return None
    separator = NAMES.get(config.separator.casefold(), config.separator)
    separator = separator.strip(" ") or " " if separator else separator
    if len(separator) != 1 or not separator.isascii() or separator in "\n\r\0":
        raise ConfigError(
            config_fault(
                config, "data.separator", f"expected one character, got {config.separator!r}", "blanks after it are left out"
            )
        )
    return separator


def _header(content: bytes, scan: TextScan, config: DataConfig, separator: str, quote: str | None) -> tuple[list[str], bool]:
    """The first record's fields, and whether it is a header."""
    record = content[scan.starts[0] : scan.ends[0]]
    wide = [f"column_{index}" for index in range(int(scan.num_fields[0]))]
    frame = _parse(_strip_field_blanks(record, scan, 0), wide, 0, separator, quote)
    cells = [cell or "" for cell in frame.row(0)] if frame.height else [""]
    if config.header is not None:
        return cells, config.header
    if config.columns is not None:
        return cells, len(set(cells)) > 1 and set(cells) <= set(config.columns)
    return cells, True


def _column_names(config: DataConfig, cells: list[str], header: bool, name: str) -> tuple[list[str], int]:
    """Column names, and how many records come before the data (0 or 1)."""
    if config.columns is not None and not (header and set(cells) <= set(config.columns)):
        names = list(config.columns)
        optional = config.arguments.get("optional_columns", ())
        if len(cells) == len(names) - len(optional):
            names = [column for column in names if column not in optional]
        if len(names) != len(cells):
            message = f"names {len(names)} columns, {name} has {len(cells)}"
            raise DataError(config_fault(config, "data.columns", message, f"its first line: {listed(cells, 30)}"))
    elif header:
        names = [cell or f"unnamed_{index}" for index, cell in enumerate(cells, 1)]
    else:
        names = [f"column_{index}" for index in range(1, len(cells) + 1)]
    faults = []
    for index, column in enumerate(names):
        if column in names[:index]:
            message = f"the column name {column!r} stands at {names.index(column) + 1} and again at {index + 1}"
            hint = "rename one, or name all columns with data.columns (and say data.header: true to skip the header line)"
            if sum(is_number(cell) for cell in cells) > len(cells) / 3:
                hint = f"this looks like data: {NO_HEADER}"
            faults.append(Fault(message, file=name, line=1, hint=hint))
    if faults:
        raise DataError(capped(faults))
    return names, int(header)


def _without_blanks(content: bytes, scan: TextScan) -> bytes:
    """The text without blank lines and without blanks before an opening quote."""
    if not len(scan.field_blanks) and len(scan.blanks) and scan.blanks[0, 0] >= scan.ends[-1]:
        return content[: scan.ends[-1]]
    if not len(scan.blanks) and not len(scan.field_blanks):
        return content
    keep = np.ones(len(content), bool)
    keep[scan.field_blanks] = False
    lengths = scan.blanks[:, 1] - scan.blanks[:, 0]
    for offset in range(int(lengths.max(initial=0))):
        keep[scan.blanks[lengths > offset, 0] + offset] = False
    return np.frombuffer(content, np.uint8)[keep].tobytes()


def _strip_field_blanks(record: bytes, scan: TextScan, index: int) -> bytes:
    start, end = scan.starts[index], scan.ends[index]
    inside = scan.field_blanks[(scan.field_blanks >= start) & (scan.field_blanks < end)] - start
    return np.delete(np.frombuffer(record, np.uint8), inside).tobytes()


def _parse(content: bytes, columns: list[str], first: int, separator: str, quote: str | None) -> polars.DataFrame:
    import polars

    frame = polars.read_csv(
        content,
        has_header=False,
        infer_schema=False,
        separator=separator,
        quote_char=quote,
        new_columns=columns,
        raise_if_empty=False,
    )
    frame = frame.slice(first)
    return frame.select(polars.all().str.strip_chars()) if _has_edge_blanks(content, separator) else frame


def _has_edge_blanks(content: bytes, separator: str) -> bool:
    """Whether any field may begin or end with a blank."""
    if not content.isascii() or content[:1].isspace() or content[-1:] in (b" ", b"\t"):
        return True
    data = np.frombuffer(content, np.uint8)
    is_edge = np.zeros(256, bool)
    is_edge[[ord(separator), ord("\n"), ord('"'), ord("'")]] = True
    for start in range(0, len(data), CHUNK):
        chunk = data[start : start + CHUNK]
        blanks = np.flatnonzero((chunk == ord(" ")) | (chunk == ord("\t"))) + start
        if (is_edge[data[blanks - 1]] | is_edge[data[blanks + 1]]).any():
            return True
    return False


def _origin(scan: TextScan, first: int, name: str) -> tuple[tuple[int, str, int], ...]:
    """(row, file, line) wherever the distance between row and line changes."""
    lines = scan.lines[first:]
    rows = np.flatnonzero(np.diff(lines - np.arange(len(lines)), prepend=np.iinfo(np.int64).min // 2))
    return tuple((int(row), name, int(lines[row])) for row in rows)
