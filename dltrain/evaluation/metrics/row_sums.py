"""What each row adds to the sums that metrics are made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dltrain.evaluation.metrics.bootstrap.studentized import logarithm, lost_share
from dltrain.evaluation.metrics.intervals import Share, Sums, add_columns
from dltrain.evaluation.metrics.metrics import class_losses, ratio, scores_of

Floats = NDArray[np.float64]
NO_MEANS: Mapping[str, Floats] = {}
# Where there are more, no class has intervals of its own.
MOST_CLASSES = 100
_BOUNDED = ("precision", "recall", "f1")


def class_sums(
    codes: ArrayLike,
    probabilities: ArrayLike,
    labels: Sequence[str] = (),
    means: Mapping[str, Floats] = NO_MEANS,
    predictions: ArrayLike | None = None,
) -> Sums:
    """Sums for what `classification_metrics` computes, and for `precision[label]`, `recall[label]` and `f1[label]`.

    Args:
        codes: class indices [rows].
        probabilities: [rows, classes].
        labels: of the classes, for metrics of one class; empty: none of those.
        means: further metric -> values [rows] whose mean it is.
        predictions: predicted classes [rows]; None: the first of the most probable ones.
    """
    true, scores = np.asarray(codes, np.int64), np.asarray(probabilities, np.float64)
    num_rows, num_classes = scores.shape
    said = scores.argmax(axis=1) if predictions is None else np.asarray(predictions, np.int64)
    right = said == true
    named = {"accuracy": right.astype(np.float64), "log_loss": class_losses(true, scores), **means}
    auc, whole = auc_columns(true == 1, scores[:, 1]) if num_classes == 2 else ([], None)
    single, first = [np.ones(num_rows), *named.values(), *auc], 1 + len(named) + len(auc)
    own = labels if (is_counted := num_classes <= MOST_CLASSES) else ()

    def add_up(codes: NDArray[np.int64], count: int) -> Floats:
        added = [add_columns(single, codes, count)]
        if is_counted:  # hits, rows and answers of each class
            for classes, chosen in ((true[right], codes[right]), (true, codes), (said, codes)):
                cells = np.bincount(chosen * num_classes + classes, minlength=count * num_classes)
                added.append(cells.reshape(count, num_classes).astype(np.float64))
        return np.concatenate(added, axis=1)

    counts_of = counts_from(first, num_classes)

    def compute(sums: Floats) -> dict[str, Floats]:
        found = {name: ratio(sums[..., 1 + place], sums[..., 0]) for place, name in enumerate(named)}
        if whole is not None:
            found["roc_auc"] = area_of(sums, first - 4, whole)
        if not is_counted:
            return found
        scored = scores_of(*counts_of(sums))
        present = (counts_of(sums)[1] + counts_of(sums)[2]) > 0
        for name, values in scored.items():
            found[name] = values[..., 1] if num_classes == 2 else ratio((values * present).sum(axis=-1), present.sum(axis=-1))
        return found | of_each(scored, own)

    shares = {"accuracy": Share(lambda sums: sums[:, 1], lambda sums: sums[:, 0])}
    if num_classes == 2:
        shares |= shares_of(1, "{}", counts_of)
    shares |= shares_of_each(own, counts_of)
    tailed = {name: logarithm for name in named if name in ("log_loss", "loss")}
    num_sums, areas = first + 3 * num_classes * is_counted, {"roc_auc": rarer_rows(true == 1)}
    return Sums(num_rows, num_sums, add_up, compute, shares, _BOUNDED, tailed, areas)


def number_sums(
    true: ArrayLike,
    predicted: ArrayLike,
    means: Mapping[str, Floats] = NO_MEANS,
    roots: Mapping[str, Floats] = NO_MEANS,
    parts: Mapping[str, Floats] = NO_MEANS,
) -> Sums:
    """Sums for what `regression_metrics` computes.

    Args:
        true, predicted: [rows], or [rows, steps] where several numbers of a row count together.
        means: further metric -> values [rows] whose mean it is.
        roots: further metric -> values [rows] the root of whose mean it is.
        parts: further metric -> values [rows] from 0 to 1 whose mean it is, a share.
    """
    truth, answers = (np.asarray(values, np.float64).reshape(len(np.asarray(values)), -1) for values in (true, predicted))
    centred, errors = truth - truth.mean(), answers - truth
    columns = [np.full(len(truth), float(truth.shape[1]))]
    columns += [values.sum(axis=1) for values in (errors**2, np.abs(errors), centred, centred**2)]
    further = {**means, **roots, **parts}
    columns += [np.ones(len(truth)), *further.values()]

    def compute(sums: Floats) -> dict[str, Floats]:
        count = sums[..., 0]
        mse, mae, mean, square = (ratio(sums[..., place], count) for place in range(1, 5))
        spread = square - mean**2
        with np.errstate(divide="ignore", invalid="ignore"):
            r2 = np.where(spread > 0, 1 - mse / spread, np.nan)
        found = {"rmse": np.sqrt(mse), "mse": mse, "mae": mae, "r2": r2}
        for place, name in enumerate(further):
            values = ratio(sums[..., 6 + place], sums[..., 5])
            found[name] = np.sqrt(np.maximum(values, 0)) if name in roots else values
        return found

    tailed = {**dict.fromkeys(("rmse", "mse", "mae", *means, *roots), logarithm), "r2": lost_share}
    shares = {name: Share(partial(_column, place=6 + list(further).index(name)), partial(_column, place=5)) for name in parts}
    return Sums(len(truth), len(columns), lambda codes, count: add_columns(columns, codes, count), compute, shares, tailed=tailed)


def _column(sums: Floats, place: int) -> Floats:
    return sums[:, place]


def counts_from(first: int, number: int) -> Callable[[Floats], list[Floats]]:
    """What takes hits, rows and answers of each of `number` classes [..., number] out of sums, where they begin at `first`."""
    return lambda sums: [sums[..., first + place * number : first + (place + 1) * number] for place in range(3)]


def of_each(scored: Mapping[str, Floats], labels: Sequence[str]) -> dict[str, Floats]:
    """Scores [..., labels] by the name of each label: `precision[label]`."""
    return {f"{name}[{label}]": values[..., place] for place, label in enumerate(labels) for name, values in scored.items()}


def shares_of_each(labels: Sequence[str], counts_of: Callable[[Floats], list[Floats]]) -> dict[str, Share]:
    """Precision, recall and F1 of each label as shares."""
    each = (shares_of(index, f"{{}}[{label}]", counts_of) for index, label in enumerate(labels))
    return {name: share for shares in each for name, share in shares.items()}


def shares_of(index: int, form: str, counts_of: Callable[[Floats], list[Floats]]) -> dict[str, Share]:
    """Precision, recall and F1 of one class as shares; F1 = 2s / (1 + s) of the share s of hits among rows of either."""

    def pick(place: int) -> Callable[[Floats], Floats]:
        return lambda sums: counts_of(sums)[place][:, index]

    hits, support, predicted = (pick(place) for place in range(3))
    return {
        form.format("precision"): Share(hits, predicted),
        form.format("recall"): Share(hits, support),
        form.format("f1"): Share(
            hits, lambda sums: support(sums) + predicted(sums) - hits(sums), lambda share: 2 * share / (1 + share)
        ),
    }


def rarer_rows(is_positive: NDArray[np.bool_]) -> float:
    """How many rows the rarer of two classes has."""
    return float(min(is_positive.sum(), (~is_positive).sum()))


def area_of(sums: Floats, first: int, whole: float) -> Floats:
    """The area under the ROC curve of rows drawn anew, from the sums of their `auc_columns`.

    Args:
        sums: [..., columns].
        first: of the four columns.
        whole: the area of all rows, as `auc_columns` gives it.
    """
    above, positive, below, negative = (sums[..., first + place] for place in range(4))
    with np.errstate(all="ignore"):
        return np.asarray(above / positive + below / negative - whole)


def auc_columns(is_positive: NDArray[np.bool_], scores: Floats) -> tuple[list[Floats], float | None]:
    """What each row adds to the area under the ROC curve: the share of the other class that it stands right to, ties half.

    The components of DeLong, DeLong and Clarke-Pearson (Biometrics 44, 1988): the area is the mean of either.
    """
    true, false = is_positive.astype(np.float64), (~is_positive).astype(np.float64)
    if not is_positive.any() or is_positive.all() or np.isnan(scores).any():
        return [], None
    order = np.argsort(scores, kind="stable")
    ranked = scores[order]
    starts = np.flatnonzero(np.append(True, ranked[1:] != ranked[:-1]))  # of the rows of one score
    sizes = np.diff(np.append(starts, len(ranked)))

    def share_below(counted: Floats) -> Floats:
        """The share of some rows that stand below each row, ties half."""
        inside = np.add.reduceat(counted[order], starts)
        shares = (np.cumsum(inside) - inside / 2) / counted.sum()
        found = np.empty(len(scores))
        found[order] = np.repeat(shares, sizes)
        return found

    below, above = share_below(false), 1 - share_below(true)
    return [true * below, true, false * above, false], float(below[is_positive].mean())
