"""Keras's optimizers on stacked weights, each trial with numbers of its own.

The arithmetic is that of `keras.optimizers.*.update_step`, in its order, so that a trial goes where its own fit goes. What an
optimizer remembers stands in the order of Keras's `optimizer.variables`, so that a slice of it is a fit's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from dltrain.model.groups import Multipliers, multipliers_of
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
        self._update = _UPDATES[type(self._first).__name__]
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
        import tensorflow as tf

        weights, memory = list(weights), list(memory)
        gradients = self._clip(gradients)
        decay = self.number("weight_decay") if decay is None else decay
        step = tf.cast(memory[0], "float32") + 1.0
        if self._update is _nadam:
            self._advance_product(memory, step)
        for index, (gradient, variable) in enumerate(zip(gradients, self.variables)):
            rank = len(gradient.shape)
            square = (squares or {}).get(index)
            square = tf.square(gradient) if square is None else square
            factor = self._multipliers.rates[index]
            if factor == 0.0:
                continue
            own_rate = rate if factor == 1.0 else rate * factor
            view = _View(self, index, memory, square, _spread(own_rate, rank), _spread(step, rank))
            weight = weights[index]
            if decay is not None and self._multipliers.decays[index] and self._first._use_weight_decay(variable):
                weight = weight - weight * self._decay_of(index, decay, rank) * _spread(rate, rank)
            weight = self._update(view, weight, gradient)
            if variable.constraint is not None:
                weight = tf.stack([variable.constraint(one) for one in tf.unstack(weight)])
            weights[index] = weight
        memory[0] = memory[0] + 1
        return weights, memory

    def _decay_of(self, index: int, decay: Any, rank: int) -> Any:
        decay = decay * self._multipliers.decays[index]
        return shaped(decay, rank) if isinstance(decay, float | int | np.ndarray) else _spread(decay, rank)

    def _advance_product(self, memory: list[Any], step: Any) -> None:
        """Nadam's product of its momentum schedule, one number a trial."""
        place = self._places[id(self._first._u_product)]
        memory[place] = memory[place] * shaped(self.number("beta_1"), 1) * (1.0 - 0.5 * 0.96**step)

    def _clip(self, gradients: Sequence[Any]) -> list[Any]:
        import tensorflow as tf

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

    def slot(self, name: str, index: int) -> int | None:
        """Place in the memory of what is remembered for a variable; None where the optimizer keeps no such thing."""
        slots = getattr(self._first, name, None)
        return self._places[id(slots[index])] if slots else None


class _View:
    """What the update of one variable sees: its numbers, shaped like it, and what is remembered for it."""

    def __init__(self, optimizer: StackedOptimizer, index: int, memory: list[Any], square: Any, rate: Any, step: Any) -> None:
        self._optimizer, self._index, self._memory, self._rank = optimizer, index, memory, len(square.shape)
        self.square, self.rate, self.step = square, rate, step

    def number(self, name: str) -> Any:
        return shaped(self._optimizer.number(name), self._rank)

    def rest(self, name: str) -> Any:
        """One minus a number of the optimizer, such as 1 - beta_1."""
        return shaped(1 - self._optimizer.number(name), self._rank)

    def has(self, name: str) -> bool:
        return self._optimizer.slot(name, self._index) is not None

    def get(self, name: str) -> Any:
        return self._memory[self._place(name)]

    def set(self, name: str, value: Any) -> Any:
        self._memory[self._place(name)] = value
        return value

    def whole(self, name: str) -> Any:
        """What is remembered once for all variables, one number a trial."""
        optimizer = self._optimizer
        return _spread(self._memory[optimizer._places[id(getattr(optimizer._first, name))]], self._rank)

    def flag(self, name: str) -> bool:
        return bool(getattr(self._optimizer._first, name))

    def _place(self, name: str) -> int:
        place = self._optimizer.slot(name, self._index)
        assert place is not None
        return place


def _spread(values: Any, rank: int) -> Any:
    """One number a trial [K] as [K, 1, ...]."""
    import tensorflow as tf

    return tf.reshape(values, [values.shape[0], *[1] * (rank - 1)])


def _clip_by_norm(gradient: Any, limit: Any) -> Any:
    import tensorflow as tf

    axes = list(range(1, len(gradient.shape)))
    square = tf.reduce_sum(tf.square(gradient), axes, keepdims=True)
    positive = square > 0
    norm = tf.where(positive, tf.sqrt(tf.where(positive, square, tf.ones_like(square))), square)
    return gradient * limit / tf.maximum(norm, limit)


