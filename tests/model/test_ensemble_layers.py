"""Layers of members that share their matrices, and their output: against the papers' formulas, in files, stacked and exported."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dltrain.checking.check import check_config
from dltrain.config.types import Component, LayerConfig, ModelConfig
from dltrain.errors import ConfigError
from dltrain.evaluation.export import NAMES, choose_format, export
from dltrain.model.build import build_model
from dltrain.model.forward import Forward
from dltrain.model.symbolic import infer_network
from dltrain.training.fit import fit
from tests.model.support import schema_of
from tests.training.stacked.support import assert_like_own_fits
from tests.training.support import config_of, fit_with_interruptions, newest_state

SMALL = ["model.layers.0.units=6", "model.layers.0.members=3", "model.layers.3.units=5", "model.layers.6.units=4"]
PRESET = """
name: preset
seed: 7
data: {source: noise, rows: 90, shape: [6], split: {test: 0.2, validation: 0.25}}
model: {preset: tabm}
training: {epochs: 2, batch_size: 8}
"""
ROWS = np.random.default_rng(1).normal(size=(7, 4)).astype("float32")


def built(*layers: Component, units: int = 3) -> Any:
    """A model of 4 numbers, its weights drawn, whose arithmetic agrees with Keras."""
    items = tuple(LayerConfig(layer, path=f"model.layers.{index}") for index, layer in enumerate(layers))
    model = ModelConfig(layers=items, output="none")
    made = build_model(model, schema_of((4,)), (), seed=3)
    network = infer_network(model, schema_of((4,)), ())
    shapes = {layer.name: tuple(layer.output.shape[1:]) for layer in made.layers[1:]}
    assert {row.name: row.found.output for row in network.rows} == shapes
    assert network.parameters == made.count_params()
    random = np.random.default_rng(units)
    made.set_weights([random.normal(size=weight.shape) for weight in made.get_weights()])
    return made


def dense(model: Any, name: str, x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The paper's formula, member by member: s * (W (r * x)) + b."""
    [r] = model.get_layer(f"{name}_in").get_weights()
    [shared] = model.get_layer(f"{name}_shared").get_weights()
    s, b = model.get_layer(name).get_weights()
    return np.stack([((x[:, k] * r[k]) @ shared) * s[k] + b[k] for k in range(len(r))], axis=1)


def test_an_ensemble_dense_is_that_of_the_paper() -> None:
    model = built(
        Component("composed", "EnsembleDense", {"units": 3, "members": 5}), Component("composed", "EnsembleDense", {"units": 2})
    )
    first = dense(model, "ensemble_dense", np.repeat(ROWS[:, None], 5, axis=1))
    assert np.allclose(model(ROWS), dense(model, "ensemble_dense_1", first), atol=1e-4)


def test_members_differ_at_first_by_signs() -> None:
    layer = LayerConfig(Component("composed", "EnsembleDense", {"units": 3, "members": 40}))
    model = build_model(ModelConfig(layers=(layer, layer), output="none"), schema_of((50,)), (), seed=3)
    [signs] = model.get_layer("ensemble_dense_in").get_weights()
    assert set(np.unique(signs)) == {-1.0, 1.0}
    assert abs(signs.mean()) < 0.1
    assert np.array_equal(model.get_layer("ensemble_dense_1_in").get_weights()[0], np.ones((40, 3)))
    assert np.array_equal(model.get_layer("ensemble_dense").get_weights()[0], np.ones((40, 3)))


def cross_entropy(z: np.ndarray[Any, Any], y: np.ndarray[Any, Any]) -> float:
    """The mean over rows; of one unit the classes are 0 and it."""
    z = np.concatenate([np.zeros_like(z), z], axis=1) if z.shape[1] == 1 else z
    logarithms = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    return float(-logarithms[np.arange(len(y)), y].mean())


