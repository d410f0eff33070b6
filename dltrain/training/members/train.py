"""The fits of an ensemble's members: as one stacked program, or one after the other where the model cannot be stacked."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from dltrain.config.types import Config
from dltrain.data.dataset import Dataset
from dltrain.errors import DivergenceError, DltrainError, InterruptedRun, RunError
from dltrain.reporting import Reporter
from dltrain.training.session import Session, ShouldStop
from dltrain.training.stacked.fit import Stacks
from dltrain.training.stacked.trial import StackedFit

# Trains one member: (config, data, directory, reporter).
FitOne = Callable[[Config, Dataset, Path, Reporter], object]


class Epochs:
    """Puts together what the members say of an epoch: the mean of those that are still trained.

    Args:
        number: of members.
        reporter: is told of each epoch once.
        should_stop: asked once an epoch; all members end there where it says so.
    """

    def __init__(self, number: int, reporter: Reporter, should_stop: ShouldStop | None) -> None:
        self._reporter, self._should_stop = reporter, should_stop
        self._expected, self._epoch = number, -1
        self._logs: list[Mapping[str, float]] = []
        self._told = time.monotonic()
        self.stopped = False

    def hear(self, member: int, epoch: int, logs: Mapping[str, float]) -> bool:
        """One member's epoch (0-based); returns whether it is to stop."""
        if epoch != self._epoch and self._logs:
            self._tell()
        self._epoch = epoch
        self._logs.append(logs)
        if len(self._logs) == self._expected:
            self._tell()
        return self.stopped

    def _tell(self) -> None:
        logs = mean_of(self._logs)
        self._expected, self._logs = len(self._logs), []
        before, self._told = self._told, time.monotonic()
        self._reporter.epoch_end(self._epoch, logs, self._told - before)
        if self._should_stop is not None and self._should_stop(self._epoch, logs):
            self.stopped = True

    def finish(self) -> None:
        """Report the result of the whole ensemble."""
        if self._logs:
            self._tell()


def mean_of(rows: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The mean of each value."""
    return {name: sum(row[name] for row in rows) / len(rows) for name in rows[0]}


def train_together(
    configs: Sequence[Config],
    datasets: Sequence[Dataset],
    paths: Sequence[Path],
    session: Session,
    epochs: Epochs,
) -> None:
    """Train members as one program; their directories are whole when this returns.

    Raises:
        InterruptedRun: a signal came; all is saved.
        DivergenceError: the loss of a member is no longer finite.
    """
    fits = [StackedFit(config, path) for config, path in zip(configs, paths, strict=True)]
    stacks = Stacks(session, draws=False)
    stacks.fit_on(datasets, fits, on_start=lambda _: None, on_epoch=epochs.hear)
    epochs.finish()
    session.reporter.finished()
    for number, fit in enumerate(fits, 1):
        if fit.status == "interrupted":
            raise InterruptedRun("interrupted; the run is saved", signal_number=session.signals.received or 0)
        if fit.status == "diverged":
            hint = "try a tenth of the learning rate, or `training.clip_norm: 1.0`"
            raise DivergenceError(f"member {number}: {fit.error}", path="training.optimizer.learning_rate", hint=hint)
        if fit.status not in ("finished", "pruned"):
            raise RunError(f"member {number} of the ensemble: {fit.error or fit.status}")


def train_in_turn(
    configs: Sequence[Config],
    datasets: Callable[[int], Dataset],
    paths: Sequence[Path],
    fit_one: FitOne,
    session: Session,
) -> None:
    """Train members one after the other; those that are finished already stay as they are.

    Raises:
        InterruptedRun: a signal came; all is saved.
        DltrainError: what ended a member's fit, with its number.
    """
    reporter, signals = session.reporter, session.signals
    for index, (config, path) in enumerate(zip(configs, paths, strict=True)):
        name = f"member {index + 1} of {len(configs)}"
        reporter.status(name)
        if signals.received is not None:
            raise InterruptedRun(f"interrupted before {name}; the run is saved", signal_number=signals.received)
        try:
            fit_one(config, datasets(index), path, _OneOfSeveral(reporter, is_first=index == 0))
        except InterruptedRun as error:
            raise InterruptedRun(f"{name}: {error.faults[0].message}", signal_number=error.exit_code - 128) from error
        except DltrainError as error:
            error.faults = tuple(replace(fault, message=f"{name}: {fault.message}") for fault in error.faults)
            raise


class _OneOfSeveral(Reporter):
    """Passes on what a member's fit says and was not said of the run."""

    def __init__(self, listener: Reporter, *, is_first: bool) -> None:
        told = ("status", "detail", "warning", "phase_started", "step", "epoch_end", "run_started", "finished")
        for name in (*told, *(("model_ready",) if is_first else ())):
            setattr(self, name, getattr(listener, name))
