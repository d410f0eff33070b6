"""What the footer and the pages of a Parquet file say that its columns take in memory, of which polars tells nothing.

The footer is a `FileMetaData` in Thrift's compact protocol: https://github.com/apache/parquet-format (parquet.thrift) and
https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterator
from typing import Any

# The footer of a longer one has millions of entries: it takes too long to be read here, and then packs hardly any data.
MOST_FOOTER = 8 << 20
DEEPEST = 16
MOST_HEADER = 1 << 20  # of a page
ROW_GROUPS, COLUMNS_OF_GROUP, ROWS_OF_GROUP, META = 4, 1, 3, 3
TYPE, NUM_VALUES, UNCOMPRESSED, COMPRESSED, DATA_OFFSET, DICTIONARY_OFFSET = 1, 5, 6, 7, 9, 11
# Of a page's header; its own number of values is the first field of the part that its kind has.
PAGE_UNCOMPRESSED, PAGE_COMPRESSED, KINDS_OF_PAGE, VALUES_OF_PAGE = 2, 3, (5, 7, 8), 1
# Physical type -> bytes that a value takes in memory, from below: INT32, INT64, INT96, FLOAT, DOUBLE, and two of bytes, of which
# a view is kept. A page of values that are all the same says their number, however small it is.
VALUE_BYTES = {1: 1, 2: 8, 3: 8, 4: 4, 5: 8, 6: 16, 7: 1}


def column_bytes(file: str) -> int:
    """Bytes that the columns take together, from below: before compression, or by the number of their values; 0: not said.

    A file may say less in its footer than its row groups or its pages hold: the most of what each of them says counts.
    """
    with open(file, "rb") as content:
        size = os.fstat(content.fileno()).st_size
        if size < 12:
            return 0
        with mmap.mmap(content.fileno(), 0, access=mmap.ACCESS_READ) as data:
            length = int.from_bytes(data[size - 8 : size - 4], "little")
            if length > min(MOST_FOOTER, size - 8):
                return 0
            try:
                footer = _Compact(data[size - 8 - length : size - 8]).struct(0)
                return sum(
                    _chunk_bytes(data, column[META], group.get(ROWS_OF_GROUP, 0))
                    for group in footer[ROW_GROUPS]
                    for column in group[COLUMNS_OF_GROUP]
                )
            except (KeyError, IndexError, TypeError, ValueError):  # damaged, which the reader says
                return 0


def _chunk_bytes(data: mmap.mmap, meta: dict[int, Any], rows: int) -> int:
    """Bytes that a column takes in a row group."""
    each = VALUE_BYTES.get(meta[TYPE], 0)
    return int(max(meta[UNCOMPRESSED], each * max(meta[NUM_VALUES], rows), *_page_bytes(data, meta, each), 0))


def _page_bytes(data: mmap.mmap, meta: dict[int, Any], each: int) -> Iterator[int]:
    """What the pages of a column chunk take together: the first, the first two, and so on as far as they can be read.

    Args:
        data: the file.
        meta: of the chunk.
        each: bytes of a value.
    """
    place, total = meta.get(DICTIONARY_OFFSET) or meta.get(DATA_OFFSET, 0), 0
    end = min(place + meta.get(COMPRESSED, 0), len(data))
    try:
        while 0 < place < end:
            page = _Compact(data, place, min(place + MOST_HEADER, end))
            header = page.struct(0)
            values = sum(header[kind][VALUES_OF_PAGE] for kind in KINDS_OF_PAGE if kind in header)
            total += max(header[PAGE_UNCOMPRESSED], each * values, 0)
            yield total
            place = page.place + max(header[PAGE_COMPRESSED], 0)
    except (KeyError, IndexError, TypeError, ValueError):
        return


class _Compact:
    """Reads structs as mappings of field numbers to values."""

    def __init__(self, data: bytes | mmap.mmap, place: int = 0, end: int | None = None) -> None:
        self.data = data
        self.place = place
        self.end = len(data) if end is None else end

    def struct(self, depth: int) -> dict[int, Any]:
        if depth > DEEPEST:
            raise ValueError
        fields: dict[int, Any] = {}
        number = 0
        while head := self._byte():
            number = number + (head >> 4) if head >> 4 else self._signed()
            fields[number] = self._value(head & 15, depth)
        return fields

    def _value(self, kind: int, depth: int) -> Any:
        if kind in (1, 2):  # a boolean, which is in its kind
            return kind == 1
        if kind == 3:
            return self._byte()
        if kind in (4, 5, 6):
            return self._signed()
        if kind == 7:
            self.place += 8
            return None
        if kind == 8:
            length = self._varint()
            self.place += length
            return None
        if kind in (9, 10):
            head = self._byte()
            count = head >> 4 if head >> 4 < 15 else self._varint()
            if count > self.end - self.place:
                raise ValueError
            element = head & 15
            return [self._byte() if element in (1, 2) else self._value(element, depth + 1) for _ in range(count)]
        if kind == 12:
            return self.struct(depth + 1)
        raise ValueError

    def _byte(self) -> int:
        if self.place >= self.end:
            raise IndexError
        value = self.data[self.place]
        self.place += 1
        return value

    def _varint(self) -> int:
        value = shift = 0
        while shift < 70:
            byte = self._byte()
            value |= (byte & 127) << shift
            if byte < 128:
                return value
            shift += 7
        raise ValueError

    def _signed(self) -> int:
        value = self._varint()
        return value >> 1 ^ -(value & 1)
