"""Arguments that Keras refuses when a layer, a loss or a metric is made or first computed are refused by check."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dltrain.checking import check_config
from dltrain.errors import ConfigError
from tests.training.support import config_of

TABLE, STEPS, PICTURES = [8], [12, 8, 1], [8, 8, 3]


def errors(layer: Any = "Flatten", shape: Any = TABLE, classes: int = 3, **training: Any) -> list[tuple[str, str, str]]:
    """The paths, messages and hints of what check has against a layer, or a training, on made up data."""
    first = [{"Reshape": {"target_shape": [12, 8]}}] if shape is STEPS else []
    data = {"source": "noise", "rows": 60, "shape": shape, "classes": classes, "scale": "none", "split": {"test": 0.2}}
    config = {"data": data, "model": {"layers": [*first, layer, "Flatten"]}, "training": {"epochs": 1, **training}}
    try:
        faults = check_config(config_of(json.dumps(config))).errors
    except ConfigError as error:
        faults = error.faults
    return [(fault.path or "", fault.message, fault.hint or "") for fault in faults]


@pytest.mark.parametrize(
    ("layer", "shape", "said"),
    [
        ({"Conv2D": {"filters": 4, "kernel_size": 2, "kernel_regularizer": "OrthogonalRegularizer"}}, PICTURES, "a matrix"),
        ({"Dense": {"units": 4, "bias_initializer": "identity"}}, TABLE, "a matrix"),
        ({"Dense": {"units": 4, "bias_constraint": {"MaxNorm": {"axis": 1}}}}, TABLE, "such an axis, found (4,)"),
        ({"Dense": {"units": 4, "kernel_initializer": {"Constant": {"value": [1, 2, 3]}}}}, TABLE, "found (8, 4)"),
        ({"Dense": {"units": 4, "kernel_initializer": "stft"}}, TABLE, "Conv1D"),
        ({"LSTM": {"units": 3, "bias_initializer": "orthogonal"}}, STEPS, "found (12,)"),
        ({"LSTM": {"units": 3, "recurrent_constraint": {"UnitNorm": {"axis": [0, 0]}}}}, STEPS, "each axis once"),
        ({"BatchNormalization": {"gamma_initializer": "orthogonal"}}, TABLE, "two axes"),
        ({"GRU": {"units": 3, "return_state": True}}, STEPS, "several outputs"),
        ({"Bidirectional": {"layer": {"LSTM": {"units": 3}}, "merge_mode": None}}, STEPS, "several outputs"),
        (
            {"Bidirectional": {"layer": {"Conv1D": {"filters": 3, "kernel_size": 2}}}},
            STEPS,
            "takes a recurrent layer, found Conv1D",
        ),
        ({"RNN": {"cell": {"GRUCell": {"units": 3}}}}, PICTURES, "steps, features"),
        ({"RNN": {"cell": {"Dense": {"units": 3}}}}, STEPS, "takes a cell, found Dense"),
        ({"SpectralNormalization": {"layer": "Flatten"}}, STEPS, "with a kernel"),
        ({"GroupQueryAttention": {"head_dim": 2, "num_query_heads": 2, "num_key_value_heads": 1}}, PICTURES, "sequences"),
        ({"EinsumDense": {"equation": "abc", "output_shape": 4}}, TABLE, "equation abc"),
        ({"Dropout": {"rate": 0.3, "noise_shape": [1, 2]}}, TABLE, "[null, 8], found [1, 2]"),
        ({"Dropout": {"rate": 0.3, "noise_shape": [4, 1]}}, TABLE, "noise_shape"),
        ({"GaussianDropout": {"rate": 1.0}}, TABLE, "found 1.0"),
        ({"Rescaling": {"scale": [1, 2]}}, PICTURES, "each of the 3 channels"),
        ({"RMSNormalization": {"axis": 1}}, STEPS, "last axes"),
        ({"Discretization": {"num_bins": 4}}, TABLE, "`adapt`"),
        ({"HashedCrossing": {"num_bins": 4}}, TABLE, "two inputs"),
        ({"Hashing": {"num_bins": 4, "dtype": "float32"}}, TABLE, "whole numbers"),
        ({"Hashing": {"num_bins": 4, "output_mode": "tf_idf"}}, TABLE, "tf_idf"),
        ({"Conv1D": {"filters": 2, "kernel_size": 2, "dtype": "int32"}}, STEPS, "no gradient"),
        ({"MixUp": {}}, STEPS, "pictures"),
        ({"Normalization": {"mean": 1.0}}, TABLE, "found one of them"),
        ({"Hashing": {"num_bins": 4, "output_mode": "one_hot"}}, STEPS, "a row of categories"),
        ({"MultiHeadAttention": {"num_heads": 1, "key_dim": 2, "attention_axes": 0}}, STEPS, "the axis 0"),
        ({"Bidirectional": {"layer": {"GRU": {"units": 3}}, "backward_layer": {"GRU": {"units": 3}}}}, STEPS, "the same way"),
        ({"TimeDistributed": {"layer": {"GRUCell": {"units": 3}}}}, STEPS, "write GRU"),
        ({"CategoryEncoding": {"num_tokens": 3, "output_mode": "int"}}, TABLE, "one_hot"),
        ({"STFTSpectrogram": {}}, STEPS, "longer than the 12 steps"),
        ({"STFTSpectrogram": {"frame_length": 4, "fft_length": 2}}, STEPS, "less than frame_length"),
        ({"MelSpectrogram": {}}, TABLE, "more than 1024 samples"),
        ({"MelSpectrogram": {}}, STEPS, "a row of samples"),
        ({"SpectralNormalization": {"layer": {"Dense": {"units": 3}}, "power_iterations": 0}}, TABLE, "power_iterations"),
        ({"EinsumDense": {"equation": "abc,cd->abd", "output_shape": [None, 4]}}, STEPS, "known before"),
        ({"ContrastLimitedAdaptiveHistogramEqualization": {"tile_grid_size": [8]}}, PICTURES, "rows and columns"),
        ({"RandomGrayscale": {"factor": [0.2, 0.4]}}, PICTURES, "a number from 0 to 1"),
        ({"RandomZoom": {"height_factor": -1}}, PICTURES, "above -1 to 1"),
        ({"RandomRotation": {"factor": 20}}, PICTURES, "found 20"),
        ({"RandomContrast": {"factor": 2}}, PICTURES, "found 2"),
        ({"RandomTranslation": {"height_factor": [0, 2], "width_factor": 0.1}}, PICTURES, "found [0, 2]"),
        ({"RandomBrightness": {"factor": 0.2, "value_range": [1]}}, PICTURES, "the least and the largest"),
        ({"RandomGaussianBlur": {"kernel_size": [3, 2]}}, PICTURES, "odd"),
    ],
)
def test_a_layer_that_keras_refuses_is_refused(layer: Any, shape: Any, said: str) -> None:
    found = errors(layer, shape)
    assert any(said in f"{path}: {message} ({hint})" for path, message, hint in found), found


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        ({"Dense": {"units": 4, "kernel_initializer": {"Constant": {"value": [1, 2, 3, 4]}}}}, TABLE),
        ({"Dense": {"units": 4, "use_bias": False, "bias_initializer": "identity", "kernel_initializer": "orthogonal"}}, TABLE),
        ({"LSTM": {"units": 3, "recurrent_initializer": "identity"}}, STEPS),
        ({"GRU": {"units": 3, "bias_initializer": "orthogonal"}}, STEPS),
        ({"RNN": {"cell": {"StackedRNNCells": {"cells": [{"GRUCell": {"units": 3}}, {"LSTMCell": {"units": 2}}]}}}}, STEPS),
        ({"Dropout": {"rate": 0.3, "noise_shape": [None, 1, 8]}}, STEPS),
        ({"Rescaling": {"scale": [1, 2, 3]}}, PICTURES),
        ({"EinsumDense": {"equation": "abc,cd->abd", "output_shape": [12, 4]}}, STEPS),
        ({"MelSpectrogram": {"fft_length": 8, "sequence_stride": 2, "num_mel_bins": 3}}, TABLE),
        ({"RMSNormalization": {"axis": [1, 2]}}, STEPS),
        ({"Bidirectional": {"layer": {"ConvLSTM1D": {"filters": 2, "kernel_size": 2}}}}, [4, 8, 3]),
        ({"Discretization": {"bin_boundaries": [0.0, 1.0]}}, TABLE),
        ({"RandomZoom": {"height_factor": [-0.5, 0.5]}}, PICTURES),
        ({"RandomRotation": {"factor": [-0.1, 0.1]}}, PICTURES),
        ({"RandomContrast": {"factor": [-0.5, 0.5]}}, PICTURES),
        ({"SpectralNormalization": {"layer": {"Dense": {"units": 3}}}}, TABLE),
    ],
)
def test_a_layer_that_keras_takes_is_taken(layer: Any, shape: Any) -> None:
    assert errors(layer, shape, checkpoint={"format": "keras"}) == []


def test_cells_have_the_weights_of_their_layers() -> None:
    cells = {"StackedRNNCells": {"cells": [{"GRUCell": {"units": 3}}, {"LSTMCell": {"units": 2}}]}}
    data = {"source": "noise", "rows": 60, "shape": [12, 8, 1], "split": {"test": 0.2}}
    layers = [{"Reshape": {"target_shape": [12, 8]}}, {"RNN": {"cell": cells}}]
    result = check_config(config_of(json.dumps({"data": data, "model": {"layers": layers}, "training": {"epochs": 1}})))
    assert [row.parameters for row in result.layers][1] == 3 * 3 * (8 + 3 + 2) + 4 * 2 * (3 + 2 + 1)


@pytest.mark.parametrize(
    ("training", "classes", "path"),
    [
        ({"loss": {"CategoricalCrossentropy": {"axis": 50}}}, 3, "training.loss.axis"),
        ({"loss": {"BinaryCrossentropy": {"axis": [0, 0]}}}, 2, "training.loss.axis"),
        ({"loss": {"MeanSquaredError": {"dtype": "int32"}}}, 0, "training.loss.dtype"),
        ({"loss": {"MeanSquaredError": {"dtype": {"a": 1}}}}, 0, "training.loss.dtype"),
        ({"metrics": [{"AUC": {"num_labels": 2}}]}, 2, "training.metrics.0.num_labels"),
        ({"metrics": [{"AUC": {"label_weights": [2]}}]}, 2, "training.metrics.0.label_weights"),
        ({"metrics": [{"IoU": {"num_classes": 3, "target_class_ids": []}}]}, 3, "training.metrics.0.target_class_ids"),
        ({"metrics": [{"IoU": {"num_classes": 3, "target_class_ids": [3]}}]}, 3, "training.metrics.0.target_class_ids"),
        ({"metrics": [{"MeanIoU": {"num_classes": 3, "axis": [0]}}]}, 3, "training.metrics.0.axis"),
        ({"metrics": [{"IoU": {"num_classes": 3, "target_class_ids": [0], "axis": 0}}]}, 3, "training.metrics.0.axis"),
        ({"metrics": [{"IoU": {"num_classes": 3, "target_class_ids": [0], "axis": 1}}]}, 3, "training.metrics.0.axis"),
        ({"loss": {"SparseCategoricalCrossentropy": {"axis": 0}}}, 3, "training.loss.axis"),
        ({"loss": {"CategoricalCrossentropy": {"axis": [-1]}}}, 3, "training.loss.axis"),
        ({"metrics": [{"AUC": {"multi_label": True, "num_labels": 2}}]}, 3, "training.metrics.0.num_labels"),
        ({"metrics": [{"R2Score": {"num_regressors": 1}}]}, 0, "training.metrics.0.num_regressors"),
        ({"metrics": [{"F1Score": {"threshold": 0}}]}, 3, "training.metrics.0.threshold"),
        ({"metrics": [{"Recall": {"top_k": 8}}]}, 2, "training.metrics.0.top_k"),
        ({"metrics": [{"Recall": {"class_id": 8}}]}, 0, "training.metrics.0.class_id"),
    ],
)
def test_a_measure_of_outputs_that_there_are_not_is_refused(training: dict[str, Any], classes: int, path: str) -> None:
    assert path in [found for found, *_ in errors(classes=classes, **training)]


def test_axes_that_outputs_have_are_taken() -> None:
    assert errors(classes=3, loss={"Dice": {"axis": [0, 1]}}) == []
    assert errors(classes=0, metrics=[{"CosineSimilarity": {"axis": 0}}]) == []
