"""Losses that train on classes and do not fit them are warned of."""

from __future__ import annotations

from pathlib import Path

import pytest

from dltrain.checking import check_config
from dltrain.config import load_config_text

TEXT = "data: {{source: {0}}}\nmodel: {{layers: []}}\ntraining: {{loss: {1}}}"


@pytest.mark.parametrize(
    ("source", "loss", "said"),
    [
        ("iris", "BinaryCrossentropy", "takes each of the 3 classes for a label by itself"),
        ("iris", "BinaryFocalCrossentropy", "takes each of the 3 classes for a label by itself"),
        ("iris", "MeanAbsolutePercentageError", "divides by the target"),
        ("breast_cancer", "MeanAbsolutePercentageError", "divides by the target"),
        ("iris", "CategoricalCrossentropy", None),
        ("iris", "MeanSquaredError", None),
        ("breast_cancer", "BinaryCrossentropy", None),
        ("diabetes", "MeanAbsolutePercentageError", None),
    ],
)
def test_a_loss_of_other_targets_is_warned_of(source: str, loss: str, said: str | None, tmp_path: Path) -> None:
    text = TEXT.format(source, loss)
    text = text.replace("diabetes", "diabetes, scale_target: false")
    result = check_config(load_config_text(text, folder=tmp_path))
    assert not result.errors
    found = [warning.message for warning in result.warnings if warning.path == "training.loss"]
    assert (len(found) == 1 and said in found[0]) if said else not found