def _sgd(view: _View, weight: Any, gradient: Any) -> Any:
    step = gradient * view.rate
    if not view.has("momentums"):
        return weight - step
    momentum = view.number("momentum")
    moved = view.set("momentums", view.get("momentums") * momentum - step)
    return weight + (moved * momentum - step if view.flag("nesterov") else moved)


def _adam(view: _View, weight: Any, gradient: Any) -> Any:
    import tensorflow as tf

    alpha = view.rate * tf.sqrt(1 - tf.pow(view.number("beta_2"), view.step)) / (1 - tf.pow(view.number("beta_1"), view.step))
    m, v = view.get("_momentums"), view.get("_velocities")
    m = view.set("_momentums", m + (gradient - m) * view.rest("beta_1"))
    v = view.set("_velocities", v + (view.square - v) * view.rest("beta_2"))
    if view.flag("amsgrad"):
        v = view.set("_velocity_hats", tf.maximum(view.get("_velocity_hats"), v))
    return weight - m * alpha / (tf.sqrt(v) + view.number("epsilon"))


def _adamax(view: _View, weight: Any, gradient: Any) -> Any:
    import tensorflow as tf

    m = view.get("_m")
    m = view.set("_m", m + (gradient - m) * view.rest("beta_1"))
    u = view.set("_u", tf.maximum(view.number("beta_2") * view.get("_u"), tf.abs(gradient)))
    return weight - view.rate * m / ((1 - tf.pow(view.number("beta_1"), view.step)) * (u + view.number("epsilon")))


def _nadam(view: _View, weight: Any, gradient: Any) -> Any:
    import tensorflow as tf

    beta_1 = view.number("beta_1")
    now, after = beta_1 * (1.0 - 0.5 * 0.96**view.step), beta_1 * (1.0 - 0.5 * 0.96 ** (view.step + 1.0))
    product = view.whole("_u_product")
    m, v = view.get("_momentums"), view.get("_velocities")
    m = view.set("_momentums", m + (gradient - m) * view.rest("beta_1"))
    v = view.set("_velocities", v + (view.square - v) * view.rest("beta_2"))
    m_hat = after * m / (1 - product * after) + (1 - now) * gradient / (1 - product)
    v_hat = v / (1 - tf.pow(view.number("beta_2"), view.step))
    return weight - m_hat * view.rate / (tf.sqrt(v_hat) + view.number("epsilon"))


def _rmsprop(view: _View, weight: Any, gradient: Any) -> Any:
    import tensorflow as tf

    rho, rest = view.number("rho"), view.rest("rho")
    velocity = view.set("_velocities", rho * view.get("_velocities") + rest * view.square)
    denominator = velocity + view.number("epsilon")
    if view.flag("centered"):
        average = view.set("_average_gradients", rho * view.get("_average_gradients") + rest * gradient)
        denominator = velocity - tf.square(average) + view.number("epsilon")
    increment = view.rate * gradient / tf.sqrt(denominator)
    if view.has("_momentums"):
        increment = view.set("_momentums", view.number("momentum") * view.get("_momentums") + increment)
    return weight - increment


def _adagrad(view: _View, weight: Any, gradient: Any) -> Any:
    import tensorflow as tf

    accumulator = view.set("_accumulators", view.get("_accumulators") + view.square)
    return weight - view.rate * gradient / tf.sqrt(accumulator + view.number("epsilon"))


def _adadelta(view: _View, weight: Any, gradient: Any) -> Any:
    import tensorflow as tf

    rho, rest, epsilon = view.number("rho"), view.rest("rho"), view.number("epsilon")
    seen = view.set("_accumulated_grads", rho * view.get("_accumulated_grads") + rest * view.square)
    moved = view.get("_accumulated_delta_vars")
    delta = -(tf.sqrt(moved + epsilon) * gradient / tf.sqrt(seen + epsilon))
    view.set("_accumulated_delta_vars", rho * moved + rest * tf.square(delta))
    return weight + view.rate * delta


def _lion(view: _View, weight: Any, gradient: Any) -> Any:
    import tensorflow as tf

    m = view.get("_momentums")
    weight = weight - view.rate * tf.sign(m * view.number("beta_1") + gradient * view.rest("beta_1"))
    view.set("_momentums", m * view.number("beta_2") + gradient * view.rest("beta_2"))
    return weight


_UPDATES: dict[str, Callable[[_View, Any, Any], Any]] = {
    "SGD": _sgd,
    "Adam": _adam,
    "AdamW": _adam,
    "Adamax": _adamax,
    "Nadam": _nadam,
    "RMSprop": _rmsprop,
    "Adagrad": _adagrad,
    "Adadelta": _adadelta,
    "Lion": _lion,
}
