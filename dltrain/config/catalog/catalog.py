"""What Keras offers: components with their arguments, read from catalog.json, which `python -m tests.catalog.generate` writes."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from dltrain.config import curves
from dltrain.config.composed import COMPOSED
from dltrain.config.types import Component
from dltrain.config.types.own_code import OwnComponent
from dltrain.wording import normalize

# Where in the module keras the components of a kind stand.
NAMESPACES = {
    "layer": "layers",
    "optimizer": "optimizers",
    "schedule": "optimizers.schedules",
    "loss": "losses",
    "metric": "metrics",
    "regularizer": "regularizers",
    "initializer": "initializers",
    "constraint": "constraints",
}


# Arguments of schedules that count steps, which a config can also say in terms of the training.
_COUNTS_OF_STEPS = {
    **dict.fromkeys(("decay_steps", "first_decay_steps"), "int>=1|duration"),
    "warmup_steps": "int>=0|duration",
    "boundaries": "list(number>=0|duration)",
}


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a component.

    Attributes:
        name: Keras's own.
        type: what it expects, in the notation of `kinds.py`.
        description: one sentence from Keras's documentation; may be empty.
        required: whether it has no default.
        default: the default as plain values; None where it is required.
    """

    name: str
    type: str
    description: str
    required: bool
    default: Any = None


class ComponentEntry:
    """One component of the catalog.

    Attributes:
        kind: as in `Component.kind`, or "callback".
        name: canonical class name.
        doc: first sentence of Keras's documentation.
        metric_name: the name under which a metric appears in the history; None for other kinds.
        size: the side of the pictures that an application network takes by default; None for other kinds.
        where: file and line of what is own code of a config; None for Keras's and dltrain's own.
    """

    def __init__(self, kind: str, name: str, raw: Mapping[str, Any]) -> None:
        self.kind = kind
        self.name = name
        self.doc: str = raw["doc"]
        self.metric_name: str | None = raw.get("name")
        self.size: int | None = raw.get("size")
        self.where: str | None = raw.get("where")
        self._arguments = raw["arguments"]

    @property
    def is_own(self) -> bool:
        """Whether it is own code of a config."""
        return self.where is not None

    @cached_property
    def arguments(self) -> dict[str, Argument]:
        """Argument name -> argument, in Keras's order."""
        counts = _COUNTS_OF_STEPS if self.kind == "schedule" else {}
        return {
            raw[0]: Argument(raw[0], counts.get(raw[0], raw[1]), raw[2], len(raw) == 3, raw[3] if len(raw) > 3 else None)
            for raw in self._arguments
        }

    def argument(self, name: str) -> Argument | None:
        """The argument of that name, whatever its case and underscores; None where there is none."""
        exact = self.arguments.get(name)
        return exact or next((each for each in self.arguments.values() if normalize(each.name) == normalize(name)), None)


