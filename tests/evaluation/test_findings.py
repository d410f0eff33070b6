"""What several evaluations of one run find out is kept of all of them."""

from __future__ import annotations

import json
import os
import threading
import time
from pathlib import Path

import pytest

from dltrain import system
from dltrain.evaluation import findings
from dltrain.evaluation.findings import keep_findings, read_findings
from dltrain.evaluation.slices import Slice
from dltrain.reporting import Reporter
from dltrain.storage.run import Run

IMPORTANCE = {"metric": "log_loss", "whole": 0.3, "rows": 10, "columns": [{"name": "a", "value": 0.1}]}
SLICE = Slice("a", "b", 3, {"loss": 0.5})


class Listening(Reporter):
    def __init__(self) -> None:
        self.said: list[str] = []

    def warning(self, warning) -> None:
        self.said.append(str(warning))


@pytest.fixture
def state(tmp_path: Path) -> Path:
    (tmp_path / "state").mkdir()
    return tmp_path / "state"


@pytest.mark.skipif(not system.HANDS_OVER_FILES, reason="no folder can be locked there")
def test_what_another_evaluation_finds_out_meanwhile_is_not_lost(state: Path) -> None:
    descriptor = os.open(state, os.O_RDONLY)
    system.lock(descriptor)
    other = threading.Thread(target=keep_findings, args=(state.parent, None, [SLICE], Reporter()))
    other.start()
    time.sleep(0.3)
    (state / "findings.json").write_text(json.dumps({"importance": IMPORTANCE}))
    os.close(descriptor)
    other.join()
    assert read_findings(Run(state.parent)).keys() == {"importance", "slices"}


@pytest.mark.skipif(not system.HANDS_OVER_FILES, reason="no folder can be locked there")
def test_who_never_lets_go_is_not_waited_for(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(findings, "_PATIENCE", 0.1)
    descriptor, heard = os.open(state, os.O_RDONLY), Listening()
    system.lock(descriptor)
    keep_findings(state.parent, None, [SLICE], heard)
    os.close(descriptor)
    assert "is locked by another process" in heard.said[0]
    assert not (state / "findings.json").exists()


def test_a_run_without_its_folder_keeps_none_and_says_so(tmp_path: Path) -> None:
    heard = Listening()
    keep_findings(tmp_path, None, [SLICE], heard)
    assert "is not kept" in heard.said[0]
    assert not list(tmp_path.iterdir())
