"""Models are the same, to the names of their weights, whatever the process has built before; they end as the target asks."""

import numpy as np
import pytest

from dltrain.config.types import Component, LayerConfig, ModelConfig
from dltrain.data.dataset import InputSpec, Schema, TargetSpec
from dltrain.errors import ConfigError
from dltrain.model.build import build_model
from dltrain.model.heads.rules import resolve_heads
from dltrain.model.keras_import import import_keras


def test_layers_within_layers_have_the_same_names_every_time():
    def wrapped(outer, inner, **arguments):
        return LayerConfig(Component("layer", outer, {"layer": Component("layer", inner, arguments)}), path="model.layers.0")

    layers = (
        wrapped("Bidirectional", "GRU", units=2, return_sequences=True),
        wrapped("TimeDistributed", "Dense", units=3),
        wrapped("Bidirectional", "LSTM", units=2),
    )
    schema = Schema((InputSpec("features", (4, 2)),), ())
    paths = []
    for _ in range(2):
        model = build_model(ModelConfig(layers=layers, output="none"), schema, (), seed=1)
        paths.append([weight.path for weight in model.weights])
    assert paths[0] == paths[1]
    assert len(set(paths[0])) == len(paths[0])
    assert "bidirectional/forward_gru/gru_cell/kernel" in paths[0]


def test_an_output_that_keras_alone_knows_the_shape_of_has_to_fit_the_target():
    model = ModelConfig(layers=(LayerConfig(Component("layer", "Dense", {"units": 3}), path="model.layers.0"),))
    schema = Schema((InputSpec("image", (4, 4, 1)),), (TargetSpec("label", "classification", ("a", "b", "c")),))
    message = r"the output has the shape \(4, 4, 3\), the target 'label' needs \(3,\)"
    with pytest.raises(ConfigError, match=message) as caught:
        build_model(model, schema, resolve_heads(model, schema, None), seed=1)
    assert caught.value.faults[0].path == "model.layers.0"
    assert caught.value.faults[0].hint == "put `- Flatten` before the last Dense layer"


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("RandomZoom", {"height_factor": [-0.1, 0.2]}),
        ("RandomTranslation", {"height_factor": [-0.1, 0.1], "width_factor": [0.0, 0.1]}),
        ("RandomBrightness", {"factor": [-0.1, 0.1], "value_range": [0.0, 1.0]}),
        ("AlphaDropout", {"rate": 0.2, "noise_shape": [None, 1, 1, 3]}),
        ("Dropout", {"rate": 0.2, "noise_shape": [None, 1, 1, 3]}),
    ],
)
def test_layers_with_lists_go_into_an_h5_file_and_come_back(name, arguments, tmp_path):
    model = ModelConfig(layers=(LayerConfig(Component("layer", name, arguments), path="model.layers.0"),), output="none")
    built = build_model(model, Schema((InputSpec("image", (4, 4, 3)),), ()), (), seed=1)
    built.save(tmp_path / "model.h5")
    loaded = import_keras().models.load_model(tmp_path / "model.h5")
    assert [type(layer).__name__ for layer in loaded.layers] == ["InputLayer", name]
    for key, value in arguments.items():
        assert np.ravel(loaded.layers[-1].get_config()[key]).tolist() == np.ravel(value).tolist()
