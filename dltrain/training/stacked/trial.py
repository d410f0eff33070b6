"""One trial of a stack: its config and files, its callbacks and memory. Its weights are slices of the stack's."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from dltrain.config.curves import is_curve
from dltrain.config.types import CheckpointConfig, Config, TrainingConfig
from dltrain.model.build import make_component
from dltrain.model.keras_import import import_keras
from dltrain.storage.removal import remove_paths
from dltrain.storage.run import Run
from dltrain.training.callbacks import EpochCallbacks, best_monitor
from dltrain.training.history import RowsInMemory
from dltrain.training.pace import Pace, history_columns
from dltrain.training.saving.checkpoints import Checkpoints
from dltrain.training.saving.model_file import Content
from dltrain.training.saving.record import RunRecord
from dltrain.training.saving.state import TrainingState, Values, capture_values, list_states, restore_values, save_state
from dltrain.training.session import ShouldStop
from dltrain.training.stacked.optimizers import NUMBERS
from dltrain.training.stacked.steps import StackedState
from dltrain.training.stacked.templates import Template


@dataclass(slots=True)
class StackedFit:
    """One of the fits that are trained together.

    Attributes:
        config: its whole config.
        path: its run directory; an interrupted run in it is gone on with.
        status: "waiting", then "running", then "finished", "pruned", "diverged", "failed" or "interrupted".
        error: what happened, for "failed" and "diverged".
    """

    config: Config
    path: Path
    status: str = "waiting"
    error: str | None = None


class HostCopy:
    """The stack's tensors as arrays, copied when they are first looked at."""

    def __init__(self) -> None:
        self._groups: tuple[Sequence[Any], Sequence[Any], Sequence[Any]] = ((), (), ())
        self._arrays: dict[tuple[int, int], NDArray[Any]] = {}

    def show(self, state: StackedState) -> None:
        """From now on these are the values."""
        self._groups, self._arrays = (state.model, state.optimizer, state.metrics), {}

    def slice(self, group: int, index: int, trial: int) -> NDArray[Any]:
        """A trial's values of one variable: of the model (0), the optimizer (1) or the metrics (2)."""
        if (group, index) not in self._arrays:
            self._arrays[group, index] = self._groups[group][index].numpy()
        array: NDArray[Any] = self._arrays[group, index][trial]
        return array

    def metrics(self, trial: int) -> list[NDArray[Any]]:
        """A trial's running metrics."""
        return [np.array(self.slice(2, index, trial)) for index in range(len(self._groups[2]))]


class _Slice:
    """A trial's part of a stacked variable, as `capture_values` looks at variables."""

    def __init__(self, host: HostCopy, group: int, index: int, trial: int) -> None:
        self._host, self._group, self._index, self._trial = host, group, index, trial

    def numpy(self) -> NDArray[Any]:
        return self._host.slice(self._group, self._index, self._trial)


class _OptimizerView:
    """A trial's optimizer, as callbacks look at optimizers."""

    def __init__(self, variables: Sequence[Any], rate: float) -> None:
        self.variables, self.learning_rate = variables, rate


class ModelView:
    """A trial's model, as callbacks and checkpoints look at models."""

    def __init__(self, model: Any, host: HostCopy, trial: int, rate: float) -> None:
        self.metrics = model.metrics
        self.stop_training = False
        self.variables = [_Slice(host, 0, index, trial) for index in range(len(model.variables))]
        self.optimizer = _OptimizerView([_Slice(host, 1, i, trial) for i in range(len(model.optimizer.variables))], rate)
        places = {id(variable): index for index, variable in enumerate(model.variables)}
        self._weights = [places[id(weight)] for weight in model.weights]
        self.put_back: Values | None = None

    def get_weights(self) -> list[NDArray[Any]]:
        """The weights, as Keras's `Model.get_weights` gives them."""
        return [np.array(self.variables[place].numpy()) for place in self._weights]

    def set_weights(self, weights: Sequence[NDArray[Any]]) -> None:
        """Weights that a callback puts back at the end."""
        values = [np.array(variable.numpy()) for variable in self.variables] if self.put_back is None else self.put_back.model
        for place, weight in zip(self._weights, weights):
            values[place] = weight
        now = capture_values(self).optimizer if self.put_back is None else self.put_back.optimizer
        self.put_back = Values(values, now)


def moment_of(state_file: Path) -> tuple[int, int]:
    """Epoch and step of a state file, by its name."""
    _, epoch, step = state_file.stem.split("-")
    return int(epoch), int(step)


class _StackedCheckpoints(Checkpoints):
    """Checkpoints of a trial, written with a Keras model that several share."""

    def __init__(self, trial: StackedTrial, run: Run, config: CheckpointConfig, *, monitor: str | None, mode: str) -> None:
        super().__init__(run, trial.view, config, monitor=monitor, mode=mode, whole=trial.template.whole)
        self._trial = trial

    def _content(self, values: Values | None, *, weights_only: bool = False) -> Content:
        def write(file: BinaryIO) -> None:
            self._trial.dressed_model(values or self._trial.values())
            self._trial.template.file.prepare(weights_only=weights_only)(file)

        return write


def trial_logger(index: int) -> logging.Logger:
    """Where a trial of a stack says what is its own; the sweep's log is not for that."""
    logger = logging.getLogger(f"dltrain.stacked_trial.{index}")
    logger.propagate = False
    return logger


