"""NumPy's numbers are Keras's: each activation, loss and optimizer by itself, and random nets as a whole."""

from __future__ import annotations

import numpy as np
import pytest

from dltrain.config.catalog.catalog import load_catalog
from dltrain.config.types import Component
from dltrain.model.build import make_value
from dltrain.model.keras_import import import_keras
from dltrain.model.numbers.activations import find_activation
from dltrain.model.numbers.losses import find_loss, one_hot
from dltrain.model.numbers.optimizers import Optimizer
from dltrain.model.numbers.schedules import rate_at
from tests.model.numbers.support import OPTIMIZERS, assert_same_numbers, both, float64, random_net

# `glu` halves the width, `threshold` needs arguments, Keras's `sparsemax` is not the one of the paper: left to Keras.
LEFT_OUT = ("glu", "threshold", "sparsemax")
NAMES = [name for name in load_catalog().activations if name not in LEFT_OUT]
TOLERANCE = 1e-6


def test_every_other_activation_is_here():
    assert all(find_activation(name) is None for name in LEFT_OUT)
    assert all(find_activation(name) is not None for name in NAMES)
    assert "binary_step" in NAMES


@pytest.mark.parametrize("name", NAMES)
def test_activations_and_their_slopes(name):
    import tensorflow as tf

    keras = import_keras()
    rng = np.random.default_rng(3)
    z = np.concatenate([rng.normal(0, 3, (12, 5)), [[-30, -1.5, 0, 0.4, 30], [-0.5, -1e-3, 1e-3, 0.5, 2.999]]])
    if name == "celu":
        z[z == 0] = 0.1  # where TensorFlow counts the slopes of both sides
    weights = rng.normal(size=z.shape)
    function = make_value(keras, name)
    function = function if callable(function) else keras.activations.get(name)
    tensor = tf.constant(z)
    with tf.GradientTape() as tape:
        tape.watch(tensor)
        value = function(tensor)
        total = tf.reduce_sum(value * weights)
    slope = tape.gradient(total, tensor)
    own = find_activation(name)
    np.testing.assert_allclose(own.value(z), value, rtol=TOLERANCE, atol=TOLERANCE)
    if slope is not None:  # the binary step has none for TensorFlow
        np.testing.assert_allclose(own.backward(z, own.value(z), weights), slope, rtol=TOLERANCE, atol=TOLERANCE)


LOSSES = [
    *("MeanSquaredError", "MeanAbsoluteError", "MeanAbsolutePercentageError", "MeanSquaredLogarithmicError", "LogCosh"),
    *("Poisson", "KLDivergence", "Hinge", "SquaredHinge", "CategoricalHinge", "CosineSimilarity", "Huber"),
    *("BinaryCrossentropy", "CategoricalCrossentropy", "SparseCategoricalCrossentropy"),
]


LOSSES_WITH = [
    (name, arguments)
    for arguments in ({}, {"label_smoothing": 0.2}, {"from_logits": True}, {"delta": 0.3})
    for name in LOSSES
    if set(arguments) <= set(load_catalog().find("loss", name).arguments)
]


@pytest.mark.parametrize(("name", "arguments"), LOSSES_WITH)
def test_losses_and_their_slopes(name, arguments):
    import tensorflow as tf

    rng = np.random.default_rng(5)
    with float64() as keras:
        y = rng.uniform(0.05, 0.95, (6, 4))
        if "Categorical" in name or name == "KLDivergence":
            y = y / y.sum(axis=1, keepdims=True)
        if arguments.get("from_logits"):
            y = rng.normal(0, 2, (6, 4))
        classes = rng.integers(0, 4, 6)
        targets = one_hot(classes, 4)
        if name.startswith(("Mean", "LogCosh", "Huber", "Cosine", "Poisson")):
            targets = rng.uniform(0.1, 2, (6, 4))
        loss = getattr(keras.losses, name)(**arguments, reduction=None)
        tensor = tf.constant(y)
        with tf.GradientTape() as tape:
            tape.watch(tensor)
            values = loss(classes if name.startswith("Sparse") else targets, tensor)
        slopes = tape.gradient(values, tensor)
    own = find_loss(Component("loss", name, arguments))
    value, slope = (own.from_sums, own.slope_by_sums) if own.from_logits else (own.value, own.slope)
    np.testing.assert_allclose(value(y, targets), values, rtol=TOLERANCE, atol=TOLERANCE)
    np.testing.assert_allclose(slope(y, targets), slopes, rtol=TOLERANCE, atol=TOLERANCE)


