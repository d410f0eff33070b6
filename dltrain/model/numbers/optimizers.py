"""One step of Keras's optimizers in NumPy, float64, with the terms that a reader needs to follow it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from dltrain.config.catalog.catalog import arguments_of, load_catalog
from dltrain.config.curves import peak_of
from dltrain.config.types import Component
from dltrain.model.numbers.activations import Floats
from dltrain.model.numbers.schedules import rate_at
from dltrain.model.numbers.updates import MEMORIES, UPDATES, Slot, scheduled_momentum

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
# Memory -> the argument without which it is not kept.
_NEEDED = {"momentums": "momentum", "average_gradients": "centered", "velocity_hats": "amsgrad"}
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
        self.name = component.name
        self.arguments = {name: peak_of(value) for name, value in arguments_of(component).items()}
        self.steps = 0
        self._product = 1.0  # of Nadam's momenta
        first = float(self.arguments.get("initial_accumulator_value") or 0.0)
        without = {memory for memory, of in _NEEDED.items() if of in self.arguments and not self.arguments[of]}
        names = [name for name in MEMORIES[self.name] if name not in without]
        self._memories = [{name: np.full(shape, first) for name in names} for shape in shapes]

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
        rate, decay = self.learning_rate, self.arguments.get("weight_decay") or 0.0
        self.steps += 1
        if self.name == "Nadam":
            self._product *= scheduled_momentum(self.arguments["beta_1"], self.steps)
        after = []
        for memories, weight, gradient in zip(self._memories, weights, self._clipped(gradients), strict=True):
            slot = Slot(np, self.arguments.__getitem__, float, memories, gradient**2, rate, self.steps, self._product)
            after.append(UPDATES[self.name](slot, weight - weight * decay * rate, gradient))
        letters = MEMORIES[self.name]
        return after, [{letters[name]: memory.copy() for name, memory in memories.items()} for memories in self._memories]

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


def _shortened(gradient: Floats, length: float, most: float) -> Floats:
    return gradient * (most / length) if length > most else gradient
