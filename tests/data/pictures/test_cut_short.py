"""Pictures whose pixels end early are named as broken ones, also where Pillow says nothing of it."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from dltrain.data.pictures.cut_short import load_whole
from dltrain.data.pictures.files import PictureError, decode_file
from dltrain.data.pictures.form import upright
from dltrain.data.pictures.masks import mask_values


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_of(rows: int, height: int = 20, width: int = 16) -> bytes:
    """A grey PNG that says it has `height` rows and holds so many of them."""
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + bytes([row + 1] * width) for row in range(rows)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def jpeg_of(pixels: Any, **options: Any) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", **options)
    return buffer.getvalue()


def noise(height: int = 120, width: int = 104) -> Any:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3)).astype(np.uint8)


JPEG = jpeg_of(noise())
HALF = len(JPEG) // 2
CUT = {
    "rows that a PNG lacks": png_of(8),
    "one row that a PNG lacks": png_of(18),
    "a mark for the end in the middle of a JPEG": JPEG[:HALF] + b"\xff\xd9",
    "zeros in the place of the rest of a JPEG": JPEG[:HALF] + bytes(len(JPEG) - HALF),
    "a JPEG with restarts": jpeg_of(noise(), restart_marker_blocks=5)[:HALF] + b"\xff\xd9",
    "a large JPEG of one colour below": jpeg_of(noise(400, 300))[:50_000] + b"\xff\xd9",
}


@pytest.mark.parametrize("name", CUT)
@pytest.mark.parametrize("decode", [upright, mask_values])
def test_a_picture_that_ends_early_is_named(tmp_path: Path, name: str, decode: Any) -> None:
    file = tmp_path / "p"
    file.write_bytes(CUT[name])
    with pytest.raises(PictureError, match=r"truncated|JPEG changes"):
        decode_file(str(file), decode)


@pytest.mark.parametrize("fill", ["noise", "black", "white", "black below"])
@pytest.mark.parametrize("size", [(1, 1), (9, 7), (33, 17), (120, 104)])
def test_whole_pictures_are_taken(fill: str, size: tuple[int, int]) -> None:
    pixels = noise(*size)
    if fill != "noise":
        pixels[size[0] // 3 if fill == "black below" else 0 :] = 255 if fill == "white" else 0
    for mode in ("1", "L", "P", "RGB", "RGBA", "LA", "CMYK"):
        for kind, options in (("PNG", {}), ("JPEG", {}), ("JPEG", {"progressive": True}), ("JPEG", {"restart_marker_blocks": 2})):
            if (kind == "JPEG" and mode in ("P", "RGBA", "LA")) or (kind, mode) == ("PNG", "CMYK"):
                continue
            buffer = io.BytesIO()
            Image.fromarray(pixels).convert(mode).save(buffer, kind, **options)
            load_whole(Image.open(buffer))


def test_an_interlaced_picture_is_counted_pass_by_pass() -> None:
    passes = [(1, 2), (1, 2), (1, 4), (2, 4), (2, 8), (4, 8), (4, 16)]  # rows and columns of 8×16 pixels
    rows = [b"\0" + bytes([7] * columns) for count, columns in passes for _ in range(count)]
    head = struct.pack(">IIBBBBB", 16, 8, 8, 0, 0, 0, 1)
    start = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head)
    whole, cut = (start + chunk(b"IDAT", zlib.compress(b"".join(some))) + chunk(b"IEND", b"") for some in (rows, rows[:-3]))
    load_whole(Image.open(io.BytesIO(whole)))
    with pytest.raises(PictureError):
        load_whole(Image.open(io.BytesIO(cut)))
