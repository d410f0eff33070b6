"""The compiled steps of K trials: many steps of training in one call, and the passes that judge them."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dltrain.config.curves import curve_at
from dltrain.config.types import Component
from dltrain.later import tensorflow as tf
from dltrain.model.heads.head import Head
from dltrain.training.curves import TensorMath
from dltrain.training.loop import Tensors
from dltrain.training.stacked.layers import Pass
from dltrain.training.stacked.measures import StackedLoss, StackedMetrics, for_all
from dltrain.training.stacked.numbers import number_of, shaped
from dltrain.training.stacked.optimizers import StackedOptimizer
from dltrain.training.stacked.rows import Orders, StackedPart

# Numbers that all trials together may put through one evaluation batch.
_BATCH_NUMBERS = 1 << 21


class StackedState(NamedTuple):
    """Where K trials stand; tensors [K, ...].

    Attributes:
        model: in the order of Keras's `model.variables`.
        optimizer: in the order of Keras's `optimizer.variables`.
        metrics: in the order of Keras's `model.metrics_variables`.
    """

    model: tuple[Any, ...]
    optimizer: tuple[Any, ...]
    metrics: tuple[Any, ...]


class StackedSteps:
    """Trains and evaluates K models of one structure.

    Args:
        models: a compiled Keras model a trial, trials may share one; the first has its optimizer and its metrics built.
        optimizers: Keras's, one a trial; the first is that of the first model.
        heads: the model's one head, a trial.
        orders: how the training part is gone through.
        jit_compile: compile training steps with XLA.
        weight_decay: the curve that the optimizers' weight decay follows; None: it is a number.
    """

    def __init__(
        self,
        models: Sequence[Any],
        optimizers: Sequence[Any],
        heads: Sequence[Head],
        losses: Sequence[Any],
        *,
        orders: Orders,
        jit_compile: bool,
        weight_decay: Component | None = None,
    ) -> None:
        self.models, self.model, self.num_trials = models, models[0], len(models)
        self.batch_size, self._orders = orders.batch_size, orders
        self._optimizer = StackedOptimizer(optimizers, self.model.trainable_variables)
        variables = [id(variable) for variable in self.model.variables]
        self._trainable = [variables.index(id(variable)) for variable in self.model.trainable_variables]
        self._weight_decay = weight_decay
        self._loss = StackedLoss(losses, heads)
        self._metrics = StackedMetrics(self.model, heads)
        self.model.reset_metrics()
        values = [np.asarray(variable) for variable in self.model.metrics_variables]
        self._fresh = [np.repeat(value[None], self.num_trials, axis=0) for value in values]
        self.metric_names = ["loss", *self._metrics.names]
        self._any = tf.function(functools.partial(self._many_steps, gaps=orders.has_gaps), autograph=False)
        # As in `CompiledLoop`: XLA draws other random numbers, and compiles for one number of rows.
        full = functools.partial(self._many_steps, gaps=False)
        self._full = tf.function(full, autograph=False, jit_compile=True) if jit_compile else None
        self._results = tf.function(functools.partial(self._metrics.results), autograph=False)
        self._evaluations: dict[Any, Any] = {}

    def train(
        self, state: StackedState, data: Tensors, order: Any, rates: Any, first: int, count: int
    ) -> tuple[StackedState, Any]:
        """Train `count` steps, beginning with step `first` of an epoch.

        Args:
            state: where the trials stand.
            data: all rows.
            order: row numbers [K or 1, steps * batch_size].
            rates: of the epoch's steps [K, steps, 2]: the learning rate, and the share of the training that is done.
            first: step number.
            count: how many steps.

        Returns:
            Where they stand now; and of each trial the first step in which its loss was not finite, else -1.
        """
        arrays = ((data.inputs, data.targets, data.weights or ()), order, rates)
        num_full = 0 if self._full is None else min(count, max(0, int(self._orders.num_rows.min()) // self.batch_size - first))
        bad = None
        if self._full is not None and num_full:
            state, bad = self._full(state, *arrays, tf.constant(first), tf.constant(num_full))
        if num_full < count:
            state, later = self._any(state, *arrays, tf.constant(first + num_full), tf.constant(count - num_full))
            bad = later if bad is None else tf.where(bad >= 0, bad, later)
        return state, bad

    def results(self, metrics: Sequence[Any]) -> dict[str, NDArray[np.float64]]:
        """Metric values [K] by name from running metrics."""
        values = self._results(tuple(metrics))
        return {name: np.asarray(value, np.float64) for name, value in zip(self.metric_names, values)}

    def evaluate(self, model: Sequence[Any], part: StackedPart, *, outputs: bool) -> tuple[dict[str, NDArray[np.float64]], Any]:
        """Loss and metrics [K] over a part, by name; and each trial's outputs for its rows, if asked for.

        Args:
            model: tensors [K, ...], in the order of Keras's `model.variables`.
            part: the rows.
            outputs: whether to keep the outputs.
        """
        numbers = sum(math.prod(tensor.shape[1:]) for tensor in part.tensors.inputs)
        batch_size = int(min(1024, max(16, _BATCH_NUMBERS // max(1, numbers * self.num_trials))))
        shared = part.is_shared
        data, kept = part.tensors, 1 if shared else self.num_trials
        groups = (data.inputs, data.targets, data.weights or ())
        key = (outputs, shared, batch_size, data.weights is None)
        if key not in self._evaluations:

            def run(*args: Any) -> Any:
                return self._all_rows(*args, batch_size=batch_size, outputs=outputs)

            row = tf.TensorSpec([kept], tf.int32)
            stacked = tuple(tf.TensorSpec.from_tensor(tensor) for tensor in model)
            signature = (stacked, tuple(map(_any_rows, groups)), row, row)
            self._evaluations[key] = tf.function(functools.partial(run), autograph=False, input_signature=signature)
        first = tf.constant(part.first[:kept], tf.int32)
        rows = tf.constant(part.num_rows[:kept], tf.int32)
        values, found = self._evaluations[key](tuple(model), groups, first, rows)
        logs = {name: np.asarray(value, np.float64) for name, value in zip(self.metric_names, values)}
        if not outputs:
            return logs, None
        found = np.moveaxis(found.numpy(), 0, 1)
        found = found.reshape(found.shape[0], -1, *found.shape[3:])
        return logs, [array[:count] for array, count in zip(found, part.num_rows.tolist())]

    def set_smearing(self, heads: Sequence[Head]) -> None:
        """From now on metrics count outputs with the smearing of these heads, one a trial."""
        if self._metrics.units is not None:
            self._metrics.units.set_smearing(heads)

    def fresh_metrics(self) -> tuple[Any, ...]:
        """Running metrics of an epoch's beginning [K, ...]."""
        return tuple(tf.constant(array) for array in self._fresh)

    def _many_steps(self, state: StackedState, data: Any, order: Any, rates: Any, first: Any, count: Any, *, gaps: bool) -> Any:
        """Train `count` steps; `data` are the groups of tensors of inputs, targets and weights."""
        orders = self._orders

        def body(step: Any, bad: Any, state: StackedState) -> Any:
            index = tf.slice(order, [0, step * self.batch_size], [order.shape[0], self.batch_size])
            index = tf.ensure_shape(index, [order.shape[0], self.batch_size])
            valid = None
            if gaps:
                position = step * self.batch_size + tf.range(self.batch_size)
                valid = tf.cast(position < tf.constant(orders.num_rows[:, None], tf.int32), tf.float32)
            x, y, w = [tuple(tf.gather(tensor, index) for tensor in group) for group in data]
            loss, after = self._step(state, x, y, w, valid, rates[:, step, 0], rates[:, step, 1])
            if valid is not None and orders.is_uneven:
                there = tf.reduce_any(valid > 0, axis=1)
                after = tf.nest.map_structure(
                    lambda new, old: tf.where(tf.reshape(there, [-1, *[1] * (len(new.shape) - 1)]), new, old), after, state
                )
                loss = tf.where(there, loss, 0.0)
            bad = tf.where(tf.logical_and(bad < 0, tf.logical_not(tf.math.is_finite(loss))), step, bad)
            return step + 1, bad, after

        start = (first, tf.fill([self.num_trials], -1), state)
        _, bad, state = tf.while_loop(lambda step, *_: step < first + count, body, start, parallel_iterations=1)
        return state, bad

    def _step(self, state: StackedState, inputs: Any, targets: Any, weights: Any, valid: Any, rate: Any, share: Any) -> Any:
        trained = [state.model[place] for place in self._trainable]
        with tf.GradientTape() as tape:
            tape.watch(trained)
            values = {id(variable): value for variable, value in zip(self.model.variables, state.model)}
            run = Pass(self.models, values, training=True, valid=valid, tape=tape, share=share)
            y_pred = run.run(inputs)[0]
            loss = self._loss.of(targets[0], y_pred, weights[0] if weights else None, valid)
            loss = loss + self._penalties(values) + run.penalty
        vectors = [found for _, found in run.looked_up.values()]
        gradients = tape.gradient(loss, [*trained, *vectors], unconnected_gradients=tf.UnconnectedGradients.ZERO)
        squares: dict[int, Any] = {}
        for (key, (index, _)), gradient in zip(run.looked_up.items(), gradients[len(trained) :]):
            place = [id(variable) for variable in self.model.trainable_variables].index(key)
            gradients[place], squares[place] = _of_table(gradient, index, trained[place].shape)
        decay = None if self._weight_decay is None else curve_at(self._weight_decay, share, TensorMath)
        new, memory = self._optimizer.apply(gradients[: len(trained)], trained, state.optimizer, rate, squares, decay)
        model = [run.updates.get(id(variable), value) for variable, value in zip(self.model.variables, state.model)]
        for place, value in zip(self._trainable, new):
            model[place] = value
        metrics = self._metrics.update(state.metrics, loss, targets[0], y_pred, valid)
        # Statistics of rows that all trials share come once for all.
        model = [for_all(value, self.num_trials) for value in model]
        return loss, StackedState(tuple(model), tuple(memory), metrics)

    def _all_rows(self, model: Any, data: Any, first: Any, rows: Any, *, batch_size: int, outputs: bool) -> Any:
        """Metrics and outputs over a part; `data` are the groups of tensors of inputs, targets and weights."""
        num_batches = (tf.reduce_max(rows) + batch_size - 1) // batch_size
        output = self.model.outputs[0]
        shape = (self.num_trials, batch_size, *output.shape[1:])
        kept = tf.TensorArray(output.dtype, size=num_batches if outputs else 0, element_shape=shape)

        def body(batch: Any, metrics: Any, kept: Any) -> Any:
            position = batch * batch_size + tf.range(batch_size)
            valid = tf.cast(position < rows[:, None], tf.float32)
            index = first[:, None] + tf.minimum(position, rows[:, None] - 1)
            x, y, w = [tuple(tf.gather(tensor, index) for tensor in group) for group in data]
            values = {id(variable): value for variable, value in zip(self.model.variables, model)}
            run = Pass(self.models, values, training=False, valid=valid)
            y_pred = for_all(run.run(x)[0], self.num_trials)
            loss = self._loss.of(y[0], y_pred, w[0] if w else None, valid) + self._penalties(values) + run.penalty
            # A trial of which no row is in this batch has no loss in it.
            loss = tf.where(tf.reduce_any(valid > 0, axis=1), loss, 0.0)
            metrics = self._metrics.update(metrics, loss, y[0], y_pred, valid)
            return batch + 1, metrics, kept.write(batch, y_pred) if outputs else kept

        start = (tf.constant(0), self.fresh_metrics(), kept)
        _, metrics, kept = tf.while_loop(lambda batch, *_: batch < num_batches, body, start, parallel_iterations=1)
        return self._metrics.results(metrics), kept.stack() if outputs else tf.zeros([])

    def _penalties(self, values: Any) -> Any:
        """What the regularizers add to each trial's loss."""
        total: Any = 0.0
        for index, variable in enumerate(self.model.trainable_variables):
            if variable.regularizer is None:
                continue
            owners = [model.trainable_variables[index].regularizer for model in self.models]
            value, axes = values[id(variable)], list(range(1, len(variable.shape) + 1))
            for name, measure in (("l1", tf.abs), ("l2", tf.square)):
                factor = number_of(owners, name) if hasattr(owners[0], name) else 0.0
                if np.any(factor):
                    total = total + shaped(factor, 1) * tf.reduce_sum(measure(value), axes)
        return total


def _of_table(gradient: Any, index: Any, shape: Any) -> tuple[Any, Any]:
    """The gradient of an embedding's table from that of the vectors found in it, and its square as Keras has it.

    Keras squares what each row of the batch adds to the gradient by itself, and sums then.
    """
    num_trials, num_words, width = shape
    place = index + tf.reshape(tf.range(num_trials) * num_words, [-1, *[1] * (len(index.shape) - 1)])
    flat, place = tf.reshape(gradient, [-1, width]), tf.reshape(place, [-1])
    sums = [tf.math.unsorted_segment_sum(values, place, num_trials * num_words) for values in (flat, tf.square(flat))]
    return tf.reshape(sums[0], shape), tf.reshape(sums[1], shape)


def _any_rows(tensors: Sequence[Any]) -> tuple[Any, ...]:
    """Specifications of tensors with any number of rows, so that one program serves all parts."""
    return tuple(tf.TensorSpec([None, *tensor.shape[1:]], tensor.dtype) for tensor in tensors)
