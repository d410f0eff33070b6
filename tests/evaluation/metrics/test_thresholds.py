"""The threshold that is chosen, against scikit-learn's curves and its own tuning."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.metrics import confusion_matrix, f1_score, make_scorer, precision_recall_curve, precision_score, recall_score
from sklearn.model_selection import TunedThresholdClassifierCV

from dltrain.config.types import CostConfig, ThresholdConfig
from dltrain.evaluation.metrics.thresholds import Thresholds, between, choose


def rows_of(seed, num_rows=400, decimals=3):
    rng = np.random.default_rng(seed)
    positive = rng.random(num_rows) < 0.25
    return positive, (1 / (1 + np.exp(-(2 * positive - 1.4 + rng.normal(size=num_rows))))).round(decimals)


def reached(positive, scores, wanted):
    value = choose(Thresholds.of(positive, scores), wanted).value
    return value, scores >= value


@given(st.integers(0, 500), st.integers(1, 3))
def test_the_curves_are_scikit_learns(seed, decimals):
    positive, scores = rows_of(seed, 80, decimals)
    found = Thresholds.of(positive, scores)
    precision, recall, thresholds = precision_recall_curve(positive, scores)
    np.testing.assert_allclose(found.scores[::-1], thresholds)
    np.testing.assert_allclose(found.precision[::-1], precision[:-1])
    np.testing.assert_allclose(found.recall[::-1], recall[:-1])


@given(st.integers(0, 500), st.sampled_from([0.3, 0.7, 0.9, 1.0]))
def test_the_best_with_a_recall_or_a_precision(seed, least):
    positive, scores = rows_of(seed, 120, 2)
    precision, recall, _ = precision_recall_curve(positive, scores)
    precision, recall = precision[:-1], recall[:-1]
    _, said = reached(positive, scores, ThresholdConfig(recall=least))
    assert recall_score(positive, said) >= least
    assert precision_score(positive, said) == pytest.approx(precision[recall >= least].max())
    chosen = choose(Thresholds.of(positive, scores), ThresholdConfig(precision=least))
    said = scores >= chosen.value
    if (precision >= least).any():
        assert chosen.warning == ""
        assert precision_score(positive, said) >= least
        assert recall_score(positive, said) == pytest.approx(recall[precision >= least].max())
    else:
        assert "no threshold reaches" in chosen.warning
        assert precision_score(positive, said) == pytest.approx(precision.max())


class Given(ClassifierMixin, BaseEstimator):
    """A classifier whose only column is the probability."""

    def fit(self, rows, codes):
        self.classes_, self.is_fitted_ = np.unique(codes), True
        return self

    def predict_proba(self, rows):
        return np.stack([1 - rows[:, 0], rows[:, 0]], axis=1)

    def predict(self, rows):
        return (rows[:, 0] >= 0.5).astype(int)


def cost_of(codes, said):
    (_, wrong), (missed, _) = confusion_matrix(codes, said, labels=[0, 1])
    return 1.0 * wrong + 20.0 * missed


@pytest.mark.parametrize("rule", ["f1", "cost"])
def test_scikit_learn_tunes_to_the_same(rule):
    positive, scores = rows_of(1)
    codes, rows = positive.astype(int), scores[:, None]
    scoring = "f1" if rule == "f1" else make_scorer(cost_of, greater_is_better=False)
    tuned = TunedThresholdClassifierCV(
        Given().fit(rows, codes), scoring=scoring, cv="prefit", refit=False, thresholds=np.unique(scores)
    ).fit(rows, codes)
    wanted = ThresholdConfig(f1=True) if rule == "f1" else ThresholdConfig(cost=CostConfig(1, 20))
    value, said = reached(positive, scores, wanted)
    ours = f1_score(codes, said) if rule == "f1" else -cost_of(codes, said)
    assert ours == pytest.approx(tuned.best_score_)
    assert (said == (scores >= tuned.best_threshold_)).mean() > 0.97  # of equally good ones either may take another
    assert len(str(value)) <= 6


def test_where_a_false_alarm_costs_too_much_nothing_is_called_positive():
    positive, scores = np.array([True, False, False]), np.array([0.4, 0.6, 0.2])
    value, said = reached(positive, scores, ThresholdConfig(cost=CostConfig(10, 1)))
    assert 0.6 < value < 1
    assert not said.any()
    value, said = reached(positive, scores, ThresholdConfig(cost=CostConfig(0.1, 1)))
    assert said.tolist() == [True, True, False]


def test_rows_of_one_class_tell_no_threshold():
    assert choose(Thresholds.of(np.ones(3, bool), np.arange(3) / 3), ThresholdConfig(f1=True)) is None


@given(st.floats(0, 1), st.floats(0, 1))
def test_a_short_number_between_two(one, other):
    low, high = sorted((one, other))
    found = between(low, high)
    assert low < found <= high or low == high == found
