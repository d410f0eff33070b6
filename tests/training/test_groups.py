"""Groups of weights: each takes the step that Keras's optimizer takes at the group's rate; files stay Keras's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dltrain.checking.check import check_config
from dltrain.config import load_config_text
from dltrain.config.types import Component
from dltrain.errors import ConfigError
from dltrain.model.groups import matches, multipliers_of, put_groups
from dltrain.training.fit import fit
from tests.training.stacked.support import assert_like_own_fits
from tests.training.support import NOISE_DATA, config_of, fit_with_interruptions, newest_state

GROUPED = (
    NOISE_DATA
    + """
name: grouped
model:
  layers:
    - Dense: {units: 5, activation: relu, name: hidden}
    - BatchNormalization
    - Dense: {units: 4, activation: relu}
training:
  optimizer:
    AdamW: {learning_rate: 0.01, weight_decay: 0.1}
    groups:
      - {match: BatchNormalization, learning_rate: 6}
      - {match: bias, learning_rate: 0.1, weight_decay: 0}
      - {match: [hidden/kernel], ntk: true}
  epochs: 3
  batch_size: 8
"""
)
GROUPS = (
    {"match": ["second"], "learning_rate": 3.0, "weight_decay": 0.5},
    {"match": ["bias"], "learning_rate": 0.0, "weight_decay": 0.0},
    {"match": ["kernel"], "learning_rate": 0.5, "ntk": True},
)


def small_model(keras: Any) -> Any:
    keras.utils.set_random_seed(3)
    layers = [keras.Input((4,)), keras.layers.Dense(3, name="first"), keras.layers.Dense(2, name="second")]
    return keras.Sequential(layers)


@pytest.mark.parametrize(
    "name", ["SGD", "Adam", "AdamW", "Adamax", "Nadam", "RMSprop", "Adagrad", "Adadelta", "Lion", "Ftrl", "Lamb"]
)
def test_each_group_steps_as_keras_s_optimizer_at_its_rate(name: str) -> None:
    """Beside it, an optimizer of its own for each variable, with the group's numbers."""
    import keras
    import tensorflow as tf

    rate, decay = 0.05, 0.2
    model, twin = small_model(keras), small_model(keras)
    optimizer = getattr(keras.optimizers, name)(learning_rate=rate, weight_decay=decay)
    optimizer.build(model.trainable_variables)
    put_groups(model, optimizer, Component("optimizer", name, {"groups": GROUPS}))
    # first/kernel: half the rate by the root of 4 inputs; first/bias: none; second: three times, its decay half as much
    rates, decays = [0.25, 0.0, 3.0, 3.0], [0.5, 0.0, 1.5, 1.5]
    found = multipliers_of(optimizer)
    assert found is not None
    assert (list(found.rates), list(found.decays)) == (rates, decays)
    own = [getattr(keras.optimizers, name)(learning_rate=rate * factor, weight_decay=0.0) for factor in rates]
    for single, variable in zip(own, twin.trainable_variables, strict=True):
        single.build([variable])
    random = np.random.default_rng(0)
    step = tf.function(lambda gradients: optimizer.apply(gradients, model.trainable_variables))
    for _ in range(3):
        gradients = [tf.constant(random.normal(size=v.shape).astype("float32")) for v in model.trainable_variables]
        step(gradients)
        for single, variable, gradient, factor in zip(own, twin.trainable_variables, gradients, decays, strict=True):
            variable.assign(variable - variable * decay * rate * factor)
            if factor:
                single.apply([gradient], [variable])
    for ours, theirs in zip(model.trainable_variables, twin.trainable_variables, strict=True):
        assert np.allclose(np.asarray(ours), np.asarray(theirs), rtol=1e-5, atol=1e-6), ours.path


def test_ntk_is_the_ntk_parametrization_under_adam() -> None:
    """Dense with its kernel's steps divided, and x·W/√n by hand with W at the whole rate: the same function after each step."""
    import keras
    import tensorflow as tf

    random = np.random.default_rng(1)
    x, y = random.normal(size=(32, 16)).astype("float32"), random.normal(size=(32, 3)).astype("float32")
    model = keras.Sequential([keras.Input((16,)), keras.layers.Dense(3, name="dense")])
    weight = tf.Variable(np.asarray(model.layers[0].kernel) * 4.0)  # the root of 16
    bias = tf.Variable(np.zeros(3, "float32"))
    optimizer, plain = (keras.optimizers.Adam(0.1, epsilon=1e-12) for _ in range(2))
    optimizer.build(model.trainable_variables)
    plain.build([keras.Variable(weight), keras.Variable(bias)])
    plain = keras.optimizers.Adam(0.1, epsilon=1e-12)
    by_hand = [keras.Variable(weight.numpy()), keras.Variable(bias.numpy())]
    plain.build(by_hand)
    put_groups(model, optimizer, Component("optimizer", "Adam", {"groups": ({"match": ["kernel"], "ntk": True},)}))
    for _ in range(20):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(model(x) - y))
        optimizer.apply(tape.gradient(loss, [v.value for v in model.trainable_variables]), model.trainable_variables)
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(x @ by_hand[0].value / 4.0 + by_hand[1].value - y))
        plain.apply(tape.gradient(loss, [v.value for v in by_hand]), by_hand)
    assert np.allclose(np.asarray(model(x)), x @ np.asarray(by_hand[0]) / 4.0 + np.asarray(by_hand[1]), atol=1e-4)


