"""One job at a time beside the training: the disk is waited for by a thread, not by the next epoch."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from types import TracebackType

logger = logging.getLogger(__name__)


class Background:
    """Runs jobs in a thread, one after the other, in the order in which they were given.

    As a context it waits for the last job at its end, so that nothing is written after it.
    """

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None
        self._error: BaseException | None = None

    def start(self, job: Callable[[], None]) -> None:
        """Begin a job, once the one before it is done.

        Raises:
            BaseException: what the job before raised; this one is not begun.
        """
        self.wait()
        self._thread = threading.Thread(target=self._run, args=(job,), name="background")
        self._thread.start()

    def wait(self) -> None:
        """Wait for the job that is under way.

        Raises:
            BaseException: what it raised.
        """
        if self._thread is not None:
            self._thread.join()
        error, self._thread, self._error = self._error, None, None
        if error is not None:
            raise error

    def _run(self, job: Callable[[], None]) -> None:
        try:
            job()
        except BaseException as error:
            self._error = error

    def __enter__(self) -> Background:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if error is None:
            self.wait()
            return
        try:
            self.wait()
        except Exception as other:
            logger.warning("beside it: %s", other)