class StackedTrial:
    """A trial while it is trained.

    Args:
        fit: config and place.
        index: its place in the stack.
        record: of its run: directory, data, who is told.
        template: the model that its files are written with.
        host: where the stack's values can be seen.
        names: of loss and metrics.
        should_stop: asked at each epoch's end.
    """

    def __init__(
        self,
        fit: StackedFit,
        index: int,
        record: RunRecord,
        template: Template,
        host: HostCopy,
        names: list[str],
        should_stop: ShouldStop,
    ) -> None:
        self.fit, self.index, self.record, self.run, self.dataset = fit, index, record, record.run, record.dataset
        self.logger = trial_logger(index)
        # TensorBoard is none of a stack's.
        self.training: TrainingConfig = replace(fit.config.needed_training, tensorboard=None)
        self.template, self._host = template, host
        self.optimizer = make_component(import_keras(), self.training.optimizer)  # with the trial's numbers, never built
        self.final: Values | None = None
        self._final_step = 0
        self.ended_as: str | None = None
        self.has_schedule = "learning_rate" not in {variable.name for variable in self.optimizer.variables}
        given = self.training.optimizer.arguments.get("learning_rate")
        self.curve = given if is_curve(given) else None
        self.view = ModelView(template.model, host, index, float(np.asarray(self.optimizer.learning_rate)))
        self.history = RowsInMemory(record.run.history_file)
        self.pace = self._pace(names, should_stop)

    def _pace(self, names: list[str], should_stop: ShouldStop) -> Pace:
        has_validation = "validation" in self.dataset.parts
        columns = history_columns(names, self.training, has_validation=has_validation)
        callbacks = EpochCallbacks(self.view, self.training, columns, has_validation=has_validation, folder=self.run.path)
        monitor, mode = best_monitor(self.training, columns, callbacks, has_validation=has_validation)
        checkpoints = _StackedCheckpoints(self, self.run, self.training.checkpoint, monitor=monitor, mode=mode)
        pace = Pace(self.training, callbacks, checkpoints, self.history, should_stop=should_stop)
        pace.logger = self.logger
        return pace

    @property
    def is_running(self) -> bool:
        """Whether it is still trained."""
        return self.ended_as is None

    @property
    def rate(self) -> float:
        """Its learning rate, where that is no schedule; 0 when it has ended, so that it stays where it is."""
        return self.view.optimizer.learning_rate if self.is_running else 0.0

    def write_due(self, *, last: bool = False) -> None:
        """Write the files that are due, one at a time: those of all trials are made in one place."""
        self.pace.checkpoints.write(self.pace.checkpoints.due(last=last))

    def values(self) -> Values:
        """Its weights: those it ended with, or those of now."""
        return self.final if self.final is not None else capture_values(self.view)

    def epoch_end(self, logs: Mapping[str, float], seconds: float) -> None:
        """Note an epoch, and take the trial out of the training where that was its last."""
        self.pace.epoch_end(logs, self.pace.seconds + seconds)
        if self.pace.is_over:
            self.end("pruned" if self.pace.pruned else "finished")

    def end(self, status: str, values: Values | None = None, step: int = 0) -> None:
        """Take the trial out of the training; its weights are kept as they are, or as given with the step they are from."""
        self.final = values or capture_values(self.view)
        self.ended_as, self._final_step = status, step

    def save(self, step: int, metrics: list[NDArray[Any]]) -> None:
        """Write all that an exact resume needs, as `fit` does.

        Args:
            step: of the epoch under way, of the whole stack.
            metrics: the running metrics.
        """
        self.history.write()
        more = {"learning_rate": self.view.optimizer.learning_rate, "ended_as": self.ended_as, "error": self.fit.error}
        if not self.is_running:  # it goes on from no middle of an epoch; the stack has run on, or was taken up elsewhere, since
            step, metrics = self._final_step, [np.zeros_like(values) for values in metrics]
        state = self.pace.state(step, self.values(), metrics, more)
        state.memory["callbacks"]["stopped"] = self.pace.stopped
        save_state(self.run, state)
        self.forget_later_states(step)

    def forget_later_states(self, step: int) -> None:
        """Remove states of later moments, which would be taken for newer ones."""
        remove_paths(path for path in list_states(self.run) if moment_of(path) > (self.pace.epoch, step))

    def has_ended(self, state: TrainingState) -> bool:
        """Whether a saved state is that of a training that is over; one whose epochs were raised since goes on."""
        ended, stopped = state.memory["ended_as"], bool(state.memory["callbacks"]["stopped"])
        goes_on = ended == "finished" and not stopped and state.epoch < self.training.epochs
        return ended is not None and not goes_on

    def restore(self, state: TrainingState) -> None:
        """Go on from a saved state."""
        self.history.rows = list(state.memory["history"])
        self.pace.restore(state)
        self.view.optimizer.learning_rate = float(state.memory["learning_rate"])
        self.fit.error = state.memory["error"]
        if self.has_ended(state):
            self.end(state.memory["ended_as"], state.values, state.step)

    def finish(self) -> None:
        """After training: callbacks end, and the files of best and last model are written."""
        self.write_due()
        if self.ended_as in ("finished", "pruned"):
            self.view.put_back = self.final
            self.pace.callbacks.finish()
            self.final = self.view.put_back
        self.write_due(last=True)

    def dressed_model(self, values: Values) -> Any:
        """The Keras model that is trained, which trials share, with the trial's numbers and these values."""
        model = self.template.model
        for name in NUMBERS[type(self.optimizer).__name__] - {"learning_rate"}:
            setattr(model.optimizer, name, getattr(self.optimizer, name))
        if self.has_schedule:
            model.optimizer._learning_rate = self.optimizer._learning_rate
        restore_values(model, values)
        return model
