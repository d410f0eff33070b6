"""Random dense nets, and the same net in NumPy and in Keras, both in float64."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from dltrain.config import dump_yaml, load_config_text
from dltrain.config.types import Config
from dltrain.model.build import build_model
from dltrain.model.compile import compile_model
from dltrain.model.given import given_schema
from dltrain.model.heads.rules import heads_of
from dltrain.model.keras_import import import_keras
from dltrain.model.numbers.dense_network import DenseNetwork, why_not_numpy
from dltrain.model.numbers.keras_network import KerasNetwork
from dltrain.model.numbers.passes import Pass
from dltrain.model.symbolic import infer_network

HIDDEN = ("relu", "tanh", "sigmoid", "leaky_relu", "elu", "selu", "gelu", "softplus", "silu", "mish", "hard_sigmoid", "softmax")
OPTIMIZERS = ("SGD", "Adam", "RMSprop", "Adagrad", "Adadelta", "Nadam", "Adamax", "AdamW", "Lion")


@contextmanager
def float64() -> Iterator[Any]:
    """Keras in double precision."""
    keras = import_keras()
    floatx, policy = keras.config.floatx(), keras.config.dtype_policy()
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")  # layers take this one, which does not follow the other once it was asked for
    try:
        yield keras
    finally:
        keras.config.set_floatx(floatx)
        keras.config.set_dtype_policy(policy)


def config_of(layers: list[Any], training: Any, num_inputs: int) -> Config:
    """A net without data."""
    text = dump_yaml(
        {"data": "none", "model": {"inputs": {"x": {"shape": [num_inputs]}}, "layers": layers}, "training": training}
    )
    return load_config_text(text, folder=Path("."))


def both(config: Config) -> tuple[DenseNetwork, KerasNetwork]:
    """The same net twice, with the weights that Keras draws; to be called within `float64`."""
    schema = given_schema(config.model, config.training)
    schema = replace(schema, inputs=tuple(replace(spec, dtype="float64") for spec in schema.inputs))
    heads = heads_of(config, schema)
    network = infer_network(config.model, schema, heads)
    assert config.training is not None
    assert why_not_numpy(network, heads, config.training.optimizer, 1) is None
    model = build_model(config.model, schema, heads, seed=config.seed)
    rng = np.random.default_rng(config.seed)
    model.set_weights([array + rng.normal(0, 0.3, array.shape) for array in model.get_weights()])
    compile_model(model, heads, config.training)
    arrays = {layer.name: layer.get_weights() for layer in model.layers}
    return DenseNetwork(network, arrays, heads[0], config.training.optimizer), KerasNetwork(model, network, heads)


def random_net(rng: np.random.Generator) -> tuple[Config, Any, Any]:
    """A config, inputs and targets: one to three hidden layers, any ending with its loss, any optimizer."""
    num_inputs, num_rows = int(rng.integers(1, 6)), int(rng.integers(1, 5))
    layers: list[Any] = []
    for _ in range(int(rng.integers(0, 4))):
        units = int(rng.integers(1, 7))
        activation = str(rng.choice(HIDDEN))
        units += activation == "softmax"  # over one unit it is refused
        layers.append({"Dense": {"units": units, "activation": activation, "use_bias": bool(rng.random() < 0.7)}})
        if rng.random() < 0.2:
            layers.append({"Dropout": {"rate": 0.5}})
    ending = str(rng.choice(["linear", "sigmoid", "softmax"]))
    units = {"linear": int(rng.integers(1, 4)), "sigmoid": 1, "softmax": int(rng.integers(2, 5))}[ending]
    layers.append({"Dense": {"units": units, "activation": ending}})
    losses = {
        "linear": ["MeanSquaredError", "MeanAbsoluteError", "Huber", "LogCosh"],
        "sigmoid": ["BinaryCrossentropy", {"BinaryCrossentropy": {"label_smoothing": 0.1}}, "MeanSquaredError"],
        "softmax": ["SparseCategoricalCrossentropy", "CategoricalCrossentropy", "KLDivergence"],
    }[ending]
    loss = losses[int(rng.integers(len(losses)))]
    arguments: dict[str, Any] = {"learning_rate": float(rng.choice([0.001, 0.05, 0.3]))}
    if rng.random() < 0.3:
        arguments[str(rng.choice(["clipnorm", "clipvalue", "global_clipnorm", "weight_decay"]))] = 0.1
    optimizer = {str(rng.choice(OPTIMIZERS)): arguments}
    inputs = rng.normal(size=(num_rows, num_inputs))
    if ending == "linear":
        targets: Any = rng.normal(size=(num_rows, units))
    elif ending == "sigmoid":
        targets = rng.integers(0, 2, (num_rows, 1)).astype(float)
    else:
        classes = rng.integers(0, units, num_rows)
        targets = classes if loss == "SparseCategoricalCrossentropy" else np.eye(units)[classes]
    return config_of(layers, {"optimizer": optimizer, "loss": loss}, num_inputs), inputs, targets


def assert_same_numbers(one: Pass, other: Pass, tolerance: float) -> None:
    """All numbers of two passes agree."""
    close = {"rtol": tolerance, "atol": tolerance}
    assert one.loss is not None
    assert other.loss is not None
    np.testing.assert_allclose(one.loss, other.loss, **close)
    by_name = {layer.name: layer for layer in other.layers}
    for layer in one.layers:
        twin = by_name[layer.name]
        np.testing.assert_allclose(layer.outputs, twin.outputs, **close)
        assert layer.gradients.keys() == twin.gradients.keys()
        for name, gradient in layer.gradients.items():
            np.testing.assert_allclose(gradient, twin.gradients[name], **close, err_msg=f"{layer.name}.{name}")
        for name, array in layer.updated.items():
            np.testing.assert_allclose(array, twin.updated[name], **close, err_msg=f"new {layer.name}.{name}")
        if layer.sums_gradient is not None and twin.sums_gradient is not None:
            np.testing.assert_allclose(layer.sums_gradient, twin.sums_gradient, **close)
