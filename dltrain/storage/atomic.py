"""Files that are written wholly or not at all, whatever happens on the way."""

from __future__ import annotations

import contextlib
import datetime
import errno
import io
import json
import math
import os
import shutil
import stat
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from dltrain import system
from dltrain.errors import RunError, reason_of
from dltrain.storage.held import Place, held, is_held, place_of
from dltrain.storage.outputs import is_stream, refuse_what_came
from dltrain.storage.removal import remove_temporary, temporary_name
from dltrain.wording import all_secrets, json_without_controls


def write_atomically(path: Path, data: bytes | Callable[[BinaryIO], object]) -> None:
    """Put `data` into `path`: wholly or, whatever happens on the way, not at all.

    A temporary file beside the target is written, flushed, synced and renamed over it; then the folder is synced. A pipe or a
    device is written into: a file in its place would be another thing.

    Args:
        path: the file.
        data: what it is to hold, or what writes that into an open file.

    Raises:
        RunError: the file cannot be written (no space, no right, file-size limit); the old file is untouched.
    """
    path = Path(path)
    try:
        if not is_held(path) and is_stream(path):  # in a folder of dltrain's own there is none
            with open(path, "wb", buffering=0) as stream:
                stream.write(_bytes_of(data))
            return
        with place_of(path) as place:
            temporary = place.beside(temporary_name(path))
            try:
                with _open_new(temporary) as file:
                    if callable(data):
                        data(file)
                    else:
                        file.write(_without_secrets(data))
                    file.flush()
                    os.fsync(file.fileno())
                _put(temporary, place)
            finally:
                temporary.discard()  # a signal may have come in the middle; after the renaming there is none
    except OSError as error:
        raise cannot_write(path, error) from error


def _put(temporary: Place, place: Place) -> None:
    """Give a file its name; one that the user's own may have got meanwhile is taken in a way that replaces nothing."""
    if refuse_what_came(place.path):
        try:
            temporary.link(place)
        except FileExistsError:
            refuse_what_came(place.path)
        except OSError:  # a file system without hard links
            temporary.rename(place)
        refuse_what_came(place.path, is_written=True)
    else:
        temporary.rename(place)
    place.sync()


@contextlib.contextmanager
def replace_whole(path: Path, *, suffix: str = "") -> Iterator[Path]:
    """Put a file or a folder, which takes long to write or is written by others, in its place: wholly or not at all.

    Args:
        path: where it is to be; a file or folder that is there is replaced at the end. (A folder for an instant is not there:
            the system exchanges none for another in one step.)
        suffix: that the temporary name must end with.

    Yields:
        A path beside it that does not exist, to write to. Where the block raises, what was written there is removed.

    Raises:
        RunError: the system takes it not (no space, no right).
    """
    path = Path(path)
    temporary = path.with_name(temporary_name(path) + suffix)
    old = path.with_name(temporary_name(path))
    try:
        with place_of(path) as place:  # what is put in the place of its folder meanwhile gets nothing
            yield temporary
            place.require_same_folder()
            for file in [*(temporary.rglob("*") if temporary.is_dir() else ()), temporary]:
                sync_to_disk(file)
            refuse_what_came(path)
            if path.is_dir():
                place.rename(place.beside(old.name))
            place.beside(temporary.name).rename(place)
            refuse_what_came(path, is_written=True)
            place.sync()
    except OSError as error:
        raise cannot_write(path, error) from error
    finally:
        remove_temporary(temporary)
        remove_temporary(old)


@contextlib.contextmanager
def fill_folder(folder: Path) -> Iterator[Path]:
    """Put files that take long to make into a folder, which may hold others: when all are written, else none.

    Args:
        folder: it is made, if it is not there; a file of the same name in it is replaced.

    Yields:
        A new folder to write them to: beside it, or within it where it is there. Where the block raises, it is removed.

    Raises:
        RunError: the system takes it not (no space, no right), or a link is in the place of one of its folders.
    """
    was_there = folder.is_dir()
    temporary = (folder if was_there else folder.parent) / temporary_name(folder)
    try:
        with place_of(temporary) as place:
            place.make_folder()
            yield temporary
            place.require_same_folder()
            if not was_there and not os.path.lexists(folder):
                place.rename(place.beside(folder.name))
                place.sync()
                return
        with held(folder):
            _move_files(temporary, folder)
    except OSError as error:
        raise cannot_write(folder, error) from error
    finally:
        remove_temporary(temporary)


