"""Nothing is removed that dltrain did not make."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any

import pytest

from dltrain.errors import RunError
from dltrain.model.own_code.blame import fault_of
from dltrain.storage.layout import own_paths
from dltrain.storage.new_run import begin_again, create_run
from dltrain.storage.removal import remove_run_files
from dltrain.storage.run import Run
from dltrain.storage.run_list import list_runs, prunable_runs, remove_run
from dltrain.training.saving.resuming import open_run

NAMED = {"checkpoints": "lfw_{epoch:02d}_{val_accuracy:.3f}.h5", "code": ["mine.py"], "tensorboard": "./events/of/it"}
MANIFEST = {"status": "interrupted", "environment": {"dltrain": "0.1.0"}, "named": NAMED}


def snapshot(folder: Path) -> dict[str, bytes | None]:
    return {str(path.relative_to(folder)): None if path.is_dir() else path.read_bytes() for path in sorted(folder.rglob("*"))}


def a_run(folder: Path, manifest=MANIFEST) -> Run:
    run = create_run("x", runs=folder.parent, run_dir=folder)
    for name in ("config.yaml", "history.csv", "metrics.json", "history.png", "log.txt", "preprocessing.npz", ".lock"):
        (folder / name).write_text("x")
    (run.checkpoints / "best.h5").write_text("x")
    (run.checkpoints / "lfw_03_0.912.h5").write_text("x")
    (run.state / "state-000008-000000000.npz").write_text("x")
    (folder / ".history.png.123-0123abcd.tmp").write_text("x")
    (folder / "tensorboard" / "train").mkdir(parents=True)
    (folder / "tensorboard" / "train" / "events.out.tfevents.1.host").write_text("x")
    (folder / "events" / "of" / "it").mkdir(parents=True)
    (folder / "events" / "of" / "it" / "events.out.tfevents.1.host").write_text("x")
    run.keep_code({"mine.py": b"x"})
    run.write_manifest(manifest)
    return run


def test_a_run_goes_whole(tmp_path):
    run = a_run(tmp_path / "run")
    assert set(own_paths(run.path)) == set(run.path.rglob("*"))
    assert remove_run(run.path) == []
    assert not run.path.exists()


def test_a_sweep_goes_with_its_trials(tmp_path):
    sweep = a_run(tmp_path / "sweep", {**MANIFEST, "kind": "sweep"})
    for name in ("0001", "0002/fold-1", "0002/fold-2"):
        (sweep.path / "trials" / name).parent.mkdir(parents=True, exist_ok=True)
        a_run(sweep.path / "trials" / name)
    assert remove_run(sweep.path) == []
    assert not sweep.path.exists()


def test_attack_4_what_is_not_dltrain_s_is_kept_and_named(tmp_path):
    run = a_run(tmp_path / "run")
    mine = ["notes.txt", "checkpoints/thesis.docx", "trials/readme.md", "pictures/a.png", "state/data.csv"]
    for name in mine:
        (run.path / name).parent.mkdir(exist_ok=True)
        (run.path / name).write_text("precious")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "best.h5").write_text("precious")
    (run.path / "trials" / "0001").symlink_to(tmp_path / "outside")
    left = remove_run(run.path)
    assert {path.name for path in left} == {"notes.txt", "checkpoints", "trials", "pictures", "state"}
    assert sorted(str(path.relative_to(run.path)) for path in run.path.rglob("*") if path.is_file()) == sorted(mine)
    assert (tmp_path / "outside" / "best.h5").read_text() == "precious"


@pytest.mark.parametrize(
    "name",
    [
        "checkpoints/thesis.h5", "checkpoints/best-of-all.h5", "checkpoints/old/best.h5", "checkpoints/lfw_best_0.912.h5",
        "checkpoints/best.json", "state/table.npz", "state/state-final.npz", "state/notes.json", "code/other.py", "code/old/mine.py",
        "tensorboard/mine.json", ".notes.tmp", ".draft.12.tmp", "checkpoints/.thesis.h5.tmp2", "trials/mine/config.yaml",
        "trials/0001/best/metrics.json", "members/mine/manifest.json",
    ],
)  # fmt: skip
def test_attack_4_a_file_of_the_user_s_that_is_named_much_like_a_run_s_is_kept(name, tmp_path):
    run = a_run(tmp_path / "run")
    (run.path / name).parent.mkdir(parents=True, exist_ok=True)
    (run.path / name).write_text("precious")
    assert remove_run(run.path) == [run.path / Path(name).parts[0]]
    assert [path for path in run.path.rglob("*") if path.is_file()] == [run.path / name]


@pytest.mark.parametrize(
    ("template", "names", "others"),
    [
        ("{epoch}.h5", ["1.h5", "120.h5"], ["a.h5", "1a.h5", "1.2.h5", ".h5"]),
        ("x/{epoch:3d} {loss:.1e}.keras", ["x/  7 1.0e-05.keras", "x/ 12 nan.keras"], ["x/7.keras", "  7 1.0e-05.keras"]),
        ("{{{loss:+8.2%}}}.h5", ["{ -1.00%}.h5"], ["-1.00%.h5"]),
        ("{", [], ["{", "1"]),
        ("{a}" * 200 + ".h5", [], ["1" * 200]),
    ],
)  # fmt: skip
def test_the_names_that_come_of_a_template_are_known(template, names, others, tmp_path):
    run = a_run(tmp_path / "run", {**MANIFEST, "named": {"checkpoints": template}})
    for name in (*names, *others):
        (run.checkpoints / name).parent.mkdir(exist_ok=True)
        (run.checkpoints / name).write_text("x")
    kept = {str(path.relative_to(run.checkpoints)) for path in run.checkpoints.rglob("*.*")} - set(names) - {"best.h5"}
    remove_run_files(run.path)
    assert {str(path.relative_to(run.checkpoints)) for path in run.checkpoints.rglob("*.*")} == kept


@pytest.mark.parametrize(
    "manifest",
    ['{"status": "finished"}', '{"name": "my web app", "version": 3}', "[]", "{", '{"status": "failed", "environment": "node"}'],
)
def test_attack_4_a_folder_with_somebody_else_s_manifest_is_no_run(manifest, tmp_path):
    folder = tmp_path / "app"
    folder.mkdir()
    (folder / "manifest.json").write_text(manifest)
    (folder / "log.txt").write_text("precious")
    before = snapshot(tmp_path)
    with pytest.raises(RunError, match="no run of dltrain's"):
        remove_run(folder)
    assert prunable_runs(list_runs(tmp_path)) == []
    assert snapshot(tmp_path) == before


def test_a_link_to_a_run_is_not_followed(tmp_path):
    run = a_run(tmp_path / "run")
    (tmp_path / "link").symlink_to(run.path)
    with pytest.raises(RunError, match="is a link"):
        remove_run(tmp_path / "link")
    assert run.manifest_file.exists()


def test_no_process_begins_with_a_run_that_is_being_removed(tmp_path, monkeypatch):
    run = a_run(tmp_path / "run")
    refused = []

    def meanwhile(folder: Path) -> list[Path]:
        with pytest.raises(RunError, match="in use") as caught, run.locked():
            pass
        refused.append(caught.value)
        return remove_run_files(folder)

    monkeypatch.setattr("dltrain.storage.run_list.remove_run_files", meanwhile)
    assert remove_run(run.path) == []
    assert len(refused) == 1
    assert not run.path.exists()


def test_a_run_that_a_process_holds_is_kept(tmp_path):
    run = a_run(tmp_path / "run")
    with run.locked(), pytest.raises(RunError, match="in use"):
        remove_run(run.path)
    assert run.manifest_file.exists()


class Config:
    name = "x"


@pytest.mark.parametrize(
    "name", ["checkpoints/precious.h5", "state/precious.npz", "config.yaml", "log.txt", "notes.txt", "src/a.py"]
)
def test_attack_3_resume_auto_removes_nothing_that_is_no_run(name, tmp_path):
    mine = tmp_path / "mine"
    (mine / name).parent.mkdir(parents=True)
    (mine / name).write_text("precious")
    before = snapshot(tmp_path)
    with pytest.raises(RunError, match="there is something here that is no run"):
        open_run(Config(), runs=tmp_path, run_dir=mine, resume="auto")  # type: ignore[arg-type]
    assert snapshot(tmp_path) == before


def test_attack_3_a_run_whose_manifest_was_lost_is_kept(tmp_path):
    run = a_run(tmp_path / "run")
    (run.path / ".lock").write_text("process 1 on host")
    run.manifest_file.unlink()
    before = snapshot(tmp_path)
    with pytest.raises(RunError, match="there is something here that is no run"):
        open_run(Config(), runs=tmp_path, run_dir=run.path, resume="auto")  # type: ignore[arg-type]
    assert snapshot(tmp_path) == before
    run.checkpoints.joinpath("best.h5").unlink()
    run.checkpoints.joinpath("lfw_03_0.912.h5").unlink()
    run.history_file.write_text("epoch,loss\n1,0.5\n2,0.4\n")
    assert not run.is_only_begun()


@pytest.mark.parametrize("has_manifest", [False, True])
def test_a_directory_that_a_process_writes_is_said_to_be_in_use(has_manifest, tmp_path):
    run = create_run("x", runs=tmp_path, run_dir=tmp_path / "run")
    with run.locked():
        if has_manifest:
            run.manifest_file.write_text("{}")
        with pytest.raises(RunError, match=f"in use by process {os.getpid()} "):
            create_run("x", runs=tmp_path, run_dir=run.path)


@pytest.mark.parametrize("resume", ["auto", "path"])
def test_a_sweep_is_no_run_to_go_on_with(resume, tmp_path):
    sweep = a_run(tmp_path / "sweep", {**MANIFEST, "kind": "sweep"})
    before = snapshot(tmp_path)
    with pytest.raises(RunError, match="is a sweep"):
        open_run(Config(), runs=tmp_path, run_dir=sweep.path, resume="auto" if resume == "auto" else sweep.path)  # type: ignore[arg-type]
    assert snapshot(tmp_path) == before


def test_a_run_that_was_killed_before_it_began_is_begun_again_in_place(tmp_path):
    run = create_run("x", runs=tmp_path, run_dir=tmp_path / "run")
    with run.locked():
        run.log_file.write_text("begun")
    assert run.is_only_begun()
    resumed, again, created = open_run(Config(), runs=tmp_path, run_dir=run.path, resume="auto")  # type: ignore[arg-type]
    assert (resumed, again.path, created) == (False, run.path, True)
    assert run.log_file.read_text() == "begun"


def test_a_run_that_was_killed_before_its_lock_says_whose_it_is_is_begun_again_in_place(tmp_path):
    run = create_run("x", runs=tmp_path, run_dir=tmp_path / "run")
    (run.path / ".lock").write_text("")
    assert run.is_only_begun()
    run.log_file.write_text("whose?")
    assert not run.is_only_begun()


def test_attack_5_what_came_to_nothing_goes_but_not_the_user_s_folder(tmp_path):
    (tmp_path / "given").mkdir()
    given = create_run("x", runs=tmp_path, run_dir=tmp_path / "given")
    made = create_run("x", runs=tmp_path, run_dir=tmp_path / "made")
    begun = begin_again(create_run("x", runs=tmp_path, run_dir=tmp_path / "begun"))
    for run in (given, made, begun):
        (run.path / "log.txt").write_text("x")
        run.discard()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["begun", "given"]
    assert list((tmp_path / "given").iterdir()) == []


def test_attack_7_temporary_files_are_new_files(tmp_path, monkeypatch):
    from dltrain.storage.atomic import write_atomically

    victim = tmp_path / "victim"
    victim.write_text("precious")
    monkeypatch.setattr("dltrain.storage.atomic.temporary_name", lambda path: f".{path.name}.guessed.tmp")
    (tmp_path / ".file.guessed.tmp").symlink_to(victim)
    with pytest.raises(RunError):
        write_atomically(tmp_path / "file", b"evil")
    assert victim.read_text() == "precious"


def test_manifest_of_a_run_says_that_it_is_dltrain_s(tmp_path):
    from dltrain.training.environment import describe_environment

    assert "dltrain" in describe_environment(1)
    assert json.loads(a_run(tmp_path / "run").manifest_file.read_text())["environment"]


def test_a_manifest_that_the_system_does_not_let_be_read_removes_nothing(tmp_path, monkeypatch):
    """What it names would stay as a stranger's, and nothing would say any more that it is a run's."""
    run = a_run(tmp_path / "run")
    before = snapshot(run.path)

    def refuse(path: Path, mode: str) -> Any:
        if path.name == "manifest.json":
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return path.open(mode)

    monkeypatch.setattr("dltrain.storage.stored.open", refuse, raising=False)
    with pytest.raises(OSError, match="Input/output error"):
        remove_run_files(run.path)
    monkeypatch.undo()
    assert snapshot(run.path) == before
    assert remove_run(run.path) == []


def test_a_link_put_in_the_place_of_a_folder_meanwhile_leads_to_no_removal(tmp_path, monkeypatch):
    """Another run's best weights have the same name, and so may a stranger's file."""
    run, other = a_run(tmp_path / "run"), tmp_path / "other"
    other.mkdir()
    (other / "best.h5").write_text("mine")
    (run.checkpoints / "best.h5").write_text("x")
    found = list(own_paths(run.path))

    def swapped(folder):
        run.checkpoints.rename(tmp_path / "away")
        run.checkpoints.symlink_to(other)
        return found

    monkeypatch.setattr("dltrain.storage.removal.own_paths", swapped)
    with pytest.raises(OSError, match="checkpoints"):
        remove_run_files(run.path)
    assert (other / "best.h5").read_text() == "mine"
    assert run.manifest_file.exists()


def test_the_manifest_of_a_run_goes_last_and_its_lock_just_before_it(tmp_path, monkeypatch):
    run, gone = a_run(tmp_path / "run"), []
    with run.locked():
        pass
    remove = os.unlink
    monkeypatch.setattr(os, "unlink", lambda name, **place: (gone.append(name), remove(name, **place))[1])
    monkeypatch.setattr(os, "supports_dir_fd", {*os.supports_dir_fd, os.unlink})
    remove_run_files(run.path)
    assert gone[-2:] == [".lock", "manifest.json"]


def test_a_manifest_that_the_system_refuses_to_read_is_told_as_that(tmp_path, monkeypatch):
    """The error is the reason of no other one that is its own reason: whoever looks for the first of them would look for ever."""
    (tmp_path / "manifest.json").write_text("{}")
    refused = OSError(errno.EIO, os.strerror(errno.EIO), str(tmp_path / "manifest.json"))

    def fail(*_args, **_named):
        raise refused

    monkeypatch.setattr("dltrain.storage.stored.open", fail, raising=False)
    with pytest.raises(OSError) as caught:
        list(own_paths(tmp_path))
    assert caught.value is refused
    assert refused.__context__ is None
    assert fault_of(refused) is None


def test_errors_that_are_each_other_s_reason_are_looked_through_once():
    first, second = ValueError("one"), ValueError("two")
    first.__cause__, second.__cause__ = second, first
    assert fault_of(first) is None
