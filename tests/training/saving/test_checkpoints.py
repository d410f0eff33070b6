"""Where the files of models go."""

from __future__ import annotations

from pathlib import Path

import pytest

from dltrain.config.types import CheckpointConfig
from dltrain.errors import RunError
from dltrain.storage.run import Run
from dltrain.training.saving import checkpoints as checkpoints_module
from dltrain.training.saving.checkpoints import Checkpoints, DueFile


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkpoints:
    monkeypatch.setattr(checkpoints_module, "ModelFile", lambda *_: None)
    (tmp_path / "run").mkdir()
    return Checkpoints(Run(tmp_path / "run"), None, CheckpointConfig(), monitor=None)


def test_folders_that_a_template_names_are_made(kept: Checkpoints, tmp_path: Path) -> None:
    file = tmp_path / "run" / "checkpoints" / "a" / "b" / "x.h5"
    kept.write([DueFile(file, b"weights")])
    assert file.read_bytes() == b"weights"


def test_a_run_that_was_removed_under_its_fit_is_not_begun_anew(kept: Checkpoints, tmp_path: Path) -> None:
    (tmp_path / "run").rename(tmp_path / "elsewhere")
    with pytest.raises(RunError, match=r"cannot write .*checkpoints: No such file or directory"):
        kept.write([DueFile(tmp_path / "run" / "checkpoints" / "last.h5", b"weights")])
    assert not (tmp_path / "run").exists()
