"""The compiled loop computes what Keras's own `fit` computes, on the same rows in the same order."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import (
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_log_error,
    r2_score,
)

from dltrain.config.types import Component, LossConfig, TrainingConfig
from dltrain.model.build import build_model, describe_layers
from dltrain.model.compile import build_metrics, compile_model
from dltrain.model.encode import EncodedPart, encode_part, resolve_class_weights
from dltrain.model.forward import Forward
from dltrain.model.heads.own_units import OwnUnits
from dltrain.model.heads.rules import resolve_heads
from dltrain.model.keras_import import import_keras
from dltrain.training.loop import CompiledLoop, epoch_order
from dltrain.training.segments import to_tensors
from tests.model.support import layer, model_of, part_of, schema_of

EPOCHS, ROWS, BATCH = 3, 45, 8

CASES: dict[str, dict[str, Any]] = {
    "two classes": {"layers": [layer("Dense", units=5, activation="relu")], "classes": 2},
    "five classes, one-hot, weights of rows": {
        "layers": [layer("Dense", units=5, activation="tanh")],
        "classes": 5,
        "loss": "CategoricalCrossentropy",
        "weights": True,
    },
    "class weights, regularizer": {
        "layers": [layer("Dense", units=5, kernel_regularizer=Component("regularizer", "L2", {"l2": 0.1}))],
        "classes": 3,
        "class_weight": "balanced",
    },
    "regression, batch normalization": {
        "layers": [layer("Dense", units=6, use_bias=False), layer("BatchNormalization")],
        "loss": "MeanSquaredError",
    },
    "convolutions, logits": {
        "layers": [layer("Conv2D", filters=3, kernel_size=2, activation="relu"), layer("MaxPooling2D"), layer("Flatten")],
        "shape": (6, 6, 1),
        "classes": 4,
        "logits": True,
    },
    "branches": {
        "layers": [
            layer("Dense", units=4, name="a"),
            layer("Dense", units=4, name="b", inputs=("features",)),
            layer("Add", inputs=("a", "b")),
        ],
        "loss": "MeanAbsoluteError",
    },
    "weights of rows, huber": {"layers": [layer("Dense", units=3)], "loss": "Huber", "weights": True},
}


def prepare(case: dict[str, Any]) -> tuple[Any, EncodedPart, EncodedPart]:
    """A compiled model, and its part with and without class weights."""
    schema = schema_of(case.get("shape", (6,)), classes=case.get("classes", 0))
    part = part_of(schema, ROWS, weights=case.get("weights", False))
    loss = LossConfig(Component("loss", case["loss"])) if "loss" in case else None
    training = TrainingConfig(optimizer=Component("optimizer", "Adam", {"learning_rate": 0.01}), batch_size=BATCH)
    model_config = model_of(*case["layers"], logits=case.get("logits", False))
    heads = resolve_heads(model_config, schema, loss)
    model = build_model(model_config, schema, heads, seed=5)
    compile_model(model, heads, training)
    weights = resolve_class_weights(case.get("class_weight"), part, heads)
    encoded = encode_part(part, schema, heads, weights)
    build_metrics(model, encoded)
    return model, encoded, encode_part(part, schema, heads)


# A net with updates of its own with XLA, without it one of convolutions and two with weights of rows and of classes. The others
# differ in the loss or in the net, which is Keras's.
FAST = {"five classes, one-hot, weights of rows", "class weights, regularizer", "convolutions, logits"}
FAST_WITH_XLA = {"regression, batch normalization"}


@pytest.mark.parametrize(
    ("case", "jit_compile"),
    [
        pytest.param(
            case,
            jit,
            id=f"{name}-{'xla' if jit else 'plain'}",
            marks=[pytest.mark.slow] * (name not in (FAST_WITH_XLA if jit else FAST)),
        )
        for name, case in CASES.items()
        for jit in (False, True)
    ],
)
def test_losses_are_those_of_fit(case: dict[str, Any], jit_compile: bool) -> None:
    import tensorflow as tf

    if jit_compile and "shape" in case:
        pytest.skip("XLA is not used for convolutions")
    model, encoded, plain = prepare(case)
    reference, _, _ = prepare(case)
    reference.set_weights(model.get_weights())
    loop = CompiledLoop(model, BATCH, jit_compile=jit_compile)
    data = to_tensors(encoded)
    for epoch in range(EPOCHS):
        order = epoch_order(ROWS, seed=5, epoch=epoch, shuffle=True)
        model.reset_metrics()
        assert loop.run(data, tf.constant(order), 0, 2) == -1
        assert loop.run(data, tf.constant(order), 2, 4) == -1
        ours = {name: float(value) for name, value in model.get_metrics_result().items()}
        weights = None if encoded.weights is None else encoded.weights[0][order]
        theirs = reference.fit(
            encoded.inputs[0][order], encoded.targets[0][order], sample_weight=weights, batch_size=BATCH, shuffle=False, verbose=0
        ).history
        assert ours == pytest.approx({name: values[0] for name, values in theirs.items()}, rel=1e-5, abs=1e-6)
    if (
        not jit_compile
    ):  # Adam makes steps of full size from gradients that are zero but for rounding: a bias before a normalization
        for one, other in zip(model.get_weights(), reference.get_weights()):
            np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)
    logs, outputs = Forward(model, 16).evaluate(plain.inputs, plain.targets, plain.weights)
    expected = reference.evaluate(
        plain.inputs[0], plain.targets[0], sample_weight=plain.weights and plain.weights[0], verbose=0, return_dict=True
    )
    assert logs == pytest.approx(expected, rel=1e-4, abs=1e-5)
    np.testing.assert_allclose(outputs[0], reference(plain.inputs[0]), rtol=1e-4, atol=1e-5)


def test_where_an_epoch_is_cut_into_calls_changes_no_bit() -> None:
    import tensorflow as tf

    results = []
    for cuts in ([6], [1, 2, 3]):
        model, encoded, _ = prepare({"layers": [layer("Dense", units=5), layer("Dropout", rate=0.4)], "classes": 3})
        loop, first = CompiledLoop(model, BATCH, jit_compile=False), 0
        for count in cuts:
            loop.run(to_tensors(encoded), tf.constant(epoch_order(ROWS, seed=1, epoch=0, shuffle=True)), first, count)
            first += count
        results.append(model.get_weights())
    for other in results[1:]:
        for one, two in zip(results[0], other):
            np.testing.assert_array_equal(one, two)


def test_a_row_s_output_does_not_depend_on_the_rows_beside_it() -> None:
    model, encoded, _ = prepare({"layers": [layer("Dense", units=5, activation="relu")], "classes": 3})
    rows = encoded.inputs[0]
    whole = Forward(model, 16).outputs([rows])[0]
    alone = np.concatenate([Forward(model, 16).outputs([rows[index : index + 1]])[0] for index in range(0, ROWS, 7)])
    np.testing.assert_array_equal(alone, whole[::7])


def test_an_epoch_s_order_is_a_function_of_seed_and_epoch() -> None:
    orders = [epoch_order(100, seed=seed, epoch=epoch, shuffle=True) for seed in (0, 1) for epoch in (0, 1)]
    assert all(sorted(order) == list(range(100)) for order in orders)
    assert len({tuple(order) for order in orders}) == 4
    np.testing.assert_array_equal(orders[0], epoch_order(100, seed=0, epoch=0, shuffle=True))
    np.testing.assert_array_equal(epoch_order(5, seed=3, epoch=2, shuffle=False), np.arange(5))


def test_metrics_of_a_scaled_target_are_in_its_own_units() -> None:
    schema = schema_of((4,), scale=10.0)
    part = part_of(schema, ROWS)
    training = TrainingConfig(metrics=(Component("metric", "MeanAbsoluteError"),))
    heads = resolve_heads(model_of(), schema, None)
    model = build_model(model_of(), schema, heads, seed=1)
    compile_model(model, heads, training)
    encoded = encode_part(part, schema, heads)
    logs, outputs = Forward(model, 16).evaluate(encoded.inputs, encoded.targets, None)
    error = np.abs(outputs[0][:, 0] - part.targets["target"]).mean()
    assert logs["mean_absolute_error"] == pytest.approx(10 * error, rel=1e-5)
    assert logs["loss"] == pytest.approx(((outputs[0][:, 0] - part.targets["target"]) ** 2).mean(), rel=1e-5)


def test_metrics_of_a_target_far_from_zero_keep_their_digits() -> None:
    """A float32 of 1.7e9 is a multiple of 128."""
    schema = schema_of((4,), scale=50.0)
    schema = replace(schema, targets=tuple(replace(target, mean=1.7e9) for target in schema.targets))
    part = part_of(schema, ROWS)
    names = ("MeanAbsoluteError", "RootMeanSquaredError", "R2Score", "MeanAbsolutePercentageError", "MeanSquaredLogarithmicError")
    training = TrainingConfig(metrics=(*(Component("metric", name) for name in names), Component("loss", "Huber")))
    heads = resolve_heads(model_of(), schema, None)
    model = build_model(model_of(), schema, heads, seed=1)
    compile_model(model, heads, training)
    encoded = encode_part(part, schema, heads)
    logs, outputs = Forward(model, 16).evaluate(encoded.inputs, encoded.targets, None)
    true, said = 50.0 * part.targets["target"].astype(float), 50.0 * outputs[0][:, 0].astype(float)
    expected = {
        "mean_absolute_error": mean_absolute_error(true, said),
        "root_mean_squared_error": mean_squared_error(true, said) ** 0.5,
        "r2_score": r2_score(true, said),
        "mean_absolute_percentage_error": 100 * mean_absolute_percentage_error(true + 1.7e9, said + 1.7e9),
        "mean_squared_logarithmic_error": mean_squared_log_error(true + 1.7e9, said + 1.7e9),
        "huber_loss": np.where(np.abs(said - true) > 1, np.abs(said - true) - 0.5, (said - true) ** 2 / 2).mean(),
    }
    assert {name: logs[name] for name in expected} == pytest.approx(expected, rel=1e-4)
    stacked = OwnUnits(heads * 2, stacked=True)
    both = [np.stack([array] * 2) for array in (encoded.targets[0], outputs[0])]
    for metric in model._compile_metrics.metrics[3:5]:
        values = stacked.of_relative_differences(metric, stacked.of_targets(both[0]), stacked.of_outputs(both[1]))
        np.testing.assert_allclose(np.mean(values, axis=1), [expected[metric.name]] * 2, rtol=1e-4)


def test_lfw_model_has_the_course_s_parameters() -> None:
    import_keras()
    layers = [layer("Flatten"), layer("Dense", units=20, activation="relu"), layer("Dense", units=10, activation="relu")]
    schema = schema_of((31, 23, 1), classes=2, name="image")
    model = build_model(model_of(*layers), schema, resolve_heads(model_of(*layers), schema, None), seed=0)
    assert model.count_params() == 14_501
    assert [row["parameters"] for row in describe_layers(model)] == [0, 0, 14_280, 210, 11]


@pytest.mark.parametrize(
    ("loss", "units", "activation"),
    [
        ("SparseCategoricalCrossentropy", 3, "softmax"),
        ("CategoricalCrossentropy", 3, "softmax"),
        ("BinaryCrossentropy", 1, "sigmoid"),
    ],
)
def test_a_saturated_output_has_keras_own_loss(loss, units, activation):
    keras = import_keras()
    keras.utils.set_random_seed(1)
    start = keras.initializers.RandomNormal(stddev=60)
    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(units, activation, kernel_initializer=start)])
    model.compile(loss=loss, metrics=[loss], optimizer="sgd")
    random = np.random.default_rng(0)
    x, y = random.normal(size=(50, 5)).astype(np.float32), random.integers(0, max(units, 2), 50)
    y = y if loss.startswith("Sparse") else y[:, None] if units == 1 else np.eye(units)[y]
    y = y.astype(np.float32)
    expected = model.evaluate(x, y, batch_size=16, verbose=0, return_dict=True)
    assert expected["loss"] > 40  # of probabilities cut off at 1e-7, no more than 16.2
    logs, _ = Forward(model, 16).evaluate([x], [y], None)
    assert logs == pytest.approx(expected, rel=1e-6)
