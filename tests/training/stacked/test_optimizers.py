"""Updates on stacked weights are Keras's own, for every optimizer that is offered, with numbers that differ by trial."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dltrain.model.keras_import import import_keras
from dltrain.training.stacked.optimizers import NUMBERS, StackedOptimizer

SHAPES = [(4, 3), (3,), (2, 3, 2)]
CASES: list[tuple[str, list[dict[str, Any]]]] = [
    ("SGD", [{"learning_rate": 0.1}, {"learning_rate": 0.01}]),
    ("SGD", [{"momentum": 0.9, "nesterov": True}, {"momentum": 0.5, "nesterov": True, "learning_rate": 0.3}]),
    ("SGD", [{"momentum": 0.9, "clipnorm": 0.5}, {"momentum": 0.1, "clipnorm": 2.0}]),
    ("SGD", [{"global_clipnorm": 0.5}, {"global_clipnorm": 100.0}]),
    ("SGD", [{"clipvalue": 0.1}, {"clipvalue": 0.5, "weight_decay": None}]),
    ("Adam", [{"beta_1": 0.9, "epsilon": 1e-7}, {"beta_1": 0.5, "beta_2": 0.9, "epsilon": 1e-3}]),
    ("Adam", [{"amsgrad": True, "weight_decay": 0.1}, {"amsgrad": True, "weight_decay": 0.3}]),
    ("AdamW", [{"weight_decay": 0.1}, {"weight_decay": 0.01, "learning_rate": 0.1}]),
    ("Adamax", [{"learning_rate": 0.1}, {"beta_1": 0.5, "beta_2": 0.7}]),
    ("Nadam", [{"learning_rate": 0.1}, {"beta_1": 0.5, "beta_2": 0.7}]),
    ("RMSprop", [{"rho": 0.5}, {"rho": 0.99, "learning_rate": 0.1}]),
    ("RMSprop", [{"momentum": 0.5, "centered": True}, {"momentum": 0.9, "centered": True, "epsilon": 1e-3}]),
    ("Adagrad", [{"learning_rate": 0.1}, {"epsilon": 1e-2}]),
    ("Adadelta", [{"learning_rate": 1.0}, {"rho": 0.5, "learning_rate": 0.5}]),
    ("Lion", [{"learning_rate": 0.1}, {"beta_1": 0.5, "beta_2": 0.6}]),
]


@pytest.mark.parametrize(("name", "arguments"), CASES, ids=lambda value: value if isinstance(value, str) else "-".join(value[0]))
def test_updates_are_keras_s(name: str, arguments: list[dict[str, Any]]) -> None:
    keras = import_keras()
    import tensorflow as tf

    rng = np.random.default_rng(0)
    start = [rng.normal(size=(len(arguments), *shape)).astype("float32") for shape in SHAPES]
    gradients = [[rng.normal(size=array.shape).astype("float32") for array in start] for _ in range(4)]
    optimizers = [getattr(keras.optimizers, name)(**given) for given in arguments]
    ends, memories = [], []
    built = None
    for trial, optimizer in enumerate(optimizers):
        variables = [keras.Variable(array[trial]) for array in start]
        optimizer.build(variables)
        if built is None:
            built, memory = variables, [np.stack([variable.numpy()] * len(arguments)) for variable in optimizer.variables]
        for step in gradients:
            optimizer.apply([tf.constant(array[trial]) for array in step], variables)
        ends.append([variable.numpy() for variable in variables])
        memories.append([variable.numpy() for variable in optimizer.variables])
    stacked = StackedOptimizer(optimizers, built or [])
    rates = tf.constant([float(np.asarray(optimizer.learning_rate)) for optimizer in optimizers])
    weights: list[Any] = [tf.constant(array) for array in start]
    kept: list[Any] = [tf.constant(array) for array in memory]
    for step in gradients:
        weights, kept = stacked.apply([tf.constant(array) for array in step], weights, kept, rates)
    for trial in range(len(arguments)):
        for ours, theirs in zip(weights, ends[trial]):
            np.testing.assert_allclose(ours[trial], theirs, rtol=2e-5, atol=1e-6)
        for variable, ours, theirs in zip(optimizers[0].variables, kept, memories[trial]):
            if variable.name != "learning_rate":
                np.testing.assert_allclose(ours[trial], theirs, rtol=2e-5, atol=1e-6)


def test_every_offered_optimizer_is_tested() -> None:
    assert {name for name, _ in CASES} == set(NUMBERS)
