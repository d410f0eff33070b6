"""Calibration and thresholds of a trained model, found on the validation part and stored with the run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.config.types import EvaluationConfig, ThresholdConfig
from dltrain.data.dataset import Part
from dltrain.evaluation.metrics.calibration import fit_isotonic, fit_isotonic_labels, fit_temperature
from dltrain.evaluation.metrics.report import probabilities_of
from dltrain.evaluation.metrics.thresholds import Thresholds, choose, describe_asked
from dltrain.model.heads.answers import (
    HALF,
    Answers,
    Calibration,
    LabelTemperatures,
    Threshold,
    label_odds,
    log_scores,
)
from dltrain.model.heads.head import Head
from dltrain.model.heads.stored_answers import write_answers
from dltrain.reporting import Reporter
from dltrain.wording import listed

HeldOut = tuple[Sequence[NDArray[Any]], Part]


def settle_answers(
    folder: Path, wanted: EvaluationConfig, heads: Sequence[Head], weights: str, held_out: HeldOut | None, reporter: Reporter
) -> tuple[Head, ...]:
    """The heads with the calibration and the thresholds that the config asks for, which are stored with the run.

    Each row counts once, as in the metrics that are reported; weights of rows and classes are those of the training.

    Args:
        folder: the run directory.
        wanted: what is asked for.
        heads: of the model, whose outputs are as they are.
        weights: "best" or "last": whose outputs they are.
        held_out: outputs, one array [rows, ...] per head, and rows of the validation part; None: there is none.
        reporter: is told what could not be found.
    """
    found = tuple(
        _settle(head, wanted, None if held_out is None else (held_out[0][place], held_out[1]), reporter)
        if head.task == "classification" or head.is_multilabel
        else head
        for place, head in enumerate(heads)
    )
    write_answers(folder, found, weights)
    return found


def _settle(head: Head, wanted: EvaluationConfig, held_out: tuple[NDArray[Any], Part] | None, reporter: Reporter) -> Head:
    if wanted.calibrate and held_out is not None:
        find = _calibration_of_labels if head.is_multilabel else _calibration
        calibration = find(head, wanted.calibrate, held_out, reporter)
        head = replace(head, answers=Answers(calibration)) if calibration is not None else head
    if head.is_multilabel:
        return _settle_labels(head, wanted.threshold, held_out, reporter)
    if wanted.threshold is None or not head.divides_two:
        return head
    label, asked = head.classes[1], describe_asked(wanted.threshold)
    value = wanted.threshold.number
    if value is None and held_out is not None:
        output, part = held_out
        is_positive, scores = part.targets[head.targets[0].name] == 1, probabilities_of(head, output)[:, 1]
        chosen = choose(Thresholds.of(is_positive, scores), wanted.threshold) if np.isfinite(scores).all() else None
        if chosen is None:
            reporter.warning(
                f"no threshold of {head.targets[0].name} was chosen: the validation part has rows of one class alone, or the "
                "model's numbers are not finite; the more probable class is the answer"
            )
        elif chosen.warning:
            reporter.warning(f"evaluation.threshold, on the validation part: {chosen.warning}")
        value = chosen.value if chosen is not None else None
    if value is None:
        return head
    return replace(head, answers=replace(head.answers or Answers(), thresholds=(Threshold(label, value, asked),)))


def _settle_labels(
    head: Head, wanted: ThresholdConfig | None, held_out: tuple[NDArray[Any], Part] | None, reporter: Reporter
) -> Head:
    """A threshold for each of several labels."""
    if wanted is None or (wanted.is_chosen and held_out is None):
        return head
    asked, kept = describe_asked(wanted), []
    values = [HALF if wanted.number is None else wanted.number] * len(head.classes)
    if wanted.is_chosen and held_out is not None:
        output, part = held_out
        true, scores = part.targets[head.targets[0].name] > 0, probabilities_of(head, output)
        for place, label in enumerate(head.classes):
            finite = np.isfinite(scores[:, place]).all()
            chosen = choose(Thresholds.of(true[:, place], scores[:, place]), wanted) if finite else None
            if chosen is None:
                kept.append(label)
                continue
            values[place] = chosen.value
            if chosen.warning:
                reporter.warning(f"evaluation.threshold of {label}, on the validation part: {chosen.warning}")
    if kept:
        reporter.warning(
            f"no threshold was chosen for {listed(kept, 8)}: all or none of the rows of the validation part have it, or the "
            f"model's numbers are not finite; it is said from {HALF} on"
        )
    thresholds = tuple(Threshold(label, value, asked) for label, value in zip(head.classes, values, strict=True))
    return replace(head, answers=replace(head.answers or Answers(), thresholds=thresholds))


def _calibration_of_labels(
    head: Head, method: str, held_out: tuple[NDArray[Any], Part], reporter: Reporter
) -> Calibration | None:
    """That of each of several labels by itself: its rows of validation, as two classes."""
    output, part = held_out
    true, probabilities = part.targets[head.targets[0].name] > 0, probabilities_of(head, output)
    if not np.isfinite(probabilities).all():
        reporter.warning(f"the labels of {head.targets[0].name} were not calibrated: some of the model's numbers are not finite")
        return None
    if method == "isotonic":
        alike = [label for label, column in zip(head.classes, true.T, strict=True) if column.all() or not column.any()]
        if alike:
            reporter.warning(
                f"all or none of the rows of the validation part have {listed(alike, 8)}: calibrated, every row has the same "
                "probability of it"
            )
        return fit_isotonic_labels(true, probabilities, head.classes)
    odds = np.asarray(label_odds(head, np.asarray(output, np.float64), probabilities))
    found = [
        fit_temperature(column, odds[:, [place]]) if 0 < column.sum() < len(column) else None
        for place, column in enumerate(true.T)
    ]
    kept = [label for label, one in zip(head.classes, found, strict=True) if one is None]
    if kept:
        reporter.warning(
            f"the probabilities of {listed(kept, 8)} were not calibrated: all or none of the validation part's rows have it, "
            "or the model has all of them right, which tells no temperature"
        )
    return LabelTemperatures(head.classes, tuple(1.0 if one is None else one.temperature for one in found))


def _calibration(head: Head, method: str, held_out: tuple[NDArray[Any], Part], reporter: Reporter) -> Calibration | None:
    output, part = held_out
    codes, probabilities = part.targets[head.targets[0].name], probabilities_of(head, output)
    missing = [label for code, label in enumerate(head.classes) if not (codes == code).any()]
    reason = ""
    if not np.isfinite(probabilities).all():
        reason = "some of the model's numbers are not finite"
    elif len(head.classes) - len(missing) < 2:
        reason = "the validation part has rows of one class alone"
    elif method == "isotonic":
        if missing:
            reporter.warning(
                f"the validation part has no rows of {', '.join(missing)}: calibrated, it gives them next to no probability"
            )
        return fit_isotonic(codes, probabilities, head.classes)
    else:
        found = fit_temperature(codes, log_scores(head, output, probabilities))
        if found is not None:
            return found
        reason = "the model has every row of the validation part right, which tells no temperature"
    reporter.warning(f"the probabilities of {head.targets[0].name} were not calibrated: {reason}")
    return None
