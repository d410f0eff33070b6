"""Frozen layers that are to be trained from some epoch on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dltrain.errors import ConfigError


def unfreeze(model: Any, wanted: bool | int | Sequence[str]) -> None:
    """Let training change layers that were frozen; what is trained already stays so. The model must be compiled anew.

    Batch normalization that stays frozen stays in inference mode, as Keras has it. One that is unfrozen itself, by its name or
    with all layers, uses and updates the statistics of its batches.

    Args:
        model: from `build_model`.
        wanted: True: all layers, but for the preprocessing of pixels; a number: so many of the last layers with weights of each
            body, batch normalization excepted; names: layers of the model or of a body.

    Raises:
        ConfigError: there is no such layer.
    """
    if wanted is False:
        return
    bodies = [layer for layer in model.layers if type(layer).__name__ == "Functional"]
    fixed = {f"{body.name}_preprocessing" for body in bodies}
    if wanted is True:
        for layer in model.layers:
            layer.trainable = layer.trainable or layer.name not in fixed
        for body in bodies:
            body.trainable = True
    elif isinstance(wanted, int):
        for body in bodies:
            _train_also(body, weighted_layers(body)[-wanted:])
    else:
        for name in wanted:
            _unfreeze_by_name(model, bodies, name)


def weighted_layers(body: Any) -> list[Any]:
    """The layers of a body that `trainable: N` counts: those with weights, batch normalization excepted."""
    return [layer for layer in body.layers if layer.weights and type(layer).__name__ != "BatchNormalization"]


def _unfreeze_by_name(model: Any, bodies: Sequence[Any], name: str) -> None:
    for layer in model.layers:
        if layer.name == name:
            layer.trainable = True
            return
    for body in bodies:
        for layer in body.layers:
            if layer.name == name:
                _train_also(body, [layer])
                return
    raise ConfigError(f"there is no layer {name!r} to unfreeze", path="training.phases")


def _train_also(body: Any, layers: Sequence[Any]) -> None:
    """Train these layers of a body and those that are trained already. Setting the body's own flag sets all of its layers'."""
    chosen = {id(layer) for layer in layers}
    if body.trainable:
        chosen |= {id(layer) for layer in body.layers if layer.trainable}
    body.trainable = True
    for layer in body.layers:
        layer.trainable = id(layer) in chosen
