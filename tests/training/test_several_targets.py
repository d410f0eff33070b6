"""Two targets, one a class and one a number: losses, metrics, weights, predictions and gates of each."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from dltrain.checking import check_config, raise_for_errors
from dltrain.config.types import Config
from dltrain.data import load_dataset
from dltrain.errors import ConfigError
from dltrain.evaluation.evaluate import evaluate
from dltrain.evaluation.predictions.predict import predict
from dltrain.model.keras_import import import_keras
from dltrain.storage.run import Run
from dltrain.training.fit import fit
from tests.training.support import assert_same_bits, config_of, fit_with_interruptions

TEXT = """
name: two
seed: 4
data:
  source: csv
  path: rows.csv
  target: [kind, size in cm]
  split: {test: 0.2, validation: 0.25}
model:
  layers:
    - Dense: {units: 12, activation: relu}
training:
  epochs: 4
  batch_size: 16
  loss: {kind: sparse_categorical_crossentropy, size in cm: {MeanAbsoluteError: {}, weight: 0.25}}
  metrics: [accuracy, root_mean_squared_error]
  class_weight: {kind: balanced}
  early_stopping: {monitor: val_kind_accuracy, patience: 3}
  checkpoint: {filepath: "two_{epoch:02d}_{val_kind_accuracy:.2f}.h5"}
