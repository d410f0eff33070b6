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
from dltrain.data.dataset import Dataset
from dltrain.storage.run import Run
from dltrain.training.callbacks import EpochCallbacks
from dltrain.training.history import write_history
from dltrain.training.saving.checkpoints import Checkpoints, check_template
from dltrain.training.saving.model_file import Content
from dltrain.training.saving.record import best_monitor
from dltrain.training.saving.state import TrainingState, Values, capture_values, list_states, restore_values, save_state
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
        """As Keras's."""
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

    def write_due(self, *, last: bool = False) -> None:
        """Write what is due, a file at a time: those of all trials are made in one place."""
        self.write(self.due(last=last))

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
        run: its directory.
        dataset: its data.
        template: the model that its files are written with.
        optimizer: Keras's, with the trial's numbers; never built.
        host: where the stack's values can be seen.
        names: of the metrics.
    """

    def __init__(
        self,
        fit: StackedFit,
        index: int,
        run: Run,
        dataset: Dataset,
        template: Template,
        optimizer: Any,
        host: HostCopy,
        names: list[str],
    ) -> None:
        assert fit.config.training is not None
        self.fit, self.index, self.run, self.dataset = fit, index, run, dataset
        self.logger = trial_logger(index)
        self.training: TrainingConfig = fit.config.training
        self.template, self.optimizer, self._host = template, optimizer, host
        self.rows: list[dict[str, float]] = []
        self.manifest: dict[str, Any] = {}
        self.epoch = 0
        self.final: Values | None = None
        self._final_step = 0
        self.ended_as: str | None = None
        self.seconds = 0.0
        has_validation = "validation" in dataset.parts
        columns = [*names, *(f"val_{name}" for name in names if has_validation), "learning_rate"]
        if self.training.checkpoint.filepath:
            check_template(self.training.checkpoint.filepath, ["epoch", *columns])
        self.has_schedule = "learning_rate" not in {variable.name for variable in optimizer.variables}
        given = self.training.optimizer.arguments.get("learning_rate")
        self.curve = given if is_curve(given) else None
        rate = float(np.asarray(optimizer.learning_rate))
        self.view = ModelView(template.model, host, index, rate)
        # TensorBoard is none of a stack's.
        training = replace(self.training, tensorboard=None)
        self.callbacks = EpochCallbacks(self.view, training, columns, has_validation=has_validation, folder=run.path)
        monitor, mode = best_monitor(template.model, training, columns, self.callbacks, has_validation=has_validation)
        self.checkpoints = _StackedCheckpoints(self, run, training.checkpoint, monitor=monitor, mode=mode)

    @property
    def is_running(self) -> bool:
        """Whether it is still trained."""
        return self.ended_as is None

    @property
    def stopped(self) -> bool:
        """Whether it ended, or will, before its epochs are over."""
        return self.view.stop_training or self.ended_as == "pruned"

    @property
    def rate(self) -> float:
        """Its learning rate, where that is no schedule; 0 when it has ended, so that it stays where it is."""
        return self.view.optimizer.learning_rate if self.is_running else 0.0

    def values(self) -> Values:
        """Its weights: those it ended with, or those of now."""
        return self.final if self.final is not None else capture_values(self.view)

    def epoch_end(self, logs: Mapping[str, float], seconds: float, *, stop: bool) -> None:
        """Note an epoch: as `Trainer` does."""
        self.checkpoints.epoch_end(self.epoch, logs)
        stopped = self.callbacks.epoch_end(self.epoch, logs)
        self.rows.append({"epoch": self.epoch + 1, **logs, "seconds": round(seconds, 4)})
        self.logger.debug("epoch %d: %s", self.epoch + 1, ", ".join(f"{name} {value:.6g}" for name, value in logs.items()))
        self.epoch += 1
        self.seconds = 0.0
        if stopped or self.epoch >= self.training.epochs:
            self.end("finished")
        elif stop:
            self.end("pruned")

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
        write_history(self.run.history_file, self.rows)
        plain, arrays = self.callbacks.memory()
        memory = {
            "checkpoints": self.checkpoints.memory(),
            "callbacks": {**plain, "stopped": self.stopped},
            "history": self.rows,
            "epoch_seconds": self.seconds,
            "learning_rate": self.view.optimizer.learning_rate,
            "ended_as": self.ended_as,
            "error": self.fit.error,
        }
        step = step if self.is_running else self._final_step
        state = TrainingState(self.epoch, step, self.values(), metrics, self.checkpoints.best, memory, arrays)
        save_state(self.run, state)
        self.forget_later_states(step)

    def forget_later_states(self, step: int) -> None:
        """Remove states of later moments, which would be taken for newer ones."""
        for path in list_states(self.run):
            if moment_of(path) > (self.epoch, step):
                path.unlink(missing_ok=True)

    def restore(self, state: TrainingState) -> None:
        """Go on from a saved state."""
        self.epoch, self.rows = state.epoch, list(state.memory["history"])
        self.seconds = float(state.memory["epoch_seconds"])
        self.checkpoints.restore(state.memory["checkpoints"], state.best)
        self.callbacks.restore(state.memory["callbacks"], state.arrays)
        self.view.optimizer.learning_rate = float(state.memory["learning_rate"])
        self.fit.error = state.memory["error"]
        if state.memory["ended_as"] is not None:
            self.end(state.memory["ended_as"], state.values, state.step)

    def finish(self) -> None:
        """After training: callbacks end, and the files of best and last model are written."""
        self.checkpoints.write_due()
        if self.ended_as in ("finished", "pruned"):
            self.view.put_back = self.final
            self.callbacks.finish()
            self.final = self.view.put_back
        self.checkpoints.write_due(last=True)

    def dressed_model(self, values: Values) -> Any:
        """The Keras model that is trained, which trials share, with the trial's numbers and these values."""
        model = self.template.model
        for name in NUMBERS[type(self.optimizer).__name__] - {"learning_rate"}:
            setattr(model.optimizer, name, getattr(self.optimizer, name))
        if self.has_schedule:
            model.optimizer._learning_rate = self.optimizer._learning_rate
        restore_values(model, values)
        return model
