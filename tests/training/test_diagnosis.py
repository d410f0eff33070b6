"""Fits that are built to have an illness get its sentence, in result and metrics.json; healthy ones get none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dltrain.training.fit import FitResult, fit
from tests.support import CONFIGS, data_folder
from tests.training.support import config_of

BASE = """
name: ill
seed: 3
data: {source: csv, path: rows.csv, target: y, split: {test: 0.25, validation: 0.25}}
model: {layers: [{Dense: {units: 16, activation: relu}}, {Dense: {units: 8, activation: relu}}]}
training: {epochs: 12, batch_size: 32, optimizer: {Adam: {learning_rate: 0.01}}}
"""


def rows(folder: Path, kind: str = "classes", count: int = 800) -> None:
    """Two classes, three of which one is rare, two that no plane separates, or a number; of four columns."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=(count, 4))
    y: Any = np.where(x[:, 0] + x[:, 1] * x[:, 2] + 0.3 * rng.normal(size=count) > 0, "yes", "no")
    if kind == "rare":
        y = np.where(rng.random(count) < 0.05, "rare", y)
    if kind == "product":
        y = np.where(x[:, 0] * x[:, 1] > 0, "yes", "no")
    if kind == "number":
        y = 5 * x[:, 0] - 3 * x[:, 1] + rng.normal(size=count)
    lines = [",".join(map(str, (*row, target))) for row, target in zip(x.round(3), y)]
    (folder / "rows.csv").write_text("a,b,c,d,y\n" + "\n".join(lines) + "\n")


def ill(folder: Path, *overrides: str, kind: str = "classes", count: int = 800) -> FitResult:
    rows(folder, kind, count)
    return fit(config_of(BASE, *overrides, folder=folder), runs=folder / "runs")


def kinds(result: FitResult) -> list[str]:
    stored = json.loads((result.run / "metrics.json").read_text())["diagnosis"]
    assert stored == result.diagnosis
    return [found["kind"] for found in result.diagnosis]


def layers(*words: str) -> str:
    return f"model.layers=[{', '.join(words)}]"


def test_a_healthy_net_gets_no_sentence(tmp_path: Path) -> None:
    assert kinds(ill(tmp_path)) == []


def test_dead_units_are_counted_by_layer(tmp_path: Path) -> None:
    dead = "{Dense: {units: 12, activation: relu, name: dead, bias_initializer: {Constant: {value: -100}}}}"
    result = ill(tmp_path, layers(dead, "{Dense: {units: 8, activation: relu}}"), "training.epochs=2")
    assert kinds(result) == ["dead_units", "stuck_at_baseline"]
    assert result.diagnosis[0]["figures"] == {"layer": "dead", "dead": 1.0, "units": 12, "rows": 450}
    assert "12 of the 12 units of the layer dead (100 %) are dead" in result.diagnosis[0]["sentence"]


def test_other_layers_than_dense_are_looked_at_as_well(tmp_path: Path) -> None:
    """A convolution with dead filters, by TensorFlow's tape; what the dense nets get by NumPy is the same."""
    text = """
name: filters
data: {source: digits, limit: 400, split: {test: 0.25}}
model:
  layers:
    - Conv2D: {filters: 6, kernel_size: 3, activation: relu, bias_initializer: {Constant: {value: -100}}}
    - Flatten
training: {epochs: 1}
"""
    result = fit(config_of(text), runs=tmp_path / "runs")
    dead = [found["figures"]["layer"] for found in result.diagnosis if found["kind"] == "dead_units"]
    assert dead == ["conv2d"]


