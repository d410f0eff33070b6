"""Files that the user named to be written: none is replaced without being asked for, and none is what was read."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable
from pathlib import Path

from dltrain.errors import DltrainError, Fault, RunError, UsageError


def check_output(
    path: str | Path, *, force: bool, inputs: Iterable[str | Path] = (), in_the_way: type[DltrainError] = RunError
) -> None:
    """Refuse to write a file, before anything is computed for it.

    Args:
        path: what is to be written. A pipe or a device may be.
        force: what is there may be replaced.
        inputs: files, folders and globs that are read; none of them is ever written.
        in_the_way: raised where a file is there already.

    Raises:
        UsageError: it is one of the inputs, or a folder, or its folder is not there.
        RunError: it exists and was not to be replaced.
    """
    path = Path(path)
    for given in map(str, inputs):
        for name in {given, *glob.glob(given, recursive=True)} if path.exists() else ():
            if os.path.exists(name) and os.path.samefile(name, path):
                raise UsageError(Fault(f"{path} is what is read; it is not written over", hint="name another file with -o"))
    if path.is_dir():
        raise UsageError(Fault(f"{path} is a folder", hint="name a file in it with -o"))
    if not path.parent.is_dir():
        raise UsageError(Fault(f"{path} cannot be written: there is no folder {path.parent}", hint="make it first"))
    if path.is_file() and not force:
        raise in_the_way(Fault(f"{path} exists already; nothing was written", hint="--force replaces it, or name another file"))
