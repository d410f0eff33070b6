"""Whether what is called 80 % probable happens in 80 of 100 cases, how that is mended; and the curves of a part's answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dltrain.evaluation.metrics.metrics import in_pieces, log_loss
from dltrain.model.heads.answers import MOST_TEMPERATURE, STEP, Curve, Isotonic, Temperature, log_odds
from dltrain.model.heads.head import Head
from dltrain.model.heads.stored_answers import calibration_document

Floats = NDArray[np.float64]
LEAST_TEMPERATURE = 0.02
BINS = 10
MOST_POINTS = 100  # of a curve
MOST_PAIRS = 400  # of true and predicted numbers


def calibration(codes: ArrayLike, probabilities: ArrayLike) -> dict[str, Any]:
    """How probabilities [rows, classes] stand to what is true.

    Of two classes it is the probability of the second that is looked at, of more that of the class that is answered.

    Returns:
        `ece`, the expected calibration error over ten bins of equal width (Naeini, Cooper and Hauskrecht, AAAI 2015);
        `brier`, the Brier score: the mean squared error of the second class's probability, of more classes the sum over
        them; `bins`, those with rows: the mean probability `said`, the share that was `true`, and the `rows`.
    """
    true, given = np.asarray(codes, np.int64), np.asarray(probabilities, np.float64)
    if given.shape[1] == 2:
        said, came_true = given[:, 1], (true == 1).astype(np.float64)
        brier = float(((said - came_true) ** 2).mean())
    else:
        said, came_true = given.max(axis=1), (given.argmax(axis=1) == true).astype(np.float64)
        squares = [(piece**2).sum(axis=1) for piece in in_pieces(given)]
        brier = float(np.concatenate(squares).mean() - 2 * given[np.arange(len(true)), true].mean() + 1)
    places = np.clip((said * BINS).astype(np.int64), 0, BINS - 1)
    rows, sums, hits = (np.bincount(places, weights, BINS) for weights in (None, said, came_true))
    bins = [
        {"said": float(sums[place] / rows[place]), "true": float(hits[place] / rows[place]), "rows": int(rows[place])}
        for place in np.flatnonzero(rows)
    ]
    return {"ece": float(np.abs(sums - hits).sum() / len(true)), "brier": brier, "bins": bins}


def mended_document(head: Head, codes: NDArray[Any], said: Floats, mended: Floats) -> dict[str, Any]:
    """Scores of a part with and without calibration.

    Args:
        head: which is calibrated.
        codes: class indices [rows].
        said, mended: probabilities [rows, classes] before and after.
    """
    assert head.answers is not None

    def measured(probabilities: Floats) -> dict[str, float]:
        found = calibration(codes, probabilities)
        return {"ece": found["ece"], "brier": found["brier"], "log_loss": log_loss(codes, probabilities)}

    how = calibration_document(head.answers.calibration)
    assert how is not None
    told = {name: value for name, value in how.items() if name != "curves"}
    return {**told, "before": measured(said), "after": measured(mended)}


def mended_labels_document(head: Head, true: NDArray[np.bool_], said: Floats, mended: Floats) -> dict[str, Any]:
    """The same of several labels: each row's word on each label counts once.

    Args:
        head: which is calibrated.
        true: which rows have which [rows, labels].
        said, mended: probabilities [rows, labels] before and after.
    """
    both = [np.stack([1 - values.ravel(), values.ravel()], axis=1) for values in (said, mended)]
    return mended_document(head, true.ravel().astype(np.int64), *both)


def fit_temperature(codes: NDArray[Any], scores: NDArray[Any]) -> Temperature | None:
    """The temperature with the least log loss; None where there is none: the rows are all right, however sure one is.

    Args:
        codes: class indices [rows].
        scores: log-odds [rows, 1], or logarithms of probabilities up to a constant [rows, classes].
    """
    from scipy.optimize import minimize_scalar
    from scipy.special import logsumexp

    true, values = np.asarray(codes, np.int64), np.asarray(scores, np.float64)
    if values.shape[1] == 1:
        values = np.concatenate([np.zeros_like(values), values], axis=1)
    given = values[np.arange(len(true)), true][:, None]

    def loss(logarithm: float) -> float:
        return float(logsumexp((values - given) / np.exp(logarithm), axis=1).mean())

    # Convex in 1 / temperature, so that there is one valley.
    ends = (float(np.log(LEAST_TEMPERATURE)), float(np.log(MOST_TEMPERATURE)))
    found = float(np.exp(minimize_scalar(loss, bounds=ends, method="bounded", options={"xatol": 1e-9}).x))
    return Temperature(found) if found > 1.001 * LEAST_TEMPERATURE else None


def fit_isotonic(codes: NDArray[Any], probabilities: NDArray[Any], classes: Sequence[str]) -> Isotonic:
    """The rising curves with the least squared error, one for each class; of two classes one, of the second.

    Args:
        codes: class indices [rows].
        probabilities: as the model says them [rows, classes].
        classes: their labels.
    """
    places = [1] if len(classes) == 2 else range(len(classes))
    odds = log_odds(np.asarray(probabilities, np.float64))
    return Isotonic(tuple(_curve(classes[place], odds[:, place], codes == place) for place in places))


def fit_isotonic_labels(true: NDArray[np.bool_], probabilities: NDArray[Any], labels: Sequence[str]) -> Isotonic:
    """The same of several labels, a curve for each.

    Args:
        true: which rows have which [rows, labels].
        probabilities: as the model says them [rows, labels].
        labels: their names.
    """
    odds = log_odds(np.asarray(probabilities, np.float64))
    return Isotonic(tuple(_curve(label, odds[:, place], true[:, place]) for place, label in enumerate(labels)))


def _curve(label: str, odds: Floats, hits: NDArray[np.bool_]) -> Curve:
    """One curve. It ends one row off 0 and 1: so many rows do not tell what never happens (Laplace's rule of succession)."""
    from scipy.optimize import isotonic_regression

    steps, places, counts = np.unique(np.round(odds / STEP), return_inverse=True, return_counts=True)
    shares = np.bincount(places, hits, len(steps)) / counts
    least = 1 / (len(odds) + 2)
    fitted = np.clip(isotonic_regression(shares, weights=counts).x, least, 1 - least)
    # Of each level stretch its first and its last point.
    is_end = np.append(True, np.diff(fitted) != 0) | np.append(np.diff(fitted) != 0, True)
    return Curve(label, tuple((steps[is_end] * STEP).tolist()), tuple(fitted[is_end].tolist()))


def score_curves(is_positive: ArrayLike, scores: ArrayLike) -> dict[str, list[list[float]]]:
    """The ROC curve (false and true positive rates) and the curve of recall and precision, thinned to a hundred points each.

    Returns:
        `roc` and `precision_recall`, each as two lists; nothing where a class has no rows.
    """
    positive = np.asarray(is_positive, bool)
    order = np.argsort(-np.asarray(scores, np.float64), kind="stable")
    hits, ranked = positive[order], np.asarray(scores, np.float64)[order]
    if not positive.any() or positive.all() or np.isnan(ranked).any():
        return {}
    last = np.flatnonzero(np.append(np.diff(ranked) != 0, True))
    found, wrong = np.cumsum(hits)[last], np.cumsum(~hits)[last]
    kept = np.unique(np.linspace(0, len(last) - 1, MOST_POINTS).round().astype(np.int64))
    found, wrong = found[kept], wrong[kept]
    recall, false = found / positive.sum(), wrong / (~positive).sum()
    precision = found / (found + wrong)
    return {
        "roc": [[0.0, *false.tolist()], [0.0, *recall.tolist()]],
        "precision_recall": [recall.tolist(), precision.tolist()],
    }


def some_pairs(true: NDArray[np.float64], predicted: NDArray[np.float64]) -> list[list[float]]:
    """True and predicted numbers of some rows, evenly spread over the part: two lists."""
    kept = np.unique(np.linspace(0, len(true) - 1, min(len(true), MOST_PAIRS)).round().astype(np.int64))
    return [np.asarray(true)[kept].tolist(), np.asarray(predicted)[kept].tolist()]
