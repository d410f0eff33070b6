"""Every number is scikit-learn's."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from dltrain.evaluation.metrics.metrics import (
    baseline_sentence,
    classification_baseline,
    classification_metrics,
    classification_report,
    confusion_matrix,
    log_loss,
    regression_baseline,
    regression_metrics,
    roc_auc,
)
from dltrain.evaluation.metrics.verdicts import errors_better
from tests.support import examples


@st.composite
def classified(draw, most_classes=5):
    """(targets, probabilities), with ties among the probabilities."""
    seed, rows, classes = draw(st.integers(0, 2**32 - 1)), draw(st.integers(1, 60)), draw(st.integers(2, most_classes))
    rng = np.random.default_rng(seed)
    targets = rng.integers(classes, size=rows)
    scores = rng.integers(1, 6, size=(rows, classes)).astype(float)
    return targets, scores / scores.sum(axis=1, keepdims=True)


@given(classified())
@settings(max_examples=examples(20, 60), deadline=None)
def test_confusion_matrix_and_report(case):
    targets, probabilities = case
    classes = probabilities.shape[1]
    predictions = probabilities.argmax(axis=1)
    matrix = confusion_matrix(targets, predictions, classes)
    np.testing.assert_array_equal(matrix, sk.confusion_matrix(targets, predictions, labels=range(classes)))
    report = classification_report(matrix, [f"label {index}" for index in range(classes)])
    for average in (None, "macro", "weighted"):
        labels = {"labels": range(classes)} if average is None else {}
        want = sk.precision_recall_fscore_support(targets, predictions, average=average, zero_division=0, **labels)
        for name, values in zip(("precision", "recall", "f1"), want):
            got = report[average][name] if average else [row[name] for row in report["classes"].values()]
            np.testing.assert_allclose(got, values, atol=1e-12)
    assert report["macro"]["support"] == report["weighted"]["support"] == len(targets)


@given(classified())
@settings(max_examples=examples(20, 60), deadline=None)
def test_classification_metrics(case):
    targets, probabilities = case
    classes = probabilities.shape[1]
    got = classification_metrics(targets, probabilities)
    predictions = probabilities.argmax(axis=1)
    average = {"average": "binary"} if classes == 2 else {"average": "macro"}
    assert got["accuracy"] == pytest.approx(sk.accuracy_score(targets, predictions))
    assert got["log_loss"] == pytest.approx(sk.log_loss(targets, probabilities, labels=range(classes)))
    assert got["f1"] == pytest.approx(sk.f1_score(targets, predictions, zero_division=0, **average))
    assert got["precision"] == pytest.approx(sk.precision_score(targets, predictions, zero_division=0, **average))
    assert ("roc_auc" in got) == (classes == 2)


@given(classified(most_classes=2))
@settings(max_examples=examples(20, 60), deadline=None)
def test_roc_auc_with_ties(case):
    targets, probabilities = case
    got = roc_auc(targets == 1, probabilities[:, 1])
    if len(set(targets)) < 2:
        assert np.isnan(got)
    else:
        assert got == pytest.approx(sk.roc_auc_score(targets, probabilities[:, 1]))


def test_a_certain_mistake_has_a_finite_log_loss():
    certain = np.array([[1.0, 0.0], [1.0, 0.0]])
    assert log_loss([0, 1], certain) == pytest.approx(sk.log_loss([0, 1], certain))


numbers = st.lists(st.tuples(*[st.floats(-1e6, 1e6)] * 2), min_size=2, max_size=40)


@given(numbers)
@settings(max_examples=examples(33, 100), deadline=None)
def test_regression_metrics(rows):
    true, predicted = np.array(rows).T
    got = regression_metrics(true, predicted)
    assert got["mse"] == pytest.approx(sk.mean_squared_error(true, predicted))
    assert got["rmse"] == pytest.approx(sk.root_mean_squared_error(true, predicted))
    assert got["mae"] == pytest.approx(sk.mean_absolute_error(true, predicted))
    if np.std(true) > 1e-3:
        assert got["r2"] == pytest.approx(sk.r2_score(true, predicted), rel=1e-6)


def test_r2_where_it_has_no_meaning():
    assert regression_metrics([3.0, 3.0], [3.0, 3.0])["r2"] == sk.r2_score([3.0, 3.0], [3.0, 3.0]) == 1
    assert regression_metrics([3.0, 3.0], [3.0, 4.0])["r2"] == sk.r2_score([3.0, 3.0], [3.0, 4.0]) == 0
    assert np.isnan(regression_metrics([3.0], [3.0])["r2"])


def test_baselines():
    train, test = np.array([1, 1, 1, 0]), np.array([1, 0, 0, 1, 0])
    baseline = classification_baseline(train, test, 2)
    assert baseline["accuracy"] == pytest.approx(0.4)
    assert baseline["log_loss"] == pytest.approx(-(2 * np.log(0.75) + 3 * np.log(0.25)) / 5)
    regression = regression_baseline([1.0, 3.0], [2.0, 4.0])
    assert regression["mae"] == pytest.approx(1.0)
    assert regression["r2"] == pytest.approx(sk.r2_score([2.0, 4.0], [2.0, 2.0]))


def test_a_class_unknown_to_training_has_a_finite_baseline():
    assert np.isfinite(classification_baseline([0, 0], [1], 2)["log_loss"])


def test_an_empty_part_has_no_metrics():
    assert classification_metrics([], np.zeros((0, 2))) == {}
    assert regression_metrics([], []) == {}
    assert classification_baseline([0, 1], [], 2) == {}


def test_noise_is_no_better_and_learning_is():
    """Coin flips pass for learning about once in forty times, real learning is seen on a small part."""
    rng = np.random.default_rng(0)
    better = 0
    for _ in range(400):
        targets, guesses = rng.integers(2, size=(2, 200))
        better += errors_better(guesses != targets, targets != 1) > 2
    assert better <= 400 * 0.05
    targets = rng.integers(2, size=40)
    assert errors_better(np.where(rng.random(40) < 0.9, targets, 1 - targets) != targets, targets != 1) > 2


@pytest.mark.parametrize(
    ("model", "baseline", "no_better"),
    [
        ([0] * 9, [1] * 9, False),
        ([0, 0, 0], [1, 1, 1], True),
        ([1, 1, 1], [1, 1, 1], True),
        ([1, 1, 1], [0, 0, 0], True),
        ([0], [1], True),
        ([np.nan, 0], [1, 1], True),
        ([], [], True),
    ],
)
def test_is_no_better_at_the_edges(model, baseline, no_better):
    assert (errors_better(model, baseline) <= 2) is no_better


def test_weights_of_one_row_tell_nothing():
    assert errors_better([0, 1, 1], [1, 1, 1], np.array([1.0, 0, 0])) <= 2
    assert errors_better([0, 0], [1, 1], np.zeros(2)) == 0


@pytest.mark.parametrize("is_worse", [True, False])
def test_the_sentence(is_worse):
    sentence = baseline_sentence("test", "mse", {"mse": 0.512}, {"mse": 0.508}, is_worse=is_worse)
    assert ("no better than the baseline" in sentence) == is_worse
    assert sentence.endswith("is within chance.") != is_worse
    assert "0.512" in sentence
    assert "0.508" in sentence
