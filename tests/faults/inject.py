"""Counts the file calls of this process and makes one of them fail. Runs in the process that is to suffer it."""

from __future__ import annotations

import builtins
import errno
import hashlib
import io
import json
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

# Calls by path or descriptor; those of two paths are looked at by their first one.
CALLS = (
    *("open", "stat", "lstat", "mkdir", "rmdir", "unlink", "remove", "rename", "replace", "listdir", "scandir"),
    *("fsync", "ftruncate", "truncate", "chmod", "link", "symlink", "readlink", "utime"),
)
# What needs space on a disk.
GROWING = ("create", "write", "mkdir", "symlink", "link")
_CHANGING = (*GROWING, "rmdir", "unlink", "remove", "rename", "replace", "truncate", "chmod", "utime")
WEEK = 7 * 24 * 3600.0
_REAL: dict[str, Callable[..., Any]] = {name: getattr(os, name) for name in CALLS}
_REAL_OPEN = io.open


class Injector:
    """The calls so far, and the one that is to fail.

    Args:
        folder: calls that concern paths below it count.
        at: number of the call that fails, from 1; 0: none does.
        fault: name of an errno, "KILL", "TERM" or "CLOCK" (set back by a week); with a "+" behind an errno, what needs space fails
            from that call on; with a "!", what changes anything outside of `writable` fails from that call on. "DISK" fails no
            call and copies the folder as it is before each: what a kill at that call would leave.
        notes: a file outside the folder that gets the call that failed, or with `at` 0 all calls; copies go into `disks` beside it.
        writable: a folder below `folder`.
    """

    def __init__(self, folder: Path, at: int, fault: str, notes: Path, writable: str = "") -> None:
        self._folder, self._at, self._fault, self._writable = str(folder), at, fault, writable
        self._notes = _REAL["open"](notes, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        self._disks = notes.parent / "disks"
        self._copies: dict[tuple[Any, ...], int] = {}
        self._digests: dict[str, tuple[tuple[int, ...], bytes]] = {}
        self._count, self._lock, self._copying = 0, threading.RLock(), False

    def install(self) -> None:
        """From here on calls are counted."""
        for name in CALLS:
            setattr(os, name, self._counted(name))
        builtins.open = io.open = self._open  # type: ignore[assignment]

    def hit(self, call: str, path: str) -> None:
        """A call that counts.

        Raises:
            OSError: it is the one to fail.
        """
        with self._lock:
            if self._copying:
                return
            self._count += 1
            number = self._count
            lasting = self._fault.endswith("+")
            due = number == self._at or (lasting and 0 < self._at < number and call in GROWING)
            if self._fault.endswith("!"):
                inside = f"{path}/".startswith(f"{self._writable}/")
                due = 0 < self._at <= number and call in _CHANGING and not inside
            if number == self._at or not self._at:
                self._note(number, call, path, self._copy(number) if self._fault == "DISK" else None)
        if not due:
            return
        name = self._fault.rstrip("+!")
        if name == "KILL":
            os.kill(os.getpid(), signal.SIGKILL)
        elif name == "TERM":
            os.kill(os.getpid(), signal.SIGTERM)
        elif name == "CLOCK":
            real, start = time.time, time.time()
            time.time = lambda: real() - WEEK if real() > start else start
        else:
            code = getattr(errno, name)
            raise OSError(code, os.strerror(code), path)

    def _copy(self, number: int) -> int:
        """Copy the folder, unless there is a copy of the same; its number."""
        self._copying = True
        try:
            kept = self._copies.setdefault(self._state(self._folder), number)
            if kept == number:
                shutil.copytree(self._folder, self._disks / str(number), symlinks=True)
            return kept
        finally:
            self._copying = False

    def _state(self, folder: str) -> tuple[Any, ...]:
        """What is below a folder; of a temporary file and of the log, which nothing reads, that it is there."""
        found: list[Any] = []
        for entry in sorted(_REAL["scandir"](folder), key=lambda entry: entry.name):
            if entry.is_dir(follow_symlinks=False):
                found.append((entry.name, self._state(entry.path)))
            elif entry.is_symlink() or ".tmp" in entry.name or entry.name == "log.txt":
                found.append(entry.name)
            else:
                found.append((entry.name, self._digest(entry.path, entry.stat())))
        return tuple(found)

    def _digest(self, path: str, now: os.stat_result) -> bytes:
        """That of a file; it is read where it is another one than at the call before."""
        mark = (now.st_ino, now.st_mtime_ns, now.st_size)
        known = self._digests.get(path)
        if known is None or known[0] != mark:
            with _REAL_OPEN(path, "rb") as file:
                known = self._digests[path] = mark, hashlib.sha256(file.read()).digest()
        return known[1]

    def _note(self, number: int, call: str, path: str, disk: int | None) -> None:
        frame, places = sys._getframe(2), []
        while frame is not None and len(places) < 4:
            file = frame.f_code.co_filename
            if "/dltrain/" in file:
                places.append(f"{file.rpartition('/dltrain/')[2]}:{frame.f_lineno}")
            frame = frame.f_back  # type: ignore[assignment]
        note = {"number": number, "call": call, "path": path.removeprefix(self._folder), "from": " < ".join(places), "disk": disk}
        os.write(self._notes, (json.dumps(note) + "\n").encode())

    def _watched(self, target: Any) -> str | None:
        """The path that a call concerns, if it counts."""
        if isinstance(target, int):
            try:
                path = _REAL["readlink"](f"/proc/self/fd/{target}")
            except OSError:
                return None
        else:
            try:
                path = os.path.abspath(os.fsdecode(target))
            except (TypeError, FileNotFoundError):
                return None
        return path if f"{path}/".startswith(f"{self._folder}/") else None

    def _counted(self, name: str) -> Callable[..., Any]:
        real = _REAL[name]

        def call(*arguments: Any, **named: Any) -> Any:
            target = arguments[0] if arguments else named.get("path", ".")
            folder = named.get("dir_fd", named.get("src_dir_fd"))
            if folder is not None:
                target = os.path.join(_REAL["readlink"](f"/proc/self/fd/{folder}"), target)
            path = self._watched(target)
            if path is not None:
                creates = name == "open" and len(arguments) > 1 and arguments[1] & os.O_CREAT
                self.hit("create" if creates else name, path)
            return real(*arguments, **named)

        return call

    def _open(
        self,
        file: Any,
        mode: str = "r",
        buffering: int = -1,
        encoding: str | None = None,
        errors: str | None = None,
        newline: str | None = None,
        closefd: bool = True,
        opener: Any = None,
    ) -> Any:
        """As `io.open`; what is written through it counts, each time that it reaches the system."""
        path = self._watched(file)
        reads = "r" in mode and "+" not in mode
        if path is not None and not isinstance(file, int):
            self.hit("open" if "r" in mode else "create", path)
        if path is None or reads:
            return _REAL_OPEN(file, mode, buffering, encoding, errors, newline, closefd, opener)
        raw = _Raw(file, mode.replace("b", "").replace("t", ""), closefd, opener)
        raw.write_hits = lambda: self.hit("write", path)
        if buffering == 0:
            return raw
        buffer: Any = io.BufferedRandom(raw) if "+" in mode else io.BufferedWriter(raw)
        if "b" in mode:
            return buffer
        return io.TextIOWrapper(buffer, io.text_encoding(encoding), errors, newline, line_buffering=buffering == 1)


class _Raw(io.FileIO):
    write_hits: Callable[[], None]

    def write(self, data: Any) -> int:
        """To the system, unless it is to fail."""
        self.write_hits()
        return super().write(data)
