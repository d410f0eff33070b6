"""What layers compute in: the model as Keras makes it under the same dtype policy, and all that is made of the run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dltrain.checking.check import check_config
from dltrain.evaluation.evaluate import evaluate
from dltrain.evaluation.export import export
from dltrain.model.keras_import import import_keras
from dltrain.training.fit import fit
from dltrain.training.stacked.structure import why_not_stacked
from tests.training.support import NOISE, assert_same_bits, config_of, fit_with_interruptions

LAYERS = "model.layers=[{Dense: {units: 5, activation: relu}}, BatchNormalization]"


@pytest.mark.parametrize("policy", ["mixed_float16", pytest.param("mixed_bfloat16", marks=pytest.mark.slow)])
def test_the_file_is_a_model_of_this_policy_in_plain_keras_and_the_run_computes_with_it(policy: str, tmp_path: Path) -> None:
    run = tmp_path / "run"
    result = fit(config_of(NOISE, LAYERS, "training.epochs=2", f"training.precision={policy}"), run_dir=run)
    keras = import_keras()
    model = keras.models.load_model(run / "checkpoints" / "best.h5")
    policies = {layer.name: layer.dtype_policy.name for layer in model.layers}
    assert policies == {"features": "float32", "dense": policy, "batch_normalization": policy, "output": "float32"}
    assert {str(weight.dtype) for weight in model.weights} == {"float32"}
    assert isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer) == (policy == "mixed_float16")
    assert evaluate(run, part="test").metrics == pytest.approx(result.metrics["test"], abs=1e-6)
    # What a net computes in half the bits is near to what it computes in float32, and not the same.
    rows = np.random.default_rng(0).normal(size=(50, 6)).astype("float32")
    exact = keras.Sequential([keras.Input((6,)), *(type(layer).from_config(_whole(layer)) for layer in model.layers[1:])])
    exact.set_weights(model.get_weights())
    difference = float(np.abs(np.asarray(exact(rows)) - np.asarray(model(rows))).max())
    assert 0 < difference < (0.02 if policy == "mixed_bfloat16" else 0.002)
    [note] = [note for note in export(run, format="tflite", destination=tmp_path / "run.tflite").notes if "float32" in note]
    assert policy in note


def _whole(layer: object) -> dict[str, object]:
    return {**layer.get_config(), "dtype": "float32"}  # type: ignore[attr-defined]


@pytest.mark.slow
def test_resumes_to_the_bit_with_the_scale_of_the_loss(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = config_of(NOISE, LAYERS, "training.epochs=3", "training.precision=mixed_float16", "training.clip_norm=0.1")
    fit(config, run_dir=tmp_path / "whole")
    fit_with_interruptions(config, tmp_path / "cut", monkeypatch, [9])
    assert_same_bits(tmp_path / "whole", tmp_path / "cut")


def test_a_layer_by_hand_that_is_the_output_is_in_float32() -> None:
    from dltrain.data.load import load_dataset
    from dltrain.model.build import build_model
    from dltrain.model.heads.rules import resolve_heads

    layers = "model.layers=[Dense: {units: 4}, Dense: {units: 1, activation: sigmoid}]"
    config = config_of(NOISE, layers, "training.precision=mixed_bfloat16")
    dataset = load_dataset(config.data, seed=config.seed)
    model = build_model(config.model, dataset.schema, resolve_heads(config.model, dataset.schema, None, ()), seed=1)
    assert [layer.dtype_policy.name for layer in model.layers[1:]] == ["mixed_bfloat16", "float32"]
    assert import_keras().config.dtype_policy().name == "float32"


def test_what_is_said_of_it_before_training() -> None:
    asked = config_of(NOISE, "training.precision=mixed_float16", "training.optimizer={Adam: {loss_scale_factor: 8}}")
    [warning] = [fault for fault in check_config(asked).warnings if fault.path == "training.optimizer.loss_scale_factor"]
    assert warning.severity == "warning"
    assert why_not_stacked(asked) == "mixed_float16 is not stacked"


@pytest.mark.parametrize("precision", ["mixed_float16", "mixed_bfloat16"])
@pytest.mark.parametrize(("layer", "shape"), [("CutMix", (16, 16, 3)), ("MaxPooling3D", (6, 6, 6, 1))])
def test_layers_that_are_not_computed_in_16_bits_keep_float32(precision, layer, shape, tmp_path):
    rng = np.random.default_rng(3)
    np.savez(tmp_path / "d.npz", x_train=rng.random((24, *shape), np.float32), y_train=np.arange(24) % 2)
    text = f"""
    data: {{source: npz, path: d.npz, split: {{test: 0.25}}}}
    model: {{layers: [{layer}, Flatten]}}
    training: {{epochs: 1, precision: {precision}}}
    """
    result = fit(config_of(text, folder=tmp_path), run_dir=tmp_path / "run")
    assert (result.run / "checkpoints" / "best.h5").is_file() or (result.run / "checkpoints" / "last.h5").is_file()
    assert np.isfinite(result.metrics["test"]["loss"])
