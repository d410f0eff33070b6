"""Whether what is called 80 % probable happens in 80 of 100 cases; and the curves that a part's answers draw."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

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
        brier = float((given**2).sum(axis=1).mean() - 2 * given[np.arange(len(true)), true].mean() + 1)
    places = np.clip((said * BINS).astype(np.int64), 0, BINS - 1)
    rows, sums, hits = (np.bincount(places, weights, BINS) for weights in (None, said, came_true))
    bins = [
        {"said": float(sums[place] / rows[place]), "true": float(hits[place] / rows[place]), "rows": int(rows[place])}
        for place in np.flatnonzero(rows)
    ]
    return {"ece": float(np.abs(sums - hits).sum() / len(true)), "brier": brier, "bins": bins}


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
