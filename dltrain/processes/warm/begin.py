"""A fork of the warm process becomes the command that somebody asked for: nothing of the warm process shows in it."""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from typing import Any, TextIO


def become(request: dict[str, Any], files: list[int]) -> list[str]:
    """Take over what a command handed over.

    Args:
        request: what `client.py` sent.
        files: the open files that came with it, in the order of its "files", the working directory before them.

    Returns:
        The words of the command line, as in `sys.argv`.
    """
    os.setpgid(0, 0)
    os.fchdir(files[0])
    _take_files(files, request["files"])
    os.umask(request["umask"])
    os.environ.clear()
    os.environ.update(request["environment"])
    time.tzset()
    sys.argv[:] = request["words"]
    sys.path[:] = request["path"]
    _take_signals(set(request["ignored"]), set(request["blocked"]))
    streams: tuple[TextIO, ...] = (sys.stdin, sys.stdout, sys.stderr)
    for stream in streams:
        # As the interpreter does at its beginning; standard error is written line by line everywhere.
        stream.reconfigure(line_buffering=stream.isatty() or stream is sys.stderr)  # type: ignore[attr-defined]
    random.seed()
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()
    return list(sys.argv)


def _take_files(files: list[int], numbers: list[int]) -> None:
    """Give each file the number that it had where it came from; close all others."""
    least = max([*files, *numbers, 2]) + 1
    lifted = [_lifted(file, least) for file in files[1:]]
    os.closerange(3, least)
    for file, number in zip(lifted, numbers, strict=True):
        os.dup2(file, number, inheritable=True)
    os.closerange(least, max(lifted) + 1)


def _lifted(file: int, least: int) -> int:
    import fcntl

    return fcntl.fcntl(file, fcntl.F_DUPFD, least)


def _take_signals(ignored: set[int], blocked: set[int]) -> None:
    for number in signal.valid_signals():
        if number in (signal.SIGKILL, signal.SIGSTOP):
            continue
        if number in ignored:
            signal.signal(number, signal.SIG_IGN)
        elif number == signal.SIGINT:
            signal.signal(number, signal.default_int_handler)
        elif signal.getsignal(number) != signal.SIG_DFL:
            signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
