"""Opens picture files that may be anything, and decodes many of them at once."""

from __future__ import annotations

import contextlib
import hashlib
import io
import logging
import os
import re
import stat
import struct
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, TypeVar

from numpy.typing import NDArray

from dltrain.errors import DataError, Fault, Note, capped, warn
from dltrain.storage.bounds import PIXELS
from dltrain.wording import counted, listed, shown

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF")
EXTENSIONS = (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff")
# A file of more bytes a pixel is not read: even uncompressed, pictures within the limit are smaller.
MOST_PIXEL_BYTES = 8
MOST_SIDE = 1_000_000

NUM_NAMED = 5
# Names of files that are numbers have at most so many digits, with the zeros in front.
MOST_DIGITS = 16
# A name that begins with a label, as `cat.0.jpg` does; a folder's name that needs no quoting.
_LABEL, MOST_LABELS = re.compile(r"([A-Za-z]+)[^A-Za-z,][^,]*"), 200
_PLAIN = re.compile(r"[\w./ -]+")

T = TypeVar("T")
Decode = Callable[[Any], NDArray[Any]]


class PictureError(Exception):
    """Why one picture cannot be used, in the user's terms, and what to do about it."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


def is_picture_name(name: str) -> bool:
    """Whether a file is called as pictures are."""
    return name.lower().endswith(EXTENSIONS) and not name.startswith(".")


def hint_of_name(path: str) -> str | None:
    """Where a picture of nearly the same name is there, with another ending or with zeros in front: which one."""
    stem, own = os.path.splitext(path)
    there = next((ending for ending in EXTENSIONS if os.path.isfile(stem + ending)), None)
    if there:
        return f"{shown(stem + there)} is there; data.images.suffix is put behind names that a table has without an ending"
    folder, number = os.path.split(stem)
    padded = (f"{number:0>{width}}" for width in range(len(number) + 1, MOST_DIGITS)) if number.isdecimal() else ()
    long = next((name for name in padded if os.path.isfile(os.path.join(folder, name + own))), None)
    return long and f"{long}{own} is there: the table's numbers have lost their leading zeros, write {long} in place of {number}"


def decode_pictures(
    paths: Sequence[str], decode: Decode, images: NDArray[Any], *, skip: bool = False, hint: str | None = None
) -> dict[int, Fault]:
    """Decode every file into its row of `images`, in threads (Pillow decodes outside the interpreter's lock).

    Args:
        paths: the files.
        decode: makes an array of `images.shape[1:]` from an open PIL image; may raise `PictureError`.
        images: [rows, height, width, channels], filled in place.
        skip: leave rows as they are whose pictures cannot be used, instead of failing.
        hint: what to do about such pictures.

    Returns:
        Row -> what is wrong with its picture.

    Raises:
        DataError: without `skip`: pictures that are corrupt, truncated, too large or none at all; each is named.
    """

    def work(row: int) -> Fault | None:
        try:
            images[row] = decode_file(paths[row], decode)[0]
        except PictureError as error:
            return Fault(str(error), file=paths[row], hint=error.hint)
        return None

    with quiet_pillow(), ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as pool:
        faults = {row: fault for row, fault in enumerate(pool.map(work, range(len(paths)))) if fault is not None}
    if faults and not skip:
        raise unusable(list(faults.values()), hint)
    return faults


def unusable(faults: Sequence[Fault], hint: str | None) -> DataError:
    """The error that names pictures, and says once what to do about them."""
    return DataError(capped([replace(faults[0], hint=faults[0].hint or hint), *faults[1:]]))


def skipped_notes(faults: Sequence[Fault]) -> list[Note]:
    """A warning that names pictures which were left out; none where none was."""
    if not faults:
        return []
    words = [f"{shown(fault.file or '')} ({fault.message})" for fault in faults]
    were = "was" if len(words) == 1 else "were"
    found = f"{counted(len(words), 'picture')} that cannot be used {were} left out"
    return [warn(f"{found}: {listed(words, NUM_NAMED)}", "broken_pictures")]


# What Pillow logs of a file's oddities it raises as well; where a program has no log of its own, Python would print it.
logging.getLogger("PIL").addHandler(logging.NullHandler())


@contextlib.contextmanager
def quiet_pillow() -> Iterator[None]:
    """Without what Pillow only warns of (a suspiciously large picture, corrupt EXIF): it is handled or harmless here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def decode_file(path: str, decode: Callable[[Any], T]) -> tuple[T, str]:
    """Decode one file.

    Args:
        path: the file.
        decode: makes something of the open PIL image; may raise `PictureError`.

    Returns:
        What `decode` returned, and a digest of the file's content.

    Raises:
        PictureError: it cannot be used.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        content = read_file(path)
        # Pillow's own threshold, which is the process's, is raised but not lowered: it holds for what is drawn as well.
        Image.MAX_IMAGE_PIXELS = max(Image.MAX_IMAGE_PIXELS or 0, PIXELS.value)
        # First the size alone: the formats' headers are read, no pixel is decoded.
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            image.filename = path
            width, height = image.size
            if width * height > PIXELS.value:
                raise _too_large(f"{width}×{height} ({width * height / 1e6:.0f})")
            if max(width, height) > MOST_SIDE:  # resizing holds numbers for each pixel of a side
                raise PictureError(f"expected a picture of at most {MOST_SIDE:,} pixels a side, found {width}×{height}")
            return decode(image), hashlib.blake2b(content, digest_size=20).hexdigest()
    except UnidentifiedImageError:
        raise PictureError(_not_a_picture(path)) from None
    except Image.DecompressionBombError as error:
        # Pillow opens no picture of more than twice its own threshold.
        size = re.search(r"\d{6,}", str(error))
        raise _too_large(f"{int(size[0]) / 1e6:,.0f}" if size else "more") from None
    except FileNotFoundError:
        raise PictureError("no such file", hint_of_name(path)) from None
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


def read_file(path: str) -> bytes:
    """The content of a picture file.

    Raises:
        PictureError: it is no file, or a huge one.
        OSError: it cannot be read.
    """
    status = os.stat(path)
    if stat.S_ISDIR(status.st_mode):
        raise PictureError("expected a picture, found a folder")
    if not stat.S_ISREG(status.st_mode):
        raise PictureError("expected a picture, found a pipe or a device")  # reading it might never end
    if status.st_size > MOST_PIXEL_BYTES * PIXELS.value:
        raise PictureError(f"expected a picture, found a file of {status.st_size / 1e6:,.0f} MB")
    with open(path, "rb") as file:
        return file.read()


def _too_large(found: str) -> PictureError:
    return PictureError(f"expected a picture of at most {PIXELS.value / 1e6:.0f} megapixels, found {found}", PIXELS.hint)


def _not_a_picture(path: str) -> str:
    kinds = ", ".join(kind.replace("WEBP", "WebP") for kind in FORMATS)
    try:
        empty = os.path.getsize(path) == 0
    except OSError:
        empty = False
    return f"expected a picture ({kinds}), found " + ("an empty file" if empty else "something else")


def labels_in_names(folder: str) -> str:
    """A command that makes a table of a folder's pictures whose names begin with their labels (`cat.0.jpg`).

    Empty: they do not.
    """
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        names = [entry.name for entry in entries if entry.name.lower().endswith(EXTENSIONS)]
        begins = Counter(match[1] if (match := _LABEL.match(name)) else "" for name in names)
        where = shown(folder)
        if "" not in begins and 2 <= len(begins) <= MOST_LABELS and min(begins.values()) > 1 and _PLAIN.fullmatch(where):
            table = f"(echo file,label; ls '{where}' | sed -E 's|^([A-Za-z]+).*|{where}/&,\\1|') > labels.csv"
            return f"their names begin with {listed(sorted(begins), 4)}: `{table}` makes a table, of which the target is label"
    return ""
