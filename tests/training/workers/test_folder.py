"""The folder of a process that trains along: a killed one's is removed by the next, and nothing else is."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from dltrain.training.workers.folder import own_folder, remove_left
from tests.support import REPOSITORY

# Makes its folder, says where, and waits to be killed.
HOLDS = """
import sys
sys.path.insert(0, {repository!r})
from dltrain.training.workers.folder import own_folder
with own_folder() as folder:
    (folder / "run" / "state").mkdir(parents=True)
    (folder / "run" / "manifest.json").write_text("half")
    print(folder, flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))


def test_it_is_there_within_and_gone_after(tmp_path: Path) -> None:
    with own_folder() as folder:
        assert list(tmp_path.iterdir()) == [folder]
        assert folder.stat().st_mode & 0o777 == 0o700
        (folder / "run").mkdir()
        remove_left()
        assert (folder / "run").is_dir(), "it is held"
    assert list(tmp_path.iterdir()) == []


def test_that_of_a_killed_process_goes_when_the_next_begins(tmp_path: Path) -> None:
    words = [sys.executable, "-c", HOLDS.format(repository=str(REPOSITORY))]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        left = Path(process.stdout.readline().strip())
        with own_folder():
            assert (left / "run" / "manifest.json").exists(), "its process is alive"
        process.kill()
    assert left.is_dir()
    with own_folder() as folder:
        assert list(tmp_path.iterdir()) == [folder]


def test_what_is_not_ours_stays(tmp_path: Path) -> None:
    (tmp_path / "dltrain-along-12345678").mkdir()
    (tmp_path / "dltrain-along-12345678" / "letter.txt").write_text("mine")
    (tmp_path / "dltrain-along-of-mine").mkdir()
    (tmp_path / "elsewhere" / "run").mkdir(parents=True)
    (tmp_path / "dltrain-along-abcdefgh").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "dltrain-along-00000000").write_text("a file")
    before = sorted(tmp_path.rglob("*"))
    remove_left()
    assert sorted(tmp_path.rglob("*")) == before
