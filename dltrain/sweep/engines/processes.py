"""Fits in warm worker processes: each imports TensorFlow once; data is read once and shared in memory."""

from __future__ import annotations

import contextlib
import os
import selectors
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from dltrain import system
from dltrain.cards import count_cards
from dltrain.data.request import DataRequest
from dltrain.errors import DltrainError, RunError
from dltrain.processes.child import Child
from dltrain.processes.helper import Parcel, receive_parcel
from dltrain.sweep.engines.engine import EngineContext, FitSource
from dltrain.sweep.engines.worker import BEGIN, DATA, DONE, FAULT, FIT, READ, READ_DATA, READY, REPORT, STOP, FitTask
from dltrain.sweep.trials import TrialFit
from dltrain.system import usable_cores
from dltrain.training.session import placement_of

# About 5 to 10 MB of a fit are never given back; a worker that has grown by so much since its first fit is replaced.
MOST_GROWTH = 512 << 20
# What was read stays shared for so many different data sets; fits beyond read their own.
MOST_DATASETS = 8
_POLL_SECONDS = 0.2
_MOST_FAILED_STARTS = 3


class Worker(Child):
    """A worker process as the sweep sees it.

    Attributes:
        fit: what it is fitting, or None.
        ready: TensorFlow is imported and nothing is being fitted.
        first_bytes: its memory after its first fit.
        has: keys of the data that it was sent.
    """

    def __init__(self) -> None:
        super().__init__("dltrain.sweep.engines.worker")
        self.fit: TrialFit | None = None
        self.ready = False
        self.first_bytes: int | None = None
        self.has: list[str] = []
        self.reading: str | None = None


@dataclass(slots=True)
class _Shared:
    """Data that was read or is being read: the parcel, or the error."""

    key: str
    request: DataRequest
    parcel: Parcel | None = None
    error: BaseException | None = None


@dataclass(slots=True)
class _State:
    """What a run of the engine keeps."""

    source: FitSource
    context: EngineContext
    jobs: int
    threads: int | None
    growth: int
    workers: list[Worker] = field(default_factory=list)
    queue: deque[TrialFit] = field(default_factory=deque)
    shared: dict[str, _Shared] = field(default_factory=dict)
    ended: list[TrialFit] = field(default_factory=list)
    reader: Worker | None = None
    any_ended: bool = False
    stopping: bool = False
    failed_starts: int = 0
    told: set[str] = field(default_factory=set)


class ProcessesEngine:
    """Runs each fit as `dltrain fit` would, in one of several worker processes.

    With several jobs each fit computes with one thread unless `--threads` says otherwise; one job has the threads of `fit`.

    Args:
        most_growth: bytes by which a worker may grow.
    """

    name = "processes"

    def __init__(self, most_growth: int = MOST_GROWTH) -> None:
        self._most_growth = most_growth

    def why_not(self, fits: Sequence[TrialFit]) -> str | None:
        """It runs everything, where processes can talk to each other."""
        return system.why_no_processes()

    def run(self, source: FitSource, context: EngineContext) -> Iterator[TrialFit]:
        """As in `Engine`."""
        cores = usable_cores()
        jobs = context.jobs or cores
        state = _State(source, context, jobs, context.threads or (1 if jobs > 1 else None), self._most_growth)
        try:
            yield from _run(state)
        finally:
            for worker in (*state.workers, *([state.reader] if state.reader else [])):
                worker.stop()
            for worker in (*state.workers, *([state.reader] if state.reader else [])):
                worker.close()
            for shared in state.shared.values():
                if shared.parcel is not None:
                    shared.parcel.close()


def _run(state: _State) -> Iterator[TrialFit]:
    while True:
        _notice_signals(state)
        if not state.stopping:
            _take(state)
            _hire(state)
            _hand_out(state)
        for fit in state.ended:
            state.any_ended = True
            yield fit
        if state.ended:
            state.ended.clear()
            continue
        if not any(worker.fit for worker in state.workers) and (state.stopping or not state.queue):
            return
        _listen(state)


def _notice_signals(state: _State) -> None:
    """A signal came: what runs is saved, what waits is left."""
    if state.context.signals.received is None or state.stopping:
        return
    state.stopping = True
    state.queue.clear()
    for worker in state.workers:
        if worker.fit is not None:
            worker.stop()


def _take(state: _State) -> None:
    """Have a fit for each job; what is queued already counts."""
    busy = sum(worker.fit is not None for worker in state.workers)
    wanted = state.jobs - busy - len(state.queue)
    for fit in state.source.take(wanted) if wanted > 0 else ():
        state.queue.append(fit)
        _share(state, fit)


def _share(state: _State, fit: TrialFit) -> None:
    """See to it that a fit's data is read once for all that need it."""
    request = DataRequest.of(fit.config)
    if request.key in state.shared or len(state.shared) >= MOST_DATASETS or not request.is_shared:
        return
    state.shared[request.key] = _Shared(request.key, request)
    _read_next(state)


def _read_next(state: _State) -> None:
    waiting = next((shared for shared in state.shared.values() if shared.parcel is None and shared.error is None), None)
    if waiting is None:
        return
    if state.reader is None:
        state.reader = Worker()
    if state.reader.reading is None:
        state.context.reporter.status("reading data")
        state.reader.reading = waiting.key
        state.reader.send(READ, waiting.request)


