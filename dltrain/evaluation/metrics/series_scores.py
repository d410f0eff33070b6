"""How well whole series are told by the mean probability of their windows, beside how well each window is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.config.catalog.metrics import SCORES_OF_WHOLE_SERIES
from dltrain.data.dataset import Part
from dltrain.evaluation.metrics.intervals import Interval, intervals, units_of
from dltrain.evaluation.metrics.metrics import classification_baseline, classification_metrics
from dltrain.evaluation.metrics.row_sums import class_sums
from dltrain.evaluation.predictions.series_answers import WholeSeries
from dltrain.model.heads.answers import decide
from dltrain.model.heads.head import Head

_MOST_WRONG = 20


@dataclass(frozen=True, slots=True)
class SeriesScores:
    """Scores of one target, a series being one row.

    Attributes:
        metrics, baseline: `series_accuracy` and `series_log_loss`.
        intervals: of these.
        document: for the report: how many series, how many are told right, and some of the others.
    """

    metrics: dict[str, float]
    baseline: dict[str, float]
    intervals: dict[str, Interval]
    document: dict[str, Any]


def series_scores(
    head: Head, series: WholeSeries, part: Part, probabilities: NDArray[np.float64], seen: NDArray[Any]
) -> SeriesScores:
    """Score one answer for each series.

    Args:
        head: of the target.
        series: of the part's windows.
        part: with what is true.
        probabilities: of the windows [windows, classes].
        seen: the training part's classes, for the baseline.
    """
    rows, means = series.part(part), series.mean(probabilities)
    true = rows.targets[head.targets[0].name]
    said = decide(head, means)
    sums, units = class_sums(true, means, predictions=said), units_of(len(true))
    wrong = np.flatnonzero(said != true).tolist()
    named = [", ".join(values[row] for values in rows.identifiers.values()) for row in wrong[:_MOST_WRONG]]
    classes = head.classes
    return SeriesScores(
        _of_series(classification_metrics(true, means, predictions=said)),
        _of_series(classification_baseline(seen, true, len(classes))),
        _of_series(intervals(sums, units)) if units is not None else {},
        {
            "series": len(true),
            "right": len(true) - len(wrong),
            "wrong": [
                {"series": name, "true": classes[true[row]], "predicted": classes[said[row]]}
                for name, row in zip(named, wrong, strict=False)
            ],
        },
    )


def _of_series(found: dict[str, Any]) -> dict[str, Any]:
    names = {f"series_{name}": value for name, value in found.items()}
    return {name: value for name, value in names.items() if name in SCORES_OF_WHOLE_SERIES}
