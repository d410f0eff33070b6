"""Confusion matrices of many classes in a run's metrics.json: the cells that are not zero, as text.

A matrix of 1,500 classes has two million cells, and a part has no more that count than it has rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

KEY = "confusion_matrix"
MOST_WHOLE = 200  # classes
_DEEPEST = 6  # of a document, to the report of a target of a part
_MOST_CELLS = 1 << 28  # of all matrices of a document together: each takes 8 bytes in memory, however short the text is


def with_cells(document: Mapping[str, Any]) -> dict[str, Any]:
    """A document in which matrices of more than `MOST_WHOLE` classes are `{classes, cells: "row column count, ..."}`."""
    return _replaced(document, _packed)


def with_matrices(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document that `with_cells` was given.

    Raises:
        ValueError: cells that it does not write, or more of them than there is to be memory for.
    """
    left = [_MOST_CELLS]

    def unpacked(found: Any) -> Any:
        return _unpacked(found, left) if isinstance(found, Mapping) and set(found) == {"classes", "cells"} else found

    return _replaced(document, unpacked)  # other mappings: a class may have this very name


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


def _unpacked(found: Mapping[str, Any], left: list[int]) -> list[list[float]]:
    classes, text = found["classes"], found["cells"]
    if type(classes) is not int or classes <= 0 or not isinstance(text, str):
        raise ValueError(f"{KEY} is not what dltrain writes there")
    left[0] -= classes**2
    if left[0] < 0:
        raise ValueError(f"{KEY} of {classes:,} classes: there are more than {_MOST_CELLS:,} cells")
    matrix: list[list[float]] = [[0] * classes for _ in range(classes)]
    for cell in text.split(", ") if text else ():
        row, column, count = cell.split(" ")
        if not 0 <= int(row) < classes or not 0 <= int(column) < classes:
            raise ValueError(f"{KEY} has no cell {row}, {column}")
        matrix[int(row)][int(column)] = float(count) if "." in count or "e" in count else int(count)
    return matrix