@pytest.mark.parametrize(
    ("loss", "units", "activation"),
    [
        ("MeanSquaredError", 2, None),
        ("BinaryCrossentropy", 1, "sigmoid"),
        ("BinaryCrossentropy", 1, None),
        ("SparseCategoricalCrossentropy", 3, "softmax"),
    ],
)
def test_each_member_is_trained_by_a_loss_of_its_own(loss: str, units: int, activation: str | None) -> None:
    import keras

    head = Component("composed", "EnsembleOutput", {"units": units, "activation": activation, "loss": loss})
    model = built(Component("composed", "EnsembleDense", {"units": 3, "members": 5}), head)
    heads, offsets = model.get_layer("ensemble_output_heads").get_weights()
    hidden = dense(model, "ensemble_dense", np.repeat(ROWS[:, None], 5, axis=1))
    outputs = np.stack([hidden[:, k] @ heads[k] + offsets[k] for k in range(5)], axis=1)
    random = np.random.default_rng(2)
    if loss == "MeanSquaredError":
        y: Any = random.normal(size=(7, units))
        expected = np.mean([((outputs[:, k] - y) ** 2).mean() for k in range(5)])
        answer = outputs.mean(axis=1)
    else:
        y = random.integers(0, max(2, units), size=7)
        expected = np.mean([cross_entropy(outputs[:, k], y) for k in range(5)])
        answer = outputs.mean(axis=1)
        if activation == "sigmoid":
            answer = 1 / (1 + np.exp(-answer))
        if activation == "softmax":
            answer = np.exp(answer) / np.exp(answer).sum(axis=1, keepdims=True)
    assert np.allclose(model(ROWS), answer, atol=1e-4)
    logits = {} if activation or loss == "MeanSquaredError" else {"from_logits": True}
    model.compile(loss=getattr(keras.losses, loss)(**logits))
    y = y[:, None] if y.ndim == 1 else y
    assert model.evaluate(ROWS, y, verbose=0) == pytest.approx(expected, rel=1e-4)


def test_another_loss_is_said_to_be_of_the_mean() -> None:
    report = check_config(config_of(PRESET, *SMALL, "data.task=regression", "training.loss=mae"))
    assert any("MeanAbsoluteError is that of the members' mean" in fault.message for fault in report.warnings)


@pytest.mark.slow
def test_tabm_is_stacked_as_alone(tmp_path: Path) -> None:
    assert_like_own_fits([config_of(PRESET, *SMALL, f"seed={seed}") for seed in (1, 2)], tmp_path)


@pytest.mark.slow
def test_tabm_is_resumed_to_the_bit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fit(config_of(PRESET, *SMALL), run_dir=tmp_path / "whole")
    fit_with_interruptions(config_of(PRESET, *SMALL), tmp_path / "cut", monkeypatch, [4])
    whole, cut = newest_state(tmp_path / "whole"), newest_state(tmp_path / "cut")
    for a, b in zip([*whole.values.model, *whole.values.optimizer], [*cut.values.model, *cut.values.optimizer], strict=True):
        assert np.array_equal(a, b)


def test_tabm_opens_in_plain_keras(tmp_path: Path) -> None:
    import keras

    run = fit(config_of(PRESET, *SMALL), run_dir=tmp_path / "whole").run
    model = keras.models.load_model(run / "checkpoints" / "best.h5")
    assert {type(layer).__module__.partition(".")[0] for layer in model.layers} == {"keras"}
    # Which asks the file for the answers of the run.
    assert export(run, format="keras", destination=tmp_path / "out.keras").path.exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    "form", [name for name in NAMES if name not in ("keras", "tflite")]
)  # whose converter refuses, and says so
def test_other_exports_answer_as_the_run_does(form: str, tmp_path: Path) -> None:
    if form == "onnx":
        pytest.importorskip("tf2onnx")
    run = fit(config_of(PRESET, *SMALL, "training.epochs=1"), run_dir=tmp_path / "run").run
    suffix = choose_format(form, None).suffix
    assert export(run, format=form, destination=tmp_path / f"out{suffix}").path.exists()


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("data.shape=[3, 2, 1]", "EnsembleDense takes one vector of numbers or a vector of each member, as EnsembleDense puts"),
        ("model.layers=[{Dense: {units: 2}}]", "EnsembleOutput takes a vector of each member, as EnsembleDense puts them out"),
        ("model.layers=[EnsembleOutput]", "EnsembleOutput is an output, which the task shapes"),
        ("model.output=FeatureScaling", "FeatureScaling puts out as many numbers as come in"),
    ],
)
def test_what_is_wrong_with_them_is_said_before_training(override: str, message: str) -> None:
    try:
        faults = check_config(config_of(PRESET, override)).errors
    except ConfigError as error:
        faults = error.faults
    assert any(message in fault.message for fault in faults), faults


def test_regularized_outputs_count_every_row_once() -> None:
    """The loss is that of Keras's own evaluation, though the last batch is not full."""
    import keras

    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, activity_regularizer=keras.regularizers.L2(0.5))])
    model.compile(loss="mse")
    targets = np.zeros((7, 2), "float32")
    logs, outputs = Forward(model, 16).evaluate([ROWS], [targets], None)
    assert logs["loss"] == pytest.approx(model.evaluate(ROWS, targets, verbose=0), rel=1e-5)
    assert logs["loss"] == pytest.approx((outputs[0] ** 2).mean() + 0.5 * (outputs[0] ** 2).sum(axis=1).mean(), rel=1e-5)
