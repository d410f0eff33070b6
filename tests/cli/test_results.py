"""Tables of metrics."""

from __future__ import annotations

from dltrain.cli.results import metrics_table


def test_one_metric_under_two_names_is_shown_once() -> None:
    metrics = {"test": {"loss": 0.5, "root_mean_squared_error": 2.000001, "rmse": 2.0, "r2": 0.9}}
    text = metrics_table(metrics, {"test": {"rmse": 4.0}})
    assert "root_mean_squared_error" not in text
    assert "rmse" in text


def test_two_names_with_different_values_are_both_shown() -> None:
    text = metrics_table({"test": {"loss": 0.5, "root_mean_squared_error": 0.2, "rmse": 2.0}}, {})
    assert "root_mean_squared_error" in text
    assert "rmse  " in text