def test_numpy_and_the_tape_see_the_same(tmp_path: Path) -> None:
    from dltrain.data import load_dataset
    from dltrain.evaluation.load_run import load_run
    from dltrain.model.dense_statistics import measure_dense
    from dltrain.model.encode import encode_part
    from dltrain.model.layer_statistics import measure_layers
    from dltrain.model.symbolic import infer_network

    result = ill(
        tmp_path, layers("{Dense: {units: 9, activation: relu}}", "{Dense: {units: 5, activation: tanh}}"), "training.epochs=1"
    )
    stored = load_run(result.run)
    model = stored.build(stored.checkpoint(None)[1])
    dataset = load_dataset(stored.config.data, seed=stored.config.seed, preprocessing=stored.preprocessing)
    train = encode_part(dataset.parts["test"], dataset.schema, stored.heads)
    inputs, targets = [np.asarray(array)[:100] for array in train.inputs], [array[:100] for array in train.targets]
    network = infer_network(stored.config.model, dataset.schema, stored.heads)
    own = measure_dense(model, network, stored.heads, inputs, targets)
    assert own is not None
    tape, num_rows = measure_layers(model, inputs, targets, None, seconds=60)
    assert (own[1], num_rows) == (100, 100)
    for one, other in zip(own[0], tape, strict=True):
        assert (one.name, one.num_units, one.activation) == (other.name, other.num_units, other.activation)
        assert one.dead == other.dead
        assert one.saturated == pytest.approx(other.saturated)
        assert one.gradient == pytest.approx(other.gradient, rel=1e-4)
        assert one.gradient_norm == pytest.approx(other.gradient_norm, rel=1e-4)


WIDE_START = "kernel_initializer: {RandomNormal: {stddev: 30}}"
SIGMOIDS = ["{Dense: {units: 12, activation: sigmoid, kernel_initializer: {RandomNormal: {stddev: 0.1}}}}"] * 6
LINEARS = ["{Dense: {units: 40, kernel_initializer: {RandomNormal: {stddev: 2.0}}}}"] * 6


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "overrides", "data"),
    [
        ("saturated_units", [layers(f"{{Dense: {{units: 16, activation: tanh, {WIDE_START}}}}}"), "training.epochs=2"], {}),
        ("vanishing_gradients", [layers(*SIGMOIDS), "training.epochs=3"], {}),
        (
            "exploding_gradients",
            [layers(*LINEARS), "training.epochs=2", "training.optimizer={SGD: {learning_rate: 1.0e-18}}"],
            {"kind": "number"},
        ),
        (
            "learning_rate_too_high",
            [
                layers("{Dense: {units: 16, activation: leaky_relu}}"),
                "training.optimizer={Adam: {learning_rate: 3}}",
                "training.epochs=20",
            ],
            {"kind": "number"},
        ),
        ("learning_rate_too_low", ["training.optimizer={SGD: {learning_rate: 0.0002}}"], {"kind": "number"}),
        ("learning_rate_too_low", ["training.optimizer={SGD: {learning_rate: 1.0e-7}}"], {"kind": "number"}),
        ("stuck_at_baseline", [layers()], {"kind": "product"}),
        (
            "overfitting",
            [layers(*["{Dense: {units: 128, activation: relu}}"] * 2), "training.epochs=60"],
            {"count": 150},
        ),
        ("class_never_predicted", [], {"kind": "rare"}),
        ("validation_too_small", ["data.split.validation=0.03"], {"count": 400}),
    ],
)
def test_each_illness_of_a_real_fit(kind: str, overrides: list[str], data: dict[str, Any], tmp_path: Path) -> None:
    result = ill(tmp_path, *overrides, **data)
    assert kind in kinds(result)


@pytest.mark.slow
def test_underfitting_of_a_net_with_one_unit(tmp_path: Path) -> None:
    text = """
name: narrow
data: {source: digits, split: {validation: 0.2}}
model: {layers: [Flatten, {Dense: {units: 1, activation: tanh}}]}
training: {epochs: 40, optimizer: {Adam: {learning_rate: 0.01}}}
"""
    assert "underfitting" in kinds(fit(config_of(text), runs=tmp_path / "runs"))


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["adult", "breast_cancer", "california", "concrete", "diabetes", "digits", "iris", "lfw", "titanic", "wages"]
)
def test_the_shipped_configs_are_healthy(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dltrain.config import load_config

    folder = data_folder()
    if folder is None:
        pytest.skip("the real data is not on this machine")
    monkeypatch.setenv("DLTRAIN_DATA", str(folder))
    result = fit(load_config(CONFIGS / f"{name}.yaml"), runs=tmp_path / "runs")
    assert kinds(result) == []
