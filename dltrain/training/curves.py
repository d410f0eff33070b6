"""Curves put in at each step: the learning rate, the weight decay and the rates of dropout that the config gives as curves.

The share of the training that is done is the number of the optimizer's steps by all steps that there will be. So nothing is to
be kept for a resume beside the optimizer's own count; and what a file holds, and prediction sees, are Keras's own layers and
optimizer with plain numbers: the peak of a curve, and the learning rate of the last step.
"""

from __future__ import annotations

import contextlib
import numbers
from collections.abc import Iterator
from typing import Any

from dltrain.config.curves import curve_at, is_curve
from dltrain.config.types import Component
from dltrain.later import tensorflow as tf
from dltrain.model.compile import inner_optimizer


class Curves:
    """The curves of a model and its optimizer.

    Args:
        model: compiled, from `build_model`.
        optimizer: its component in the config.
        num_steps: steps of the whole training; with phases those of the phase, whose optimizer counts from 0.
    """

    def __init__(self, model: Any, optimizer: Component, num_steps: int) -> None:
        self._model, self._num_steps = model, num_steps
        self._optimizer = {name: value for name, value in optimizer.arguments.items() if is_curve(value)}
        self._layers = [(layer, curves) for layer in model.layers if (curves := getattr(layer, "dltrain_curves", None))]

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self._optimizer or self._layers)

    @contextlib.contextmanager
    def at_this_step(self) -> Iterator[None]:
        """While a step is traced, the numbers are what the curves are at the optimizer's count of steps.

        Keras reads weight decay and rates of dropout when it traces a step: there they are tensors for as long. The learning
        rate is a variable of the optimizer: it is assigned, and can be read afterwards.
        """
        optimizer = inner_optimizer(self._model.optimizer)
        share = tf.cast(optimizer._iterations.value, "float32") / float(self._num_steps)
        before: list[tuple[Any, str, Any]] = []
        try:
            for name, curve in self._optimizer.items():
                value = curve_at(curve, share, TensorMath)
                if name == "learning_rate":
                    optimizer._learning_rate.assign(value)
                else:
                    before.append((optimizer, name, getattr(optimizer, name)))
                    setattr(optimizer, name, value)
            for layer, curves in self._layers:
                for name, curve in curves.items():
                    before.append((layer, name, getattr(layer, name)))
                    setattr(layer, name, _Rate(curve_at(curve, share, TensorMath)))
            yield
        finally:
            for owner, name, value in before:
                setattr(owner, name, value)


@numbers.Real.register
class _Rate:
    """A tensor in the place of a dropout layer's rate, which Keras and TensorFlow ask as a number: it is above 0 and below 1."""

    def __init__(self, tensor: Any) -> None:
        self._tensor = tensor

    def __gt__(self, other: Any) -> bool:
        return bool(other <= 0)

    def __ge__(self, other: Any) -> bool:
        return bool(other <= 0)

    def __lt__(self, other: Any) -> bool:
        return bool(other >= 1)

    def __rsub__(self, other: Any) -> Any:
        return other - self._tensor

    def __tf_tensor__(self, dtype: Any = None, name: str | None = None) -> Any:
        return self._tensor if dtype is None else tf.cast(self._tensor, dtype)


class TensorMath:
    """What `curve_at` needs, for tensors."""

    @staticmethod
    def cos(x: Any) -> Any:
        """The cosine."""
        return tf.cos(x)

    @staticmethod
    def log(x: Any) -> Any:
        """The natural logarithm."""
        return tf.math.log(x)

    @staticmethod
    def where(condition: Any, x: Any, y: Any) -> Any:
        """`x` where the condition holds, else `y`."""
        return tf.where(condition, x, y)
