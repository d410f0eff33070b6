"""Prepared data in the cache: whole or not there, made once, kept while it is used, removed when space is needed."""

import fcntl
import os
import shutil
import threading
import time
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path

import pytest

from dltrain.errors import RunError
from dltrain.reporting import Reporter
from dltrain.storage import stored_folders
from dltrain.storage.stored_folders import META, USED, find_folders, make_folder, streamed_folder

Usage = namedtuple("Usage", "total used free")


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("DLTRAIN_CACHE", str(tmp_path))
    monkeypatch.setattr(stored_folders, "_held", {})
    yield
    for file in stored_folders._held.values():
        file.close()


def make(name: str, num_bytes: int = 0) -> Path:
    def fill(folder: Path) -> None:
        (folder / "data.bin").write_bytes(b"x" * 1000)
        (folder / META).write_text("{}")

    return make_folder(name, num_bytes, fill, Reporter())


def let_go(*, days: float) -> None:
    """As if the processes that used the folders had ended so long ago."""
    for folder, file in stored_folders._held.items():
        file.close()
        os.utime(folder / USED, (time.time() - days * 86_400,) * 2)
    stored_folders._held.clear()


def test_made_once() -> None:
    first = make("table-a")
    stamp = (first / META).stat().st_mtime_ns
    assert make("table-a") == first
    assert (first / META).stat().st_mtime_ns == stamp
    assert find_folders("table") == [first]
    assert find_folders("rows") == []


def test_failure_leaves_nothing() -> None:
    def fail(folder: Path) -> None:
        (folder / "half").write_bytes(b"x")
        raise ValueError("in the middle")

    with pytest.raises(ValueError, match="in the middle"):
        make_folder("table-a", 0, fail, Reporter())
    assert [path.name for path in streamed_folder().iterdir()] == [".table-a.lock"]


def test_long_unused_and_leftovers_are_removed() -> None:
    old, recent = make("table-old"), make("table-recent")
    let_go(days=40)
    os.utime(recent / USED)
    leftover = streamed_folder() / ".table-b.123.tmp"
    leftover.mkdir()
    make("table-new")
    assert not old.exists()
    assert not leftover.exists()
    assert recent.exists()


def test_space_is_made_of_the_longest_unused_that_nobody_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    folders = {name: make(f"table-{name}") for name in ("a", "b", "c", "d")}
    let_go(days=1)
    for age, name in enumerate(("d", "c", "b", "a"), 1):
        os.utime(folders[name] / USED, (time.time() - age * 3600,) * 2)
    monkeypatch.setattr(
        shutil, "disk_usage", lambda path: Usage(0, 0, stored_folders.RESERVE + 5_000 - 1_000 * len(find_folders("table")))
    )
    with open(folders["a"] / USED) as held:  # as another process holds it
        fcntl.flock(held, fcntl.LOCK_SH)
        make("table-new", 2_500)
    assert [name for name in folders if folders[name].exists()] == ["a", "d"]


def test_quota(monkeypatch: pytest.MonkeyPatch) -> None:
    old = make("table-a")
    let_go(days=1)
    monkeypatch.setattr(stored_folders, "QUOTA", 1_500)
    make("table-b", 1_000)
    assert not old.exists()


def test_no_space_is_said_before_anything_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(0, 0, 10))
    with pytest.raises(RunError) as caught:
        make("table-a", 5 * 10**9)
    assert "takes about 5.0 GB" in caught.value.faults[0].message
    assert "DLTRAIN_CACHE" in str(caught.value.faults[0].hint)
    assert find_folders("table") == []


def test_cache_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("DLTRAIN_CACHE", str(tmp_path / "file"))
    with pytest.raises(RunError, match="cannot write"):
        make("table-a")


def test_others_wait_and_find_it_made() -> None:
    class Told(Reporter):
        def __init__(self) -> None:
            self.texts: list[str] = []

        def status(self, text: str) -> None:
            self.texts.append(text)

    begun, go_on, told, made = threading.Event(), threading.Event(), Told(), []

    def slowly(folder: Path) -> None:
        begun.set()
        assert go_on.wait(120)
        (folder / META).write_text("{}")

    def never(folder: Path) -> None:
        raise AssertionError("made twice")

    one = threading.Thread(target=lambda: made.append(make_folder("table-a", 0, slowly, Reporter())))
    two = threading.Thread(target=lambda: made.append(make_folder("table-a", 0, never, told)))
    one.start()
    assert begun.wait(120)
    two.start()
    while not told.texts:
        time.sleep(0.01)
    go_on.set()
    one.join(120)
    two.join(120)
    assert told.texts == ["waiting for another process that prepares the same data"]
    assert len(made) == 2
