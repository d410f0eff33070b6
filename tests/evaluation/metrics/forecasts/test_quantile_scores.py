"""Scores of quantiles against scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import mean_pinball_loss

from dltrain.evaluation.metrics.forecasts.quantile_scores import quantile_scores


def test_scores_are_those_of_scikit_learn() -> None:
    generator = np.random.default_rng(2)
    truth = generator.normal(0, 1, (50, 2))
    quantiles = {0.1: truth - generator.normal(1, 1, (50, 2)), 0.5: truth * 0.9, 0.9: truth + generator.normal(1, 1, (50, 2))}
    scores, table = quantile_scores(truth, quantiles)
    losses = [mean_pinball_loss(truth.ravel(), said.ravel(), alpha=alpha) for alpha, said in quantiles.items()]
    assert [row["pinball"] for row in table] == pytest.approx(losses)
    assert scores["pinball"] == pytest.approx(np.mean(losses))
    assert scores["crps"] == pytest.approx(2 * np.mean(losses))
    inside = (quantiles[0.1] <= truth) & (truth <= quantiles[0.9])
    assert scores["coverage_80"] == pytest.approx(inside.mean())
    assert [name for name in scores if name.startswith("coverage")] == ["coverage_80"]
    assert table[1]["below"] == pytest.approx((truth <= truth * 0.9).mean())


def test_the_score_of_many_quantiles_is_that_of_the_distribution() -> None:
    """Of a standard normal distribution CRPS is known in closed form (Gneiting & Raftery 2007)."""
    from statistics import NormalDist

    normal, count = NormalDist(), 400
    levels = [(place + 0.5) / count for place in range(count)]
    truth = np.array([[0.3], [-1.2]])
    scores, _ = quantile_scores(truth, {level: np.full((2, 1), normal.inv_cdf(level)) for level in levels})
    closed = [y * (2 * normal.cdf(y) - 1) + 2 * normal.pdf(y) - 1 / np.sqrt(np.pi) for y in truth.ravel()]
    assert scores["crps"] == pytest.approx(np.mean(closed), rel=1e-3)
