"""What later evaluations of a run found out, kept with it for its report: importances and slices."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dltrain.errors import RunError
from dltrain.reporting import Reporter
from dltrain.storage.atomic import to_json, write_atomically
from dltrain.storage.held import held
from dltrain.storage.run import Run
from dltrain.storage.stored import fields, flag, list_of, map_of, maybe, number, read_json, text, whole

if TYPE_CHECKING:
    from dltrain.evaluation.importance.permutation import Importances
    from dltrain.evaluation.slices import Slice

_FILE = "findings.json"
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
        with held(folder):
            write_atomically(run.state / _FILE, (to_json(read_findings(run) | found) + "\n").encode())
    except RunError as error:
        reporter.warning(f"what was found out is not kept for the run's report: {error.faults[0].message}")


def read_findings(run: Run) -> dict[str, Any]:
    """`importance` and `slices` as their documents; empty where nothing was found out.

    Raises:
        RunError: the file holds something else.
    """
    file = run.state / _FILE
    return read_json(file, _SCHEMA) if file.is_file() and not file.is_symlink() else {}
