"""No test here may find, write or download anything outside its own folder."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def own_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("DLTRAIN_DATA", "SCIKIT_LEARN_DATA", "KERAS_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DLTRAIN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("DLTRAIN_OFFLINE", "1")
    return tmp_path
