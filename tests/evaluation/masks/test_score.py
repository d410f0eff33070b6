"""Scores of pixels beside scikit-learn's of all pixels at once, and Keras's MeanIoU."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, jaccard_score, log_loss

from dltrain.data.dataset import IGNORED
from dltrain.evaluation.masks.score import PixelScore, pixel_report
from dltrain.evaluation.metrics.intervals import draw, units_of
from dltrain.evaluation.metrics.verdicts import Prior
from tests.support import examples


def drawn(seed: int, rows: int, classes: int, ignored: float = 0.2) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """True masks, some pixels ignored, and probabilities that know something of them."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, classes, (rows, 5, 4)).astype(np.uint8)
    scores = rng.gamma(1.0, 1.0, (rows, 5, 4, classes)) + np.eye(classes)[codes]
    codes[rng.random(codes.shape) < ignored] = IGNORED
    return codes, scores / scores.sum(axis=-1, keepdims=True)


def scored(codes: NDArray[np.uint8], probabilities: NDArray[np.float64]) -> PixelScore:
    score = PixelScore(probabilities.shape[-1])
    score.add(codes[:2], probabilities[:2])
    score.add(codes[2:], probabilities[2:])
    return score


@given(seed=st.integers(0, 10_000), classes=st.integers(2, 5))
@settings(max_examples=examples(8, 25), deadline=None)
def test_scores_are_scikit_learns_of_the_pixels_that_count(seed: int, classes: int) -> None:
    codes, probabilities = drawn(seed, 4, classes)
    counted = codes != IGNORED
    true, given_to = codes[counted], probabilities[counted]
    said, labels = given_to.argmax(axis=1), list(range(classes))
    score = scored(codes, probabilities)
    found = score.metrics()
    assert found["accuracy"] == pytest.approx(accuracy_score(true, said))
    assert found["mean_iou"] == pytest.approx(jaccard_score(true, said, average="macro"))
    assert found["mean_dice"] == pytest.approx(f1_score(true, said, average="macro"))
    assert found["log_loss"] == pytest.approx(log_loss(true, given_to, labels=labels))
    assert np.array_equal(score.matrix, confusion_matrix(true, said, labels=labels))
    table = pixel_report(score, [f"class {label}" for label in labels])["classes"]
    each = jaccard_score(true, said, average=None, labels=labels, zero_division=0)
    assert [row["iou"] for row in table.values()] == pytest.approx(each.tolist())
    assert [row["support"] for row in table.values()] == np.bincount(true, minlength=classes).tolist()


def test_the_mean_leaves_out_classes_that_nobody_has_or_says_as_keras_does() -> None:
    import keras

    codes = np.array([[[0, 0], [1, 1]]], np.uint8)
    probabilities = np.eye(4)[np.array([[[0, 1], [1, 1]]])]
    score = PixelScore(4)
    score.add(codes, probabilities)
    metric = keras.metrics.MeanIoU(num_classes=4, sparse_y_pred=False)
    metric.update_state(codes, probabilities)
    assert score.metrics()["mean_iou"] == pytest.approx(float(metric.result())) == pytest.approx((1 / 2 + 2 / 3) / 2)


def test_the_baseline_says_the_most_frequent_class_everywhere() -> None:
    codes, probabilities = drawn(3, 5, 3)
    true = codes[codes != IGNORED]
    always = np.full(len(true), 2)
    shares = np.array([1.0, 2.0, 5.0])
    found = scored(codes, probabilities).baseline(shares)
    assert found["accuracy"] == pytest.approx(accuracy_score(true, always))
    assert found["mean_iou"] == pytest.approx(jaccard_score(true, always, average="macro", zero_division=0))
    constant = np.broadcast_to(shares / 8, (len(true), 3))
    assert found["log_loss"] == pytest.approx(log_loss(true, constant, labels=[0, 1, 2]))


def test_intervals_draw_pictures() -> None:
    """A sample of pictures in which one counts twice has the score of these pictures, one of them there twice."""
    codes, probabilities = drawn(5, 6, 3)
    sums = scored(codes, probabilities).sums(("a", "b", "c"))
    units = units_of(6)
    assert units is not None
    added = sums.add_up(units.codes, units.count)
    picked = np.array([0, 0, 1, 3, 4, 5])
    found = sums.compute(np.bincount(picked, minlength=6) @ added)
    true, said = codes[picked], probabilities[picked].argmax(axis=-1)
    counted = true != IGNORED
    assert found["mean_iou"] == pytest.approx(jaccard_score(true[counted], said[counted], average="macro"))
    assert found["iou[b]"] == pytest.approx(jaccard_score(true[counted], said[counted], average=None)[1])
    assert {"accuracy", "mean_iou", "mean_dice", "log_loss"} <= draw(sums, units).keys()


def test_the_verdict_asks_whether_masks_are_told_from_what_is_usual() -> None:
    codes, probabilities = drawn(7, 30, 3)
    shares = np.array([0.3, 0.3, 0.4])
    assert scored(codes, probabilities).judge(Prior(shares=shares)).better
    learnt_nothing = np.broadcast_to(shares, probabilities.shape)
    assert not scored(codes, learnt_nothing).judge(Prior(shares=shares)).better
    too_sure = np.where(probabilities == probabilities.max(axis=-1, keepdims=True), 1.0, 1e-12)
    surely = scored(codes, too_sure).judge(Prior(shares=shares))
    assert surely.value > surely.baseline
    assert surely.better
