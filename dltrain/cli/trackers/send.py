"""Hands runs to a tracker: once, when they are over, or again and again while they are trained."""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable
from pathlib import Path

from dltrain.cli.trackers.answers import require_answer
from dltrain.cli.trackers.told import Logged, Told, Tracker, tell
from dltrain.errors import DltrainError, RunError, UsageError

EVERY = 1.0  # seconds between two looks at a run that is trained
_EXPORTING = 180  # seconds that importing TensorFlow and writing a model may take on a machine with much to do
_DRAWING = 2.0  # seconds after its end in which the pictures of a trial are drawn


def tracker_of(to: str, uri: str | None, experiment: str | None) -> Tracker:
    """The tracker of that name, which answers.

    Args:
        to: "mlflow" or "wandb".
        uri: of its server; None: as its own variables say.
        experiment: under which name; None: the config's.

    Raises:
        DataError: it does not answer.
        UsageError: it is not installed.
    """
    require_answer(to, uri)
    if to == "mlflow":
        from dltrain.cli.trackers.mlflow import MlflowTracker

        return MlflowTracker(uri, experiment)
    if uri is not None:
        raise UsageError("--uri is of MLflow", hint="Weights & Biases goes by `wandb login`, WANDB_BASE_URL and WANDB_MODE")
    from dltrain.cli.trackers.wandb import WandbTracker

    return WandbTracker(experiment)


def send_run(path: Path, tracker: Tracker) -> list[Logged]:
    """Hand over a run, or a sweep and then its trials.

    Raises:
        DataError: the tracker does not answer, or refuses.
        UsageError: it has not finished.
    """
    found: list[Logged] = []
    for told in tell(path):
        if not told.is_over and not found:
            raise UsageError(f"{path} has not finished: it is {told.status}", hint="log it when it has")
        if told.is_over:
            found.append(tracker.send(told))
    tracker.close()
    return found


def follow_run(path: Path, to: str, say: Callable[[str], None]) -> None:
    """Hand over a run's new metrics until standard input is closed, by the end of the process that trains.

    Args:
        path: the run or sweep; its manifest need not be there yet.
        to: "mlflow" or "wandb".
        say: takes what the process that trains is told, a line each: `alive SECONDS`, for how long it may be silent then;
            `problem SENTENCE`, the last word.
    """
    os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"], os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"] = "1", "5"
    try:
        require_answer(to)
        while not (is_last := _is_over(EVERY)) and not (path / "manifest.json").is_file():
            pass
        say("alive 60")
        tracker = tracker_of(to, None, None)
        while True:
            _send_so_far(path, tracker, say, is_last=is_last)
            if is_last:
                tracker.close()
                return
            is_last = _is_over(EVERY)
    except DltrainError as error:
        fault = error.faults[0]
        say(f"problem {fault.message}" + (f"; {fault.hint}" if fault.hint else ""))


def _send_so_far(path: Path, tracker: Tracker, say: Callable[[str], None], *, is_last: bool) -> None:
    for told in _told(path):
        if told.is_over and not is_last and (told.parent is None or 1000 * (time.time() - _DRAWING) < told.ended):
            continue  # something may still be written
        if told.is_over and told.has_model:
            say(f"alive {_EXPORTING}")
        for note in tracker.send(told).notes:
            say(f"note {note}")
        say("alive 12")
        if is_last and not told.is_over:
            tracker.broken_off(told)


def _told(path: Path) -> list[Told]:
    """Runs with their metrics and files to hand over; none while the files are being written."""
    try:
        return list(tell(path))
    except RunError:
        time.sleep(0.1)
        return []


def _is_over(seconds: float) -> bool:
    """Whether the other end of standard input was closed, which is waited for so long."""
    ready, _, _ = select.select([0], [], [], seconds)
    return bool(ready) and not os.read(0, 1)
