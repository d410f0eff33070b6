"""The pace of a fit: what the end of an epoch means for it, whether it is trained by itself or together with others.

A row of the history, callbacks, checkpoints, what is saved for an exact resume, and whether training ends there.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from numpy.typing import NDArray

from dltrain.config.types import TrainingConfig
from dltrain.reporting import Reporter
from dltrain.training.callbacks import EpochCallbacks
from dltrain.training.saving.checkpoints import Checkpoints, check_template
from dltrain.training.saving.state import TrainingState, Values
from dltrain.training.session import ShouldStop


@dataclass(frozen=True, slots=True)
class Phase:
    """Where a phase stands in its run.

    Attributes:
        index: which of the run's phases it is, 0-based.
        count: how many there are.
        first_epoch: epochs of the phases before.
    """

    index: int = 0
    count: int = 1
    first_epoch: int = 0


class Rows(Protocol):
    """Where a row for each epoch goes."""

    rows: list[dict[str, float]]

    def append(self, row: Mapping[str, float], /) -> None:
        """Add an epoch's row."""


class Pace:
    """Where a fit stands, and what an epoch's end means for it.

    Args:
        training: epochs and what ends them, of the phase.
        callbacks: asked at each epoch's end.
        checkpoints: told at each epoch's end.
        history: gets a row an epoch.
        phase: which of the run's phases this is.
        reporter: told of epochs.
        should_stop: asked at each epoch's end, after the callbacks.

    Attributes:
        epoch: 0-based epoch that is under way or comes next.
        seconds: that went into the epoch under way.
        stopped: training ends before its epochs are over.
        pruned: it ends for good, whatever phases would follow, because `should_stop` said so.
        logger: gets a line for each epoch.
    """

    def __init__(
        self,
        training: TrainingConfig,
        callbacks: EpochCallbacks,
        checkpoints: Checkpoints,
        history: Rows,
        *,
        phase: Phase | None = None,
        reporter: Reporter | None = None,
        should_stop: ShouldStop | None = None,
    ) -> None:
        self.training, self.callbacks, self.checkpoints, self.history = training, callbacks, checkpoints, history
        self.phase, self._reporter, self._should_stop = phase or Phase(), reporter or Reporter(), should_stop
        self.epoch = self.phase.first_epoch
        self.seconds = 0.0
        self.stopped = self.pruned = False
        self.logger = logging.getLogger(__name__)

    @property
    def last_epoch(self) -> int:
        """Epochs that are done when the phase is."""
        return self.phase.first_epoch + self.training.epochs

    @property
    def is_over(self) -> bool:
        """Whether no epoch of the phase is left."""
        return self.stopped or self.epoch >= self.last_epoch

    def epoch_end(self, logs: Mapping[str, float], seconds: float) -> None:
        """Note an epoch, and find out whether another one comes.

        Args:
            logs: Keras's names to values.
            seconds: that it took.

        Raises:
            RunError: the history cannot be written.
        """
        epoch, phase = self.epoch, self.phase
        self.checkpoints.epoch_end(epoch, logs)
        self.stopped = self.callbacks.epoch_end(epoch, logs)
        number = {"phase": phase.index + 1} if phase.count > 1 else {}
        self.history.append({"epoch": epoch + 1, **number, **logs, "seconds": round(seconds, 4)})
        self.logger.debug("epoch %d: %s", epoch + 1, ", ".join(f"{name} {value:.6g}" for name, value in logs.items()))
        self._reporter.epoch_end(epoch, logs, seconds)
        asked = self._should_stop is not None and self._should_stop(epoch, logs)
        self.epoch, self.seconds = epoch + 1, 0.0
        if asked and not (self.is_over and phase.index + 1 == phase.count):
            self.stopped = self.pruned = True

    def state(
        self, step: int, values: Values, metrics: list[NDArray[Any]], more: Mapping[str, Any] | None = None
    ) -> TrainingState:
        """All that an exact resume needs.

        Args:
            step: steps of the epoch under way that are done.
            values: of model and optimizer.
            metrics: the running metrics.
            more: what else must be remembered, plain JSON values.
        """
        plain, arrays = self.callbacks.memory()
        memory = {
            "checkpoints": self.checkpoints.memory(),
            "callbacks": plain,
            "history": list(self.history.rows),
            "epoch_seconds": self.seconds,
            "phase": self.phase.index,
            "first_epoch": self.phase.first_epoch,
            **(more or {}),
        }
        return TrainingState(self.epoch, step, values, metrics, self.checkpoints.best, memory, arrays)

    def restore(self, state: TrainingState) -> None:
        """Go on from a saved state; the history begins with its rows already."""
        self.epoch, self.seconds = state.epoch, float(state.memory["epoch_seconds"])
        self.checkpoints.restore(state.memory["checkpoints"], state.best, first_epoch=self.phase.first_epoch)
        self.callbacks.restore(state.memory["callbacks"], state.arrays)
        self.stopped = bool(state.memory["callbacks"]["stopped"])


def history_columns(names: list[str], training: TrainingConfig, *, has_validation: bool) -> list[str]:
    """The columns that the history of a phase will have, beside the epoch.

    Args:
        names: of loss and metrics.
        training: whose template of file names may ask for them.
        has_validation: whether there is a validation part.

    Raises:
        ConfigError: the template asks for another one.
    """
    columns = [*names, *(f"val_{name}" for name in names if has_validation), "learning_rate"]
    if training.checkpoint.filepath:
        check_template(training.checkpoint.filepath, ["epoch", *columns])
    return columns
