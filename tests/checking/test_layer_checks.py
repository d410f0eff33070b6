"""Layers that would do nothing, or something else than meant, on the data at hand."""

from __future__ import annotations

import numpy as np
import pytest

from dltrain.checking import check_config
from dltrain.config import load_config_text
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
        ({"augment": "RandomRotation: {factor: 20}"}, "data.augment.0.factor", "found 20", "20 degrees are `factor: 0.0556`"),
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
        ({"augment": "RandomRotation: {factor: [-15, 15]}"}, "15 degrees are `factor: 0.0417`"),
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
        {"augment": "RandomRotation: {factor: [-0.1, 0.1]}"},
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


@pytest.mark.parametrize(
    "words", [{"augment": "RandomCrop: {height: 6, width: 6}"}, {"layers": "{RandomCrop: {height: 6, width: 8}}, "}]
)
def test_c8_crops_at_random_are_told_what_to_write_instead(words):
    [fault] = check(**words).errors
    assert "in training only" in fault.message
    assert "RandomTranslation" in str(fault.hint)
    hint = {"augment": "{RandomTranslation: {height_factor: 0.1, width_factor: 0.1}}, {RandomZoom: {height_factor: [-0.2, 0.0]}}"}
    assert not check(**hint).errors
    assert not check(augment="RandomCrop: {height: 8, width: 8}").errors  # the whole picture


BODY = "{MobileNetV2: {weights: none}}, "


@pytest.mark.parametrize(
    ("layers", "warned"),
    [
        ("{Rescaling: {scale: 0.00392}}, " + BODY, ["model.layers.0"]),
        ("{RandomFlip: {mode: horizontal}}, {Rescaling: {scale: 0.00392}}, " + BODY, ["model.layers.1"]),
        ("BatchNormalization, " + BODY, ["model.layers.0"]),
        (BODY, []),
        (BODY + "BatchNormalization, ", []),
        ("{Rescaling: {scale: 0.00392}}, {Conv2D: {filters: 3, kernel_size: 3}}, ", []),
    ],
)
def test_c8_pixels_that_are_scaled_before_a_network_that_scales_them(layers, warned):
    result = check(source="cifar10", scale="null", layers=layers)
    assert not result.errors
    assert [fault.path for fault in result.warnings if "scales pixels" in fault.message] == warned


CONV = ", {Conv2D: {filters: 3, kernel_size: 3}}, "


@pytest.mark.parametrize(
    ("scale", "layers", "warned"),
    [
        ("null", "{Rescaling: {scale: 0.00392}}" + CONV, True),
        ("unit", "{Rescaling: {scale: 0.00784, offset: -1}}" + CONV, True),
        ("unit", "{RandomFlip: {mode: horizontal}}, {Rescaling: {scale: 0.00392}}" + CONV, True),
        ("unit", "{Rescaling: {scale: 2, offset: -1}}" + CONV, False),
        ("unit", "{Rescaling: {scale: 255.0}}" + CONV, False),
        ("none", "{Rescaling: {scale: 0.00392}}" + CONV, False),
        ("unit", "{Conv2D: {filters: 3, kernel_size: 3}}, {Rescaling: {scale: 0.01}}" + CONV, False),
    ],
)
def test_c8_pixels_from_0_to_1_that_are_divided_by_255_once_more(scale, layers, warned):
    result = check(source="cifar10", scale=scale, layers=layers)
    assert not result.errors
    assert bool([fault for fault in result.warnings if "scaled to 0…1 already" in fault.message]) == warned


ATTENTION = ", {MultiHeadAttention: {from: [e, e], num_heads: 1, key_dim: 2}}, GlobalAveragePooling1D"
EMBEDDING = "{{Embedding: {{input_dim: 500, output_dim: 4{}}}}}"


