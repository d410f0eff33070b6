"""A delimited text too long for memory: read in chunks of whole records, each checked before the fast reader sees it."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dltrain.data.files import UTF8, find_encoding, not_text, read_blocks, without_end_mark
from dltrain.data.tables.column_names import column_of, only
from dltrain.data.tables.second_table import second_table
from dltrain.data.tables.text_layout import TextLayout
from dltrain.data.tables.text_parse import find_origin, has_edge_blanks, read_columns, without_blanks
from dltrain.data.tables.text_scan import NEWLINE, TextScan, scan_text, too_long, without_empty_end
from dltrain.errors import DataError
from dltrain.later import polars
from dltrain.storage.bounds import LINE_BYTES
from dltrain.wording import shown

CHUNK_BYTES = 16 << 20


def text_chunks(
    file: str,
    encoding: str | None,
    quote: str | None,
    size: int,
    see: Callable[[bytes], Any] = len,
    empty: list[int] | None = None,
) -> Iterator[tuple[bytes, int]]:
    """Whole records of a file as UTF-8 (not checked yet), with the line at which they begin; without empty rows at its end.

    Args:
        file: plain or compressed.
        encoding: as in `DataConfig`.
        quote: a line end between two of these does not end a record.
        size: about how many bytes at a time.
        see: is given the (unpacked) bytes of the file, in order.
        empty: is given the number of those rows, if there are any, before the last records come.

    Raises:
        DataError: unreadable, no text in that encoding, a record of absurd length.
    """
    line, buffer = 1, b""
    for block in _decoded(file, encoding, size, see):
        buffer += block
        end = _end_of_records(buffer, quote)
        kept, count = without_empty_end(buffer)
        if count:  # if the file ends so, they go with the record before them
            end = _end_of_records(kept[: kept.rfind(b"\n", 0, len(kept) - 1) + 1], quote)
        # A quote that is not closed by then never is.
        if not end and len(buffer) > LINE_BYTES.value:
            end = buffer.rfind(b"\n") + 1
            if not end:
                raise DataError(too_long(shown(file), line))
        if end:
            yield buffer[:end], line
            line += int(np.count_nonzero(np.frombuffer(buffer, np.uint8, end) == NEWLINE))
            buffer = buffer[end:]
    buffer, count = without_empty_end(without_end_mark(buffer))
    if count and empty is not None:
        empty.append(count)
    if buffer:
        yield buffer, line


def _decoded(file: str, encoding: str | None, size: int, see: Callable[[bytes], Any]) -> Iterator[bytes]:
    decoder: codecs.IncrementalDecoder | None = None
    name, position, line, is_first, ends_in_returns = "", 0, 1, True, False
    for block in read_blocks(file, size):
        see(block)
        if is_first:
            name = find_encoding(block, encoding)
            decoder = None if name in UTF8 else codecs.getincrementaldecoder(name)()
        if decoder is not None:
            try:
                text = decoder.decode(block).encode()
            except UnicodeDecodeError as error:
                before = block[: max(error.start, 0)].count(b"\n")
                raise not_text(name, position + error.start, line + before, file) from error
            position, line, block = position + len(block), line + block.count(b"\n"), text
        if is_first:
            block = block.removeprefix(codecs.BOM_UTF8)
            ends_in_returns = b"\r" in block and b"\n" not in block
            is_first = False
        yield block.replace(b"\r", b"\n") if ends_in_returns else block
    if decoder is not None:
        try:
            decoder.decode(b"", final=True)
        except UnicodeDecodeError as error:
            raise not_text(name, position, line, file) from error


def _end_of_records(buffer: bytes, quote: str | None) -> int:
    """Where the last line ends that no quoted field crosses; 0 where there is none."""
    end = buffer.rfind(b"\n") + 1
    if quote is None or quote.encode() not in buffer:
        return end
    odd = buffer.count(quote.encode(), 0, end) % 2
    while end and odd:
        before = buffer.rfind(b"\n", 0, end - 1) + 1
        odd ^= buffer.count(quote.encode(), before, end) % 2
        end = before
    return end


@dataclass(slots=True)
class Records:
    """A chunk whose records are known.

    Attributes:
        content: without a header, without blank lines.
        num_records: in it.
        first_line: line of the first record.
        scan: of its records and those of the header before them; None where a count showed that all is well: every line is
            a record without quotes, and the records have the right number of fields taken together. The reader, which is
            given the columns, refuses a line with more; so none has fewer.
        first: records of the scan that belong to the header.
    """

    content: bytes
    num_records: int
    first_line: int
    scan: TextScan | None = None
    first: int = 0

    def origin(self, name: str) -> tuple[tuple[int, str, int], ...]:
        """(row of the chunk, file, line) wherever the distance between row and line changes."""
        if self.scan is None:
            return ((0, name, self.first_line),) if self.num_records else ()
        return find_origin(self.scan, self.first, name)


def count_records(content: bytes, first_line: int, layout: TextLayout, first: int) -> Records | None:
    """The records of a chunk that a count shows to be right, or None.

    Args:
        content: UTF-8, checked.
        first_line: line of the file at which it begins.
        layout: how it is written.
        first: records of a header, and of units below it, in it.
    """
    has_quotes = layout.quote is not None and layout.quote.encode() in content
    if has_quotes or len(layout.columns) == 1 or content[:1].isspace() or first > 1:
        return None
    if first:
        end = content.find(b"\n") + 1
        content, first_line = content[end:] if end else b"", first_line + 1
    data = np.frombuffer(content, np.uint8)
    num_lines = int(np.count_nonzero(data == NEWLINE)) + (bool(content) and not content.endswith(b"\n"))
    if int(np.count_nonzero(data == ord(layout.separator))) != num_lines * (len(layout.columns) - 1):
        return None
    return Records(content, num_lines, first_line)


def scan_records(content: bytes, first_line: int, file: str, layout: TextLayout, first: int) -> Records:
    """The records of a chunk, scanned; its scan may hold records of a wrong number of fields.

    Raises:
        DataError: quotes out of place, or a second table.
    """
    scan = scan_text(content, layout.separator, layout.quote, shown(file), first_line)
    if scan.faults:
        raise DataError(scan.faults)
    second = second_table(content, scan, layout, first, shown(file))
    if second is not None:
        raise DataError(second)
    lines = scan.lines[first:]
    return Records(without_blanks(content, scan), len(lines), int(lines[0]) if len(lines) else first_line, scan, first)


def read_text_columns(records: Records, layout: TextLayout, file: str) -> polars.DataFrame | None:
    """All columns as text; None where the reader finds what the count could not see.

    Raises:
        DataError: the reader sees other records than the scan.
    """
    try:
        if records.scan is None:
            frame = _parse(records.content, layout, {}, None)
            if has_edge_blanks(records.content, layout.separator):
                frame = frame.select(polars.all().str.strip_chars())
        else:
            name, line = shown(file), records.first_line
            frame = read_columns(records.content, layout.columns, layout.separator, layout.quote, name, line)
            frame = frame.slice(records.first)
    except polars.exceptions.PolarsError:
        return None
    if frame.height != records.num_records:
        if records.scan is None:
            return None
        message = f"{records.num_records:,} rows were counted, {frame.height:,} read: stray quotes?"
        raise DataError(message, file=shown(file), line=records.first_line)
    return frame


def read_typed_columns(
    records: Records, layout: TextLayout, columns: Sequence[str], numbers: Sequence[str], missing: Sequence[str] | None
) -> polars.DataFrame | None:
    """Some columns as text and numbers in one go; None where it needs a closer look.

    Args:
        records: from `count_records`.
        layout: how the text is written.
        columns: the columns to read.
        numbers: those of them that are numbers.
        missing: words that mean "no value", in all columns.
    """
    if has_edge_blanks(records.content, layout.separator) or _may_hold_codes(records.content, layout):
        return None
    try:
        frame = _parse(records.content, layout, dict.fromkeys(numbers, polars.Float64), missing)
    except polars.exceptions.PolarsError:
        return None
    if frame.height != records.num_records:
        return None
    frame = only(frame, columns)
    return frame if all(column_of(frame, name).is_finite().all() for name in numbers) else None


def _may_hold_codes(content: bytes, layout: TextLayout) -> bool:
    """Whether a whole number with zeros before it is a field: it may be one of a column of numbers, where it is to be said."""
    edge = rf"[{re.escape(layout.separator)}{layout.quote or ''}\n\r]"
    text = polars.Series([content], dtype=polars.Binary).cast(polars.String, strict=False)
    return bool(text.str.contains(rf"{edge}[+-]?0\d+{edge}").fill_null(True).item())


def _parse(content: bytes, layout: TextLayout, types: Mapping[str, Any], missing: Sequence[str] | None) -> polars.DataFrame:
    """All columns: the reader sees that a line has too many fields only where it reads them all."""
    return polars.read_csv(
        content,
        has_header=False,
        schema={name: types.get(name, polars.String) for name in layout.columns},
        separator=layout.separator,
        quote_char=layout.quote,
        null_values=None if missing is None else list(missing),
        raise_if_empty=False,
    )
