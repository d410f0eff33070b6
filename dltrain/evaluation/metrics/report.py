"""From a model's outputs to what is reported of a part: metrics, baseline, confusion matrix, and what it means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.data.dataset import Part, Schema, TargetSpec
from dltrain.evaluation.drawing.mistakes import Mistake, worst_mistakes
from dltrain.evaluation.metrics.calibration import calibration, mended_document, score_curves, some_pairs
from dltrain.evaluation.metrics.forecasts.forecast import Forecast, report_forecast
from dltrain.evaluation.metrics.intervals import Interval, Units
from dltrain.evaluation.metrics.label_report import add_labels, describe_labels, prior_of_labels, reference_of_labels
from dltrain.evaluation.metrics.metrics import (
    classification_baseline,
    classification_metrics,
    classification_report,
    confusion_matrix,
    regression_baseline,
    regression_metrics,
)
from dltrain.evaluation.metrics.part_intervals import add_intervals, sums_of_part, units_of_part
from dltrain.evaluation.metrics.series_scores import series_scores
from dltrain.evaluation.metrics.standard_errors import row_values, standard_errors
from dltrain.evaluation.metrics.thresholds import threshold_document
from dltrain.evaluation.metrics.verdicts import Prior, Verdict, judge_classes, judge_numbers, prior_of_classes
from dltrain.evaluation.metrics.worst import worst_answers, worst_numbers
from dltrain.evaluation.predictions.series_answers import whole_series
from dltrain.model.heads.answers import calibrate, decide, is_mended, threshold_of
from dltrain.model.heads.head import Head, layer_name, without_answers
from dltrain.storage.documents import key_of_target, reading_manifest

NO_PRIORS: Mapping[str, Prior] = {}
NO_WEIGHTS: Mapping[str, NDArray[Any]] = {}
MOST_ROWS = 100_000_000  # of a training part whose targets are laid out again


@dataclass(slots=True)
class PartReport:
    """What is reported of one part.

    Attributes:
        metrics: Keras's names (`loss`, `accuracy`, those of the config), then precision, recall, f1, roc_auc, log_loss of
            classes, or rmse, mse, mae, r2 of numbers in their own units. With several targets each name begins with its target's.
        baseline: the same names, as far as always saying the training part's majority class (or mean) has them.
        report: for classes labels, confusion matrix and the table of precision, recall and F1; with several targets by target.
        notes: sentences for the user.
        standard_errors: of those metrics that are means over the rows (accuracy, losses, rmse): how far chance in the choice
            of the rows may have moved them.
        forecasts: of a series, what its picture shows, a column each.
        mistakes: with one target of classes: the most confident wrong predictions.
        verdicts: target -> how the model stands to what knows nothing of the inputs.
        intervals: metric -> between which values it is with a confidence of 95 %; those of one class as `recall[label]`.
        units: how these were found: what was drawn, how often.
        drawn: what is drawn for the intervals; None: too little for any.
        pixels: of masks, the `PixelScore`; else None.
    """

    metrics: dict[str, float]
    baseline: dict[str, float]
    report: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    standard_errors: dict[str, float] = field(default_factory=dict)
    forecasts: list[Forecast] = field(default_factory=list)
    mistakes: tuple[Mistake, ...] = ()
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    intervals: dict[str, Interval] = field(default_factory=dict)
    units: dict[str, Any] = field(default_factory=dict)
    drawn: Units | None = field(default=None, repr=False)
    pixels: Any = field(default=None, repr=False)


def probabilities_of(head: Head, output: NDArray[Any]) -> NDArray[np.float64]:
    """Probability of each class, or of each of several labels, [rows, classes] from a head's raw output, calibrated if it is."""
    values = np.asarray(output, np.float64)
    return np.asarray(calibrate(head, values, _said(head, values)), np.float64)


