"""Layers that would do nothing, or something else than meant, on the data at hand."""

from __future__ import annotations

import numpy as np
import pytest

from dltrain.checking import check_config
from dltrain.data.dataset import InputSpec, Schema, TargetSpec
from dltrain.errors import ConfigError
from dltrain.model.build import build_model, in_unit_range
from tests.training.support import config_of

TEXT = """
data: {{source: {source}, scale: {scale}, split: {{test: 0.2}}, augment: [{augment}]}}
model: {{layers: [{layers}Flatten]}}
training: {{epochs: 1}}
"""


def check(*, source="digits", scale="unit", augment="", layers=""):
    return check_config(config_of(TEXT.format(source=source, scale=scale, augment=augment, layers=layers)))


@pytest.mark.parametrize(
    ("words", "path", "said", "hint"),
    [
        ({"layers": "{Normalization: {}}, "}, "model.layers.0", "`adapt`", "data.scale: standard"),
        ({"augment": "RandomContrast: {factor: 0.2}", "scale": "standard"}, "data.augment.0", "standardized", "data.scale: unit"),
        ({"augment": "RandomHue: {factor: 0.2}"}, "data.augment.0", "3 channels", "leave it out"),
        (
            {"layers": "{AdaptiveMaxPooling2D: {output_size: 1}}, "},
            "model.layers.0",
            "TensorFlow cannot compute",
            "GlobalMaxPooling2D",
        ),
    ],
)
def test_an_error(words, path, said, hint):
    [fault] = check(**words).errors
    assert (fault.path, said in fault.message, hint in (fault.hint or "")) == (path, True, True), fault


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"layers": "{RandomBrightness: {factor: 0.2}}, "}, "value_range: [0, 1]"),
        ({"augment": "MixUp"}, "each picture by itself"),
    ],
)
def test_a_warning(words, said):
    result = check(**words)
    assert not result.errors
    assert [said in (warning.hint or "") for warning in result.warnings] == [True]


@pytest.mark.parametrize(
    "words",
    [
        {"augment": "RandomContrast: {factor: 0.2}"},
        {"augment": "RandomContrast: {factor: 0.2, value_range: [-3, 3]}", "scale": "standard"},
        {"layers": "{Normalization: {mean: 0.5, variance: 2.0}}, "},
    ],
)
def test_nothing_to_say(words):
    result = check(**words)
    assert (result.errors, result.warnings) == ((), ())


def test_random_layers_of_pixels_from_0_to_1_keep_them_there():
    [component] = config_of(
        TEXT.format(source="digits", scale="unit", augment="RandomBrightness: {factor: 0.5}", layers="")
    ).data.augment
    schema = Schema((InputSpec("image", (4, 4, 1), unit_range=True),), (TargetSpec("y", "regression"),))
    [changed] = in_unit_range([component], schema)
    assert changed.arguments["value_range"] == [0.0, 1.0]
    model = build_model(
        config_of("data: {source: noise}\nmodel: {layers: [Flatten]}").model, schema, (), seed=0, augment=[component]
    )
    pixels = np.full((64, 4, 4, 1), 0.5, "float32")
    brighter = np.asarray(model(pixels, training=True))
    assert 0.1 < brighter.std() < 0.5  # of 0.5 up or down, not of half of 255
    assert brighter.min() >= 0
    assert brighter.max() <= 1


def test_what_only_training_cannot_compute_is_an_error_of_the_config(tmp_path, monkeypatch):
    """A layer that Keras takes until the first step is compiled, and of which `check` knows nothing."""
    from dltrain.model.symbolic import pictures
    from dltrain.training.fit import fit

    monkeypatch.setattr(pictures, "_OF_COLORS", ())
    config = config_of(TEXT.format(source="digits, limit: 40", scale="unit", augment="RandomHue: {factor: 0.2}", layers=""))
    with pytest.raises(ConfigError, match="Keras cannot compute RandomHue: Dimension must be 3"):
        fit(config, run_dir=tmp_path / "run")


def test_what_cannot_be_put_together_is_an_error_of_the_config():
    schema = Schema((InputSpec("image", (4, 4, 1)),), (TargetSpec("y", "regression"),))
    config = config_of("data: {source: noise}\nmodel: {layers: [{Conv2D: {filters: 2, kernel_size: 1}}, Equalization, Flatten]}")
    with pytest.raises(ConfigError, match="part of a cycle"):
        build_model(config.model, schema, (), seed=0)