@pytest.mark.slow
def test_resume_to_the_bit_with_groups_and_a_file_of_plain_keras(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import keras

    config = config_of(GROUPED)
    fit(config, run_dir=tmp_path / "whole")
    fit_with_interruptions(config, tmp_path / "cut", monkeypatch, [3, 9])
    whole, cut = newest_state(tmp_path / "whole"), newest_state(tmp_path / "cut")
    for a, b in zip([*whole.values.model, *whole.values.optimizer], [*cut.values.model, *cut.values.optimizer], strict=True):
        assert np.array_equal(a, b)
    model = keras.models.load_model(tmp_path / "whole" / "checkpoints" / "last.h5")
    assert type(model.optimizer) is keras.optimizers.AdamW


@pytest.mark.slow
def test_groups_are_stacked_as_alone(tmp_path: Path) -> None:
    assert_like_own_fits([config_of(GROUPED, f"training.optimizer.learning_rate={rate}") for rate in (0.003, 0.01)], tmp_path)


def test_a_group_of_rate_0_is_left_as_it_was(tmp_path: Path) -> None:
    run = fit(config_of(GROUPED, "training.optimizer.groups=[{match: hidden, learning_rate: 0}]"), run_dir=tmp_path / "run").run
    other = fit(
        config_of(GROUPED, "training.optimizer.groups=[{match: hidden, learning_rate: 0}]", "training.epochs=1"),
        run_dir=tmp_path / "b",
    ).run
    a, b = (newest_state(path).values.model for path in (run, other))
    assert np.array_equal(a[0], b[0])
    assert not np.array_equal(a[-2], b[-2])


def test_both_ways_to_write_groups_are_one_and_can_be_overridden() -> None:
    beside = config_of(GROUPED)
    [(name, arguments)] = beside.resolved["training"]["optimizer"].items()
    assert name == "AdamW"
    assert arguments["groups"][1] == {"match": ["bias"], "learning_rate": 0.1, "weight_decay": 0}
    changed = config_of(GROUPED, "training.optimizer.groups.1.learning_rate=0.3", "training.optimizer.learning_rate=0.5")
    assert changed.training is not None
    assert changed.training.optimizer.arguments["groups"][1]["learning_rate"] == 0.3
    assert changed.training.optimizer.arguments["learning_rate"] == 0.5
    inside = "training.optimizer={AdamW: {learning_rate: 0.01, weight_decay: 0.1, groups: [{match: bias, learning_rate: 0.2}]}}"
    both = "training.optimizer={AdamW: {learning_rate: 0.01, weight_decay: 0.1}, groups: [{match: bias, learning_rate: 0.2}]}"
    assert config_of(GROUPED, inside) == config_of(GROUPED, both)


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ("[{match: hiden/kernel, learning_rate: 2}]", "no weight of the model matches hiden/kernel"),
        ("[{match: gammma, learning_rate: 2}]", 'did you mean "gamma"?'),
        ("[{learning_rate: 2}]", "missing: which weights are meant"),
        ("[{match: bias, rate: 2}]", "unknown key of a group"),
        ("[{match: bias, learning_rate: -2}]", "a number of at least 0"),
        ("[{match: bias}]", "the group changes nothing"),
        ("{match: bias}", "expected a list of groups"),
        ("[bias]", "expected a mapping of keys"),
    ],
)
def test_what_is_wrong_with_groups_is_said_before_training(groups: str, message: str) -> None:
    try:
        result = check_config(config_of(GROUPED, f"training.optimizer.groups={groups}"))
        faults = [*result.errors, *result.warnings]
    except ConfigError as error:
        faults = list(error.faults)
    assert any(message in f"{fault.message} {fault.hint}" for fault in faults), faults


def test_optimizers_that_take_no_groups_say_so() -> None:
    text = GROUPED.replace("AdamW: {learning_rate: 0.01, weight_decay: 0.1}", "Adafactor: {learning_rate: 0.01}")
    errors = check_config(load_config_text(text, folder=Path("."))).errors
    assert any("Adafactor takes no groups" in fault.message for fault in errors)


def test_a_class_is_spelt_as_keras_does_and_a_name_is_one_layer() -> None:
    assert matches("Dense", ["dense_1"], ["Dense"], "dense_1/kernel")
    assert matches("dense", ["dense"], ["Dense"], "dense/kernel")
    assert not matches("dense", ["dense_1"], ["Dense"], "dense_1/kernel")
    assert matches("dense*", ["dense_1"], ["Dense"], "dense_1/kernel")
    assert matches("dense_1/bias", ["dense_1"], ["Dense"], "dense_1/bias")
    assert not matches("kernel", ["dense_1"], ["Dense"], "dense_1/bias")
    assert not matches("Dense", ["scale"], ["EinsumDense"], "scale/kernel")
