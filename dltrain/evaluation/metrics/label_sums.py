"""What each row adds to the sums that the metrics of several labels are made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dltrain.config.catalog.metrics import AVERAGES
from dltrain.evaluation.metrics.bootstrap.studentized import logarithm
from dltrain.evaluation.metrics.intervals import PRECISION, Share, Sums
from dltrain.evaluation.metrics.label_metrics import Flags, precision_of_rows, row_metrics, said_labels
from dltrain.evaluation.metrics.metrics import ratio, scores_of
from dltrain.evaluation.metrics.row_sums import (
    MOST_CLASSES,
    area_of,
    auc_columns,
    counts_from,
    of_each,
    rarer_rows,
    shares_of_each,
)

Floats = NDArray[np.float64]
NO_MEANS: Mapping[str, Floats] = {}
_BOUNDED = tuple(f"f1_{average}" for average in AVERAGES)
MOST_AREAS = 20  # labels, above which the areas under their curves have no intervals


def label_sums(
    targets: ArrayLike,
    probabilities: ArrayLike,
    labels: Sequence[str],
    means: Mapping[str, Floats] = NO_MEANS,
    said: Flags | None = None,
) -> Sums:
    """Sums for what `label_metrics` computes, and for precision, recall, F1, average precision and area of each label.

    Args:
        targets: 0 or 1 [rows, labels].
        probabilities: of each label [rows, labels].
        labels: their names.
        means: further metric -> values [rows] whose mean it is.
        said: which labels are said [rows, labels]; None: those above one half.
    """
    true, scores = np.asarray(targets) > 0, np.asarray(probabilities, np.float64)
    (num_rows, num_labels), said = true.shape, said_labels(scores) if said is None else said
    named, is_counted = {**row_metrics(true, scores, said), **means}, true.shape[1] <= MOST_CLASSES
    named |= _precisions(true, scores, labels)
    areas = [auc_columns(true[:, k], scores[:, k]) for k in range(num_labels)] if num_labels <= MOST_AREAS else []
    counted = (true & said, true, said) if is_counted else ()
    first = 1 + len(named)
    after = first + 3 * num_labels * is_counted

    def columns() -> Iterator[Floats]:
        yield np.ones(num_rows)
        yield from named.values()
        for flags in counted:
            yield from flags.T.astype(np.float64)
        for parts, whole in areas:
            yield from parts if whole is not None else ()

    def add_up(codes: NDArray[np.int64], count: int) -> Floats:
        return np.stack([np.bincount(codes, column, count) for column in columns()], axis=1)

    counts_of = counts_from(first, num_labels)

    def compute(sums: Floats) -> dict[str, Floats]:
        found = {name: ratio(sums[..., 1 + place], sums[..., 0]) for place, name in enumerate(named)}
        if is_counted:
            found |= _averaged(counts_of(sums), labels)
        place, of_labels = after, list[Floats]()
        for (_, whole), label in zip(areas, labels):
            if whole is None:
                continue
            of_labels.append(area_of(sums, place, whole))
            found[f"roc_auc[{label}]"] = of_labels[-1]
            place += 4
        if of_labels:
            found["roc_auc"] = np.mean(of_labels, axis=0)
        return found

    shares = {"subset_accuracy": Share(lambda sums: sums[:, 1], lambda sums: sums[:, 0])}
    shares |= shares_of_each(labels if is_counted else (), counts_of)
    num_sums = after + 4 * sum(whole is not None for _, whole in areas)
    tailed = {name: logarithm for name in named if name in ("log_loss", "loss")}
    return Sums(num_rows, num_sums, add_up, compute, shares, _BOUNDED, tailed, _rarer(true, labels[: len(areas)]))


def _rarer(true: Flags, labels: Sequence[str]) -> dict[str, float]:
    """How many rows of the rarer class the area and the average precision of each label have, and those of all labels."""
    each = [rarer_rows(true[:, place]) for place in range(len(labels))]
    return {
        name: rows
        for metric in ("roc_auc", PRECISION)
        for name, rows in ((metric, min(len(true) / 2, sum(each))), *zip((f"{metric}[{label}]" for label in labels), each))
    }


def _precisions(true: Flags, scores: Floats, labels: Sequence[str]) -> dict[str, Floats]:
    """What each row brings to the average precision of each of a few labels [rows], and to their mean."""
    if not 0 < len(labels) <= MOST_AREAS:
        return {}
    each = {f"{PRECISION}[{label}]": precision_of_rows(true[:, k], scores[:, k]) for k, label in enumerate(labels)}
    return {PRECISION: np.mean(list(each.values()), axis=0), **each}


def _averaged(counts: Sequence[Floats], labels: Sequence[str]) -> dict[str, Floats]:
    """F1 over all labels, and precision, recall and F1 of each, of counts [..., labels]."""
    each = scores_of(*counts)
    support = counts[1]
    found = {
        "f1_micro": scores_of(*(part.sum(axis=-1) for part in counts))["f1"],
        "f1_macro": each["f1"].mean(axis=-1),
        "f1_weighted": ratio((each["f1"] * support).sum(axis=-1), support.sum(axis=-1)),
    }
    return found | of_each(each, labels)
