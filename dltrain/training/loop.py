"""The compiled training loop: many steps of Keras's own `train_step` in one call, over data held as tensors.

Python is entered once per chunk of steps, not once per step. The rows of step s of an epoch are
`order[s * batch_size : (s + 1) * batch_size]`; nothing else depends on how the steps are cut into calls.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.later import tensorflow as tf
from dltrain.model.build import keras_refusals
from dltrain.model.compile import inner_optimizer
from dltrain.model.pixels import take_rows
from dltrain.training.curves import Curves
from dltrain.training.workers.group import Alone


@dataclass(frozen=True, slots=True)
class Tensors:
    """Rows as TensorFlow tensors: one per model input, one per target, and weights of rows (one per target) or None.

    An input may be a `PixelTensor`: `take_rows` takes rows of either kind.
    """

    inputs: tuple[Any, ...]
    targets: tuple[Any, ...]
    weights: tuple[Any, ...] | None


class CompiledLoop:
    """Runs training steps of a compiled model.

    Args:
        model: a compiled Keras model with a built optimizer.
        batch_size: rows a step; the last step of an epoch takes what is left.
        jit_compile: compile full steps with XLA. The epoch's last, smaller step is then compiled without.
        curves: numbers that change with the steps; None: there are none.
        corrupt: what is done to the first input: (rows, number of the step since the run began) -> rows.
        group: the processes that share the rows of each step; None: this one has them all.
    """

    def __init__(
        self,
        model: Any,
        batch_size: int,
        *,
        jit_compile: bool,
        corrupt: Callable[[Any, Any], Any] | None = None,
        curves: Curves | None = None,
        group: Alone | None = None,
    ) -> None:
        self.model = model
        self.batch_size = batch_size
        self.jit_compile = jit_compile
        self.corrupt = corrupt
        self.curves = curves
        self.group = group or Alone()
        # `partial`: see `Forward`.
        self._any = tf.function(functools.partial(self._any_steps), autograph=False, reduce_retracing=True)
        full = functools.partial(self._full_steps)
        self._full = tf.function(full, autograph=False, jit_compile=True) if jit_compile else None

    def run(self, data: Tensors, order: Any, first: int, count: int) -> int:
        """Train `count` steps, beginning with step `first` of the given order.

        Args:
            data: the rows.
            order: int32 tensor of row numbers.
            first: step number within `order`.
            count: how many steps; the last one may be smaller than the batch size.

        Returns:
            -1, or the step after which the loss was no longer finite; no step was made after it.

        Raises:
            ConfigError: a layer cannot be computed in training (found when the first call is compiled).
            WorkerLostError: another process of the fit is gone.
        """
        with keras_refusals(), self.group.guarded():
            return self._run(data, order, first, count)

    def _run(self, data: Tensors, order: Any, first: int, count: int) -> int:
        if self._full is None:
            return int(self._any(data.inputs, data.targets, data.weights, order, tf.constant(first), tf.constant(count)))
        num_full = min(count, max(0, int(order.shape[0]) // self.batch_size - first))
        bad = -1
        if num_full:
            bad = int(self._full(data.inputs, data.targets, data.weights, order, tf.constant(first), tf.constant(num_full)))
        if bad < 0 and num_full < count:
            tail = order[(first + num_full) * self.batch_size :]
            bad = int(self._any(data.inputs, data.targets, data.weights, tail, tf.constant(0), tf.constant(1)))
            bad = first + num_full if bad >= 0 else -1
        return bad

    def _any_steps(self, inputs: Any, targets: Any, weights: Any, order: Any, first: Any, count: Any) -> Any:
        num_rows = tf.shape(order)[0]

        def rows(step: Any) -> Any:
            return order[step * self.batch_size : tf.minimum((step + 1) * self.batch_size, num_rows)]

        return self._steps(inputs, targets, weights, rows, first, count)

    def _full_steps(self, inputs: Any, targets: Any, weights: Any, order: Any, first: Any, count: Any) -> Any:
        def rows(step: Any) -> Any:
            return tf.slice(order, [step * self.batch_size], [self.batch_size])

        return self._steps(inputs, targets, weights, rows, first, count)

    def _steps(self, inputs: Any, targets: Any, weights: Any, rows: Any, first: Any, count: Any) -> Any:
        def one_or_all(tensors: list[Any]) -> Any:
            return tensors[0] if len(tensors) == 1 else tensors

        def corrupt(taken: Any) -> Any:
            assert self.corrupt is not None
            # The optimizer counts the run's steps, and comes back with the state on a resume.
            return self.corrupt(taken, inner_optimizer(self.model.optimizer)._iterations.value)

        def body(step: Any, bad: Any) -> Any:
            with self.group.step(self.model, rows(step)) as share:
                index = share.index
                taken = [take_rows(tensor, index) for tensor in inputs]
                if self.corrupt is not None:
                    taken[0] = share.of_all(corrupt, taken[0])
                x = one_or_all(taken)
                y = one_or_all([tf.gather(tensor, index) for tensor in targets])
                w = None if weights is None else one_or_all([tf.gather(tensor, index) for tensor in weights])
                with self.curves.at_this_step() if self.curves else contextlib.nullcontext():
                    logs = self.model.train_step((x, y, w))
                # The loss shown is the epoch's running mean: once a step's loss is not finite, the mean stays so.
                finite = share.finite(logs["loss"])
            return step + 1, tf.where(finite, bad, step)

        def running(step: Any, bad: Any) -> Any:
            return tf.logical_and(step < first + count, bad < 0)

        _, bad = tf.while_loop(running, body, (first, tf.constant(-1)), parallel_iterations=1)
        return bad


def epoch_order(num_rows: int, *, seed: int, epoch: int, shuffle: bool) -> NDArray[np.int32]:
    """The order of rows in an epoch: a function of seed and epoch alone.

    Args:
        num_rows: rows of the training part.
        seed: the run's seed.
        epoch: 0-based.
        shuffle: False keeps the rows as they are.
    """
    if not shuffle:
        return np.arange(num_rows, dtype=np.int32)
    return np.random.default_rng([seed, epoch, 0x5A0FF]).permutation(num_rows).astype(np.int32)


class CallLength:
    """How many steps a compiled call takes, so that a signal, which waits for its end, does not wait for long.

    Args:
        seconds: that a call should take.
        growth: how many times as long the next call may be at the most.
    """

    def __init__(self, seconds: float, *, growth: int = 8) -> None:
        self.steps = 1
        self._seconds, self._growth, self._calls = seconds, growth, 0

    def note(self, count: float, seconds: float) -> None:
        """A call of so many steps took so long; the first one was compiled in its time and tells nothing."""
        self._calls += 1
        if self._calls > 1:
            wanted = int(count * self._seconds / max(seconds, 1e-6))
            self.steps = max(1, min(wanted, self.steps * self._growth))
