"""What stands where a warm process should be: a command goes on alone, and nothing of it is harmed."""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from dltrain.errors import RunError
from dltrain.processes.warm import manage
from dltrain.processes.warm.circumstances import circumstances, folder, key_of
from dltrain.processes.warm.client import run_warm


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The path of the socket for these circumstances, in a folder of its own."""
    runtime = tempfile.mkdtemp(prefix="warm")  # names of sockets are short
    monkeypatch.setenv("XDG_RUNTIME_DIR", runtime)
    folder().mkdir(0o700)
    yield folder() / key_of(circumstances())
    shutil.rmtree(runtime)


def put(kind: str, place: Path) -> None:
    other = place.with_name("other")
    if kind == "file":
        place.write_text("mine")
    elif kind == "folder":
        place.mkdir()
    elif kind == "pipe":
        os.mkfifo(place)
    elif kind == "link to a file":
        other.write_text("mine")
        place.symlink_to(other)
    elif kind == "link to nothing":
        place.symlink_to(other)
    elif kind == "link to itself":
        place.symlink_to(place)
    elif kind == "link to a device":
        place.symlink_to("/dev/zero")
    else:  # of a process that was killed
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(place))
        listener.close()


KINDS = ["file", "folder", "pipe", "link to a file", "link to nothing", "link to itself", "link to a device", "stale socket"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_command_goes_on_alone(place: Path, kind: str) -> None:
    put(kind, place)
    began = time.monotonic()
    assert run_warm(["dltrain", "runs"]) is None
    assert time.monotonic() - began < 2
    assert os.path.lexists(place)


@pytest.mark.parametrize("kind", KINDS)
def test_nobody_is_found_there_and_nothing_of_others_is_removed(place: Path, kind: str) -> None:
    put(kind, place)
    assert manage.running() == []
    assert manage.stop() == []
    assert os.path.lexists(place) == (kind != "stale socket")
    if kind in ("file", "link to a file"):
        assert place.read_text() == "mine"


def test_a_lock_that_cannot_be_had_is_an_answer(place: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    lock = place.with_name(f"{place.name}.lock")
    lock.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RunError, match="cannot be written"):
        manage.start()
    assert not (tmp_path / "elsewhere").exists()
    lock.unlink()
    lock.mkdir()
    with pytest.raises(RunError, match="cannot be written"):
        manage.start()
    lock.rmdir()
    monkeypatch.setattr(manage, "_SECONDS", 0.2)
    with lock.open("w") as held:  # as by a start that was stopped
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(RunError, match="another command has been starting"):
            manage.start()


def test_a_folder_that_is_a_link_or_a_file_is_not_used(place: Path) -> None:
    where = folder()
    where.rename(where.with_name("elsewhere"))
    where.symlink_to(where.with_name("elsewhere"))
    assert run_warm(["dltrain", "runs"]) is None
    assert manage.running() == []
    with pytest.raises(RunError, match="belongs to you alone"):
        manage.start()
    where.unlink()
    where.write_text("")
    assert run_warm(["dltrain", "runs"]) is None
    with pytest.raises(RunError, match="belongs to you alone"):
        manage.start()
