"""The data of a run that was moved: where the user says it is, or where it is likely to be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from dltrain.config import load_config
from dltrain.config.types import DataConfig
from dltrain.data.preprocessing import Preprocessing
from dltrain.data.tables.preprocessing import TablePreprocessing
from dltrain.errors import DataError, Fault, UsageError
from dltrain.parts import KEY_OF_PART
from dltrain.settings import data_folder
from dltrain.storage.far.address import bare, is_far
from dltrain.storage.far.copies import was_fetched
from dltrain.storage.layout import TRIALS
from dltrain.storage.patterns import is_there
from dltrain.storage.run import Run
from dltrain.wording import shown

PATH_KEYS = tuple(KEY_OF_PART.values())
KEYS = (*(f"data.{key}" for key in PATH_KEYS), "data.images.folder")


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
    above = run.absolute().parents
    # A fit of a trial lies in its sweep, which was moved as a whole.
    in_sweep = next((place + 2 for place, folder in enumerate(above[:2]) if folder.name == TRIALS), 0)
    folders = [run.absolute(), *above[: 2 + in_sweep]]
    own = data_folder()
    if own is not None:
        folders.append(own)
    notes: list[str] = []
    faults: list[Fault] = []

    def place(path: str, key: str) -> str:
        if is_far(path):
            faults.extend(_strange(path, key, said, f"by naming it: dltrain evaluate {run} {key}={bare(path)}"))
            return path
        if is_there(path):
            return path
        names = Path(path).parts[1:]
        for count in range(len(names), 0, -1):
            for folder in folders:
                candidate = str(folder.joinpath(*names[-count:]))
                if is_there(candidate):
                    notes.append(f"{shown(path)} is not there; {shown(candidate)} is read")
                    return candidate
        hint = f"if it was moved, say where it is: dltrain evaluate {run} {key}=WHERE"
        faults.append(Fault(f"the data of the run is not there: {shown(path)}", hint=hint))
        return path

    places = {key: tuple(place(path, f"data.{key}") for path in getattr(config, key)) for key in PATH_KEYS}
    pictures = tuple(place(folder, "data.images.folder") for folder in config.images.folder)
    faults += _strange_arguments(config.arguments, run)
    if faults:
        raise DataError(faults)
    images = replace(config.images, folder=pictures)
    return replace(config, **places, images=images), notes  # type: ignore[arg-type]


def refuse_strange_addresses(config: DataConfig, run: Path, said: Sequence[str] = (), command: str = "") -> None:
    """Refuse to go on with a stored config that reads at an address at which this user never asked for anything.

    Args:
        config: the `data:` block of a run.
        run: its directory.
        said: the words by which the user named places.
        command: to which such a word can be added; empty: there is none.

    Raises:
        DataError: there are such addresses; all of them.
    """

    def way(key: str, path: str) -> str:
        return f"by naming it: {command} {key}={bare(path)}" if command else _fetched(run)

    named = [(f"data.{key}", path) for key in PATH_KEYS for path in getattr(config, key)]
    vectors = [("data.text.vectors", config.text.vectors)] if config.text.vectors else []
    places = [*named, *vectors, *_places_of_arguments(config.arguments)]
    faults = [fault for key, path in places for fault in _strange(path, key, said, way(key, path))]
    if faults:
        raise DataError(faults)


def refuse_strange_arguments(stored: Preprocessing, run: Run) -> None:
    """Refuse to read other rows as a run's own were read, where that takes a file at an address that is strange to this user.

    Raises:
        DataError: there are such addresses; all of them.
    """
    if isinstance(stored, TablePreprocessing) and (faults := _strange_arguments(stored.arguments, run.path)):
        raise DataError(faults)


def _strange_arguments(arguments: Mapping[str, Any], run: Path) -> list[Fault]:
    return [fault for key, path in _places_of_arguments(arguments) for fault in _strange(path, key, (), _fetched(run))]


def _fetched(run: Path) -> str:
    return f"by having it fetched: dltrain check --data {run}/config.yaml"


def _places_of_arguments(arguments: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(f"data.{name}", value) for name, value in arguments.items() if isinstance(value, str)]


def _strange(path: str, key: str, said: Sequence[str], way: str) -> list[Fault]:
    """A fault with a way to say that it is meant, where a path is an address that is neither known here nor named by the user."""
    if not is_far(path) or was_fetched(path) or any(word.startswith(f"{key}=") for word in said):
        return []
    message = f"the data of the run is at {bare(path)}, which was never fetched from here"
    return [Fault(message, hint=f"if you trust it, say so {way}")]
