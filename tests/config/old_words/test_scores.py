from __future__ import annotations

import pytest

from dltrain.config.old_words.scores import score_meant
from dltrain.errors import UsageError
from dltrain.evaluation.metrics.gates import check_gates

VALUES = {"test": {"accuracy": 0.9, "recall": 0.8, "f1": 0.7, "log_loss": 0.2}}


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("balanced_accuracy", "recall"),
        ("Macro-F1", "`f1` is their mean"),
        ("specificity", "recall of the other class"),
        ("sensitivity", "it is `recall`"),
        ("AUROC", "roc_auc"),
        ("error_rate", "1 - the share of errors"),
        ("average_precision", "AUC: {curve: PR} among `training.metrics` computes it"),
        ("mcc", "there is none"),
        ("cross_entropy", "it is `log_loss`"),
    ],
)
def test_a_gate_by_another_s_name_is_told_its_own(name: str, hint: str) -> None:
    assert hint in (score_meant(name) or "")
    with pytest.raises(UsageError) as error:
        check_gates([f"test.{name.replace('-', '_')}>=0.5"], VALUES)
    assert hint in (error.value.faults[0].hint or "")


def test_averages_of_labels_have_names_of_their_own() -> None:
    assert score_meant("macro_f1", ["f1_macro", "f1_micro"]) is None
    assert score_meant("accuracy") is None
