"""Run directories: atomic writes, names, the lock, what a word means."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from dltrain.errors import RunError, UsageError
from dltrain.storage.atomic import to_json, write_atomically
from dltrain.storage.new_run import create_run
from dltrain.storage.run import Run
from dltrain.storage.run_list import find_run, list_runs, prunable_runs, remove_run


def finished(runs: Path, name: str, started: str, accuracy: float = 0.5, status: str = "finished") -> Run:
    run = create_run(name, runs=runs, run_dir=runs / f"{name}-{started[:10]}")
    run.write_manifest(
        {"name": name, "status": status, "started": started, "seconds": {"total": 2.5}, "environment": {"dltrain": "0"}}
    )
    write_atomically(run.metrics_file, json.dumps({"metrics": {"test": {"accuracy": accuracy}}}).encode())
    return run


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    write_atomically(path, b"old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(RunError, match="No space left on device"):
            write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_a_folder_that_cannot_be_written_is_refused() -> None:
    with pytest.raises(RunError, match="cannot write"):
        create_run("x", runs=Path("/proc/none"))


def test_a_file_or_a_full_directory_is_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(RunError, match="is a file"):
        create_run("x", runs=tmp_path, run_dir=tmp_path / "file")
    with pytest.raises(RunError, match="not empty"):
        create_run("x", runs=tmp_path, run_dir=tmp_path)


def test_names_are_distinct_and_begin_with_the_experiment(tmp_path: Path) -> None:
    paths = {create_run("lfw", runs=tmp_path / "runs").path for _ in range(20)}
    assert len(paths) == 20
    assert all(path.name.startswith("lfw-") for path in paths)


def test_a_word_means_a_path_the_latest_or_a_unique_prefix(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    old = finished(runs, "alpha", "2026-01-01T00:00:00Z")
    new = finished(runs, "beta", "2026-02-01T00:00:00Z")
    finished(runs, "alpine", "2026-01-15T00:00:00Z")
    assert find_run("latest", runs) == new.path
    assert find_run(str(old.path), runs) == old.path
    assert find_run("b", runs) == new.path
    with pytest.raises(UsageError, match=r"2 runs in .* begin with 'al'"):
        find_run("al", runs)
    with pytest.raises(UsageError, match="no run answers to 'gamma'"):
        find_run("gamma", runs)
    near = new.path.name[:3] + new.path.name[4:]
    for word, meant in (("lastest", "latest"), (near, new.path.name), (str(runs / near), new.path)):
        with pytest.raises(UsageError) as caught:
            find_run(word, runs)
        assert f'did you mean "{meant}"?' in str(caught.value.faults[0].hint)
    with pytest.raises(UsageError, match="no run"):
        find_run("latest", tmp_path / "none")
    with pytest.raises(RunError, match="is no run"):
        find_run(str(runs), runs)
    assert [info.name for info in list_runs(runs)] == ["beta", "alpine", "alpha"]


def test_a_dead_process_s_run_counts_as_interrupted_and_can_be_pruned(tmp_path: Path) -> None:
    run = finished(tmp_path, "x", "2026-01-01", status="running")
    assert [info.status for info in list_runs(tmp_path)] == ["interrupted"]
    assert [info.path for info in prunable_runs(list_runs(tmp_path))] == [run.path]
    with run.locked():
        assert [info.status for info in list_runs(tmp_path)] == ["running"]
        assert prunable_runs(list_runs(tmp_path)) == []
        with pytest.raises(RunError, match="in use"):
            remove_run(run.path)
    remove_run(run.path)
    assert not run.path.exists()
    with pytest.raises(RunError, match="is no run"):
        remove_run(tmp_path)
    assert tmp_path.exists()


def test_a_lock_ends_with_its_process(tmp_path: Path) -> None:
    run = create_run("x", runs=tmp_path)
    text = "import sys, time; from pathlib import Path; from dltrain.storage.run import Run\nwith Run(Path(sys.argv[1])).locked(): print('held', flush=True); time.sleep(60)"
    process = subprocess.Popen([sys.executable, "-c", text, str(run.path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline().strip() == "held"
    with pytest.raises(RunError, match=f"in use by process {process.pid}"), run.locked():
        pass
    process.kill()
    process.wait()
    with run.locked():
        pass


@pytest.mark.parametrize("content", ["", "[]", "{", "\x00", "[" * 100_000])
def test_a_damaged_manifest_is_a_run_error(content: str, tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(RunError):
        Run(tmp_path).read_manifest()


def test_json_is_strict() -> None:
    import numpy as np

    value = {"a": float("nan"), "b": np.float32(1.5), "c": [np.int64(2), float("inf")], "d": Path("x")}
    assert json.loads(to_json(value)) == {"a": None, "b": 1.5, "c": [2, None], "d": "x"}


def test_e4_the_exact_name_of_a_run_wins_over_its_prefixes_and_over_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("lfw", "lfw-2", "iris"):
        (tmp_path / "runs" / name).mkdir(parents=True)
        (tmp_path / "runs" / name / "manifest.json").write_text('{"status": "finished"}')
    (tmp_path / "lfw").mkdir()
    (tmp_path / "iris").mkdir()
    assert find_run("lfw", Path("runs")) == Path("runs/lfw")
    assert find_run("iris", Path("runs")) == Path("runs/iris")
    (tmp_path / "data").mkdir()
    with pytest.raises(RunError, match="is no run"):
        find_run("data", Path("runs"))


@pytest.mark.parametrize("name", ["/x.h5", "../x.h5", "a/../../x.h5", "", ".", "a\0b", "link/x.h5", "link", "dangling"])
def test_attack_1_a_path_inside_a_run_stays_there(name: str, tmp_path: Path) -> None:
    run = create_run("x", runs=tmp_path)
    (run.checkpoints / "link").symlink_to(tmp_path)
    (run.checkpoints / "dangling").symlink_to(tmp_path / "nothing")
    with pytest.raises(RunError):
        run.inside("checkpoints", name)
    assert run.inside("checkpoints", "a/b_03.h5") == run.checkpoints / "a" / "b_03.h5"


def test_latest_is_not_offered_for_latest_where_there_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        find_run("latest", tmp_path / "runs")
    assert "did you mean" not in str(caught.value.faults[0].hint)


def test_the_order_of_runs_is_that_of_their_beginnings_however_their_manifests_are_written(tmp_path: Path) -> None:
    """A beginning is looked for in the text alone: text of the same look within another value, other blanks, links and damage."""
    runs = tmp_path / "runs"
    first = finished(runs, "first", "2026-01-01T00:00:00Z")
    second = finished(runs, "second", "2026-02-01T00:00:00Z")
    third = finished(runs, "third", "2026-03-01T00:00:00Z")
    manifest = json.loads(first.manifest_file.read_text())
    first.write_manifest(
        {"warnings": [{"started": "2027-01-01T00:00:00Z", "message": '\n  "started": "2028-01-01T00:00:00Z"'}], **manifest}
    )
    third.manifest_file.write_text(json.dumps(json.loads(third.manifest_file.read_text())))  # on one line
    second.manifest_file.rename(second.path / "kept.json")
    second.manifest_file.symlink_to("kept.json")
    assert [info.name for info in list_runs(runs)] == ["third", "second", "first"]
    assert [info.name for info in list_runs(runs, limit=2)] == ["third", "second"]
    assert find_run("latest", runs) == third.path
    damaged = third.manifest_file.read_bytes()[:-1]
    third.manifest_file.write_bytes(damaged)
    assert find_run("latest", runs) == second.path
    assert list_runs(runs, limit=1)[0].name == "second"


def test_of_very_many_runs_little_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for day in range(1, 29):
        finished(tmp_path, "run", f"2026-01-{day:02d}T00:00:00Z")
    read: list[Path] = []
    whole = Run.read_manifest

    def counted(run: Run) -> dict[str, object]:
        read.append(run.path)
        return whole(run)

    monkeypatch.setattr(Run, "read_manifest", counted)
    assert find_run("latest", tmp_path).name == "run-2026-01-28"
    assert find_run("run-2026-01-07", tmp_path).name == "run-2026-01-07"
    assert set(read) == {tmp_path / "run-2026-01-28"}
