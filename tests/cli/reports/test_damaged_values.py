"""Values of the wrong kind in what a run has stored: a report says that it is damaged, wherever they are used."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dltrain.cli.reports.contents import run_page
from dltrain.errors import RunError
from dltrain.storage.run import Run
from dltrain.storage.stored import read_json, wrong_values_told

MANIFEST = {"status": "finished", "name": "mixed", "started": "2026-11-22T15:35:45Z", "seconds": {"total": 3.0}}
CLASSES = {"no": {"f1": 0.5, "precision": 0.5, "recall": 0.5, "support": 3}}
REPORT = {"classes": CLASSES, "labels": ["no"], "confusion_matrix": [[3]]}
DAMAGED: list[dict[str, Any]] = [
    {"report": {**REPORT, "classes": -1}},
    {"report": {**REPORT, "classes": {"no": {}}}},
    {"report": {**REPORT, "labels": -1}},
    {"report": {**REPORT, "confusion_matrix": [0.5]}},
    {"report": {**REPORT, "calibration": 0.5}},
    {"report": {**REPORT, "worst": [{}]}},
]


@pytest.mark.parametrize("document", DAMAGED)
def test_a_report_of_wrong_values_is_of_a_damaged_run(document: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text(json.dumps(MANIFEST))
    (tmp_path / "config.yaml").write_text("data: {source: iris}\nmodel: {layers: []}\n")
    metrics = {"metrics": {"test": {"accuracy": 0.5}}, "part": "test", **document}
    (tmp_path / "metrics.json").write_text(json.dumps(metrics))
    with pytest.raises(RunError, match=r"metrics.json: report.* is not what dltrain writes there") as caught:
        run_page(tmp_path)
    assert caught.value.exit_code == 6


def test_a_number_that_no_float_can_hold_is_read_by_nobody(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"a": 1' + "0" * 400 + "}")
    with pytest.raises(RunError, match="401 digits"):
        read_json(tmp_path / "a.json", {}, limit=1000)


def test_other_errors_are_left_as_they_are(tmp_path: Path) -> None:
    with pytest.raises(NotImplementedError), wrong_values_told(tmp_path):
        raise NotImplementedError


def test_of_a_run_whose_digests_are_right_it_is_said_that_it_may_be_a_fault_of_ours(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("data: {source: iris}\nmodel: {layers: []}\n")
    (tmp_path / "metrics.json").write_text(json.dumps({"metrics": {}}))
    (tmp_path / "manifest.json").write_text(json.dumps({**MANIFEST, "files": Run(tmp_path).digests()}))
    with pytest.raises(RunError) as right, wrong_values_told(tmp_path, is_as_written=Run(tmp_path).is_as_written):
        {}["a"]
    (tmp_path / "metrics.json").write_text(json.dumps({"metrics": {"test": {}}}))
    with pytest.raises(RunError) as wrong, wrong_values_told(tmp_path, is_as_written=Run(tmp_path).is_as_written):
        {}["a"]
    assert "its digests are right" in str(right.value)
    assert "its digests are right" not in str(wrong.value)