@pytest.mark.parametrize(
    ("layers", "warned"),
    [
        (EMBEDDING.format("") + ", {LSTM: {units: 2}}", True),
        (EMBEDDING.format("") + ", {Dropout: {rate: 0.1}}, {Bidirectional: {layer: {GRU: {units: 2}}}}", True),
        (EMBEDDING.format("") + ", {SimpleRNN: {units: 2, return_sequences: true}}, {SimpleRNN: {units: 2}}", True),
        (EMBEDDING.format(", mask_zero: true") + ", {LSTM: {units: 2}}", False),
        (EMBEDDING.format("") + ", GlobalAveragePooling1D", False),
        (EMBEDDING.format(", name: e") + ATTENTION, True),
        (EMBEDDING.format(", name: e, mask_zero: true") + ATTENTION, False),
        (EMBEDDING.format("") + ", {Conv1D: {filters: 2, kernel_size: 1}}, {LSTM: {units: 2}}", False),
    ],
)
def test_c8_padding_is_no_word(tmp_path, layers, warned):
    lines = [f"{['good', 'bad', 'fine'][i % 3]} {'film ' * (i % 5)}number {i % 7},{'pos' if i % 2 else 'neg'}" for i in range(40)]
    (tmp_path / "t.csv").write_text("review,label\n" + "\n".join(lines) + "\n")
    text = f"""
data: {{source: csv, path: t.csv, target: label, features: {{review: text}}, split: {{test: 0.2}}}}
model: {{layers: [{layers}]}}
training: {{epochs: 1, checkpoint: {{format: keras}}}}
"""
    result = check_config(load_config_text(text, folder=tmp_path))
    assert not result.errors
    assert any("reads the padding" in fault.message for fault in result.warnings) == warned


@pytest.mark.parametrize(
    ("layers", "warned"),
    [
        ("{Dense: {units: 2, from: review}}", "takes review as it is, the words of a text by their numbers"),
        ("{Dense: {units: 2, from: shop}}", "takes shop as it is, categories by their numbers"),
        ("{Embedding: {from: review}}, GlobalAveragePooling1D, {Dense: {units: 2}}", None),
        ("{Embedding: {from: shop}}, Flatten, {Dense: {units: 2}}", None),
        ("{Dense: {units: 2}}", None),  # what is joined by itself is embedded by itself
    ],
)
def test_numbers_of_words_are_no_amounts(tmp_path, layers, warned):
    lines = [f"{['good', 'bad'][i % 2]} film of number {i},s{i % 7},{'pos' if i % 3 else 'neg'}" for i in range(60)]
    (tmp_path / "t.csv").write_text("review,shop,label\n" + "\n".join(lines) + "\n")
    text = f"""
data:
  source: csv
  path: t.csv
  target: label
  features: {{review: text, shop: category}}
  encode: {{shop: embedding}}
  split: {{test: 0.2}}
model: {{layers: [{layers}]}}
training: {{epochs: 1}}
"""
    result = check_config(load_config_text(text, folder=tmp_path))
    found = [fault.message for fault in result.warnings if "as if a higher number were more" in fault.message]
    assert len(found) == (warned is not None)
    assert warned is None or warned in found[0]


def test_c8_short_texts_are_told_how_to_be_read(tmp_path):
    (tmp_path / "t.csv").write_text("review,label\n" + "".join(f"fine film {i},{'pn'[i % 2]}\n" for i in range(40)))
    text = "data: {source: csv, path: t.csv, target: label}\nmodel: {layers: [Dense: {units: 2}]}\n"
    [fault] = check_config(load_config_text(text, folder=tmp_path)).errors
    assert "no column is left to learn from" in fault.message
    assert "`data.features: {review: text}` learns from the words of review" in str(fault.hint)
    config = load_config_text(text, overrides=["data.features={review: text}"], folder=tmp_path)
    assert not check_config(config).errors


def test_c8_init_reads_short_texts_where_there_is_nothing_else(tmp_path):
    from dltrain.reporting import Reporter
    from dltrain.starting.start import make_starter

    words = ["fine", "awful", "long", "short", "old"]
    lines = [f"{words[i % 5]} film number {i},{'pn'[i % 2]}" for i in range(60)]
    (tmp_path / "t.csv").write_text("review,label\n" + "\n".join(lines) + "\n")
    text = make_starter(str(tmp_path / "t.csv"), target="label", folder=tmp_path, reporter=Reporter()).text
    config = load_config_text(text, folder=tmp_path)
    assert config.data.features == {"review": "text"}
    assert not check_config(config).errors


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


