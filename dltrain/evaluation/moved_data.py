"""The data of a run that was moved: where the user says it is, or where it is likely to be."""

from __future__ import annotations

import glob
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from dltrain.config import load_config
from dltrain.config.types import DataConfig
from dltrain.errors import DataError, Fault, UsageError
from dltrain.settings import data_folder
from dltrain.storage.far.address import bare, is_far
from dltrain.storage.far.copies import was_fetched
from dltrain.storage.run import Run
from dltrain.wording import shown

KEYS = ("data.path", "data.validation", "data.test", "data.images.folder")


def with_places(run: Run, overrides: Sequence[str]) -> DataConfig:
    """The run's `data:` block with other places for its files.

    Args:
        run: whose config it is.
        overrides: words such as "data.path=FILE"; relative paths are relative to the working directory.

    Raises:
        UsageError: a word that changes anything but a place.
        ConfigError: a word that cannot be read.
    """
    for word in overrides:
        key = word.partition("=")[0]
        if key not in KEYS:
            hint = f"{', '.join(KEYS)} say where the data is now; anything else is another run: dltrain fit {run.config_file}"
            raise UsageError(f"the value {key} of a run cannot be changed", hint=hint)
    return load_config(run.config_file, overrides).data


def find_moved(config: DataConfig, run: Path, said: Sequence[str] = ()) -> tuple[DataConfig, list[str]]:
    """The `data:` block with the files that are no longer where they were, where they are found elsewhere.

    They are looked for beside the run, then in `$DLTRAIN_DATA`, by as many of the last names of their path as fit. Whether they
    are the same is not asked here: the run's fingerprint is held against what is read.

    Args:
        config: of the run.
        run: its directory.
        said: words such as "data.path=FILE" by which the user named places; a run of somebody else's names an address at which
            nothing is asked for without such a word.

    Returns:
        The block, and a sentence for each file that was found elsewhere.

    Raises:
        DataError: files that are nowhere, all of them.
    """
    folders = [run.absolute(), run.absolute().parent, run.absolute().parent.parent]
    own = data_folder()
    if own is not None:
        folders.append(own)
    notes: list[str] = []
    faults: list[Fault] = []

    def place(path: str, key: str) -> str:
        if is_far(path):
            faults.extend(_strange(path, key, said, f"dltrain evaluate {run}"))
            return path
        if _is_there(path):
            return path
        names = Path(path).parts[1:]
        for count in range(len(names), 0, -1):
            for folder in folders:
                candidate = str(folder.joinpath(*names[-count:]))
                if _is_there(candidate):
                    notes.append(f"{shown(path)} is not there; {shown(candidate)} is read")
                    return candidate
        hint = f"if it was moved, say where it is: dltrain evaluate {run} {key}=WHERE"
        faults.append(Fault(f"the data of the run is not there: {shown(path)}", hint=hint))
        return path

    places = {key: tuple(place(path, f"data.{key}") for path in getattr(config, key)) for key in ("path", "validation", "test")}
    if faults:
        raise DataError(faults)
    return replace(config, **places), notes  # type: ignore[arg-type]


def refuse_strange_addresses(config: DataConfig, said: Sequence[str], command: str) -> None:
    """Refuse to go on with a stored config whose data is at an address at which this user never asked for anything.

    Args:
        config: the `data:` block of a run.
        said: the words by which the user named places.
        command: to which such a word can be added.

    Raises:
        DataError: there are such addresses; all of them.
    """
    places = [(f"data.{key}", path) for key in ("path", "validation", "test") for path in getattr(config, key) if is_far(path)]
    faults = [fault for key, path in places for fault in _strange(path, key, said, command)]
    if faults:
        raise DataError(faults)


def _strange(path: str, key: str, said: Sequence[str], command: str) -> list[Fault]:
    if was_fetched(path) or any(word.startswith(f"{key}=") for word in said):
        return []
    hint = f"if you trust it, say so by naming it: {command} {key}={bare(path)}"
    return [Fault(f"the data of the run is at {bare(path)}, which was never fetched from here", hint=hint)]


def _is_there(path: str) -> bool:
    return os.path.exists(path) or (glob.has_magic(path) and next(glob.iglob(path, recursive=True), None) is not None)
