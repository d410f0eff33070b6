"""Every layer that Keras has, trained and read back: it is refused, or the run evaluates and says the same."""

from __future__ import annotations

import math

import pytest

from dltrain.config.catalog.catalog import load_catalog
from dltrain.errors import ConfigError
from dltrain.evaluation.evaluate import evaluate
from dltrain.training.fit import fit
from tests.training.support import config_of

# What comes before the layer, by the rank of its input.
BEFORE = {
    1: "Flatten, {Dense: {units: 6}}",
    2: "{Reshape: {target_shape: [8, 8]}}, {Dense: {units: 6}}",
    3: "{Conv2D: {filters: 3, kernel_size: 3, padding: same}}",
    4: "{Reshape: {target_shape: [2, 4, 4, 2]}}",
}
TWO = "{Reshape: {target_shape: [8, 8]}}, {Dense: {units: 6, name: p}}, {Dense: {units: 6, name: q}}"
WINDOW = "filters: 2, kernel_size: 2"
DIGITS = (1, 2, 3)
# Layer -> rank of its input, arguments. Layers that are not here take a row of numbers and no arguments.
LAYERS = {
    "Activation": (1, "activation: gelu"), "ActivityRegularization": (1, "l2: 0.01"), "AlphaDropout": (1, "rate: 0.2"),
    "BatchNormalization": (3, ""), "Bidirectional": (2, "layer: {LSTM: {units: 3}}"), "CategoryEncoding": (1, "num_tokens: 4"),
    "CenterCrop": (3, "height: 4, width: 4"), "Conv1D": (2, WINDOW), "Conv1DTranspose": (2, WINDOW), "Conv2D": (3, WINDOW),
    "Conv2DTranspose": (3, WINDOW), "Conv3D": (4, WINDOW), "Conv3DTranspose": (4, WINDOW), "ConvLSTM1D": (3, WINDOW),
    "ConvLSTM2D": (4, WINDOW), "Dense": (3, "units: 4"), "DepthwiseConv1D": (2, "kernel_size: 2"),
    "DepthwiseConv2D": (3, "kernel_size: 2"), "Discretization": (1, "bin_boundaries: [0.0, 1.0]"), "Dropout": (1, "rate: 0.3"),
    "EinsumDense": (1, "equation: 'ab,bc->ac', output_shape: 5"), "Embedding": (1, "input_dim: 20, output_dim: 3"),
    "GRU": (2, "units: 3"), "LSTM": (2, "units: 3"), "SimpleRNN": (2, "units: 3"), "GaussianDropout": (1, "rate: 0.2"),
    "GaussianNoise": (1, "stddev: 0.2"), "GroupNormalization": (3, "groups: 3"), "Hashing": (1, "num_bins: 4"),
    "LayerNormalization": (2, ""), "Masking": (2, ""), "Normalization": (1, "mean: 0.5, variance: 2.0"),
    "Permute": (2, "dims: [2, 1]"), "RNN": (2, "cell: {LSTMCell: {units: 3}}"), "RepeatVector": (1, "n: 3"),
    "Rescaling": (1, "scale: 0.5"), "Reshape": (1, "target_shape: [2, 3]"), "Resizing": (3, "height: 4, width: 4"),
    "SeparableConv1D": (2, WINDOW), "SeparableConv2D": (3, WINDOW), "SpectralNormalization": (1, "layer: {Dense: {units: 4}}"),
    "TimeDistributed": (2, "layer: {Dense: {units: 3}}"), "MultiHeadAttention": (2, "num_heads: 2, key_dim: 3"),
    "GroupQueryAttention": (2, "head_dim: 3, num_query_heads: 2, num_key_value_heads: 1"), "Attention": (2, ""),
    "AdditiveAttention": (2, ""), "ReversibleEmbedding": (1, "input_dim: 20, output_dim: 3"),
    "RandomColorJitter": (3, "brightness_factor: 0.2"), "RandomCrop": (3, "height: 4, width: 4"),
    "RandomPosterization": (3, "factor: 4"), "RandomShear": (3, "x_factor: 0.2"), "RandomZoom": (3, "height_factor: 0.2"),
    "RandomTranslation": (3, "height_factor: 0.2, width_factor: 0.2"),
    **{f"Adaptive{kind}Pooling{rank}D": (rank + 1, "output_size: 2") for kind in ("Max", "Average") for rank in DIGITS},
    **{f"{kind}Pooling{rank}D": (rank + 1, "pool_size: 2") for kind in ("Max", "Average") for rank in DIGITS},
    **{f"Global{kind}Pooling{rank}D": (rank + 1, "") for kind in ("Max", "Average") for rank in DIGITS},
    **{f"Cropping{rank}D": (rank + 1, "cropping: 0") for rank in DIGITS},
    **{f"{name}{rank}D": (rank + 1, "") for name in ("UpSampling", "ZeroPadding") for rank in DIGITS},
    **{f"SpatialDropout{rank}D": (rank + 1, "rate: 0.2") for rank in DIGITS},
    **{f"Random{name}": (3, "factor: 0.2")
       for name in ("Brightness", "ColorDegeneration", "Contrast", "Hue", "Rotation", "Saturation", "Sharpness")},
    **dict.fromkeys(("AugMix", "AutoContrast", "ContrastLimitedAdaptiveHistogramEqualization", "CutMix", "Equalization", "MixUp", "RandAugment", "RandomElasticTransform", "RandomErasing", "RandomFlip", "RandomGaussianBlur", "RandomGrayscale", "RandomInvert", "RandomPerspective", "Solarization"), (3, "")),
}  # fmt: skip
MERGES = {
    "Add": "",
    "Subtract": "",
    "Multiply": "",
    "Average": "",
    "Maximum": "",
    "Minimum": "",
    "Concatenate": "",
    "Dot": "axes: 1, ",
}
# What no row of numbers, sequence or picture is; what an .h5 file cannot hold; what plays a part within others only.
NEVER = {
    "CategoryEncoding", "ConvLSTM3D", "Equalization", "GRUCell", "HashedCrossing", "IntegerLookup", "LSTMCell",
    "MaxNumBoundingBoxes", "MelSpectrogram", "RandomCrop", "RandomShear", "STFTSpectrogram", "SimpleRNNCell", "StackedRNNCells",
    "StringLookup", "TextVectorization", "Attention", "AdditiveAttention",
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", load_catalog().names("layer"))
def test_a_layer_is_refused_or_comes_back(name, tmp_path):
    rank, arguments = LAYERS.get(name, (1, ""))
    layers = f"{BEFORE[rank]}, {{{name}: {{{arguments}}}}}"
    if name in MERGES:
        layers = f"{TWO}, {{{name}: {{{MERGES[name]}from: [p, q]}}}}"
    text = f"data: {{source: digits, limit: 60, split: {{test: 0.3}}}}\nmodel: {{layers: [{layers}, Flatten]}}\ntraining: {{epochs: 1}}"
    try:
        result = fit(config_of(text), run_dir=tmp_path / "run")
    except ConfigError:
        assert name in NEVER
        return
    again = evaluate(tmp_path / "run").metrics
    assert again["loss"] == pytest.approx(result.metrics["test"]["loss"], rel=1e-4)
    assert math.isfinite(again["loss"])
