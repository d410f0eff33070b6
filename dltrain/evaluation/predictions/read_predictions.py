"""Predictions from a file, as `dltrain predict` or another program wrote them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.data.dataset import Part
from dltrain.data.labels.cells import joined
from dltrain.data.tables.parquet_file import read_parquet
from dltrain.errors import DataError
from dltrain.evaluation.metrics.label_metrics import THRESHOLD, said_labels
from dltrain.later import polars
from dltrain.model.heads.head import Head
from dltrain.storage.formats.other_files import source_by_name
from dltrain.wording import listed, quoted, shown

PREDICTION_SUFFIXES = (".csv", ".jsonl", ".ndjson", ".parquet", ".pq")
_SUM = 1e-3  # by how much probabilities may miss 1


@dataclass(slots=True)
class ReadPredictions:
    """Predictions of one head.

    Attributes:
        answers: probabilities [rows, classes] (of labels alone 0 and 1), or numbers [rows, targets]: NaN for the quantiles but
            the median.
        has_probabilities: whether they are what the file gives.
        labels: of classes, the index of the one that is predicted [rows]: `prediction`, else the most probable one. Of several
            labels a row, whether each is said [rows, labels]: `labels`, else those above one half.
    """

    answers: NDArray[np.float64]
    has_probabilities: bool = False
    labels: NDArray[Any] | None = None


def read_predictions(path: Path, heads: Sequence[Head], part: Part) -> tuple[list[ReadPredictions], list[str]]:
    """Read the predictions for the rows of a part, and sentences for the user; of each head those that `predict` writes.

    They are `prediction` (`labels`), and `probability_<label>` where there are classes; of several targets
    `prediction_<target>` and `probability_<target>_<label>`.

    Args:
        path: CSV, JSON lines or Parquet.
        heads: whose targets they are.
        part: the rows; columns `row`, `true_<target>` and those that name rows are held against it.

    Raises:
        DataError: it cannot be read, or is not of these rows.
    """
    try:
        if source_by_name(path.name) == "parquet":
            frame = read_parquet(str(path))
        elif path.suffix.lower() == ".csv":
            frame = polars.read_csv(path, infer_schema=False, glob=False)
        else:
            frame = polars.read_ndjson(path, infer_schema_length=None)
    except (OSError, polars.exceptions.PolarsError) as error:
        raise DataError(f"the predictions cannot be read: {shown(str(path))}: {error}") from error
    if frame.height != part.num_rows:
        message = f"{shown(str(path))} has {frame.height:,} predictions for {part.num_rows:,} rows"
        raise DataError(message, hint="predictions are compared on the same rows, one for each")
    frame, notes = _in_order(path, frame, part)
    several = sum(target.is_middle for head in heads for target in head.targets) > 1
    found = []
    for head in heads:
        _refuse_other_truth(path, frame, head, part)
        if head.is_multilabel:
            found.append(_read_labels(path, frame, head, notes))
        elif head.classes:
            found.append(_read_classes(path, frame, head, notes, several=several))
        else:
            found.append(_read_numbers(path, frame, head, several=several))
    return found, notes


def _read_numbers(path: Path, frame: polars.DataFrame, head: Head, *, several: bool) -> ReadPredictions:
    columns = []
    for target in head.targets:
        if target.is_middle:
            name = f"prediction_{target.name}" if several else "prediction"
            _refuse_missing(path, frame, name)
            columns.append(_numbers(path, frame, name))
        else:
            columns.append(np.full(frame.height, np.nan))
    return ReadPredictions(np.stack(columns, axis=1))


def _read_classes(path: Path, frame: polars.DataFrame, head: Head, notes: list[str], *, several: bool) -> ReadPredictions:
    """Of a target whose rows have one class each."""
    of_target = f"_{head.targets[0].name}" if several else ""
    prediction, names = f"prediction{of_target}", [f"probability{of_target}_{label}" for label in head.classes]
    if all(name in frame.columns for name in names):
        answers = np.stack([_numbers(path, frame, name) for name in names], axis=1)
        if not np.allclose(answers.sum(axis=1), 1, atol=_SUM):
            row = int(np.flatnonzero(~np.isclose(answers.sum(axis=1), 1, atol=_SUM))[0]) + 1
            raise DataError(f"{shown(str(path))}: the probabilities of prediction {row:,} do not add up to 1")
        named = prediction in frame.columns
        labels = _codes(path, frame, head, prediction) if named else answers.argmax(axis=1).astype(np.int64)
        return ReadPredictions(answers, True, labels)
    _refuse_missing(path, frame, prediction)
    codes = _codes(path, frame, head, prediction)
    of = f" of {shown(head.targets[0].name)}" if several else ""
    notes.append(f"{shown(str(path))} holds labels{of} without probabilities: no metric of probabilities is compared.")
    return ReadPredictions(np.eye(len(head.classes))[codes], False, codes)


def _refuse_missing(path: Path, frame: polars.DataFrame, name: str) -> None:
    if name not in frame.columns:
        raise DataError(f"{shown(str(path))} has no column {name}", hint=f"it has {listed(frame.columns)}")


def _read_labels(path: Path, frame: polars.DataFrame, head: Head, notes: list[str]) -> ReadPredictions:
    """Of a target whose rows may have several labels, or none."""
    names = [f"probability_{label}" for label in head.classes]
    said = _marks(path, frame, head) if "labels" in frame.columns else None
    if not all(name in frame.columns for name in names):
        if said is None:
            lacking = listed([name for name in names if name not in frame.columns])
            message = f"{shown(str(path))} has neither a column labels nor all probabilities; {lacking} are not there"
            raise DataError(message, hint=f"it has {listed(frame.columns)}")
        notes.append(f"{shown(str(path))} holds labels without probabilities: no metric of probabilities is compared.")
        return ReadPredictions(said.astype(np.float64), False, said)
    answers = np.stack([_numbers(path, frame, name) for name in names], axis=1)
    outside = np.flatnonzero(((answers < 0) | (answers > 1)).any(axis=1))
    if len(outside):
        raise DataError(f"{shown(str(path))}: a probability of prediction {outside[0] + 1:,} is not between 0 and 1")
    if said is None:
        notes.append(f"{shown(str(path))} has no column labels: those of a probability above {THRESHOLD} are taken to be said.")
        said = said_labels(answers)
    return ReadPredictions(answers, True, said)


def _marks(path: Path, frame: polars.DataFrame, head: Head) -> NDArray[np.bool_]:
    """Which labels the column `labels` says of each row [rows, labels], as `predict` writes them into a cell."""
    places, sign = {label: index for index, label in enumerate(head.classes)}, head.targets[0].separator
    marks = np.zeros((frame.height, len(head.classes)), bool)
    for row, cell in enumerate(frame["labels"].to_list()):
        found = cell if isinstance(cell, list) else [part.strip() for part in str(cell or "").split(sign)]
        for label in found if found != [""] else ():
            known = label if label in places else str(label).removeprefix("'")  # see `files.neutralize`
            if known not in places:
                message = f"{shown(str(path))}: prediction {row + 1:,} has the label {quoted(label)}"
                raise DataError(message, hint=f"the labels of the run are {listed(head.classes)}, {sign!r} between two")
            marks[row, places[known]] = True
    return marks


def _codes(path: Path, frame: polars.DataFrame, head: Head, name: str) -> NDArray[np.int64]:
    """The class that each row is predicted to be of."""
    known = {label: index for index, label in enumerate(head.classes)}
    said = [str(label) for label in frame[name].to_list()]
    said = [label if label in known else label.removeprefix("'") for label in said]  # see `files.neutralize`
    unknown = next((label for label in said if label not in known), None)
    if unknown is not None:
        raise DataError(
            f"{shown(str(path))} predicts {quoted(unknown)}", hint=f"the classes of the run are {listed(head.classes)}"
        )
    return np.array([known[label] for label in said], np.int64)


def _in_order(path: Path, frame: polars.DataFrame, part: Part) -> tuple[polars.DataFrame, list[str]]:
    """The predictions in the order of the rows, by their numbers where the file has them."""
    if "row" in frame.columns and len(part.row_ids):
        numbers = _numbers(path, frame, "row").astype(np.int64) - 1
        order, wanted = np.argsort(numbers, kind="stable"), np.argsort(part.row_ids, kind="stable")
        if not np.array_equal(numbers[order], part.row_ids[wanted]):
            raise DataError(f"{shown(str(path))} holds predictions for other rows than those of the run")
        places = np.empty(len(order), np.int64)
        places[wanted] = order
        return frame[places], []
    named = [name for name in part.identifiers if name in frame.columns]
    for name in named:
        found = ["" if value is None else str(value) for value in frame[name].to_list()]
        if found != list(part.identifiers[name]):
            raise DataError(f"{shown(str(path))} holds predictions for other rows than those of the run: {name} differs")
    return frame, [] if named else [f"{shown(str(path))} does not name its rows: they are taken to be in the order of the data."]


def _refuse_other_truth(path: Path, frame: polars.DataFrame, head: Head, part: Part) -> None:
    for target in head.targets:
        name = f"true_{target.name}"
        if name not in frame.columns:
            continue
        stored = part.targets[target.name]
        if head.is_multilabel:
            same = np.array(joined(stored, target)) == np.array([str(value or "") for value in frame[name].to_list()])
        elif head.classes:
            same = np.array([head.classes[code] for code in stored]) == np.array([str(v) for v in frame[name].to_list()])
        else:
            true = target.to_own(stored)
            same = np.isclose(_numbers(path, frame, name), true, rtol=1e-4, atol=1e-4 * float(np.std(true)) + 1e-12)
        if not same.all():
            count = f"{int((~same).sum()):,} of {len(same):,}"
            raise DataError(f"{shown(str(path))} is of other rows: {count} have another value of {target.name}")


def _numbers(path: Path, frame: polars.DataFrame, name: str) -> NDArray[np.float64]:
    values: Any = frame[name].cast(polars.Float64, strict=False).to_numpy()
    bad = np.flatnonzero(~np.isfinite(values.astype(np.float64)))
    if len(bad):
        raise DataError(f"{shown(str(path))}: {name} of prediction {int(bad[0]) + 1:,} is no finite number")
    return np.asarray(values, np.float64)
