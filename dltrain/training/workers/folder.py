"""The folder of a process that trains along, in the temporary directory: gone when that process ends, whatever ends it."""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

from dltrain import system
from dltrain.storage.removal import remove_temporary

_PREFIX = "dltrain-along-"
_NAME = re.compile(re.escape(_PREFIX) + r"[a-z0-9_]{8}")  # as `tempfile` names folders
RUN = "run"  # all that lies in it


@contextlib.contextmanager
def own_folder() -> Iterator[Path]:
    """A folder for this process. It is locked for as long as this process lives: by that the next one sees what was left."""
    remove_left()
    new = Path(tempfile.mkdtemp(prefix=f".{_PREFIX}"))
    held = os.open(new, os.O_RDONLY | system.FOLDER)
    try:
        system.lock(held, shared=True, wait=True)
        folder = new.rename(new.with_name(new.name[1:]))  # it has this name locked alone
        try:
            yield folder
        finally:
            remove_temporary(folder)
    finally:
        os.close(held)


def remove_left() -> None:
    """Remove the folders of processes that were killed: this user's, by name and content ours, and locked by nobody."""
    with contextlib.suppress(OSError):
        for place in Path(tempfile.gettempdir()).iterdir():
            if _NAME.fullmatch(place.name):
                with contextlib.suppress(OSError):
                    _remove_unless_held(place)


def _remove_unless_held(place: Path) -> None:
    held = os.open(place, os.O_RDONLY | system.FOLDER | system.NO_LINK)
    try:
        system.lock(held)
        if os.fstat(held).st_uid == os.getuid() and set(os.listdir(held)) <= {RUN}:
            remove_temporary(place)
    finally:
        os.close(held)
