"""The one way in which dltrain removes things: what it made itself, name by name."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterable
from pathlib import Path

from dltrain.storage.layout import own_paths


def remove_run_files(folder: Path) -> list[Path]:
    """Remove from a run directory what dltrain writes into one; folders go when they are empty.

    The manifest goes last: it is what proves that the rest is a run, should a removal end half-way.

    Args:
        folder: the run directory; itself it stays.

    Returns:
        What was not dltrain's and stays: the outermost paths.

    Raises:
        OSError: something cannot be removed.
    """
    manifest = folder / "manifest.json"
    remove_paths(sorted(own_paths(folder), key=lambda path: path == manifest))  # a stable sort
    return sorted(folder.iterdir())


def remove_paths(paths: Iterable[Path]) -> None:
    """Remove files and, where nothing is left in them, folders; what is gone already is no error.

    Raises:
        OSError: something cannot be removed.
    """
    for path in list(paths):
        if path.is_dir() and not path.is_symlink():
            if not any(path.iterdir()):
                path.rmdir()
        else:
            path.unlink(missing_ok=True)


def remove_temporary(path: Path) -> None:
    """Remove what this process, or one like it that was killed, made under a name of its own; what cannot be removed stays."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            path.unlink()
