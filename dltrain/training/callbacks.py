"""Keras's own epoch-end callbacks, with a memory that can be saved and restored.

EarlyStopping and ReduceLROnPlateau decide exactly as under `fit`, because they are Keras's; `fit` however resets what they
remember when a run goes on, so here it is part of the state.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.config.catalog.metrics import find_column, find_direction
from dltrain.config.types import TrainingConfig
from dltrain.errors import ConfigError, RunError
from dltrain.model.keras_import import import_keras
from dltrain.storage.layout import all_paths
from dltrain.storage.run import Run

_REMEMBERED = {
    "early_stopping": ("wait", "stopped_epoch", "best", "best_epoch"),
    "reduce_lr_on_plateau": ("wait", "best", "cooldown_counter"),
}


def resolve_monitor(wanted: str | None, names: list[str], *, path: str, has_validation: bool) -> str:
    """The history column that a monitor means.

    Args:
        wanted: as in the config; None: `val_loss`, or `loss` where there is no validation part.
        names: the columns that the history will have.
        path: the config key, for the message.
        has_validation: whether there is a validation part.

    Raises:
        ConfigError: there will be no such column.
    """
    if wanted is None:
        return "val_loss" if has_validation else "loss"
    name = find_column(wanted, names)
    if name is not None:
        return name
    prefix = "val_" if wanted.startswith("val_") else ""
    hint = f"the history will have: {', '.join(names)}"
    if prefix and not has_validation:
        hint = "there is no validation part; add `data.split.validation`"
    raise ConfigError(f"{wanted!r} will not exist", path=path, hint=hint)


def metric_direction(training: TrainingConfig, name: str, mode: str, *, path: str) -> str:
    """Whether a monitored value is better "min" or "max".

    Args:
        training: whose metrics tell.
        name: history column.
        mode: "auto" asks the metric; anything else is the answer.
        path: the config key, for the message.

    Raises:
        ConfigError: it is not known.
    """
    direction = mode if mode in ("min", "max") else find_direction(name, training.metrics)
    if direction is None:
        message = f"whether {name!r} should be low or high is not known"
        raise ConfigError(message, path=path, hint="set `mode: min` or `mode: max`")
    return direction


class EpochCallbacks:
    """The callbacks of a run, asked at each epoch's end.

    Args:
        model: a compiled model.
        training: which callbacks, with their arguments.
        names: the columns that the history will have.
        has_validation: whether there is a validation part.
        folder: the run directory, for TensorBoard's files.
        first_epoch: epochs of the phases before; what stops or slows training counts those of its own phase.

    Raises:
        ConfigError: a monitor that will not exist, or arguments that Keras refuses.
    """

    def __init__(
        self,
        model: Any,
        training: TrainingConfig,
        names: list[str],
        *,
        has_validation: bool,
        folder: Path,
        first_epoch: int = 0,
    ) -> None:
        keras = import_keras()
        self._first_epoch = first_epoch
        # At whose end, from 1, the weights were as early stopping has put them back.
        self.restored_epoch: int | None = None
        self._model = model
        self._callbacks: dict[str, Any] = {}
        model.stop_training = False
        classes = {"early_stopping": "EarlyStopping", "reduce_lr_on_plateau": "ReduceLROnPlateau"}
        for key, class_name in classes.items():
            given = getattr(training, key)
            if given is None:
                continue
            path = f"training.{key}"
            monitor = resolve_monitor(given.get("monitor"), names, path=f"{path}.monitor", has_validation=has_validation)
            mode = metric_direction(training, monitor, given.get("mode", "auto"), path=f"{path}.mode")
            try:
                callback = getattr(keras.callbacks, class_name)(**{**given, "monitor": monitor, "mode": mode, "verbose": 0})
            except (ValueError, TypeError) as error:
                raise ConfigError(f"Keras refuses it: {error}", path=path) from error
            self._callbacks[key] = callback
        self._run, self._log_dir = Run(folder), "tensorboard"
        self._tensorboard = None
        if training.tensorboard is not None:
            arguments: dict[str, Any] = copy.deepcopy(dict(training.tensorboard))  # from which Keras takes names out
            self._log_dir = str(arguments.get("log_dir", self._log_dir))
            arguments["log_dir"] = str(self._run.inside(".", self._log_dir))
            self._tensorboard = keras.callbacks.TensorBoard(**arguments)
            self._refuse_links()
        for callback in [*self._callbacks.values(), self._tensorboard]:
            if callback is not None:
                callback.set_params({"epochs": training.epochs, "verbose": 0})
                callback.set_model(model)
                callback.on_train_begin()
        for callback in self._callbacks.values():
            callback._set_monitor_op()

    def epoch_begin(self, epoch: int) -> None:
        """Tell TensorBoard that an epoch begins, or is gone on with: from here on it measures time.

        Args:
            epoch: 0-based.
        """
        if self._tensorboard is not None:
            self._refuse_links()
            self._tensorboard.on_epoch_begin(epoch)

    def epoch_end(self, epoch: int, logs: Mapping[str, float]) -> bool:
        """Ask every callback.

        Args:
            epoch: 0-based.
            logs: the epoch's history row.

        Returns:
            Whether training should stop.
        """
        # A value that is not finite must never be the best one: it is shown to the callbacks as the worst there is.
        for callback in self._callbacks.values():
            seen = dict(logs)
            if not math.isfinite(seen.get(callback.monitor, math.inf)):
                seen[callback.monitor] = math.inf if callback.mode == "min" else -math.inf
            callback.on_epoch_end(epoch - self._first_epoch, seen)
        if self._tensorboard is not None:
            self._refuse_links()  # what measures the validation part is opened now
            self._tensorboard.on_epoch_end(epoch, dict(logs))
        return bool(self._model.stop_training)

    def finish(self) -> bool:
        """End of training: early stopping puts the best weights back where it was asked to; returns whether it did."""
        stopping = self._callbacks.get("early_stopping")
        restored = stopping is not None and stopping.restore_best_weights and stopping.best_weights is not None
        if stopping is not None and restored:
            self.restored_epoch = self._first_epoch + int(stopping.best_epoch) + 1
        for callback in [*self._callbacks.values(), self._tensorboard]:
            if callback is not None:
                callback.on_train_end()
        return restored

    def _refuse_links(self) -> None:
        """Refuse a link in TensorBoard's folder, whose files Keras opens by their paths.

        Raises:
            RunError: there is one, or one in its place.
        """
        folder = self._run.inside(".", self._log_dir)
        for path in all_paths(folder) if folder.exists() else ():
            if path.is_symlink():
                raise RunError(f"{path} is a link", hint="refused as unsafe")

    @property
    def early_stopping_monitor(self) -> tuple[str, str] | None:
        """Early stopping's monitor and mode, if there is early stopping."""
        callback = self._callbacks.get("early_stopping")
        return None if callback is None else (callback.monitor, callback.mode)

    @property
    def changes_learning_rate(self) -> bool:
        """Whether a callback sets the learning rate at epochs' ends."""
        return "reduce_lr_on_plateau" in self._callbacks

    def memory(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """What the callbacks remember: plain values, and arrays."""
        plain: dict[str, Any] = {"stopped": bool(self._model.stop_training)}
        arrays: dict[str, NDArray[Any]] = {}
        for key, callback in self._callbacks.items():
            values = {name: getattr(callback, name) for name in _REMEMBERED[key] if hasattr(callback, name)}
            plain[key] = {
                name: float(value) if isinstance(value, (np.generic, float)) else value for name, value in values.items()
            }
            best_weights = getattr(callback, "best_weights", None)
            if best_weights is not None:
                plain[key]["num_best_weights"] = len(best_weights)
                arrays |= {f"{key}/{index}": np.asarray(array) for index, array in enumerate(best_weights)}
        return plain, arrays

    def restore(self, plain: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
        """Put callbacks back to where `memory` found them."""
        self._model.stop_training = bool(plain.get("stopped", False))
        for key, callback in self._callbacks.items():
            values = dict(plain.get(key, {}))
            count = values.pop("num_best_weights", None)
            for name, value in values.items():
                setattr(callback, name, value)
            if count is not None:
                callback.best_weights = [arrays[f"{key}/{index}"] for index in range(count)]


def best_monitor(
    training: TrainingConfig, columns: list[str], callbacks: EpochCallbacks, *, has_validation: bool
) -> tuple[str | None, str]:
    """The history column that makes a model the best, and whether "min" or "max" of it; None: no best model is kept.

    Raises:
        ConfigError: there will be no such column, or its direction is not known.
    """
    config, path = training.checkpoint, "training.checkpoint"
    early = callbacks.early_stopping_monitor
    if config.monitor is None and early is not None and has_validation:
        return early
    if config.monitor is None and not has_validation:
        return ("loss" if config.filepath and config.save_best_only else None), "min"
    monitor = resolve_monitor(config.monitor, columns, path=f"{path}.monitor", has_validation=has_validation)
    return monitor, metric_direction(training, monitor, config.mode, path=f"{path}.mode")
