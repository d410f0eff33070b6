"""Trackers that hear of a run while it is trained: processes beside it, which may be down, silent or slow without any harm.

Each reads the run's own files, as `dltrain log` does afterwards, and is told by the end of its standard input that nothing more
will come. None of them is waited for longer than it says it is at work.
"""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
import sys
import time
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any

from dltrain.errors import DltrainError
from dltrain.processes.child import import_path
from dltrain.reporting import Reporter
from dltrain.system import why_no_processes

# So many seconds at the end of a fit a tracker may be silent, unless it has said otherwise, and be waited for in all.
SILENCE, MOST_SECONDS = 6.0, 120.0
_START = (
    "import os, sys; getattr(os, 'nice', int)(10); sys.path[:] = {path!r}; from dltrain.cli.app import run;"
    " sys.exit(run({words!r}))"
)


class Tracking:
    """The trackers of one fit or sweep.

    Args:
        names: "mlflow", "wandb"; empty: none.

    Attributes:
        names: the same; may be set until `start`.
    """

    def __init__(self, names: Sequence[str] = ()) -> None:
        self.names = tuple(names)
        self._followers: list[_Follower] = []
        self._reporter = Reporter()

    def start(self, run: Path, reporter: Reporter) -> None:
        """Begin, once the run has a directory.

        Args:
            run: the run directory.
            reporter: hears, once, of a tracker that does not take the run.
        """
        self._reporter = reporter
        if why_no_processes() is not None:
            return  # said by what is checked before
        self._followers = [_Follower(name, run) for name in self.names if find_spec(name) is not None]

    def listen(self) -> None:
        """Pass on what a tracker had to say so far; takes no time."""
        for follower in self._followers:
            follower.listen(self._reporter)

    def finish(self) -> None:
        """Let them hand over what is new, and end; says what they could not."""
        followers, self._followers = self._followers, []
        for follower in followers:
            follower.end_input()
        for follower in followers:
            follower.finish(self._reporter)

    def __enter__(self) -> Tracking:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is None or issubclass(kind, DltrainError):
            self.finish()
        for follower in self._followers:
            follower.kill()


class Listening(Reporter):
    """Passes on what it hears, and lets trackers speak at the end of each epoch, or when a trial changes."""

    def __init__(self, listener: Reporter, tracking: Tracking) -> None:
        self._listener, self._tracking = listener, tracking
        for name in vars(Reporter):
            if not name.startswith("_") and name not in ("epoch_end", "trial_changed"):
                setattr(self, name, getattr(listener, name))

    def epoch_end(self, epoch: int, logs: Any, seconds: float) -> None:
        """As in `Reporter`."""
        self._listener.epoch_end(epoch, logs, seconds)
        self._tracking.listen()

    def trial_changed(self, trial: Any) -> None:
        """As in `Reporter`."""
        self._listener.trial_changed(trial)
        self._tracking.listen()


class _Follower:
    """One process that hands a run to one tracker."""

    def __init__(self, name: str, run: Path) -> None:
        self._name, self._run, self._text, self._is_over = name, run, "", False
        words = ["-q", "log", str(run.absolute()), "--to", name, "--follow"]
        # A session of its own: Ctrl-C is for the fit, which lets it hand over what there is.
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", _START.format(path=import_path(), words=words)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "DLTRAIN_WARM": "0", "TF_CPP_MIN_LOG_LEVEL": "3"},
            start_new_session=True,
        )
        self._patience = SILENCE

    def listen(self, reporter: Reporter, seconds: float = 0.0) -> bool:
        """Pass on what it says; returns whether it said anything within so many seconds."""
        if self._is_over:
            return False
        assert self._process.stdout is not None
        ready, _, _ = select.select([self._process.stdout], [], [], seconds)
        if not ready:
            return False
        data = os.read(self._process.stdout.fileno(), 1 << 16)
        *lines, self._text = (self._text + data.decode(errors="replace")).split("\n")
        for line in lines:
            word, _, rest = line.partition(" ")
            if word == "alive":
                self._patience = float(rest)
            elif word in ("problem", "note"):
                reporter.warning(rest)
                self._is_over = self._is_over or word == "problem"
        if not data and not self._is_over:
            self._is_over = True
            if self._process.wait():
                reporter.warning(f"{self._name}: what sends the run there ended by itself; {self._later}")
        return True

    @property
    def _later(self) -> str:
        return f"`dltrain log {self._run} --to {self._name}` sends it later"

    def end_input(self) -> None:
        """Tell it that nothing more will come."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()

    def finish(self, reporter: Reporter) -> None:
        """Wait until the tracker has sent everything, as long as it makes progress."""
        until = time.monotonic() + MOST_SECONDS
        while not self._is_over:
            left = min(self._patience, until - time.monotonic())
            if left <= 0 or not self.listen(reporter, left):
                what = "takes too long" if left <= 0 or self._patience > SILENCE else "does not answer"
                reporter.warning(f"{self._name} {what}: not all of the run was sent; {self._later}")
                break
        self.kill()

    def kill(self) -> None:
        """End it now, whatever it does."""
        self._process.kill()
        self.end_input()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._is_over = True
