"""The rows that a model is most wrong about: labels, and what a series was foretold."""

from __future__ import annotations

import numpy as np

from dltrain.data.dataset import Part, SeriesRows, TargetSpec
from dltrain.evaluation.metrics.worst import worst_forecasts, worst_labels


def part_of(rows: int, **more) -> Part:
    return Part({}, {}, None, np.arange(100, 100 + rows), **more)


def test_rows_with_a_wrong_label_those_of_the_largest_loss_first() -> None:
    target = TargetSpec("tags", "multilabel", classes=("a", "b"), separator="|")
    true = np.array([[1, 1], [0, 0], [1, 0], [0, 1]], bool)
    said = np.array([[1, 0], [0, 1], [1, 0], [0, 1]], bool)
    found = worst_labels(true, said, np.array([0.5, 2.0, 9.0, 0.1]), target, part_of(4))
    assert found == [
        {"row": 102, "true": "", "predicted": "b", "error": 2.0},
        {"row": 101, "true": "a|b", "predicted": "a", "error": 0.5},
    ]


def test_each_time_of_a_series_once_and_of_every_series() -> None:
    """Row 3 of one series is foretold badly from two windows, and the same place of the other series is another time."""
    true, forecast = np.zeros((4, 2)), np.array([[0, 5.0], [6.0, 0], [0, 0], [-3.0, 1.0]])
    series = SeriesRows(np.array([0, 0, 1, 1]), [("x",), ("y",)])
    part = part_of(4, series=series, identifiers={"id": ["x", "x", "y", "y"], "time": ["1", "2", "1", "2"]})
    found = worst_forecasts(true, forecast, 1, part)
    assert [(one["row"], one["window"], one["ahead"], one["error"]) for one in found[:3]] == [
        (102, "x 2", 1, 6.0),
        (104, "y 2", 1, -3.0),
        (104, "y 2", 2, 1.0),
    ]
