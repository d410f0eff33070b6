"""How a run's outputs become answers, as `answers.json` of the run holds it: calibration and thresholds of each target."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from dltrain.errors import RunError, UsageError
from dltrain.model.heads.answers import (
    MOST_OF_CURVES,
    MOST_TEMPERATURE,
    Answers,
    Calibration,
    Curve,
    Isotonic,
    LabelTemperatures,
    Temperature,
    Threshold,
)
from dltrain.model.heads.head import Head
from dltrain.storage.atomic import to_json, write_atomically
from dltrain.storage.stored import Check, fields, list_of, maybe, read_json, text, word

FILE = "answers.json"


def _number(low: float, high: float) -> Check:
    return lambda value: isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high


def _rising(value: Any) -> bool:
    return all(low <= high for low, high in itertools.pairwise(value))


def _numbers(low: float, high: float) -> Check:
    inside = list_of(_number(low, high))
    return lambda value: inside(value) and len(value) > 0 and _rising(value)


_CURVE = fields(
    {"label": text, "log_odds": _numbers(-MOST_OF_CURVES - 1, MOST_OF_CURVES + 1), "probability": _numbers(0.0, 1.0)},
    required=("label", "log_odds", "probability"),
)
_TEMPERATURE = _number(1e-3, MOST_TEMPERATURE)
_OF_A_LABEL = fields({"label": text, "temperature": _TEMPERATURE}, required=("label", "temperature"))
_CALIBRATION = fields(
    {
        "method": word("temperature", "isotonic"),
        "temperature": _TEMPERATURE,
        "temperatures": list_of(_OF_A_LABEL),
        "curves": list_of(_CURVE),
    },
    required=("method",),
)
_THRESHOLD = fields({"label": text, "value": _number(0.0, 1.0), "asked": text}, required=("label", "value"))
_ENTRY = fields(
    {"target": text, "calibration": maybe(_CALIBRATION), "thresholds": list_of(_THRESHOLD)}, required=("target", "thresholds")
)
SCHEMA: Mapping[str, Check] = {"weights": word("best", "last"), "targets": list_of(_ENTRY)}


def write_answers(folder: Path, heads: Sequence[Head], weights: str) -> None:
    """Write `answers.json` into a run; an empty one in place of an older one where nothing is done to the outputs.

    Args:
        folder: the run directory.
        heads: of its model.
        weights: "best" or "last": whose outputs they are.
    """
    entries = [_entry(head, head.answers) for head in heads if head.answers is not None]
    if entries or (folder / FILE).exists():
        write_atomically(folder / FILE, (to_json({"weights": weights, "targets": entries}) + "\n").encode())


def read_answers(folder: Path, heads: Sequence[Head]) -> tuple[tuple[Head, ...], str | None]:
    """The heads with the answers that a run stored, and of which weights these are; None where there are none.

    Raises:
        RunError: the file is damaged, or not of these heads.
    """
    file = folder / FILE
    if not file.exists():
        return tuple(heads), None
    document = read_json(file, SCHEMA)
    entries = {entry["target"]: entry for entry in document.get("targets", ())}
    unknown = sorted(set(entries) - {head.targets[0].name for head in heads})
    if unknown:
        raise RunError(f"{file}: the run predicts no {unknown[0]}", hint="the run is damaged")
    found = tuple(
        replace(head, answers=_answers(file, head, entries[head.targets[0].name])) if head.targets[0].name in entries else head
        for head in heads
    )
    return found, document.get("weights") if entries else None


def with_threshold(heads: Sequence[Head], value: float) -> tuple[Head, ...]:
    """The heads with another threshold for each target of two classes or of several labels.

    Raises:
        UsageError: it is no probability, or there are neither two classes nor several labels.
    """
    if not 0 < value < 1:
        raise UsageError(f"--threshold takes a number between 0 and 1, found {value:g}")
    divided = {
        head.name: head.classes[1:] if head.divides_two else head.classes
        for head in heads
        if head.divides_two or head.is_multilabel
    }
    if not divided:
        what = f"{len(heads[0].classes) or 'no'} classes"
        raise UsageError(f"--threshold divides two classes; {heads[0].targets[0].name} has {what}", hint="leave it out")
    answers = {name: tuple(Threshold(label, value, "--threshold") for label in labels) for name, labels in divided.items()}
    return tuple(
        replace(head, answers=replace(head.answers or Answers(), thresholds=answers[head.name])) if head.name in answers else head
        for head in heads
    )


def _entry(head: Head, answers: Answers) -> dict[str, Any]:
    return {
        "target": head.targets[0].name,
        "calibration": calibration_document(answers.calibration),
        "thresholds": [{"label": one.label, "value": one.value, "asked": one.asked} for one in answers.thresholds],
    }


def calibration_document(calibration: Calibration | None) -> dict[str, Any] | None:
    """The calibration as plain values."""
    if calibration is None:
        return None
    if isinstance(calibration, Temperature):
        return {"method": "temperature", "temperature": calibration.temperature}
    if isinstance(calibration, LabelTemperatures):
        pairs = zip(calibration.labels, calibration.temperatures, strict=True)
        return {"method": "temperature", "temperatures": [{"label": label, "temperature": value} for label, value in pairs]}
    curves = [
        {"label": one.label, "log_odds": list(one.log_odds), "probability": list(one.probability)} for one in calibration.curves
    ]
    return {"method": "isotonic", "curves": curves}


def _answers(file: Path, head: Head, entry: Mapping[str, Any]) -> Answers:
    """Those of one head, from values of the right kinds.

    Raises:
        RunError: they are not of this head's classes, or contradict themselves.
    """

    def refuse(reason: str) -> RunError:
        return RunError(f"{file}: {reason}", hint="the run is damaged")

    name, classes = entry["target"], head.classes
    if head.task != "classification" and not head.is_multilabel:
        raise refuse(f"{name} has no classes")
    thresholds = tuple(Threshold(one["label"], float(one["value"]), one.get("asked", "")) for one in entry["thresholds"])
    divided = list(classes) if head.is_multilabel else [classes[1]] if head.divides_two else []
    if thresholds and [one.label for one in thresholds] != divided:
        raise refuse(f"the thresholds of {name} are not those of its classes")
    stored = entry.get("calibration")
    return Answers(None if stored is None else _calibration(head, stored, refuse), thresholds)


def _calibration(head: Head, stored: Mapping[str, Any], refuse: Callable[[str], RunError]) -> Calibration:
    name, classes = head.targets[0].name, head.classes
    if stored["method"] == "temperature":
        if head.is_multilabel:
            each = stored.get("temperatures", ())
            if [one["label"] for one in each] != list(classes):
                raise refuse(f"the temperatures of {name} are not those of its labels")
            return LabelTemperatures(classes, tuple(float(one["temperature"]) for one in each))
        if "temperature" not in stored:
            raise refuse(f"the temperature of {name} is missing")
        return Temperature(float(stored["temperature"]))
    curves = tuple(
        Curve(one["label"], tuple(map(float, one["log_odds"])), tuple(map(float, one["probability"])))
        for one in stored.get("curves", ())
    )
    expected = [classes[1]] if head.divides_two else list(classes)
    if [one.label for one in curves] != expected:
        raise refuse(f"the curves of {name} are not those of its classes")
    if any(len(one.log_odds) != len(one.probability) or not _apart(one.log_odds) for one in curves):
        raise refuse(f"a curve of {name} is none")
    return Isotonic(curves)


def _apart(values: Sequence[float]) -> bool:
    return all(high - low > 1e-6 and math.isfinite(high) for low, high in itertools.pairwise(values))
