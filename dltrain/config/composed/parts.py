"""What composed layers are written with."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from dltrain.config.types import Component, LayerConfig

# What comes into a composed layer, where one of its layers takes it by name; no layer of a config can be called so.
INPUT = " input"


def part(layer: str, name: str, *sources: str, **arguments: Any) -> LayerConfig:
    """One of Keras's layers of which a composed one is; without sources it takes the one before, the first one what comes in."""
    return LayerConfig(Component("layer", layer, arguments), name, sources or None)


def linear(name: str, source: str | None, equation: str, shape: Sequence[int], width: int, **arguments: Any) -> LayerConfig:
    """A linear map and a bias, drawn as PyTorch draws them.

    Args:
        name: of the layer.
        source: the layer that it takes; None: the one before.
        equation: of Keras's EinsumDense.
        shape: of a row that comes out.
        width: how many numbers each that comes out is made of.
        arguments: others than these.
    """
    drawn = small(width)
    given = {"bias_axes": equation.partition("->b")[2], "kernel_initializer": drawn, "bias_initializer": drawn, **arguments}
    sources = () if source is None else (source,)
    return part("EinsumDense", name, *sources, equation=equation, output_shape=list(shape), **given)


def small(width: int) -> Component:
    """Uniform, up to one by the root of how many numbers are put together."""
    return initializer("RandomUniform", minval=-1 / math.sqrt(width), maxval=1 / math.sqrt(width))


def initializer(name: str, **arguments: Any) -> Component:
    """An initializer of Keras's."""
    return Component("initializer", name, arguments)
