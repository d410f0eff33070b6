"""Layers that Keras lacks, each composed of Keras's own layers: a saved model needs nothing but Keras to be loaded.

A file each. A layer of the config becomes several of the model, whose names begin with its own; the last one has its name. Begin
with `feature_scaling.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from dltrain.config.composed import (
    ensemble_dense,
    ensemble_output,
    feature_scaling,
    parametric_activation,
    periodic_embedding,
    piecewise_linear_embedding,
)
from dltrain.config.composed.parts import INPUT
from dltrain.config.types import LayerConfig

__all__ = ["COMPOSED", "INPUT", "expand"]


@dataclass(frozen=True, slots=True)
class Composed:
    """A layer of ours.

    Attributes:
        entry: as in catalog.json.
        expand: (arguments with defaults, name of the layer, shape of what comes in for a row) -> the layers, each with its name.
        layers: Keras's classes of which it is.
        takes: what comes in, for the user, by how many axes it has.
    """

    entry: Mapping[str, Any]
    expand: Callable[[Mapping[str, Any], str, Sequence[int]], list[LayerConfig]]
    layers: frozenset[str]
    takes: Mapping[int, str]


_VECTOR = {1: "one vector of numbers"}
_MEMBERS = {2: "a vector of each member, as EnsembleDense puts them out"}
COMPOSED: Mapping[str, Composed] = {
    name: Composed(module.ENTRY, module.expand, module.LAYERS, takes)
    for name, module, takes in (
        ("EnsembleDense", ensemble_dense, _VECTOR | _MEMBERS),
        ("EnsembleOutput", ensemble_output, _MEMBERS),
        ("FeatureScaling", feature_scaling, _VECTOR),
        ("ParametricActivation", parametric_activation, _VECTOR),
        ("PeriodicEmbedding", periodic_embedding, _VECTOR),
        ("PiecewiseLinearEmbedding", piecewise_linear_embedding, _VECTOR),
    )
}


# How many numbers a composed layer may be written with one by one: members times inputs, or bins.
MOST_LISTED = 2_000_000


def listed_numbers(layer: LayerConfig, shape: Sequence[int]) -> int:
    """How many numbers the layers of which a composed one is are written with one by one; arguments as of `expand`."""
    given = _given(layer)
    if "bins" in given:
        return int(given["bins"])
    return int(given["members"]) * shape[0] if "members" in given and len(shape) == 1 else 0


def _given(layer: LayerConfig) -> dict[str, Any]:
    """Its arguments with their defaults."""
    defaults = {argument[0]: argument[3] for argument in COMPOSED[layer.component.name].entry["arguments"] if len(argument) > 3}
    return {**defaults, **layer.component.arguments}


def expand(layer: LayerConfig, name: str, shape: Sequence[int]) -> list[LayerConfig]:
    """The layers of which a composed one is, in order.

    Args:
        layer: of kind "composed".
        name: its name in the model.
        shape: of what comes in for a row, one that it takes.
    """
    composed = COMPOSED[layer.component.name]
    given = _given(layer)
    fixed = {} if given["trainable"] else {"trainable": False}
    found = []
    for part in composed.expand(given, name, shape):
        more = fixed if part.component.name in ("Dense", "EinsumDense") else {}
        component = replace(part.component, arguments={**part.component.arguments, **more}, place=layer.component.place)
        found.append(replace(part, component=component, path=layer.path))
    return found
