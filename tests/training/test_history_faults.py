"""A history whose file the disk does not take."""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path

import pytest

from dltrain.errors import RunError
from dltrain.training.history import History
from tests.support import history_rows


def test_a_sync_that_fails_ends_the_run_at_its_next_epoch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    history = History(tmp_path / "history.csv")

    def refuse(descriptor: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", refuse)
    history.append({"epoch": 1, "loss": 0.5})
    ends = time.monotonic() + 10
    while history._thread.is_alive() and time.monotonic() < ends:
        time.sleep(0.01)
    with pytest.raises(RunError, match="Input/output error") as raised:
        history.append({"epoch": 2, "loss": 0.4})
    assert raised.value.exit_code == 6
    history.close()
    assert "Traceback" not in capfd.readouterr().err
    assert history_rows(tmp_path / "history.csv") == [{"epoch": 1, "loss": 0.5}]
