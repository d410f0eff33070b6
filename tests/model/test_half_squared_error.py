"""The loss ½·(y - t)²: half of Keras's mean squared error, in numbers, in training and in files."""

from __future__ import annotations

import numpy as np
import pytest

from dltrain.config import load_config, load_config_text
from dltrain.config.types import Component
from dltrain.evaluation.tracing.trace import trace
from dltrain.model.build import make_component
from dltrain.model.keras_import import import_keras
from dltrain.model.numbers.losses import find_loss
from dltrain.training.fit import fit

STEP = """
data: none
model: {layers: [{Dense: {units: 1, use_bias: false, weights: [[[2]]]}}]}
training: {optimizer: {SGD: {learning_rate: 0.01}}, loss: half_squared_error}
"""
TABLE = """
data: {source: csv, path: t.csv, target: y, split: {validation: 0.3}}
model: {layers: [{Dense: {units: 3, activation: tanh}}]}
training: {epochs: 2, batch_size: 8, optimizer: {SGD: {learning_rate: RATE}}, loss: LOSS, metrics: [HalfSquaredError, mse]}
"""
NUMBERS = np.array([[0.5, -3.0], [1e6, 0.0], [2.0, 2.0]], "float32"), np.array([[0.0, 1.0], [0.0, 0.0], [2.5, 1.0]], "float32")


def test_f8_a_step_by_hand(tmp_path):
    found = trace(load_config_text(STEP, folder=tmp_path), inputs=["3"], targets=["10"], steps=1)
    assert found.losses[0] == 8.0  # ½·(6 - 10)²
    assert found.losses[1] == pytest.approx(0.5 * (3 * 2.12 - 10) ** 2)  # w = 2 - 0.01·(6 - 10)·3


def test_f8_value_and_slope_are_half_of_those_of_the_mean_squared_error():
    keras = import_keras()
    import tensorflow as tf

    y, t = NUMBERS
    half, whole = make_component(keras, Component("loss", "HalfSquaredError")), keras.losses.MeanSquaredError()
    slopes = []
    for loss in (half, whole):
        with tf.GradientTape() as tape:
            given = tf.Variable(y)
            value = loss(t, given)
        slopes.append(tape.gradient(value, given).numpy())
    np.testing.assert_allclose(slopes[0], slopes[1] / 2, rtol=1e-6)
    np.testing.assert_allclose(float(half(t, y)), float(whole(t, y)) / 2, rtol=1e-6)
    own = find_loss(Component("loss", "HalfSquaredError"))
    np.testing.assert_allclose(own.value(*map(np.float64, NUMBERS)), ((y - t).astype(np.float64) ** 2).mean(axis=1) / 2)
    np.testing.assert_allclose(own.slope(*map(np.float64, NUMBERS)), (y - t) / 2)


def test_f8_at_twice_the_rate_it_trains_as_the_mean_squared_error_and_plain_keras_loads_the_file(tmp_path):
    generator = np.random.default_rng(0)
    rows = generator.normal(size=(40, 2))
    (tmp_path / "t.csv").write_text("a,b,y\n" + "".join(f"{a},{b},{a - 2 * b}\n" for a, b in rows))
    metrics = []
    for loss, rate in (("half_mse", 0.2), ("mse", 0.1)):
        text = TABLE.replace("RATE", str(rate)).replace("LOSS", loss)
        metrics.append(fit(load_config_text(text, folder=tmp_path), run_dir=tmp_path / loss).metrics["validation"])
    assert metrics[0]["mse"] == pytest.approx(metrics[1]["mse"], rel=1e-5)
    assert metrics[0]["loss"] == pytest.approx(metrics[1]["loss"] / 2, rel=1e-5)
    assert metrics[0]["half_squared_error"] == pytest.approx(metrics[0]["mse"] / 2, rel=1e-5)
    keras = import_keras()
    assert keras.models.load_model(tmp_path / "half_mse" / "checkpoints" / "last.h5").count_params() == 13
    stored = load_config(tmp_path / "half_mse" / "config.yaml")
    assert stored.training.loss.component.name == "HalfSquaredError"
