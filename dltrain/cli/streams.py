"""Streams of the process: whether one is a terminal, whether anybody still reads it, and how to give it up."""

from __future__ import annotations

import contextlib
import os
import select
from typing import IO


def is_terminal(stream: IO[str] | None) -> bool:
    """Whether the stream is a terminal; one that was closed is none."""
    try:
        return stream is not None and stream.isatty()
    except (OSError, ValueError):
        return False


def reader_left(stream: IO[str] | None) -> bool:
    """Whether the stream is a pipe that nobody reads any more."""
    try:
        if stream is None:
            return False
        poll = select.poll()
        poll.register(stream.fileno(), 0)
        return any(event & select.POLLERR for _, event in poll.poll(0))
    except (OSError, ValueError):
        return False


def discard(stream: IO[str] | None) -> None:
    """Send what is still to be written to a reader who has gone away nowhere, so that no later flush fails."""
    try:
        descriptor = stream.fileno() if stream is not None else -1
    except (OSError, ValueError):
        return
    if descriptor < 0:
        return
    with contextlib.suppress(OSError):  # no descriptor is left: each later write is given up by itself
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, descriptor)
        os.close(nowhere)
