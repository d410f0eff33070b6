"""Rows of several labels from the file to the exported model: one run, asked in every way there is."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars
import pytest
from PIL import Image
from sklearn import metrics as sk

from dltrain.cli.app import run
from dltrain.config import load_config
from dltrain.data import load_dataset
from dltrain.evaluation.evaluate import evaluate
from dltrain.evaluation.load_run import load_run
from dltrain.evaluation.predictions.predict import predict
from dltrain.evaluation.predictions.stored_part import predict_part
from dltrain.model.heads.stored_answers import with_threshold

LABELS = ("blue", "green", "red", "round")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A run on a made-up table with a column of labels."""
    folder = tmp_path_factory.mktemp("labels")
    x = np.random.default_rng(0).normal(size=(300, 3))
    has = np.stack([x[:, 0] > 0.3, x[:, 1] > 0, x[:, 2] > 0.5, x[:, 0] + x[:, 1] > 0.9], axis=1).astype(np.int8)
    cells = ["| ".join(label for label, flag in zip(LABELS, row) if flag) for row in has]
    cells[0] = "red|red|blue"
    has[0] = [1, 0, 1, 0]
    numbers = {name: x[:, index].round(4) for index, name in enumerate("abc")}
    polars.DataFrame({**numbers, "tags": cells}).write_csv(folder / "t.csv")
    flags = {f"is_{label}": has[:, index] for index, label in enumerate(LABELS)}
    polars.DataFrame({**numbers, **flags}).write_csv(folder / "flags.csv")
    np.savez(folder / "t.npz", x=x.astype(np.float32), y=has)
    (folder / "c.yaml").write_text(
        "data: {source: csv, path: t.csv, target: tags, labels: {}, split: {test: 0.3, validation: 0.2}}\n"
        "model: {layers: [{Dense: {units: 8, activation: relu}}]}\n"
        "training: {epochs: 4, batch_size: 16, optimizer: {Adam: {learning_rate: 0.03}}, metrics: [F1Score, AUC],"
        " early_stopping: {monitor: val_f1_score, patience: 9}, checkpoint: {monitor: val_loss}}\n"
        "evaluation: {require: ['f1_macro>=0.2', 'recall[red]>=0.1', 'precision_samples>=0.1', 'hamming_loss<=0.9']}\n"
    )
    assert run(["-q", "fit", str(folder / "c.yaml"), "--run-dir", str(folder / "run")]) == 0
    return folder


def true_of(folder: Path, rows: list[int]) -> np.ndarray:
    return polars.read_csv(folder / "flags.csv").select(f"is_{label}" for label in LABELS).to_numpy()[np.array(rows) - 1]


def test_the_metrics_are_scikit_learns_of_what_is_predicted(folder):
    found = predict_part(folder / "run", "test")
    frame = found.to_frame()
    true = true_of(folder, found.identifiers["row"])
    scores = frame.select(f"probability_{label}" for label in LABELS).to_numpy()
    said = scores > 0.5
    assert frame["labels"].to_list() == ["|".join(label for label, flag in zip(LABELS, row) if flag) for row in said]
    assert found.identifiers["true_tags"] == ["|".join(label for label, flag in zip(LABELS, row) if flag) for row in true]
    document = json.loads((folder / "run" / "metrics.json").read_text())
    metrics, report = document["metrics"]["test"], document["report"]
    for average in ("micro", "macro", "weighted", "samples"):
        assert metrics[f"f1_{average}"] == pytest.approx(sk.f1_score(true, said, average=average, zero_division=0))
    assert metrics["subset_accuracy"] == pytest.approx(sk.accuracy_score(true, said))
    assert metrics["hamming_loss"] == pytest.approx(sk.hamming_loss(true, said))
    assert metrics["average_precision"] == pytest.approx(sk.average_precision_score(true, scores))
    assert metrics["roc_auc"] == pytest.approx(sk.roc_auc_score(true, scores))
    assert metrics["log_loss"] == pytest.approx(metrics["loss"], rel=1e-4)
    assert metrics["f1_score"] == pytest.approx(metrics["f1_macro"], rel=1e-5)  # Keras's, at the same threshold
    assert frame["error"].mean() == pytest.approx(metrics["log_loss"])
    assert report["classes"]["red"]["recall"] == pytest.approx(sk.recall_score(true[:, 2], said[:, 2]))
    assert [gate["met"] for gate in document["gates"]] == [True] * 4
    assert "f1_macro" in document["intervals"]["test"]


