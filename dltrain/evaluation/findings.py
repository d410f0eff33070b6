"""What later evaluations of a run found out, kept with it for its report: importances and slices."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dltrain import system
from dltrain.errors import RunError
from dltrain.reporting import Reporter
from dltrain.storage.atomic import cannot_write, to_json, write_atomically
from dltrain.storage.held import held, place_of
from dltrain.storage.run import Run
from dltrain.storage.stored import fields, flag, list_of, map_of, maybe, number, read_json, text, whole

if TYPE_CHECKING:
    from dltrain.evaluation.importance.permutation import Importances
    from dltrain.evaluation.slices import Slice

_FILE = "findings.json"
_PATIENCE = 10.0  # seconds; another one writes for an instant
_PAIR = list_of(number)
_IMPORTANCE = fields(
    {
        "metric": text,
        "whole": number,
        "rows": whole(0, 1 << 40),
        "repeats": whole(0, 1 << 20),
        "columns": list_of(
            fields(
                {"name": text, "kind": text, "value": number, "interval": maybe(_PAIR), "held_by": maybe(whole(0, 1 << 40))},
                required=("name", "value"),
            )
        ),
    },
    required=("metric", "whole", "rows", "columns"),
)
_SLICE = fields(
    {
        "column": text,
        "name": text,
        "rows": whole(0, 1 << 40),
        "metrics": map_of(number),
        "intervals": map_of(_PAIR),
        "baseline": map_of(number),
        "standings": map_of(text),
        "is_worse": flag,
    },
    required=("column", "name", "rows", "metrics", "intervals", "is_worse"),
)
_SCHEMA = {"importance": _IMPORTANCE, "slices": list_of(_SLICE)}


def keep_findings(folder: Path, worth: Importances | None, slices: Sequence[Slice], reporter: Reporter) -> None:
    """Write them beside those of earlier evaluations, each kind in the place of what was there.

    Args:
        folder: the run directory.
        worth: importances, or None.
        slices: of the run's own part.
        reporter: hears of what could not be written, which ends no evaluation.
    """
    found: dict[str, Any] = {"importance": worth.document()} if worth is not None else {}
    found |= {"slices": [one.document() for one in slices]} if slices else {}
    if not found:
        return
    run = Run(folder)
    try:
        with held(folder), _alone(run.state / _FILE) as file:
            write_atomically(file, (to_json(read_findings(run) | found) + "\n").encode())
    except RunError as error:
        reporter.warning(f"what was found out is not kept for the run's report: {error.faults[0].message}")


@contextlib.contextmanager
def _alone(file: Path) -> Iterator[Path]:
    """No other evaluation adds to the file meanwhile: what it found out would be lost."""
    with contextlib.ExitStack() as stack:
        try:
            place = stack.enter_context(place_of(file))
            until = time.monotonic() + _PATIENCE
            while place.folder is not None and not _is_locked(place.folder):  # Windows locks no folder
                if time.monotonic() > until:
                    raise RunError(f"{file.parent} is locked by another process")
                time.sleep(0.05)
        except OSError as error:
            raise cannot_write(file, error) from error
        yield file


def _is_locked(folder: int) -> bool:
    try:
        system.lock(folder)
    except BlockingIOError:
        return False
    except OSError:
        pass  # a file system without locks
    return True


def read_findings(run: Run) -> dict[str, Any]:
    """`importance` and `slices` as their documents; empty where nothing was found out.

    Raises:
        RunError: the file holds something else.
    """
    file = run.state / _FILE
    return read_json(file, _SCHEMA) if file.is_file() and not file.is_symlink() else {}
