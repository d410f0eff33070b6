"""What a killed command left half-written in a run goes with the next one that writes there; nothing else goes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from dltrain import system
from dltrain.storage.atomic import write_atomically
from dltrain.storage.new_run import create_run
from dltrain.storage.outputs import check_output
from dltrain.storage.run import Run

DEAD = 999_999_999  # no process has such a number
# Writes half of a file and says so; then it is killed, or reads to the end of its input.
WRITER = """
import sys
from pathlib import Path
from dltrain.storage.atomic import write_atomically
def write(file):
    file.write(b"half")
    file.flush()
    print("half", flush=True)
    sys.stdin.read()
write_atomically(Path(sys.argv[1]), write)
"""


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return create_run("x", runs=tmp_path, run_dir=tmp_path / "run")


def writer(file: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen([sys.executable, "-c", WRITER, file], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "half\n"
    return process


def unfinished(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob(".*") if not path.name.endswith(".lock"))


def test_a_killed_write_goes_and_a_living_one_stays(run: Run):
    with writer(run.path / "results.svg") as living, writer(run.state / "findings.json") as killed:
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        assert len(unfinished(run.path)) == 2
        run.remove_temporary_files()
        (left,) = unfinished(run.path)
        assert left.startswith(f".results.svg.{living.pid}-")
        living.communicate("")
    assert (run.path / "results.svg").read_bytes() == b"half"
    assert unfinished(run.path) == []


def test_a_write_of_another_machine_is_known_by_its_lock(run: Run):
    file = run.path / f".metrics.json.{DEAD}-0123abcd.tmp"
    with open(file, "wb") as held:
        system.lock(held)
        run.remove_temporary_files()
        assert file.exists()
    run.remove_temporary_files()
    assert not file.exists()


def test_a_number_that_is_this_process_s_own_now_is_no_living_writer(run: Run):
    """In a container every command may have the same one."""
    (run.path / f".metrics.json.{os.getpid()}-0123abcd.tmp").write_text("half")
    run.remove_temporary_files()
    assert unfinished(run.path) == []


def test_nothing_else_goes(run: Run, tmp_path: Path):
    precious = tmp_path / f".precious.{DEAD}-0123abcd.tmp"
    precious.write_text("precious")
    (run.path / f".link.{DEAD}-0123abcd.tmp").symlink_to(precious)
    (run.path / f".folder.{DEAD}-0123abcd.tmp").mkdir()
    os.mkfifo(run.path / f".pipe.{DEAD}-0123abcd.tmp")
    for name in (
        ".mine.tmp",
        f".mine.{DEAD}.tmp",
        f"mine.{DEAD}-0123abcd.tmp",
        f".mine.{DEAD}-0123abcd.tmp.svg",
        f".x.{DEAD}-0123ABCD.tmp",
    ):
        (run.path / name).write_text("the user's")
    (run.path / "notes").mkdir()
    (run.path / "notes" / f".a.{DEAD}-0123abcd.tmp").write_text("in a folder of the user")
    before = unfinished(tmp_path)
    run.remove_temporary_files()
    assert unfinished(tmp_path) == before
    assert precious.read_text() == "precious"


def test_a_write_into_a_folder_without_locks_is_a_write(run: Run, monkeypatch):
    def refuse(*_: object, **__: object) -> None:
        raise OSError("no locks here")

    monkeypatch.setattr(system, "lock", refuse)
    write_atomically(run.path / "log.txt", b"whole")
    assert (run.path / "log.txt").read_bytes() == b"whole"
    (run.path / f".log.txt.{DEAD}-0123abcd.tmp").write_text("half")
    run.remove_temporary_files()
    assert unfinished(run.path) == []


def test_an_evaluation_begins_with_it(run: Run):
    from types import SimpleNamespace

    from dltrain.evaluation.drawing.of_evaluation import draw_evaluation
    from dltrain.reporting import Reporter

    (run.path / f".results.svg.{DEAD}-0123abcd.tmp").write_text("half")
    result = SimpleNamespace(run=run.path, report={}, part="test")
    draw_evaluation(result, None, Reporter(), is_default=True)  # type: ignore[arg-type]
    assert unfinished(run.path) == []


def test_a_killed_write_of_a_users_file_goes_with_the_next_of_the_same_file(tmp_path: Path) -> None:
    file, other = tmp_path / "[a]*.csv", tmp_path / "b.csv"
    note = tmp_path / f".{file.name}.notes.tmp"
    note.write_text("the user's own")
    with writer(file) as killed, writer(file) as living, writer(other) as elsewhere:
        for process in (killed, elsewhere):
            process.send_signal(signal.SIGKILL)
            process.wait()
        check_output(file, force=False)
        left = unfinished(tmp_path)
        assert [name.rpartition("-")[0] for name in left if name != note.name] == [
            f".{file.name}.{living.pid}",
            f".b.csv.{elsewhere.pid}",
        ]
        living.communicate("")
    assert file.read_bytes() == b"half"
    assert note.exists()
