"""The output layers of a reconstruction, which have the shape of the input, and the layer that holds the code."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from dltrain.config.types import Component, LayerConfig, ModelConfig
from dltrain.data.dataset import InputSpec, Schema

if TYPE_CHECKING:
    from dltrain.model.symbolic import Shape

CODE = "code"
# Layers that move numbers about and leave their values as they are, or replace each by a function of it.
_KEEPING = (
    "Reshape", "Flatten", "Permute", "Activation", "Cropping1D", "Cropping2D", "Cropping3D", "ZeroPadding1D", "ZeroPadding2D",
    "ZeroPadding3D", "UpSampling1D", "UpSampling2D", "UpSampling3D",
)  # fmt: skip
# What can end a network for numbers: a sum of inputs for each of them.
_MAKING = (
    "Dense", "EinsumDense", "TimeDistributed", "Conv1D", "Conv2D", "Conv3D", "Conv1DTranspose", "Conv2DTranspose",
    "Conv3DTranspose", "SeparableConv1D", "SeparableConv2D", "DepthwiseConv1D", "DepthwiseConv2D",
)  # fmt: skip
_ENDING = (None, "linear", "sigmoid", "hard_sigmoid", "tanh")


def reconstruction_layers(model: ModelConfig, schema: Schema) -> tuple[tuple[LayerConfig, ...], str]:
    """Layers to add after those of the config, and a sentence for the user.

    A last layer of the input's own shape is the output; one that merely has as many numbers is reshaped; else a Dense layer
    follows, with a sigmoid where the input is scaled to 0...1 and linear otherwise.

    Args:
        model: the `model:` block.
        schema: the data's inputs; the first one is reconstructed.
    """
    from dltrain.model.symbolic import show_shape  # which itself imports the heads

    spec = schema.inputs[0]
    reached, activation = _shape_behind(model, schema), ending_activation(model.layers)
    shown = show_shape(spec.shape)
    if isinstance(model.output, LayerConfig):
        given = replace(model.output, name=model.output.name or "output")
        dense = given.component.name == "Dense" and given.component.arguments.get("units") == math.prod(spec.shape)
        return (given, *(_reshape(spec) if dense and len(spec.shape) > 1 else ())), "output as given by `model.output`"
    if model.output == "none":
        return (), "the last layer is the output"
    made = bool(model.layers) and activation is not False
    if made and reached == spec.shape and (len(spec.shape) > 1 or activation in _ENDING):
        return (), f"the last layer is the output: it has the shape of the input, {shown}"
    if made and reached == (math.prod(spec.shape),) and activation in _ENDING:
        return _reshape(spec), f"the last layer is the output: it has as many numbers as the input, reshaped to {shown}"
    ending = "sigmoid" if spec.unit_range else None
    arguments = {"units": math.prod(spec.shape), **({"activation": ending} if ending else {})}
    dense = Component("layer", "Dense", arguments)
    why = ", because the input is scaled to 0...1" if ending else ""
    reason = f"output added for the reconstruction: Dense({arguments['units']}, {ending or 'linear'}){why}"
    if len(spec.shape) == 1:
        return (LayerConfig(dense, name="output", path="model.output"),), reason
    flatten = LayerConfig(Component("layer", "Flatten"), path="model.output")
    head = LayerConfig(dense, name="output_values", path="model.output")
    return (*((flatten,) if reached is None or len(reached) > 1 else ()), head, *_reshape(spec)), f"{reason}, reshaped to {shown}"


def _reshape(spec: InputSpec) -> tuple[LayerConfig]:
    reshape = Component("layer", "Reshape", {"target_shape": list(spec.shape)})
    return (LayerConfig(reshape, name="output", path="model.output"),)


def _shape_behind(model: ModelConfig, schema: Schema) -> Shape | None:
    """The shape of what the config's last layer gives."""
    from dltrain.model.symbolic import infer_network

    return infer_network(model, schema, ()).outputs[0][1] if model.layers else None


def ending_activation(layers: Sequence[LayerConfig]) -> str | bool | None:
    """The activation of the values that come out of the last layer: None for linear, False where they are no layer's sums."""
    outer: str | None = None
    for layer in reversed(layers):
        component = layer.component
        activation = component.arguments.get("activation")
        name = activation.name if isinstance(activation, Component) else activation
        if component.name == "Activation":
            outer = outer or name
        elif component.name not in _KEEPING:
            return (outer or name) if component.name in _MAKING else False
    return False


def code_layer(model: ModelConfig, schema: Schema) -> tuple[str, int] | None:
    """Name and size of the layer that holds the code: the one called `code`, else the first of the narrowest.

    None where there is no layer, or none whose shape is known.
    """
    from dltrain.model.symbolic import infer_network

    sizes = [
        (row.name, math.prod(extent for extent in row.found.output if extent is not None))
        for row in infer_network(model, schema, ()).rows
        if row.config is not None and row.found.output and None not in row.found.output
    ]
    named = [entry for entry in sizes if entry[0] == CODE]
    return min(named or sizes, key=lambda entry: entry[1]) if sizes else None
