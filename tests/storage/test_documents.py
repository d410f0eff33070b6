"""Confusion matrices of many classes come back from a run's metrics as they were, and take little room there."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dltrain.errors import RunError
from dltrain.evaluation.metrics.metrics import classification_report
from dltrain.storage.documents import MOST_WHOLE, REPORT, key_of_target, targets_of, with_cells, with_matrices
from dltrain.storage.new_run import create_run


def document(matrix, labels=None):
    labels = labels or [f"class {place}" for place in range(len(matrix))]
    return {"report": classification_report(matrix, labels), "reports": {"test": {"y": {"confusion_matrix": matrix.tolist()}}}}


@pytest.mark.parametrize(
    ("kind", "count"), [(np.int64, 500), *(pytest.param(kind, 1500, marks=pytest.mark.slow) for kind in (np.int64, np.float64))]
)
def test_many_classes_come_back_from_a_small_file(tmp_path, kind, count):
    run = create_run("x", runs=tmp_path)
    rows = np.random.default_rng(0).integers(0, count, (2, 4 * count))
    matrix = np.zeros((count, count), kind)
    np.add.at(matrix, tuple(rows), 1 if kind is np.int64 else 0.25)
    run.write_manifest({"status": "running"})
    run.write_metrics(document(matrix))
    assert run.metrics_file.stat().st_size < 700 * count
    assert run.read_metrics() == document(matrix)


def test_cells_of_very_many_rows_come_back_too(tmp_path):
    """A model that spreads 400,000 rows over 1,000 classes: a cell for nearly each row, of each part."""
    run = create_run("x", runs=tmp_path)
    rows = np.random.default_rng(0).integers(0, 1000, (2, 400_000))
    matrix = np.zeros((1000, 1000), np.int64)
    np.add.at(matrix, tuple(rows), 1)
    run.write_manifest({"status": "running"})
    run.write_metrics(document(matrix))
    assert run.metrics_file.stat().st_size > 6 << 20
    assert run.read_metrics() == document(matrix)


@given(st.integers(MOST_WHOLE - 1, MOST_WHOLE + 2), st.integers(0, 2**32 - 1))
def test_what_is_packed_comes_back(classes, seed):
    matrix = np.random.default_rng(seed).integers(0, 2, (classes, classes))
    whole = document(matrix, ["confusion_matrix", *map(str, range(classes - 1))])
    assert with_matrices(json.loads(json.dumps(with_cells(whole)))) == whole
    assert (with_cells(whole) == whole) == (classes <= MOST_WHOLE)


@pytest.mark.parametrize(
    "found",
    [
        {"classes": 10**9, "cells": ""},
        {"classes": 3, "cells": "5 0 1"},
        {"classes": 3, "cells": "1"},
        {"classes": "3", "cells": ""},
    ],
)
def test_cells_of_a_stranger_are_refused(tmp_path, found):
    run = create_run("x", runs=tmp_path)
    run.write_manifest({"status": "running"})
    run.write_metrics({"report": {"confusion_matrix": found}})
    with pytest.raises(RunError, match="metrics"):
        run.read_metrics()


def test_small_text_takes_no_memory_of_many_matrices(tmp_path, monkeypatch):
    monkeypatch.setattr("dltrain.storage.documents._LEAST_BYTES", 800_000)
    monkeypatch.setattr("dltrain.storage.documents.memory_of_machine", lambda: 0)
    run = create_run("x", runs=tmp_path)
    run.write_manifest({"status": "running"})
    packed, other = ({"confusion_matrix": {"classes": 250, "cells": f"0 1 {count}"}} for count in (2, 3))
    run.write_metrics({"report": packed, "reports": {"train": {"y": packed}}})  # the same one twice takes its place once
    assert np.sum(run.read_metrics()["reports"]["train"]["y"]["confusion_matrix"]) == 2
    run.write_metrics({"reports": {"train": {"y": packed}, "test": {"y": other}}})
    with pytest.raises(RunError, match="there are more than 100,000 cells"):
        run.read_metrics()


def test_where_the_first_wrong_value_is(tmp_path):
    run = create_run("x", runs=tmp_path)
    run.write_manifest({"status": "running"})
    wrong = document(np.eye(2, dtype=int), ["a", "\x1b[2J"])
    wrong["report"]["classes"]["\x1b[2J"]["f1"] = "<script>"
    run.metrics_file.write_text(json.dumps(wrong))
    with pytest.raises(RunError, match=r"metrics.json: report.classes.*\.f1 is not what dltrain writes there, \"<script>\""):
        run.read_metrics()


@pytest.mark.parametrize("name", ["classes", "pairs", "averages", "labels", "confusion_matrix", "y"])
def test_targets_are_told_from_what_else_a_report_has(name):
    one = classification_report(np.eye(2, dtype=int), ["classes", "cells"])
    report = {key_of_target(name): one, "pairs": {name: [[1.0], [2.0]]}, "furthest": {name: []}}
    assert [found for _, found in targets_of(report)] == [one]
    assert REPORT(json.loads(json.dumps(report)))
    assert targets_of({"pairs": {name: [[1.0], [2.0]]}}) == []
