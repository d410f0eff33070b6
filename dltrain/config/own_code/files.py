"""Opening a file of own code: once, bounded, and only where the config that names it may lead."""

from __future__ import annotations

import os
import stat
from pathlib import Path, PurePath

from dltrain import system
from dltrain.errors import reason_of

MOST_BYTES = 256 << 10
_FLAGS = os.O_RDONLY | system.NO_WAIT | system.NO_CHILD | system.NO_TERMINAL | system.BINARY


class Refused(Exception):
    """A file that is not read.

    Args:
        message: why, a sentence.
        hint: the next step.
    """

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message, self.hint = message, hint


def read_below(folder: Path, name: str) -> bytes:
    """The bytes of a file in a folder or below it; nothing on the way may be a link.

    Each step is opened from the one before, so that nobody can put a link there after it was looked at.

    Args:
        folder: of the config.
        name: the path from there.

    Raises:
        Refused: it leads elsewhere, is no regular file, too large, or cannot be read.
    """
    parts = PurePath(name).parts
    if PurePath(name).is_absolute() or not parts or ".." in parts or name.startswith("~"):
        hint = "copy it there; only a word of the command line, code=PATH, may lead elsewhere"
        raise Refused(f"expected a file in the folder of the config or below it, found {name}", hint)
    opened: list[int] = []
    try:
        if os.open in os.supports_dir_fd:
            opened.append(os.open(folder, _FLAGS | system.FOLDER))  # which may be reached over a link
            for part in parts[:-1]:
                opened.append(os.open(part, _FLAGS | system.FOLDER | system.NO_LINK, dir_fd=opened[-1]))
            opened.append(os.open(parts[-1], _FLAGS | system.NO_LINK, dir_fd=opened[-1]))
        else:
            for index in range(1, len(parts) + 1):
                if folder.joinpath(*parts[:index]).is_symlink():
                    raise Refused(f"{name} is a link, or behind one", "put the file itself there")
            opened.append(os.open(folder / name, _FLAGS))
        return _read(opened[-1], name)
    except OSError as error:
        if any(folder.joinpath(*parts[: index + 1]).is_symlink() for index in range(len(parts))):
            raise Refused(f"{name} is a link, or behind one", "put the file itself there") from error
        raise _refusal(error, name) from error
    finally:
        for descriptor in reversed(opened):
            os.close(descriptor)


def read_anywhere(path: Path, name: str) -> bytes:
    """The bytes of a file that a word of the command line names.

    Args:
        path: where it is.
        name: as messages name it.

    Raises:
        Refused: it is no regular file, too large, or cannot be read.
    """
    try:
        descriptor = os.open(path, _FLAGS)
    except (OSError, ValueError) as error:
        raise _refusal(error, name) from error
    try:
        return _read(descriptor, name)
    except OSError as error:
        raise _refusal(error, name) from error
    finally:
        os.close(descriptor)


def _read(descriptor: int, name: str) -> bytes:
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        raise Refused(f"{name} is no regular file", "a file of Python is expected")
    found = b""
    while len(found) <= MOST_BYTES and (piece := os.read(descriptor, MOST_BYTES + 1 - len(found))):
        found += piece
    if len(found) > MOST_BYTES:
        raise Refused(f"expected at most {MOST_BYTES:,} bytes of own code in a file, {name} has more", "split it in two")
    return found


def _refusal(error: OSError | ValueError, name: str) -> Refused:
    if isinstance(error, FileNotFoundError):
        return Refused(f"no such file: {name}")
    reason = reason_of(error)
    return Refused(f"{name} cannot be read: {reason}")
