"""One layer: its rule, and what is said where there is none."""

from __future__ import annotations

from dataclasses import replace

from dltrain.config.types import Component
from dltrain.model.symbolic import (
    attention,
    convolution,
    dense,
    elementwise,
    merging,
    normalization,
    pictures,
    pooling,
    recurrent,
    reshaping,
)
from dltrain.model.symbolic.application import infer_application
from dltrain.model.symbolic.rule import Arguments, Inferred, Rule, Shape

MODULES = (attention, convolution, dense, elementwise, merging, normalization, pictures, pooling, recurrent, reshaping)
RULES: dict[str, Rule] = {name: rule for module in MODULES for name, rule in module.RULES.by_name.items()}


def infer_layer(component: Component, inputs: tuple[Shape, ...]) -> Inferred:
    """Output shape and weights of a layer behind inputs of known shape.

    Args:
        component: kind "layer" or "application".
        inputs: one shape, or several where the layer joins branches.

    Raises:
        ShapeError: the layer cannot take them.
    """
    if component.kind == "application":
        return infer_application(component, inputs)
    rule = RULES.get(component.name)
    if rule is None:
        return Inferred(None, None, f"check does not know what {component.name} does to a shape")
    found = rule(Arguments(component), inputs)
    if component.arguments.get("trainable") is False and found.weights:
        return replace(found, weights=tuple(replace(weight, trainable=False) for weight in found.weights))
    return found
