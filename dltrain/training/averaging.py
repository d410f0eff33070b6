"""Averages of the weights: that which an optimizer with `use_ema` keeps, and the mean over the ends of the last epochs.

The latter is stochastic weight averaging (Izmailov et al., UAI 2018). Moving means and variances of batch normalization are those
of other weights than the average; they are computed anew, as the equal mean over the batches of one pass over the training part,
as PyTorch's `update_bn` does.
"""

from __future__ import annotations

import contextlib
import functools
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.config.durations import is_duration
from dltrain.config.types import TrainingConfig
from dltrain.later import tensorflow as tf
from dltrain.model.compile import inner_optimizer
from dltrain.model.pixels import take_rows
from dltrain.training.loop import CompiledLoop
from dltrain.training.segments import Segments

_PREFIX = "epoch_average/"


@contextlib.contextmanager
def averaged_weights(model: Any) -> Iterator[None]:
    """The model with the averaged weights, for as long as the context lasts; afterwards with its own again, to the bit.

    What Keras's SwapEMAWeights does, which adds and subtracts to save memory, so that its weights come back rounded.
    """
    pairs = _averages(model)
    own = [variable.value.read_value() for variable, _ in pairs]
    for variable, average in pairs:
        variable.assign(average.value)
    try:
        yield
    finally:
        for (variable, _), value in zip(pairs, own):
            variable.assign(value)


def finalize_weights(model: Any) -> bool:
    """What `Model.fit` does after its last epoch: an optimizer that averages the weights leaves the average in the model.

    Returns:
        Whether it did.
    """
    model.optimizer.finalize_variable_values(model.trainable_variables)
    return bool(_averages(model))


def _averages(model: Any) -> list[tuple[Any, Any]]:
    """Each trained variable of the model with its average; none where the optimizer keeps no average."""
    optimizer = inner_optimizer(model.optimizer)
    if not getattr(optimizer, "use_ema", False):
        return []
    averages = optimizer._model_variables_moving_average
    return [(variable, average) for variable, average in zip(optimizer._trainable_variables, averages) if average is not None]


def first_averaged_epoch(average_from: str, epochs: int) -> int:
    """The first epoch, 0-based, whose weights go into the average: one at the least does.

    Args:
        average_from: what is over before, such as `75 %` or `3 epochs`.
        epochs: of the training.
    """
    assert is_duration(average_from)
    number = float(average_from.rstrip("epochs %"))
    over = number / 100 * epochs if average_from.endswith("%") else number
    return min(math.floor(over + 1e-9), epochs - 1)


class EpochAverage:
    """The mean of a phase's weights over its last epochs.

    Args:
        model: that is trained.
        training: of the phase: its epochs, and which are averaged.
        first_epoch: epochs before the phase.
        data: the training part.
        loop: how its rows come to the model.
    """

    def __init__(self, model: Any, training: TrainingConfig, first_epoch: int, data: Segments, loop: CompiledLoop) -> None:
        self._model = model
        self._begin = first_epoch + first_averaged_epoch(str(training.average_from), training.epochs)
        self._count = 0
        self._means: list[Any] = []
        self._normalization = NormalizationPass(model, data, loop)
        self._statistics: tuple[int, list[Any]] | None = None  # of batch normalization, and the epoch that they belong to

    @contextlib.contextmanager
    def applied(self, epoch: int) -> Iterator[None]:
        """Take an epoch's weights into the average, and put that into the model for as long as the context lasts.

        Args:
            epoch: 0-based, at its end.
        """
        if epoch < self._begin:
            self._count, self._means = 0, []  # of a run whose epochs were fewer before
            yield
            return
        trained = self._model.trainable_variables
        now = [variable.value.read_value() for variable in trained]
        means = self._means or now
        self._means = [mean + (value - mean) / (self._count + 1) for mean, value in zip(means, now, strict=True)]
        self._count += 1
        own = [variable.value.read_value() for variable in self._model.variables]
        self._put_in(epoch)
        try:
            yield
        finally:
            for variable, value in zip(self._model.variables, own, strict=True):
                variable.assign(value)

    def finish(self, epoch: int) -> bool:
        """Leave the average in the model; whether there is one, of a training that ended after so many epochs."""
        if self._count:
            self._put_in(epoch - 1)
        return self._count > 0

    def _put_in(self, epoch: int) -> None:
        for variable, mean in zip(self._model.trainable_variables, self._means, strict=True):
            variable.assign(mean)
        statistics = self._normalization.variables
        if self._statistics is not None and self._statistics[0] == epoch:
            for variable, value in zip(statistics, self._statistics[1], strict=True):
                variable.assign(value)
            return
        self._normalization.run(epoch)
        self._statistics = epoch, [variable.value.read_value() for variable in statistics]

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The running means and their count, by the names that a resume reads."""
        means = {f"{_PREFIX}{index}": np.asarray(mean) for index, mean in enumerate(self._means)}
        return {f"{_PREFIX}count": np.asarray(self._count), **means}

    def restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Put back the running means that `arrays` gave."""
        self._count = int(arrays.get(f"{_PREFIX}count", np.asarray(0)))
        count = len(self._model.trainable_variables) if self._count else 0
        self._means = [tf.constant(arrays[f"{_PREFIX}{index}"]) for index in range(count)]


class NormalizationPass:
    """Finds moving means and variances of batch normalization anew."""

    def __init__(self, model: Any, data: Segments, loop: CompiledLoop) -> None:
        self._model, self._data, self._loop = model, data, loop
        self.layers = [
            layer for layer in model._flatten_layers() if type(layer).__name__ == "BatchNormalization" and layer.trainable
        ]
        self._step = tf.function(functools.partial(self._one_step), autograph=False, reduce_retracing=True)

    @property
    def variables(self) -> list[Any]:
        """The variables of the moving statistics."""
        return [variable for layer in self.layers for variable in (layer.moving_mean, layer.moving_variance)]

    def run(self, epoch: int) -> None:
        """One pass over the rows, in the order of an epoch; layers that draw go on drawing where they were."""
        if not self.layers:
            return
        statistics = {id(variable) for variable in self.variables}
        others = [variable for variable in self._model.variables if id(variable) not in statistics]
        before = [variable.value.read_value() for variable in others]
        size, done = self._loop.batch_size, 0
        for segment in self._data.segments(epoch, 0):
            for step in range(segment.first, segment.first + segment.count):
                rows = segment.order[step * size : (step + 1) * size]
                taken = [take_rows(tensor, rows) for tensor in segment.data.inputs]
                self._step(taken, tf.constant(done, tf.int64))
                done += 1
        for variable, value in zip(others, before, strict=True):
            variable.assign(value)

    def _one_step(self, taken: Sequence[Any], done: Any) -> None:
        """Each batch counts the same: of n batches before, what they made of it counts n of n + 1 times."""
        taken = list(taken)
        if self._loop.corrupt is not None:
            taken[0] = self._loop.corrupt(taken[0], done)
        before = [layer.momentum for layer in self.layers]
        try:
            for layer in self.layers:
                layer.momentum = tf.cast(done / (done + 1), "float32")
            self._model(taken if len(taken) > 1 else taken[0], training=True)
        finally:
            for layer, momentum in zip(self.layers, before, strict=True):
                layer.momentum = momentum
