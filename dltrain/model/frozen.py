"""The part of a model that training never changes: all layers before the first one that learns or draws at random.

What it puts out for a row is the same in every epoch, so it need be computed only once; the rest is trained on that.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from dltrain.model.keras_import import import_keras

# Features are held in memory; `training.cache_features: auto` leaves it where they would take more.
MOST_BYTES = 1 << 30


@dataclass(frozen=True, slots=True)
class FrozenPrefix:
    """A model cut in two. Both halves share their layers, and so their weights, with the whole one.

    Attributes:
        prefix: from the model's input to the cut; a function of the row alone.
        rest: from the cut to the model's outputs, not compiled; its trainable variables are those of the whole model.
        layers: names of the prefix's layers, in order.
    """

    prefix: Any
    rest: Any
    layers: tuple[str, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of a row's features."""
        return tuple(self.prefix.outputs[0].shape[1:])

    @property
    def name(self) -> str:
        """The layers in a few words, such as `xception … global_average_pooling2d`."""
        return self.layers[0] if len(self.layers) == 1 else f"{self.layers[0]} … {self.layers[-1]}"


def find_frozen_prefix(model: Any) -> FrozenPrefix | None:
    """Cut a model behind the longest chain of layers, from its only input on, that training never changes.

    A layer belongs to the chain where it is the only one that takes what comes out of the layer before, has no variable that
    training changes (weights, moving statistics, states of random generators), and adds nothing to the loss.

    Args:
        model: a functional Keras model.

    Returns:
        None where there is no such layer with weights, whose work could be saved, or where nothing would be left.
    """
    if len(model.inputs) != 1:
        return None
    consumers: dict[int, list[Any]] = {}
    for node in _nodes(model):
        for tensor in node.input_tensors:
            consumers.setdefault(id(tensor), []).append(node)
    tensor, layers, cut = model.inputs[0], [], None
    while len(consumers.get(id(tensor), ())) == 1 and not any(tensor is output for output in model.outputs):
        [node] = consumers[id(tensor)]
        if len(node.input_tensors) != 1 or len(node.outputs) != 1 or not _is_fixed(node):
            break
        tensor = node.outputs[0]
        if getattr(tensor, "_keras_mask", None) is not None or None in tuple(tensor.shape[1:]):
            break
        layers.append(node.operation)
        # A layer without weights is left to the rest where it makes more of the numbers that must be kept.
        if node.operation.weights or (cut is not None and _size(tensor) <= _size(cut[0])):
            cut = tensor, len(layers)
    if cut is None or any(cut[0] is output for output in model.outputs):
        return None
    keras = import_keras()
    prefix = keras.Model(model.inputs, cut[0], name="prefix")
    rest = keras.Model(cut[0], model.outputs if len(model.outputs) > 1 else model.outputs[0], name="rest")
    return FrozenPrefix(prefix, rest, tuple(layer.name for layer in layers[: cut[1]]))


def _size(tensor: Any) -> int:
    return math.prod(tensor.shape[1:])


def _nodes(model: Any) -> list[Any]:
    """Every use of a layer in the model, its inputs left out."""
    return [node for nodes in model._nodes_by_depth.values() for node in nodes if not node.is_input]


def _is_fixed(node: Any) -> bool:
    layer = node.operation
    if layer.trainable_variables or getattr(layer, "activity_regularizer", None) is not None:
        return False
    if type(layer).__name__ == "ActivityRegularization":
        return False
    # Moving statistics of a layer that is not frozen change though nothing in it is trained.
    parts = list(layer._flatten_layers())
    learns = any(part.weights and part.trainable for part in parts if not getattr(part, "layers", ()))
    return not learns and not any(map(_is_random, parts))


def _is_random(layer: Any) -> bool:
    """Whether a layer draws random numbers in training; a dropout of nothing does not."""
    rate = getattr(layer, "rate", getattr(layer, "drop_path_rate", None))
    return bool(getattr(layer, "_seed_generators", None)) and rate != 0