VARIANTS = [
    *((name, {}) for name in OPTIMIZERS),
    ("SGD", {"momentum": 0.9}),
    ("SGD", {"momentum": 0.9, "nesterov": True}),
    ("RMSprop", {"momentum": 0.5}),
    ("RMSprop", {"centered": True}),
    ("Adam", {"weight_decay": 0.1}),
    ("Adam", {"beta_1": 0.5, "clipnorm": 0.3}),
    ("SGD", {"clipvalue": 0.05}),
    ("SGD", {"global_clipnorm": 0.2}),
]


@pytest.mark.parametrize(("name", "arguments"), VARIANTS, ids=[f"{name}-{'-'.join(given)}" for name, given in VARIANTS])
def test_optimizers_over_five_steps(name, arguments):
    rng = np.random.default_rng(7)
    arrays = [rng.normal(size=(3, 2)), rng.normal(size=2)]
    steps = [[rng.normal(size=array.shape) for array in arrays] for _ in range(5)]
    component = Component("optimizer", name, {"learning_rate": 0.05, **arguments})
    assert Optimizer.why_not(component) is None
    own = Optimizer(component, [array.shape for array in arrays])
    assert own.formulas
    with float64() as keras:
        optimizer = getattr(keras.optimizers, name)(learning_rate=0.05, **arguments)
        variables = [keras.Variable(array) for array in arrays]
        optimizer.build(variables)
        for gradients in steps:
            optimizer.apply(gradients, variables)
            arrays, _ = own.step(arrays, gradients)
        for array, variable in zip(arrays, variables):
            np.testing.assert_allclose(array, variable, rtol=TOLERANCE, atol=TOLERANCE)


SCHEDULES = {
    "ExponentialDecay": {"initial_learning_rate": 0.1, "decay_steps": 4, "decay_rate": 0.5, "staircase": True},
    "InverseTimeDecay": {"initial_learning_rate": 0.1, "decay_steps": 4, "decay_rate": 0.5},
    "PolynomialDecay": {"initial_learning_rate": 0.1, "decay_steps": 6, "cycle": True, "power": 2.0},
    "PiecewiseConstantDecay": {"boundaries": [2, 5], "values": [0.3, 0.2, 0.1]},
    "CosineDecay": {"initial_learning_rate": 0.01, "decay_steps": 8, "warmup_target": 0.1, "warmup_steps": 3, "alpha": 0.1},
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedules(name):
    keras = import_keras()
    schedule = getattr(keras.optimizers.schedules, name)(**SCHEDULES[name])
    for step in range(15):
        assert rate_at(Component("schedule", name, SCHEDULES[name]), step) == pytest.approx(float(schedule(step)), rel=1e-5)
    assert rate_at(Component("schedule", "CosineDecayRestarts", {}), 0) is None


def compare(seed: int, steps: int, tolerance: float = TOLERANCE) -> None:
    with float64():
        config, inputs, targets = random_net(np.random.default_rng(seed))
        own, keras = both(config)
        for _ in range(steps):
            one, other = own.forward_and_back([inputs], [targets]), keras.forward_and_back([inputs], [targets])
            assert own.learning_rate == pytest.approx(keras.learning_rate, rel=1e-6)
            own.step(one)
            keras.step(other)
            assert_same_numbers(one, other, tolerance)


@pytest.mark.parametrize("seed", range(12))
def test_random_nets(seed):
    compare(seed, 2)


@pytest.mark.slow
@pytest.mark.parametrize("first", range(100, 400, 20))
def test_many_random_nets(first):
    for seed in range(first, first + 20):
        # Keras's losses round to 3e-8; steps of 0.3 by gradients that are divided by their size make up to 4e-5 of it.
        compare(seed, 3, 1e-4)
