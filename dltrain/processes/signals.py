"""SIGINT and SIGTERM during a run: the first one asks the loop to stop, a second one ends the process at once."""

from __future__ import annotations

import os
import signal
import threading
from types import FrameType, TracebackType
from typing import Any

from dltrain.errors import InterruptedRun

_HANDLED = (signal.SIGINT, signal.SIGTERM)


class StopSignals:
    """Context in which SIGINT and SIGTERM are caught.

    Until `defer()` is called there is nothing to save, so a signal raises `InterruptedRun` where it is noticed, and an error that
    is made of that on its way out becomes one again. After it, the signal is only noted in `received`; the loop looks at it
    between compiled calls. Every file is written atomically, so that the second signal may end the process wherever it is.
    """

    def __init__(self) -> None:
        self.received: int | None = None
        self._deferred = False
        self._where = "before training began"
        self._hint: str | None = None
        self._previous: dict[int, Any] = {}

    def __enter__(self) -> StopSignals:
        if threading.current_thread() is threading.main_thread():
            for number in _HANDLED:
                self._previous[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        if self.received is None or self._deferred or not isinstance(error, Exception) or isinstance(error, InterruptedRun):
            return
        self._raise(self.received)  # what was being called took the interruption for an error of its own

    def defer(self) -> None:
        """From now on a signal is noted, not raised."""
        self._deferred = True

    def undefer(self, where: str, hint: str) -> None:
        """From now on a signal is raised again where it is noticed, one that was noted before at once.

        Args:
            where: what was being done, for the message.
            hint: what to do next.

        Raises:
            InterruptedRun: a signal was noted.
        """
        self._deferred, self._where, self._hint = False, where, hint
        if self.received is not None:
            self._raise(self.received)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.received is not None:
            os._exit(128 + number)
        self.received = number
        if not self._deferred:
            self._raise(number)

    def _raise(self, number: int) -> None:
        name = signal.Signals(number).name
        raise InterruptedRun(f"interrupted by {name} {self._where}", signal_number=number, hint=self._hint)
