"""How a training step changes where this process takes only some of its rows.

The step is the same as that of one process with all rows, but for the order in which numbers are added: each process's loss
counts by its share of the rows, gradients and what batch normalization finds are added over all of them, and what layers draw by
chance is drawn for all rows, of which each process takes its own.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import TYPE_CHECKING, Any

from dltrain.later import tensorflow as tf

if TYPE_CHECKING:
    from dltrain.training.workers.group import Group

# Functions of Keras that draw an array of a given shape.
_DRAWING = ("normal", "uniform", "randint", "truncated_normal")


class Whole:
    """All rows of a step.

    Args:
        index: their numbers.
    """

    def __init__(self, index: Any) -> None:
        self.index = index

    def of_all(self, change: Callable[[Any], Any], rows: Any) -> Any:
        """What a function, which draws by chance, makes of rows."""
        return change(rows)

    def finite(self, loss: Any) -> Any:
        """Whether the loss is finite, for all rows."""
        return tf.math.is_finite(tf.cast(loss, tf.float32))


class Share(Whole):
    """This process's rows of a step.

    A step of fewer rows than there are processes gives some of them none: such a one computes a row that does not count.

    Args:
        group: of all processes.
        model: that is trained.
        index: numbers of all rows of the step.
    """

    def __init__(self, group: Group, model: Any, index: Any) -> None:
        self._group, self._model = group, model
        self._total = tf.shape(index)[0]
        first = group.index * self._total // group.count
        last = (group.index + 1) * self._total // group.count
        self._is_empty = tf.equal(first, last)
        self._first = tf.minimum(first, self._total - 1)
        self._last = tf.where(self._is_empty, self._first + 1, last)
        counted = tf.where(self._is_empty, 0, self._last - self._first)
        self._part = tf.cast(counted, tf.float32) / tf.cast(self._total, tf.float32)
        super().__init__(index[self._first : self._last])

    @contextlib.contextmanager
    def applied(self) -> Iterator[None]:
        """Within, the model's training step is that of a share."""
        metrics = self._model.metrics_variables
        before = [variable.value.read_value() for variable in metrics]
        with self._shared_optimizer(), self._shared_draws(), self._shared_statistics():
            yield
        for variable, value in zip(metrics, before, strict=True):
            variable.assign(tf.where(self._is_empty, value, variable.value.read_value()))

    def of_all(self, change: Callable[[Any], Any], rows: Any) -> Any:
        """As in `Whole`: the function sees as many rows as the step has, of which those of others are zeros."""
        return self._own(change(self._padded(rows)), rows)

    def finite(self, loss: Any) -> Any:
        """As in `Whole`."""
        bad = 1.0 - tf.cast(super().finite(loss), tf.float32)
        return tf.equal(self._group.reduce(bad, self._group.next_key()), 0.0)

    def sum(self, tensor: Any) -> Any:
        """The sum of a tensor over all processes, through which gradients go: each gets the sum of all of theirs."""
        forward, backward = self._group.next_key(), self._group.next_key()

        @tf.custom_gradient  # type: ignore[untyped-decorator]
        def summed(value: Any) -> Any:
            return self._group.reduce(value, forward), lambda gradient: self._group.reduce(gradient, backward)

        return summed(tensor)

    @contextlib.contextmanager
    def _shared_optimizer(self) -> Iterator[None]:
        """The loss counts by the share of rows, and gradients are added over all processes before they are applied."""
        optimizer = self._model.optimizer
        scale, apply = optimizer.scale_loss, optimizer.apply_gradients

        def scale_loss(loss: Any) -> Any:
            return scale(loss * tf.cast(self._part, loss.dtype))

        def apply_gradients(pairs: Any) -> Any:
            given = list(pairs)
            gradients = self._added([gradient for gradient, _ in given])
            return apply(list(zip(gradients, [variable for _, variable in given])))

        with _replaced(optimizer, scale_loss=scale_loss, apply_gradients=apply_gradients):
            yield

    def _added(self, gradients: list[Any]) -> list[Any]:
        """Gradients summed over all processes, in one operation."""
        dense = [None if gradient is None else tf.convert_to_tensor(gradient) for gradient in gradients]
        there = [gradient for gradient in dense if gradient is not None]
        if not there:
            return dense
        flat = tf.concat([tf.reshape(tf.cast(gradient, tf.float32), [-1]) for gradient in there], 0)
        flat = self._group.reduce(flat, self._group.next_key())
        sizes = [tf.size(gradient) for gradient in there]
        pieces = iter(zip(tf.split(flat, sizes, num=len(sizes)), there))
        summed = []
        for gradient in dense:
            if gradient is not None:
                piece, like = next(pieces)
                gradient = tf.cast(tf.reshape(piece, tf.shape(like)), like.dtype)
                gradient.set_shape(like.shape)
            summed.append(gradient)
        return summed

    @contextlib.contextmanager
    def _shared_draws(self) -> Iterator[None]:
        """What is drawn for rows is drawn for all rows of the step. What is not drawn by row is the same in all processes."""
        from keras.src.backend.tensorflow import random

        def by_row(draw: Callable[..., Any]) -> Callable[..., Any]:
            def drawn(shape: Any, *args: Any, **options: Any) -> Any:
                if isinstance(shape, (tuple, list)) and shape and _is_tensor(shape[0]):
                    times = shape[0] // (self._last - self._first)
                    return self._cut(draw((self._total * times, *shape[1:]), *args, **options), times)
                return draw(shape, *args, **options)

            return drawn

        dropout = random.dropout

        def drop(inputs: Any, rate: float, noise_shape: Any = None, seed: Any = None) -> Any:
            if inputs.shape.rank == 0 or inputs.shape[0] is not None:
                return dropout(inputs, rate, noise_shape, seed)
            if noise_shape is not None and _is_tensor(noise_shape[0]):
                noise_shape = (None, *noise_shape[1:])  # that of the rows, of which there are more
            return self._own(dropout(self._padded(inputs), rate, noise_shape, seed), inputs)

        with _replaced(random, dropout=drop, **{name: by_row(getattr(random, name)) for name in _DRAWING}):
            yield

    @contextlib.contextmanager
    def _shared_statistics(self) -> Iterator[None]:
        """Batch normalization takes mean and variance of all rows of the step."""
        import keras

        with _replaced(keras.layers.BatchNormalization, _moments=lambda layer, inputs, mask: self._moments(layer, inputs, mask)):
            yield

    def _moments(self, layer: Any, inputs: Any, mask: Any) -> tuple[Any, Any]:
        import keras

        axes = layer._reduction_axes
        values = tf.cast(inputs, tf.float32)
        counts = tf.ones_like(values) if mask is None else tf.broadcast_to(tf.cast(mask, tf.float32)[..., None], tf.shape(values))
        counts = counts * tf.where(self._is_empty, 0.0, 1.0)
        number = self.sum(tf.reduce_sum(counts, axes, keepdims=True)) + (0.0 if mask is None else keras.config.epsilon())
        mean = self.sum(tf.reduce_sum(values * counts, axes, keepdims=True)) / number
        variance = self.sum(tf.reduce_sum(tf.square(values - mean) * counts, axes, keepdims=True)) / number
        return tf.cast(tf.squeeze(mean, axes), inputs.dtype), tf.cast(tf.squeeze(variance, axes), inputs.dtype)

    def _padded(self, rows: Any) -> Any:
        """As many rows as the step has; where several rows were made of each, as many for each."""
        times = tf.shape(rows)[0] // (self._last - self._first)
        around = tf.stack([self._first * times, (self._total - self._last) * times])
        sides = tf.concat([around[None], tf.zeros([rows.shape.rank - 1, 2], tf.int32)], 0)
        return tf.ensure_shape(tf.pad(rows, sides), (None, *rows.shape[1:]))

    def _cut(self, rows: Any, times: Any) -> Any:
        return rows[self._first * times : self._last * times]

    def _own(self, rows: Any, like: Any) -> Any:
        return tf.ensure_shape(self._cut(rows, tf.shape(like)[0] // (self._last - self._first)), like.shape)


def _is_tensor(value: Any) -> bool:
    """Whether a length is known only when the step runs, as that of the rows is."""
    return bool(tf.is_tensor(value))


@contextlib.contextmanager
def _replaced(owner: Any, **attributes: Any) -> Iterator[None]:
    """Attributes of a module, class or object are others, for as long as the context lasts."""
    own = vars(owner)
    before = {name: own[name] for name in attributes if name in own}
    # Past Keras's own way of setting attributes, which follows what a layer or an optimizer is given.
    is_plain = isinstance(owner, type | ModuleType)
    put, take = (setattr, delattr) if is_plain else (object.__setattr__, object.__delattr__)
    for name, value in attributes.items():
        put(owner, name, value)
    try:
        yield
    finally:
        for name in attributes:
            if name in before:
                put(owner, name, before[name])
            else:
                take(owner, name)