def _hire(state: _State) -> None:
    """Have a worker for each fit that waits or runs, as far as there are jobs."""
    idle = sum(worker.fit is None for worker in state.workers)
    while len(state.workers) < state.jobs and idle < len(state.queue):
        worker = Worker()
        # In turn, where there are several cards.
        placement = placement_of(state.queue[0].config.training, len(state.workers) % max(count_cards(), 1))
        worker.send(BEGIN, (state.threads or os.cpu_count(), placement))
        state.workers.append(worker)
        idle += 1


def _hand_out(state: _State) -> None:
    for worker in state.workers:
        if not worker.ready:
            continue
        fit = next((fit for fit in state.queue if _is_there(state, fit)), None)
        if fit is None:
            return
        state.queue.remove(fit)
        shared = state.shared.get(DataRequest.of(fit.config).key)
        if shared is not None and shared.error is not None:
            _refuse(state, fit, shared.error)
            continue
        key = None
        if shared is not None and shared.parcel is not None:
            key = shared.key
            if key not in worker.has:
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                    shared.parcel.send(worker.channel, DATA)
                worker.has.append(key)
        worker.ready, worker.fit = False, fit
        fit.status = "running"
        state.context.observer.fit_started(fit)
        worker.send(FIT, FitTask(fit.config, fit.path, tuple(state.context.argv), state.threads, key))


def _is_there(state: _State, fit: TrialFit) -> bool:
    shared = state.shared.get(DataRequest.of(fit.config).key)
    return shared is None or shared.parcel is not None or shared.error is not None


def _refuse(state: _State, fit: TrialFit, error: BaseException) -> None:
    """The data of a fit cannot be read. Where it is the first that is tried, nothing can be run."""
    if isinstance(error, DltrainError) and not state.any_ended and not any(worker.fit for worker in state.workers):
        raise error
    fit.status, fit.error = "failed", str(error).splitlines()[0]
    state.ended.append(fit)


def _listen(state: _State) -> None:
    """Wait for messages, but not so long that a signal would go unnoticed."""
    everyone = [*state.workers, *([state.reader] if state.reader else [])]
    with selectors.DefaultSelector() as selector:
        for worker in everyone:
            selector.register(worker.channel, selectors.EVENT_READ, worker)
        for key, _ in selector.select(_POLL_SECONDS):
            worker = key.data
            kind, parcel = receive_parcel(worker.channel)
            if kind == READ_DATA and isinstance(parcel, Parcel) and worker.reading is not None:
                state.shared[worker.reading].parcel = parcel
                worker.reading = None
                _read_next(state)
                continue
            if isinstance(parcel, Parcel):
                value = parcel.load()
                parcel.close()
                _handle(state, worker, kind, value)
            else:
                _bury(state, worker)


def _handle(state: _State, worker: Worker, kind: bytes, value: Any) -> None:
    if kind == READY:
        worker.ready = True
        state.failed_starts = 0
    elif kind == REPORT:
        _report(state, worker, value)
    elif kind == FAULT:
        key, error = value
        state.shared[key].error = error
        worker.reading = None
        _read_next(state)
    elif kind == DONE and worker.fit is not None:
        status, error, num_bytes = value
        fit, worker.fit = worker.fit, None
        if status == "interrupted" and not state.stopping:
            state.queue.append(fit)  # somebody else's signal: the fit goes on with what it saved
        else:
            fit.status, fit.error = status, error
            state.ended.append(fit)
        if worker.first_bytes is None:
            worker.first_bytes = num_bytes
        worker.ready = True
        if num_bytes - worker.first_bytes > state.growth:
            state.context.reporter.detail(f"a worker has grown by {(num_bytes - worker.first_bytes) >> 20} MiB and is replaced")
            state.workers.remove(worker)
            worker.close()


def _report(state: _State, worker: Worker, value: tuple[Any, ...]) -> None:
    what, *rest = value
    if what == "epoch" and worker.fit is not None:
        epoch, logs = rest
        if state.context.observer.epoch_end(worker.fit, epoch, logs):
            worker.send(STOP, None)
    elif what == "status":
        state.context.reporter.status(rest[0])
    elif what in ("detail", "warning") and rest[0] not in state.told:
        state.told.add(rest[0])  # every fit says it again
        getattr(state.context.reporter, what)(rest[0])


def _bury(state: _State, worker: Worker) -> None:
    """A worker is gone: what it did has failed, unless it was told to end."""
    words = worker.last_words()
    worker.close(0.0)
    if worker is state.reader:
        state.reader = None
        if worker.reading is not None:
            state.shared[worker.reading].error = RunError(f"the data could not be read: {words}")
        return
    state.workers.remove(worker)
    fit = worker.fit
    if fit is not None:
        fit.status, fit.error = ("interrupted", None) if state.stopping else ("failed", words)
        state.ended.append(fit)
    elif not worker.ready:
        state.failed_starts += 1
        if state.failed_starts >= _MOST_FAILED_STARTS:
            raise RunError(f"no worker process can be started: {words}")
