"""A model without data: its inputs by the config or by the first layer's weights, its targets by its last layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from dltrain.config.types import Component, LayerConfig, LossConfig, ModelConfig, TrainingConfig
from dltrain.data.dataset import InputSpec, Schema, TargetSpec
from dltrain.errors import ConfigError, Fault
from dltrain.model.symbolic import infer_network

INPUT = "x"


def given_schema(model: ModelConfig, training: TrainingConfig | None) -> Schema:
    """Inputs and targets of a model whose config says `data: none`.

    Args:
        model: the `model:` block; its inputs have a shape, or its first layer weights.
        training: whose loss says whether there are classes.

    Raises:
        ConfigError: the shape of an input is not known.
    """
    names = tuple(model.inputs) or (INPUT,)
    inputs, faults = [], []
    for name in names:
        shape = _given_shape(model, name, alone=len(names) == 1)
        if shape is None:
            hint = f"say `model.inputs: {{{name}: {{shape: [2]}}}}`, or give the first layer weights"
            faults.append(Fault(f"without data the shape of the input {name} is not known", path="model.inputs", hint=hint))
        else:
            inputs.append(InputSpec(name, shape))
    if faults:
        raise ConfigError(faults)
    schema = Schema(tuple(inputs), ())
    network = infer_network(model, schema, ())
    output = network.outputs[0][1]
    if output is None or len(output) != 1 or output[0] is None:
        return schema  # forward only: what a target would be is not known
    return replace(schema, targets=_targets(output[0], model, training))


def with_input_length(model: ModelConfig, length: int) -> ModelConfig:
    """The model with an input of so many numbers, where nothing else says how many there are."""
    names = tuple(model.inputs) or (INPUT,)
    if len(names) > 1 or _given_shape(model, names[0], alone=True) is not None:
        return model
    return replace(model, inputs={names[0]: {"shape": [length]}})


def _given_shape(model: ModelConfig, name: str, *, alone: bool) -> tuple[int, ...] | None:
    options = model.inputs.get(name)
    if isinstance(options, dict) and options.get("shape"):
        return tuple(options["shape"])
    first = model.layers[0] if model.layers else model.output
    if alone and isinstance(first, LayerConfig) and first.component.name == "Dense" and first.weights:
        return (len(first.weights[0]),)
    return None


def _targets(units: int, model: ModelConfig, training: TrainingConfig | None) -> tuple[TargetSpec, ...]:
    ending = _last_activation(model.all_layers)
    loss = training.loss.component if training and isinstance(training.loss, LossConfig) else None
    crossentropy = loss is not None and "crossentropy" in loss.name.lower().replace("_", "")
    classes = (ending == "softmax" and units > 1) or (ending == "sigmoid" and units == 1) or crossentropy
    if classes:
        reason = f"the output is {ending}" if ending in ("softmax", "sigmoid") else f"the loss is {loss.name if loss else ''}"
        return (TargetSpec("y", "classification", tuple(str(index) for index in range(max(units, 2))), reason=reason),)
    names = ("y",) if units == 1 else tuple(f"y{index}" for index in range(units))
    return tuple(TargetSpec(name, "regression", reason="the output is numbers") for name in names)


def _last_activation(layers: Sequence[LayerConfig]) -> str | None:
    for layer in reversed(layers):
        name, activation = layer.component.name, layer.component.arguments.get("activation")
        if name == "Softmax":
            return "softmax"
        if name in ("Dense", "Activation"):
            return activation.name.lower() if isinstance(activation, Component) else activation
    return None