evaluation: {require: ["kind_accuracy>=0.3", "size_in_cm_rmse<=60", "kind_f1>=0"]}
"""
LAYERS = """model.layers=[{Dense: {units: 12, activation: relu, name: hidden}},
  {Dense: {units: 3, activation: softmax, name: kind, from: hidden}}, {Dense: {units: 6, name: low, from: hidden}},
  {Dense: {units: 1, name: size_in_cm}}]"""
NAMES = ["loss", "kind_accuracy", "kind_loss", "size_in_cm_loss", "size_in_cm_root_mean_squared_error"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("two")
    rng = np.random.default_rng(0)
    x = rng.normal(size=(240, 3)).round(3)
    kinds = np.array(["a", "b", "c"])[np.digitize(x[:, 0], [-0.8, 0.6])]
    sizes = (100 + 30 * x[:, 1] - 10 * x[:, 2]).round(2)
    lines = [f"{row[0]},{row[1]},{row[2]},{kind},{size}" for row, kind, size in zip(x, kinds, sizes)]
    (made / "rows.csv").write_text("x,y,z,kind,size in cm\n" + "\n".join(lines) + "\n")
    return made


@pytest.fixture(scope="module")
def run(folder: Path) -> Path:
    fit(config(folder), run_dir=folder / "run")
    return folder / "run"


def config(folder: Path, *overrides: str) -> Config:
    return config_of(TEXT, *overrides, folder=folder)


def said(folder: Path, *overrides: str) -> list[str]:
    result = check_config(config(folder, *overrides))
    return [f"{fault.path}: {fault.message}" for fault in (*result.errors, *result.warnings)]


def test_history_and_metrics_are_named_by_target_and_loss_is_the_weighted_sum(folder: Path, run: Path) -> None:
    from dltrain.checking.metric_checks import history_names
    from dltrain.evaluation.load_run import load_run

    with open(Run(run).history_file) as file:
        rows = list(csv.DictReader(file))
    names = [name for name in rows[0] if name not in ("epoch", "seconds", "learning_rate") and not name.startswith("val_")]
    assert sorted(names) == sorted(NAMES)
    stored = load_run(run)
    assert stored.config.training is not None
    assert sorted(history_names(stored.config.training, stored.heads) or ()) == sorted([*NAMES, "learning_rate"])
    metrics = evaluate(run).metrics
    assert metrics["loss"] == pytest.approx(metrics["kind_loss"] + 0.25 * metrics["size_in_cm_loss"], rel=1e-5)
    document = json.loads((run / "metrics.json").read_text())
    assert metrics == document["metrics"]["test"]
    assert {"kind_accuracy", "kind_f1", "size_in_cm_rmse", "size_in_cm_r2"} <= set(metrics)
    assert {"kind_accuracy", "size_in_cm_rmse"} <= set(document["baseline"])
    assert metrics["size_in_cm_rmse"] == pytest.approx(metrics["size_in_cm_root_mean_squared_error"], rel=1e-4)
    assert document["reports"]["test"]["kind"]["labels"] == ["a", "b", "c"]
    assert [gate["met"] for gate in document["gates"]] == [True, True, True]
    assert all("nan" not in path.name for path in (run / "checkpoints").glob("two_*.h5"))


def test_the_same_as_keras_with_a_list_of_losses(folder: Path, run: Path) -> None:
    keras = import_keras()
    model = keras.models.load_model(run / "checkpoints" / "best.h5")
    part = load_dataset(config(folder).data, seed=4).parts["test"]
    targets = [part.targets["kind"], part.targets["size in cm"][:, None]]
    # In one batch: Keras's losses of single outputs are means of batches, whatever rows these have.
    values = model.evaluate(part.inputs["features"], targets, batch_size=64, verbose=0, return_dict=True)
    ours = evaluate(run).metrics
    for name in ("loss", "kind_loss", "size_in_cm_loss", "kind_accuracy"):
        assert values[name] == pytest.approx(ours[name], rel=1e-4), name


def test_predictions_of_each_target_from_raw_rows(folder: Path, run: Path) -> None:
    made = predict(run, data=[str(folder / "rows.csv")])
    assert list(made.columns) == [
        "prediction_kind",
        "probability_kind_a",
        "probability_kind_b",
        "probability_kind_c",
        "prediction_size in cm",
    ]
    dataset = load_dataset(config(folder).data, seed=4)
    rows = dataset.parts["test"].row_ids
    with open(folder / "rows.csv") as file:
        table = list(csv.DictReader(file))
    kinds = [table[row]["kind"] == made.columns["prediction_kind"][row] for row in rows]
    errors = [float(table[row]["size in cm"]) - made.columns["prediction_size in cm"][row] for row in rows]
    metrics = evaluate(run).metrics
    assert np.mean(kinds) == pytest.approx(metrics["kind_accuracy"])
    assert np.sqrt(np.mean(np.square(errors))) == pytest.approx(metrics["size_in_cm_rmse"], rel=1e-4)


def test_a_layer_called_as_a_target_is_its_output_and_resume_is_exact(
    folder: Path, monkeypatch: pytest.MonkeyPatch, thorough: bool
) -> None:
    branched = config(folder, LAYERS)
    decisions = check_config(branched).decisions
    assert any("the layer kind is its output" in line for line in decisions)
    fit(branched, run_dir=folder / "branches")
    if thorough:
        fit_with_interruptions(branched, folder / "cut", monkeypatch, [5, 11])
        assert_same_bits(folder / "branches", folder / "cut")
    low = predict(folder / "branches", data=[str(folder / "rows.csv")], layer="low")
    assert low.arrays["low"].shape == (240, 6)
    with pytest.raises(ConfigError, match="cannot tell 3 classes apart"):
        raise_for_errors(check_config(config(folder, LAYERS.replace("units: 3", "units: 4"))))


def test_check_knows_the_names_of_several_outputs(folder: Path) -> None:
    assert [text for text in said(folder) if "alone tells" not in text] == []
    assert "val_kind_acuracy" in said(folder, "training.early_stopping.monitor=val_kind_acuracy")[0]
    assert "val_accuracy" in said(folder, "training.checkpoint.filepath='t_{val_accuracy:.2f}.h5'")[0]
    assert "no metric kind_rmse" in said(folder, "evaluation.require=kind_rmse<=3")[0]
    assert "is no target that classifies" in said(folder, "training.class_weight={size in cm: balanced}")[0]
    assert "'d'" in said(folder, "training.class_weight={kind: {d: 2}}")[0]
    assert [text for text in said(folder, "training.class_weight={kind: {a: 2}}") if "alone tells" not in text] == []
    assert "one output layer for several" in said(folder, "model.output={Dense: {units: 1}}")[0]
    assert len([text for text in said(folder, "model.output=none") if "no layer is the output" in text]) == 2
    with pytest.raises(ConfigError, match="no loss for the target"):
        config(folder, "training.loss={kind: sparse_categorical_crossentropy}")


def test_weights_of_classes_by_target(folder: Path) -> None:
    from dltrain.model.encode import resolve_class_weights
    from dltrain.model.heads.rules import resolve_heads

    loaded = config(folder)
    dataset = load_dataset(loaded.data, seed=4)
    assert loaded.training is not None
    heads = resolve_heads(loaded.model, dataset.schema, loaded.training.loss)
    train = dataset.parts["train"]
    counts = np.bincount(train.targets["kind"])
    balanced = resolve_class_weights({"kind": "balanced"}, train, heads)
    np.testing.assert_allclose(balanced["kind"], counts.sum() / (3 * counts), rtol=1e-6)
    assert list(balanced) == ["kind"]
    assert resolve_class_weights({"kind": {"b": 3}}, train, heads)["kind"].tolist() == [1, 3, 1]
    assert resolve_class_weights({"b": 3}, train, heads)["kind"].tolist() == [1, 3, 1]
    assert resolve_class_weights({"other": "balanced"}, train, heads) == {}
