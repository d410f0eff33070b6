"""What a run's manifest.json and metrics.json hold.

Confusion matrices of many classes stand in metrics.json as text, the cells that are not zero: a matrix of 1,500 classes has two
million cells, and a part has no more that count than it has rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from dltrain.errors import RunError
from dltrain.storage.stored import Check, Nested, anything, fields, flag, list_of, map_of, maybe, number, text, whole, word
from dltrain.system import memory_of_machine

STATUSES = ("running", "finished", "interrupted", "diverged", "failed")

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
    "preprocessing": fields({"run": text, "files": map_of(text)}),
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
    "named": fields({"checkpoints": text, "code": list_of(text), "tensorboard": text}),
    "plan": map_of(anything),
    "best": text,
    "engine": text,
    "same_beginning": flag,
    "stack": map_of(whole(0, MOST_EPOCHS)),
    "compiler": fields({"jit_compile": flag, "reason": text}, required=("jit_compile",)),
    "features": fields({"layers": list_of(text), "shape": list_of(whole(0, MOST_EPOCHS)), "weights": maybe(text)}),
}

KEY = "confusion_matrix"
_PACKED = {"classes", "cells"}
_MOST = 1 << 53  # rows or pixels
_MARKS = {KEY, "averages", "classes"}  # what has one of these is a report of classes or labels
_CLASSES = {"precision", "recall", "f1", "support"}
_PIXELS = {"precision", "recall", "iou", "dice", "support"}
_LABELS = {*_CLASSES, "average_precision", "roc_auc", "predicted"}


def _amount(value: Any) -> bool:
    """A number of rows or pixels, or a sum of their weights."""
    return value is not None and number(value) and -_MOST <= value <= _MOST


def _score(value: Any) -> bool:
    """A number that is there."""
    return value is not None and number(value)


def _numbers(value: Any) -> bool:
    return isinstance(value, list) and all(map(number, value))


def _pair(value: Any) -> bool:
    """Two lists of numbers, of which the first is as long as the second."""
    return isinstance(value, list) and len(value) == 2 and all(map(_numbers, value)) and len(value[0]) == len(value[1])


def _matrix_or_cells(value: Any) -> bool:
    """A square of amounts, or what `with_cells` makes of one."""
    if isinstance(value, Mapping):
        return set(value) == _PACKED  # `with_matrices` looks at these
    return isinstance(value, list) and all(
        isinstance(row, list) and len(row) == len(value) and all(map(_amount, row)) for row in value
    )


_ROW = fields(
    {"support": _amount, "predicted": _amount, "roc_auc": maybe(_score), "average_precision": maybe(_score)}, others=_score
)
_THRESHOLD = {"label": text, "value": _score, "asked": text}
_CURVE = fields(
    dict.fromkeys(("threshold", "precision", "recall", "f1"), _numbers), required=("threshold", "precision", "recall", "f1")
)
_BIN = fields({"said": _score, "true": _score, "rows": whole(1, _MOST)}, required=("said", "true", "rows"))
_CALIBRATED = {
    "method": word("temperature", "isotonic"),
    "temperature": _score,
    "temperatures": list_of(fields({"label": text, "temperature": _score}, required=("label", "temperature"))),
    "before": fields({}, required=("ece", "brier", "log_loss"), others=number),
    "after": fields({}, required=("ece", "brier", "log_loss"), others=number),
}
_CURVES = fields({"roc": _pair, "precision_recall": _pair}, required=("roc", "precision_recall"))
_PLACE = {"row": whole(1, _MOST), "file": text}
# What is true and said of a row; `probability` of what is said, or of several labels `error`, the log loss.
_WRONG = fields(
    {**_PLACE, "true": text, "predicted": text, "probability": number, "error": number}, required=("row", "true", "predicted")
)
_PLACE |= {"window": text, "ahead": whole(0, _MOST)}
_FAR = fields({**_PLACE, "true": number, "predicted": number, "error": number}, required=("row", "true", "predicted", "error"))

# Of a target of classes, or of several labels.
_OF_CLASSES: Mapping[str, Any] = {
    "labels": list_of(text),
    "confusion_matrix": _matrix_or_cells,
    "classes": map_of(_ROW),
    "macro": _ROW,
    "weighted": _ROW,
    "averages": map_of(fields({}, required=("precision", "recall", "f1"), others=_score)),
    "counts": word("pixels"),
    "calibration": fields({"ece": number, "brier": number, "bins": list_of(_BIN)}, required=("ece", "brier", "bins")),
    "calibrated": fields(_CALIBRATED, required=("method", "before", "after")),
    "threshold": fields({**_THRESHOLD, "curve": _CURVE}, required=_THRESHOLD),
    "thresholds": list_of(fields(_THRESHOLD, required=_THRESHOLD)),
    "curves": lambda value: value == {} or _CURVES(value),
    "worst": list_of(_WRONG),
    "usual": text,
}
# Of all targets of numbers, and of baselines.
_OF_A_PART: Mapping[str, Any] = {
    "pairs": map_of(_pair),
    "furthest": map_of(list_of(_FAR)),
    "scaled": text,
    "series": list_of(fields({"series": text, "target": text, "windows": whole(0, _MOST)}, others=number)),
    "quantiles": list_of(fields({"target": text}, others=number)),
    "baselines": map_of(map_of(number)),
    "learned": map_of(map_of(number)),
    "baseline": fields({"method": text, "components": whole(0, _MOST), "layer": text, "rows": whole(0, _MOST)}),
}


def key_of_target(name: str) -> str:
    """Where the report of one of several targets of classes stands: at its name, if no other thing of a report stands there."""
    return f"target {name}" if name in _OF_CLASSES or name in _OF_A_PART else name


def targets_of(report: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """The report of each target of classes or labels, with its key where there are several."""
    if not _MARKS.isdisjoint(report):
        return [("", report)]
    own = _OF_CLASSES.keys() | _OF_A_PART.keys()
    return [
        (key, one) for key, one in report.items() if key not in own and isinstance(one, Mapping) and not _MARKS.isdisjoint(one)
    ]


def _parts_of(report: Any) -> Iterator[tuple[object, Any, Check]]:
    """Each thing in the report of a part; that of one of several targets of classes stands there by the target's name."""
    targets = {key for key, _ in targets_of(report)}
    for key, value in report.items():
        yield key, value, _TARGET if key in targets else _OF_CLASSES.get(key) or _OF_A_PART.get(key, anything)


