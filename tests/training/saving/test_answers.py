"""Calibration and thresholds of whole runs: found on the validation part, stored, and the same wherever a run answers."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars
import pytest
from scipy.special import expit, log_softmax, logit, softmax
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, confusion_matrix, log_loss, precision_score, recall_score

from dltrain.checking.check import check_config
from dltrain.cli.app import run as dltrain
from dltrain.errors import RunError, UsageError
from dltrain.evaluation.evaluate import evaluate
from dltrain.evaluation.export import export
from dltrain.evaluation.load_run import load_run
from dltrain.evaluation.predictions.predict import predict
from dltrain.evaluation.predictions.stored_part import predict_part
from dltrain.model.heads.stored_answers import read_answers
from dltrain.reporting import WarningList
from dltrain.training.fit import fit
from tests.training.stacked.support import fit_stacked
from tests.training.support import config_of

CONFIG = """
name: rare
seed: 5
data: {source: csv, path: rows.csv, target: y, split: {test: 0.3, validation: 0.4}}
model: {layers: [{Dense: {units: 32, activation: relu}}]}
training: {epochs: 30, batch_size: 16, optimizer: {Adam: {learning_rate: 0.02}}}
"""
ASKED = ("evaluation.threshold={recall: 0.9}", "evaluation.calibrate=temperature")


def rare(folder: Path, *overrides: str, classes=("no", "yes")):
    """Rows of which some are of the rarer class, and which a net learns by heart."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(700, 3))
    codes = (x[:, 0] + rng.normal(size=700) * 0.8 > 0.7).astype(int) + (len(classes) > 2) * (x[:, 1] > 0.5)
    lines = ["a,b,c,y", *(f"{a:.4f},{b:.4f},{c:.4f},{classes[code]}" for (a, b, c), code in zip(x, codes))]
    (folder / "rows.csv").write_text("\n".join(lines) + "\n")
    return config_of(CONFIG, *overrides, folder=folder)


@pytest.fixture(scope="module")
def two(tmp_path_factory) -> dict[str, Path]:
    """The same run as it is, and with a calibration and a threshold."""
    folder = tmp_path_factory.mktemp("two")
    return {name: fit(rare(folder, *asked), run_dir=folder / name).run for name, asked in (("plain", ()), ("asked", ASKED))}


