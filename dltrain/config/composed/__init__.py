"""Layers that Keras has not, each composed of Keras's own: so files open, and programs run, where nobody knows dltrain.

A file each. A layer of the config becomes several of the model, whose names begin with its own; the last one has its name. Begin
with `feature_scaling.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from dltrain.config.composed import feature_scaling, parametric_activation, periodic_embedding, piecewise_linear_embedding
from dltrain.config.composed.parts import INPUT
from dltrain.config.types import LayerConfig

__all__ = ["COMPOSED", "INPUT", "expand"]


@dataclass(frozen=True, slots=True)
class Composed:
    """A layer of ours.

    Attributes:
        entry: as in catalog.json.
        expand: (arguments with defaults, name of the layer, how many numbers come in for a row) -> the layers, each with its
            name.
        layers: Keras's classes of which it is.
    """

    entry: Mapping[str, Any]
    expand: Callable[[Mapping[str, Any], str, int], list[LayerConfig]]
    layers: frozenset[str]


COMPOSED: Mapping[str, Composed] = {
    name: Composed(module.ENTRY, module.expand, module.LAYERS)
    for name, module in (
        ("FeatureScaling", feature_scaling),
        ("ParametricActivation", parametric_activation),
        ("PeriodicEmbedding", periodic_embedding),
        ("PiecewiseLinearEmbedding", piecewise_linear_embedding),
    )
}


def expand(layer: LayerConfig, name: str, width: int) -> list[LayerConfig]:
    """The layers of which a composed one is, in order.

    Args:
        layer: of kind "composed".
        name: its name in the model.
        width: how many numbers come in for a row.
    """
    composed = COMPOSED[layer.component.name]
    defaults = {argument[0]: argument[3] for argument in composed.entry["arguments"] if len(argument) > 3}
    given = {**defaults, **layer.component.arguments}
    fixed = {} if given["trainable"] else {"trainable": False}
    found = []
    for part in composed.expand(given, name, width):
        more = fixed if part.component.name == "EinsumDense" else {}
        component = replace(part.component, arguments={**part.component.arguments, **more}, place=layer.component.place)
        found.append(replace(part, component=component, path=layer.path))
    return found
