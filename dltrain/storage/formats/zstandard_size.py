"""How much a Zstandard file can unpack to, by the headers of its blocks; nothing is unpacked.

RFC 8878, https://www.rfc-editor.org/rfc/rfc8878, sections 3.1.1 and 3.1.2. What a frame says of its content's size is not
believed: it may be left out.
"""

from __future__ import annotations

from typing import BinaryIO

MAGIC = 0xFD2FB528
SKIPPABLE = 0x184D2A50
MOST_BLOCK = 128 << 10  # that a compressed block unpacks to


def most_content(file: BinaryIO) -> int:
    """The most bytes that the file unpacks to; exact but for the last block of each frame as usual programs write it.

    Leaves the file at its beginning. A file that ends early or is damaged is counted as far as it goes.
    """
    total = 0
    file.seek(0)
    while len(head := file.read(4)) == 4:
        magic = int.from_bytes(head, "little")
        if magic & ~0xF == SKIPPABLE:
            file.seek(int.from_bytes(file.read(4), "little"), 1)
        elif magic == MAGIC:
            total += _frame(file)
        else:
            break
    file.seek(0)
    return total


def _frame(file: BinaryIO) -> int:
    """The same of the frame behind its magic number."""
    described = file.read(1)
    if not described:
        return 0
    is_single, has_checksum = described[0] >> 5 & 1, described[0] >> 2 & 1
    content_bytes = (1 if is_single else 0, 2, 4, 8)[described[0] >> 6]
    file.seek((0 if is_single else 1) + (0, 1, 2, 4)[described[0] & 3] + content_bytes, 1)
    total = 0
    while len(head := file.read(3)) == 3:
        block = int.from_bytes(head, "little")
        is_last, kind, size = block & 1, block >> 1 & 3, block >> 3
        total += MOST_BLOCK if kind == 2 else size
        file.seek(1 if kind == 1 else size, 1)
        if is_last:
            break
    file.seek(4 if has_checksum else 0, 1)
    return total
