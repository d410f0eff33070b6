"""Folders of prepared data in dltrain's cache: made once under a lock, kept while in use, removed when long unused."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from dltrain import system
from dltrain.errors import DltrainError, RunError
from dltrain.reporting import Reporter
from dltrain.settings import cache_folder
from dltrain.storage.atomic import cannot_write, sync_to_disk

# Written last: a folder that has it is whole.
META = "meta.json"
USED = ".used"
QUOTA = 200 << 30
KEPT_DAYS = 30
# A process that reads such a folder holds its lock; one that only passes the paths on has this long to be followed by a reader.
GRACE_SECONDS = 600
RESERVE = 1 << 30

_held: dict[Path, IO[bytes]] = {}


def streamed_folder() -> Path:
    """Where the folders are; it need not exist yet."""
    return cache_folder() / "streamed"


def find_folders(prefix: str) -> list[Path]:
    """Whole folders whose names begin so, in the order of their names."""
    return sorted(path.parent for path in streamed_folder().glob(f"{prefix}*/{META}"))


def hold(folder: Path) -> None:
    """Keep a folder from being removed for as long as this process lives, and mark it as used now."""
    if folder in _held:
        return
    with contextlib.suppress(OSError):  # a cache that cannot be written cannot be cleaned up either
        file = open(folder / USED, "ab")  # noqa: SIM115 - it is to stay open
        system.lock(file, shared=True, wait=True)
        os.utime(folder / USED)
        _held[folder] = file


def forget(folder: Path) -> None:
    """Remove a folder that this process made and no longer needs; where another process uses it, it stays."""
    file = _held.pop(folder, None)
    if file is not None:
        file.close()
    _remove(folder)


def make_folder(name: str, num_bytes: int, fill: Callable[[Path], None], reporter: Reporter) -> Path:
    """The folder `name`, as it is where it is there already, else filled by `fill`.

    Other processes that want the same folder wait until it is there. It appears whole or not at all.

    Args:
        name: unique for its content.
        num_bytes: about what it will take; checked against the disk first.
        fill: writes the files into the folder it is given, `meta.json` among them.
        reporter: hears of waiting.

    Raises:
        RunError: no space, or the cache cannot be written.
    """
    parent = streamed_folder()
    target = parent / name
    try:
        parent.mkdir(parents=True, exist_ok=True)
        with _locked(parent / f".{name}.lock", reporter):
            if not (target / META).exists():
                _make_room(parent, num_bytes)
                _fill(target, fill)
            hold(target)
    except OSError as error:
        raise _unusable(target, error) from error
    return target


def _fill(target: Path, fill: Callable[[Path], None]) -> None:
    for stale in (*target.parent.glob(f".{target.name}.*.tmp"), target):
        shutil.rmtree(stale, ignore_errors=True)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    temporary.mkdir()
    try:
        fill(temporary)
        for file in temporary.iterdir():
            sync_to_disk(file)
        sync_to_disk(temporary)
        os.replace(temporary, target)
        sync_to_disk(target.parent)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def _unusable(target: Path, error: OSError) -> DltrainError:
    fault = cannot_write(target, error).faults[0]
    hint = "name a folder with space in DLTRAIN_CACHE" + (f"; {fault.hint.partition(' with --run')[0]}" if fault.hint else "")
    return RunError(fault.message, hint=hint)


@contextlib.contextmanager
def _locked(path: Path, reporter: Reporter) -> Iterator[None]:
    with open(path, "ab") as file:
        try:
            system.lock(file)
        except BlockingIOError:
            reporter.status("waiting for another process that prepares the same data")
            system.lock(file, wait=True)
        yield


def _make_room(parent: Path, num_bytes: int) -> None:
    """Remove what is left of killed processes, what has long not been used, and as much else as the new folder needs.

    Raises:
        RunError: there is not enough space all the same.
    """
    _remove_leftovers(parent)
    folders = sorted(((_last_use(path), path) for path in find_folders("")), key=lambda item: item[0])
    sizes = {path: _size(path) for _, path in folders}
    total = sum(sizes.values())
    now = time.time()
    for used, path in folders:
        is_old = now - used > KEPT_DAYS * 86_400
        is_needed = total + num_bytes > QUOTA or shutil.disk_usage(parent).free < num_bytes + RESERVE
        if (is_old or (is_needed and now - used > GRACE_SECONDS)) and _remove(path):
            total -= sizes[path]
    free = shutil.disk_usage(parent).free
    if free < num_bytes + RESERVE:
        message = (
            f"data that does not fit in memory is prepared in {parent}: that takes about {num_bytes / 1e9:,.1f} GB and "
            f"a reserve of {RESERVE / 1e9:.0f} GB, {free / 1e9:,.1f} GB are free"
        )
        raise RunError(message, hint="free some space there, or name another folder in the environment variable DLTRAIN_CACHE")


def _size(folder: Path) -> int:
    with contextlib.suppress(OSError):  # another process removes it
        return sum(file.stat().st_size for file in folder.rglob("*"))
    return 0


def _last_use(folder: Path) -> float:
    with contextlib.suppress(OSError):
        return (folder / USED).stat().st_mtime
    return 0.0


def _remove(folder: Path) -> bool:
    """Remove a folder that nobody holds; whether it is gone."""
    if folder in _held:
        return False
    try:
        with open(folder / USED, "ab") as file:
            system.lock(file)
            (folder / META).unlink()
            shutil.rmtree(folder)
    except OSError:  # in use, or another process removes it
        return False
    return True


def _remove_leftovers(parent: Path) -> None:
    """Unfinished folders whose maker is gone."""
    for leftover in parent.glob(".*.tmp"):
        name = leftover.name.rsplit(".", 2)[0]
        with contextlib.suppress(OSError), open(parent / f"{name}.lock", "ab") as file:
            system.lock(file)
            shutil.rmtree(leftover)