def test_evaluations_of_the_part_and_of_its_file_agree(folder):
    own = evaluate(folder / "run", part="test")
    assert own.metrics == pytest.approx(json.loads((folder / "run" / "metrics.json").read_text())["metrics"]["test"])
    rows = predict_part(folder / "run", "test").identifiers["row"]
    polars.read_csv(folder / "t.csv")[[row - 1 for row in rows]].write_csv(folder / "test.csv")
    assert evaluate(folder / "run", data=[str(folder / "test.csv")]).metrics == pytest.approx(own.metrics)


def test_labels_that_training_has_not_seen_are_said(folder, capsys):
    frame = polars.read_csv(folder / "t.csv").head(8).with_columns(tags=polars.lit("red|oval"))
    frame.write_csv(folder / "new.csv")
    assert run(["evaluate", str(folder / "run"), "--data", str(folder / "new.csv"), "--no-require"]) == 0
    assert "training has not learnt, which count for nothing here: oval (8 rows)" in capsys.readouterr().err


def test_a_new_file_needs_no_labels_and_top_names_the_likeliest(folder):
    polars.read_csv(folder / "t.csv").drop("tags").write_csv(folder / "bare.csv")
    found = predict(folder / "run", data=[str(folder / "bare.csv")], top=2).columns
    assert list(found) == ["labels", "label_1", "probability_1", "label_2", "probability_2"]
    assert (np.asarray(found["probability_1"]) >= np.asarray(found["probability_2"])).all()


def test_the_model_file_opens_in_plain_keras_with_one_sigmoid_for_each_label(folder):
    import keras

    model = keras.models.load_model(folder / "run" / "checkpoints" / "best.h5")
    assert model.output_shape == (None, 4)
    assert model.layers[-1].get_config()["activation"] == "sigmoid"
    assert type(model.loss).__name__ == "BinaryCrossentropy"


def test_an_exported_file_says_the_same(folder):
    import keras

    destination = folder / "e.keras"
    assert run(["-q", "export", str(folder / "run"), "-o", str(destination)]) == 0
    said = predict(folder / "run", data=[str(folder / "t.csv")])
    frame = polars.read_csv(folder / "t.csv")
    raw = {name: frame[name].to_numpy().astype("float32") for name in "abc"}
    found = np.asarray(keras.models.load_model(destination).predict(raw, verbose=0)["probabilities"])
    np.testing.assert_allclose(found, np.stack([said.columns[f"probability_{label}"] for label in LABELS], axis=1), atol=1e-5)


@pytest.mark.slow
def test_an_interrupted_fit_goes_on_to_the_bit(folder):
    words = ["-q", "fit", str(folder / "c.yaml"), "evaluation=null"]
    assert run([*words, "training.epochs=2", "--run-dir", str(folder / "part")]) == 0
    assert run(["-q", "fit", "--resume", str(folder / "part"), "training.epochs=4"]) == 0
    whole, part = (json.loads((folder / name / "metrics.json").read_text())["metrics"] for name in ("run", "part"))
    assert whole == part


def test_cells_columns_arrays_and_what_is_streamed_hold_the_same_labels(folder, monkeypatch):
    config = load_config(folder / "c.yaml")
    cells = load_dataset(config.data, seed=config.seed)
    assert cells.resolved["data.labels.separator"] == "|"
    flags = load_config(
        folder / "c.yaml", [f"data.path={folder}/flags.csv", f"data.target=[{', '.join(f'is_{label}' for label in LABELS)}]"]
    )
    array = load_config(folder / "c.yaml", ["data.source=npz", f"data.path={folder}/t.npz", "data.target=null"])
    others = {"flags": load_dataset(flags.data, seed=config.seed), "array": load_dataset(array.data, seed=config.seed)}
    monkeypatch.setenv("DLTRAIN_STREAM_BYTES", "1000")
    monkeypatch.setenv("DLTRAIN_CACHE", str(folder / "cache"))
    others["streamed"] = load_dataset(config.data, seed=config.seed)
    for name, other in others.items():
        assert other.schema.targets[0].task == "multilabel"
        for part, rows in cells.parts.items():
            np.testing.assert_array_equal(next(iter(other.parts[part].targets.values())), rows.targets["tags"], err_msg=name)
    shutil.rmtree(folder / "cache", ignore_errors=True)


