"""One picture that was found and not yet read: where it lies, how it is called, what it shows."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PictureFile:
    """One picture that was found, unread.

    Attributes:
        path: of the file.
        name: short, for the user: from the named folder's own name on.
        label: its class as text, its number as text, or None.
        size: of the file, in bytes.
        changed: time of its last change, in nanoseconds.
        key: its text in the column of a table by which the pictures are split.
    """

    path: str
    name: str
    label: str | None
    size: int
    changed: int
    key: str | None = None


def picture_file(path: str, name: str, label: str | None) -> PictureFile:
    """A file as it lies there; one that is gone or cannot be looked at has no size, and is named when it is read."""
    try:
        status = os.stat(path)
    except OSError:
        return PictureFile(path, name, label, -1, 0)
    return PictureFile(path, name, label, status.st_size if stat.S_ISREG(status.st_mode) else -1, status.st_mtime_ns)
