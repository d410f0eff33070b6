"""Metrics of rows that may have several labels, or none; definitions and names are scikit-learn's. NumPy only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dltrain.config.catalog.metrics import AVERAGES
from dltrain.evaluation.metrics.metrics import roc_auc, row_losses

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
THRESHOLD = 0.5  # above it a label is said


def said_labels(probabilities: ArrayLike) -> Flags:
    """Which labels a model says: bool [rows, labels]."""
    return np.asarray(np.asarray(probabilities, np.float64) > THRESHOLD)


def label_metrics(targets: ArrayLike, probabilities: ArrayLike, weights: ArrayLike | None = None) -> dict[str, float]:
    """What is reported of several labels.

    Args:
        targets: 0 or 1 [rows, labels].
        probabilities: of each label [rows, labels].
        weights: a weight for each row, or None.

    Returns:
        `subset_accuracy` (scikit-learn's `accuracy_score`: rows whose labels are all right), `hamming_loss`, `log_loss` (the mean
        of the labels'), `f1_micro`, `f1_macro`, `f1_weighted`, `f1_samples`; of the labels' `average_precision` and `roc_auc`
        the means.
        A ratio with nothing below the line is 0; a label that all or no rows have is left out of the mean of `roc_auc`.
    """
    true, scores = np.asarray(targets) > 0, np.asarray(probabilities, np.float64)
    if not len(true):
        return {}
    said = said_labels(scores)
    averages = label_averages(true, said, weights)
    each = row_metrics(true, scores)
    metrics = {f"f1_{average}": averages[average]["f1"] for average in ("micro", "macro")}
    metrics |= {name: _mean(each[name], weights) for name in ("subset_accuracy", "hamming_loss", "log_loss")}
    metrics |= {f"f1_{average}": averages[average]["f1"] for average in ("weighted", "samples")}
    places = range(true.shape[1])
    metrics["average_precision"] = float(np.mean([average_precision(true[:, k], scores[:, k], weights) for k in places]))
    areas = np.array([roc_auc(true[:, k], scores[:, k], weights) for k in places])
    known = ~np.isnan(areas)
    metrics["roc_auc"] = float(areas[known].mean()) if known.any() else float("nan")
    return metrics


def row_metrics(true: Flags, scores: Floats) -> dict[str, Floats]:
    """What each row brings to the metrics that are means over rows."""
    said = said_labels(scores)
    wrong = said != true
    both = 2.0 * (true & said).sum(axis=1)
    return {
        "subset_accuracy": (~wrong.any(axis=1)).astype(np.float64),
        "hamming_loss": wrong.mean(axis=1),
        "log_loss": label_losses(true, scores).mean(axis=1),
        "f1_samples": _ratio(both, (true.sum(axis=1) + said.sum(axis=1)).astype(np.float64)),
    }


def label_losses(true: Flags, scores: Floats) -> Floats:
    """Negative log of the probability given to what is true of each label of each row."""
    return row_losses(np.where(true, scores, 1.0 - scores))


def average_precision(is_positive: ArrayLike, scores: ArrayLike, weights: ArrayLike | None = None) -> float:
    """The mean of the precisions at each threshold, weighted by the recall that it adds; 0 where no row is positive."""
    positive, values = np.asarray(is_positive, bool), np.asarray(scores, np.float64)
    weight = np.ones(len(values)) if weights is None else np.asarray(weights, np.float64)
    if np.isnan(values).any():
        return float("nan")
    total = weight[positive].sum()
    if total <= 0:
        return 0.0
    order = np.argsort(-values, kind="stable")
    last = np.append(np.flatnonzero(np.diff(values[order])), len(values) - 1)  # of the rows of one score
    hits = np.cumsum(np.where(positive, weight, 0.0)[order])[last]
    said = np.cumsum(weight[order])[last]
    return float(np.diff(hits, prepend=0.0) @ _ratio(hits, said) / total)


def label_counts(true: Flags, said: Flags, weights: ArrayLike | None = None) -> tuple[Floats, Floats, Floats]:
    """Of each label the (weight of) rows that have it and were told so, that have it, and that were told so [labels]."""
    weight = np.ones(len(true)) if weights is None else np.asarray(weights, np.float64)
    return weight @ (true & said), weight @ true, weight @ said


def label_averages(true: Flags, said: Flags, weights: ArrayLike | None = None) -> dict[str, dict[str, float]]:
    """Precision, recall and F1 over all labels: `micro`, `macro`, `weighted` and `samples`, as in scikit-learn."""
    hits, support, predicted = label_counts(true, said, weights)
    each = scores_of(hits, support, predicted)
    total = float(support.sum())
    rows = scores_of((true & said).sum(axis=1) * 1.0, true.sum(axis=1) * 1.0, said.sum(axis=1) * 1.0)
    micro = scores_of(*(np.array(float(counts.sum())) for counts in (hits, support, predicted)))
    return {
        "micro": {name: float(value) for name, value in micro.items()},
        "macro": {name: float(values.mean()) for name, values in each.items()},
        "weighted": {name: float(values @ support / total) if total > 0 else 0.0 for name, values in each.items()},
        "samples": {name: _mean(values, weights) for name, values in rows.items()},
    }


def scores_of(hits: Floats, support: Floats, predicted: Floats) -> dict[str, Floats]:
    """Precision, recall and F1 of counts of any shape; 0 where there is nothing below the line."""
    return {"precision": _ratio(hits, predicted), "recall": _ratio(hits, support), "f1": _ratio(2 * hits, support + predicted)}


def label_report(targets: ArrayLike, probabilities: ArrayLike, labels: Sequence[str]) -> dict[str, Any]:
    """Precision, recall, F1, average precision and area under the ROC curve of each label, and the averages, ready for JSON.

    Returns:
        {"labels": [label...], "classes": {label: {"precision", "recall", "f1", "average_precision", "roc_auc", "support",
        "predicted"}}, "averages": {"micro", "macro", "weighted", "samples"}}.
    """
    true, scores = np.asarray(targets) > 0, np.asarray(probabilities, np.float64)
    said = said_labels(scores)
    counts = label_counts(true, said)
    each = scores_of(*counts)
    table = {}
    for place, label in enumerate(labels):
        area = roc_auc(true[:, place], scores[:, place])
        table[label] = {
            **{name: float(values[place]) for name, values in each.items()},
            "average_precision": average_precision(true[:, place], scores[:, place]),
            "roc_auc": None if np.isnan(area) else area,
            "support": int(counts[1][place]),
            "predicted": int(counts[2][place]),
        }
    return {"labels": list(labels), "classes": table, "averages": label_averages(true, said)}


def label_baseline(shares: ArrayLike, usual: ArrayLike, targets: ArrayLike) -> dict[str, float]:
    """What is reached on `targets` [rows, labels] by what the training part says before any input is looked at.

    Args:
        shares: of each label in the training part, given as its probability: `log_loss`.
        usual: 0 or 1 for each label: the set that most rows of the training part have, said of every row: the other metrics.
    """
    true = np.asarray(targets) > 0
    if not len(true):
        return {}
    said = np.broadcast_to(np.asarray(usual, np.float64), true.shape)
    constant = np.broadcast_to(np.asarray(shares, np.float64), true.shape)
    found = label_metrics(true, said)
    kept = ("subset_accuracy", "hamming_loss", *(f"f1_{average}" for average in AVERAGES))
    ranks = {"average_precision": float(true.mean())}  # of each label its share of the rows, where nothing ranks them
    return {**{name: found[name] for name in kept}, "log_loss": float(label_losses(true, constant).mean()), **ranks}


def usual_set(targets: ArrayLike) -> NDArray[np.int8]:
    """The labels that most rows have together; of equally frequent ones the one with the fewest labels."""
    sets, counts = np.unique(np.asarray(targets, np.int8), axis=0, return_counts=True)
    return np.asarray(sets[max(range(len(sets)), key=lambda place: (counts[place], -int(sets[place].sum())))])


def _mean(values: NDArray[Any], weights: ArrayLike | None) -> float:
    return float(np.average(np.asarray(values, np.float64), weights=None if weights is None else np.asarray(weights, np.float64)))


def _ratio(above: Floats, below: Floats) -> Floats:
    return np.divide(above, below, out=np.zeros(np.broadcast(above, below).shape), where=np.asarray(below) > 0)