@pytest.mark.parametrize(
    "more", ["scale: per_series", "quantiles: [0.1, 0.5, 0.9]", "scale: per_series, quantiles: [0.1, 0.5, 0.9]"]
)
def test_a_shape_that_fits_no_target_names_no_layer_that_the_config_does_not(more, tmp_path):
    rows = "".join(f"2020-01-{day:02d},{day % 7}\n" for day in range(1, 31))
    (tmp_path / "days.csv").write_text(f"day,sold\n{rows}")
    text = f"""
data: {{source: csv, path: {tmp_path}/days.csv, target: sold, series: {{time: day, history: 4, {more}}}}}
model: {{layers: [LSTM: {{units: 4, return_sequences: true}}]}}
training: {{epochs: 1}}
"""
    [fault] = check_config(config_of(text)).errors
    assert fault.message.startswith("the output layer gets (4, 4), not one row of numbers")
    assert "leave `return_sequences` out" in (fault.hint or "")
    [fault] = check_config(config_of(text, "data.series={time: day, history: 4}", "model.output={Dense: {units: 1}}")).errors
    assert fault.message.startswith("Dense gets (4, 4)")


@pytest.mark.parametrize(
    ("model", "path"),
    [
        ("{layers: [{Dense: {units: 2, from: a}}]}", "model.layers.0.from"),
        ("{layers: [{Dense: {units: 2, name: g}}, {Concatenate: {from: [g, features, a]}}]}", "model.layers.1.from"),
        ("{layers: [], output: {Dense: {units: 1, from: a}}}", "model.output.from"),
    ],
)
def test_a_column_that_shares_its_input_cannot_be_taken_by_its_name(model, path, tmp_path):
    (tmp_path / "rows.csv").write_text("a,b,y\n" + "".join(f"{row % 7},{row % 5},{row * 1.5}\n" for row in range(30)))
    text = f"""
data: {{source: csv, path: {tmp_path}/rows.csv, target: y, features: {{a: number, b: number}}, split: {{test: 0.2}}}}
model: {model}
training: {{epochs: 1}}
"""
    result = check_config(config_of(text))
    assert [(fault.path, fault.message) for fault in result.errors] == [(path, "a is one of the columns of the input features")]
    assert "own: [a]" in str(result.errors[0].hint)
    named = check_config(config_of(text, "model.inputs={features: [b], a: [a]}"))
    assert named.errors == ()


def test_another_source_s_input_cannot_be_taken():
    [fault] = check(layers="{Flatten: {from: features}}, ").errors
    assert (fault.message, fault.hint) == ("there is no input features", "the inputs: image")


@pytest.mark.parametrize(
    ("layer", "metric", "path", "said", "hint"),
    [
        ("{GRUCell: {units: 4}}", "AUC", "model.layers.1", "one step of a recurrent layer", "write GRU: {units: 4}"),
        ("CategoryEncoding", "AUC", "model.layers.1", "needs num_tokens", "num_tokens: 10"),
        ("{MaxNumBoundingBoxes: {max_number: 3}}", "AUC", "model.layers.1", "takes boxes", "leave it out"),
        ("{Dense: {units: 3, dtype: {a: 1}}}", "AUC", "model.layers.1.dtype", "a mapping of a", "float32"),
        ("{Dense: {units: 3}}", "{AUC: {dtype: {a: 1}}}", "training.metrics.0.dtype", "a mapping of a", "float32"),
        (
            "{Dense: {units: 10}}",
            "{AUC: {multi_label: true, label_weights: [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]}}",
            "training.metrics.0",
            "cannot hold the label_weights of AUC",
            "keras",
        ),
    ],
)
def test_what_keras_refuses_wherever_it_stands_is_told_before_it_is_built(layer, metric, path, said, hint):
    text = f"data: {{source: digits}}\nmodel: {{layers: [Flatten, {layer}]}}\ntraining: {{epochs: 1, metrics: [{metric}]}}\n"
    found = [fault for fault in check_config(config_of(text)).errors if fault.path == path]
    assert [said in fault.message for fault in found] == [True]
    assert hint in found[0].hint


def test_a_cell_within_a_recurrent_layer_is_taken():
    text = "data: {source: digits}\nmodel: {layers: [{Reshape: {target_shape: [8, 8]}}, {RNN: {cell: {GRUCell: {units: 3}}}}]}\n"
    assert not check_config(config_of(text + "training: {epochs: 1}\n")).errors
