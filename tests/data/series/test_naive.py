"""Errors of naive forecasts, and the line of the drift method, against plain loops."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dltrain.data.series.naive import NaiveErrors, naive_errors
from dltrain.data.series.timeline import slopes_of
from tests.support import examples

CELLS = st.one_of(st.none(), st.integers(-5, 5))


@given(
    series=st.lists(st.lists(st.tuples(CELLS, st.booleans()), min_size=1, max_size=12), min_size=1, max_size=3),
    season=st.sampled_from([None, 1, 2, 3]),
)
@settings(max_examples=examples(26, 80))
def test_naive_errors_and_slopes_are_those_of_plain_loops(
    series: list[list[tuple[int | None, bool]]], season: int | None
) -> None:
    cells = [cell for one in series for cell in one]
    y = np.array([np.nan if value is None else value for value, _ in cells], float)
    codes = np.repeat(np.arange(len(series)), [len(one) for one in series])
    gaps = np.array([is_gap for _, is_gap in cells])
    runs = np.cumsum(gaps | np.append(True, np.diff(codes) != 0))
    train = np.concatenate([np.flatnonzero(codes == code)[: max(1, 2 * len(one) // 3)] for code, one in enumerate(series)])
    found = naive_errors({"y": y}, train, codes, runs, season)

    def mean(code: int, lag: int, power: int) -> float | None:
        rows = [row for row in train if codes[row] == code and row - lag in train and runs[row - lag] == runs[row]]
        errors = [abs(y[row] - y[row - lag]) ** power for row in rows if np.isfinite(y[row]) and np.isfinite(y[row - lag])]
        return float(np.mean(errors)) if errors and sum(errors) > 0 else None

    count = range(len(series))
    assert found.season == (season or 1)
    for got, expected in (
        (found.absolute["y"], [mean(code, season or 1, 1) for code in count]),
        (found.squared["y"], [mean(code, 1, 2) for code in count]),
    ):
        assert [value is None for value in got] == [value is None for value in expected]
        assert [value for value in got if value] == pytest.approx([value for value in expected if value])
    assert NaiveErrors.from_state(found.to_state(), len(series)) == found

    history = 1 + 3 * (season or 1)
    slopes = slopes_of(y, runs, history)
    for row in range(len(y)):
        known = [at for at in range(max(0, row + 1 - history), row + 1) if runs[at] == runs[row] and np.isfinite(y[at])]
        first, last = (known[0], known[-1]) if known else (0, 0)
        expected = (y[last] - y[first]) / (last - first) if last > first else 0.0
        assert slopes[row] == pytest.approx(expected)
