"""A `keras.applications` network as a layer: its body without the top, behind its own input preprocessing."""

from __future__ import annotations

import collections
import contextlib
from collections.abc import Iterator
from typing import Any

from dltrain.config.types import Component, fault_at
from dltrain.errors import DataError

# How each family wants its pixels (values 0 to 255 come in): documented at keras.io/api/applications.
_SCALED = ("Xception", "MobileNet", "InceptionV3", "InceptionResNetV2", "NASNet")  # to -1...1
_CAFFE = ("VGG", "ResNet")  # blue, green, red, each minus ImageNet's mean
_TORCH = ("DenseNet",)  # 0...1, then ImageNet's mean and standard deviation
_CAFFE_MEAN = (103.939, 116.779, 123.68)
_TORCH_MEAN, _TORCH_DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def apply_application(keras: Any, component: Component, name: str, tensor: Any, *, pretrained: bool, path: str = "") -> Any:
    """Put an application's body behind a tensor of pictures [batch, height, width, 3] with values 0 to 255.

    Args:
        keras: the module.
        component: kind "application"; its arguments are `weights`, `trainable` and those of the Keras function.
        name: the layer's name.
        tensor: the pictures.
        pretrained: False leaves the weights as they are: a checkpoint's follow.
        path: the layer's key, for messages.

    Returns:
        The body's output, a tensor of feature maps, or of features where `pooling` is given.

    Raises:
        DataError: the weights are not there, unsafe, or not of this network.
    """
    from dltrain.model.weights.pretrained import pretrained_body  # it takes NumPy, without which `check` comes by this file

    arguments = dict(component.arguments)
    weights, trainable = arguments.pop("weights", "imagenet"), arguments.pop("trainable", False)
    pixels = _preprocess(keras, component.name, name, tensor)
    shape = tuple(tensor.shape[1:])

    def build(keras_weights: str | None) -> Any:
        given = {"include_top": False, "weights": keras_weights, "input_shape": shape, "name": name}
        return getattr(keras.applications, component.name)(**{**arguments, **given})

    with _counting_names_anew():
        try:
            wanted = pretrained and weights not in (None, "none")
            body = pretrained_body(component.name, str(weights), build) if wanted else build(None)
        except DataError as error:
            key = f"{path}.weights" if path else None
            raise DataError([fault_at(component.place, f.message, path=key, hint=f.hint) for f in error.faults]) from error
    _set_trainable(body, trainable)
    if trainable is False:
        _switch_dropout_off(body)
    return body(pixels)


@contextlib.contextmanager
def _counting_names_anew() -> Iterator[None]:
    """Number the layers that Keras names (`conv2d_1`) from the start: files of a second model are like those of a first."""
    from keras.src.backend.common import global_state

    key = "object_name_uids"
    before = global_state.get_global_attribute(key)
    global_state.set_global_attribute(key, collections.defaultdict(int))
    try:
        yield
    finally:
        global_state.set_global_attribute(key, before)


def _preprocess(keras: Any, application: str, name: str, tensor: Any) -> Any:
    if application.startswith("MobileNetV3"):
        return tensor
    if application.startswith(_SCALED) or (application.endswith("V2") and application.startswith("ResNet")):
        return keras.layers.Rescaling(1 / 127.5, offset=-1.0, name=f"{name}_preprocessing")(tensor)
    if application.startswith(_CAFFE):
        kernel = [[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]
        bias = [-mean for mean in _CAFFE_MEAN]
    elif application.startswith(_TORCH):
        kernel = [[1 / (255 * _TORCH_DEVIATION[i]) if i == j else 0.0 for j in range(3)] for i in range(3)]
        bias = [-mean / deviation for mean, deviation in zip(_TORCH_MEAN, _TORCH_DEVIATION)]
    else:
        return tensor  # the family has its preprocessing inside
    import numpy as np

    # A fixed 1×1 convolution says it with a plain Keras layer, so that every file format can hold it.
    layer = keras.layers.Conv2D(3, 1, trainable=False, name=f"{name}_preprocessing")
    output = layer(tensor)
    layer.set_weights([np.array(kernel, "float32").reshape(1, 1, 3, 3), np.array(bias, "float32")])
    return output


def _switch_dropout_off(body: Any) -> None:
    """Let a frozen body compute the same in training as in inference.

    Its batch normalization does so of itself, being frozen. Its dropout would not, not even in `body(x, training=False)`:
    when a functional model is called in training, Keras hands that on to all layers within.
    """
    for layer in body.layers:
        if type(layer).__name__ == "Dropout":
            layer.rate = 0.0
        elif type(layer).__name__ == "StochasticDepth":
            layer.drop_path_rate = 0.0


def _set_trainable(body: Any, trainable: bool | int) -> None:
    """True: all layers; False: none; a number: so many of the last layers that have weights, batch normalization excepted."""
    body.trainable = trainable is not False
    if trainable is True or trainable is False:
        return
    weighted = [layer for layer in body.layers if layer.weights and type(layer).__name__ != "BatchNormalization"]
    chosen = set(map(id, weighted[-int(trainable) :]))
    for layer in body.layers:
        layer.trainable = id(layer) in chosen
