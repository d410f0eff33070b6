"""Warm processes of this user: start one, see which there are, end them."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from dltrain import system
from dltrain.errors import RunError
from dltrain.processes.warm.circumstances import circumstances, folder, is_own, key_of
from dltrain.processes.warm.wire import HELLO, receive_document, receive_exactly, send_document, user_of

_START = """\
import sys
sys.path[:] = {path!r}
from dltrain.cli.warm_process import main
main({key!r}, {ready})
"""
_SECONDS = 120.0  # TensorFlow's import on a busy machine
READY_MARK = b"ready"


@dataclass(frozen=True, slots=True)
class WarmProcess:
    """A warm process that answered.

    Attributes:
        key: of its circumstances.
        pid: its number.
        began: seconds since 1970.
        served: how many commands were forked.
        running: how many of them have not ended.
        num_bytes: of memory that it holds.
        is_ours: whether commands in these circumstances use it.
    """

    key: str
    pid: int
    began: float
    served: int
    running: int
    num_bytes: int
    is_ours: bool


def start() -> WarmProcess:
    """Start a warm process for these circumstances, or find the one that is there.

    Raises:
        RunError: it did not begin.
    """
    found = circumstances()
    key = key_of(found)
    there = _asked(folder() / key, "status", key)
    if there is not None:
        return there
    place = folder()
    with contextlib.suppress(OSError):  # what is wrong with it is said below
        place.mkdir(0o700)
    if not is_own(place):
        raise RunError(f"{place} is not a folder that belongs to you alone", hint="remove it, or set XDG_RUNTIME_DIR")
    # Who comes at the same time waits for the first: each would hold hundreds of megabytes.
    try:
        lock = os.open(place / f"{key}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise RunError(f"{place / key}.lock cannot be written: {error.strerror}", hint="remove what stands there") from error
    try:
        _wait_for(lock)
        return _asked(place / key, "status", key) or _begin(place, key)
    finally:
        os.close(lock)


def _wait_for(lock: int) -> None:
    """Take a lock; one who holds it and stands still is not waited for without end.

    Raises:
        RunError: it is not to be had.
    """
    until = time.monotonic() + _SECONDS
    while True:
        try:
            return system.lock(lock)
        except BlockingIOError:
            if time.monotonic() > until:
                raise RunError(
                    "another command has been starting the warm process for minutes", hint="end it, then try again"
                ) from None
        time.sleep(0.05)


def _begin(place: Path, key: str) -> WarmProcess:
    """Start one, and wait until it answers.

    Raises:
        RunError: it does not.
    """
    here = {os.path.realpath(""), ""}
    path = [entry for entry in sys.path if entry and os.path.realpath(entry) not in here]
    own = str(Path(__file__).parents[3])
    path = [own, *(entry for entry in path if entry != own)]
    ready, theirs = os.pipe()
    os.set_inheritable(theirs, True)
    process = subprocess.Popen(
        [sys.executable, "-P", *subprocess._args_from_interpreter_flags(), "-c", _START.format(path=path, key=key, ready=theirs)],  # type: ignore[attr-defined]
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=(theirs,),
        cwd="/",
        start_new_session=True,
    )
    os.close(theirs)
    said = _read(ready, time.monotonic() + _SECONDS)
    there = _asked(place / key, "status", key)
    if not said.startswith(READY_MARK) or there is None:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGKILL)
        raise RunError(f"the warm process did not begin: {said.decode(errors='replace').strip()[-300:] or 'it said nothing'}")
    return there


def running() -> list[WarmProcess]:
    """The warm processes of this user, the one for these circumstances first."""
    own = key_of(circumstances())
    return sorted(
        (found for path in _sockets() if (found := _asked(path, "status", own)) is not None), key=lambda one: not one.is_ours
    )


def stop() -> list[WarmProcess]:
    """End the warm processes of this user; commands that they began go on."""
    own = key_of(circumstances())
    ended = [found for path in _sockets() if (found := _asked(path, "stop", own)) is not None]
    until = time.monotonic() + 5
    while any(path.exists() for path in _sockets()) and ended and time.monotonic() < until:
        time.sleep(0.01)
    return ended


def _sockets() -> list[Path]:
    place = folder()
    return sorted(path for path in place.iterdir() if path.suffix == "") if is_own(place) else []


def _asked(path: Path, question: str, own: str) -> WarmProcess | None:
    """What a warm process says of itself; None where none answers, and its socket is removed."""
    if not path.is_socket():
        return None
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as channel:
        channel.settimeout(5)
        try:
            channel.connect(str(path))
            if user_of(channel) != os.getuid():
                return None
            if receive_exactly(channel, 1) != HELLO:
                return None
            send_document(channel, {"ask": question})
            answer, _ = receive_document(channel)
            return WarmProcess(
                key=path.name,
                pid=int(answer["pid"]),
                began=float(answer["began"]),
                served=int(answer["served"]),
                running=int(answer["running"]),
                num_bytes=_memory(int(answer["pid"])),
                is_ours=path.name == own,
            )
        except ConnectionRefusedError:
            with contextlib.suppress(OSError):
                path.unlink()
        except (OSError, KeyError, ValueError):
            pass
    return None


def _memory(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0


def _read(ready: int, until: float) -> bytes:
    """All that comes before the mark, the end or the time."""
    said = b""
    try:
        while not said.startswith(READY_MARK) and select.select([ready], [], [], max(0.0, until - time.monotonic()))[0]:
            part = os.read(ready, 4096)
            if not part:
                break
            said += part
    finally:
        os.close(ready)
    return said
