"""Values of a wrong kind in metrics.json, of a run that is finished: `fit --resume` says that the run is damaged."""

from __future__ import annotations

import copy
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from dltrain.cli.app import run
from dltrain.errors import RunError
from dltrain.evaluation.findings import read_findings
from dltrain.storage.run import Run

CONFIG = """
data: {source: iris, split: {test: 0.3}}
model: {layers: [{Dense: {units: 4}}]}
training: {epochs: 1}
"""
DAMAGED: list[tuple[tuple[str | int, ...], Any]] = [
    (("baseline", "accuracy"), "x"),
    (("baselines", "test", "accuracy"), {}),
    (("report", "confusion_matrix"), 5),
    (("report", "classes"), []),
    (("report", "classes", "setosa"), None),
    (("report", "classes", "setosa", "f1"), "x"),
    (("report", "classes", "setosa", "support"), 1e300),
    (("report", "labels"), ["setosa"]),
    (("report", "labels", 0), ["<script>"]),
    (("report", "confusion_matrix", 0, 1), True),
    (("report", "macro"), 0.5),
    (("report", "calibration", "bins", 0, "rows"), 0),
    (("report", "worst"), [{"row": 0, "true": "a", "predicted": "b", "probability": 0.5}]),
    (("report", "worst"), [{"row": 1, "true": "a", "predicted": {}, "probability": 0.5}]),
    (("report", "curves"), {"roc": [[0], [0, 1]], "precision_recall": [[0], [1]]}),
    (("report", "thresholds"), [{}]),
    (("report", "threshold"), {"label": "a", "value": "0.5", "asked": ""}),
    (("report", "pairs"), {"y": [[1.0], "x"]}),
    (("report", "furthest"), {"y": [{"row": "1"}]}),
    (("report", "series"), [{"series": 3}]),
    (("report", "quantiles"), [{"target": "y", "below": "x"}]),
    (("report", "learned"), {"linear": {"accuracy": "high"}}),
    (("report", "scaled"), ["<b>"]),
    (("reports", "test", "classes", "setosa"), {"f1": 0.5}),
    (("gates",), [{"require": "accuracy>=0.5"}]),
    (("diagnosis",), [{"kind": "dead_units"}]),
    (("members",), {"metrics": {"test": {"loss": {"mean": 1.0}}}}),
]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("finished")
    (folder / "iris.yaml").write_text(CONFIG)
    assert run(["-q", "fit", str(folder / "iris.yaml"), "--run-dir", str(folder / "run")]) == 0
    manifest = json.loads((folder / "run" / "manifest.json").read_text())
    del manifest["files"]  # the digests, which find it first
    (folder / "run" / "manifest.json").write_text(json.dumps(manifest))
    return folder / "run"


@pytest.mark.parametrize(("keys", "value"), DAMAGED, ids=lambda keys: ".".join(map(str, keys)) if isinstance(keys, tuple) else "")
def test_a_finished_run_with_a_value_of_a_wrong_kind_is_damaged(
    finished: Path, keys: tuple[str | int, ...], value: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(finished, tmp_path / "run")
    document = copy.deepcopy(json.loads((finished / "metrics.json").read_text()))
    inner: Any = document
    for key in keys[:-1]:
        inner = inner[key]
    inner[keys[-1]] = value
    (tmp_path / "run" / "metrics.json").write_text(json.dumps(document))
    assert run(["-q", "fit", "--resume", str(tmp_path / "run")]) == 6
    said = capsys.readouterr()
    assert f"metrics.json: {keys[0]}" in said.err
    assert "the run is damaged" in said.err
    assert not said.out


def test_one_that_is_whole_has_nothing_left_to_do(finished: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["-q", "fit", "--resume", str(finished)]) == 0
    assert "accuracy" in capsys.readouterr().out


@pytest.mark.parametrize("value", ["no", 0, None, [], {"a": 1}])
def test_a_slice_is_worse_or_it_is_not(value: Any, tmp_path: Path) -> None:
    found = {"column": "a", "name": "b", "rows": 3, "metrics": {}, "intervals": {}, "is_worse": value}
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "findings.json").write_text(json.dumps({"slices": [found]}))
    with pytest.raises(RunError, match="is_worse"):
        read_findings(Run(tmp_path))
    (tmp_path / "state" / "findings.json").write_text(json.dumps({"slices": [found | {"is_worse": True}]}))
    assert read_findings(Run(tmp_path))["slices"][0]["is_worse"] is True
