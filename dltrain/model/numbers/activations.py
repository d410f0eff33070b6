"""Keras's activations and their slopes in NumPy, float64.

At a kink the slope is the one that TensorFlow takes (0 for relu at 0).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.config.types import Component

Floats = NDArray[np.float64]

_SELU_ALPHA, _SELU_SCALE = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946
_erf = np.vectorize(math.erf, otypes=[np.float64])


@dataclass(frozen=True, slots=True)
class Activation:
    """A function of the weighted sums z.

    Attributes:
        name: Keras's.
        value: z [rows, units] -> a of the same shape.
        slope: da/dz of each unit by itself, the same shape; None where a unit's output depends on the other units' sums.
        back: (a, dL/da) -> dL/dz where there is no slope.
        options: arguments that differ from Keras's default, for the reader.
    """

    name: str
    value: Callable[[Floats], Floats]
    slope: Callable[[Floats], Floats] | None = None
    back: Callable[[Floats, Floats], Floats] | None = None
    options: Mapping[str, float] = field(default_factory=dict)

    def backward(self, z: Floats, a: Floats, gradient: Floats) -> Floats:
        """dL/dz from dL/da."""
        if self.slope is not None:
            return gradient * self.slope(z)
        assert self.back is not None
        return self.back(a, gradient)


def find_activation(value: Any) -> Activation | None:
    """The activation that a layer's argument names; None where there is none here by that name.

    Args:
        value: a name, None (linear), or a layer such as LeakyReLU with its arguments.
    """
    if isinstance(value, Component):
        return activation_of_layer(value)
    name = "linear" if value is None else str(value)
    return _ACTIVATIONS.get(name)


def activation_of_layer(component: Component) -> Activation | None:
    """What an Activation, ReLU, LeakyReLU, ELU or Softmax layer computes; None for other layers and arguments."""
    given = {key: value for key, value in component.arguments.items() if key not in ("dtype", "trainable")}
    if component.name == "Activation":
        return find_activation(given.get("activation")) if set(given) <= {"activation"} else None
    if component.name == "LeakyReLU" and set(given) <= {"negative_slope"}:
        return leaky_relu(float(given.get("negative_slope", 0.3)))
    if component.name == "ELU" and set(given) <= {"alpha"}:
        return elu(float(given.get("alpha", 1.0)))
    if component.name in ("ReLU", "Softmax") and not given:
        return _ACTIVATIONS[component.name.lower()]
    return None


def sigmoid(z: Floats) -> Floats:
    """1 / (1 + exp(-z)), without overflow."""
    return np.asarray(0.5 * (1 + np.tanh(0.5 * z)))


def softmax(z: Floats) -> Floats:
    """exp(z) over its sum, row by row."""
    powers = np.exp(z - z.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


def _softplus(z: Floats) -> Floats:
    return np.asarray(np.logaddexp(0, z))


def leaky_relu(negative_slope: float) -> Activation:
    """z above 0, else a share of it."""
    options = {} if negative_slope == 0.2 else {"negative_slope": negative_slope}
    return Activation(
        "leaky_relu",
        lambda z: np.where(z > 0, z, negative_slope * z),
        lambda z: np.where(z > 0, 1.0, negative_slope),
        options=options,
    )


def elu(alpha: float) -> Activation:
    """z above 0, else alpha (exp(z) - 1)."""
    return Activation(
        "elu",
        lambda z: np.where(z > 0, z, alpha * np.expm1(np.minimum(z, 0))),
        lambda z: np.where(z > 0, 1.0, alpha * np.exp(np.minimum(z, 0))),
        options={} if alpha == 1 else {"alpha": alpha},
    )


def _between(low: float, high: float) -> Callable[[Floats], Floats]:
    return lambda z: ((z > low) & (z < high)).astype(np.float64)


def _gelu_slope(z: Floats) -> Floats:
    density = np.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)
    return np.asarray(0.5 * (1 + _erf(z / math.sqrt(2))) + z * density)


def _mish_slope(z: Floats) -> Floats:
    squashed = np.tanh(_softplus(z))
    return np.asarray(squashed + z * sigmoid(z) * (1 - squashed**2))


def _sparse_plus(z: Floats) -> Floats:
    return np.where(z <= -1, 0.0, np.where(z < 1, 0.25 * (z + 1) ** 2, z))


def _softmax_back(a: Floats, gradient: Floats) -> Floats:
    return np.asarray(a * (gradient - (gradient * a).sum(axis=-1, keepdims=True)))


def _log_softmax(z: Floats) -> Floats:
    shifted = z - z.max(axis=-1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True)))


def _log_softmax_back(a: Floats, gradient: Floats) -> Floats:
    return np.asarray(gradient - np.exp(a) * gradient.sum(axis=-1, keepdims=True))


def _hard_sigmoid(z: Floats) -> Floats:
    return np.clip((z + 3) / 6, 0, 1)


def _silu(name: str) -> Activation:
    return Activation(name, lambda z: z * sigmoid(z), lambda z: sigmoid(z) * (1 + z * (1 - sigmoid(z))))


def _hard_silu(name: str) -> Activation:
    return Activation(name, lambda z: z * _hard_sigmoid(z), lambda z: _hard_sigmoid(z) + z * _between(-3, 3)(z) / 6)


_ACTIVATIONS: dict[str, Activation] = {
    activation.name: activation
    for activation in (
        Activation("linear", lambda z: z, np.ones_like),
        Activation("relu", lambda z: np.maximum(z, 0), lambda z: (z > 0).astype(np.float64)),
        Activation("relu6", lambda z: np.clip(z, 0, 6), _between(0, 6)),
        leaky_relu(0.2),
        elu(1.0),
        Activation("celu", elu(1.0).value, elu(1.0).slope),
        Activation(
            "selu",
            lambda z: _SELU_SCALE * np.where(z > 0, z, _SELU_ALPHA * np.expm1(np.minimum(z, 0))),
            lambda z: _SELU_SCALE * np.where(z >= 0, 1.0, _SELU_ALPHA * np.exp(np.minimum(z, 0))),
        ),
        Activation("sigmoid", sigmoid, lambda z: sigmoid(z) * (1 - sigmoid(z))),
        Activation("log_sigmoid", lambda z: -_softplus(-z), lambda z: sigmoid(-z)),
        Activation("hard_sigmoid", _hard_sigmoid, lambda z: _between(-3, 3)(z) / 6),
        Activation("tanh", np.tanh, lambda z: 1 - np.tanh(z) ** 2),
        Activation("hard_tanh", lambda z: np.clip(z, -1, 1), _between(-1, 1)),
        Activation("tanh_shrink", lambda z: z - np.tanh(z), lambda z: np.tanh(z) ** 2),
        Activation("softplus", _softplus, sigmoid),
        Activation("softsign", lambda z: z / (1 + np.abs(z)), lambda z: 1 / (1 + np.abs(z)) ** 2),
        Activation(
            "squareplus",
            lambda z: (z + np.sqrt(z * z + 4)) / 2,
            lambda z: (1 + z / np.sqrt(z * z + 4)) / 2,
        ),
        Activation("exponential", np.exp, np.exp),
        Activation("gelu", lambda z: 0.5 * z * (1 + _erf(z / math.sqrt(2))), _gelu_slope),
        Activation("mish", lambda z: z * np.tanh(_softplus(z)), _mish_slope),
        _silu("silu"),
        _silu("swish"),
        _hard_silu("hard_silu"),
        _hard_silu("hard_swish"),
        Activation("hard_shrink", lambda z: np.where(np.abs(z) > 0.5, z, 0.0), lambda z: (np.abs(z) > 0.5).astype(np.float64)),
        Activation(
            "soft_shrink",
            lambda z: np.sign(z) * np.maximum(np.abs(z) - 0.5, 0),
            lambda z: (np.abs(z) > 0.5).astype(np.float64),
        ),
        Activation("sparse_plus", _sparse_plus, lambda z: np.clip(0.5 * (z + 1), 0, 1)),
        Activation("sparse_sigmoid", lambda z: np.clip(0.5 * (z + 1), 0, 1), lambda z: 0.5 * _between(-1, 1)(z)),
        Activation("softmax", softmax, back=_softmax_back),
        Activation("log_softmax", _log_softmax, back=_log_softmax_back),
        Activation("cosine", np.cos, lambda z: -np.sin(z)),
        # Its slope is 0 wherever it has one: a net of binary steps cannot be trained by gradients.
        Activation("binary_step", lambda z: (z > 0).astype(np.float64), np.zeros_like),
    )
}
