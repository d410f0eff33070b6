"""Delimited text whose structure was checked, to columns of text by the fast reader."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dltrain.data.tables.text_scan import CHUNK, TextScan
from dltrain.errors import DataError
from dltrain.later import polars


def read_columns(
    content: bytes,
    columns: Sequence[str],
    separator: str,
    quote: str | None,
    file: str,
    line: int = 1,
    *,
    strips: bool = True,
) -> polars.DataFrame:
    """Columns of text, without blanks around it unless `strips` is false.

    Raises:
        DataError: the reader does not agree with the scan that went before; `line` is where the content begins.
    """
    try:
        frame = polars.read_csv(
            content,
            has_header=False,
            schema=dict.fromkeys(columns, polars.String),
            missing_columns="insert",  # a header may have one name fewer than the rows have values
            separator=separator,
            quote_char=quote,
            raise_if_empty=False,
        )
    except polars.exceptions.PolarsError as error:
        reason = " ".join(str(error).rpartition("Original error:")[2].strip("` \n").split())[:200]
        raise DataError(f"from here on not readable as a table: {reason}", file=file, line=line) from error
    frame = frame.select(polars.all().str.strip_chars()) if strips and has_edge_blanks(content, separator) else frame
    # What keeps a spreadsheet from taking text for a number: ="00123".
    return frame.with_columns(polars.all().str.replace(r'^="([^"]*)"$', "$1")) if b'="' in content else frame


def without_blanks(content: bytes, scan: TextScan) -> bytes:
    """The text without blank lines and without blanks beside the quotes of a field."""
    if not len(scan.starts):
        return b""
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


def strip_field_blanks(record: bytes, scan: TextScan, index: int) -> bytes:
    """A record without blanks beside the quotes of a field."""
    start, end = scan.starts[index], scan.ends[index]
    inside = scan.field_blanks[(scan.field_blanks >= start) & (scan.field_blanks < end)] - start
    return np.delete(np.frombuffer(record, np.uint8), inside).tobytes()


def has_edge_blanks(content: bytes, separator: str) -> bool:
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


def find_origin(scan: TextScan, first: int, name: str) -> tuple[tuple[int, str, int], ...]:
    """(row, file, line) wherever the distance between row and line changes."""
    lines = scan.lines[first:]
    rows = np.flatnonzero(np.diff(lines - np.arange(len(lines)), prepend=np.iinfo(np.int64).min // 2))
    return tuple((int(row), name, int(lines[row])) for row in rows)
