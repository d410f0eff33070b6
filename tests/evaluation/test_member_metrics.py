"""What several members' metrics are together."""

from __future__ import annotations

from dltrain.evaluation.member_metrics import summarize_members


def test_a_metric_that_a_member_does_not_have_is_left_out() -> None:
    of_one_class = {"validation": {"accuracy": 1.0, "roc_auc": None}, "test": {"accuracy": 0.5, "roc_auc": 0.7}}
    of_two = {"validation": {"accuracy": 0.5, "roc_auc": 0.8}, "test": {"accuracy": 0.75, "roc_auc": 0.9}}
    found = summarize_members([of_one_class, of_two])
    assert found["validation"] == {"accuracy": {"mean": 0.75, "min": 0.5, "max": 1.0, "values": [1.0, 0.5]}}
    assert {name: each["values"] for name, each in found["test"].items()} == {"accuracy": [0.5, 0.75], "roc_auc": [0.7, 0.9]}