class Catalog:
    """Looks components up by kind and by name, whatever the case and underscores of the name.

    Attributes:
        keras: the version that the catalog was generated from.
        activations: canonical name -> first sentence of its documentation.
    """

    OWN_ACTIVATIONS: Mapping[str, str] = {
        "binary_step": "1 where the input is above 0, else 0; it passes no gradient.",
        "cosine": "The cosine.",
    }

    OWN_LOSSES: Mapping[str, Any] = {
        "HalfSquaredError": {
            "doc": "Half of the squared error, ½·(y - t)², whose slope is y - t: half of MeanSquaredError.",
            "arguments": [["name", "text|none", "Optional name for the loss instance.", "half_squared_error"]],
        }
    }
    OWN_ALIASES: Mapping[str, str] = {"half_mse": "HalfSquaredError", "half_mean_squared_error": "HalfSquaredError"}

    def __init__(self, raw: Mapping[str, Any]) -> None:
        self.keras: str = raw["keras"]
        self.activations: dict[str, str] = {**raw["activations"], **self.OWN_ACTIVATIONS}
        self._components: dict[str, Mapping[str, Any]] = {
            **raw["components"],
            "loss": dict(sorted({**raw["components"]["loss"], **self.OWN_LOSSES}.items())),
            "curve": curves.CURVES,
            "composed": {name: layer.entry for name, layer in COMPOSED.items()},
        }
        own = {"loss": {**raw["aliases"]["loss"], **self.OWN_ALIASES}, "curve": curves.ALIASES, "composed": {}}
        self._aliases: dict[str, Mapping[str, str]] = {**raw["aliases"], **own}
        self._names: dict[str, dict[str, str]] = {}
        self._entries: dict[tuple[str, str], ComponentEntry] = {}
        self._activation_names = {normalize(name): name for name in self.activations}

    def find(self, kind: str, name: str) -> ComponentEntry | None:
        """The component of that kind and name (or alias), or None."""
        canonical = self._spellings(kind).get(normalize(name))
        if canonical is None:
            return None
        key = (kind, canonical)
        if key not in self._entries:
            self._entries[key] = ComponentEntry(kind, canonical, self._components[kind][canonical])
        return self._entries[key]

    def with_own(self, own: Iterable[OwnComponent]) -> Catalog:
        """The same with the components of a config's own code; in lists of names they come first."""
        found = copy.copy(self)
        found._names, found._entries = {}, {}
        found._components = dict(self._components)
        for each in own:
            for kind, entry in each.entries.items():
                if kind == "activation":
                    found.activations = {each.name: entry["doc"], **found.activations}
                else:
                    found._components[kind] = {each.name: entry, **found._components[kind]}
        found._activation_names = {normalize(name): name for name in found.activations}
        return found

    def in_place_of_number(self, word: str, kinds: Sequence[str]) -> tuple[str, str] | None:
        """The kind of what can stand for a number and is called so, or has such an argument, and how it is written.

        Args:
            word: a name, or that of an argument.
            kinds: "curve", "schedule".
        """
        for kind in kinds:
            named = self.find(kind, word)
            for entry in [named] if named is not None else filter(None, (self.find(kind, name) for name in self.names(kind))):
                argument = next(iter(entry.arguments.values())) if entry is named else entry.argument(word)
                if argument is not None:
                    return kind, f"{{{entry.name}: {{{argument.name}: …}}}}"
        return None

    def find_activation(self, name: str) -> str | None:
        """The canonical name of an activation function, or None."""
        return self._activation_names.get(normalize(name))

    def names(self, kind: str) -> list[str]:
        """Canonical names of a kind, sorted."""
        return list(self._components[kind])

    def aliases(self, kind: str) -> dict[str, str]:
        """Other spellings that Keras takes -> canonical name."""
        return dict(self._aliases[kind])

    def kinds(self) -> Iterator[str]:
        """All kinds of component."""
        return iter(self._components)

    def kind_of(self, name: str) -> str | None:
        """The first kind that has a component of this name, to say what a name is instead."""
        return next((kind for kind in self.kinds() if self.find(kind, name)), None)

    def _spellings(self, kind: str) -> dict[str, str]:
        if kind not in self._names:
            spellings = {normalize(alias): name for alias, name in self._aliases[kind].items()}
            spellings.update((normalize(name), name) for name in self._components[kind])
            self._names[kind] = spellings
        return self._names[kind]


def entry_of(component: Component) -> ComponentEntry | None:
    """The entry of a component, be it Keras's or own code."""
    own, kind = component.own, component.kind
    return load_catalog().find(kind, component.name) if own is None else ComponentEntry(kind, own.name, own.entries[kind])


def arguments_of(component: Component) -> dict[str, Any]:
    """All arguments of a component: those that are given, and the others as Keras has them."""
    return {**defaults_of(component), **component.arguments}


def defaults_of(component: Component) -> dict[str, Any]:
    """A component's arguments as Keras has them where none is given."""
    entry = entry_of(component)
    return {name: argument.default for name, argument in entry.arguments.items()} if entry is not None else {}


@lru_cache(maxsize=1)
def load_catalog() -> Catalog:
    """Reads catalog.json once a process."""
    return Catalog(json.loads(Path(__file__).with_name("catalog.json").read_bytes()))
