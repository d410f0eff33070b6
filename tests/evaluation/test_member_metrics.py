"""What several members' metrics are together."""

from __future__ import annotations

from dltrain.cli.results import members_lines
from dltrain.evaluation.member_metrics import summarize_members
from dltrain.storage.documents import METRICS


def test_a_metric_that_a_member_does_not_have_is_that_of_the_others_and_said() -> None:
    of_one_class = {"validation": {"accuracy": 1.0, "roc_auc": None}, "test": {"accuracy": 0.5, "roc_auc": 0.7}}
    of_two = {"validation": {"accuracy": 0.5, "roc_auc": 0.8}, "test": {"accuracy": 0.75, "roc_auc": 0.9}}
    for members, values in (([of_one_class, of_two], [None, 0.8]), ([{"validation": {"accuracy": 1.0}}, of_two], [None, 0.8])):
        found = summarize_members(members)
        assert found["validation"]["accuracy"] == {"mean": 0.75, "min": 0.5, "max": 1.0, "values": [1.0, 0.5]}
        assert found["validation"]["roc_auc"] == {"mean": 0.8, "min": 0.8, "max": 0.8, "values": values}
        assert METRICS["members"]({"metrics": found})
        [line] = members_lines({"validation": found["validation"]})
        assert line.startswith("the 2 members by themselves, validation: accuracy 0.7500 (0.5000 to 1.000), roc_auc 0.8000 (")
        assert line.endswith("(0.8000 to 0.8000; 1 of them have it)")
    nowhere = {"validation": {"roc_auc": None}}
    assert summarize_members([nowhere, nowhere]) == {"validation": {}}
