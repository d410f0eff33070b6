"""Whether two results differ by more than chance, from their intervals alone."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest

from dltrain.evaluation.leaderboard import difference_interval


@pytest.mark.parametrize(("first", "second"), [(0.9, 0.8), (5.0, 9.0)])
def test_with_symmetric_intervals_it_is_the_usual_one(first, second):
    z = NormalDist().inv_cdf(0.975)
    errors = 0.02, 0.03
    found = difference_interval(
        first, (first - z * errors[0], first + z * errors[0]), second, (second - z * errors[1], second + z * errors[1])
    )
    half = z * math.hypot(*errors)
    assert found == pytest.approx((first - second - half, first - second + half))


def test_equal_shares_are_rarely_called_different():
    """Wilson's intervals of two independent samples of one share: the difference is covered in about 95 of 100 cases."""
    rng, z, rows = np.random.default_rng(0), 1.96, 200

    def wilson(share: float) -> tuple[float, float]:
        middle = (share + z**2 / (2 * rows)) / (1 + z**2 / rows)
        half = z / (1 + z**2 / rows) * math.sqrt(share * (1 - share) / rows + z**2 / (4 * rows**2))
        return middle - half, middle + half

    covered = []
    for first, second in rng.binomial(rows, 0.9, (2000, 2)) / rows:
        low, high = difference_interval(first, wilson(first), second, wilson(second))
        covered.append(low <= 0 <= high)
    assert 0.94 <= np.mean(covered) <= 0.975
