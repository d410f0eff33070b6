"""Glob patterns, of which none goes through a whole machine: what is looked at is counted, links are not followed by `**`."""

from __future__ import annotations

import fnmatch
import glob
import os
import re
from collections.abc import Callable, Iterator

from dltrain.errors import DataError
from dltrain.storage.bounds import FILES, LOOKED_AT_PER_FILE


def find_matches(pattern: str) -> list[str]:
    """Files and folders that a pattern matches, sorted; `**` stands for any folders below one another, as in Python's `glob`.

    Raises:
        DataError: it would have to look at too many files and folders.
    """
    return sorted(set(_matches(pattern)))


def is_there(path: str) -> bool:
    """Whether there is a file or folder of this name, or one that the pattern matches; no more is looked at than for matches."""
    if os.path.exists(path) or not glob.has_magic(path):
        return os.path.exists(path)
    try:
        return next(_matches(path), None) is not None
    except DataError:  # who reads it says so
        return True


def _matches(pattern: str) -> Iterator[str]:
    """What a pattern matches, in no order, some of it more than once (raises DataError as `find_matches` does)."""
    most = FILES.value * LOOKED_AT_PER_FILE
    count = 0

    def look() -> None:
        nonlocal count
        count += 1
        if count > most:
            message = f"{pattern} looks through more than {most:,} files and folders"
            raise DataError(message, hint=f"name a folder that is nearer to them; {FILES.hint}")

    root = "/" if pattern.startswith("/") else ""
    segments = [segment for segment in pattern.split("/") if segment]
    if pattern.endswith("/"):
        segments.append("")
    return _below(root, segments, look)


def _below(folder: str, segments: list[str], look: Callable[[], None]) -> Iterator[str]:
    """The paths in a folder ("" for the working directory) that the segments match."""
    if not segments:
        if folder:
            yield folder
        return
    first, rest = segments[0], segments[1:]
    if first == "**":
        waiting = [folder]
        while waiting:  # no call of itself for each folder: they may stand in each other however deep
            place = waiting.pop()
            yield from _below(place, rest or ["*"], look)
            inside = [entry for entry in _entries(place, look) if not entry.name.startswith(".")]
            waiting += [os.path.join(place, entry.name) for entry in inside if is_folder(entry, follow=False)]
    elif not glob.has_magic(first):
        path = os.path.join(folder, first)
        if os.path.lexists(path):
            yield from _below(path, rest, look)
    else:
        fits = re.compile(fnmatch.translate(first)).match
        for entry in _entries(folder, look):
            is_shown = first.startswith(".") or not entry.name.startswith(".")
            if is_shown and fits(entry.name) and (not rest or is_folder(entry)):
                yield from _below(os.path.join(folder, entry.name), rest, look)


def _entries(folder: str, look: Callable[[], None]) -> Iterator[os.DirEntry[str]]:
    found = []
    try:
        with os.scandir(folder or ".") as entries:
            for entry in entries:
                look()
                found.append(entry)
    except (OSError, ValueError):  # a folder that cannot be looked into has no matches
        return
    yield from found


def walk(folder: str) -> Iterator[tuple[str, list[str], list[str]]]:
    """Folders below one another with the names of the folders and of the files in each, as `os.walk` gives them.

    However deep they stand in each other: Python's own calls itself for each. What is taken out of the names of the folders is
    not gone into, links never are, and what cannot be listed is passed over.
    """
    waiting = [folder]
    while waiting:
        place = waiting.pop()
        folders, names = list[str](), list[str]()
        try:
            with os.scandir(place) as entries:
                for entry in entries:
                    (folders if is_folder(entry) else names).append(entry.name)
        except OSError:
            continue
        yield place, folders, names
        below = [os.path.join(place, name) for name in reversed(folders)]
        waiting += [path for path in below if not os.path.islink(path)]


def folders_in(folder: str) -> list[str]:
    """Names of the folders in a folder, in order; none where it cannot be listed."""
    try:
        with os.scandir(folder) as entries:
            return sorted(entry.name for entry in entries if is_folder(entry) and not entry.name.startswith("."))
    except OSError:
        return []


def is_folder(entry: os.DirEntry[str], *, follow: bool = True) -> bool:
    """Whether it is a folder; what cannot be looked at is none."""
    try:
        return entry.is_dir(follow_symlinks=follow)
    except OSError:
        return False
