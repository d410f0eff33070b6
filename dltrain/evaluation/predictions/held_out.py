"""Predictions for the rows that a fold held out; of all folds together each row has one."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.data.arrays.disk_array import in_memory
from dltrain.data.dataset import Part, TargetSpec
from dltrain.data.labels.cells import joined
from dltrain.errors import RunError
from dltrain.evaluation.metrics.report import answers_of
from dltrain.evaluation.predictions.files import prediction_columns, to_csv
from dltrain.evaluation.predictions.of_outputs import predictions_of
from dltrain.model.heads.head import Head
from dltrain.storage.atomic import write_atomically

HELD_OUT_FILE = "held_out.csv"
_MOST_DECIMALS = 18


def write_held_out(folder: Path, heads: Sequence[Head], outputs: Sequence[NDArray[Any]], part: Part) -> None:
    """Write `held_out.csv` into a run: `row`, identifiers, what is true, the prediction, probabilities; by row.

    Nothing is written where the target is the input: that would be the data once more.

    Args:
        folder: the run directory.
        heads: of the model.
        outputs: one array [rows, ...] per head, for the part's rows.
        part: the validation part; rows are counted from 1 in the source's whole order.
    """
    if any(head.is_reconstruction for head in heads):
        return
    naming: dict[str, Any] = {"row": (part.row_ids + 1).tolist()} | true_columns(heads, part)
    found = predictions_of(heads, answers_of(heads, outputs), part, None)
    rest = prediction_columns(found.identifiers, found.prediction, found.probabilities, found.columns)
    columns = naming | rest
    write_atomically(folder / HELD_OUT_FILE, to_csv(columns, num_naming=len(columns) - len(rest) + len(found.identifiers)))


def true_columns(heads: Sequence[Head], part: Part) -> dict[str, list[Any]]:
    """`true_<target>`: labels, or numbers in their own units, of each target of a part."""
    true: dict[str, list[Any]] = {}
    for head in heads:
        for target in head.targets:
            if not target.is_middle:
                continue
            stored = part.targets[target.name]
            if head.is_multilabel:
                true[f"true_{target.name}"] = list(joined(stored, target))
                continue
            values = [head.classes[code] for code in stored] if head.classes else _in_few_decimals(target, stored).tolist()
            true[f"true_{target.name}"] = values
    return true


def _in_few_decimals(target: TargetSpec, stored: Any) -> NDArray[np.float64]:
    """Numbers in their own units, with the fewest decimals that are stored as the same: those that the data has.

    A float32 holds seven digits of how far a number is from the mean; what the data has beyond these is not known here.
    """
    stored = np.asarray(in_memory(stored))
    values: NDArray[np.float64] = target.to_own(stored)
    left = np.arange(len(values))
    for decimals in range(_MOST_DECIMALS):
        with np.errstate(over="ignore", invalid="ignore"):
            near = np.round(values[left], decimals) + 0.0  # which makes 0 of -0
            near = np.where((near > 0) | (not target.is_log), near, values[left])
            same = target.to_stored(near) == stored[left]
        values[left[same]] = near[same]
        left = left[~same]
    return values


def join_held_out(folders: Iterable[Path]) -> bytes | None:
    """The held-out rows of several runs as one CSV, by row, each with the number of its fold; None where there are none.

    Args:
        folders: run directories, fold by fold.

    Raises:
        RunError: the files are not of one kind.
    """
    header: list[str] | None = None
    rows: list[list[str]] = []
    for fold, folder in enumerate(folders, 1):
        file = folder / HELD_OUT_FILE
        if not file.is_file():
            return None
        with file.open(encoding="utf-8", newline="") as lines:
            first, *body = csv.reader(lines)
        if header is not None and first != header:
            raise RunError(f"{file} has other columns than the folds before it", hint="the run is damaged")
        header = first
        rows += [[cells[0], str(fold), *cells[1:]] for cells in body]
    if header is None:
        return None
    rows.sort(key=lambda cells: int(cells[0]))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([header[0], "fold", *header[1:]])
    writer.writerows(rows)
    return text.getvalue().encode()
