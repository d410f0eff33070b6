"""Predictions of other programs are read by their columns, and refused where they are of other rows."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import polars
import pytest

from dltrain.data.dataset import Part, TargetSpec
from dltrain.errors import DataError
from dltrain.evaluation.predictions.read_predictions import read_predictions

CLASSES = SimpleNamespace(is_multilabel=False, classes=("no", "yes"), targets=(TargetSpec("y", "classification", ("no", "yes")),))
NUMBERS = SimpleNamespace(is_multilabel=False, classes=(), targets=(TargetSpec("y", "regression", mean=10.0, scale=2.0),))


def part_of(stored, **more):
    return Part({}, {"y": np.array(stored)}, None, np.array([4, 2, 9]), **more)


def write(path, **columns):
    frame = polars.DataFrame(columns)
    {".csv": frame.write_csv, ".parquet": frame.write_parquet, ".jsonl": frame.write_ndjson}[path.suffix](path)
    return path


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".jsonl"])
def test_probabilities_in_the_order_of_the_classes(tmp_path, suffix):
    path = write(tmp_path / f"p{suffix}", probability_yes=[0.9, 0.2, 0.5], probability_no=[0.1, 0.8, 0.5])
    (found,), notes = read_predictions(path, [CLASSES], part_of([1, 0, 1]))
    assert found.has_probabilities
    assert found.answers.tolist() == [[0.1, 0.9], [0.8, 0.2], [0.5, 0.5]]
    assert "taken to be in the order of the data" in notes[0]


def test_fractions_that_only_late_lines_of_json_have(tmp_path):
    rows = 300
    lines = [f'{{"prediction": {row if row < 250 else row + 0.5}}}' for row in range(rows)]
    (tmp_path / "p.jsonl").write_text("\n".join(lines))
    part = Part({}, {"y": np.zeros(rows, np.float32)}, None, np.arange(rows))
    (found,), _ = read_predictions(tmp_path / "p.jsonl", [NUMBERS], part)
    assert found.answers[248:252, 0].tolist() == [248, 249, 250.5, 251.5]


def test_rows_are_put_in_order_by_their_numbers(tmp_path):
    path = write(tmp_path / "p.csv", row=[3, 5, 10], prediction=[12.0, 14.0, 16.0], true_y=[10.0, 12.0, 14.0])
    (found,), notes = read_predictions(path, [NUMBERS], part_of(np.array([1.0, 0.0, 2.0], np.float32)))
    assert found.answers[:, 0].tolist() == [14.0, 12.0, 16.0]
    assert not notes


def test_labels_alone_are_certain_and_said_to_be(tmp_path):
    path = write(tmp_path / "p.csv", id=["a", "b", "c"], prediction=["yes", "no", "no"])
    (found,), notes = read_predictions(path, [CLASSES], part_of([1, 0, 1], identifiers={"id": ["a", "b", "c"]}))
    assert found.answers.tolist() == [[0, 1], [1, 0], [1, 0]]
    assert "without probabilities" in notes[0]


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"prediction": ["yes"]}, "1 predictions for 3 rows"),
        ({"row": [1, 2, 3], "prediction": ["yes"] * 3}, "other rows"),
        ({"prediction": ["maybe"] * 3}, "predicts 'maybe'"),
        ({"answer": ["yes"] * 3}, "no column prediction"),
        ({"probability_yes": [0.9] * 3, "probability_no": [0.9] * 3}, "do not add up to 1"),
        ({"probability_yes": [None, 0.1, 0.2], "probability_no": [0.1, 0.9, 0.8]}, "no finite number"),
        ({"prediction": ["yes"] * 3, "true_y": ["yes", "yes", "yes"]}, "1 of 3 have another value of y"),
        ({"prediction": ["yes"] * 3, "id": ["a", "b", "x"]}, "id differs"),
    ],
)
def test_what_is_not_of_these_rows_is_refused(tmp_path, columns, said):
    path = write(tmp_path / "p.parquet", **columns)
    with pytest.raises(DataError, match=said):
        read_predictions(path, [CLASSES], part_of([1, 0, 1], identifiers={"id": ["a", "b", "c"]}))


def test_what_is_no_table_is_refused(tmp_path):
    (tmp_path / "p.parquet").write_text("no table")
    with pytest.raises(DataError, match="not a readable parquet file"):
        read_predictions(tmp_path / "p.parquet", [CLASSES], part_of([1, 0, 1]))
