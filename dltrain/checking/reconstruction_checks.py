"""Can the network give its input back, and does it have to learn anything for that?"""

from __future__ import annotations

import math

from dltrain.checking.places import fault
from dltrain.config.types import Config, LayerConfig
from dltrain.data.dataset import Schema
from dltrain.errors import Fault
from dltrain.model.heads.head import Head
from dltrain.model.heads.reconstruction import code_layer, ending_activation

# Activations whose values keep within these bounds.
_BOUNDED = {"sigmoid": "0 and 1", "hard_sigmoid": "0 and 1", "softmax": "0 and 1", "tanh": "-1 and 1", "relu": "0 and more"}
# Losses that compare shares or probabilities.
_UNIT_LOSSES = {"BinaryCrossentropy", "BinaryFocalCrossentropy", "CategoricalCrossentropy", "KLDivergence"}


def check_reconstruction(config: Config, schema: Schema, head: Head) -> list[Fault]:
    """Faults of a model that reconstructs its input.

    Args:
        config: the config.
        schema: what the data is; the first input is reconstructed.
        head: of the reconstruction.
    """
    spec = schema.inputs[0]
    faults = []
    layers: list[LayerConfig] = [*config.model.layers, *head.layers]
    activation = ending_activation(layers)
    if isinstance(activation, str) and activation in _BOUNDED and not spec.unit_range:
        message = f"{activation} gives numbers between {_BOUNDED[activation]}, but the scaled input has others as well"
        if activation == "relu":
            message = "relu gives no negative numbers, but the scaled input may have some"
        blamed = next((layer.path for layer in reversed(config.model.layers)), "model.layers")
        hint = f"say `data.scale: {'unit' if len(spec.shape) > 1 else 'minmax'}`, or let the output be linear"
        faults.append(fault(config, blamed, message, hint, warning=True))
    if head.loss.name in _UNIT_LOSSES and not spec.unit_range:
        message = f"{head.loss.name} takes a target between 0 and 1, but the scaled input, which is the target, has other numbers"
        hint = f"say `data.scale: {'unit' if len(spec.shape) > 1 else 'minmax'}` and end with a sigmoid, or use `mse`"
        faults.append(fault(config, "training.loss", message, hint, warning=True))
    if len(schema.inputs) > 1:
        names = ", ".join(other.name for other in schema.inputs[1:])
        message = f"{names}: read, but not reconstructed: that are the numbers and the one-hot categories alone"
        faults.append(fault(config, "data.features", message, "leave it out, or say `data.encode: one_hot`", warning=True))
    code = code_layer(config.model, schema)
    width = math.prod(spec.shape)
    if code is not None and code[1] >= width and config.data.corrupt is None:
        message = f"no layer is narrower than the input ({width:,} numbers): the network can learn to copy it"
        hint = "make a layer narrow and call it `code`, or corrupt the input, such as `data.corrupt: {noise: 0.2}`"
        faults.append(fault(config, "model.layers", message, hint, warning=True))
    if code is None:
        message = "a reconstruction without layers is a linear map of the input onto itself"
        faults.append(fault(config, "model.layers", message, "add at least a narrow Dense layer", warning=True))
    return faults
