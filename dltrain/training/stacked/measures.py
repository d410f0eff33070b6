"""Loss and metrics of K trials: Keras's own functions on stacked tensors."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from dltrain.later import tensorflow as tf
from dltrain.model.heads.head import Head
from dltrain.model.heads.own_units import own_units
from dltrain.training.stacked.numbers import number_of, shaped

_BINARY_LOSSES = {"BinaryCrossentropy", "BinaryFocalCrossentropy"}


class StackedLoss:
    """The loss of each trial; Keras's own function on stacked tensors."""

    def __init__(self, losses: Sequence[Any], heads: Sequence[Head]) -> None:
        self._heads = heads
        self._loss = losses[0]
        self._reduction = self._loss.reduction
        self._smoothing: Any = None
        smoothing = number_of(losses, "label_smoothing") if hasattr(self._loss, "label_smoothing") else None
        if isinstance(smoothing, np.ndarray):
            # Keras asks whether it is zero, which no tensor can answer: the targets are smoothed before.
            self._smoothing = smoothing
            self._loss = copy.copy(self._loss)
            self._loss._fn_kwargs = {**self._loss._fn_kwargs, "label_smoothing": 0.0}

    def of(self, y: Any, y_pred: Any, weights: Any, valid: Any) -> Any:
        """Loss [K] of rows.

        Args:
            y: targets [K or 1, rows, ...].
            y_pred: outputs [K, rows, ...].
            weights: of rows [K or 1, rows], or None.
            valid: float32 [K or 1, rows], 0 for rows that do not count, or None.
        """
        y = for_all(tf.cast(y, "float32"), y_pred.shape[0])
        if self._smoothing is not None:
            smoothing = shaped(self._smoothing, len(y.shape))
            share = 0.5 if type(self._loss).__name__ in _BINARY_LOSSES else 1.0 / y.shape[-1]
            y = y * (1.0 - smoothing) + share * smoothing
        values = self._loss.call(y, y_pred)
        per_row = math.prod(values.shape[2:])
        weight = weights if valid is None else valid if weights is None else weights * valid
        if weight is not None:
            values = values * tf.reshape(weight, [weight.shape[0], -1, *[1] * (len(values.shape) - 2)])
        total = tf.reduce_sum(values, list(range(1, len(values.shape))))
        if self._reduction != "sum":
            if self._reduction == "mean_with_sample_weight" and weights is not None:
                count = tf.reduce_sum(weight, axis=1)
            else:
                count = per_row * (values.shape[1] if valid is None else tf.reduce_sum(valid, axis=1))
            total = tf.math.divide_no_nan(total, tf.cast(count, "float32"))
        return total * self._heads[0].loss_weight


class StackedMetrics:
    """Keras's running metrics of each trial."""

    def __init__(self, model: Any, heads: Sequence[Head]) -> None:
        from keras.src.metrics.reduction_metrics import MeanMetricWrapper

        self._metrics = list(model._compile_metrics.metrics) if model._compile_metrics is not None else []
        self._is_mean = [isinstance(metric, MeanMetricWrapper) for metric in self._metrics]
        self.names = [metric.name for metric in self._metrics]
        known = [id(variable) for variable in model.metrics_variables]
        self._places = [[known.index(id(variable)) for variable in metric.variables] for metric in self._metrics]
        self._loss_places = [known.index(id(variable)) for variable in model._loss_tracker.variables]
        self.units = own_units(heads, stacked=True)

    def update(self, state: Sequence[Any], loss: Any, y: Any, y_pred: Any, valid: Any) -> tuple[Any, ...]:
        """The running metrics after some rows; arguments as in `StackedLoss.of`."""
        values = list(state)
        num_trials, num_rows = y_pred.shape[0], y_pred.shape[1]
        rows = tf.fill([num_trials], float(num_rows))
        if valid is not None:
            valid = for_all(valid, num_trials)
            rows = tf.reduce_sum(valid, axis=1)
        total, count = self._loss_places
        values[total], values[count] = values[total] + loss * rows, values[count] + rows
        y = for_all(y, num_trials)
        if self.units is not None:
            y, y_pred = self.units.of_targets(y), self.units.of_outputs(y_pred)
        true, said = y, y_pred
        for metric, places, is_mean in zip(self._metrics, self._places, self._is_mean):
            relative = None
            if self.units is not None:
                y, y_pred = self.units.seen(metric, true, said)
                relative = self.units.of_relative_differences(metric, true, said)
            if is_mean:
                flat = [tf.reshape(array, [-1, *array.shape[2:]]) for array in (y, y_pred)]
                found = relative if relative is not None else tf.cast(metric._fn(*flat, **metric._fn_kwargs), "float32")
                found = tf.reshape(found, [num_trials, num_rows, -1])
                found = tf.reduce_mean(found, axis=2) if found.shape[2] != 1 else found[:, :, 0]
                found = found if valid is None else found * valid
                values[places[0]] = values[places[0]] + tf.reduce_sum(found, axis=1)
                values[places[1]] = values[places[1]] + rows
                continue
            after = tf.vectorized_map(
                _update_of(metric),
                (tuple(values[p] for p in places), y, y_pred, valid if valid is not None else tf.ones([num_trials, num_rows])),
            )
            for place, value in zip(places, after):
                values[place] = value
        return tuple(values)

    def results(self, state: Sequence[Any]) -> tuple[Any, ...]:
        """Loss and metrics [K]."""
        found = [tf.math.divide_no_nan(state[self._loss_places[0]], state[self._loss_places[1]])]
        for metric, places, is_mean in zip(self._metrics, self._places, self._is_mean):
            if is_mean:
                found.append(tf.math.divide_no_nan(state[places[0]], state[places[1]]))
            else:
                found.append(tf.vectorized_map(metric.stateless_result, tuple(state[place] for place in places)))
        return tuple(found)


def _update_of(metric: Any) -> Any:
    def update(args: Any) -> Any:
        variables, y, y_pred, weight = args
        return tuple(metric.stateless_update_state(list(variables), y, y_pred, sample_weight=weight))

    return update


def for_all(tensor: Any, num_trials: int) -> Any:
    """A tensor that is the same for all trials, once for each."""
    if tensor.shape[0] == num_trials:
        return tensor
    return tf.tile(tensor, [num_trials, *[1] * (len(tensor.shape) - 1)])
