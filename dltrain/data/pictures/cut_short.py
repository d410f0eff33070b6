"""Pictures that end early although their files look whole: Pillow fills what is missing with black or one grey, and is silent."""

from __future__ import annotations

import io
import re
import struct
import zlib
from typing import Any

from dltrain.data.pictures.files import PictureError

_MESSAGE = "corrupt or truncated picture: its pixels end before the last row"
_BLOCK = 8  # pixels a side of the smallest block of a JPEG
_FEW = 1 << 12  # pixels; of so few all are decoded again
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # of each type of colour of a PNG
# First column and row, and steps, of the seven passes of an interlaced PNG.
_PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
# What ends the compressed pixels of a JPEG: a byte 255 that stands for neither itself nor a restart.
_MARKER = re.compile(rb"\xff+([^\x00\xff\xd0-\xd7])", re.DOTALL)
# In the place of pixels that may be missing: any bits, and again behind each mark for a restart, should one be awaited.
_BITS = b"\x6d\x93\x2b\x57\xd1\x3a\x4e\x95" * 4
_MORE = _BITS + b"".join(bytes([0xFF, 0xD0 + number]) + _BITS for number in range(8))


def load_whole(image: Any) -> None:
    """Decode an open PIL image; one that was read from memory is looked at whether all of it is there.

    Raises:
        PictureError: fewer pixels are in it than it says.
        OSError: it is damaged in a way that Pillow finds.
    """
    file = getattr(image, "fp", None)  # what was decoded and turned already has none
    content = file.getvalue() if isinstance(file, io.BytesIO) else b""
    image.load()
    if not content:
        return
    if image.format == "PNG" and _ends_black(image) and not _png_is_whole(content):
        raise PictureError(_MESSAGE)
    if image.format in ("JPEG", "MPO") and not _jpeg_is_whole(content, may_be_cut=_ends_flat(image)):
        raise PictureError(_MESSAGE)


def _ends_black(image: Any) -> bool:
    """Whether the last two rows are zeros, as where nothing was decoded; of an interlaced picture they need not be."""
    last = image.crop((0, max(0, image.height - 2), image.width, image.height))
    return bool(image.info.get("interlace")) or not last.tobytes().strip(b"\0")


def _png_is_whole(content: bytes) -> bool:
    """Whether as many bytes are packed in a PNG as its size asks for; where they cannot be counted, Pillow has the word."""
    packed, at, needed = zlib.decompressobj(), 8, 0
    found = 0
    while at + 8 <= len(content):
        (length,), kind = struct.unpack_from(">I", content, at), content[at + 4 : at + 8]
        body = content[at + 8 : at + 8 + length]
        if kind == b"IHDR":
            width, height, depth, color, _, _, interlaced = struct.unpack(">IIBBBBB", body[:13])
            needed = _png_bytes(width, height, depth * _CHANNELS.get(color, 1), bool(interlaced))
        elif kind == b"IDAT":
            found += _length_of(packed, body, needed - found)
        elif kind == b"IEND" or found >= needed > 0:
            break
        at += 12 + length
    return found >= needed


def _png_bytes(width: int, height: int, bits: int, interlaced: bool) -> int:
    """Bytes of all rows, each with one that says how it was filtered."""
    total = 0
    for left, top, across, down in _PASSES if interlaced else ((0, 0, 1, 1),):
        columns, rows = -(-(width - left) // across), -(-(height - top) // down)
        total += rows * (1 + -(-columns * bits // 8)) if columns > 0 and rows > 0 else 0
    return total


def _length_of(packed: Any, body: bytes, most: int) -> int:
    """How many bytes come out of a packed piece, and no more than asked for are unpacked; a damaged one is Pillow's to find."""
    found = 0
    try:
        while body and found < most:
            found += len(packed.decompress(body, 1 << 20))
            body = packed.unconsumed_tail
    except zlib.error:
        return most
    return found


def _ends_flat(image: Any) -> bool:
    """Whether the last block has one colour, as it has where the pixels of a JPEG end early."""
    if image.width * image.height <= _FEW:
        return True
    # Its first row and column are mixed with colours of the block before.
    left, top = (min(side - 1, (side - 1) // _BLOCK * _BLOCK + 1) for side in image.size)
    bands = image.crop((left, top, image.width, image.height)).getextrema()
    return all(low == high for low, high in (bands if isinstance(bands[0], tuple) else (bands,)))


def _jpeg_is_whole(content: bytes, *, may_be_cut: bool) -> bool:
    """Whether the pixels of a JPEG come to an end, and are all there: then what is put behind the last of them changes none."""
    end = _end_of_pixels(content)
    if end is None:
        return False
    return not may_be_cut or _shrunk(content) == _shrunk(content[:end] + _MORE + content[end:])


def _end_of_pixels(content: bytes) -> int | None:
    """Where the mark for the end of the (first) picture of a JPEG stands."""
    at = 2
    in_pixels = False
    while found := (_MARKER.search(content, at) if in_pixels else _MARKER.match(content, at)):
        kind = found[1][0]
        if kind == 0xD9:
            return found.start() if in_pixels else None
        if found.end() + 2 > len(content):
            return None
        at = found.end() + int.from_bytes(content[found.end() : found.end() + 2])
        in_pixels = in_pixels or kind == 0xDA
    return None


def _shrunk(content: bytes) -> bytes:
    """The pixels of a JPEG at an eighth of its size, for which all of it is read."""
    from PIL import Image

    with Image.open(io.BytesIO(content), formats=("JPEG",)) as image:
        image.draft(None, (max(1, image.width // 8), max(1, image.height // 8)))
        pixels: bytes = image.tobytes()
    return pixels
