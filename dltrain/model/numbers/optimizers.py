"""One step of Keras's optimizers in NumPy, float64, with the terms that a reader needs to follow it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dltrain.config.catalog.catalog import load_catalog
from dltrain.config.curves import peak_of
from dltrain.config.types import Component
from dltrain.model.numbers.activations import Floats
from dltrain.model.numbers.schedules import rate_at

_PLAIN = ("name", "learning_rate", "weight_decay", "clipnorm", "clipvalue", "global_clipnorm")
_OWN: Mapping[str, tuple[str, ...]] = {
    "SGD": ("momentum", "nesterov"),
    "Adam": ("beta_1", "beta_2", "epsilon"),
    "AdamW": ("beta_1", "beta_2", "epsilon"),
    "Adamax": ("beta_1", "beta_2", "epsilon"),
    "Nadam": ("beta_1", "beta_2", "epsilon"),
    "RMSprop": ("rho", "momentum", "epsilon", "centered"),
    "Adagrad": ("initial_accumulator_value", "epsilon"),
    "Adadelta": ("rho", "epsilon"),
    "Lion": ("beta_1", "beta_2"),
}
_FORMULAS: Mapping[str, tuple[str, ...]] = {
    "SGD": ("new w = w - rate·g",),
    "SGD momentum": ("v = momentum·v - rate·g", "new w = w + v"),
    "SGD nesterov": ("v = momentum·v - rate·g", "new w = w + momentum·v - rate·g"),
    "Adam": (
        "m = beta_1·m + (1 - beta_1)·g",
        "v = beta_2·v + (1 - beta_2)·g²",
        "new w = w - rate·√(1 - beta_2^t)/(1 - beta_1^t) · m/(√v + epsilon)",
    ),
    "Adamax": (
        "m = beta_1·m + (1 - beta_1)·g",
        "u = max(beta_2·u, |g|)",
        "new w = w - rate/(1 - beta_1^t) · m/(u + epsilon)",
    ),
    "Nadam": (
        "m = beta_1·m + (1 - beta_1)·g",
        "v = beta_2·v + (1 - beta_2)·g²",
        "new w = w - rate · m^/(√(v/(1 - beta_2^t)) + epsilon), m^ looking one step ahead",
    ),
    "RMSprop": ("v = rho·v + (1 - rho)·g²", "new w = w - rate·g/√(v + epsilon)"),
    "RMSprop centered": (
        "v = rho·v + (1 - rho)·g²",
        "m = rho·m + (1 - rho)·g",
        "new w = w - rate·g/√(v - m² + epsilon)",
    ),
    "Adagrad": ("s = s + g²", "new w = w - rate·g/√(s + epsilon)"),
    "Adadelta": (
        "s = rho·s + (1 - rho)·g²",
        "d = -√(u + epsilon)/√(s + epsilon) · g,  u = rho·u + (1 - rho)·d²",
        "new w = w + rate·d",
    ),
    "Lion": ("new w = w - rate·sign(beta_1·m + (1 - beta_1)·g)", "m = beta_2·m + (1 - beta_2)·g"),
}


class Optimizer:
    """An optimizer with its memory.

    Args:
        component: kind "optimizer", one for which `why_not` is None.
        shapes: of the trained arrays, in order.
    """

    def __init__(self, component: Component, shapes: Sequence[tuple[int, ...]]) -> None:
        entry = load_catalog().find("optimizer", component.name)
        defaults = {name: argument.default for name, argument in entry.arguments.items()} if entry else {}
        self.name = component.name
        self.arguments: dict[str, Any] = {**defaults, **{name: peak_of(value) for name, value in component.arguments.items()}}
        self.steps = 0
        self._ahead = 1.0  # Nadam's product of momenta
        first = float(self.arguments.get("initial_accumulator_value") or 0.0)
        self._slots = [{name: np.full(shape, first) for name in ("m", "v", "u", "s")} for shape in shapes]

    @staticmethod
    def why_not(component: Component) -> str | None:
        """Why this optimizer is left to Keras; None where it is not."""
        entry = load_catalog().find("optimizer", component.name)
        own = _OWN.get(component.name)
        if own is None or entry is None:
            return f"the optimizer {component.name}"
        for name, value in component.arguments.items():
            argument = entry.arguments.get(name)
            if name not in (*_PLAIN, *own) and (argument is None or value != argument.default):
                return f"{component.name}'s {name}"
        if rate_at(component.arguments.get("learning_rate", 0.0), 0) is None:
            return "the learning rate's schedule"
        return None

    @property
    def learning_rate(self) -> float:
        """The rate of the next step."""
        rate = rate_at(self.arguments["learning_rate"], self.steps)
        assert rate is not None
        return rate

    @property
    def formulas(self) -> tuple[str, ...]:
        """The step in symbols: g is the gradient, t counts steps from 1, memories begin at 0 (Adagrad's at 0.1)."""
        kind = "Adam" if self.name == "AdamW" else self.name
        if self.name == "SGD" and self.arguments["momentum"]:
            kind = "SGD nesterov" if self.arguments["nesterov"] else "SGD momentum"
        lines = list(_FORMULAS[kind])
        if self.name == "RMSprop":
            lines = list(_FORMULAS["RMSprop centered" if self.arguments["centered"] else kind])
            if self.arguments["momentum"]:
                lines[-1:] = [lines[-1].replace("new w = w - ", "u = momentum·u + "), "new w = w - u"]
        decay = self.arguments.get("weight_decay")
        return (*((f"first w = w - w·{decay:g}·rate (weight decay)",) if decay else ()), *lines)

    def step(self, weights: Sequence[Floats], gradients: Sequence[Floats]) -> tuple[list[Floats], list[dict[str, Floats]]]:
        """The weights after one step, and for each array the memories that it left."""
        gradients = self._clipped(gradients)
        rate, decay = self.learning_rate, self.arguments.get("weight_decay") or 0.0
        after, terms = [], []
        ahead = self._ahead
        for slots, weight, gradient in zip(self._slots, weights, gradients, strict=True):
            weight = weight - weight * decay * rate
            change, shown = _CHANGES[self.name](self, slots, gradient, rate)
            after.append(weight + change)
            terms.append({name: slots[name].copy() for name in shown})
        if self.name == "Nadam":
            self._ahead = ahead * self._momentum_at(self.steps + 1)
        self.steps += 1
        return after, terms

    def _clipped(self, gradients: Sequence[Floats]) -> list[Floats]:
        norm, total, most = (self.arguments.get(name) for name in ("clipnorm", "global_clipnorm", "clipvalue"))
        if norm:
            return [_shortened(gradient, float(np.linalg.norm(gradient)), norm) for gradient in gradients]
        if total:
            length = float(np.sqrt(sum((gradient**2).sum() for gradient in gradients)))
            return [_shortened(gradient, length, total) for gradient in gradients]
        if most:
            return [np.clip(gradient, -most, most) for gradient in gradients]
        return list(gradients)

    def _momentum_at(self, step: int) -> float:
        return float(self.arguments["beta_1"] * (1 - 0.5 * 0.96**step))

    def _sgd(self, slots: dict[str, Floats], g: Floats, rate: float) -> tuple[Floats, tuple[str, ...]]:
        momentum = self.arguments["momentum"]
        if not momentum:
            return -rate * g, ()
        slots["v"] = momentum * slots["v"] - rate * g
        return (momentum * slots["v"] - rate * g if self.arguments["nesterov"] else slots["v"]), ("v",)

    def _moments(self, slots: dict[str, Floats], g: Floats) -> None:
        slots["m"] = slots["m"] + (g - slots["m"]) * (1 - self.arguments["beta_1"])
        slots["v"] = slots["v"] + (g**2 - slots["v"]) * (1 - self.arguments["beta_2"])

    def _adam(self, slots: dict[str, Floats], g: Floats, rate: float) -> tuple[Floats, tuple[str, ...]]:
        self._moments(slots, g)
        t = self.steps + 1
        # Keras rounds both to float32 before it raises them to a power; that shows in the sixth digit.
        beta_1, beta_2 = (float(np.float32(self.arguments[name])) for name in ("beta_1", "beta_2"))
        alpha = rate * np.sqrt(1 - beta_2**t) / (1 - beta_1**t)
        return -alpha * slots["m"] / (np.sqrt(slots["v"]) + self.arguments["epsilon"]), ("m", "v")

    def _adamax(self, slots: dict[str, Floats], g: Floats, rate: float) -> tuple[Floats, tuple[str, ...]]:
        slots["m"] = slots["m"] + (g - slots["m"]) * (1 - self.arguments["beta_1"])
        slots["u"] = np.maximum(self.arguments["beta_2"] * slots["u"], np.abs(g))
        share = 1 - self.arguments["beta_1"] ** (self.steps + 1)
        return -rate * slots["m"] / (share * (slots["u"] + self.arguments["epsilon"])), ("m", "u")

    def _nadam(self, slots: dict[str, Floats], g: Floats, rate: float) -> tuple[Floats, tuple[str, ...]]:
        now, following = self._momentum_at(self.steps + 1), self._momentum_at(self.steps + 2)
        product = self._ahead * now
        self._moments(slots, g)
        m_hat = following * slots["m"] / (1 - product * following) + (1 - now) * g / (1 - product)
        v_hat = slots["v"] / (1 - self.arguments["beta_2"] ** (self.steps + 1))
        return -rate * m_hat / (np.sqrt(v_hat) + self.arguments["epsilon"]), ("m", "v")

    def _rmsprop(self, slots: dict[str, Floats], g: Floats, rate: float) -> tuple[Floats, tuple[str, ...]]:
        rho, epsilon = self.arguments["rho"], self.arguments["epsilon"]
        slots["v"] = rho * slots["v"] + (1 - rho) * g**2
        below = slots["v"] + epsilon
        if self.arguments["centered"]:
            slots["m"] = rho * slots["m"] + (1 - rho) * g
            below = below - slots["m"] ** 2
        change = rate * g / np.sqrt(below)
        if self.arguments["momentum"]:
            slots["u"] = self.arguments["momentum"] * slots["u"] + change
            return -slots["u"], ("v", "u")
        return -change, ("v", "m") if self.arguments["centered"] else ("v",)

    def _adagrad(self, slots: dict[str, Floats], g: Floats, rate: float) -> tuple[Floats, tuple[str, ...]]:
        slots["s"] = slots["s"] + g**2
        return -rate * g / np.sqrt(slots["s"] + self.arguments["epsilon"]), ("s",)

    def _adadelta(self, slots: dict[str, Floats], g: Floats, rate: float) -> tuple[Floats, tuple[str, ...]]:
        rho, epsilon = self.arguments["rho"], self.arguments["epsilon"]
        slots["s"] = rho * slots["s"] + (1 - rho) * g**2
        change = -np.sqrt(slots["u"] + epsilon) * g / np.sqrt(slots["s"] + epsilon)
        slots["u"] = rho * slots["u"] + (1 - rho) * change**2
        return rate * change, ("s", "u")

    def _lion(self, slots: dict[str, Floats], g: Floats, rate: float) -> tuple[Floats, tuple[str, ...]]:
        beta_1, beta_2 = self.arguments["beta_1"], self.arguments["beta_2"]
        change = -rate * np.sign(beta_1 * slots["m"] + (1 - beta_1) * g)
        slots["m"] = beta_2 * slots["m"] + (1 - beta_2) * g
        return change, ("m",)


def _shortened(gradient: Floats, length: float, most: float) -> Floats:
    return gradient * (most / length) if length > most else gradient


_CHANGES: Mapping[str, Any] = {
    "SGD": Optimizer._sgd,
    "Adam": Optimizer._adam,
    "AdamW": Optimizer._adam,
    "Adamax": Optimizer._adamax,
    "Nadam": Optimizer._nadam,
    "RMSprop": Optimizer._rmsprop,
    "Adagrad": Optimizer._adagrad,
    "Adadelta": Optimizer._adadelta,
    "Lion": Optimizer._lion,
}
