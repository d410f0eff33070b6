"""The warm process: waits for commands and forks them; it runs nothing itself, so that each begins as the first did.

For each command there are two forks: the command, and its keeper, which waits for it, passes signals on and says how it ended.
So the warm process can be ended at any moment, and what it began goes on.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dltrain import system
from dltrain.processes.warm.begin import become
from dltrain.processes.warm.client import TO_GROUP
from dltrain.processes.warm.wire import (
    ENDED,
    GO,
    HELLO,
    READY,
    STALE,
    STATUS,
    receive_document,
    receive_exactly,
    send_document,
    user_of,
)

IDLE_SECONDS = 600.0
_ROUND = 5.0  # seconds between two looks at what has ended
_PATIENCE = 5.0


Stamps = dict[str, tuple[int, int]]


def serve(path: Path, package: Path, stamps: Stamps, ready: Callable[[], None], idle_seconds: float = IDLE_SECONDS) -> list[str]:
    """Wait for commands.

    Args:
        path: of the socket.
        package: the folder of the code that this process has imported.
        stamps: of that code when it was imported (`stamps_of`); when they have changed, the process ends.
        ready: called when commands can come.
        idle_seconds: without a command, after which it ends.

    Returns:
        In each fork that is to be a command, the words of its command line. In the warm process itself it doesn't return.

    Raises:
        KeyboardInterrupt: in such a fork; it came for the command while this became it.
    """
    listener = _listen(path)
    own = path.stat().st_ino
    ready()
    began, served, idle_since = time.time(), 0, time.monotonic()
    keepers: set[int] = set()
    while keepers or time.monotonic() - idle_since < idle_seconds:
        keepers -= _ended()
        idle_since = time.monotonic() if keepers else idle_since
        if not select.select([listener], [], [], _ROUND)[0]:
            if not _is_there(path, own):
                break  # nobody finds it any more
            continue
        with contextlib.suppress(OSError), contextlib.closing(listener.accept()[0]) as channel:
            channel.settimeout(_PATIENCE)
            if user_of(channel) != os.getuid():
                continue
            channel.sendall(HELLO)
            request, files = receive_document(channel)
            if request.get("ask") != "run":
                _close(files)
                send_document(channel, {"pid": os.getpid(), "began": began, "served": served, "running": len(keepers)})
                if request.get("ask") == "stop":
                    break
                continue
            if stamps_of(package) != stamps:
                channel.sendall(STALE)
                break
            served, idle_since = served + 1, time.monotonic()
            pid = system.fork()
            if pid == 0:
                listener.close()
                return _keep(channel, request, files)
            keepers.add(pid)
            _close(files)
    with contextlib.suppress(OSError):
        if _is_there(path, own):
            path.unlink()
    os._exit(0)


def _close(files: list[int]) -> None:
    for file in files:
        os.close(file)


def _is_there(path: Path, own: int) -> bool:
    """Whether the name is still this socket's: another that was started meanwhile takes it."""
    try:
        return path.stat().st_ino == own
    except OSError:
        return False


def stamps_of(package: Path) -> Stamps:
    """When each file of the package was changed, and when something was last installed beside or below it."""
    found = {}
    for here, inner, names in os.walk(package):
        inner[:] = [name for name in inner if name != "__pycache__"]
        for name in names:
            with contextlib.suppress(OSError):
                status = os.stat(os.path.join(here, name))
                found[os.path.join(here, name)] = (status.st_mtime_ns, status.st_size)
    for place in sys.path:
        with contextlib.suppress(OSError):
            status = os.stat(place)
            found[place] = (status.st_mtime_ns, 0)
    return found


def _listen(path: Path) -> socket.socket:
    """A socket that only this user can reach; its name appears when somebody can be answered."""
    listener = socket.socket(socket.AF_UNIX)
    own = path.with_name(f"{path.name}.{os.getpid()}")
    mask = os.umask(0o177)
    try:
        listener.bind(str(own))
    finally:
        os.umask(mask)
    listener.listen(64)
    own.replace(path)
    return listener


def _ended() -> set[int]:
    """The keepers that have ended since the last look."""
    found = set()
    with contextlib.suppress(ChildProcessError):
        while (pid := os.waitpid(-1, os.WNOHANG)[0]) > 0:
            found.add(pid)
    return found


def _keep(channel: socket.socket, request: dict[str, Any], files: list[int]) -> list[str]:
    """In a fork: begin a command in another, and keep it. Returns in the command alone."""
    os.setsid()
    keeper, waits = os.getpid(), os.pipe()
    # Until the command takes signals as its own, this process's way would lose them: they wait.
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    pid = system.fork()
    if pid == 0:
        os.setpgid(0, 0)
        channel.close()
        os.close(waits[1])
        _end_with(keeper)
        if os.read(waits[0], 1) != GO:
            os._exit(0)
        os.close(waits[0])
        return become(request, files)
    code = 1
    try:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        _close(files)
        os.close(waits[0])
        _wait(channel, pid, waits[1])
        code = 0
    finally:
        os._exit(code)


def _wait(channel: socket.socket, pid: int, gate: int) -> None:
    ended = os.pidfd_open(pid)
    with contextlib.suppress(OSError):  # who comes first
        os.setpgid(pid, pid)
    try:
        channel.sendall(READY)
        is_wanted = receive_exactly(channel, 1) == GO
    except OSError:
        is_wanted = False
    if not is_wanted:
        os.kill(pid, signal.SIGKILL)  # it waits before its first step
        os.waitpid(pid, 0)
        return
    os.write(gate, GO)
    os.close(gate)
    channel.settimeout(None)
    open_ends: list[Any] = [ended, channel]
    while True:
        ready = select.select(open_ends, [], [])[0]
        if channel in ready and not _pass_on(channel, pid):
            open_ends.remove(channel)
        if ended in ready:
            break
    _, status = os.waitpid(pid, 0)
    with contextlib.suppress(OSError):
        channel.sendall(ENDED + STATUS.pack(status))


def _pass_on(channel: socket.socket, pid: int) -> bool:
    """Give the command the signals that came for it; where who stood for it was killed, it is killed. Whether more can come."""
    try:
        came = channel.recv(256)
    except OSError:
        came = b""
    if not came:
        os.kill(pid, signal.SIGKILL)
        return False
    for byte in came:
        number = byte & ~TO_GROUP
        with contextlib.suppress(ProcessLookupError):
            if byte & TO_GROUP:
                os.killpg(pid, number)
            else:
                os.kill(pid, number)
    return True


def _end_with(keeper: int) -> None:
    """Let the kernel kill this process when its keeper is killed: nobody would know of it."""
    import ctypes

    ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)  # PR_SET_PDEATHSIG, prctl(2)
    if os.getppid() != keeper:
        sys.exit(1)
