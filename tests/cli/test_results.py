"""Tables of metrics."""

from __future__ import annotations

import pytest

from dltrain.cli.reports.contents import metric_blocks
from dltrain.cli.results import gate_lines, metrics_table, with_interval, worst_classes


def test_one_metric_under_two_names_is_shown_once() -> None:
    metrics = {"test": {"loss": 0.5, "root_mean_squared_error": 2.000001, "rmse": 2.0, "r2": 0.9}}
    text = metrics_table(metrics, {"test": {"rmse": 4.0}})
    assert "root_mean_squared_error" not in text
    assert "rmse" in text


def test_two_names_with_different_values_are_both_shown() -> None:
    text = metrics_table({"test": {"loss": 0.5, "root_mean_squared_error": 0.2, "rmse": 2.0}}, {})
    assert "root_mean_squared_error" in text
    assert "rmse  " in text


def test_a_report_and_the_terminal_show_the_same_metrics():
    metrics = {"test": {"root_mean_squared_error": 2.000001, "loss": 0.5, "rmse": 2.0, "mean_absolute_error": 1.5}}
    learned = {"linear": {"rmse": 1.25, "mae": 0.75}}
    document = {"metrics": metrics, "baseline": {"test": {"rmse": 4.0, "mae": 3.0}}, "report": {"learned": learned}}
    table = metric_blocks(document, "test")[0]
    assert [row[0] for row in table.rows] == ["loss", "rmse", "mean_absolute_error"]
    assert table.rows[2] == ["mean_absolute_error", "1.500", "3.000", "0.7500"]
    lines = metrics_table(metrics, document["baseline"], document["report"]).splitlines()
    assert [line.split() for line in lines[1:4]] == table.rows


@pytest.mark.parametrize(
    ("value", "interval", "text"),
    [
        (0.97917, (0.9477, 0.9919), "0.9792 (0.948\u20130.992)"),
        (62.9, (55.8, 69.4), "62.90 (56\u201369)"),
        (3955.9, (3114.2, 4810.0), "3,956 (3,114\u20134,810)"),
        (0.4057, (-0.26, 0.52), "0.4057 (-0.26 to 0.52)"),
        (1.0, (1.0, 1.0), "1.000 (1.000\u20131.000)"),
        (0.5, None, "0.5000"),
        (None, (0.1, 0.2), "-"),
        (2e-7, (1e-7, 3e-7), "2.000e-07 (1.00e-07\u20133.00e-07)"),
    ],
)
def test_an_interval_has_as_many_decimals_as_its_width_is_worth(value, interval, text):
    assert with_interval(value, interval) == text


def test_the_interval_stands_beside_the_last_part_alone():
    metrics = {"validation": {"accuracy": 0.9}, "test": {"accuracy": 0.9}}
    assert metrics_table(metrics, {}, intervals={"accuracy": [0.85, 0.93]}).count("0.9000 (0.850\u20130.930)") == 1


def test_a_gate_with_a_level_says_the_interval():
    gate = {"require": "accuracy>=0.9 @95%", "value": 0.91, "met": False, "part": "test", "interval": [0.89999999, 0.93]}
    assert gate_lines([gate]) == [
        "gate accuracy>=0.9 @95%: NOT MET, it is 0.9100 (0.89999999\u20130.9300 with 95 % confidence) on the test part"
    ]


def test_the_worst_classes_are_told_where_any_is_told_wrongly():
    perfect = {label: {"f1": 1.0, "support": 4} for label in "abc"}
    report = {"classes": perfect, "confusion_matrix": [[4, 0, 0], [0, 4, 0], [0, 0, 4]], "labels": [*"abc"]}
    assert worst_classes(report, 80) == []
    wrong = {**perfect, "b": {"f1": 6 / 7, "support": 4}, "c": {"f1": 8 / 9, "support": 4}}
    report = {**report, "classes": wrong, "confusion_matrix": [[4, 0, 0], [0, 3, 1], [0, 0, 4]]}
    assert worst_classes(report, 80) == ["worst classes: b F1 0.857 (1 of 4 taken for c), c F1 0.889"]
    long = {f"a long name that ends in {label}": row for label, row in wrong.items()}
    (line,) = worst_classes({**report, "classes": long}, 80)
    assert line == "worst class: a long name tha…nds in b F1 0.857 (1 of 4 taken for a long name tha…nds in c)"
