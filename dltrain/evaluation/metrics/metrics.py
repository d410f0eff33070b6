"""Metrics of predictions, and of the baselines they must beat. NumPy only; definitions are scikit-learn's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dltrain.data.giveaways import area_under_curve

Floats = NDArray[np.float64]
_NUMBERS = 1 << 20


def confusion_matrix(targets: ArrayLike, predictions: ArrayLike, num_classes: int) -> NDArray[np.int64]:
    """Count rows by true class (axis 0) and predicted class (axis 1).

    Args:
        targets: class indices [rows].
        predictions: class indices [rows].
        num_classes: classes in all, those without rows included.

    Returns:
        [num_classes, num_classes]: counts.
    """
    cells = np.asarray(targets, np.int64) * num_classes + np.asarray(predictions, np.int64)
    return np.bincount(cells, minlength=num_classes * num_classes).reshape(num_classes, num_classes)


def classification_report(matrix: ArrayLike, classes: Sequence[str]) -> dict[str, Any]:
    """Precision, recall, F1 and support of each class, with their macro and weighted means, from a confusion matrix.

    A ratio with nothing below the line is 0, as in scikit-learn. Classes that neither occur nor are predicted stay out of
    the macro mean, as they do in scikit-learn, which never hears of them.

    Returns:
        {"labels": [label...], "confusion_matrix": [[...]...], "classes": {label: {"precision", "recall", "f1", "support"}},
        "macro": {"precision", "recall", "f1", "support"}, "weighted": {...}}: plain values, ready for JSON.
    """
    matrix = np.asarray(matrix)
    hits = np.diagonal(matrix).astype(np.float64)
    support, predicted = matrix.sum(axis=1).astype(np.float64), matrix.sum(axis=0).astype(np.float64)
    rows = {
        "precision": ratio(hits, predicted),
        "recall": ratio(hits, support),
        "f1": ratio(2 * hits, support + predicted),
    }
    total = float(support.sum())
    present = (support + predicted) > 0
    table = {
        label: {**{name: float(values[index]) for name, values in rows.items()}, "support": int(support[index])}
        for index, label in enumerate(classes)
    }
    macro = {name: float(values[present].mean()) if present.any() else 0.0 for name, values in rows.items()}
    weighted = {name: float(values @ support / total) if total > 0 else 0.0 for name, values in rows.items()}
    return {
        "labels": list(classes),
        "confusion_matrix": matrix.tolist(),
        "classes": table,
        "macro": {**macro, "support": int(total)},
        "weighted": {**weighted, "support": int(total)},
    }


def classification_metrics(
    targets: ArrayLike, probabilities: ArrayLike, *, predictions: ArrayLike | None = None
) -> dict[str, float]:
    """Accuracy, log loss, macro precision, recall and F1; for two classes also the area under the ROC curve.

    Args:
        targets: class indices [rows].
        probabilities: [rows, classes].
        predictions: predicted classes [rows]; None: the (first) most probable ones.

    Returns:
        {"accuracy", "log_loss", "precision", "recall", "f1"[, "roc_auc"]}; precision, recall and F1 are those of the second
        class where there are two, as in scikit-learn's `average="binary"`, else the macro mean.
    """
    indices = np.asarray(targets, np.int64)
    scores = np.asarray(probabilities, np.float64)
    num_classes = scores.shape[1]
    if len(indices) == 0:
        return {}
    said = scores.argmax(axis=1) if predictions is None else np.asarray(predictions, np.int64)
    report = classification_report(confusion_matrix(indices, said, num_classes), [str(index) for index in range(num_classes)])
    means = report["classes"]["1"] if num_classes == 2 else report["macro"]
    metrics = {"accuracy": float(np.mean(said == indices)), "log_loss": log_loss(indices, scores)}
    metrics |= {name: means[name] for name in ("precision", "recall", "f1")}
    if num_classes == 2:
        metrics["roc_auc"] = roc_auc(indices == 1, scores[:, 1])
    return metrics


def log_loss(targets: ArrayLike, probabilities: ArrayLike, weights: ArrayLike | None = None) -> float:
    """Mean negative log of the probability given to the true class (natural logarithm).

    Probabilities are kept at least one float64 epsilon away from zero, as in scikit-learn.
    """
    losses = class_losses(np.asarray(targets, np.int64), np.asarray(probabilities, np.float64))
    if weights is None:
        return float(losses.mean())
    weight = np.asarray(weights, np.float64)
    return float(weight @ losses / weight.sum()) if weight.sum() > 0 else float("nan")


def class_losses(codes: NDArray[np.int64], probabilities: NDArray[Any]) -> Floats:
    """Negative log of the probability [rows, classes] given to the class of each row [rows]; see `row_losses`."""
    return row_losses(probabilities[np.arange(len(codes)), codes])


def row_losses(given: ArrayLike) -> Floats:
    """Negative log of the probability given to the true class of each row, which is taken to be one epsilon from 0 and 1."""
    epsilon = np.finfo(np.float64).eps
    return np.asarray(-np.log(np.clip(np.asarray(given, np.float64), epsilon, 1 - epsilon)))


def in_pieces(values: Floats) -> Iterator[Floats]:
    """[rows, columns] some rows after the other: of many classes, what is reckoned of all numbers at once would be gigabytes."""
    size = max(1, _NUMBERS // max(1, values.shape[1]))
    for start in range(0, len(values), size):
        yield values[start : start + size]


def roc_auc(is_positive: ArrayLike, scores: ArrayLike) -> float:
    """Probability that a positive row scores above a negative one, ties counting half (the Mann-Whitney statistic).

    Returns:
        NaN where there are no positive or no negative rows, or a score is not a number.
    """
    positive, values = np.asarray(is_positive, bool), np.asarray(scores, np.float64)
    if not 0 < np.count_nonzero(positive) < len(positive) or np.isnan(values).any():
        return float("nan")
    return area_under_curve(values, positive)


def regression_metrics(targets: ArrayLike, predictions: ArrayLike) -> dict[str, float]:
    """Errors of numbers, in the target's own unit (`mse`: its square; `r2`: none).

    Args:
        targets: true values [rows].
        predictions: predicted values [rows].

    Returns:
        {"rmse", "mse", "mae", "r2"}. R² of a constant target is 1 for perfect predictions and 0 otherwise, as in scikit-learn;
        of fewer than two rows it is NaN.
    """
    true, predicted = np.asarray(targets, np.float64), np.asarray(predictions, np.float64)
    if len(true) == 0:
        return {}
    residual = predicted - true
    mse, spread = float(np.mean(residual**2)), float(np.mean((true - np.mean(true)) ** 2))
    if len(true) < 2:
        r2 = float("nan")
    elif spread > 0:
        r2 = 1 - mse / spread
    else:
        r2 = 1.0 if mse == 0 else 0.0
    return {"rmse": mse**0.5, "mse": mse, "mae": float(np.mean(np.abs(residual))), "r2": r2}


def classification_baseline(train_targets: ArrayLike, targets: ArrayLike, num_classes: int) -> dict[str, float]:
    """What the training part's class frequencies alone reach on `targets`.

    Returns:
        {"accuracy": of always saying the training part's majority class, "log_loss": of always giving its class frequencies}.
    """
    true = np.asarray(targets, np.int64)
    if len(true) == 0:
        return {}
    counts = np.bincount(np.asarray(train_targets, np.int64), minlength=num_classes)
    frequencies = np.broadcast_to(counts / max(counts.sum(), np.finfo(np.float64).tiny), (len(true), num_classes))
    return {"accuracy": float(np.mean(true == counts.argmax())), "log_loss": log_loss(true, frequencies)}


def regression_baseline(train_targets: ArrayLike, targets: ArrayLike) -> dict[str, float]:
    """Metrics of always predicting the training part's mean; the same names as `regression_metrics`."""
    mean = np.mean(np.asarray(train_targets, np.float64))
    return regression_metrics(targets, np.full(len(np.asarray(targets)), mean))


def baseline_sentence(
    part: str, metric: str, metrics: Mapping[str, float], baseline: Mapping[str, float], *, is_worse: bool
) -> str:
    """The sentence about a model that is not better than the baseline; `is_worse`: by more than chance."""
    shown = "no better" if is_worse else "not shown to be better"
    return (
        f"The model is {shown} than the baseline: {metric} on the {part} part is {metrics[metric]:.4g}, the baseline's is "
        f"{baseline[metric]:.4g}" + ("." if is_worse else ", and the difference is within chance.")
    )


def ratio(above: Floats, below: Floats) -> Floats:
    """The ratio of sums; 0 where there is nothing below the line."""
    return np.divide(above, below, out=np.zeros(np.broadcast(above, below).shape), where=np.asarray(below) > 0)


def scores_of(hits: Floats, support: Floats, predicted: Floats) -> dict[str, Floats]:
    """Precision, recall and F1 of counts of any shape; 0 where there is nothing below the line."""
    return {"precision": ratio(hits, predicted), "recall": ratio(hits, support), "f1": ratio(2 * hits, support + predicted)}
