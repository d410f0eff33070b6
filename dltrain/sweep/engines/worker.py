"""A worker process: imports TensorFlow once and fits what it is given, one fit after the other; or reads data for the others.

Started as `python -c "from dltrain.sweep.engines.worker import main; main(3, 4)"`: it inherits nothing from the sweep but two
descriptors, a socket for messages and a pipe that says, by its end, that the sweep is gone.
"""

from __future__ import annotations

import gc
import select
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dltrain import system
from dltrain.config.types import Config
from dltrain.data.dataset import Dataset
from dltrain.data.request import DataRequest, SharedReader
from dltrain.errors import DltrainError
from dltrain.processes.child import begin_child
from dltrain.processes.helper import ForwardingReporter, receive_message, send_message

# Kinds of messages. To the worker: import TensorFlow, read data, data that was read, fit, stop the fit that is running.
BEGIN, READ, DATA, FIT, STOP = b"b", b"l", b"d", b"f", b"s"
# From the worker: what is reported, data that was read, what became of a fit, it is ready, data could not be read.
REPORT, READ_DATA, DONE, READY, FAULT = b"r", b"D", b"v", b"y", b"e"
# A worker keeps this many data sets that it was sent.
_KEPT = 8


@dataclass(frozen=True, slots=True)
class FitTask:
    """A fit as a worker gets it.

    Attributes:
        config: whole.
        path: the run directory.
        argv: for the manifest.
        threads: for one operation.
        data: key of data that the worker was sent before; None: it reads its own.
    """

    config: Config
    path: Path
    argv: tuple[str, ...]
    threads: int | None
    data: str | None


class _Reporter(ForwardingReporter):
    """Sends warnings, details and epochs; stages of a single fit are of no interest."""

    def status(self, text: str) -> None:
        """Status lines are not sent to the parent process."""

    def run_started(self, run: str, first_epoch: int, num_epochs: int, num_steps: int) -> None:
        """As in `Reporter`."""
        send_message(self._channel, REPORT, ("started", first_epoch))

    def epoch_end(self, epoch: int, logs: Mapping[str, float], seconds: float) -> None:
        """As in `Reporter`."""
        send_message(self._channel, REPORT, ("epoch", epoch, dict(logs)))


def main(descriptor: int, lifeline: int) -> None:
    """Serve until the sweep closes the socket.

    Args:
        descriptor: of the socket.
        lifeline: of the reading end of a pipe whose other end only the sweep holds.
    """
    channel = begin_child(descriptor, lifeline)
    try:
        _serve(channel)
    except (BrokenPipeError, ConnectionResetError):
        sys.exit(1)  # the sweep is gone


def _serve(channel: socket.socket) -> None:
    datasets: dict[str, Dataset] = {}
    reader = SharedReader()
    while True:
        kind, value = receive_message(channel)
        if kind == BEGIN:
            from dltrain.model.keras_import import import_keras

            threads, placement = value
            import_keras(threads, placement=placement)
            import dltrain.sweep.engines.run_fit  # noqa: F401 - the trainer, while the data is still being read
        elif kind == READ:
            _read(channel, value, reader)
            continue
        elif kind == DATA:
            key, dataset = value
            datasets[key] = dataset
            while len(datasets) > _KEPT:
                del datasets[next(iter(datasets))]
            continue
        elif kind == FIT:
            _fit(channel, value, datasets)
        elif kind == STOP:
            continue  # the fit that it was meant for has ended by itself
        else:
            return
        if kind == BEGIN:
            send_message(channel, READY, _resident_bytes())


def _fit(channel: socket.socket, task: FitTask, datasets: Mapping[str, Dataset]) -> None:
    from dltrain.model.keras_import import import_keras
    from dltrain.sweep.engines.run_fit import run_fit

    stopped = False

    def should_stop(epoch: int, logs: Mapping[str, float]) -> bool:
        nonlocal stopped
        if select.select([channel], [], [], 0)[0]:
            kind, _ = receive_message(channel)
            stopped = kind == STOP
        return stopped

    status, error = run_fit(
        task.config,
        task.path,
        argv=task.argv,
        threads=task.threads,
        reporter=_Reporter(channel),
        dataset=datasets.get(task.data) if task.data is not None else None,
        should_stop=should_stop,
        was_stopped=lambda: stopped,
    )
    import_keras().utils.clear_session()
    gc.collect()
    send_message(channel, DONE, (status, error, _resident_bytes()))


def _read(channel: socket.socket, request: DataRequest, reader: SharedReader) -> None:
    """Read the data of some fits."""
    key = request.key
    try:
        dataset = reader.load(request, reporter=ForwardingReporter(channel))
    except DltrainError as error:
        send_message(channel, FAULT, (key, error))
    except Exception as error:
        send_message(channel, FAULT, (key, RuntimeError(f"{type(error).__name__}: {error}")))
    else:
        send_message(channel, READ_DATA, (key, dataset))


def _resident_bytes() -> int:
    """Memory that this process holds for itself; memory shared with others is not counted."""
    _, resident, shared = system.bytes_of_process()
    return resident - shared
