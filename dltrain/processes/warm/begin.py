"""A fork of the warm process becomes the command that somebody asked for: nothing of the warm process shows in it."""

from __future__ import annotations

import io
import os
import random
import signal
import sys
import time
from typing import Any, TextIO

from dltrain import system


def become(request: dict[str, Any], files: list[int]) -> list[str]:
    """Take over what a command handed over.

    Args:
        request: what `client.py` sent.
        files: the open files that came with it, in the order of its "files", the working directory before them.

    Returns:
        The words of the command line, as in `sys.argv`.

    Raises:
        KeyboardInterrupt: it came for the command before.
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
    _open_streams()
    random.seed()
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()
    _take_signals(set(request["ignored"]), set(request["blocked"]))  # last: those that have come meanwhile act here
    return list(sys.argv)


def _open_streams() -> None:
    """Make the standard streams anew, as the interpreter does at its beginning: what they know of their files is of others."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        old: TextIO = getattr(sys, name)
        raw = io.FileIO(number, "r" if number == 0 else "w", closefd=False)
        inner = io.BufferedReader(raw) if number == 0 else io.BufferedWriter(raw)
        stream = io.TextIOWrapper(
            inner,
            encoding=old.encoding,
            errors=old.errors,
            newline="\n" if number else None,
            line_buffering=raw.isatty() or number == 2,
            write_through=bool(os.environ.get("PYTHONUNBUFFERED")) and number > 0,
        )
        stream.mode = raw.mode[0]  # type: ignore[misc]
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


def _take_files(files: list[int], numbers: list[int]) -> None:
    """Give each file the number that it had where it came from; close all others."""
    least = max([*files, *numbers, 2]) + 1
    lifted = [system.duplicate_from(file, least) for file in files[1:]]
    os.closerange(3, least)
    for file, number in zip(lifted, numbers, strict=True):
        os.dup2(file, number, inheritable=True)
    os.closerange(least, max(lifted) + 1)


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
