"""A fit on Ray that has lost a worker goes on by itself, in a new process: TensorFlow meets others once in a process's life."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from dltrain.cli.console import Console
from dltrain.errors import WorkerLostError
from dltrain.processes.child import import_path
from dltrain.settings import whole_number

RETRIES = 3
# How often the fit that this process goes on with has lost a worker before.
LOST = "DLTRAIN_WORKERS_LOST"
_START = "import sys; sys.path[:] = {path!r}; from dltrain.cli.app import run; sys.exit(run({words!r}))"


def times_lost() -> int:
    """How often this fit has lost a worker before this process began."""
    return whole_number(LOST, 0)


def go_on(words: Sequence[str], error: WorkerLostError, console: Console) -> NoReturn:
    """Go on with a run, in the place of this process: all that it holds is closed.

    Args:
        words: of the command line, which names the run and how its workers are started.
        error: what is said of the worker.
        console: hears that.

    Raises:
        WorkerLostError: it is the fourth.
    """
    lost = times_lost() + 1
    if lost > RETRIES:
        raise error
    console.warning(f"{error.faults[0].message}; going on with what was saved (try {lost} of {RETRIES})")
    console.close()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    start = _START.format(path=import_path(), words=list(words))
    os.execve(sys.executable, [sys.executable, "-P", "-c", start], {**os.environ, LOST: str(lost)})
