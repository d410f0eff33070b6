"""Folders that stand in each other deeper than any call may go down into itself."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from dltrain.cli.app import run as command
from dltrain.errors import RunError
from dltrain.storage.layout import own_paths
from dltrain.storage.patterns import find_matches, walk
from dltrain.storage.run import Run
from dltrain.storage.run_list import list_runs, remove_run
from tests.storage.test_removal import a_run

LEVELS = 1200


@pytest.fixture(autouse=True)
def _taken_away(tmp_path: Path) -> Iterator[None]:
    """Nobody else can: Python's own way of removing a tree calls itself for each folder."""
    yield
    subprocess.run(["rm", "-rf", *map(str, tmp_path.iterdir())], check=True)


@pytest.fixture
def deep(tmp_path: Path) -> Path:
    """A folder of two, each with folders in each other and a table at their end."""
    for name in ("a", "b"):
        dig(tmp_path / "deep" / name)
    return tmp_path / "deep"


def dig(folder: Path) -> None:
    """Make folders in each other, step by step: the whole path is too long for one call."""
    folder.mkdir(parents=True, exist_ok=True)
    here = os.getcwd()
    try:
        os.chdir(folder)
        for _ in range(LEVELS):
            os.mkdir("d")
            os.chdir("d")
        Path("x.csv").write_text("a,y\n1,2\n")
    finally:
        os.chdir(here)


def test_patterns_and_walks_go_down_without_end(deep: Path) -> None:
    found = find_matches(f"{deep}/**/*.csv")
    assert [name.count("/d/") > 500 for name in found] == [True, True]
    assert sum(1 for _ in walk(str(deep))) == 2 * LEVELS + 3


def test_a_walk_is_that_of_python(tmp_path: Path) -> None:
    for name in ("b/c/x.txt", "b/.h/y.txt", "a/z.txt", "w.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "link").symlink_to("b")
    (tmp_path / "lost").symlink_to("nothing")

    def seen(pairs: Iterator[tuple[str, list[str], list[str]]]) -> list[tuple[str, list[str], list[str]]]:
        found = []
        for place, folders, names in pairs:
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            found.append((place, list(folders), sorted(names)))
        return found

    assert seen(walk(str(tmp_path))) == seen(os.walk(tmp_path))


def test_a_run_with_such_folders_is_refused_and_removed_but_for_them(tmp_path: Path) -> None:
    run = a_run(tmp_path / "runs" / "first")
    for name in ("checkpoints", "state", "strange"):
        dig(run.path / name)
    assert [info.path for info in list_runs(tmp_path / "runs")] == [run.path]
    with pytest.raises(RunError, match="more than 64 levels"):
        run.refuse_foreign_files()
    with pytest.raises(RunError, match="more than 64 levels"):
        Run(run.path).is_only_begun()
    assert list(own_paths(run.path))
    assert {path.name for path in remove_run(run.path)} >= {"checkpoints", "state", "strange"}
    assert (run.path / "state" / "d").is_dir()


@pytest.mark.parametrize(
    "source", ["image_folder", *(pytest.param(name, marks=pytest.mark.slow) for name in ("text_folder", "csv"))]
)
def test_data_in_such_folders_is_an_answer(source: str, deep: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path, target = ("deep/**/*.csv", ", target: y") if source == "csv" else (deep, "")
    config = deep.parent / "c.yaml"
    config.write_text(
        f"data: {{source: {source}, path: '{path}'{target}}}\nmodel: {{layers: [Flatten]}}\ntraining: {{epochs: 1}}\n"
    )
    assert command(["check", str(config), "--data", "--json"]) in (0, 2, 3)
    said = "".join(capfd.readouterr())
    assert ("more than 40 deep" in said) == (source == "image_folder")  # where pictures would be passed over
    assert command(["init", str(deep), "--json"]) in (0, 2, 3)
    assert "Traceback" not in said + "".join(capfd.readouterr())
