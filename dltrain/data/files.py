"""Raw bytes from the paths of a config: globs, compression, digests, character sets."""

from __future__ import annotations

import bz2
import codecs
import glob
import hashlib
import itertools
import lzma
import os
import re
import zlib
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, BinaryIO

from dltrain.errors import NUM_SHOWN, DataError, Fault, capped, reason_of
from dltrain.later import polars
from dltrain.storage.bounds import FILES, RATIO, TEXT_BYTES, most_text
from dltrain.storage.far.address import is_far
from dltrain.storage.far.copies import fetch_all
from dltrain.storage.far.failure import NotFetchedError
from dltrain.storage.formats.other_files import refuse_other_kinds
from dltrain.storage.formats.zstandard_size import most_content
from dltrain.storage.patterns import find_matches, is_folder
from dltrain.wording import did_you_mean, shown

DIGEST_BYTES = 20
BLOCK = 1 << 22
MOST_COMPARED = 2000  # names in a folder that a wrong one is compared with letter by letter
_KEY = re.compile(r"(data|training|model|evaluation)(\.\w+)+=")
_TABLE = re.compile(r"\.(parquet|pq|(csv|tsv)(\.(gz|bz2|xz|zst))?)$")
UTF8 = ("utf-8", "utf-8-sig", "ascii")


def expand_paths(paths: Sequence[str]) -> list[str]:
    """The files that the paths and glob patterns stand for, those of a pattern in sorted order; of far ones, their copies.

    A folder of tables of one kind stands for all of them.

    Raises:
        DataError: a file is missing, a pattern matches nothing, all together stand for too many files, or a folder stands where a
            file is needed; the first ten of them.
    """
    files: list[str] = []
    faults: list[Fault] = []
    count = 0
    for path in paths:
        try:
            files += _expand(path, is_explained=count < NUM_SHOWN)
        except NotFetchedError:
            raise
        except DataError as error:
            count += 1
            faults += error.faults if count <= NUM_SHOWN else ()
        if len(files) + count > FILES.value:
            message = f"the paths stand for more than {FILES.value:,} files"
            raise DataError(message, hint=f"put them together into fewer; {FILES.hint}")
    if faults:
        raise DataError(capped(faults, len(faults) + max(0, count - NUM_SHOWN)))
    return files


def _expand(path: str, *, is_explained: bool) -> Sequence[str]:
    """The files that one path or pattern stands for; an error says what there is in its place if it `is_explained`."""
    if is_far(path):
        return fetch_all(path)
    if os.path.isdir(path):
        pattern = table_pattern(path)
        if pattern is None:
            raise DataError(_folder_fault(path))
        return _expand(pattern, is_explained=is_explained)
    if os.path.isfile(path):
        return [path]
    if os.path.exists(path):  # a file is looked at more than once, and a pipe or a device may never end
        raise DataError(f"{shown(path)} is a pipe or a device, not a file", hint="save it as a file first")
    if not glob.has_magic(path):
        raise DataError(f"no such file: {shown(path)}", hint=_hint_beside(path, is_explained))
    found = [name for name in find_matches(path) if os.path.isfile(name)]
    if len(found) > FILES.value:
        raise DataError(f"{shown(path)} matches {len(found):,} files, more than {FILES.value:,}", hint=FILES.hint)
    if not found:
        raise DataError(f"no file matches {shown(path)}", hint=_hint_beside(path, is_explained))
    return found


def _hint_beside(path: str, is_explained: bool) -> str | None:
    """What helps where nothing is found."""
    if path == "-":
        return "standard input is not read: save it as a file first"
    if _KEY.match(path):
        return "a file is expected here; a key such as data.path stands without --data, --images FOLDER beside it"
    return neighbours(path) if is_explained else None


def table_pattern(folder: str) -> str | None:
    """The pattern of all tables in a folder; None where there are none, or several kinds, or folders that may hold more."""
    try:
        entries = [entry for entry in os.scandir(folder) if not entry.name.startswith((".", "_"))]
    except OSError:
        return None
    if any(is_folder(entry) for entry in entries):
        return None
    names = [entry.name.casefold() for entry in entries]
    kinds = {found[0] for name in names if (found := _TABLE.search(name)) is not None}
    if len(kinds) != 1:
        return None
    ending = kinds.pop()
    written = {entry.name[-len(ending) :] for entry in entries if entry.name.casefold().endswith(ending)}
    return os.path.join(glob.escape(folder), f"*{written.pop()}") if len(written) == 1 else None


def _folder_fault(path: str) -> Fault:
    """Says what to name instead of a folder."""
    from dltrain.data.pictures.files import EXTENSIONS

    suffix = _commonest_suffix(path)
    if suffix.casefold() in EXTENSIONS:
        message = f"{shown(path)} is a folder of pictures; what is read here is a table"
        return Fault(
            message, hint="name a CSV, Parquet or .npz file, with a column that names each picture if there is one of these"
        )
    hint = f"name its files: {shown(path)}/*{suffix}" if suffix else "name a CSV, Parquet or .npz file"
    return Fault(f"{shown(path)} is a folder, not a file", hint=hint)


