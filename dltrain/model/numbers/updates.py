"""How Keras's optimizers change a weight, once for NumPy and for TensorFlow.

The arithmetic is that of `keras.optimizers.*.update_step`, in its order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

# Name -> what it remembers, as Keras calls it without an underscore -> the letter that formulas have for it.
MEMORIES: Mapping[str, Mapping[str, str]] = {
    "SGD": {"momentums": "v"},
    "Adam": {"momentums": "m", "velocities": "v", "velocity_hats": "max v"},
    "AdamW": {"momentums": "m", "velocities": "v", "velocity_hats": "max v"},
    "Adamax": {"m": "m", "u": "u"},
    "Nadam": {"momentums": "m", "velocities": "v"},
    "RMSprop": {"velocities": "v", "average_gradients": "m", "momentums": "u"},
    "Adagrad": {"accumulators": "s"},
    "Adadelta": {"accumulated_grads": "s", "accumulated_delta_vars": "u"},
    "Lion": {"momentums": "m"},
}


@dataclass(slots=True)
class Slot:
    """What the update of one weight sees.

    Attributes:
        ops: the array library, numpy or tensorflow.
        argument: name -> the optimizer's argument.
        shaped: brings a number into the shape of the weight.
        memories: what is remembered for the weight, by name; updates put new values into it.
        square: the gradient's square.
        rate: the learning rate of this step.
        step: counts steps from 1.
        product: of Nadam's momenta so far, this step's among them.
    """

    ops: Any
    argument: Callable[[str], Any]
    shaped: Callable[[Any], Any]
    memories: dict[str, Any]
    square: Any
    rate: Any
    step: Any
    product: Any

    def number(self, name: str) -> Any:
        """A number of the optimizer, such as beta_1."""
        return self.shaped(self.argument(name))

    def rest(self, name: str) -> Any:
        """One minus a number of the optimizer."""
        return self.shaped(1 - self.argument(name))

    def power(self, name: str) -> Any:
        """A number of the optimizer to the power of `step`; Keras rounds it to float32 before, which the sixth digit shows."""
        number = self.number(name)
        return (float(np.float32(number)) if isinstance(number, float) else number) ** self.step


def scheduled_momentum(beta_1: Any, step: Any) -> Any:
    """Nadam's momentum at a step."""
    return beta_1 * (1.0 - 0.5 * 0.96**step)


def _sgd(slot: Slot, weight: Any, gradient: Any) -> Any:
    step = gradient * slot.rate
    if "momentums" not in slot.memories:
        return weight - step
    momentum = slot.number("momentum")
    slot.memories["momentums"] = moved = slot.memories["momentums"] * momentum - step
    return weight + (moved * momentum - step if slot.argument("nesterov") else moved)


def _moments(slot: Slot, gradient: Any) -> tuple[Any, Any]:
    """The running means of the gradient and of its square."""
    m, v = slot.memories["momentums"], slot.memories["velocities"]
    slot.memories["momentums"] = m = m + (gradient - m) * slot.rest("beta_1")
    slot.memories["velocities"] = v = v + (slot.square - v) * slot.rest("beta_2")
    return m, v


def _adam(slot: Slot, weight: Any, gradient: Any) -> Any:
    alpha = slot.rate * slot.ops.sqrt(1 - slot.power("beta_2")) / (1 - slot.power("beta_1"))
    m, v = _moments(slot, gradient)
    if slot.argument("amsgrad"):
        slot.memories["velocity_hats"] = v = slot.ops.maximum(slot.memories["velocity_hats"], v)
    return weight - m * alpha / (slot.ops.sqrt(v) + slot.number("epsilon"))


def _adamax(slot: Slot, weight: Any, gradient: Any) -> Any:
    m = slot.memories["m"]
    slot.memories["m"] = m = m + (gradient - m) * slot.rest("beta_1")
    slot.memories["u"] = u = slot.ops.maximum(slot.number("beta_2") * slot.memories["u"], slot.ops.abs(gradient))
    return weight - slot.rate * m / ((1 - slot.power("beta_1")) * (u + slot.number("epsilon")))


def _nadam(slot: Slot, weight: Any, gradient: Any) -> Any:
    beta_1, product = slot.number("beta_1"), slot.product
    now, after = scheduled_momentum(beta_1, slot.step), scheduled_momentum(beta_1, slot.step + 1.0)
    m, v = _moments(slot, gradient)
    m_hat = after * m / (1 - product * after) + (1 - now) * gradient / (1 - product)
    v_hat = v / (1 - slot.power("beta_2"))
    return weight - m_hat * slot.rate / (slot.ops.sqrt(v_hat) + slot.number("epsilon"))


def _rmsprop(slot: Slot, weight: Any, gradient: Any) -> Any:
    rho, rest = slot.number("rho"), slot.rest("rho")
    slot.memories["velocities"] = velocity = rho * slot.memories["velocities"] + rest * slot.square
    denominator = velocity + slot.number("epsilon")
    if slot.argument("centered"):
        slot.memories["average_gradients"] = average = rho * slot.memories["average_gradients"] + rest * gradient
        denominator = velocity - slot.ops.square(average) + slot.number("epsilon")
    increment = slot.rate * gradient / slot.ops.sqrt(denominator)
    if "momentums" in slot.memories:
        slot.memories["momentums"] = increment = slot.number("momentum") * slot.memories["momentums"] + increment
    return weight - increment


def _adagrad(slot: Slot, weight: Any, gradient: Any) -> Any:
    slot.memories["accumulators"] = accumulator = slot.memories["accumulators"] + slot.square
    return weight - slot.rate * gradient / slot.ops.sqrt(accumulator + slot.number("epsilon"))


def _adadelta(slot: Slot, weight: Any, gradient: Any) -> Any:
    rho, rest, epsilon = slot.number("rho"), slot.rest("rho"), slot.number("epsilon")
    slot.memories["accumulated_grads"] = seen = rho * slot.memories["accumulated_grads"] + rest * slot.square
    moved = slot.memories["accumulated_delta_vars"]
    delta = -(slot.ops.sqrt(moved + epsilon) * gradient / slot.ops.sqrt(seen + epsilon))
    slot.memories["accumulated_delta_vars"] = rho * moved + rest * slot.ops.square(delta)
    return weight + slot.rate * delta


def _lion(slot: Slot, weight: Any, gradient: Any) -> Any:
    m = slot.memories["momentums"]
    weight = weight - slot.rate * slot.ops.sign(m * slot.number("beta_1") + gradient * slot.rest("beta_1"))
    slot.memories["momentums"] = m * slot.number("beta_2") + gradient * slot.rest("beta_2")
    return weight


UPDATES: Mapping[str, Callable[[Slot, Any, Any], Any]] = {
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
