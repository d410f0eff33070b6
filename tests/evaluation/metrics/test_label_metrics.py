"""Metrics of several labels, against scikit-learn."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from dltrain.evaluation.metrics.intervals import Sums, intervals, units_of
from dltrain.evaluation.metrics.label_metrics import (
    label_averages,
    label_baseline,
    label_metrics,
    label_report,
    precision_of_rows,
    rank_label,
    said_labels,
    usual_set,
)
from dltrain.evaluation.metrics.label_report import describe_labels, judge_labels, prior_of_labels, reference_of_labels
from dltrain.evaluation.metrics.label_sums import label_sums
from tests.support import examples


def rows_of(seed: int, rows: int, labels: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    true = (draw.random((rows, labels)) < draw.uniform(0.1, 0.6, labels)).astype(np.int8)
    scores = np.clip(true * 0.3 + draw.random((rows, labels)) * 0.7, 0.001, 0.999).round(2)  # with ties
    return true, scores, draw.uniform(0.1, 3.0, rows)


def test_thresholds_of_labels_say_other_labels_than_one_half():
    rng = np.random.default_rng(8)
    true = rng.random((300, 3)) < [0.1, 0.4, 0.7]
    scores = np.clip(rng.normal(0.3 * true + 0.2, 0.2), 0.01, 0.99)
    said = scores >= np.array([0.2, 0.35, 0.6])
    found = label_metrics(true, scores, said=said)
    assert found["f1_macro"] == pytest.approx(sk.f1_score(true, said, average="macro"))
    assert found["subset_accuracy"] == pytest.approx(sk.accuracy_score(true, said))
    assert found["log_loss"] == label_metrics(true, scores)["log_loss"]
    report = label_report(true, scores, ("a", "b", "c"), said=said)
    assert [report["classes"][label]["recall"] for label in "abc"] == pytest.approx(sk.recall_score(true, said, average=None))
    sums = label_sums(true, scores, ("a", "b", "c"), said=said).values()
    assert sums["f1_macro"] == pytest.approx(found["f1_macro"])
    assert sums["recall[b]"] == pytest.approx(sk.recall_score(true[:, 1], said[:, 1]))


@settings(max_examples=examples(10, 30), deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 60), st.integers(1, 5), st.booleans())
def test_they_are_scikit_learns(seed: int, rows: int, labels: int, weighted: bool) -> None:
    true, scores, weights = rows_of(seed, rows, labels)
    weight = weights if weighted else None
    found = label_metrics(true, scores, weight)
    said = (scores > 0.5).astype(int)
    true2, said2 = (np.pad(array, ((0, 0), (0, 1))) if labels == 1 else array for array in (true, said))  # one is no indicator
    assert found["subset_accuracy"] == pytest.approx(sk.accuracy_score(true2, said2, sample_weight=weight))
    hamming = sk.hamming_loss(true2, said2, sample_weight=weight) * true2.shape[1] / labels
    assert found["hamming_loss"] == pytest.approx(hamming)
    if labels > 1:
        for average in ("micro", "macro", "weighted", "samples"):
            for name, score in (("precision", sk.precision_score), ("recall", sk.recall_score), ("f1", sk.f1_score)):
                expected = score(true, said, average=average, zero_division=0, sample_weight=weight)
                assert label_averages(true > 0, said > 0, weight)[average][name] == pytest.approx(expected)
            assert found[f"f1_{average}"] == pytest.approx(label_averages(true > 0, said > 0, weight)[average]["f1"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        each = [sk.average_precision_score(true[:, k], scores[:, k], sample_weight=weight) for k in range(labels)]
    assert found["average_precision"] == pytest.approx(np.mean(each))
    areas = [
        sk.roc_auc_score(true[:, k], scores[:, k], sample_weight=weight) for k in range(labels) if 0 < true[:, k].sum() < rows
    ]
    assert found["roc_auc"] == pytest.approx(np.mean(areas)) if areas else np.isnan(found["roc_auc"])
    losses = [sk.log_loss(true[:, k], scores[:, k], sample_weight=weight, labels=[0, 1]) for k in range(labels)]
    assert found["log_loss"] == pytest.approx(np.mean(losses))


def test_a_label_that_no_row_has() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert rank_label([0, 0], [0.1, 0.9])[0] == sk.average_precision_score([0, 0], [0.1, 0.9]) == 0
    report = label_report(np.array([[1, 0], [0, 0]]), np.array([[0.9, 0.2], [0.4, 0.1]]), ("a", "b"))
    assert report["classes"]["b"] == {
        "precision": 0.0, "recall": 0.0, "f1": 0.0, "average_precision": 0.0, "roc_auc": None, "support": 0, "predicted": 0,
    }  # fmt: skip


def test_the_baseline_says_the_most_common_set_and_the_shares() -> None:
    train = np.array([[1, 0], [1, 0], [1, 1], [0, 0]], np.int8)
    assert usual_set(train).tolist() == [1, 0]
    assert usual_set(np.array([[1, 1], [0, 1]], np.int8)).tolist() == [0, 1]  # of equals the smaller one
    seen = reference_of_labels(describe_labels(train, None))
    true = np.array([[1, 0], [0, 1], [1, 1]])
    found = label_baseline(seen[0], seen[1], true)
    said = np.array([[1, 0]] * 3)
    assert found["subset_accuracy"] == pytest.approx(1 / 3)
    assert found["f1_macro"] == pytest.approx(sk.f1_score(true, said, average="macro", zero_division=0))
    expected = np.mean([sk.log_loss(true[:, k], np.full(3, share), labels=[0, 1]) for k, share in enumerate((0.75, 0.25))])
    assert found["log_loss"] == pytest.approx(expected)
    constant = np.broadcast_to(seen[0], true.shape)
    assert found["average_precision"] == pytest.approx(sk.average_precision_score(true, constant, average="macro"))


def test_shares_under_weights_are_what_the_verdict_is_held_against() -> None:
    codes, weights = np.array([[1, 0], [0, 1]], np.int8), np.array([3.0, 1.0])
    assert prior_of_labels(describe_labels(codes, weights)).shares.tolist() == [0.75, 0.25]  # type: ignore[union-attr]


def test_a_model_that_knows_is_better_and_one_that_guesses_is_not() -> None:
    true, scores, _ = rows_of(1, 400, 4)
    prior = prior_of_labels(describe_labels(true, None))
    good = judge_labels(true > 0, scores, prior, None)
    assert good.better
    assert good.value == pytest.approx(label_metrics(true, scores)["log_loss"])
    chance = judge_labels(true > 0, np.random.default_rng(5).permutation(scores), prior, None)
    assert not chance.better
    assert chance.sentence("on the test part")


def test_sums_give_the_metrics_and_their_intervals_hold_them() -> None:
    true, scores, _ = rows_of(2, 300, 3)
    labels = ("a", "b", "c")
    sums = label_sums(true, scores, labels)
    metrics, report = label_metrics(true, scores), label_report(true, scores, labels)
    values = sums.values()
    for name in metrics:
        assert values[name] == pytest.approx(metrics[name]), name
    for label, row in report["classes"].items():
        for score in ("precision", "recall", "f1", "average_precision", "roc_auc"):
            assert values[f"{score}[{label}]"] == pytest.approx(row[score])
    found = intervals(sums, units_of(300, num_sums=sums.num_sums))
    assert set(found) >= metrics.keys()
    assert all(low <= values[name] <= high for name, (low, high) in found.items())


def test_the_interval_of_f1_is_about_that_of_resampled_rows() -> None:
    true, scores, _ = rows_of(4, 400, 3)
    low, high = intervals(label_sums(true, scores, ("a", "b", "c")), units_of(400, num_sums=40))["f1_macro"]
    draw, said = np.random.default_rng(0), said_labels(scores)
    resampled = []
    for _ in range(200):
        rows = draw.integers(0, 400, 400)
        resampled.append(sk.f1_score(true[rows], said[rows], average="macro", zero_division=0))
    assert (low, high) == pytest.approx(tuple(np.quantile(resampled, [0.025, 0.975])), abs=0.012)


def test_what_a_row_brings_to_the_average_precision_is_its_derivative_by_the_row_s_weight() -> None:
    true, scores, _ = rows_of(5, 60, 1)
    flags, values = np.asarray(true)[:, 0] > 0, np.round(np.asarray(scores)[:, 0], 1)  # with rows of one score
    found, step = precision_of_rows(flags, values), 1e-6
    whole = sk.average_precision_score(flags, values)
    assert found.mean() == pytest.approx(whole, abs=1e-12)
    for row in range(60):
        weight = np.ones(60)
        weight[row] += step
        moved = (sk.average_precision_score(flags, values, sample_weight=weight) - whole) / step * 60
        assert found[row] - whole == pytest.approx(moved, abs=1e-4)
    assert (precision_of_rows(np.zeros(4), [0.1, 0.2, 0.3, 0.4]) == 0).all()


@pytest.mark.slow
@pytest.mark.parametrize(("num_rows", "shares"), [(100, (0.3, 0.5, 0.2)), (300, (0.1, 0.3, 0.5)), (1000, (0.02, 0.2, 0.4))])
def test_intervals_of_average_precisions_hold_what_is_true(num_rows: int, shares: tuple[float, ...]) -> None:
    """Of few rows that have a label the average precision of a sample is too high: theirs hold it a little less often."""
    rng, labels = np.random.default_rng(1), tuple("abcdef"[: len(shares)])

    def draw(count: int) -> Sums:
        true = rng.random((count, len(shares))) < shares
        return label_sums(true, 1 / (1 + np.exp(1 - rng.normal(size=true.shape) - 1.5 * true)), labels)

    truth, held = (
        draw(400_000).values(),
        dict.fromkeys(("average_precision", *(f"average_precision[{one}]" for one in labels)), 0),
    )
    for _ in range(600):
        sums = draw(num_rows)
        found = intervals(sums, units_of(num_rows, num_sums=sums.num_sums))
        for name in held:
            held[name] += found[name][0] <= truth[name] <= found[name][1]
    assert all(0.91 <= count / 600 <= 0.98 for count in held.values()), held