def _commonest_suffix(folder: str) -> str:
    try:
        suffixes = [Path(entry.name).suffix for entry in itertools.islice(os.scandir(folder), 1000) if entry.is_file()]
    except OSError:  # it may be looked at, and not into
        return ""
    return max(filter(None, suffixes), key=suffixes.count, default="")


def neighbours(path: str) -> str:
    """The nearest name in the folder of a path that does not exist, or how many files it holds, for a hint."""
    folder = Path(path).parent
    while not os.path.isdir(folder) and folder != folder.parent:
        folder = folder.parent
    if folder != Path(path).parent:
        missing = f"the folder {shown(str(Path(path).parent))} does not exist"
        return f"{missing}; relative paths are looked for beside the config, then in $DLTRAIN_DATA"
    try:
        names = sorted(entry.name for entry in os.scandir(folder) if not entry.name.startswith("."))
    except OSError:
        names = []
    name = Path(path).name
    alike = names if len(names) <= MOST_COMPARED else [other for other in names if other[:2] == name[:2]][:MOST_COMPARED]
    return did_you_mean(name, alike) or f"the folder {shown(str(folder))} holds {len(names)} other files"


def read_content(path: str) -> bytes:
    """The file's bytes, decompressed where it is gzip, bzip2, xz or Zstandard (known by its first bytes, not its name).

    Raises:
        DataError: unreadable, damaged, unpacking to an absurd size, or too large for memory.
    """
    blocks, size = [], 0
    for block in read_blocks(path, BLOCK):
        blocks.append(block)
        size += len(block)
        if size > TEXT_BYTES.value:
            message = f"holds more than {TEXT_BYTES.value:,} bytes of text, too many to be held in memory"
            hint = f"set the environment variable DLTRAIN_STREAM_BYTES to 0 to have it read in pieces; {TEXT_BYTES.hint}"
            raise DataError(message, file=shown(path), hint=hint)
    return b"".join(blocks)


def read_blocks(path: str, size: int) -> Iterator[bytes]:
    """`read_content` in pieces of about `size` bytes.

    Raises:
        DataError: unreadable, damaged, or unpacking to an absurd size.
    """
    try:
        with open(path, "rb") as file:
            # What is no file of a disk has no size either, and its reading may never end.
            if os.fstat(file.fileno()).st_size == 0:
                return
            unpack = _unpacker(file.read(6))
            file.seek(0)
            if unpack is None:
                yield from iter(partial(file.read, size), b"")
            else:
                limit = most_text(os.fstat(file.fileno()).st_size)
                if unpack is _unpack_zstandard and most_content(file) > limit:
                    raise _bomb(path, limit)
                yield from _bounded(unpack(file, size), limit, path)
    except (OSError, EOFError, zlib.error, lzma.LZMAError, ValueError, MemoryError) as error:
        raise _unreadable(path, error) from error


def is_compressed(path: str) -> bool:
    """Whether a file is gzip, bzip2, xz or Zstandard.

    Raises:
        DataError: unreadable.
    """
    try:
        with open(path, "rb") as file:
            return os.fstat(file.fileno()).st_size > 0 and _unpacker(file.read(6)) is not None
    except OSError as error:
        raise _unreadable(path, error) from error


def unpacks_to_more(path: str, num_bytes: int) -> bool:
    """Whether a file is compressed and holds more than so many bytes; not much more than those are unpacked.

    Raises:
        DataError: unreadable, or damaged as far as it was read.
    """
    if not is_compressed(path) or most_text(os.path.getsize(path)) <= num_bytes:
        return False
    return _unpacks_to_more(path, num_bytes, os.stat(path).st_mtime_ns)


@lru_cache
def _unpacks_to_more(path: str, num_bytes: int, changed: int) -> bool:
    size = 0
    for block in read_blocks(path, BLOCK):
        size += len(block)
        if size > num_bytes:
            return True
    return False


def _unreadable(path: str, error: Exception) -> DataError:
    reason = reason_of(error)
    if isinstance(error, MemoryError):
        reason = "unpacking it takes more memory than there is"
    return DataError(f"cannot be read: {reason}", file=shown(path))


def _unpacker(head: bytes) -> Callable[[BinaryIO, int], Iterator[bytes]] | None:
    import gzip

    def blocks(file: Any, size: int) -> Iterator[bytes]:
        while block := file.read(size):
            yield block

    if head.startswith(b"\x1f\x8b"):
        return lambda file, size: blocks(gzip.GzipFile(fileobj=file), size)
    if head.startswith(b"BZh"):
        return lambda file, size: blocks(bz2.BZ2File(file), size)
    if head.startswith(b"\xfd7zXZ\0"):
        return lambda file, size: blocks(lzma.LZMAFile(file), size)
    if head.startswith(b"\x28\xb5\x2f\xfd"):
        return _unpack_zstandard
    return None


