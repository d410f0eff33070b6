"""Files that the user named to be written: none is replaced without being asked for, and none is what was read."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from dltrain.errors import RunError, UsageError, reason_of
from dltrain.storage.layout import FILES, FOLDERS, own_paths
from dltrain.storage.patterns import find_matches
from dltrain.storage.removal import remove_abandoned, temporary_files_of

_absent: set[str] = set()  # what is to be written, and was not there when that was said
_DEEPEST = 6  # folders between a file of a run and the run: a trial's fold's checkpoints below a sweep


def check_output(path: str | Path, *, force: bool, inputs: Iterable[str | Path] = ()) -> Path:
    """Refuse to write a file, before anything is computed for it; what a killed command left of it half-written goes.

    Args:
        path: what is to be written. A pipe or a device may be.
        force: what is there may be replaced.
        inputs: files, folders and globs that are read; none of them is ever written.

    Returns:
        The file to write: where a link leads, if the path is one.

    Raises:
        UsageError: it is one of the inputs, a file of a run, or a folder, its folder is not there, or no file can have its name.
        RunError: it exists and was not to be replaced.
        DataError: a glob that goes through too many files.
    """
    given = Path(path)
    file = where_written(given)
    refuse_part_of_run(file)
    for read in map(str, inputs):
        for name in {read, *find_matches(read)} if file.exists() else ():
            if os.path.exists(name) and os.path.samefile(name, file):
                raise UsageError(f"{given} is what is read; it is not written over", hint="name another file with -o")
    if file.is_dir():
        raise UsageError(f"{given} is a folder", hint="name a file in it with -o")
    if not file.parent.is_dir():
        raise UsageError(f"{given} cannot be written: there is no folder {file.parent}", hint="make it first")
    if not is_stream(file) and not os.access(file.parent, os.W_OK | os.X_OK):
        hint = "choose a folder that can be written, with -o"
        raise RunError(f"cannot write {given}: the folder {file.parent} takes no new file", hint=hint)
    if (file.is_file() or given.is_symlink()) and not is_stream(file) and not force:
        raise RunError(f"{given} exists already; nothing was written", hint="--force replaces it, or name another file")
    remove_abandoned(temporary_files_of(file))
    note_absent(file)
    return file


def where_written(given: Path) -> Path:
    """The file that is written where this one is named: where a link leads, if it is one.

    Raises:
        UsageError: no file can have its name.
    """
    file = given
    try:
        if given.is_symlink() and not is_stream(given):
            file = given.resolve()
        os.lstat(file)
    except (FileNotFoundError, NotADirectoryError):
        pass
    except (OSError, ValueError, RuntimeError) as error:  # too long, a null character, a link to itself
        reason = reason_of(error)
        raise UsageError(f"{given} cannot be written: {reason}", hint="name another file with -o") from error
    return file


def note_absent(path: Path) -> None:
    """Remember of a file or folder that is to be written whether it was there: what comes there meanwhile is somebody else's."""
    (_absent.discard if os.path.lexists(path) else _absent.add)(os.path.realpath(path))


def refuse_what_came(path: Path, *, is_written: bool = False) -> bool:
    """Refuse to replace what was not there when it was said that this is written.

    Args:
        path: of the file or folder, which is about to be put in its place.
        is_written: it was put there: it is dltrain's own from now on.

    Returns:
        Whether nothing was there then.

    Raises:
        RunError: there is something now.
    """
    real = os.path.realpath(path) if _absent else ""
    if real not in _absent:
        return False
    if is_written:
        _absent.discard(real)
    elif os.path.lexists(real):
        raise RunError(f"{path} has come to be there meanwhile; nothing was written", hint="name another file, or --force")
    return True


def is_stream(path: Path) -> bool:
    """Whether it is a pipe or a device, which is written into and never replaced."""
    return path.exists() and not path.is_file() and not path.is_dir()


def check_picture(path: Path, *, force: bool) -> Path:
    """Refuse to draw into a file as `check_output` does, or into one whose name says that it is no PNG.

    Returns:
        The file to draw into.

    Raises:
        UsageError: the name ends otherwise, or it is a folder, a file of a run, or its folder is not there.
        RunError: it exists and was not to be replaced.
    """
    if path.suffix.lower() not in ("", ".png"):
        raise UsageError(
            f"pictures are drawn as PNG, and {path} is named otherwise", hint=f"name it {path.with_suffix('.png').name}"
        )
    return check_output(path, force=force)


def refuse_part_of_run(path: Path) -> None:
    """Refuse to write over a file that a run consists of, whether the run is read or not: it would be damaged.

    A new file of a name that dltrain gives to files of a run, or in one of a run's folders, would go when the run is removed.

    Raises:
        UsageError: it is one.
    """
    real = path.resolve()
    for folder in list(real.parents)[:_DEEPEST]:
        if not ((folder / "manifest.json").is_file() and (folder / "config.yaml").is_file()):
            continue
        hint = "name a file outside of it, or one that it does not hold"
        if real.exists() and real in own_paths(folder):
            raise UsageError(f"{path} is part of the run {folder.name}; it is not written over", hint=hint)
        if not real.exists() and real.relative_to(folder).parts[0] in FILES | FOLDERS.keys():
            raise UsageError(f"{path} would be part of the run {folder.name}, and be removed with it", hint=hint)


def refuse_inside_run(path: Path) -> None:
    """Refuse a directory for runs in a folder of another run, with which it would be removed.

    Raises:
        RunError: it is in one.
    """
    real = path.resolve()
    for folder in [real, *real.parents]:
        if folder.name in FOLDERS and (folder.parent / "manifest.json").is_file() and (folder.parent / "config.yaml").is_file():
            hint = "choose a directory outside of it"
            raise RunError(f"{path} would be part of the run {folder.parent.name}, and be removed with it", hint=hint)
