"""MASE, RMSSE and sMAPE against their definitions, written out."""

from __future__ import annotations

import numpy as np
import pytest

from dltrain.data.dataset import SeriesRows
from dltrain.evaluation.metrics.forecasts.scaled_errors import (
    over_series,
    scaled_errors,
    scaled_words,
    series_table,
    shares_of_rows,
)


def test_each_series_by_its_own_naive_errors() -> None:
    generator = np.random.default_rng(3)
    codes = np.array([0, 0, 1, 1, 1, 2])
    truth, forecast = generator.normal(5, 2, (2, 6, 3))
    truth[0, 0] = forecast[0, 0] = 0.0
    rows = SeriesRows(
        codes, [("a",), ("b",), ("new",)], 12, {"y": np.array([2.0, 4.0, np.nan])}, {"y": np.array([1.0, 9.0, np.nan])}
    )
    found = scaled_errors(truth, forecast, "y", rows)
    for code in range(3):
        y, f = truth[codes == code].ravel(), forecast[codes == code].ravel()
        parts = [200 * abs(a - b) / (abs(a) + abs(b)) if abs(a) + abs(b) else 0.0 for a, b in zip(y, f, strict=True)]
        assert found["smape"][code] == pytest.approx(np.mean(parts))
        assert found["mae"][code] == pytest.approx(np.mean(np.abs(y - f)))
        if code < 2:
            assert found["mase"][code] == pytest.approx(np.mean(np.abs(y - f)) / (2.0, 4.0)[code])
            assert found["rmsse"][code] == pytest.approx(np.sqrt(np.mean((y - f) ** 2) / (1.0, 9.0)[code]))
    over = over_series(found)
    assert over["mase"] == pytest.approx(found["mase"][:2].mean())  # the new one has no naive error
    assert over["smape"] == pytest.approx(found["smape"].mean())
    shares = shares_of_rows(truth, forecast, "y", rows)  # what intervals are drawn from
    assert {name: values.mean() for name, values in shares.items()} == pytest.approx(over)
    table = series_table(found, "y", rows)
    assert [row["windows"] for row in table if row["series"] == "b"] == [3]
    assert table[-1]["series"] == "new"
    assert table[-1]["mase"] is None
    assert "the value 12 rows before" in scaled_words(rows)
    assert "mase is that of 2 of 3 series" in scaled_words(rows)
    rows.absolute["y"][2] = 1.0
    assert "means over 3 series" in scaled_words(rows)


def test_without_naive_errors_there_is_smape() -> None:
    rows = SeriesRows(np.zeros(2, int), [()])
    assert set(over_series(scaled_errors(np.ones((2, 1)), np.zeros((2, 1)), "y", rows))) == {"smape"}
    assert scaled_words(rows) == ""
