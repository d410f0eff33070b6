"""Groups of weights that take other steps than the rest, put on Keras's own optimizer.

To scale a gradient would change nothing for Adam and its kind, which divide by its size. So it is the learning rate of each
variable's step that is multiplied: two methods of the one optimizer object, of which its class and its config know nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from dltrain.config.types import Component
from dltrain.errors import ConfigError, Fault

# Optimizers in whose update the learning rate is more than a factor of the step.
NOT_WITH = {
    "ScheduleFreeAdamW": "its average of the weights goes by the learning rate of all",
    "Adafactor": "its step is relative to the size of the weights",
}
_DECAYS = ("weight_decay", "adam_weight_decay")


@dataclass(frozen=True, slots=True)
class Multipliers:
    """Of each trained variable, in their order.

    Attributes:
        rates: of the learning rate.
        decays: of the weight decay, which goes by the group's learning rate.
    """

    rates: tuple[float, ...]
    decays: tuple[float, ...]


def groups_of(optimizer: Component) -> Sequence[Mapping[str, Any]]:
    """The groups of an optimizer; empty: all weights take the same steps."""
    groups: Sequence[Mapping[str, Any]] = optimizer.arguments.get("groups", ())
    return groups


def matches(word: str, names: Sequence[str], classes: Sequence[str], path: str) -> bool:
    """Whether a word of `match` means a weight.

    Args:
        word: from the config.
        names: of the layers that hold it.
        classes: of these layers.
        path: its own, such as `hidden/kernel`.
    """
    own = path.rpartition("/")[2]
    if word in classes:  # as Keras spells them: `dense` is the name of a layer
        return True
    return any(fnmatchcase(name, word) for name in (*names, *(f"{name}/{own}" for name in names), own, path))


def put_groups(model: Any, optimizer: Any, component: Component) -> None:
    """Let a built optimizer of a model's trained variables treat them by groups.

    Raises:
        ConfigError: a group matches no weight.
    """
    groups = groups_of(component)
    if not groups:
        return
    multipliers = _multipliers(model, groups)
    optimizer.dltrain_multipliers = multipliers
    step, decay = optimizer.update_step, optimizer._apply_weight_decay

    def update_step(gradient: Any, variable: Any, learning_rate: Any) -> Any:
        factor = multipliers.rates[optimizer._get_variable_index(variable)]
        if factor == 0.0:
            return None  # some optimizers divide by the rate
        return step(gradient, variable, learning_rate if factor == 1.0 else learning_rate * factor)

    def apply_weight_decay(variables: Sequence[Any]) -> None:
        before = {name: value for name in _DECAYS if (value := getattr(optimizer, name, None)) is not None}
        by_factor: dict[float, list[Any]] = {}
        for variable in variables:
            by_factor.setdefault(multipliers.decays[optimizer._get_variable_index(variable)], []).append(variable)
        try:
            for factor, chosen in by_factor.items():
                for name, value in before.items():
                    setattr(optimizer, name, value * factor)
                if factor:
                    decay(chosen)
        finally:
            for name, value in before.items():
                setattr(optimizer, name, value)

    optimizer.update_step = update_step
    optimizer._apply_weight_decay = apply_weight_decay


def multipliers_of(optimizer: Any) -> Multipliers | None:
    """What `put_groups` put on an optimizer; None: all its steps are alike."""
    found = getattr(optimizer, "dltrain_multipliers", None)
    return found if isinstance(found, Multipliers) else None


def _multipliers(model: Any, groups: Sequence[Mapping[str, Any]]) -> Multipliers:
    holders: dict[int, list[Any]] = {}
    for layer in model._flatten_layers(include_self=False):
        for variable in layer.weights:
            holders.setdefault(id(variable), []).append(layer)
    # Also those that are frozen now: a later phase may train them.
    found = {id(variable): _matching(groups, holders.get(id(variable), []), variable.path) for variable in model.weights}
    for index, group in enumerate(groups):
        if not any(index in matching for matching in found.values()):
            raise ConfigError(_unmatched(index, group, [variable.path for variable in model.trainable_variables]))
    rates, decays = [], []
    for variable in model.trainable_variables:
        layers, matching = holders.get(id(variable), []), found[id(variable)]
        group = groups[matching[0]] if matching else {}
        rate = float(group.get("learning_rate", 1.0))
        rates.append(rate / math.sqrt(_num_inputs(layers, variable.shape)) if group.get("ntk") else rate)
        decays.append(rate * float(group.get("weight_decay", 1.0)))
    return Multipliers(tuple(rates), tuple(decays))


def _matching(groups: Sequence[Mapping[str, Any]], layers: Sequence[Any], path: str) -> list[int]:
    names, classes = [layer.name for layer in layers], [type(layer).__name__ for layer in layers]
    return [index for index, group in enumerate(groups) if any(matches(word, names, classes, path) for word in group["match"])]


def _num_inputs(layers: Sequence[Any], shape: Sequence[int]) -> int:
    """How many inputs a unit has that a weight belongs to."""
    equation = next((layer.equation for layer in layers if type(layer).__name__ == "EinsumDense"), None)
    if equation is None:
        return math.prod(shape[:-1]) if len(shape) > 1 else 1
    letters, output = equation.replace("...", "").split(",")[1].split("->")
    return math.prod(length for letter, length in zip(letters, shape, strict=True) if letter not in output)


def _unmatched(index: int, group: Mapping[str, Any], paths: Sequence[str]) -> Fault:
    """The fault of a group that means no weight."""
    words = ", ".join(group["match"])
    shown = ", ".join(paths[:6]) + (", …" if len(paths) > 6 else "")
    return Fault(
        f"no weight of the model matches {words}",
        path=f"training.optimizer.groups.{index}.match",
        hint=f"its weights: {shown}" if paths else None,
    )
