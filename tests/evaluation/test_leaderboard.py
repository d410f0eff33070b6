"""Whether two results differ by more than chance, from their intervals alone."""

from __future__ import annotations

import json
import math
from pathlib import Path
from statistics import NormalDist

import numpy as np
import pytest

from dltrain.evaluation.leaderboard import difference_interval, make_boards, within_chance


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


def run_of(folder: Path, name: str, target: str, accuracy: float) -> tuple[Path, tuple[str, str, float]]:
    place = folder / name
    place.mkdir()
    manifest = {"reference": {target: {"counts": [1, 1]}}, "data": {"fingerprint": "f", "details": {"t.csv": {"rows": 9}}}}
    ends = {"test": {"accuracy": [accuracy - 0.01, accuracy + 0.01]}}
    (place / "manifest.json").write_text(json.dumps(manifest))
    metrics = {"part": "test", "metrics": {"test": {"accuracy": accuracy}}, "intervals": ends}
    (place / "metrics.json").write_text(json.dumps(metrics))
    return place, ("test", "accuracy", accuracy)


def test_runs_of_one_table_that_foretell_other_columns_are_not_held_against_each_other(tmp_path: Path) -> None:
    found = [run_of(tmp_path, *facts) for facts in (("a", "y", 0.9), ("b", "k", 0.8), ("c", "y", 0.5))]
    boards = make_boards(found)
    assert [(board.data, [(entry.path.name, entry.standing) for entry in board.entries]) for board in boards] == [
        ("t.csv (9 rows), target y", [("a", "best"), ("c", "worse")]),
        ("t.csv (9 rows), target k", [("b", "best")]),
    ]
    assert make_boards([found[0], found[2]])[0].data == "t.csv (9 rows)"


def test_two_results_are_within_chance_by_their_standard_errors():
    assert within_chance(0.40, 0.02, 0.44, 0.02)
    assert within_chance(0.44, 0.02, 0.40, 0.02)
    assert not within_chance(0.40, 0.02, 0.46, 0.02)
    assert not within_chance(0.40, 0.02, 0.40, None)
    assert not within_chance(0.40, math.nan, 0.40, 0.02)
