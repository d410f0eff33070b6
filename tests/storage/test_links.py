"""Removing runs with symbolic and hard links in and around them: nothing outside of a run goes."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from dltrain.cli.app import run as command
from dltrain.storage.run import Run
from tests.storage.test_removal import a_run, snapshot


def a_prunable_run(folder: Path) -> Run:
    run = a_run(folder)
    run.metrics_file.write_text("{}")
    return run


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder of the user's whose files have the names of a run's."""
    folder = tmp_path / "outside"
    for name in ("best.h5", "history.csv", "state-000001-000000000.npz", "manifest.json", "0001/best.h5", "thesis.docx"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("precious")
    return folder


def _folder(name: str) -> Callable[[Run, Path], None]:
    def change(run: Run, outside: Path) -> None:
        folder = run.path / name
        if folder.is_dir():
            for file in sorted(folder.rglob("*"), reverse=True):
                file.rmdir() if file.is_dir() else file.unlink()
            folder.rmdir()
        folder.parent.mkdir(exist_ok=True)
        folder.symlink_to(os.path.relpath(outside, folder.parent))

    return change


def _file(name: str, target: str, *, hard: bool = False) -> Callable[[Run, Path], None]:
    def change(run: Run, outside: Path) -> None:
        file = run.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.unlink(missing_ok=True)
        os.link(outside / target, file) if hard else file.symlink_to(outside / target)

    return change


CHANGES = {
    "a folder of checkpoints elsewhere": _folder("checkpoints"),
    "a folder of states elsewhere": _folder("state"),
    "a folder of trials elsewhere": _folder("trials"),
    "a folder of events elsewhere": _folder("tensorboard"),
    "a trial elsewhere": _folder("trials/0001"),
    "a folder below a folder elsewhere": _folder("checkpoints/more"),
    "a history elsewhere": _file("history.csv", "history.csv"),
    "a checkpoint elsewhere": _file("checkpoints/best.h5", "best.h5"),
    "a lock elsewhere": _file(".lock", "thesis.docx"),
    "a temporary file elsewhere": _file(".history.png.5-abcd.tmp", "thesis.docx"),
    "a hard link of a checkpoint": _file("checkpoints/hard.h5", "best.h5", hard=True),
    "a hard link of a history": _file("history.csv", "history.csv", hard=True),
    "a loop of folders": lambda run, outside: (run.checkpoints / "up").symlink_to(".."),
    "a link to itself": lambda run, outside: (run.path / "log.png").symlink_to("log.png"),
    "a loop of trials": _file("trials/0001/trials/up", ".."),
    "a link that leads nowhere": _file("checkpoints/gone.h5", "gone"),
}


@pytest.mark.parametrize("words", [["prune", "--yes"], ["rm", "run"]], ids=lambda words: words[0])
@pytest.mark.parametrize("change", CHANGES.values(), ids=list(CHANGES))
def test_what_a_link_in_a_run_leads_to_stays(
    change: Callable[[Run, Path], None], words: list[str], outside: Path, capsys: pytest.CaptureFixture[str]
):
    runs = outside.parent / "runs"
    run = a_prunable_run(runs / "run")
    change(run, outside)
    before = snapshot(outside)
    assert command(["runs", *words, "--runs", str(runs)]) == 0
    assert snapshot(outside) == before
    assert "removed" in capsys.readouterr().out
    assert not run.manifest_file.exists()
    assert command(["runs", "--runs", str(runs)]) == 0


def test_a_manifest_elsewhere_is_no_run_and_nothing_goes(outside: Path):
    run = a_prunable_run(outside.parent / "runs" / "run")
    run.manifest_file.rename(outside / "manifest.json")
    run.manifest_file.symlink_to(outside / "manifest.json")
    before = snapshot(outside.parent)
    assert command(["runs", "rm", str(run.path)]) == 6
    assert command(["runs", "prune", "--yes", "--runs", str(run.path.parent)]) == 0
    assert snapshot(outside.parent) == before


@pytest.mark.parametrize(("words", "code"), [(["prune", "--yes"], 0), (["rm", "linked"], 6)], ids=["prune", "rm"])
def test_a_run_that_is_a_link_stays_where_it_is(words: list[str], code: int, tmp_path: Path):
    run = a_prunable_run(tmp_path / "archive" / "mine")
    runs = tmp_path / "runs"
    runs.mkdir()
    (runs / "linked").symlink_to(run.path)
    before = snapshot(run.path)
    assert command(["runs", *words, "--runs", str(runs)]) == code
    assert snapshot(run.path) == before
    assert (runs / "linked").is_symlink()


def test_a_folder_of_runs_that_is_a_link_is_that_folder(tmp_path: Path):
    run = a_prunable_run(tmp_path / "disk" / "runs" / "run")
    (tmp_path / "disk" / "runs" / "notes.txt").write_text("precious")
    (tmp_path / "runs").symlink_to(tmp_path / "disk" / "runs")
    assert command(["runs", "prune", "--yes", "--runs", str(tmp_path / "runs")]) == 0
    assert not run.path.exists()
    assert (tmp_path / "runs").is_symlink()
    assert (tmp_path / "disk" / "runs" / "notes.txt").read_text() == "precious"


def test_a_folder_of_runs_that_is_a_link_to_itself_has_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "runs").symlink_to("runs")
    assert command(["runs", "prune", "--yes", "--runs", str(tmp_path / "runs")]) == 0
    assert "nothing was removed" in capsys.readouterr().out
