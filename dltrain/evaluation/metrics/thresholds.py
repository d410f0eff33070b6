"""From which probability on a row is called positive: what each threshold reaches, and which one to take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dltrain.config.types import ThresholdConfig

Floats = NDArray[np.float64]
MOST_POINTS = 100  # of a curve


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What thresholds reach: the rows of at least each of the distinct scores are called positive, the highest first.

    Attributes:
        scores: the thresholds.
        hits: positive rows among those called positive.
        said: rows called positive.
        positive, rows: how many there are.
    """

    scores: Floats
    hits: Floats
    said: Floats
    positive: int
    rows: int

    @classmethod
    def of(cls, is_positive: ArrayLike, scores: ArrayLike) -> Thresholds:
        """Every threshold that tells some of the rows apart.

        Args:
            is_positive: [rows].
            scores: probabilities of being positive [rows].
        """
        positive, values = np.asarray(is_positive, bool), np.asarray(scores, np.float64)
        order = np.argsort(-values, kind="stable")
        ranked = values[order]
        last = np.flatnonzero(np.append(np.diff(ranked) != 0, True))
        hits = np.cumsum(positive[order])[last].astype(np.float64)
        return cls(ranked[last], hits, (last + 1).astype(np.float64), int(positive.sum()), len(values))

    @property
    def precision(self) -> Floats:
        """Share of the rows called positive that are."""
        return self.hits / self.said

    @property
    def recall(self) -> Floats:
        """Share of the positive rows that are called so."""
        return self.hits / self.positive

    @property
    def f1(self) -> Floats:
        """F1: the harmonic mean of precision and recall."""
        return 2 * self.hits / (self.said + self.positive)

    def document(self) -> dict[str, list[float]]:
        """The curves over the threshold, rising, thinned to a hundred points."""
        kept = np.unique(np.linspace(0, len(self.scores) - 1, MOST_POINTS).round().astype(np.int64))[::-1]
        named = {"threshold": self.scores, "precision": self.precision, "recall": self.recall, "f1": self.f1}
        return {name: values[kept].tolist() for name, values in named.items()}


@dataclass(frozen=True, slots=True)
class Chosen:
    """A threshold.

    Attributes:
        value: rows of at least this probability are positive.
        warning: what was asked for and not reached, a sentence; empty: nothing.
    """

    value: float
    warning: str = ""


def choose(found: Thresholds, wanted: ThresholdConfig) -> Chosen | None:
    """The threshold that is wanted; None where the rows are all of one class and tell none.

    It lies between the scores of two rows, where a number of few digits does.

    Args:
        found: of the rows.
        wanted: how it is chosen.
    """
    if not 0 < found.positive < found.rows:
        return None
    warning = ""
    if wanted.cost is not None:
        missed, wrong = found.positive - found.hits, found.said - found.hits
        cost = wanted.cost.false_positive * wrong + wanted.cost.false_negative * missed
        place = int(cost.argmin())
        if wanted.cost.false_negative * found.positive < cost[place] and found.scores[0] < 1:
            return Chosen(between(float(found.scores[0]), 1.0))  # calling nothing positive costs least
    elif wanted.recall is not None:
        place = _best(found.precision, found.recall, found.recall >= wanted.recall)
    elif wanted.precision is not None:
        reached = found.precision >= wanted.precision
        if not reached.any():
            most = float(found.precision.max())
            warning = f"no threshold reaches a precision of {wanted.precision:g} there: the best is {most:.4g}"
            reached = found.precision == most
        place = _best(found.recall, found.precision, reached)
    else:
        place = int(found.f1.argmax())
    below = float(found.scores[place + 1]) if place + 1 < len(found.scores) else 0.0
    return Chosen(between(below, float(found.scores[place])), warning)


def _best(first: Floats, second: Floats, allowed: NDArray[np.bool_]) -> int:
    """The place with the largest of one, then of the other, among those allowed."""
    places = np.flatnonzero(allowed)
    return int(places[np.lexsort((-second[places], -first[places]))[0]])


def between(low: float, high: float) -> float:
    """The number of the fewest decimals above `low` and below `high`; `high` where there is none."""
    for decimals in range(1, 17):
        value = round((low + high) / 2, decimals)
        if low < value < high:
            return value
    return high


def describe_asked(wanted: ThresholdConfig) -> str:
    """By which rule a threshold is chosen, in words."""
    if wanted.number is not None:
        return "as the config says"
    if wanted.cost is not None:
        costs = f"{wanted.cost.false_positive:g} for a false positive, {wanted.cost.false_negative:g} for a false negative"
        return f"for the least cost ({costs})"
    if wanted.recall is not None:
        return f"for the best precision with a recall of {wanted.recall:g}"
    if wanted.precision is not None:
        return f"for the best recall with a precision of {wanted.precision:g}"
    return "for the best F1"


def threshold_document(codes: ArrayLike, probabilities: NDArray[Any], threshold: Any) -> dict[str, Any]:
    """What a report says of a threshold, with what others would reach on the same rows.

    Args:
        codes: class indices [rows].
        probabilities: [rows, 2].
        threshold: the one that holds.
    """
    positive = np.asarray(codes) == 1
    told = {"label": threshold.label, "value": threshold.value, "asked": threshold.asked}
    if not positive.any() or not np.isfinite(probabilities).all():
        return told
    return {**told, "curve": Thresholds.of(positive, probabilities[:, 1]).document()}
