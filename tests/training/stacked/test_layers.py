"""A stacked pass gives what each model gives by itself, for every layer that is offered."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dltrain.model.keras_import import import_keras
from dltrain.training.stacked.layers import ELEMENTWISE, ROWWISE, RULES, Pass

FLAT, SEQUENCE, PICTURE = (6,), (4, 6), (4, 6, 3)
# Layer -> (input shape, arguments of the two trials' layers).
ARGUMENTS: dict[str, tuple[tuple[int, ...], list[dict[str, Any]]]] = {
    "Dense": (SEQUENCE, [{"units": 3, "activation": "tanh"}]),
    "EinsumDense": (SEQUENCE, [{"equation": "bst,tu->bsu", "output_shape": (4, 5), "bias_axes": "su", "activation": "tanh"}]),
    "PReLU": (SEQUENCE, [{"shared_axes": [1]}]),
    "BatchNormalization": (SEQUENCE, [{"momentum": 0.9}, {"momentum": 0.5, "epsilon": 0.1}]),
    "LayerNormalization": (PICTURE, [{"axis": [1, 2]}, {"axis": [1, 2], "epsilon": 0.1}]),
    "Dropout": (SEQUENCE, [{"rate": 0.2, "seed": 1}, {"rate": 0.7, "seed": 2}]),
    "GaussianNoise": (FLAT, [{"stddev": 0.2, "seed": 1}, {"stddev": 0.9, "seed": 1}]),
    "GaussianDropout": (FLAT, [{"rate": 0.2, "seed": 1}, {"rate": 0.5, "seed": 1}]),
    "Activation": (FLAT, [{"activation": "softmax"}]),
    "Rescaling": (FLAT, [{"scale": 2.0, "offset": 1.0}]),
    "Reshape": (SEQUENCE, [{"target_shape": (3, 8)}]),
    "Permute": (SEQUENCE, [{"dims": (2, 1)}]),
    "RepeatVector": (FLAT, [{"n": 3}]),
    "Dot": (FLAT, [{"axes": 1}]),
    "AveragePooling1D": (SEQUENCE, [{"pool_size": 2}]),
    "AveragePooling2D": (PICTURE, [{"pool_size": 2}]),
}
TWO_INPUTS = {"Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate", "Dot"}


def shape_of(name: str) -> tuple[int, ...]:
    if name in ARGUMENTS:
        return ARGUMENTS[name][0]
    return PICTURE if name.endswith("2D") else SEQUENCE if name.endswith("1D") else FLAT


@pytest.mark.parametrize("name", sorted(RULES.keys() | ELEMENTWISE | ROWWISE))
def test_a_pass_is_that_of_each_model_in_training_and_in_inference(name: str) -> None:
    _hold_against_each(name, *ARGUMENTS.get(name, (() if name == "Embedding" else shape_of(name), [{}])), modes=(True, False))


@pytest.mark.parametrize("equation", ["bst,t->bst", "bst,st->bst", "bst,s->bst"])
def test_factors_of_numbers_are_those_of_each_model(equation: str) -> None:
    _hold_against_each(
        "EinsumDense", SEQUENCE, [{"equation": equation, "output_shape": SEQUENCE, "bias_axes": "t"}], modes=(True,)
    )


def _hold_against_each(name: str, shape: tuple[int, ...], given: list[dict[str, Any]], *, modes: tuple[bool, ...]) -> None:
    keras = import_keras()
    import tensorflow as tf

    rng = np.random.default_rng(1)
    if name == "Embedding":
        given = [{"input_dim": 5, "output_dim": 3}]
    models = []
    for index in range(2):
        keras.utils.set_random_seed(index)
        first = keras.Input(shape, dtype="int32" if name == "Embedding" else "float32", name="first")
        source = first if name == "Embedding" else keras.layers.Dense(shape[-1], name="before")(first)
        layer = getattr(keras.layers, name)(**given[index % len(given)], name="tested")
        output = layer([source, keras.layers.Dense(shape[-1], name="beside")(first)] if name in TWO_INPUTS else source)
        model = keras.Model(first, output)
        for variable in model.trainable_variables:
            variable.assign(rng.normal(size=variable.shape))
        models.append(model)
    x = rng.integers(0, 5, 7).astype("int32") if name == "Embedding" else rng.normal(size=(7, *shape)).astype("float32")
    for training in modes:
        values = {
            id(variable): tf.stack([model.variables[index].value for model in models])
            for index, variable in enumerate(models[0].variables)
        }
        run = Pass(models, values, training=training)
        found = run.run([tf.constant(x)[None]])[0]
        for index, model in enumerate(models):
            np.testing.assert_allclose(found[index], model(x, training=training), rtol=1e-5, atol=1e-5)
            for variable, own in zip(models[0].variables, model.variables):
                np.testing.assert_allclose(run.value(variable)[index], own, rtol=1e-5, atol=1e-6)


def test_rows_that_do_not_count_change_no_moving_statistic() -> None:
    keras = import_keras()
    import tensorflow as tf

    first = keras.Input((3,))
    model = keras.Model(first, keras.layers.BatchNormalization(momentum=0.5)(first))
    x = np.random.default_rng(2).normal(size=(5, 3)).astype("float32")
    values = {id(variable): variable.value[None] for variable in model.variables}
    filled = np.concatenate([x, 1000 * np.ones((2, 3), "float32")])
    run = Pass([model], values, training=True, valid=tf.constant([[1.0] * 5 + [0.0] * 2]))
    found = run.run([tf.constant(filled)[None]])[0]
    np.testing.assert_allclose(found[0, :5], model(x, training=True), rtol=1e-5, atol=1e-5)
    for variable in model.variables:
        np.testing.assert_allclose(run.value(variable)[0], variable, rtol=1e-5, atol=1e-6)


def test_a_layer_without_a_rule_is_refused() -> None:
    keras = import_keras()
    first = keras.Input((4, 4, 1))
    model = keras.Model(first, keras.layers.Conv2D(2, 2)(first))
    values = {id(variable): variable.value[None] for variable in model.variables}
    with pytest.raises(RuntimeError, match="Conv2D"):
        Pass([model], values, training=False).run([np.zeros((1, 2, 4, 4, 1), "float32")])