def _unpack_zstandard(file: BinaryIO, size: int) -> Iterator[bytes]:
    """Python below 3.14 has no Zstandard of its own; polars does, behind its readers: one column of whole lines."""
    try:
        lines = polars.read_csv(
            file.read(), has_header=False, infer_schema=False, separator="\x01", quote_char=None, new_columns=["line"]
        )
    except polars.exceptions.PolarsError as error:
        raise ValueError(f"not a readable Zstandard file ({error})") from error
    for start in range(0, lines.height, 1 << 16):
        yield "".join(f"{line or ''}\n" for line in lines["line"][start : start + (1 << 16)]).encode()


def _bounded(blocks: Iterator[bytes], limit: int, path: str) -> Iterator[bytes]:
    size = 0
    for block in blocks:
        size += len(block)
        if size > limit:
            raise _bomb(path, limit)
        yield block


def _bomb(path: str, limit: int) -> DataError:
    message = f"unpacks to more than {limit >> 20:,} MB, over {RATIO.value} times its size"
    return DataError(message, file=shown(path), hint=RATIO.hint)


def digest(content: bytes | memoryview) -> str:
    """BLAKE2b of the content: equal content, equal digest, wherever and however compressed it lies."""
    return hashlib.blake2b(content, digest_size=DIGEST_BYTES).hexdigest()


def to_utf8(content: bytes, encoding: str | None, path: str) -> bytes:
    """The text as UTF-8 with `\\n` line ends, without a byte-order mark and without an end-of-file mark.

    Raises:
        DataError: NUL bytes, or bytes that are no text in that encoding; with the line.
    """
    encoding = find_encoding(content, encoding)
    if encoding in UTF8:
        content = content.removeprefix(codecs.BOM_UTF8)
    else:
        try:
            content = content.decode(encoding).removeprefix("\ufeff").encode()
        except UnicodeDecodeError as error:
            raise not_text(encoding, error.start, content.count(b"\n", 0, error.start) + 1, path) from error
    content = without_end_mark(check_utf8(content, path))
    return content if b"\n" in content else content.replace(b"\r", b"\n")


def without_end_mark(content: bytes) -> bytes:
    """The text without the control character (Ctrl-Z) by which DOS marks its end, which may stand behind the last cell."""
    kept = content.rstrip(b"\x1a\r\n")
    return (kept + b"\n" if kept else kept) if b"\x1a" in content[len(kept) :] else content


def find_encoding(head: bytes, encoding: str | None) -> str:
    """Python's name of the encoding: the one that was asked for, else UTF-16 by its byte-order mark, else UTF-8."""
    if encoding is None and head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    return codecs.lookup(encoding).name if encoding else "utf-8"


def not_text(encoding: str, position: int, line: int, path: str) -> DataError:
    """The error for a byte that the encoding does not have."""
    return DataError(f"byte {position:,} is not text in {encoding}", file=shown(path), line=line)


def check_utf8(content: bytes, path: str, first_line: int = 1) -> bytes:
    """The text with `\\n` line ends where it has `\\r\\n`.

    Args:
        content: the text, or whole lines of it.
        path: its file.
        first_line: the line of the file at which `content` begins.

    Raises:
        DataError: NUL bytes, or bytes that are no UTF-8; with the line.
    """
    if first_line == 1:
        refuse_other_kinds(content, path)
    if not content.isascii():
        _check_multibyte(content, path, first_line)
    nul = content.find(b"\0")
    if nul >= 0:
        line, column = place(content, nul, first_line)
        is_text = nul >= 1000 or first_line > 1
        message = "NUL byte: the file is damaged here" if is_text else "NUL byte: this is not a text file, or a damaged one"
        raise DataError(Fault(message, shown(path), line, column))
    return content.replace(b"\r\n", b"\n") if b"\r" in content else content


def _check_multibyte(content: bytes, path: str, first_line: int) -> None:
    decoder = codecs.getincrementaldecoder("utf-8")()
    start = 0
    while start < len(content):
        block = content[start : start + BLOCK]
        try:
            decoder.decode(block, final=start + BLOCK >= len(content))
        except UnicodeDecodeError as error:
            # The decoder's own carry (up to 3 bytes) comes before the block.
            position = start + error.start - (len(error.object) - len(block))
            line, column = place(content, position, first_line)
            message = f"byte 0x{content[position]:02x} is not UTF-8 text"
            hint = "say how it is written, such as data.encoding: latin-1 or data.encoding: cp1252"
            raise DataError(Fault(message, shown(path), line, column, hint=hint)) from error
        start += BLOCK


def place(content: bytes, position: int, first_line: int = 1) -> tuple[int, int]:
    """1-based line and column (in characters) of a byte of UTF-8 text that begins at a given line."""
    start = content.rfind(b"\n", 0, position) + 1
    return content.count(b"\n", 0, position) + first_line, len(content[start:position].decode("utf-8", "replace")) + 1
