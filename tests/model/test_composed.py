"""Layers composed of Keras's own: against the paper's formulas, in files that plain Keras opens, stacked and exported."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dltrain.checking.check import check_config
from dltrain.config.composed import COMPOSED
from dltrain.config.types import Component, LayerConfig, ModelConfig
from dltrain.errors import ConfigError
from dltrain.evaluation.export import NAMES, choose_format, export
from dltrain.model.build import build_model
from dltrain.model.symbolic import infer_network
from dltrain.training.fit import fit
from tests.model.support import schema_of
from tests.training.stacked.support import assert_like_own_fits
from tests.training.support import NOISE_DATA, config_of, newest_state

COMPOSED_TEXT = (
    NOISE_DATA
    + """
name: composed
model:
  layers:
    - PeriodicEmbedding: {frequencies: 5}
    - FeatureScaling
    - Dense: {units: 5}
    - ParametricActivation: {activation: mish, name: bent}
training:
  optimizer:
    AdamW: {learning_rate: 0.01, weight_decay: 0.1}
    groups:
      - {match: "periodic_embedding*", learning_rate: 0.1}
      - {match: feature_scaling, learning_rate: 6}
  epochs: 2
  batch_size: 8
"""
)


def built(name: str, **arguments: Any) -> Any:
    """A model of one composed layer over 4 numbers, its weights drawn."""
    model = ModelConfig(layers=(LayerConfig(Component("composed", name, arguments), path="model.layers.0"),), output="none")
    made = build_model(model, schema_of((4,)), (), seed=3)
    network = infer_network(model, schema_of((4,)), ())
    assert [(row.name, row.found.output) for row in network.rows] == [
        (layer.name, tuple(layer.output.shape[1:]))
        for layer in sorted(made.layers[1:], key=lambda layer: [row.name for row in network.rows].index(layer.name))
    ]
    assert network.parameters == made.count_params()
    random = np.random.default_rng(0)
    made.set_weights([random.normal(size=weight.shape) for weight in made.get_weights()])
    return made


ROWS = np.random.default_rng(1).normal(size=(7, 4)).astype("float32")


def test_feature_scaling_is_a_factor_for_each_feature() -> None:
    model = built("FeatureScaling")
    [factors] = model.get_weights()
    assert np.allclose(model(ROWS), ROWS * factors, atol=1e-6)


def test_a_parametric_activation_goes_a_share_of_the_way() -> None:
    model = built("ParametricActivation", activation="mish")
    [share] = model.get_weights()
    mish = ROWS * np.tanh(np.log1p(np.exp(ROWS)))
    assert np.allclose(model(ROWS), (1 - share) * ROWS + share * mish, atol=1e-5)


def test_the_periodic_embedding_is_pbld() -> None:
    model = built("PeriodicEmbedding", frequencies=16, units=3)
    frequencies, phases, matrix, offset = (
        np.asarray(weight) for name in ("waves", "linear") for weight in model.get_layer(f"periodic_embedding_{name}").weights
    )
    expected = []
    for row in ROWS:
        for feature, x in enumerate(row):
            waves = np.cos(frequencies[feature] * x + phases[feature])  # 2 pi is in the frequencies
            expected += [x, *(waves @ matrix[feature] + offset[feature])]
    assert np.allclose(model(ROWS), np.reshape(expected, (7, 16)), atol=1e-4)


def test_the_piecewise_linear_embedding_is_ple() -> None:
    model = built("PiecewiseLinearEmbedding", bins=5, units=2)
    matrix, offset = (np.asarray(weight) for weight in model.get_layer("piecewise_linear_embedding_linear").weights)
    rows = np.random.default_rng(2).uniform(size=(7, 4)).astype("float32")
    edges = np.linspace(0, 1, 6)
    expected = []
    for row in rows:
        for feature, x in enumerate(row):
            shares = [
                1.0 if x >= high else 0.0 if x < low else (x - low) / (high - low) for low, high in itertools.pairwise(edges)
            ]
            expected += [*(np.array(shares) @ matrix[feature] + offset[feature])]
    assert np.allclose(model(rows), np.reshape(expected, (7, 8)), atol=1e-5)


def test_what_they_are_at_first() -> None:
    model = build_model(
        ModelConfig(layers=(LayerConfig(Component("composed", "PeriodicEmbedding", {"frequencies": 400})),), output="none"),
        schema_of((4,)),
        (),
        seed=3,
    )
    frequencies, phases = (np.asarray(weight) for weight in model.get_layer("periodic_embedding_waves").weights)
    assert np.std(frequencies) == pytest.approx(2 * np.pi * 0.1, rel=0.05)
    assert (phases.min(), phases.max()) == pytest.approx((-np.pi, np.pi), abs=0.05)
    for name, more in (("FeatureScaling", {}), ("ParametricActivation", {"activation": "selu"})):
        layers = (LayerConfig(Component("composed", name, more)),)
        made = build_model(ModelConfig(layers=layers, output="none"), schema_of((4,)), (), seed=3)
        assert np.array_equal(made.get_weights()[0], np.ones(4))


def test_files_open_without_dltrain(tmp_path: Path) -> None:
    import keras

    run = fit(config_of(COMPOSED_TEXT), run_dir=tmp_path / "run").run
    model = keras.models.load_model(run / "checkpoints" / "last.h5")
    assert {type(layer).__module__.partition(".")[0] for layer in model.layers} == {"keras"}
    state = newest_state(run)
    for ours, variable in zip(state.values.model[: len(model.weights)], model.weights, strict=True):
        assert np.array_equal(ours, np.asarray(variable)), variable.path
    assert export(
        run, format="keras", destination=tmp_path / "out.keras"
    ).path.exists()  # which asks the file for the same answers


@pytest.mark.slow
@pytest.mark.parametrize("form", [name for name in NAMES if name != "keras"])
def test_other_exports_answer_as_the_run_does(form: str, tmp_path: Path) -> None:
    if form == "onnx":
        pytest.importorskip("tf2onnx")
    run = fit(config_of(COMPOSED_TEXT, "training.epochs=1"), run_dir=tmp_path / "run").run
    suffix = choose_format(form, None).suffix
    assert export(run, format=form, destination=tmp_path / f"out{suffix}").path.exists()


@pytest.mark.slow
def test_they_are_stacked_as_alone(tmp_path: Path) -> None:
    assert_like_own_fits([config_of(COMPOSED_TEXT, f"seed={seed}") for seed in (1, 2)], tmp_path)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("data.shape=[3, 2]", "PeriodicEmbedding takes one vector of numbers, found an input of shape (3, 2)"),
        ("model.layers.0={PeriodicEmbedding: {frequencies: 0}}", "a whole number of at least 1"),
        ("model.layers.0={PeriodicEmbeding: {frequencies: 3}}", 'did you mean "PeriodicEmbedding"?'),
        ("model.layers.0={FeatureScaling: {weights: [[1]]}}", "unknown argument of FeatureScaling"),
        ("model.layers.3={ParametricActivation: {}}", "needs the argument activation"),
    ],
)
def test_what_is_wrong_with_them_is_said_before_training(override: str, message: str) -> None:
    try:
        faults = check_config(config_of(COMPOSED_TEXT, override)).errors
    except ConfigError as error:
        faults = error.faults
    assert any(message in f"{fault.message} {fault.hint}" for fault in faults), faults


def test_one_that_is_not_trained_has_no_trained_weight() -> None:
    for name in sorted(COMPOSED.keys() - {"EnsembleOutput"}):
        more: dict[str, Any] = {"activation": "mish"} if name == "ParametricActivation" else {}
        more |= {"units": 3} if name == "EnsembleDense" else {}
        model = built(name, trainable=False, **more)
        assert model.trainable_variables == []
        assert model.weights
