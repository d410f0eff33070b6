"""The rows that a model is most wrong about, by their place in the source, for those who look at what is wrong."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.data.arrays.disk_array import rows_in_memory
from dltrain.data.dataset import Part, TargetSpec
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


def worst_labels(
    true: NDArray[np.bool_], said: NDArray[np.bool_], losses: NDArray[np.float64], target: TargetSpec, part: Part
) -> list[dict[str, Any]]:
    """Of rows whose labels [rows, labels] are not all right those with the largest losses [rows]: row, true, predicted, error."""
    wrong = np.flatnonzero((true != said).any(axis=1))
    places = wrong[np.argsort(-losses[wrong], kind="stable")][:MOST]

    def words(flags: NDArray[np.bool_]) -> str:
        return target.separator.join(label for label, is_in in zip(target.classes, flags.tolist(), strict=True) if is_in)

    return [
        {**name, "true": words(true[place]), "predicted": words(said[place]), "error": float(losses[place])}
        for name, place in zip(_named(places, part), places, strict=True)
    ]


def worst_forecasts(
    true: NDArray[np.float64], forecast: NDArray[np.float64], first_ahead: int, part: Part
) -> list[dict[str, Any]]:
    """The foretold numbers [windows, steps] that are furthest off, of each time the worst forecast: as `worst_numbers`.

    `window` says which it is and `ahead` how many rows after its last the number is.
    """
    off, steps = forecast - true, true.shape[1]
    found: dict[tuple[int, int], tuple[int, int]] = {}
    codes = np.zeros(len(true), np.int64) if part.series is None else part.series.codes
    for cell in np.argsort(-np.abs(off), axis=None, kind="stable")[: 4 * MOST * steps].tolist():
        window, step = divmod(cell, steps)
        if len(found) < MOST:
            found.setdefault((int(codes[window]), window + step), (window, step))
    places = np.array([window for window, _ in found.values()], np.int64)
    return [
        {
            **name,
            "window": " ".join(str(values[window]) for values in part.identifiers.values()),
            "ahead": first_ahead + step,
            "true": float(true[window, step]),
            "predicted": float(forecast[window, step]),
            "error": float(off[window, step]),
        }
        for name, (window, step) in zip(_named(places, part), found.values(), strict=True)
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
