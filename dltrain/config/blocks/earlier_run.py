"""Keys that name an earlier run, of which something is taken: its weights, its preprocessing."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from dltrain.config.kinds import MISMATCH, parse_kind
from dltrain.config.reading import Context
from dltrain.config.text.nodes import Node
from dltrain.config.text.scalars import quote
from dltrain.errors import RunError, UsageError

PREPROCESSING = "preprocessing.json"


def read_weights_file(context: Context, node: Node, path: str) -> Any:
    """The file of weights: one that is named, or that of a run, which is named by its path, its name or `latest`."""
    names = [f"checkpoints/{name}.{ending}" for name in ("best", "last") for ending in ("h5", "keras")]
    expected = "a run, or a .h5 or .keras file"
    found = _file_of_run(context, node, path, (".h5", ".keras"), names, expected)
    if found == "":
        context.faults.add(node, path, f"the run {quote(_text(node))} has no weights", "a run that has finished an epoch has")
        return MISMATCH
    return found


def read_preprocessing_file(context: Context, node: Node, path: str) -> Any:
    """The file of a run's preprocessing: it is named itself, or the run is, as in `read_weights_file`."""
    found = _file_of_run(context, node, path, (PREPROCESSING,), [PREPROCESSING], "a run")
    if found == "":
        hint = "a run that has read its data has"
        context.faults.add(node, path, f"the run {quote(_text(node))} has no preprocessing", hint)
        return MISMATCH
    return found


def _file_of_run(context: Context, node: Node, path: str, endings: tuple[str, ...], names: list[str], expected: str) -> Any:
    """The first of some files that a run has, that of a sweep's best trial; empty where it has none of them.

    Args:
        context: faults and the rest.
        node: what stands there.
        path: its key.
        endings: of a file that may be named itself; whether it is there is looked at later.
        names: of the files.
        expected: what may stand there, in words.
    """
    text = context.read(parse_kind("text"), node, path)
    if text is MISMATCH:
        return MISMATCH
    found = context.path_of(text, node, path, also="weights")
    if found is MISMATCH or found.endswith(endings):
        return found
    from dltrain.storage.run_list import best_of_sweep, find_run

    try:
        run = best_of_sweep(Path(found) if os.path.isdir(found) else find_run(text, Path("runs")))
    except (UsageError, RunError) as error:
        context.faults.add(node, path, f"expected {expected}, found {quote(text)}", error.faults[0].hint)
        return MISMATCH
    return next((str(file.absolute()) for name in names if os.path.isfile(file := run / name)), "")


def _text(node: Node) -> str:
    return str(node.plain())