def _move_files(below: Path, folder: Path) -> None:
    """Put what lies below one folder into another, where it replaces files of the same name."""
    found = [path.relative_to(below) for path in sorted(below.rglob("*"))]
    files = [path for path in found if not (below / path).is_dir()]
    folders = list(dict.fromkeys(folder / parent for file in files for parent in [*file.parents][-2::-1]))
    for path in folders:
        if path.is_symlink():
            raise RunError(f"{path} is a link, through which nothing is written", hint="remove it, or name another folder")
    for path in folders:
        with place_of(path) as place:
            place.make_folder()
    for path in files:
        with place_of(below / path) as file, place_of(folder / path) as place:
            file.rename(place)
    for parent in dict.fromkeys(path.parent for path in files):
        with place_of(folder / parent / "_") as place:
            place.sync()


def unshare(path: Path) -> None:
    """Give a file that has other names as well (hard links) content of its own, before it is written into in its place.

    Raises:
        RunError: it cannot be copied.
    """
    try:
        found = path.lstat()
        if found.st_nlink < 2 or not stat.S_ISREG(found.st_mode):
            return
        with open(path, "rb") as file:
            write_atomically(path, lambda into: shutil.copyfileobj(file, into))
    except FileNotFoundError:
        return
    except OSError as error:
        raise cannot_write(path, error) from error


def _without_secrets(data: bytes) -> bytes:
    """The bytes with references in the place of secrets that a config took from the environment."""
    for value, reference in all_secrets().items():
        data = data.replace(value.encode(), reference.encode())
    return data


def _bytes_of(data: bytes | Callable[[BinaryIO], object]) -> bytes:
    if isinstance(data, bytes):
        return data
    buffer = io.BytesIO()
    data(buffer)
    return buffer.getvalue()


def open_new(path: Path) -> BinaryIO:
    """A file that was not there before, locked while it is open; a link of this name is not followed (raises OSError)."""
    with place_of(path) as place:
        return _open_new(place)


def _open_new(place: Place) -> BinaryIO:
    file = os.fdopen(place.open(os.O_WRONLY | os.O_CREAT | os.O_EXCL), "wb")
    with contextlib.suppress(OSError):  # a file system without locks
        system.lock(file)
    return file


def open_to_append(path: Path) -> int:
    """The descriptor of a file of a run to add to, which is made if it is not there.

    Raises:
        RunError: it cannot be opened, or is a link.
    """
    unshare(path)
    try:
        with place_of(path) as place:
            return place.open(os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    except OSError as error:
        raise cannot_write(path, error) from error


def make_folder(path: Path) -> None:
    """Make a folder in one that is there, if it is not there; what was removed meanwhile is not begun anew.

    Raises:
        RunError: it cannot be made, or there is something that is none.
    """
    try:
        with place_of(path) as place:
            place.make_folder()
    except OSError as error:
        raise cannot_write(path, error) from error


def cannot_write(path: Path, error: OSError) -> RunError:
    """The error for a file that the system would not take, with what to do about it."""
    elsewhere = "choose a folder that can be written: with --run-dir or --runs for a run, with -o for a file"
    hints = {
        errno.ENOSPC: "free some space on that disk; files written before are whole",
        errno.EDQUOT: "the quota of that disk is used up; files written before are whole",
        errno.EFBIG: "a file-size limit (ulimit -f) is in force; files written before are whole",
        errno.EACCES: elsewhere,
        errno.EPERM: elsewhere,
        errno.EROFS: elsewhere,
    }
    return RunError(f"cannot write {path}: {reason_of(error)}", hint=hints.get(error.errno or 0))


def sync_to_disk(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    if not system.HANDS_OVER_FILES and path.is_dir():
        return  # Windows opens no folders
    descriptor = os.open(path, os.O_RDONLY if system.HANDS_OVER_FILES else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def to_json(value: Any) -> str:
    """Strict JSON text of plain values and NumPy scalars; a number that is not finite becomes null."""
    return json_without_controls(json.dumps(_plain(value), ensure_ascii=False, indent=2, allow_nan=False))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def now() -> str:
    """The time in UTC, ISO 8601, to the second."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
