"""A verdict over folds: of models that are really trained on the other folds, how often it finds what is there, and what is not."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import KFold

from dltrain.evaluation.metrics.verdicts import Verdict, judge_classes, judge_numbers, prior_of_classes, together

DRAWS, FOLDS = 40, 5


def over_folds(rng, rows: int, signal: float, *, classes: bool) -> Verdict:
    """Of linear models on five columns, one of which may say something."""
    x = rng.normal(size=(rows, 5))
    y = signal * x[:, 0] + rng.normal(size=rows)
    codes, found = (y > 0).astype(int), []
    for train, test in KFold(FOLDS).split(x):
        if classes:
            model = LogisticRegression(C=1e3).fit(x[train], codes[train])
            prior = prior_of_classes(codes[train], 2, None, None)
            found.append(judge_classes(codes[test], model.predict_proba(x[test]), prior))
        else:
            answers = Ridge(1e-3).fit(x[train], y[train]).predict(x[test])
            found.append(judge_numbers(y[test], answers, y[train].mean()))
    return together(found)


@pytest.mark.parametrize("classes", [False, True])
def test_models_of_noise_seldom_pass_over_folds(classes):
    rng = np.random.default_rng(60)
    assert sum(over_folds(rng, 60, 0.0, classes=classes).better for _ in range(DRAWS)) <= 0.06 * DRAWS


@pytest.mark.parametrize("classes", [False, True])
def test_folds_together_find_what_one_of_them_may_miss(classes):
    rng = np.random.default_rng(7)
    verdicts = [over_folds(rng, 200, 0.6, classes=classes) for _ in range(DRAWS)]
    assert sum(verdict.better for verdict in verdicts) >= 0.97 * DRAWS
    assert not any(verdict.worse for verdict in verdicts)


def test_figures_are_the_means_of_the_fits_and_rows_are_counted_once():
    one, other = Verdict("mse", 4.0, 9.0, 50, False, 1.5), Verdict("mse", 16.0, 25.0, 50, False, 1.5)
    found = together([one, other])
    assert (found.value**0.5, found.baseline**0.5, found.rows) == (3.0, 4.0, 100)
    assert found.score == pytest.approx(1.5 * 2**0.5)
    assert found.better
    again = together([one, other, one, other], repeats=2)  # two seeds of two folds
    assert (again.rows, again.score) == (100, pytest.approx(found.score))
    said = together([one, Verdict("mse", 16.0, 9.0, 50, False, -1.5)]).sentence("over the 2 folds")
    assert said == (
        "The model is not shown to be better than the baseline on these 100 rows: rmse over the 2 folds is 3, the baseline's is 3, "
        "and the difference is within chance."
    )
