"""The one way in which dltrain removes things: what it made itself, name by name."""

from __future__ import annotations

import contextlib
import glob
import os
import shutil
import stat
from collections.abc import Iterable
from pathlib import Path

from dltrain import system
from dltrain.storage.held import held, place_of
from dltrain.storage.layout import UNFINISHED, own_paths


def temporary_name(path: Path) -> str:
    """A hidden name beside the path that nobody can foresee; names that are long already are shortened."""
    return f".{_short_name(path)}.{os.getpid()}-{os.urandom(4).hex()}.tmp"


def temporary_files_of(path: Path) -> list[Path]:
    """What lies beside a path under temporary names of it."""
    try:
        return list(path.parent.glob(f".{glob.escape(_short_name(path))}.*.tmp"))
    except OSError:  # a folder that may be written into and not read
        return []


def _short_name(path: Path) -> str:
    return os.fsdecode(os.fsencode(path.name)[:100]) if len(os.fsencode(path.name)) > 200 else path.name


def remove_run_files(folder: Path) -> list[Path]:
    """Remove from a run directory what dltrain writes into one; folders go when they are empty.

    The manifest goes last: it is what proves that the rest is a run, should a removal end half-way. Just before it goes the lock,
    which is held as long as there is anything that another process could go on with.

    Args:
        folder: the run directory; itself it stays.

    Returns:
        What was not dltrain's and stays: the outermost paths.

    Raises:
        OSError: something cannot be removed.
    """
    last = [folder / ".lock", folder / "manifest.json"]
    with held(folder):
        remove_paths(sorted(own_paths(folder), key=lambda path: last.index(path) if path in last else -1))  # a stable sort
    return sorted(folder.iterdir())


def remove_paths(paths: Iterable[Path]) -> None:
    """Remove files and, where nothing is left in them, folders; what is gone already is no error.

    Raises:
        OSError: something cannot be removed, or a link is in the place of a folder of a run.
    """
    for path in list(paths):
        with contextlib.suppress(FileNotFoundError), place_of(path) as place:
            place.remove()


def remove_temporary(path: Path) -> None:
    """Remove what this process, or one like it that was killed, made under a name of its own; what cannot be removed stays."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            path.unlink()


def remove_abandoned(paths: Iterable[Path]) -> None:
    """Remove of these what killed processes left of unfinished writes: files of such a name alone, no links, no folders.

    What a living process writes stays: it has its number in the name, and, should it run where this process cannot see it (on
    another machine, in another container), a lock on the file. What cannot be removed stays too.
    """
    for path in paths:
        found = UNFINISHED.fullmatch(path.name)
        if found is None or (int(found[1]) != os.getpid() and system.is_running(int(found[1]))):
            continue
        with contextlib.suppress(OSError), place_of(path) as place:
            descriptor = place.open(os.O_RDONLY | system.NO_WAIT)
            try:
                is_abandoned = stat.S_ISREG(os.fstat(descriptor).st_mode) and _is_unlocked(descriptor)
            finally:
                os.close(descriptor)
            if is_abandoned:
                place.remove()


def _is_unlocked(descriptor: int) -> bool:
    try:
        system.lock(descriptor, shared=True)
    except BlockingIOError:
        return False
    except OSError:
        pass  # a file system without locks
    return True
