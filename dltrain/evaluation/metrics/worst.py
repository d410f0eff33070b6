"""The rows that a model is most wrong about, by their place in the source, for those who look at what is wrong."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.data.arrays.disk_array import rows_in_memory
from dltrain.data.dataset import Part
from dltrain.evaluation.drawing.mistakes import Mistake

MOST = 12


def worst_answers(mistakes: tuple[Mistake, ...], part: Part) -> list[dict[str, Any]]:
    """The most probable of the wrong answers: row, true, predicted, and the probability that was given to what is wrong."""
    shown = mistakes[:MOST]
    named = _named(np.array([mistake.row for mistake in shown], np.int64), part)
    return [
        {**name, "true": mistake.label, "predicted": mistake.prediction, "probability": mistake.probability}
        for name, mistake in zip(named, shown, strict=True)
    ]


def worst_numbers(true: NDArray[np.float64], predicted: NDArray[np.float64], part: Part) -> list[dict[str, Any]]:
    """The numbers that are furthest off: row, true, predicted, and the one less the other."""
    off = predicted - true
    places = np.argsort(-np.abs(off), kind="stable")[:MOST]
    return [
        {**name, "true": float(true[place]), "predicted": float(predicted[place]), "error": float(off[place])}
        for name, place in zip(_named(places, part), places, strict=True)
    ]


def _named(places: NDArray[np.int64], part: Part) -> list[dict[str, Any]]:
    """`row` from 1, in the source's whole order, and the picture's file where there is one."""
    if part.row_file is not None:
        rows = rows_in_memory(part.row_file, places)
    else:
        rows = part.row_ids[places] if len(part.row_ids) else places
    files = part.identifiers.get("file") if part.identifiers else None
    named = [{"row": int(row) + 1} for row in rows]
    return named if files is None else [{**one, "file": str(files[place])} for one, place in zip(named, places)]