def _is_whole(report: Any) -> bool:
    """Whether labels, classes and matrix are of one number, and each class has the scores that a report of its kind shows."""
    if not isinstance(report, dict):
        return False
    matrix = report.get(KEY)
    sizes: list[Any] = [len(report[key]) for key in ("labels", "classes") if isinstance(report.get(key), list | dict)]
    sizes += [matrix.get("classes") if isinstance(matrix, dict) else len(matrix)] if isinstance(matrix, list | dict) else []
    if any(size != sizes[0] for size in sizes):
        return False
    shown = _LABELS if "averages" in report else _PIXELS if report.get("counts") == "pixels" else _CLASSES
    rows = report.get("classes", {})
    return isinstance(rows, dict) and all(isinstance(row, dict) and row.keys() >= shown for row in rows.values())


_TARGET = Nested(_is_whole, lambda report: ((key, one, _OF_CLASSES.get(key, anything)) for key, one in report.items()))
REPORT: Check = Nested(_is_whole, _parts_of)

_PAIR = list_of(number)
_GATE = fields(
    {"require": text, "value": number, "met": flag, "part": text, "metric": text, "interval": maybe(_PAIR), "old": number},
    required=("require", "value", "met"),
)
_FINDING = ("kind", "sentence", "advice")
_OF_MEMBERS = fields({"values": list_of(number), "mean": number, "min": number, "max": number}, required=("values", "mean"))

_MEMBERS = fields({"count": whole(0, 10_000), "epochs": list_of(whole(0, MOST_EPOCHS)), "metrics": map_of(map_of(_OF_MEMBERS))})
_VERDICT = {"metric": text, "rows": whole(0, _MOST), "is_weighted": flag, "against": text, "prefix": text}
_VERDICT |= dict.fromkeys(("value", "baseline", "score", "answers", "order", "strength"), number)
METRICS: Mapping[str, Check] = {
    "part": text,
    "weights": word("best", "last"),
    "epoch": whole(0, MOST_EPOCHS),
    "metrics": map_of(map_of(number)),
    "baseline": map_of(number),
    "baselines": map_of(map_of(number)),
    "report": REPORT,
    "reports": map_of(REPORT),
    "standard_errors": map_of(map_of(number)),
    "intervals": map_of(map_of(list_of(number))),
    "intervals_of": map_of(fields({"level": number, "by": text, "units": whole(0, _MOST), "resamples": whole(0, MOST_EPOCHS)})),
    "verdicts": map_of(map_of(fields(_VERDICT, required=_VERDICT))),
    "gates": list_of(_GATE),
    "notes": list_of(text),
    "diagnosis": list_of(fields(dict.fromkeys(_FINDING, text), required=_FINDING)),
    "spreads": map_of(map_of(number)),
    "trial": whole(0, MOST_EPOCHS),
    "members": _MEMBERS,
}

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
        if not isinstance(found, Mapping) or set(found) != _PACKED:  # a class may have this very name
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


@contextmanager
def reading_manifest() -> Iterator[None]:
    """Raise RunError where what a manifest says of the training part cannot be read."""
    try:
        yield
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
        raise RunError(f"the manifest does not say what the training part was: {error}", hint="the run is damaged") from error