def _said(head: Head, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The probabilities before calibration."""
    if head.is_multilabel:
        return 0.5 * (1 + np.tanh(0.5 * values)) if head.logits else values
    if values.shape[1] == 1:
        if head.logits:
            values = 0.5 * (1 + np.tanh(0.5 * values))
        elif head.is_signed:
            values = (values + 1) / 2  # an output between -1 and 1
        return np.concatenate([1 - values, values], axis=1)
    if head.logits:
        values = values - values.max(axis=1, keepdims=True)
        np.exp(values, out=values)  # in place: of many classes it is gigabytes
        values /= values.sum(axis=1, keepdims=True)
    return values


def answers_of(heads: Sequence[Head], outputs: Sequence[NDArray[Any]]) -> list[NDArray[np.float64]]:
    """Answers of the outputs: probabilities [rows, classes], or numbers [rows, targets] in the targets' own units, by head."""
    return [
        probabilities_of(head, output)
        if head.classes
        else np.stack([target.to_prediction(output[:, index]) for index, target in enumerate(head.targets)], axis=1)
        for head, output in zip(heads, outputs, strict=True)
    ]


def describe_reference(schema: Schema, train: Part, class_weights: Mapping[str, NDArray[Any]] = NO_WEIGHTS) -> dict[str, Any]:
    """What baseline and verdict need to know of the training part, as plain values.

    Args:
        schema: its targets.
        train: the training part.
        class_weights: of the training, by the name of the head.

    Returns:
        Target -> `counts` of the rows by class, their `shares` under the weights of the training and the `class_weights`; or the
        `mean` of the numbers as it is stored, and `weighted_mean` under the weights of the rows.
    """
    described: dict[str, Any] = {}
    for target in schema.targets:
        values = train.targets[target.name]
        if target.is_multilabel:
            described[target.name] = describe_labels(values, train.weights)
        elif target.is_mask:
            given = class_weights.get(layer_name(target.name))
            counts = np.bincount(np.ravel(values), minlength=len(target.classes))[: len(target.classes)]
            described[target.name] = {"counts": counts.tolist()}
            if given is not None:
                described[target.name]["class_weights"] = np.asarray(given, np.float64).tolist()
        elif target.task == "classification":
            described[target.name] = {"counts": np.bincount(values, minlength=len(target.classes)).tolist()}
            given = class_weights.get(layer_name(target.name))
            if given is not None or train.weights is not None:
                prior = prior_of_classes(values, len(target.classes), train.weights, given)
                assert prior.shares is not None
                described[target.name]["shares"] = prior.shares.tolist()
            if given is not None:
                described[target.name]["class_weights"] = np.asarray(given, np.float64).tolist()
        elif target.task == "regression":
            described[target.name] = {"mean": target.mean_of(values)}
            if train.weights is not None:
                described[target.name]["weighted_mean"] = target.mean_of(values, train.weights)
    return described


def _check_described(described: Mapping[str, Any], targets: Sequence[TargetSpec]) -> None:
    """Hold a description against the targets that are to be reported; one that says nothing of a target is none.

    Raises:
        ValueError: it is of another kind or of other classes.
    """
    for target in targets:
        if target.is_multilabel:
            if target.name in described and len(described[target.name]["label_shares"]) != len(target.classes):
                raise ValueError(f"{target.name} has other values")
            continue
        entry = described.get(target.name, {"counts": target.classes} if target.is_one_of_classes else {"mean": 0.0})
        counts = entry.get("counts")
        if (counts is not None) != target.is_one_of_classes or (counts is not None and len(counts) != len(target.classes)):
            raise ValueError(f"{target.name} has other values")


def restore_priors(described: Mapping[str, Any], targets: Sequence[TargetSpec]) -> dict[str, Prior]:
    """The prior of each target's verdict, from what `describe_reference` stored of the training part.

    Raises:
        RunError: the description is none of those, or not of these targets.
    """
    priors: dict[str, Prior] = {}
    with reading_manifest():
        _check_described(described, targets)
        for name, entry in described.items():
            if "label_shares" in entry:
                priors[name] = prior_of_labels(entry)
            elif "counts" in entry:
                shares = np.array(entry.get("shares", entry["counts"]), np.float64)
                weights = np.array(entry["class_weights"], np.float64) if "class_weights" in entry else None
                if shares.ndim != 1 or not np.isfinite(shares).all() or shares.sum() <= 0 or len(shares) != len(entry["counts"]):
                    raise ValueError(f"shares of {name}")
                if weights is not None and weights.shape != shares.shape:
                    raise ValueError(f"class_weights of {name}")
                priors[name] = Prior(weights, shares / shares.sum())
            else:
                priors[name] = Prior(mean=float(entry.get("weighted_mean", entry["mean"])))
    return priors


def restore_reference(described: Mapping[str, Any], targets: Sequence[TargetSpec]) -> dict[str, NDArray[Any]]:
    """Targets that have what `describe_reference` says of the training part's; for `report_part`.

    Raises:
        RunError: the description is none of those, or not of these targets.
    """
    arrays: dict[str, NDArray[Any]] = {}
    masks = [target.name for target in targets if target.is_mask]
    with reading_manifest():
        _check_described(described, targets)
        missing = [target.name for target in targets if target.name not in described]
        if missing:
            raise ValueError(f"nothing on {missing[0]}")
        for name, entry in described.items():
            if "label_shares" in entry:
                arrays[name] = reference_of_labels(entry)
            elif "counts" in entry:
                counts = np.array(entry["counts"], np.int64)
                if counts.ndim != 1 or (sum(counts.tolist()) > MOST_ROWS and name not in masks):
                    raise ValueError(f"counts of {name}")
                # Of masks the counts are of pixels, which nobody lays out again.
                arrays[name] = counts if name in masks else np.repeat(np.arange(len(counts)), counts)
            else:
                arrays[name] = np.array([float(entry["mean"])])
    return arrays


def reference_of(train: Part, described: Mapping[str, Any]) -> dict[str, Any]:
    """The training part's stored targets for `report_part`: of numbers the mean that later evaluations will know, to the bit.

    Args:
        train: the training part.
        described: from `describe_reference`; empty where it is not known.
    """
    labels = {name: reference_of_labels(entry) for name, entry in described.items() if "label_shares" in entry}
    means = {name: np.array([entry["mean"]]) for name, entry in described.items() if "mean" in entry}
    return {**train.targets, **labels, **means}


def report_part(
    name: str,
    logs: Mapping[str, float],
    heads: Sequence[Head],
    outputs: Sequence[NDArray[Any]],
    part: Part,
    reference: Mapping[str, NDArray[Any]],
    priors: Mapping[str, Prior] = NO_PRIORS,
) -> PartReport:
    """Put together what is reported of a part (`report_reconstruction` where the input is reconstructed).

    Args:
        name: of the part, for sentences.
        logs: loss and metrics as Keras computed them.
        heads: of the model.
        outputs: one array [rows, ...] per head.
        part: the rows, with their targets.
        reference: target name -> the training part's stored targets, for the baseline.
        priors: target name -> what its verdict is held against; one that is missing is made of the reference.
    """
    result, answers = PartReport(dict(logs), {}), answers_of(heads, outputs)
    if part.references:
        report_forecast(result, name, heads, outputs, part, reference)
        sums = sums_of_part(heads, answers, part, {})
        add_intervals(result, sums, units_of_part(part, sums))
        return result
    several = sum(len(head.targets) for head in heads) > 1
    shared = _Shared(result, name, part, reference, priors)
    for head, output, values in zip(heads, outputs, answers, strict=True):
        if head.is_multilabel:
            _several_labels(shared, head, output, values)
        elif head.task == "classification":
            _classification(shared, head, output, values, prefix=f"{head.name}_" if several else "")
        else:
            for index, target in enumerate(head.targets):
                prefix = f"{layer_name(target.name)}_" if several else ""
                _regression(shared, target, output[:, index], prefix=prefix)
    means: dict[str, NDArray[Any]] = {}
    if not several:
        plain = answers_of(without_answers(heads), outputs)[0] if is_mended(heads[0]) else answers[0]
        means = row_values(heads[0], answers[0] if heads[0].classes else answers[0][:, 0], part, plain)
        result.standard_errors = standard_errors(means)
    sums = sums_of_part(heads, answers, part, means)
    add_intervals(result, sums, units_of_part(part, sums))
    return result


@dataclass(frozen=True, slots=True)
class _Shared:
    """What the reports of all targets of a part have in common.

    Attributes:
        result: to be filled in.
        name, part, reference, priors: as for `report_part`.
    """

    result: PartReport
    name: str
    part: Part
    reference: Mapping[str, NDArray[Any]]
    priors: Mapping[str, Prior]


def _several_labels(shared: _Shared, head: Head, output: NDArray[Any], probabilities: NDArray[np.float64]) -> None:
    target, part = head.targets[0], shared.part
    seen = shared.reference[target.name]
    if seen.dtype.kind != "f":  # the training part's own labels
        seen = reference_of_labels(describe_labels(seen, None))
    said = probabilities_of(replace(head, answers=None), output) if is_mended(head) else probabilities
    add_labels(shared.result, shared.name, head, (said, probabilities), part, seen, shared.priors.get(target.name))


def _classification(
    shared: _Shared, head: Head, output: NDArray[Any], probabilities: NDArray[np.float64], *, prefix: str
) -> None:
    target, result, part = head.targets[0], shared.result, shared.part
    indices, seen, classes = part.targets[target.name], shared.reference[target.name], head.classes
    predictions = decide(head, probabilities)
    metrics = classification_metrics(indices, probabilities, predictions=predictions)
    report = classification_report(confusion_matrix(indices, predictions, len(classes)), classes)
    report["calibration"] = calibration(indices, probabilities)
    threshold = threshold_of(head)
    if threshold is not None:
        report["threshold"] = threshold_document(indices, probabilities, threshold)
    if is_mended(head):
        said = probabilities_of(replace(head, answers=None), output)
        report["calibrated"] = mended_document(head, indices, said, probabilities)
    if len(classes) == 2:
        report["curves"] = score_curves(indices == 1, probabilities[:, 1])
    baseline = classification_baseline(seen, indices, len(classes))
    of_series = whole_series(part)
    if of_series is not None:
        found = series_scores(head, of_series, part, probabilities, seen)
        metrics |= found.metrics
        baseline |= found.baseline
        result.intervals |= {prefix + key: value for key, value in found.intervals.items()}
        report["series_answers"] = found.document
    own = {prefix + key: value for key, value in metrics.items()}
    # Keras computes its own at one half, of probabilities as the model says them.
    result.metrics = {**own, **result.metrics} if head.answers is None else {**result.metrics, **own}
    result.baseline |= {prefix + key: value for key, value in baseline.items()}
    mistakes = worst_mistakes(indices, probabilities, classes, predictions)
    report["worst"] = worst_answers(mistakes, part)
    if prefix:
        result.report[key_of_target(target.name)] = report
    else:
        result.report |= report
        result.mistakes = mistakes
    prior, weights = prior_for(head, shared.priors.get(target.name), seen), None if is_mended(head) else part.weights
    _note(result, shared.name, target, judge_classes(indices, probabilities, prior, weights, part.blocks), prefix)


def prior_for(head: Head, stored: Prior | None, seen: NDArray[Any]) -> Prior:
    """What the probabilities of classes are held against: of calibrated ones the training part's rows, that count once each.

    Args:
        head: of the classes.
        stored: under the weights of the training, if it is known.
        seen: the training part's classes.
    """
    if stored is None or is_mended(head):
        return prior_of_classes(seen, len(head.classes), None, None)
    return stored


def _regression(shared: _Shared, target: TargetSpec, column: NDArray[Any], *, prefix: str) -> None:
    result, part = shared.result, shared.part
    true, predicted = target.to_own(part.targets[target.name]), target.to_prediction(column)
    seen = target.to_own(shared.reference[target.name])
    metrics, baseline = regression_metrics(true, predicted), regression_baseline(seen, true)
    result.report.setdefault("pairs", {})[target.name] = some_pairs(true, predicted)
    result.report.setdefault("furthest", {})[target.name] = worst_numbers(true, predicted, part)
    result.metrics |= {prefix + key: value for key, value in metrics.items()}
    result.baseline |= {prefix + key: value for key, value in baseline.items()}
    prior = shared.priors.get(target.name) or Prior(mean=target.mean_of(shared.reference[target.name]))
    assert prior.mean is not None
    mean = float(target.to_own(prior.mean))
    _note(result, shared.name, target, judge_numbers(true, predicted, mean, part.weights, part.blocks), prefix)


def _note(result: PartReport, part: str, target: TargetSpec, verdict: Verdict, prefix: str) -> None:
    result.verdicts[target.name] = verdict = replace(verdict, prefix=prefix)
    sentence = verdict.sentence(f"on the {part} part")
    if sentence is not None and part != "train":
        result.notes.append(sentence)
