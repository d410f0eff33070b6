"""A threshold for each of several labels: chosen on the validation part, stored, and the same wherever a run answers."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import polars
import pytest
from sklearn.metrics import f1_score, precision_score, recall_score

from dltrain.checking.check import check_config
from dltrain.cli.app import run as dltrain
from dltrain.errors import RunError
from dltrain.evaluation.evaluate import evaluate
from dltrain.evaluation.export import choose_format, export
from dltrain.evaluation.load_run import load_run
from dltrain.evaluation.predictions.stored_part import predict_part
from dltrain.model.heads.stored_answers import read_answers
from dltrain.training.fit import fit
from tests.training.support import config_of

CONFIG = """
name: tags
seed: 5
data: {source: csv, path: rows.csv, target: y, task: multilabel, features: [a, b, c], split: {test: 0.3, validation: 0.4}}
model: {layers: [{Dense: {units: 8, activation: relu}}]}
training: {epochs: 8, batch_size: 16, optimizer: {Adam: {learning_rate: 0.02}}}
evaluation: {threshold: {recall: 0.9}}
"""
LABELS = ("p", "q", "r")


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("tags")
    rng = np.random.default_rng(0)
    x = rng.normal(size=(600, 3))
    flags = x + rng.normal(size=(600, 3)) * 0.8 > [0.0, 0.6, 1.2]
    cells = ["|".join(label for label, flag in zip(LABELS, row) if flag) for row in flags]
    lines = ["a,b,c,y", *(f"{a:.4f},{b:.4f},{c:.4f},{cell}" for (a, b, c), cell in zip(x, cells))]
    (folder / "rows.csv").write_text("\n".join(lines) + "\n")
    return fit(config_of(CONFIG, folder=folder), run_dir=folder / "run").run


def said(run: Path, part: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What is true [rows, labels], the probabilities, and the labels that are said."""
    found = predict_part(run, part)

    def flags(cells: list[str]) -> np.ndarray:
        return np.array([[label in cell.split("|") for label in LABELS] for cell in cells])

    probabilities = np.stack([np.asarray(found.columns[f"probability_{label}"]) for label in LABELS], axis=1)
    return flags(found.identifiers["true_y"]), probabilities, flags(found.columns["labels"])


def test_each_label_has_the_best_precision_with_the_recall_on_the_validation_part(run):
    (entry,) = json.loads((run / "answers.json").read_text())["targets"]
    assert [one["label"] for one in entry["thresholds"]] == list(LABELS)
    assert len({one["value"] for one in entry["thresholds"]}) == 3
    true, probabilities, _ = said(run, "validation")
    for place, one in enumerate(entry["thresholds"]):
        flags, scores = true[:, place], probabilities[:, place]
        best = max(precision_score(flags, scores >= t) for t in scores if recall_score(flags, scores >= t) >= 0.9)
        assert recall_score(flags, scores >= one["value"]) >= 0.9
        assert precision_score(flags, scores >= one["value"]) == pytest.approx(best)


def test_they_hold_in_every_answer_and_figure(run, capsys):
    (entry,) = json.loads((run / "answers.json").read_text())["targets"]
    true, probabilities, labels = said(run, "test")
    expected = probabilities >= np.array([one["value"] for one in entry["thresholds"]])
    assert (labels == expected).all()
    assert (labels != (probabilities > 0.5)).any()
    result, stored = evaluate(run), json.loads((run / "metrics.json").read_text())
    assert result.metrics == pytest.approx(stored["metrics"]["test"])
    assert result.metrics["f1_macro"] == pytest.approx(f1_score(true, labels, average="macro"))
    low, high = result.intervals["f1_macro"]
    assert low < result.metrics["f1_macro"] < high
    for place, label in enumerate(LABELS):
        assert result.report["classes"][label]["recall"] == pytest.approx(recall_score(true[:, place], labels[:, place]))
    assert dltrain(["evaluate", str(run)]) == 0
    assert "(for the best precision with a recall of 0.9, on the validation part)" in capsys.readouterr().out
    other = evaluate(run, threshold=0.7)
    assert other.metrics["f1_macro"] == pytest.approx(f1_score(true, probabilities >= 0.7, average="macro"))


def test_an_export_says_the_same_labels(run, tmp_path):
    import keras

    result = export(run, format="keras", destination=tmp_path / "model.keras")
    rows = polars.read_csv(run.parent / "rows.csv")
    given = {name: rows[name].to_numpy().astype("float32") for name in ("a", "b", "c")}
    found = keras.models.load_model(result.path).predict(given, verbose=0)
    values = [one["value"] for one in json.loads((run / "answers.json").read_text())["targets"][0]["thresholds"]]
    assert (found["labels"] == (found["probabilities"] >= np.float32(values))).all()
    assert found["labels"].any(axis=0).all()


def test_labels_that_are_0_or_1_are_read_as_such_from_tensorflow_lite(run, tmp_path):
    chosen = choose_format("tflite", None)
    result, rows = export(run, format="tflite", destination=tmp_path / "model.tflite"), polars.read_csv(run.parent / "rows.csv")
    given = {name: rows[name].head(50).to_numpy().astype("float32") for name in ("a", "b", "c")}
    found = chosen.answer(result.path, None, given)
    values = [one["value"] for one in json.loads((run / "answers.json").read_text())["targets"][0]["thresholds"]]
    assert found["labels"].tolist() == (found["probabilities"] >= np.float32(values)).astype(int).tolist()


def test_stored_thresholds_of_other_labels_are_refused(run, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(run, folder)
    document = json.loads((folder / "answers.json").read_text())
    heads = load_run(run).heads
    document["targets"][0]["thresholds"].pop()
    (folder / "answers.json").write_text(json.dumps(document))
    with pytest.raises(RunError, match="the thresholds of y are not those of its classes"):
        read_answers(folder, heads)


def test_calibration_of_labels_is_refused_before_training(run):
    result = check_config(config_of(CONFIG, "evaluation.calibrate=temperature", folder=run.parent))
    (error,) = result.errors
    assert "y has several labels a row" in error.message
