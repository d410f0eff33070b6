"""What a run's manifest.json and metrics.json hold.

Confusion matrices of many classes stand in metrics.json as text, the cells that are not zero: a matrix of 1,500 classes has two
million cells, and a part has no more that count than it has rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from dltrain.storage.stored import Check, anything, fields, flag, list_of, map_of, maybe, number, text, whole, word
from dltrain.system import memory_of_machine

STATUSES = ("running", "finished", "interrupted", "diverged", "failed")

MANIFEST_LIMIT = 4 << 20

MOST_EPOCHS = 1_000_000_000

# What the values of a manifest may be: it is read back by a resume, which believes it.
MANIFEST: Mapping[str, Check] = {
    "status": word(*STATUSES),
    "kind": word("sweep"),
    "name": text,
    "argv": list_of(text),
    "config": maybe(text),
    "seed": whole(0, (1 << 63) - 1),
    "task": text,
    "threads": whole(1, 1024),
    "environment": map_of(anything),
    "data": fields({"fingerprint": maybe(text), "details": map_of(anything)}),
    "reference": map_of(anything),
    "git_commit": maybe(text),
    "started": text,
    "ended": text,
    "resumed": list_of(text),
    "epochs": whole(0, MOST_EPOCHS),
    "phase": whole(1, 10_000),
    "phase_epochs": whole(0, MOST_EPOCHS),
    "stopped_early": flag,
    "weights": word("best", "last"),
    "seconds": map_of(number),
    "warnings": list_of(map_of(lambda value: value is None or isinstance(value, str | int))),
    "files": map_of(text),
    "plan": map_of(anything),
    "best": text,
    "engine": text,
    "stack": map_of(whole(0, MOST_EPOCHS)),
    "compiler": fields({"jit_compile": flag, "reason": text}, required=("jit_compile",)),
    "features": fields({"layers": list_of(text), "shape": list_of(whole(0, MOST_EPOCHS)), "weights": maybe(text)}),
}

METRICS: Mapping[str, Check] = {
    "part": text,
    "weights": word("best", "last"),
    "epoch": whole(0, MOST_EPOCHS),
    "metrics": map_of(map_of(number)),
    "baseline": map_of(number),
    "baselines": map_of(map_of(number)),
    "report": map_of(anything),
    "reports": map_of(map_of(anything)),
    "standard_errors": map_of(map_of(number)),
    "intervals": map_of(map_of(list_of(number))),
    "intervals_of": map_of(map_of(anything)),
    "gates": list_of(map_of(anything)),
    "notes": list_of(text),
    "diagnosis": list_of(map_of(anything)),
    "spreads": map_of(map_of(number)),
    "trial": whole(0, MOST_EPOCHS),
    "members": map_of(anything),
}

KEY = "confusion_matrix"
MOST_WHOLE = 200  # classes
_DEEPEST = 6  # of a document, to the report of a target of a part
# Of all different matrices of a document: each cell takes 8 bytes in memory, however short the text is. What a machine can write
# it can read again, as half of its memory is allowed.
_LEAST_BYTES = 1 << 29


def with_cells(document: Mapping[str, Any]) -> dict[str, Any]:
    """A document in which matrices of more than `MOST_WHOLE` classes are `{classes, cells: "row column count, ..."}`."""
    return _replaced(document, _packed)


def with_matrices(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document that `with_cells` was given.

    Raises:
        ValueError: cells that it does not write, or more of them than there is to be memory for.
    """
    bound = max(_LEAST_BYTES, memory_of_machine() // 2) // 8
    known: dict[tuple[Any, Any], list[list[float]]] = {}  # the part that is shown stands in two places

    def unpacked(found: Any) -> Any:
        if not isinstance(found, Mapping) or set(found) != {"classes", "cells"}:  # a class may have this very name
            return found
        classes, text = found["classes"], found["cells"]
        if type(classes) is not int or classes <= 0 or not isinstance(text, str):
            raise ValueError(f"{KEY} is not what dltrain writes there")
        if (classes, text) not in known:
            if classes**2 + sum(len(matrix) ** 2 for matrix in known.values()) > bound:
                raise ValueError(f"{KEY} of {classes:,} classes: there are more than {bound:,} cells")
            known[classes, text] = _matrix(classes, text)
        return known[classes, text]

    return _replaced(document, unpacked)


def _replaced(document: Mapping[str, Any], change: Callable[[Any], Any], depth: int = 0) -> dict[str, Any]:
    if depth > _DEEPEST:
        return dict(document)
    return {
        key: change(value) if key == KEY else _replaced(value, change, depth + 1) if isinstance(value, Mapping) else value
        for key, value in document.items()
    }


def _packed(matrix: Any) -> Any:
    if not isinstance(matrix, list) or len(matrix) <= MOST_WHOLE:
        return matrix
    cells = (f"{row} {column} {count!r}" for row, counts in enumerate(matrix) for column, count in enumerate(counts) if count)
    return {"classes": len(matrix), "cells": ", ".join(cells)}


def _matrix(classes: int, text: str) -> list[list[float]]:
    matrix: list[list[float]] = [[0] * classes for _ in range(classes)]
    for cell in text.split(", ") if text else ():
        row, column, count = cell.split(" ")
        if not 0 <= int(row) < classes or not 0 <= int(column) < classes:
            raise ValueError(f"{KEY} has no cell {row}, {column}")
        matrix[int(row)][int(column)] = float(count) if "." in count or "e" in count else int(count)
    return matrix