def test_labels_come_from_the_training_part_and_rare_ones_can_be_left_out(folder):
    frame = polars.read_csv(folder / "t.csv")
    tags = frame["tags"].to_list()
    tags[5] = "|".join(filter(None, [tags[5], "once"]))
    frame.with_columns(tags=polars.Series(tags)).write_csv(folder / "once.csv")
    config = load_config(folder / "c.yaml", [f"data.path={folder}/once.csv", "data.labels={min_count: 3, separator: '|'}"])
    dataset = load_dataset(config.data, seed=0)
    assert dataset.schema.targets[0].classes == LABELS
    given = load_config(folder / "c.yaml", [f"data.test={folder}/once.csv", "data.split={validation: 0.2}"])
    dataset = load_dataset(given.data, seed=0)
    assert dataset.schema.targets[0].classes == LABELS
    assert any("that no row of the training part has" in text and "once (1 row elsewhere)" in text for text in dataset.warnings)


@pytest.mark.slow
def test_pictures_of_a_table_have_several_labels(tmp_path):
    """Two members on tags of colours: metrics as scikit-learn's of what is predicted, the average as of its members."""
    draw = np.random.default_rng(3)
    has = draw.random((60, 3)) < 0.4
    pixels = (draw.integers(0, 60, (60, 6, 6, 3)) + 180 * has[:, None, None, :]).astype(np.uint8)
    names = np.array(["blue", "green", "red"])
    for row in range(60):
        Image.fromarray(pixels[row][..., ::-1]).save(tmp_path / f"{row}.png")
    tags = ["|".join(names[row]) for row in has]
    tags[4] = "n/a"
    polars.DataFrame({"file": [f"{row}.png" for row in range(60)], "tags": tags}).write_csv(tmp_path / "t.csv")
    (tmp_path / "c.yaml").write_text(
        "data: {source: image_folder, path: t.csv, target: tags, image_size: [6, 6], labels: {}, missing: [n/a],"
        " missing_target: drop, split: {test: 0.3}}\n"
        "model: {layers: [Flatten, {Dense: {units: 4, activation: relu}}]}\n"
        "training: {epochs: 3, batch_size: 8, members: 2}\n"
    )
    assert run(["-q", "fit", str(tmp_path / "c.yaml"), "--run-dir", str(tmp_path / "run")]) == 0
    found = predict_part(tmp_path / "run", "test")
    true = np.array([[name in cell.split("|") for name in names] for cell in found.identifiers["true_tags"]])
    rows = [int(name.removesuffix(".png")) for name in found.identifiers["file"]]
    assert 4 not in rows
    np.testing.assert_array_equal(true, has[rows])
    scores = np.stack([found.columns[f"probability_{name}"] for name in names], axis=1)
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())["metrics"]["test"]
    assert metrics["f1_macro"] == pytest.approx(sk.f1_score(true, scores > 0.5, average="macro", zero_division=0))
    assert metrics["average_precision"] == pytest.approx(sk.average_precision_score(true, scores))
    assert metrics["hamming_loss"] == pytest.approx(sk.hamming_loss(true, scores > 0.5))
    assert len([name for name in found.columns if name.startswith("spread_")]) == 3
    files = polars.read_csv(tmp_path / "t.csv")[rows].with_columns(tags=polars.col("tags") + "|pink")
    files.write_csv(tmp_path / "test.csv")
    again = evaluate(tmp_path / "run", data=[str(tmp_path / "test.csv")])
    assert again.metrics == pytest.approx(metrics, rel=1e-5)


def test_a_threshold_of_two_labels_is_one_for_each(folder):
    [head] = load_run(folder / "run").heads
    two = replace(head, targets=(replace(head.targets[0], classes=("blue", "red")),))
    [divided] = with_threshold([two], 0.9)
    assert [(one.label, one.value) for one in divided.answers.thresholds] == [("blue", 0.9), ("red", 0.9)]
