"""The stored tables of the bodies' layers against Keras itself."""

from __future__ import annotations

from typing import Any

import pytest

from dltrain.model.keras_import import import_keras
from dltrain.model.symbolic.application_layers import BodyLayer, body_channels, body_layers, thawed
from tests.catalog.application_layers import describe_body

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


def test_tables_sum_to_the_known_counts() -> None:
    for name, (channels, parameters, fixed) in BODIES.items():
        layers = body_layers(name, {})
        assert layers is not None
        assert sum(layer.trained + layer.fixed for layer in layers) == parameters
        assert sum(layer.fixed for layer in layers) == fixed
        assert channels == body_channels(name)


@pytest.mark.parametrize(("name", "arguments"), [("MobileNetV2", {"alpha": 0.35}), ("MobileNet", {"alpha": 0.25})], ids=str)
def test_widths_are_those_of_keras(name: str, arguments: dict[str, Any]) -> None:
    expected = tuple(BodyLayer(*row) for row in describe_body(import_keras(), name, **arguments)["layers"])
    assert body_layers(name, arguments) == expected


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(name for name in BODIES if BODIES[name][1] < 30_000_000))
def test_tables_are_those_of_keras(name: str) -> None:
    keras = import_keras()
    keras.backend.clear_session()
    found = describe_body(keras, name)
    assert body_layers(name, {}) == tuple(BodyLayer(*row) for row in found["layers"])
    assert body_channels(name) == found["channels"]


def test_forms_that_are_not_known() -> None:
    assert body_layers("MobileNetV3Small", {"alpha": 0.75}) is None
    assert body_layers("MobileNetV3Small", {"minimalistic": True}) is None
    assert body_layers("MobileNet", {"depth_multiplier": 2}) is None
    assert body_layers("Nonesuch", {}) is None


def test_what_thaws() -> None:
    layers = (BodyLayer("a", 3), BodyLayer("norm", 2, 2), BodyLayer("b", 5), BodyLayer("norm2", 2, 2))
    assert [layer.name for layer in thawed(layers, 2)] == ["a", "b"]
    assert [layer.name for layer in thawed(layers, 1)] == ["b"]
    assert thawed(layers, True) == list(layers)
    assert thawed(layers, False) == []
    assert [layer.name for layer in thawed(layers, ("norm",))] == ["norm"]
