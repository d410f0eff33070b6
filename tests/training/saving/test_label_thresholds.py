"""A threshold for each of several labels: chosen on the validation part, stored, and the same wherever a run answers."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars
import pytest
from scipy.special import logit
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, log_loss, precision_score, recall_score

from dltrain.cli.app import run as dltrain
from dltrain.config.types import EvaluationConfig, ThresholdConfig
from dltrain.errors import RunError
from dltrain.evaluation.evaluate import evaluate
from dltrain.evaluation.export import choose_format, export
from dltrain.evaluation.load_run import load_run
from dltrain.evaluation.predictions.predict import predict
from dltrain.evaluation.predictions.stored_part import predict_part
from dltrain.model.heads.head import without_answers
from dltrain.model.heads.stored_answers import read_answers
from dltrain.reporting import Reporter, WarningList
from dltrain.storage.stored import digests
from dltrain.training.fit import fit
from dltrain.training.saving.answers import settle_answers
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


@pytest.mark.parametrize("method", ["temperature", "isotonic"])
def test_each_label_is_calibrated_by_itself_and_the_same_wherever_a_run_answers(run, tmp_path, method):
    import keras

    folder = tmp_path / "run"
    shutil.copytree(run, folder)
    (true, plain, _), (of_validation, held_out, _) = said(run, "test"), said(run, "validation")
    wanted = EvaluationConfig(threshold=ThresholdConfig(number=0.4), calibrate=method)
    heads = without_answers(load_run(run).heads)
    settle_answers(folder, wanted, heads, "best", as_held_out(held_out, of_validation), Reporter())
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"] |= digests(folder, [folder / "answers.json"])
    (folder / "manifest.json").write_text(json.dumps(manifest))
    _, found, labels = said(folder, "test")
    for place in range(3):
        expected = by_hand(of_validation[:, place], held_out[:, place], plain[:, place], method)
        assert np.abs(found[:, place] - expected).max() < 1e-5
    assert np.abs(found - plain).max() > 0.02
    assert (labels == (found >= 0.4)).all()
    result = evaluate(folder)
    losses = [[log_loss(flags, scores) for flags, scores in zip(true.T, given.T)] for given in (plain, found)]
    assert result.metrics["log_loss"] == pytest.approx(np.mean(losses[1]), rel=1e-5)
    mended = result.report["calibrated"]
    assert mended["before"]["log_loss"] == pytest.approx(np.mean(losses[0]), rel=1e-5)
    assert mended["after"]["brier"] == pytest.approx(((found - true) ** 2).mean(), rel=1e-5)
    exported = export(folder, format="keras", destination=tmp_path / "model.keras")
    rows, asked = polars.read_csv(run.parent / "rows.csv"), predict(folder, data=[str(run.parent / "rows.csv")])
    given = {name: rows[name].to_numpy().astype("float32") for name in ("a", "b", "c")}
    values = keras.models.load_model(exported.path).predict(given, verbose=0)["probabilities"]
    for place, label in enumerate(LABELS):
        assert values[:, place] == pytest.approx(np.array(asked.columns[f"probability_{label}"]), abs=1e-5)
    assert f"({method} calibration)" in exported.outputs[0]["meaning"]


def test_a_label_that_validation_has_not_stays_as_the_model_says_it(run, tmp_path):
    flags, scores, _ = said(run, "validation")
    flags[:, 1] = False
    warnings, wanted = WarningList(Reporter()), EvaluationConfig(calibrate="temperature")
    heads = without_answers(load_run(run).heads)
    (head,) = settle_answers(tmp_path, wanted, heads, "best", as_held_out(scores, flags), warnings)
    assert head.answers.calibration.temperatures[1] == 1.0
    assert 1.0 not in head.answers.calibration.temperatures[::2]
    assert "the probabilities of q were not calibrated" in warnings.warnings[0].message


def test_stored_temperatures_of_other_labels_are_refused(run, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(run, folder)
    document = json.loads((folder / "answers.json").read_text())
    document["targets"][0]["calibration"] = {"method": "temperature", "temperatures": [{"label": "p", "temperature": 2.0}]}
    (folder / "answers.json").write_text(json.dumps(document))
    with pytest.raises(RunError, match="the temperatures of y are not those of its labels"):
        read_answers(folder, load_run(run).heads)


def as_held_out(scores: np.ndarray, flags: np.ndarray) -> Any:
    """Outputs and rows of validation, of a net that puts out probabilities."""
    return [scores], SimpleNamespace(targets={"y": flags.astype(np.int64)})


def by_hand(flags: np.ndarray, scores: np.ndarray, asked: np.ndarray, method: str) -> np.ndarray:
    """Probabilities of one label, calibrated by scikit-learn on the rows of validation."""
    if method == "isotonic":
        least = 1 / (len(flags) + 2)
        curve = IsotonicRegression(y_min=least, y_max=1 - least, out_of_bounds="clip")
        curve.fit(np.round(logit(scores) * 256) / 256, flags)  # points of curves lie on a grid
        return curve.predict(logit(asked))
    fitted = LogisticRegression(C=1e9, fit_intercept=False, tol=1e-9).fit(logit(scores)[:, None], flags)
    return fitted.predict_proba(logit(asked)[:, None])[:, 1]
