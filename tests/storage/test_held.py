"""Folders of a run that are put in another's place while it is written: what is outside of the run stays as it is."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from dltrain.cli.app import run as command
from dltrain.errors import RunError
from dltrain.storage.atomic import fill_folder, make_folder, open_to_append, replace_whole, write_atomically
from dltrain.storage.held import held
from dltrain.storage.new_run import refuse_links_to_trial
from dltrain.storage.removal import remove_abandoned, remove_paths
from dltrain.storage.run import Run
from dltrain.sweep.engines.run_fit import run_fit
from tests.storage.test_removal import a_run, snapshot
from tests.training.support import config_of

CONFIG = """
data: {source: iris, split: {validation: 0.2, test: 0.2}}
model: {layers: [{Dense: {units: 4}}]}
training: {epochs: 3, save_interval: 0.001, checkpoint: {filepath: "more/mine-{epoch}.h5"}}
"""
OLD = f".best.h5.{2**30}-00000000.tmp"


def _write(run: Run) -> None:
    write_atomically(run.checkpoints / "best.h5", b"new")


def _append(run: Run) -> None:
    os.close(open_to_append(run.checkpoints / "best.h5"))
    os.close(open_to_append(run.checkpoints / "new.h5"))


CALLS: dict[str, Callable[[Run], None]] = {
    "write": _write,
    "append": _append,
    "make a folder": lambda run: make_folder(run.checkpoints / "new"),
    "remove": lambda run: remove_paths([run.checkpoints / "best.h5", run.checkpoints / "empty"]),
}


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    folder = tmp_path / "outside"
    (folder / "empty").mkdir(parents=True)
    (folder / "checkpoints").mkdir()
    for name in ("best.h5", OLD, "checkpoints/best.h5"):
        (folder / name).write_text("precious")
    return folder


@pytest.mark.parametrize("call", CALLS.values(), ids=list(CALLS))
@pytest.mark.parametrize("what", ["checkpoints", "."])
def test_no_link_in_the_place_of_a_folder_leads_out_of_a_run_that_is_held(
    what: str, call: Callable[[Run], None], outside: Path, tmp_path: Path
) -> None:
    run = a_run(tmp_path / "run")
    before = snapshot(outside)
    with run.locked():
        place = run.path / what
        place.rename(tmp_path / "away")
        place.symlink_to(outside)
        with pytest.raises((RunError, OSError), match=r"is a link or no folder by now|another folder was put in the place"):
            call(run)
        remove_abandoned([run.checkpoints / OLD])  # which says nothing of what it leaves
    assert snapshot(outside) == before


def test_another_folder_in_the_place_of_the_run_is_not_written_into(outside: Path, tmp_path: Path) -> None:
    run = a_run(tmp_path / "run")
    before = snapshot(outside)
    with run.locked():
        run.path.rename(tmp_path / "away")
        outside.rename(run.path)
        with pytest.raises(RunError, match="another folder was put in the place"):
            _write(run)
        assert snapshot(run.path) == before


def test_a_pipe_in_a_run_that_is_held_is_replaced_and_not_written_into(tmp_path: Path) -> None:
    run = a_run(tmp_path / "run")
    run.metrics_file.unlink(missing_ok=True)
    os.mkfifo(run.metrics_file)
    with run.locked():
        run.write_metrics({"part": "test"})
    assert run.read_metrics() == {"part": "test"}


def test_what_came_to_nothing_is_not_discarded_while_another_process_goes_on_with_it(tmp_path: Path) -> None:
    run = a_run(tmp_path / "run")
    with Run(run.path).locked():
        before = snapshot(run.path)
        run.discard()
        assert snapshot(run.path) == before
    run.discard()
    assert not run.path.exists()


def test_a_run_that_is_named_by_a_link_is_written_where_it_is(tmp_path: Path) -> None:
    run = a_run(tmp_path / "disk" / "run")
    (tmp_path / "link").symlink_to(run.path)
    with Run(tmp_path / "link").locked():
        _write(Run(tmp_path / "link"))
        with held(run.path):
            write_atomically(run.checkpoints / "last.h5", b"last")
    assert (run.checkpoints / "best.h5").read_bytes() == b"new"
    assert (run.checkpoints / "last.h5").read_bytes() == b"last"


@pytest.mark.parametrize("name", ["checkpoints", "state", "."])
def test_a_fit_whose_folders_are_changed_for_links_meanwhile_writes_nothing_elsewhere(
    name: str, outside: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "iris.yaml").write_text(CONFIG)
    for wanted in ("checkpoints", "state", "more"):
        (outside / wanted).mkdir(exist_ok=True)
    (outside / "state-000001-000000000.npz").write_text("precious")
    before = snapshot(outside)
    from dltrain.training.saving import state

    saving = state._write_npz

    def swapping(*arguments: object) -> None:
        place = tmp_path / "run" / name
        if not place.is_symlink():
            place.rename(tmp_path / "away")
            place.symlink_to(outside)
        saving(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(state, "_write_npz", swapping)
    assert command(["-q", "fit", str(tmp_path / "iris.yaml"), "--run-dir", str(tmp_path / "run")]) == 6
    assert snapshot(outside) == before
    assert re.search("is a link|another folder was put in the place", capsys.readouterr().err)


@pytest.fixture
def swapped(tmp_path: Path) -> Callable[[Path], None]:
    """Puts another folder in the place of one."""

    def swap(folder: Path) -> None:
        folder.rename(tmp_path / "moved away")
        (tmp_path / "theirs").mkdir()
        (tmp_path / "theirs" / "out.keras").write_text("precious")
        folder.symlink_to(tmp_path / "theirs")

    return swap


def test_what_takes_long_is_put_where_it_was_begun_or_nowhere(tmp_path: Path, swapped: Callable[[Path], None]) -> None:
    def export(folder: Path) -> None:
        with replace_whole(folder / "out.keras") as temporary:
            temporary.write_text("new")
            swapped(folder)

    (tmp_path / "mine").mkdir()
    with pytest.raises(RunError, match="another folder was put in the place"):
        export(tmp_path / "mine")
    assert (tmp_path / "theirs" / "out.keras").read_text() == "precious"
    assert not (tmp_path / "moved away" / "out.keras").exists()


@pytest.mark.parametrize("is_there", [True, False])
def test_many_files_are_put_where_they_were_begun_or_nowhere(
    is_there: bool, tmp_path: Path, swapped: Callable[[Path], None]
) -> None:
    def predict(folder: Path) -> None:
        with fill_folder(folder) as place:
            (place / "a.png").write_text("new")
            swapped(folder if is_there else folder.parent)

    (tmp_path / "mine" / ("out" if is_there else ".")).mkdir(parents=True)
    with pytest.raises(RunError, match="another folder was put in the place"):
        predict(tmp_path / "mine" / "out")
    assert [path.name for path in (tmp_path / "theirs").iterdir()] == ["out.keras"]


def test_files_that_are_put_beside_others_replace_those_of_their_names_alone(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    for name in ("a/one.png", "a/two.png", "b/three.png"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("old")
    with fill_folder(folder) as place:
        for name in ("a/one.png", "a/new.png", "c/d/deep.png", "top.png"):
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            (place / name).write_text("new")
    found = {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}
    new = ("a/one.png", "a/new.png", "c/d/deep.png", "top.png")
    assert found == dict.fromkeys(new, "new") | {"a/two.png": "old", "b/three.png": "old"}


@pytest.mark.parametrize("name", ["trials", "trials/0002", "trials/0002/seed-1"])
def test_no_link_leads_a_trial_out_of_its_sweep(name: str, outside: Path, tmp_path: Path) -> None:
    place = tmp_path / "sweep" / name
    place.parent.mkdir(parents=True)
    place.symlink_to(outside)
    before = snapshot(outside)
    path = tmp_path / "sweep" / "trials" / "0002" / "seed-1"
    with pytest.raises(RunError, match=f"{re.escape(name)} is a link"):
        refuse_links_to_trial(path)
    status, said = run_fit(config_of(CONFIG), path)
    assert status == "failed"
    assert said is not None
    assert "is a link" in said
    assert snapshot(outside) == before


def test_where_a_sweep_itself_is_does_not_matter_to_its_trials(tmp_path: Path) -> None:
    (tmp_path / "elsewhere" / "trials" / "0001").mkdir(parents=True)
    (tmp_path / "sweep").symlink_to(tmp_path / "elsewhere")
    refuse_links_to_trial(tmp_path / "sweep" / "trials" / "0001" / "fold-2")
    refuse_links_to_trial(tmp_path / "sweep" / "run")  # no trial