def said(run: Path, part: str, label: str = "yes") -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What is true, the probability of a label, and the answers, of a part."""
    found = predict_part(run, part)
    true = np.asarray(found.identifiers["true_y"])
    return true, np.asarray(found.probabilities[label]), np.asarray(found.prediction)


def test_they_are_those_of_scikit_learn_on_the_validation_part_alone(two):
    stored = json.loads((two["asked"] / "answers.json").read_text())
    assert stored["weights"] == "best"
    (entry,) = stored["targets"]
    true, plain, _ = said(two["plain"], "validation")
    slope = LogisticRegression(C=np.inf, fit_intercept=False, tol=1e-8).fit(logit(plain)[:, None], true == "yes").coef_[0, 0]
    assert entry["calibration"]["temperature"] == pytest.approx(1 / slope, rel=1e-3)
    assert 1 / slope > 1.3  # it has learnt by heart, and is too sure
    value = entry["thresholds"][0]["value"]
    mended = expit(logit(plain) / entry["calibration"]["temperature"])
    reached = [
        (precision_score(true == "yes", mended >= t), t) for t in mended if recall_score(true == "yes", mended >= t) >= 0.9
    ]
    best = max(reached)[0]
    assert precision_score(true == "yes", mended >= value) == pytest.approx(best)
    assert recall_score(true == "yes", mended >= value) >= 0.9


def test_they_hold_in_every_answer_and_figure(two):
    run = two["asked"]
    (entry,) = json.loads((run / "answers.json").read_text())["targets"]
    value, temperature = entry["thresholds"][0]["value"], entry["calibration"]["temperature"]
    true, plain, _ = said(two["plain"], "test")
    _, found, labels = said(run, "test")
    np.testing.assert_allclose(found, expit(logit(plain) / temperature), rtol=1e-5)
    expected = np.where(found >= value, "yes", "no")
    assert labels.tolist() == expected.tolist()
    assert (labels != np.where(found > 0.5, "yes", "no")).any()
    result, stored = evaluate(run), json.loads((run / "metrics.json").read_text())
    assert result.metrics == pytest.approx(stored["metrics"]["test"])
    assert result.metrics["accuracy"] == pytest.approx(accuracy_score(true, labels))
    assert result.metrics["recall"] == pytest.approx(recall_score(true, labels, pos_label="yes"))
    assert result.metrics["log_loss"] == pytest.approx(log_loss(true == "yes", found), rel=1e-5)
    assert result.metrics["loss"] == pytest.approx(log_loss(true == "yes", plain), rel=1e-4)  # of what was trained
    low, high = result.intervals["loss"]
    assert low < result.metrics["loss"] < high
    assert result.intervals["accuracy"][0] < result.metrics["accuracy"] < result.intervals["accuracy"][1]
    assert result.report["confusion_matrix"] == confusion_matrix(true, labels, labels=["no", "yes"]).tolist()
    assert result.report["threshold"]["value"] == value
    mended = result.report["calibrated"]
    assert mended["before"]["log_loss"] == pytest.approx(log_loss(true == "yes", plain), rel=1e-4)
    fitted = stored["reports"]["validation"]["calibrated"]
    assert fitted["after"]["log_loss"] < fitted["before"]["log_loss"]
    assert mended["after"]["ece"] == result.report["calibration"]["ece"]
    assert f"chosen: {value:.4g}" in (run / "results.svg").read_text()


def test_another_threshold_is_tried(two, capsys):
    true, found, _ = said(two["asked"], "test")
    result = evaluate(two["asked"], threshold=0.7)
    assert result.metrics["precision"] == pytest.approx(precision_score(true == "yes", found >= 0.7))
    assert dltrain(["evaluate", str(two["plain"]), "--threshold", "0.7"]) == 0
    assert "threshold: yes from a probability of 0.7 on" in capsys.readouterr().out
    assert dltrain(["evaluate", str(two["plain"]), "--threshold", "7"]) == 2
    assert "between 0 and 1" in capsys.readouterr().err
    assert not (two["plain"] / "answers.json").exists()


@pytest.mark.parametrize("name", ["old.csv", pytest.param("old.parquet", marks=pytest.mark.slow)])
def test_an_old_model_keeps_its_own_labels(name, two, tmp_path, capsys):
    assert dltrain(["predict", str(two["asked"]), "--part", "test", "-o", str(tmp_path / name)]) == 0
    capsys.readouterr()
    assert dltrain(["evaluate", str(two["plain"]), "--against", str(tmp_path / name), "--json"]) == 0
    by_file = json.loads(capsys.readouterr().out)["against"]["metrics"]
    assert by_file["accuracy"]["old"] == pytest.approx(evaluate(two["asked"]).metrics["accuracy"])
    assert by_file["recall"]["new"] == pytest.approx(evaluate(two["plain"]).metrics["recall"])
    # Its own predictions are no other model, though a file has fewer digits.
    assert dltrain(["evaluate", str(two["asked"]), "--against", str(tmp_path / name), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["against"]["verdict"] == "not different"


@pytest.mark.parametrize(
    "form",
    [
        pytest.param("onnx", marks=pytest.mark.slow),
        "keras",
        pytest.param("saved_model", marks=pytest.mark.slow),
        pytest.param("tflite", marks=pytest.mark.slow),
    ],
)
def test_an_export_answers_as_predict(two, form, tmp_path):
    result = export(two["asked"], format=form, destination=tmp_path / f"model.{form}")
    rows = polars.read_csv(two["asked"].parent / "rows.csv")
    names = {item["column"]: item["name"] for item in result.inputs}
    given = {names[name]: rows[name].to_numpy().astype("float32") for name in ("a", "b", "c")}
    if form == "keras":
        import keras

        found = keras.models.load_model(result.path).predict(given, verbose=0)
    elif form == "onnx":
        onnxruntime = pytest.importorskip("onnxruntime")
        session = onnxruntime.InferenceSession(str(result.path))
        outputs = [item.name for item in session.get_outputs()]
        found = dict(zip(outputs, session.run(outputs, given)))
    else:
        import tensorflow as tf

        if form == "saved_model":
            found = tf.saved_model.load(str(result.path)).signatures["serving_default"](
                **{name: tf.constant(values) for name, values in given.items()}
            )
        else:
            found = tf.lite.Interpreter(str(result.path)).get_signature_runner("serving_default")(**given)
    ours = predict(two["asked"], data=[str(two["asked"].parent / "rows.csv")])
    np.testing.assert_allclose(np.asarray(found["probabilities"])[:, 1], ours.probabilities["yes"], atol=1e-5)
    labels = [value.decode() if isinstance(value, bytes) else value for value in np.asarray(found["prediction"]).tolist()]
    labels = [["no", "yes"][value] if isinstance(value, int) else value for value in labels]
    assert labels == ours.prediction
    stored = json.loads((two["asked"] / "answers.json").read_text())["targets"][0]
    for item in result.outputs:
        assert (item["threshold"], item["calibration"]) == (stored["thresholds"][0]["value"], "temperature")


def test_several_classes_follow_curves_and_say_what_they_lack(tmp_path):
    config = rare(tmp_path, "evaluation.calibrate=isotonic", "training.epochs=4", classes=("a", "b", "c"))
    warnings = WarningList(_silent())
    result = fit(config, run_dir=tmp_path / "run", reporter=warnings)
    assert any("curves of 196 rows of validation take chance for truth" in one.message for one in warnings.warnings)
    found = predict_part(result.run, "test")
    given = np.stack([found.probabilities[label] for label in "abc"], axis=1)
    np.testing.assert_allclose(given.sum(axis=1), 1, atol=1e-6)
    assert found.prediction == [("a", "b", "c")[code] for code in given.argmax(axis=1)]
    heads = load_run(result.run).heads
    assert [curve.label for curve in heads[0].answers.calibration.curves] == ["a", "b", "c"]
    with pytest.raises(UsageError, match="divides two classes"):
        evaluate(result.run, threshold=0.3)
    made = export(result.run, format="keras", destination=tmp_path / "model.keras")
    assert made.difference < 1e-4


@pytest.mark.slow
def test_an_average_is_calibrated_and_its_members_are_not(tmp_path):
    more = ("training.epochs=6", "training.members={folds: 3}", "data.split={test: 0.3}")
    run = fit(rare(tmp_path, *more, "evaluation.threshold=f1", "evaluation.calibrate=temperature"), run_dir=tmp_path / "run").run
    plain = fit(rare(tmp_path, *more), run_dir=tmp_path / "plain").run
    (entry,) = json.loads((run / "answers.json").read_text())["targets"]
    held_out = polars.read_csv(plain / "held_out.csv")
    true, given = held_out["true_y"].to_numpy() == "yes", held_out["probability_yes"].to_numpy()
    slope = LogisticRegression(C=np.inf, fit_intercept=False, tol=1e-8).fit(logit(given)[:, None], true).coef_[0, 0]
    assert entry["calibration"]["temperature"] == pytest.approx(1 / slope, rel=1e-3)
    mended = polars.read_csv(run / "held_out.csv")
    np.testing.assert_allclose(mended["probability_yes"], expit(logit(given) * slope), rtol=1e-3)
    value = entry["thresholds"][0]["value"]
    assert ((mended["probability_yes"] >= value) == (mended["prediction"] == "yes")).all()
    assert not (run / "members" / "1" / "answers.json").exists()
    assert evaluate(run).members["log_loss"]["values"] == pytest.approx(evaluate(plain).members["log_loss"]["values"])


@pytest.mark.slow
def test_each_trial_of_a_stack_has_its_own(tmp_path):
    asked = (*ASKED, "training.epochs=6")
    configs = [rare(tmp_path, *asked, f"training.optimizer.learning_rate={rate}") for rate in (0.002, 0.03)]
    fits = fit_stacked(configs, tmp_path / "stack")
    assert [one.status for one in fits] == ["finished", "finished"]
    own = fit(configs[1], run_dir=tmp_path / "own").run
    stored = [json.loads((run / "answers.json").read_text())["targets"][0] for run in (fits[0].path, fits[1].path, own)]
    temperatures = [entry["calibration"]["temperature"] for entry in stored]
    assert temperatures[1] == pytest.approx(temperatures[2], rel=1e-2)
    assert temperatures[0] != pytest.approx(temperatures[1], rel=1e-2)


def _silent():
    from dltrain.reporting import Reporter

    return Reporter()


REFUSED = [
    ("diabetes", "evaluation.threshold=0.4", "a threshold divides two classes, but target is a number", "leave it out"),
    ("diabetes", "evaluation.calibrate=isotonic", "probabilities of classes are calibrated, but target is a number", ""),
    ("iris", "evaluation.threshold=f1", "a threshold divides two classes, but target has 3", "the most probable class"),
    ("breast_cancer", "evaluation.threshold=f1", "a threshold is chosen on the validation part, and there is none", "0.5` needs"),
    (
        "breast_cancer",
        "evaluation.calibrate=temperature",
        "calibrated on the validation part, and there is none",
        "validation: 0",
    ),
]


@pytest.mark.parametrize(("source", "override", "message", "hint"), REFUSED)
def test_what_cannot_be_found_is_refused_before_training(source, override, message, hint):
    text = f"data: {{source: {source}, split: {{test: 0.2}}}}\nmodel: {{layers: [{{Dense: {{units: 2}}}}]}}\n"
    result = check_config(config_of(text, override))
    (error,) = result.errors
    assert message in error.message
    assert hint in error.hint
    assert error.path == override.partition("=")[0]


@pytest.mark.parametrize("override", ["evaluation.threshold=0.4", "training.members={folds: 3}"])
def test_what_needs_no_validation_part_is_not(override):
    text = "data: {source: breast_cancer, split: {test: 0.2}}\nmodel: {layers: [{Dense: {units: 2}}]}\ntraining: {epochs: 1}\n"
    more = [] if "0.4" in override else ["evaluation.threshold=f1"]
    assert check_config(config_of(text, override, *more)).errors == ()


def test_what_a_threshold_does_not_move_is_said():
    text = "data: {source: breast_cancer, split: {validation: 0.2}}\nmodel: {layers: [{Dense: {units: 2}}]}\n"
    text += "training: {metrics: [accuracy, F1Score], class_weight: balanced}\n"
    found = check_config(config_of(text, "evaluation={threshold: f1, calibrate: temperature}")).warnings
    assert {one.path for one in found} >= {"training.metrics.1", "evaluation.calibrate"}


BROKEN = [
    {"targets": [{"target": "y", "thresholds": [{"label": "yes", "value": 1.5}]}]},
    {"targets": [{"target": "y", "thresholds": [{"label": "no", "value": 0.5}]}]},
    {"targets": [{"target": "z", "thresholds": []}]},
    {"targets": [{"target": "y", "thresholds": [], "calibration": {"method": "temperature"}}]},
    {"targets": [{"target": "y", "thresholds": [], "calibration": {"method": "temperature", "temperature": 0}}]},
    {"targets": [{"target": "y", "thresholds": [], "calibration": {"method": "isotonic", "curves": []}}]},
    {"weights": "both", "targets": []},
]
CURVES = [
    ([0.0, 0.0], [0.1, 0.2]),
    ([0.0, 1.0], [0.2]),
    ([1.0, 0.0], [0.1, 0.2]),
    ([0.0, 1.0], [0.2, 0.1]),
    ([], []),
    ([99.0], [0.1]),
]
BROKEN += [
    {
        "targets": [
            {
                "target": "y",
                "thresholds": [],
                "calibration": {"method": "isotonic", "curves": [{"label": "yes", "log_odds": x, "probability": y}]},
            }
        ]
    }
    for x, y in CURVES
]


@pytest.mark.parametrize("document", BROKEN)
def test_what_is_read_back_is_what_dltrain_writes(two, tmp_path, document):
    heads = tuple(replace(head, answers=None) for head in load_run(two["plain"]).heads)
    (tmp_path / "answers.json").write_text(json.dumps(document))
    with pytest.raises(RunError, match=r"answers\.json"):
        read_answers(tmp_path, heads)


def test_answers_that_were_changed_or_lost_are_no_answers(two, tmp_path):
    shutil.copytree(two["asked"], tmp_path / "run")
    file = tmp_path / "run" / "answers.json"
    file.write_text(file.read_text().replace('"value": 0.', '"value": 0.9'))
    with pytest.raises(RunError, match="was changed since the run ended"):
        load_run(tmp_path / "run")
    file.unlink()
    with pytest.raises(RunError):
        load_run(tmp_path / "run")


def test_what_an_earlier_fit_found_is_not_of_the_weights_of_one_that_was_broken_off(two, tmp_path):
    shutil.copytree(two["asked"], tmp_path / "run")
    assert load_run(tmp_path / "run").heads[0].answers is not None
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text())
    del manifest["files"]  # named when a fit has ended
    manifest["status"] = "interrupted"
    (tmp_path / "run" / "manifest.json").write_text(json.dumps(manifest))
    stored = load_run(tmp_path / "run")
    assert (stored.heads[0].answers, stored.answers_of) == (None, None)


@pytest.mark.slow
def test_a_softmax_is_divided_by_the_best_temperature(tmp_path):
    text = "seed: 2\ndata: {source: digits, scale: unit, limit: 500, split: {test: 0.3, validation: 0.4}}\n"
    text += "model: {layers: [Flatten]}\ntraining: {epochs: 3}\n"
    plain = fit(config_of(text), run_dir=tmp_path / "plain").run
    run = fit(config_of(text, "evaluation.calibrate=temperature"), run_dir=tmp_path / "run").run
    found = predict_part(plain, "validation")
    given = np.stack(list(found.probabilities.values()), axis=1)
    codes = np.array([list(found.probabilities).index(label) for label in found.identifiers["true_target"]])
    told = np.arange(len(codes)), codes
    losses = {t: -log_softmax(np.log(given) / t, axis=1)[told].mean() for t in np.geomspace(0.2, 4, 1501)}
    stored = json.loads((run / "answers.json").read_text())["targets"][0]["calibration"]["temperature"]
    assert stored == pytest.approx(min(losses, key=losses.get), rel=5e-3)
    mended = np.stack(list(predict_part(run, "validation").probabilities.values()), axis=1)
    np.testing.assert_allclose(mended, softmax(np.log(given) / stored, axis=1), rtol=1e-4, atol=1e-7)
