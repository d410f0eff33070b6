"""The stored tables of the bodies' layers against Keras itself."""

from __future__ import annotations

from typing import Any

import pytest

from dltrain.model.keras_import import import_keras
from dltrain.model.symbolic.application import BODIES
from dltrain.model.symbolic.application_layers import BodyLayer, body_layers, thawed
from tests.catalog.application_layers import describe_body


def test_tables_sum_to_the_known_counts() -> None:
    for name, (channels, parameters, fixed) in BODIES.items():
        layers = body_layers(name, {})
        assert layers is not None
        assert sum(layer.trained + layer.fixed for layer in layers) == parameters
        assert sum(layer.fixed for layer in layers) == fixed
        assert channels > 0


@pytest.mark.parametrize(("name", "arguments"), [("MobileNetV2", {"alpha": 0.35}), ("MobileNet", {"alpha": 0.25})], ids=str)
def test_widths_are_those_of_keras(name: str, arguments: dict[str, Any]) -> None:
    expected = tuple(BodyLayer(*row) for row in describe_body(import_keras(), name, **arguments))
    assert body_layers(name, arguments) == expected


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(name for name in BODIES if BODIES[name][1] < 30_000_000))
def test_tables_are_those_of_keras(name: str) -> None:
    keras = import_keras()
    keras.backend.clear_session()
    assert body_layers(name, {}) == tuple(BodyLayer(*row) for row in describe_body(keras, name))


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
