"""The order of the rows speaks for a model whose probabilities are off: how often it finds good ones, and seldom useless ones."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import mannwhitneyu

from dltrain.cli.reports.verdict import deciding_line, judgement
from dltrain.evaluation.metrics.label_report import judge_labels
from dltrain.evaluation.metrics.verdicts import Prior, judge_classes, order_errors, prior_of_classes

DRAWS = 100


def sigmoid(values):
    return 1 / (1 + np.exp(-values))


def labels_and_scores(rng, rows: int, labels: int, skill: float, alike: float):
    """Labels that come together, and odds that know them by a correlation of `skill` and are far too high."""

    def normal():
        return np.sqrt(alike) * rng.normal(size=(rows, 1)) + np.sqrt(1 - alike) * rng.normal(size=(rows, labels))

    traits, shares = normal(), np.linspace(0.02, 0.2, labels)
    true = traits > np.quantile(rng.normal(size=100_000), 1 - shares)
    odds = np.log(shares / (1 - shares)) + 3 * (skill * traits + np.sqrt(1 - skill**2) * normal()) + 2
    return true, sigmoid(odds), Prior(shares=shares)


@pytest.mark.parametrize("alike", [0.0, 0.5])
@pytest.mark.parametrize(("rows", "labels"), [(5, 40), (30, 4), (200, 20)])
def test_labels_that_are_said_by_chance_seldom_pass(rows, labels, alike):
    rng = np.random.default_rng(rows)
    verdicts = [judge_labels(*labels_and_scores(rng, rows, labels, 0.0, alike), None) for _ in range(DRAWS)]
    assert sum(verdict.better for verdict in verdicts) <= 0.05 * DRAWS


@pytest.mark.parametrize("alike", [0.0, 0.5])
@pytest.mark.parametrize(("rows", "labels"), [(60, 5), (200, 20)])
def test_labels_that_are_ranked_well_pass_however_wrong_the_probabilities_are(rows, labels, alike):
    rng = np.random.default_rng(labels)
    verdicts = [judge_labels(*labels_and_scores(rng, rows, labels, 0.7, alike), None) for _ in range(DRAWS)]
    assert all(verdict.worse for verdict in verdicts)  # by the log loss
    assert sum(verdict.better for verdict in verdicts) >= 0.97 * DRAWS
    said = verdicts[0].sentence("on the test part")
    assert said is not None
    assert said.startswith("The model is better than the baseline in how it ranks the rows, not in its probabilities: log_loss")


def test_rare_classes_are_told_apart_by_probabilities_that_are_off():
    rng, shares = np.random.default_rng(3), np.array([0.9, 0.05, 0.05])
    good = useless = 0
    for _ in range(DRAWS):
        codes = rng.choice(3, size=300, p=shares)
        prior = prior_of_classes(codes, 3, None, None)
        for knows in (True, False):
            odds = 2 * rng.normal(size=(300, 3)) + (2 * np.eye(3)[codes] if knows else 0) + [0, 1, 1]
            verdict = judge_classes(codes, np.exp(odds) / np.exp(odds).sum(axis=1, keepdims=True), prior)
            good, useless = good + (knows and verdict.better), useless + (not knows and verdict.better)
    assert good >= 0.97 * DRAWS
    assert useless <= 0.05 * DRAWS


def test_of_two_classes_it_is_the_mann_whitney_statistic():
    rng = np.random.default_rng(4)
    is_yes, yes = rng.random(80) < 0.3, np.round(rng.random(80), 1)
    one = order_errors(is_yes[:, None], yes[:, None])
    assert order_errors(np.stack([~is_yes, is_yes], axis=1), np.stack([1 - yes, yes], axis=1)) == pytest.approx(one)
    found = mannwhitneyu(yes[is_yes], yes[~is_yes], method="asymptotic", use_continuity=False, alternative="greater")
    assert 0.5 * math.erfc(one / 2**0.5) == pytest.approx(found.pvalue)


def test_many_rows_and_labels_are_judged_by_some():
    rng = np.random.default_rng(5)
    true = rng.random((6_000, 400)) < 0.02
    assert order_errors(true, true + rng.random(true.shape)) > 30
    assert abs(order_errors(true, rng.random(true.shape))) < 4


def test_a_baseline_that_says_no_label_is_called_so():
    document = {
        "part": "test",
        "metrics": {"test": {"f1_micro": 0.3754, "average_precision": 0.31}},
        "baseline": {"test": {"f1_micro": 0.0, "average_precision": 0.12}},
    }
    figures = "f1_micro 0.3754, the baseline's 0, which says no label; average_precision 0.3100, the baseline's 0.1200"
    assert deciding_line(document) == figures
    assert judgement(document) == "The model is better than the baseline on the test part."
