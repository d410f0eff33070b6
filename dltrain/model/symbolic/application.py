"""The bodies of `keras.applications` without their tops: their output shapes and parameter counts."""

from __future__ import annotations

from collections.abc import Callable

from dltrain.config.types import Component
from dltrain.model.symbolic.application_layers import body_channels, body_layers, is_known, thawed
from dltrain.model.symbolic.rule import Arguments, Inferred, Shape, ShapeError, Weight, of_rank, only, show_shape

_SMALLEST = {"Xception": 71, "InceptionV3": 75, "InceptionResNetV2": 75}


def _xception(side: int) -> int:
    side = (side - 3) // 2 + 1 - 2
    return _ceil_halves(side, 4)


def _inception(side: int) -> int:
    side = (side - 3) // 2 + 1 - 2  # two convolutions of 3 without padding
    side = (side - 3) // 2 + 1 - 2  # a pool, and a convolution of 3
    for _ in range(3):
        side = (side - 3) // 2 + 1
    return side


def _ceil_halves(side: int, times: int) -> int:
    for _ in range(times):
        side = (side + 1) // 2
    return side


def _floor_halves(side: int, times: int) -> int:
    return side >> times


# Beginning of the name -> side of the output for a side of the input, as the strides and paddings of the network have it.
_SIDES: tuple[tuple[str, Callable[[int], int]], ...] = (
    ("Xception", _xception),
    ("InceptionV3", _inception),
    ("InceptionResNetV2", _inception),
    ("VGG", lambda side: _floor_halves(side, 5)),
    ("ResNet", lambda side: _ceil_halves(side, 5)),
    ("DenseNet", lambda side: _floor_halves(_ceil_halves(side, 2), 3)),
    ("MobileNetV3", lambda side: _ceil_halves(side, 5)),
    ("MobileNetV2", lambda side: _ceil_halves(side, 5)),
    ("MobileNet", lambda side: _floor_halves(_ceil_halves(side, 1), 4)),
    ("EfficientNet", lambda side: _ceil_halves(side, 5)),
)


def infer_application(component: Component, inputs: tuple[Shape, ...]) -> Inferred:
    """[height, width, 3] -> feature maps, or one row of features with `pooling`."""
    arguments = Arguments(component)
    name = component.name
    shape = of_rank(only(inputs, arguments), 3, arguments, "pictures [height, width, 3]")
    if shape[2] not in (3, None):
        hint = "color: true gives three" if shape[2] == 1 else None
        raise ShapeError(f"{name} takes pictures of 3 channels, found an input of shape {show_shape(shape)}", hint)
    smallest = _SMALLEST.get(name, 32)
    if any(side is not None and side < smallest for side in shape[:2]):
        raise ShapeError(
            f"{name} takes pictures of at least {smallest}×{smallest}, found an input of shape {show_shape(shape)}",
            f"put `- Resizing: {{height: {smallest}, width: {smallest}}}` before it, or read larger pictures",
        )
    if not is_known(name):
        return Inferred(None, None, f"check does not know the network {name}")
    layers = body_layers(name, component.arguments)
    channels = _channels(name, component)
    pooled = component.arguments.get("pooling") in ("avg", "max")
    output = (channels,) if pooled else (_side(name, shape[0]), _side(name, shape[1]), channels)
    if layers is None:
        return Inferred(None if channels is None else output, None, f"check does not know this form of {name}")
    trained = sum(layer.trained for layer in thawed(layers, component.arguments.get("trainable", False)))
    fixed = sum(layer.trained + layer.fixed for layer in layers) - trained
    weights = tuple(weight for weight in (Weight((trained,)), Weight((fixed,), trainable=False)) if weight.size)
    return Inferred(output, weights, "" if pooled or None not in output else "its height and width are not known")


def _channels(name: str, component: Component) -> int | None:
    """Channels of the output, which `alpha` may scale; None: not known."""
    alpha = component.arguments.get("alpha", 1.0)
    if alpha == 1 or not name.startswith("MobileNet"):
        return body_channels(name)
    layers = body_layers(name, component.arguments)
    return layers[-1].trained // 2 if layers else None


def preprocessing_of(component: Component) -> Component | None:
    """The layer that the model builder puts before a body, None where there is none."""
    name = component.name
    if component.kind != "application" or name.startswith(("MobileNetV3", "EfficientNet", "ConvNeXt")):
        return None
    if name.startswith(("VGG", "DenseNet")) or (name.startswith("ResNet") and not name.endswith("V2")):
        return Component("layer", "Conv2D", {"filters": 3, "kernel_size": 1, "trainable": False}, component.place)
    return Component("layer", "Rescaling", {"scale": 1 / 127.5}, component.place)


def _side(name: str, side: int | None) -> int | None:
    rule = next((rule for beginning, rule in _SIDES if name.startswith(beginning)), None)
    return None if side is None or rule is None else rule(side)
