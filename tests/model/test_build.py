"""Models are the same, to the names of their weights, whatever the process has built before."""

from dltrain.config.types import Component, LayerConfig, ModelConfig
from dltrain.data.dataset import InputSpec, Schema
from dltrain.model.build import build_model


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
