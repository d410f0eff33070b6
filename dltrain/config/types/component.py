"""The smallest values of a config: a place in its text, a component of Keras, a layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dltrain.config.types.own_code import OwnCode, OwnComponent
from dltrain.errors import Fault
from dltrain.wording import in_override


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value stands in a text: file as named by the user, 1-based line and column; or the override that gave it."""

    file: str
    line: int
    column: int
    word: str | None = None


@dataclass(frozen=True, slots=True)
class Component:
    """A Keras object by name: layer, optimizer, loss, metric, schedule, regularizer, initializer, constraint.

    Attributes:
        kind: "layer", "optimizer", "schedule", "curve" (see `curves.py`), "loss", "metric", "regularizer", "initializer",
            "constraint", "transformer", "application" (a `keras.applications` network used as a layer), "composed" (a layer
            of ours, see `composed/`).
        name: Keras's canonical class name, such as `Dense` or `BinaryCrossentropy`.
        arguments: Keras's argument names to plain values; a nested component is a `Component`, also inside lists.
            Holds only what the user gave.
        place: where its name stands in the config (not part of equality).
        code: the config's own code, where the component is one that it registers.
    """

    kind: str
    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    place: Place | None = field(default=None, compare=False)
    code: OwnCode | None = field(default=None, repr=False)

    @property
    def own(self) -> OwnComponent | None:
        """What the source of own code says of the component; None for Keras's."""
        return None if self.code is None else self.code.components[self.name]

    @property
    def like(self) -> str:
        """The class of Keras's own whose rules hold for it: itself, or what its own code is derived from."""
        return self.name if self.own is None else self.own.base or self.name


@dataclass(frozen=True, slots=True)
class LayerConfig:
    """One entry of `model.layers`.

    Attributes:
        component: kind "layer", "application" or "composed".
        name: the layer's own name, unique in the model, or None for Keras's automatic one.
        inputs: `from:` - names of the layers (or of inputs) whose outputs it takes; None: the layer before.
        weights: given weights as nested lists, in the order of Keras's `layer.get_weights()`, or None.
        path: the key in override form, such as `model.layers.2`.
    """

    component: Component
    name: str | None = None
    inputs: tuple[str, ...] | None = None
    weights: Any = None
    path: str = ""

    @property
    def is_frozen(self) -> bool:
        """Whether it has weights that training leaves alone."""
        trains = self.component.arguments.get("trainable", self.component.kind != "application")
        return trains is False


def fault_at(place: Place | None, message: str, *, path: str | None = None, hint: str | None = None) -> Fault:
    """A fault at a place of the config, or at none where the value came from elsewhere."""
    if place is None:
        return Fault(message, path=path, hint=hint)
    if place.word is not None:
        ending = in_override(place.word)
        return Fault(f"{message.removesuffix(ending)}{ending}", path=path, hint=hint)
    return Fault(message, file=place.file, line=place.line, column=place.column, path=path, hint=hint)
