"""Keras's optimizers on stacked weights, each trial with numbers of its own.

What an optimizer remembers stands in the order of Keras's `optimizer.variables`, so that a slice of it is a fit's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from dltrain.later import tensorflow as tf
from dltrain.model.groups import Multipliers, multipliers_of
from dltrain.model.numbers.updates import MEMORIES, UPDATES, Slot, scheduled_momentum
from dltrain.training.stacked.numbers import number_of, shaped

# Arguments that may differ between trials, by optimizer; of those that may also be off (None or 0), all are on or all off.
_COMMON = {"learning_rate", "weight_decay", "clipnorm", "clipvalue", "global_clipnorm"}
NUMBERS: dict[str, set[str]] = {
    "SGD": _COMMON | {"momentum"},
    "Adam": _COMMON | {"beta_1", "beta_2", "epsilon"},
    "AdamW": _COMMON | {"beta_1", "beta_2", "epsilon"},
    "Adamax": _COMMON | {"beta_1", "beta_2", "epsilon"},
    "Nadam": _COMMON | {"beta_1", "beta_2", "epsilon"},
    "RMSprop": _COMMON | {"rho", "momentum", "epsilon"},
    "Adagrad": _COMMON | {"epsilon"},
    "Adadelta": _COMMON | {"rho", "epsilon"},
    "Lion": _COMMON | {"beta_1", "beta_2"},
}
SWITCHES = {"momentum", "weight_decay", "clipnorm", "clipvalue", "global_clipnorm"}
# Keras's clipping, and these optimizers, treat the gradient of an embedding as many, one for each row of the batch.
NOT_WITH_EMBEDDINGS = {"Adamax", "Adadelta"}
# Arguments that Keras has and this has not.
UNSUPPORTED = {"use_ema": False, "gradient_accumulation_steps": None, "loss_scale_factor": None}


class StackedOptimizer:
    """Updates stacked weights.

    Args:
        optimizers: Keras's, one a trial; the first one is built for the variables.
        variables: Keras's trainable variables, in the order of the weights.
    """

    def __init__(self, optimizers: Sequence[Any], variables: Sequence[Any]) -> None:
        self.optimizers, self.variables = optimizers, variables
        self._first = optimizers[0]
        self._places = {id(variable): index for index, variable in enumerate(self._first.variables)}
        self._update = UPDATES[type(self._first).__name__]
        product = getattr(self._first, "_u_product", None)
        self._product = None if product is None else self._places[id(product)]
        ones = (1.0,) * len(variables)
        self._multipliers = multipliers_of(self._first) or Multipliers(ones, ones)

    def number(self, name: str) -> Any:
        """An argument of the trials' optimizers, see `number_of`."""
        return number_of(self.optimizers, name)

    def apply(
        self,
        gradients: Sequence[Any],
        weights: Sequence[Any],
        memory: Sequence[Any],
        rate: Any,
        squares: Mapping[int, Any] | None = None,
        decay: Any = None,
    ) -> tuple[list[Any], list[Any]]:
        """One update.

        Args:
            gradients, weights: tensors [K, ...], in the order of the variables.
            memory: tensors [K, ...], in the order of Keras's `optimizer.variables`.
            rate: learning rates of this step [K].
            squares: of gradients whose square is another than theirs (those of embeddings), by their place.
            decay: weight decays of this step [K], where they follow a curve.

        Returns:
            New weights and new memory.
        """
        weights, memory = list(weights), list(memory)
        gradients = self._clip(gradients)
        decay = self.number("weight_decay") if decay is None else decay
        step = tf.cast(memory[0], "float32") + 1.0
        if self._product is not None:
            momentum = scheduled_momentum(shaped(self.number("beta_1"), 1), step)
            memory[self._product] = memory[self._product] * momentum
        for index, (gradient, variable) in enumerate(zip(gradients, self.variables)):
            rank = len(gradient.shape)
            square = (squares or {}).get(index)
            square = tf.square(gradient) if square is None else square
            factor = self._multipliers.rates[index]
            if factor == 0.0:
                continue
            own_rate = rate if factor == 1.0 else rate * factor
            places = self._memories_of(index)
            memories = {name: memory[place] for name, place in places.items()}
            product = None if self._product is None else _spread(memory[self._product], rank)
            shape = partial(shaped, rank=rank)
            slot = Slot(tf, self.number, shape, memories, square, _spread(own_rate, rank), _spread(step, rank), product)
            weight = weights[index]
            if decay is not None and self._multipliers.decays[index] and self._first._use_weight_decay(variable):
                weight = weight - weight * self._decay_of(index, decay, rank) * _spread(rate, rank)
            weight = self._update(slot, weight, gradient)
            for name, place in places.items():
                memory[place] = memories[name]
            if variable.constraint is not None:
                weight = tf.stack([variable.constraint(one) for one in tf.unstack(weight)])
            weights[index] = weight
        memory[0] = memory[0] + 1
        return weights, memory

    def _decay_of(self, index: int, decay: Any, rank: int) -> Any:
        decay = decay * self._multipliers.decays[index]
        return shaped(decay, rank) if isinstance(decay, float | int | np.ndarray) else _spread(decay, rank)

    def _clip(self, gradients: Sequence[Any]) -> list[Any]:
        if self._first.clipnorm:
            limit = self.number("clipnorm")
            return [_clip_by_norm(gradient, shaped(limit, len(gradient.shape))) for gradient in gradients]
        if self._first.global_clipnorm:
            limit = shaped(self.number("global_clipnorm"), 1)
            squares = [tf.reduce_sum(tf.square(gradient), axis=list(range(1, len(gradient.shape)))) for gradient in gradients]
            norm = tf.sqrt(tf.add_n(squares))
            scale = limit * tf.minimum(1.0 / norm, 1.0 / limit) + (norm - norm)
            return [gradient * _spread(scale, len(gradient.shape)) for gradient in gradients]
        if self._first.clipvalue:
            limit = self.number("clipvalue")
            return [
                tf.minimum(tf.maximum(gradient, -shaped(limit, len(gradient.shape))), shaped(limit, len(gradient.shape)))
                for gradient in gradients
            ]
        return list(gradients)

    def _memories_of(self, index: int) -> dict[str, int]:
        """Name -> place in the memory, of what is remembered for a variable."""
        first, found = self._first, {}
        for name in MEMORIES[type(first).__name__]:
            slots = getattr(first, f"_{name}", None) or getattr(first, name, None)
            if slots:
                found[name] = self._places[id(slots[index])]
        return found


def _spread(values: Any, rank: int) -> Any:
    """One number a trial [K] as [K, 1, ...]."""
    return tf.reshape(values, [values.shape[0], *[1] * (rank - 1)])


def _clip_by_norm(gradient: Any, limit: Any) -> Any:
    axes = list(range(1, len(gradient.shape)))
    square = tf.reduce_sum(tf.square(gradient), axes, keepdims=True)
    positive = square > 0
    norm = tf.where(positive, tf.sqrt(tf.where(positive, square, tf.ones_like(square))), square)
    return gradient * limit / tf.maximum(norm, limit)
