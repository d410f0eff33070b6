"""What the footer of a Parquet file says that its columns take in memory, of which polars tells nothing.

The footer is a `FileMetaData` in Thrift's compact protocol: https://github.com/apache/parquet-format (parquet.thrift) and
https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md.
"""

from __future__ import annotations

import os
from typing import Any

# The footer of a longer one has millions of entries: it takes too long to be read here, and then packs hardly any data.
MOST_FOOTER = 8 << 20
DEEPEST = 16
ROW_GROUPS, COLUMNS_OF_GROUP, META, TYPE, NUM_VALUES, UNCOMPRESSED = 4, 1, 3, 1, 5, 6
# Physical type -> bytes that a value takes in memory, from below: INT32, INT64, INT96, FLOAT, DOUBLE, and two of bytes, of which
# a view is kept. A page of values that are all the same says their number, however small it is.
VALUE_BYTES = {1: 1, 2: 8, 3: 8, 4: 4, 5: 8, 6: 16, 7: 1}


def column_bytes(file: str) -> int:
    """Bytes that the columns take together, from below: before compression, or by the number of their values; 0: not said."""
    with open(file, "rb") as content:
        size = os.fstat(content.fileno()).st_size
        if size < 12:
            return 0
        content.seek(size - 8)
        length = int.from_bytes(content.read(4), "little")
        if length > min(MOST_FOOTER, size - 8):
            return 0
        content.seek(size - 8 - length)
        footer = content.read(length)
    try:
        groups = _Compact(footer).struct(0)[ROW_GROUPS]
        columns = [column for group in groups for column in group[COLUMNS_OF_GROUP]]
        metas = [column[META] for column in columns]
        return sum(max(meta[UNCOMPRESSED], VALUE_BYTES.get(meta[TYPE], 0) * meta[NUM_VALUES], 0) for meta in metas)
    except (KeyError, IndexError, TypeError, ValueError):  # damaged, which the reader says
        return 0


class _Compact:
    """Reads structs as mappings of field numbers to values."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.place = 0

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
            if count > len(self.data):
                raise ValueError
            element = head & 15
            return [self._byte() if element in (1, 2) else self._value(element, depth + 1) for _ in range(count)]
        if kind == 12:
            return self.struct(depth + 1)
        raise ValueError

    def _byte(self) -> int:
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
