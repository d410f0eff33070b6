"""The end of a fit has room on a small terminal, whatever there is to tell."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dltrain.cli.last_screen import MOST_LINES, _beginning, last_screen
from dltrain.cli.reports.verdict import judgement
from dltrain.config import load_config_text
from dltrain.evaluation.metrics.metrics import classification_report
from dltrain.training.result import FitResult, asked_metrics
from dltrain.wording import display_width

NOTE = "A note that is long, for it says something of the folds that were held out and of the members that were not."


def result_of(metrics: dict[str, float], **more: Any) -> FitResult:
    given: dict[str, Any] = {
        "status": "finished",
        "run": Path("runs/lfw-20261128-150537-a6ec"),
        "epochs": 8,
        "weights": "best",
        "metrics": dict.fromkeys(("train", "validation", "test"), metrics),
        "baseline": {"accuracy": 0.69, "rmse": 3.0},
        "report": {},
        "gates": [],
        "seconds": {"train": 3.2, "total": 12.0},
        "intervals": {"test": {name: [0.98 * value, 1.02 * value] for name, value in metrics.items()}},
    }
    return FitResult(**given | more)


def classes(count: int) -> FitResult:
    matrix = np.random.default_rng(0).integers(1, 5, (count, count)) + 40 * np.eye(count, dtype=int)
    report = classification_report(matrix.tolist(), [f"\u732b class number {place}" for place in range(count)])
    names = ("loss", "accuracy", "log_loss", "precision", "recall", "f1", "roc_auc", "top_k_categorical_accuracy")
    return result_of(dict.fromkeys(names, 0.9), report=report)


SERIES = {"loss": 0.1, "rmse": 2.0, "mse": 4.0, "mae": 1.0, "r2": 0.9, **{f"rmse_step_{step}": 2.0 for step in range(1, 25)}}
OUTPUTS = {"loss": 0.1, **{f"{name}_{metric}": 0.5 for name in "abcdef" for metric in ("accuracy", "f1", "recall", "log_loss")}}
RESULTS = {
    "2 classes": classes(2),
    "10 classes": classes(10),
    "100 classes": classes(100),
    "numbers": result_of({"loss": 0.1, "rmse": 2.0, "mse": 4.0, "mae": 1.0, "r2": 0.9}),
    "series": result_of(
        SERIES, report={"baselines": {name: {"rmse": 3.0} for name in ("last value", "the value a day ago", "mean of training")}}
    ),
    "several outputs": result_of(OUTPUTS, report={name: classes(10).report for name in "abcdef"}),
    "members": result_of(
        {"loss": 0.1, "accuracy": 0.9},
        members={"metrics": {"test": {"accuracy": {"mean": 0.9, "min": 0.8, "max": 0.95, "values": [0.9] * 5}}}},
    ),
}


@pytest.mark.parametrize("name", RESULTS)
@pytest.mark.parametrize("is_talkative", [False, True])
@pytest.mark.parametrize("width", [None, 60, 80, 200])
def test_fifteen_lines_hold_it(name: str, is_talkative: bool, width: int | None) -> None:
    result = RESULTS[name]
    result.notes = [NOTE] * 4 if is_talkative else []
    result.diagnosis = [{"sentence": NOTE, "advice": NOTE}] * 3 if is_talkative else []
    result.pictures = ["history.png", "results.svg"]
    lines = last_screen(result, width).splitlines()
    assert len(lines) <= MOST_LINES
    if width is not None:
        assert max(map(display_width, lines)) <= width
    assert f"run: {result.run}" in lines
    assert any(line.startswith("The model is better than the baseline on the test part") for line in lines[-4:])
    decisive = {"numbers": "rmse 2.000 (", "series": "rmse 2.000 (", "several outputs": "a_accuracy 0.5000 ("}
    assert any(line.startswith(decisive.get(name, "accuracy 0.9000 (")) for line in lines[-3:])
    assert lines[1].split()[0] == "loss"
    if is_talkative:
        assert any("more: with -v" in line for line in lines)
    if name == "series" and width != 60:
        assert "baseline: last value: rmse 3.000 (the model's is 33.3 % less)" in lines
    if name == "members" and not is_talkative and width != 60:
        assert "the 5 members by themselves, test: accuracy 0.9000 (0.8000 to 0.9500)" in lines


def test_what_was_not_better_is_said_once_and_at_the_end() -> None:
    said = "The model is no better than the baseline: accuracy on the test part is 0.5, the baseline's is 0.69."
    lines = last_screen(result_of({"loss": 0.1, "accuracy": 0.5}, notes=[said]), None).splitlines()
    assert lines[-2:] == [said, "accuracy 0.5000 (0.490\u20130.510), the baseline's 0.6900"]
    assert lines.count(said) == 1


def test_the_words_on_another_part_are_no_verdict() -> None:
    said = "The model is no better than the baseline: accuracy on the validation part is 0.5, the baseline's is 0.69."
    lines = last_screen(result_of({"loss": 0.1, "accuracy": 0.9}, notes=[said]), None).splitlines()
    assert said in lines
    assert lines[-2] == "The model is better than the baseline on the test part."


@pytest.mark.parametrize(("accuracy", "ending"), [(0.5, ", though not by accuracy."), (0.69, "."), (0.7, ".")])
def test_better_by_a_proper_score_though_not_by_the_accuracy_below_it(accuracy: float, ending: str) -> None:
    lines = last_screen(result_of({"loss": 0.1, "accuracy": accuracy}), None).splitlines()
    assert lines[-2] == f"The model is better than the baseline on the test part{ending}"


def test_of_a_rare_class_the_log_loss_shows_what_the_accuracy_does_not() -> None:
    found = result_of({"loss": 0.1, "accuracy": 0.69, "log_loss": 0.1}, baseline={"accuracy": 0.69, "log_loss": 0.3})
    assert (
        last_screen(found, None)
        .splitlines()[-1]
        .endswith("the baseline's 0.6900; log_loss 0.1000 (0.0980\u20130.1020), the baseline's 0.3000")
    )


def test_where_nothing_is_to_compare_with_nothing_is_claimed() -> None:
    lines = last_screen(result_of({"loss": 0.1, "mse": 0.5}, baseline={}), None).splitlines()
    assert lines[-2:] == [
        "Measured on the test part; there is nothing simple to compare with.",
        "loss 0.1000 (0.0980\u20130.1020)",
    ]


def test_what_is_cut_ends_between_words():
    text = "log_loss is 0.6931 here"
    assert [_beginning(text, columns) for columns in (16, 18, 23)] == ["log_loss is ...", "log_loss is ...", text]
    assert _beginning("x" * 20, 10) == "xxxxxxx..."


def test_labels_that_are_told_apart_but_hardly_ever_given_need_a_threshold() -> None:
    document = {"part": "test", "metrics": {"test": {"loss": 0.1, "f1_micro": 0.0}}, "baseline": {"test": {"f1_micro": 0.22}}}
    assert judgement(document) == (
        "The model is better than the baseline on the test part in its probabilities, not in its answers (f1_micro); "
        "`evaluation.threshold: f1` says from which one a row has a label."
    )


def test_the_metrics_that_the_config_asks_for_come_before_those_it_does_not() -> None:
    given = classes(10)
    assert "top_k_categorical_accuracy" not in last_screen(given, 80)
    given.asked = ["accuracy", "top_k_categorical_accuracy"]
    said = last_screen(given, 80)
    assert "top_k_categorical_accuracy" in said
    assert "recall" not in said


def test_what_a_config_asks_for_is_found_among_the_metrics() -> None:
    text = (
        "data: {source: digits}\nmodel: {layers: [Flatten]}\ntraining: {metrics: [acc, {TopKCategoricalAccuracy: {k: 3}}, AUC]}\n"
    )
    config = load_config_text(text, folder=Path())
    names = ("accuracy", "log_loss", "roc_auc", "loss", "top_k_categorical_accuracy", "a_auc", "b_auc")
    assert asked_metrics(config, {"test": dict.fromkeys(names, 0.5)}) == ["accuracy", "top_k_categorical_accuracy", "roc_auc"]
    several = {"test": dict.fromkeys(("a_accuracy", "b_accuracy", "a_auc"), 0.5)}
    assert asked_metrics(config, several) == ["a_accuracy", "b_accuracy", "a_auc"]
