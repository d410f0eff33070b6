"""Metrics of rows that may have several labels, or none; definitions and names are scikit-learn's. NumPy only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dltrain.config.catalog.metrics import AVERAGES
from dltrain.evaluation.metrics.metrics import ratio, row_losses, scores_of

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Ranks = tuple[Floats, Floats]  # of each label its average precision, and its area under the ROC curve
THRESHOLD = 0.5  # above it a label is said


def said_labels(probabilities: ArrayLike) -> Flags:
    """The labels that a model predicts: bool [rows, labels]."""
    return np.asarray(np.asarray(probabilities, np.float64) > THRESHOLD)


def label_metrics(
    targets: ArrayLike,
    probabilities: ArrayLike,
    weights: ArrayLike | None = None,
    ranks: Ranks | None = None,
    said: Flags | None = None,
) -> dict[str, float]:
    """What is reported of several labels.

    Args:
        targets: 0 or 1 [rows, labels].
        probabilities: of each label [rows, labels].
        weights: a weight for each row, or None.
        ranks: from `rank_labels` of the same, where it is known.
        said: which labels are said [rows, labels]; None: those above one half.

    Returns:
        `subset_accuracy` (scikit-learn's `accuracy_score`: rows whose labels are all right), `hamming_loss`, `log_loss` (the mean
        of the labels'), `f1_micro`, `f1_macro`, `f1_weighted`, `f1_samples`; of the labels' `average_precision` and `roc_auc`
        the means. A ratio with nothing below the line is 0; a label that all or no rows have is not in the mean of `roc_auc`.
    """
    true, scores = np.asarray(targets) > 0, np.asarray(probabilities, np.float64)
    if not len(true):
        return {}
    precisions, areas = rank_labels(true, scores, weights) if ranks is None else ranks
    known = ~np.isnan(areas)
    return {
        **_metrics_of_said(true, scores, weights, said_labels(scores) if said is None else said),
        "average_precision": float(np.mean(precisions)),
        "roc_auc": float(areas[known].mean()) if known.any() else float("nan"),
    }


def _metrics_of_said(true: Flags, scores: Floats, weights: ArrayLike | None, said: Flags) -> dict[str, float]:
    averages, each = label_averages(true, said, weights), row_metrics(true, scores, said)
    return {
        **{f"f1_{average}": averages[average]["f1"] for average in ("micro", "macro")},
        **{name: _mean(each[name], weights) for name in ("subset_accuracy", "hamming_loss", "log_loss")},
        **{f"f1_{average}": averages[average]["f1"] for average in ("weighted", "samples")},
    }


def row_metrics(true: Flags, scores: Floats, said: Flags) -> dict[str, Floats]:
    """What each row brings to the metrics that are means over rows, of probabilities and the labels that are said."""
    wrong = said != true
    both = 2.0 * (true & said).sum(axis=1)
    return {
        "subset_accuracy": (~wrong.any(axis=1)).astype(np.float64),
        "hamming_loss": wrong.mean(axis=1),
        "log_loss": label_losses(true, scores).mean(axis=1),
        "f1_samples": ratio(both, (true.sum(axis=1) + said.sum(axis=1)).astype(np.float64)),
    }


def label_losses(true: Flags, scores: Floats) -> Floats:
    """Negative log of the probability given to what is true of each label of each row."""
    return row_losses(np.where(true, scores, 1.0 - scores))


def rank_labels(true: Flags, scores: Floats, weights: ArrayLike | None = None) -> Ranks:
    """Average precision and area under the ROC curve of each label [labels]; see `rank_label`."""
    flags, columns = np.ascontiguousarray(true.T), np.ascontiguousarray(scores.T)
    found = [rank_label(flag, column, weights) for flag, column in zip(flags, columns)]
    return np.array([precision for precision, _ in found]), np.array([area for _, area in found])


def rank_label(is_positive: ArrayLike, scores: ArrayLike, weights: ArrayLike | None = None) -> tuple[float, float]:
    """How well scores rank the rows that have a label above those that have not, equal scores together.

    Returns:
        The average precision: the mean of the precisions at each threshold, weighted by the recall that it adds; 0 where no
        row is positive. And the area under the ROC curve, NaN where all rows are of one kind.
    """
    positive, values = np.asarray(is_positive, bool), np.asarray(scores, np.float64)
    weight = np.ones(len(values)) if weights is None else np.asarray(weights, np.float64)
    if np.isnan(values).any():
        return float("nan"), float("nan")
    order = np.argsort(-values)
    last = np.append(np.flatnonzero(np.diff(values[order])), len(values) - 1)  # of the rows of one score
    hits = np.cumsum(np.where(positive, weight, 0.0)[order])[last]
    misses = np.cumsum(np.where(positive, 0.0, weight)[order])[last]
    more, most, others = np.diff(hits, prepend=0.0), float(hits[-1]), float(misses[-1])
    precision = float(more @ ratio(hits, hits + misses) / most) if most > 0 else 0.0
    area = float(np.diff(misses, prepend=0.0) @ (hits - more / 2) / (most * others)) if most > 0 < others else float("nan")
    return precision, area


def precision_of_rows(is_positive: ArrayLike, scores: ArrayLike) -> Floats:
    """What each row brings to the average precision of a label, to the first order: values [rows] of which it is the mean.

    Its derivative by the row's weight (the influence function of Hampel, JASA 69, 1974), times the number of rows: what a row
    adds by its own precision, and what it changes of that of the rows ranked below it.

    Args:
        is_positive: which rows have the label.
        scores: its probability for each row.
    """
    positive, values = np.asarray(is_positive, bool), np.asarray(scores, np.float64)
    if not positive.any() or np.isnan(values).any():
        return np.full(len(values), 0.0 if not np.isnan(values).any() else np.nan)
    order = np.argsort(-values, kind="stable")
    flags = positive[order].astype(np.float64)
    places = np.searchsorted(-values[order], -values[order], side="right")  # rows that score as much, or more
    above, hits = places.astype(np.float64), np.cumsum(flags)[places - 1]
    precisions, most = hits / above, flags.sum()
    average = float(flags @ precisions) / most
    first = np.searchsorted(-values[order], -values[order], side="left")  # the first row of the same score
    of_hits = np.cumsum((flags / above)[::-1])[::-1][first]  # over the rows of this score or a lower one
    of_rows = np.cumsum((flags * hits / above**2)[::-1])[::-1][first]
    change = (flags * (precisions - average) + flags * of_hits - of_rows) / most
    found = np.empty(len(values))
    found[order] = average + change * len(values)
    return found


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


def label_report(
    targets: ArrayLike,
    probabilities: ArrayLike,
    labels: Sequence[str],
    ranks: Ranks | None = None,
    said: Flags | None = None,
) -> dict[str, Any]:
    """Precision, recall, F1, average precision and area under the ROC curve of each label, and the averages, ready for JSON.

    Arguments as those of `label_metrics`.

    Returns:
        {"labels": [label...], "classes": {label: {"precision", "recall", "f1", "average_precision", "roc_auc", "support",
        "predicted"}}, "averages": {"micro", "macro", "weighted", "samples"}}.
    """
    true, scores = np.asarray(targets) > 0, np.asarray(probabilities, np.float64)
    said = said_labels(scores) if said is None else said
    counts = label_counts(true, said)
    each = scores_of(*counts)
    precisions, areas = rank_labels(true, scores) if ranks is None else ranks
    table = {}
    for place, label in enumerate(labels):
        table[label] = {
            **{name: float(values[place]) for name, values in each.items()},
            "average_precision": float(precisions[place]),
            "roc_auc": None if np.isnan(areas[place]) else float(areas[place]),
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
    found = _metrics_of_said(true, said, None, said_labels(said))
    kept = ("subset_accuracy", "hamming_loss", *(f"f1_{average}" for average in AVERAGES))
    ranks = {"average_precision": float(true.mean())}  # of each label its share of the rows, where nothing ranks them
    return {**{name: found[name] for name in kept}, "log_loss": float(label_losses(true, constant).mean()), **ranks}


def usual_set(targets: ArrayLike) -> NDArray[np.int8]:
    """The labels that most rows have together; of equally frequent ones the one with the fewest labels."""
    codes = np.asarray(targets, np.int8)
    _, first, counts = np.unique(np.packbits(codes > 0, axis=1), axis=0, return_index=True, return_counts=True)
    sizes = codes[first].sum(axis=1)
    most = max(range(len(first)), key=lambda place: (counts[place], -int(sizes[place])))
    return np.asarray(codes[first[most]])


def _mean(values: NDArray[Any], weights: ArrayLike | None) -> float:
    return float(np.average(np.asarray(values, np.float64), weights=None if weights is None else np.asarray(weights, np.float64)))
