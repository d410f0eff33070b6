"""What single tasks exclude: reconstruction, whose target is the input, and segmentation, a class for each pixel."""

from __future__ import annotations

import math

from dltrain.checking.places import fault
from dltrain.config.types import Config, LayerConfig
from dltrain.data.dataset import Schema
from dltrain.errors import Fault
from dltrain.model.heads.head import Head
from dltrain.model.heads.pixel_targets import REGION_LOSSES
from dltrain.model.heads.reconstruction import code_layer, ending_activation

# Activations whose values keep within these bounds.
_BOUNDED = {"sigmoid": "0 and 1", "hard_sigmoid": "0 and 1", "softmax": "0 and 1", "tanh": "-1 and 1", "relu": "0 and more"}
# Losses that compare shares or probabilities.
_UNIT_LOSSES = {"BinaryCrossentropy", "BinaryFocalCrossentropy", "CategoricalCrossentropy", "KLDivergence"}
# Layers that change their input while a model is trained, and nothing afterwards; what of `data.corrupt` is such a change.
_CORRUPTING = {
    "GaussianNoise": "noise: 0.2", "Dropout": "mask: 0.3", "SpatialDropout1D": "mask: 0.3", "SpatialDropout2D": "mask: 0.3",
    "GaussianDropout": "noise: 0.2", "AlphaDropout": "noise: 0.2",
}  # fmt: skip
_SHAPING = {"Flatten", "Reshape", "Permute", "RepeatVector"}
# Layers that move pixels, so that masks have to move with them.
_MOVING = {
    "RandomFlip", "RandomRotation", "RandomTranslation", "RandomZoom", "RandomShear", "RandomPerspective",
    "RandomElasticTransform", "RandomCrop", "RandAugment", "AugMix",
}  # fmt: skip
# Layers whose masks are no classes any more, or that do not say how they moved pixels.
_NOT_FOR_MASKS = {"MixUp", "CutMix", "AugMix", "RandAugment"}


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
    noisy = next((layer for layer in config.model.layers if layer.component.name not in _SHAPING), None)
    corrupts = noisy is not None and noisy.component.name in _CORRUPTING
    if noisy is not None and corrupts and config.data.corrupt is None:
        message = f"{noisy.component.name} changes the input in training alone: the result is one of clean input"
        hint = f"`data.corrupt: {{{_CORRUPTING[noisy.component.name]}}}` in its place judges corrupted input as well"
        faults.append(fault(config, noisy.path, message, hint, warning=True))
    code = code_layer(config.model, schema)
    width = math.prod(spec.shape)
    if code is not None and code[1] >= width and config.data.corrupt is None and not corrupts:
        message = f"no layer is narrower than the input ({width:,} numbers): the network can learn to copy it"
        hint = "make a layer narrow and call it `code`, or corrupt the input, such as `data.corrupt: {noise: 0.2}`"
        faults.append(fault(config, "model.layers", message, hint, warning=True))
    if code is None:
        message = "a reconstruction without layers is a linear map of the input onto itself"
        faults.append(fault(config, "model.layers", message, "add at least a narrow Dense layer", warning=True))
    return faults


def check_masks(config: Config, head: Head) -> list[Fault]:
    """Faults of layers and losses that would leave a mask behind its picture.

    Args:
        config: from `load_config`.
        head: of the model.
    """
    faults = []
    for index, component in enumerate(config.data.augment):
        if component.name in _NOT_FOR_MASKS:
            message = f"{component.name} mixes or moves pixels without their masks"
            hint = "RandomFlip, RandomRotation, RandomTranslation and RandomZoom turn both"
            faults.append(fault(config, f"data.augment.{index}", message, hint))
    for layer in config.model.layers:
        if layer.component.name in _MOVING | _NOT_FOR_MASKS:
            message = f"{layer.component.name} within the model moves the pictures and leaves their masks"
            faults.append(fault(config, layer.path, message, "write it below `data.augment`, which turns both"))
    training = config.training
    if training is not None and training.class_weight is not None and head.loss.like in REGION_LOSSES:
        message = f"{head.loss.name} looks at whole regions, in which pixels have no weights"
        hint = f"leave class_weight out; `{head.loss.name}: {{axis: [1, 2]}}` counts each class of each picture alike"
        faults.append(fault(config, "training.class_weight", message, hint))
    if head.logits and head.loss.like in REGION_LOSSES:
        message = f"{head.loss.name} takes probabilities, and the output gives logits"
        faults.append(fault(config, "model.logits", message, "leave `logits` out"))
    if config.data.split.stratify:
        message = "there is no one class of a picture to stratify by: each pixel has one"
        faults.append(fault(config, "data.split.stratify", message, "leave it out"))
    return faults
