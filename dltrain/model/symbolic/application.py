"""The bodies of `keras.applications` without their tops: their output shapes and parameter counts."""

from __future__ import annotations

from collections.abc import Callable

from dltrain.config.types import Component
from dltrain.model.symbolic.application_layers import body_layers, thawed
from dltrain.model.symbolic.rule import Arguments, Inferred, Shape, ShapeError, Weight, of_rank, only, show_shape

# Name -> (channels of the output, parameters, those that training never changes), of keras.applications without top.
BODIES = {
    "ConvNeXtBase": (1024, 87566464, 0),
    "ConvNeXtLarge": (1536, 196230336, 0),
    "ConvNeXtSmall": (768, 49454688, 0),
    "ConvNeXtTiny": (768, 27820128, 0),
    "ConvNeXtXLarge": (2048, 348147968, 0),
    "DenseNet121": (1024, 7037504, 83648),
    "DenseNet169": (1664, 12642880, 158400),
    "DenseNet201": (1920, 18321984, 229056),
    "EfficientNetB0": (1280, 4049571, 42023),
    "EfficientNetB1": (1280, 6575239, 62055),
    "EfficientNetB2": (1408, 7768569, 67575),
    "EfficientNetB3": (1536, 10783535, 87303),
    "EfficientNetB4": (1792, 17673823, 125207),
    "EfficientNetB5": (2048, 28513527, 172743),
    "EfficientNetB6": (2304, 40960143, 224439),
    "EfficientNetB7": (2560, 64097687, 310727),
    "EfficientNetV2B0": (1280, 5919312, 60608),
    "EfficientNetV2B1": (1280, 6931124, 71072),
    "EfficientNetV2B2": (1408, 8769374, 82288),
    "EfficientNetV2B3": (1536, 12930622, 109216),
    "EfficientNetV2L": (1280, 117746848, 512576),
    "EfficientNetV2M": (1280, 53150388, 292032),
    "EfficientNetV2S": (1280, 20331360, 153872),
    "InceptionResNetV2": (1536, 54336736, 60544),
    "InceptionV3": (2048, 21802784, 34432),
    "MobileNet": (1024, 3228864, 21888),
    "MobileNetV2": (1280, 2257984, 34112),
    "MobileNetV3Large": (960, 2996352, 24400),
    "MobileNetV3Small": (576, 939120, 12112),
    "NASNetLarge": (4032, 84916818, 196668),
    "NASNetMobile": (1056, 4269716, 36738),
    "ResNet101": (2048, 42658176, 105344),
    "ResNet101V2": (2048, 42626560, 97664),
    "ResNet152": (2048, 58370944, 151424),
    "ResNet152V2": (2048, 58331648, 143744),
    "ResNet50": (2048, 23587712, 53120),
    "ResNet50V2": (2048, 23564800, 45440),
    "VGG16": (512, 14714688, 0),
    "VGG19": (512, 20024384, 0),
    "Xception": (2048, 20861480, 54528),
}
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
    body = BODIES.get(name)
    if body is None:
        return Inferred(None, None, f"check does not know the network {name}")
    layers = body_layers(name, component.arguments)
    channels = _channels(name, component, body[0])
    pooled = component.arguments.get("pooling") in ("avg", "max")
    output = (channels,) if pooled else (_side(name, shape[0]), _side(name, shape[1]), channels)
    if layers is None:
        return Inferred(None if channels is None else output, None, f"check does not know this form of {name}")
    trained = sum(layer.trained for layer in thawed(layers, component.arguments.get("trainable", False)))
    fixed = sum(layer.trained + layer.fixed for layer in layers) - trained
    weights = tuple(weight for weight in (Weight((trained,)), Weight((fixed,), trainable=False)) if weight.size)
    return Inferred(output, weights, "" if pooled or None not in output else "its height and width are not known")


def _channels(name: str, component: Component, channels: int) -> int | None:
    """Channels of the output where `alpha` scales them; None: not known."""
    alpha = component.arguments.get("alpha", 1.0)
    if alpha == 1 or not name.startswith("MobileNet"):
        return channels
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
