"""A `keras.applications` network as a layer: its body without the top, behind its own input preprocessing."""

from __future__ import annotations

import collections
import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dltrain.config.types import Component
from dltrain.errors import ConfigError, DataError, Fault

# How each family wants its pixels (values 0 to 255 come in): documented at keras.io/api/applications.
_SCALED = ("Xception", "MobileNet", "InceptionV3", "InceptionResNetV2", "NASNet")  # to -1...1
_CAFFE = ("VGG", "ResNet")  # blue, green, red, each minus ImageNet's mean
_TORCH = ("DenseNet",)  # 0...1, then ImageNet's mean and standard deviation
_CAFFE_MEAN = (103.939, 116.779, 123.68)
_TORCH_MEAN, _TORCH_DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def apply_application(keras: Any, component: Component, name: str, tensor: Any, *, pretrained: bool) -> Any:
    """Put an application's body behind a tensor of pictures [batch, height, width, 3] with values 0 to 255.

    Args:
        keras: the module.
        component: kind "application"; its arguments are `weights`, `trainable` and those of the Keras function.
        name: the layer's name.
        tensor: the pictures.
        pretrained: False leaves the weights as they are: a checkpoint's follow.

    Returns:
        The body's output, a tensor of feature maps, or of features where `pooling` is given.

    Raises:
        ConfigError: Keras refuses the arguments or the weights do not fit.
        DataError: the weights file is not there.
    """
    arguments = dict(component.arguments)
    weights, trainable = arguments.pop("weights", "imagenet"), arguments.pop("trainable", False)
    pixels = _preprocess(keras, component.name, name, tensor)
    shape = tuple(tensor.shape[1:])
    with _counting_names_anew():
        body = getattr(keras.applications, component.name)(
            **{**arguments, "include_top": False, "weights": None, "input_shape": shape, "name": name}
        )
    if pretrained and weights not in (None, "none"):
        path = find_weights(component.name, str(weights))
        try:
            body.load_weights(path)
        except (ValueError, OSError) as error:
            message = f"{path} does not hold the weights of {component.name}: {str(error).splitlines()[0]}"
            raise ConfigError(Fault(message, path=f"model.layers.{name}.weights")) from error
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


def find_weights(application: str, weights: str) -> Path:
    """The weights file: a path as given; for `imagenet` one in `$DLTRAIN_DATA/weights` or in Keras's cache.

    Raises:
        DataError: there is none; says where it was looked for.
    """
    if weights != "imagenet":
        path = Path(weights)
        if not path.is_file():
            raise DataError(f"there is no weights file {path}", hint="`weights:` takes a path, imagenet, or none")
        return path
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", application).lower()
    places = [Path.home() / ".keras" / "models"]
    if os.environ.get("DLTRAIN_DATA"):
        places.insert(0, Path(os.environ["DLTRAIN_DATA"]) / "weights")
    names = {f"{spelling}_imagenet_notop.weights.h5" for spelling in (words, application.lower())}
    for place in places:
        for file in sorted(names):
            if (place / file).is_file():
                return place / file
    where = ", ".join(str(place) for place in places)
    file = f"{application.lower()}_imagenet_notop.weights.h5"
    writer = f"keras.applications.{application}(include_top=False).save_weights(...)"
    hint = f"put the file there ({writer} writes it), or give `weights:` a path"
    raise DataError(f"the ImageNet weights of {application} are not here: looked for {file} in {where}", hint=hint)


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
