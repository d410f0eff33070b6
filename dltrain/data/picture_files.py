"""Opens picture files that may be anything, and decodes many of them at once."""

from __future__ import annotations

import os
import struct
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.data.faults import capped
from dltrain.errors import DataError, Fault

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF")
EXTENSIONS = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff")
# Pillow's own threshold of suspicion: what decodes to more is taken for a decompression bomb.
MAX_PIXELS = 89_478_485
LIMIT = f"expected a picture of at most {MAX_PIXELS / 1e6:.0f} megapixels"

Decode = Callable[[Any], NDArray[np.float32]]


class PictureError(Exception):
    """Why one picture cannot be used, in the user's terms."""


def decode_pictures(paths: Sequence[str], decode: Decode, images: NDArray[np.float32]) -> None:
    """Decode every file into its row of `images`, in threads (Pillow decodes outside the interpreter's lock).

    Args:
        paths: the files.
        decode: makes an array of `images.shape[1:]` from an open PIL image; may raise `PictureError`.
        images: [rows, height, width, channels], filled in place.

    Raises:
        DataError: pictures that are corrupt, truncated, too large or none at all; each is named.
    """
    faults: list[Fault] = []

    def work(row: int) -> Fault | None:
        try:
            images[row] = _decode_file(paths[row], decode)
        except PictureError as error:
            return Fault(str(error), file=paths[row])
        return None

    with warnings.catch_warnings():
        # What Pillow only warns of (a suspiciously large picture, corrupt EXIF) is handled or harmless here.
        warnings.simplefilter("ignore")
        with ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as pool:
            faults = [fault for fault in pool.map(work, range(len(paths))) if fault is not None]
    if faults:
        raise DataError(capped(faults))


def _decode_file(path: str, decode: Decode) -> NDArray[np.float32]:
    from PIL import Image, UnidentifiedImageError

    try:
        # First the size alone: the formats' headers are read, no pixel is decoded.
        with Image.open(path, formats=FORMATS) as image:
            width, height = image.size
            if width * height > MAX_PIXELS:
                raise PictureError(f"{LIMIT}, found {width}×{height} ({width * height / 1e6:.0f})")
            return decode(image)
    except UnidentifiedImageError:
        raise PictureError(_not_a_picture(path)) from None
    except Image.DecompressionBombError as error:
        raise PictureError(f"{LIMIT}: {error}") from None
    except FileNotFoundError:
        raise PictureError("no such file") from None
    except IsADirectoryError:
        raise PictureError("expected a picture, found a folder") from None
    except PermissionError:
        raise PictureError("no permission to read it") from None
    except MemoryError:
        raise PictureError("decoding it takes more memory than there is") from None
    except (
        OSError,
        ValueError,
        SyntaxError,
        EOFError,
        IndexError,
        KeyError,
        TypeError,
        struct.error,
        OverflowError,
        ZeroDivisionError,
    ) as error:
        # Pillow's decoders raise any of these on damaged content.
        raise PictureError(f"corrupt or truncated picture: {error}") from None


def _not_a_picture(path: str) -> str:
    kinds = ", ".join(kind.replace("WEBP", "WebP") for kind in FORMATS)
    try:
        empty = os.path.getsize(path) == 0
    except OSError:
        empty = False
    return f"expected a picture ({kinds}), found " + ("an empty file" if empty else "something else")
