"""Reading .npz archives that anyone may have made: no pickles, declared sizes checked before memory is given."""

from __future__ import annotations

import lzma
import math
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from dltrain.errors import DataError, Fault, reason_of
from dltrain.storage.bounds import RATIO, Bound
from dltrain.wording import column_hint, shown

ALLOWED_KINDS = "biufUS"
MAX_ARRAYS = 10_000
# Deflate packs zeros 1000 to 1; measurements, pictures and labels stay far below, though not as far as text.
MOST_PACKED = Bound(RATIO.variable, 500)
SMALL_BYTES = 256 << 20
# What zipfile, zlib and NumPy's reader of headers raise where an archive is damaged or made up.
DAMAGE = (
    OSError, EOFError, ValueError, TypeError, KeyError, OverflowError, NotImplementedError, RuntimeError, SyntaxError,
    MemoryError, zipfile.BadZipFile, zlib.error, struct.error, lzma.LZMAError, tokenize.TokenError,
)  # fmt: skip


def read_arrays(
    path: Path, *, names: Sequence[str] | None = None, limit: int, hint: str | None = None
) -> dict[str, NDArray[Any]]:
    """Arrays of an .npz archive by name.

    Args:
        path: the archive.
        names: which; None: all.
        limit: most bytes that they may take together, unpacked.
        hint: what to do where they take more.

    Raises:
        DataError: not an archive, damaged, an array missing, of objects (a pickle), or more than `limit` bytes.
    """
    name = shown(str(path))
    try:
        with zipfile.ZipFile(path) as archive:
            members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()[:MAX_ARRAYS]}
            wanted = list(members) if names is None else list(names)
            missing = [word for word in wanted if word not in members]
            if missing:
                faults = [
                    Fault(f"holds no array {word!r}", file=name, hint=column_hint(word, sorted(members))) for word in missing
                ]
                raise DataError(faults)
            total = sum(members[word].file_size for word in wanted)
            if total > limit:
                raise DataError(f"its arrays take {total >> 20:,} MB, more than {limit >> 20:,} MB", file=name, hint=hint)
            packed = sum(members[word].compress_size for word in wanted)
            if total > max(SMALL_BYTES, MOST_PACKED.value * packed):
                message = f"its {packed >> 10:,} kB unpack to {total >> 20:,} MB: it is made to fill the memory"
                raise DataError(message, file=name, hint=f"{MOST_PACKED.hint}, or write it without compression (numpy.savez)")
            arrays = {}
            for word in wanted:
                with archive.open(members[word]) as member:
                    arrays[word] = _read_array(member, members[word].file_size, word, name)
            return arrays
    except MemoryError as error:
        raise DataError("reading its arrays takes more memory than there is", file=name, hint=hint) from error
    except DAMAGE as error:
        reason = reason_of(error)
        raise DataError(f"not a readable .npz archive: {_first_line(reason)}", file=name) from error


def _first_line(reason: object) -> str:
    """The first line of NumPy's message, without its advice to trust pickles."""
    return str(reason).partition("\n")[0][:200]


def array_names(path: Path) -> list[str]:
    """Names of the arrays of an .npz archive.

    Raises:
        DataError: not an archive.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return [info.filename.removesuffix(".npy") for info in archive.infolist()[:MAX_ARRAYS]]
    except DAMAGE as error:
        reason = reason_of(error)
        raise DataError(f"not a readable .npz archive: {_first_line(reason)}", file=shown(str(path))) from error


def declared_shapes(file: str) -> dict[str, tuple[tuple[int, ...], str]]:
    """Array name -> shape and type of its numbers as its header declares them; nothing else is read.

    Raises:
        DataError: no archive of arrays, or it declares more than it holds.
    """
    shapes: dict[str, tuple[tuple[int, ...], str]] = {}
    try:
        with zipfile.ZipFile(file) as archive:
            for info in archive.infolist()[:1000]:
                with archive.open(info) as member:
                    shape, _, dtype = _read_header(member)
                word = info.filename.removesuffix(".npy")
                if not dtype.hasobject:  # of which no byte is read
                    _require_held(shape, dtype, info.file_size, word, shown(file))
                shapes[word] = tuple(int(extent) for extent in shape), str(dtype)
    except DAMAGE as error:
        raise DataError(f"not a readable .npz archive: {_first_line(error)}", file=shown(file)) from error
    return shapes


def _read_header(member: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape of an array, whether its first axis runs fastest, and the type of its numbers."""
    read = npy.read_array_header_1_0 if npy.read_magic(member) == (1, 0) else npy.read_array_header_2_0
    header: tuple[tuple[int, ...], bool, np.dtype[Any]] = read(member, max_header_size=10_000)
    return header


def _require_held(shape: tuple[int, ...], dtype: np.dtype[Any], size: int, word: str, file: str) -> None:
    if any(extent < 0 for extent in shape) or math.prod(shape) * dtype.itemsize > size:
        raise DataError(f"the array {word!r} declares the shape {shape}, more than the file holds", file=file)


def _read_array(member: IO[bytes], size: int, word: str, file: str) -> NDArray[Any]:
    shape, fortran, dtype = _read_header(member)
    if dtype.hasobject or dtype.kind not in ALLOWED_KINDS or dtype.itemsize == 0:
        raise DataError(f"the array {word!r} holds {dtype}: only numbers, booleans and text are read (no pickles)", file=file)
    _require_held(shape, dtype, size, word, file)
    data = bytearray(math.prod(shape) * dtype.itemsize)
    view = memoryview(data)
    done = 0
    while done < len(view):
        block = member.read(min(1 << 24, len(view) - done))
        if not block:
            raise DataError(f"the array {word!r} is cut off", file=file)
        view[done : done + len(block)] = block
        done += len(block)
    array = np.frombuffer(data, dtype)
    return array.reshape(shape[::-1]).T if fortran else array.reshape(shape)
