"""Pictures of more than 8 bits a pixel: which value is white in them; and files of several pictures, of which one is read."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from dltrain import system
from dltrain.data.pictures.files import PictureError, decode_file, quiet_pillow
from dltrain.data.pictures.form import is_deep, white_of_bits
from dltrain.errors import Note, warn
from dltrain.wording import counted, shown

PNG = b"\x89PNG\r\n\x1a\n"
TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
HEAD_BYTES = 26  # of a PNG file: up to the kind of its colours
COLOURS = 3
FEW_WHOLE = 128  # below it, fractions rounded to whole numbers of 8 bits fill less than half of these

# Pictures of 16 bits for each colour whose upper 8 stay below it hold values of fewer bits, such as the 12 of a camera.
FEW_LEVELS = 64
_BITS_OF_SAMPLE = 258  # the tag of TIFF


@dataclass(frozen=True, slots=True)
class Depth:
    """What pictures of more than 8 bits hold.

    Attributes:
        white: the value that counts as white; None: there are no such pictures.
        highest: their largest value.
        num_deep: how many there are.
        num_coarse: pictures of 16 bits for each colour, of which Pillow reads the upper 8.
        highest_coarse: the largest value of these 8 bits.
        num_others: pictures of 8 bits or fewer beside them.
    """

    white: float | None = None
    highest: float = 0.0
    num_deep: int = 0
    num_coarse: int = 0
    highest_coarse: int = 255
    num_others: int = 0

    def notes(self) -> list[Note]:
        """Sentences for the user."""
        found = []
        if self.white is not None:
            how = f"data.depth: {bits_of(self.white)}" if bits_of(self.white) else "fractions"
            values = f"with values up to {self.highest:,.6g}: {self.white:,.6g} is taken for white ({how})"
            said = f"{self.num_deep:,} pictures of more than 8 bits a pixel, {values}"
            if self.num_others:
                others = f"{said}; in the other {self.num_others:,} it is 255: where both show the same, they must be as bright"
                found.append(warn(others, "several_depths"))
            else:
                found.append(Note(said))
        if self.num_coarse:
            said = f"of {self.num_coarse:,} pictures of 16 bits for each colour the upper 8 bits are read"
            if self.highest_coarse < FEW_LEVELS:
                said += f", whose values go up to {self.highest_coarse} of 255: nearly all is lost; write them with 8 bits"
            found.append(warn(said, "upper_bits"))
        return found


def bits_of(white: float | None) -> int | None:
    """The bits b of a value 2^b - 1, such as 8 of 255; None for other values."""
    bits = round(np.log2(white + 1)) if white is not None and white >= 1 else 0
    return bits if bits > 1 and white_of_bits(bits) == white else None


def find_depth(paths: Sequence[str]) -> Depth:
    """Look at the pictures of more than 8 bits a pixel among files; of the others the first bytes alone are read.

    White is the largest number of the fewest bits (at least 8) that hold all values; of fractions 1, or the largest of them where
    8 bits would leave few values of them. Files that cannot be read are passed over: decoding them says so.
    """
    suspects = []
    for path in paths:
        head = _head(path)
        if head.startswith(TIFF) or (head.startswith(PNG) and len(head) == HEAD_BYTES and head[24] == 16):
            suspects.append(path)
    if not suspects:
        return Depth()
    with quiet_pillow(), ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as pool:
        seen = [one for one in pool.map(_highest, suspects) if one is not None]
    found, coarse = ([one for one in seen if one.is_coarse is flag] for flag in (False, True))
    of_coarse = (len(coarse), int(max((one.highest for one in coarse), default=255)))
    if not found:
        return Depth(None, 0.0, 0, *of_coarse)
    highest = max(one.highest for one in found)
    if all(one.may_be_fractions for one in found) and highest <= 1:
        white = 1.0
    elif highest < FEW_WHOLE and any(one.are_fractions for one in found):
        white = highest
    else:
        white = white_of_bits(min(32, max(8, int(np.ceil(highest)).bit_length())))
    return Depth(white, highest, len(found), *of_coarse, len(paths) - len(suspects))


def notes_of_frames(paths: Sequence[str]) -> list[Note]:
    """What is said of files that hold several pictures, the pages of a TIFF or the frames of a GIF or WebP: the first is read."""
    heads = ((path, _head(path)) for path in paths)
    suspects = [path for path, head in heads if head.startswith((b"GIF8", *TIFF)) or _is_animated_webp(head)]
    if not suspects:
        return []
    with quiet_pillow(), ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as pool:
        several = [path for path, flag in zip(suspects, pool.map(_has_several, suspects), strict=True) if flag]
    if not several:
        return []
    such = f", such as {shown(several[0])}," if len(several) > 1 else f" ({shown(several[0])})"
    said = f"{counted(len(several), 'picture')}{such} holds more than one frame or page: the first is read, the others are not"
    said = said if len(several) == 1 else said.replace(" holds ", " hold ", 1)
    return [warn(said, "several_frames")]


def _is_animated_webp(head: bytes) -> bool:
    return head[:4] == b"RIFF" and head[8:16] == b"WEBPVP8X" and bool(head[20] & 2)


def _has_several(path: str) -> bool:
    try:
        return decode_file(path, lambda image: bool(getattr(image, "is_animated", False)))[0]
    except PictureError:
        return False


def _head(path: str) -> bytes:
    """A file's first bytes; empty where it cannot be read, or is a pipe, for which nobody waits."""
    try:
        file = os.open(path, os.O_RDONLY | system.NO_WAIT | system.BINARY)
    except OSError:
        return b""
    try:
        return os.read(file, HEAD_BYTES)
    except OSError:
        return b""
    finally:
        os.close(file)


class _Values(NamedTuple):
    """What one picture holds: its largest value, whether its values may be fractions and are, and whether bits of it are lost."""

    highest: float
    may_be_fractions: bool = False
    are_fractions: bool = False
    is_coarse: bool = False


def _highest(path: str) -> _Values | None:
    """What a picture holds; None: it has 8 bits or cannot be read."""

    def look(image: Any) -> _Values | None:
        if not is_deep(image):
            is_png = image.format == "PNG"  # of grey without transparency, 16 bits are deep
            bits = getattr(image, "tag_v2", {}).get(_BITS_OF_SAMPLE, ())
            is_coarse = is_png or (isinstance(bits, tuple) and len(bits) > 1 and max(bits) == 16)
            return _Values(float(np.asarray(image)[..., :COLOURS].max(initial=0)), is_coarse=True) if is_coarse else None
        values = np.asarray(image)
        values = values[np.isfinite(values)]
        return _Values(float(values.max(initial=0)), image.mode == "F", bool((values != np.floor(values)).any()))

    try:
        return decode_file(path, look)[0]
    except PictureError:
        return None
