"""What composed layers are written with."""

from __future__ import annotations

from typing import Any

from dltrain.config.types import Component, LayerConfig

# What comes into a composed layer, where one of its layers takes it by name; no layer of a config can be called so.
INPUT = " input"


def part(layer: str, name: str, *sources: str, **arguments: Any) -> LayerConfig:
    """One of Keras's layers of which a composed one is; without sources it takes the one before, the first one what comes in."""
    return LayerConfig(Component("layer", layer, arguments), name, sources or None)


def initializer(name: str, **arguments: Any) -> Component:
    """An initializer of Keras's."""
    return Component("initializer", name, arguments)
