"""What a reconstruction ends in, and which layer holds its code."""

from __future__ import annotations

from pathlib import Path

import pytest

from dltrain.checking import check_config
from dltrain.config import load_config_text
from dltrain.data.dataset import InputSpec, Schema, TargetSpec
from dltrain.errors import ConfigError
from dltrain.model.heads.reconstruction import code_layer
from dltrain.model.heads.rules import resolve_heads

TARGET = TargetSpec("reconstruction", "reconstruction")
CONV = "Conv2D: {filters: 4, kernel_size: 3, padding: same, strides: 2}"
UP = "Conv2DTranspose: {filters: 1, kernel_size: 3, padding: same, strides: 2, activation: %s}"


def config_of(*layers: str, more: str = "", shape: str = "[8, 8, 1]", corrupt: str = ""):
    listed = "".join(f"\n    - {layer}" for layer in layers)
    data = f"data: {{source: noise, shape: {shape}, task: reconstruction{corrupt}}}"
    return load_config_text(f"{data}\nmodel:\n  layers:{listed or ' []'}\n{more}", file="c.yaml", folder=Path())


def head_of(*layers: str, shape: tuple[int, ...] = (8, 8, 1), unit_range: bool = True, more: str = ""):
    schema = Schema((InputSpec("image", shape, unit_range=unit_range),), (TARGET,))
    config = config_of(*layers, more=more)
    [head] = resolve_heads(config.model, schema, None)
    return head, [(layer.component.name, dict(layer.component.arguments)) for layer in head.layers]


def test_the_output_has_shape_and_range_of_the_input():
    assert head_of("Flatten", "Dense: {units: 3}")[1] == [
        ("Dense", {"units": 64, "activation": "sigmoid"}),
        ("Reshape", {"target_shape": [8, 8, 1]}),
    ]
    assert head_of("Flatten", "Dense: {units: 3}", unit_range=False)[1][0] == ("Dense", {"units": 64})
    assert head_of(CONV)[1][0] == ("Flatten", {})
    assert head_of("Dense: {units: 3}", shape=(5,), unit_range=False)[1] == [("Dense", {"units": 5})]


def test_a_last_layer_of_the_input_s_shape_is_the_output():
    for activation in ("sigmoid", "linear", "relu"):
        head, layers = head_of(CONV, UP % activation)
        assert layers == []
        assert "shape of the input, (8, 8, 1)" in head.reason
    assert head_of("Flatten", "Dense: {units: 64}", "Reshape: {target_shape: [8, 8, 1]}")[1] == []
    assert head_of("Dense: {units: 3}", "Dense: {units: 5}", shape=(5,))[1] == []


def test_as_many_numbers_in_another_shape_are_reshaped():
    assert head_of("Flatten", "Dense: {units: 64, activation: sigmoid}")[1] == [("Reshape", {"target_shape": [8, 8, 1]})]


@pytest.mark.parametrize("layers", [["Dense: {units: 5, activation: relu}"], ["Dropout: {rate: 0.1}"], []], ids=str)
def test_a_layer_that_merely_is_as_wide_is_not_the_output(layers: list[str]):
    assert [name for name, _ in head_of(*layers, shape=(5,))[1]] == ["Dense"]


def test_an_output_by_hand():
    more = "  output: {Dense: {units: 64, activation: tanh}}"
    assert head_of("Flatten", "Dense: {units: 3}", more=more)[1] == [
        ("Dense", {"units": 64, "activation": "tanh"}),
        ("Reshape", {"target_shape": [8, 8, 1]}),
    ]
    with pytest.raises(ConfigError, match="not logits"):
        head_of("Flatten", more="  logits: true")


def test_the_code_is_the_narrowest_layer_or_the_one_of_that_name():
    schema = Schema((InputSpec("image", (8, 8, 1)),), (TARGET,))

    def code(*layers: str):
        return code_layer(config_of(*layers).model, schema)

    assert code("Flatten", "Dense: {units: 9}", "Dense: {units: 3}", "Dropout: {rate: 0.1}", "Dense: {units: 9}") == (
        "dense_1",
        3,
    )
    assert code("Flatten", "Dense: {units: 9, name: code}", "Dense: {units: 3}") == ("code", 9)
    assert code(CONV, UP % "linear") == ("conv2d", 64)
    assert code() is None


def said(*layers: str, **more: str) -> list[str]:
    result = check_config(config_of(*layers, **more))
    assert result.errors == ()
    return [str(warning) for warning in result.warnings]


def test_check_says_what_cannot_be_learnt_and_what_it_is_judged_by():
    assert any("sigmoid gives numbers between 0 and 1" in text for text in said(CONV, UP % "sigmoid"))
    assert any("no layer is narrower" in text for text in said(CONV, UP % "linear"))
    assert said(CONV, UP % "linear", corrupt=", corrupt: {mask: 0.5}") == []
    assert said("Flatten", "Dense: {units: 3}") == []
    assert any("without layers" in text for text in said())
    decisions = check_config(config_of("Flatten", "Dense: {units: 3, name: code}")).decisions
    assert any("3 principal components" in line and "code" in line for line in decisions)


@pytest.mark.parametrize("layer", ["GaussianNoise: {stddev: 0.3}", "Dropout: {rate: 0.5}"])
def test_f4_noise_of_a_layer_is_none_where_it_is_judged_which_is_said(layer: str):
    [told] = said("Flatten", layer, "Dense: {units: 64}", "Dense: {units: 64}", "Reshape: {target_shape: [8, 8, 1]}")
    assert "changes the input in training alone: the result is one of clean input" in told
    assert "judges corrupted input as well" in told
    assert said("Flatten", "Dense: {units: 9}", layer, "Dense: {units: 3}") == []
    assert said("Flatten", layer, "Dense: {units: 3}", corrupt=", corrupt: {mask: 0.5}") == []


def test_corrupt_is_for_reconstructions():
    with pytest.raises(ConfigError) as caught:
        load_config_text(
            "data: {source: digits, corrupt: {noise: 0.1, mask: 2}}\nmodel: {layers: [Flatten]}\n", file="c.yaml", folder=Path()
        )
    assert [fault.path for fault in caught.value.faults] == ["data.corrupt", "data.corrupt.mask"]
