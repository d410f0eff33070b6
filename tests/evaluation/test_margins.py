"""Two classes as -1 and 1: what is measured of a loss of margins, and of logits, is what the predictions say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars
import pytest
import yaml
from sklearn import metrics as judge

from dltrain.evaluation.predictions.stored_part import predict_part
from dltrain.training.fit import fit
from tests.training.support import config_of

NAMES = ["accuracy", {"BinaryAccuracy": {"name": "again"}}, "Precision", "Recall", "F1Score"]


@pytest.mark.parametrize(
    ("layers", "training"),
    [
        ([{"Dense": {"units": 1, "activation": "tanh"}}], {"loss": "SquaredHinge"}),
        pytest.param([{"Dense": {"units": 1}}], {"loss": {"BinaryCrossentropy": {"from_logits": True}}}, marks=pytest.mark.slow),
    ],
    ids=["margins", "logits"],
)
def test_metrics_are_those_of_the_predictions(layers: list[Any], training: dict[str, Any], tmp_path: Path) -> None:
    generator = np.random.default_rng(2)
    is_yes = np.arange(240) % 3 == 0
    x = (generator.normal(size=240) + is_yes).round(4)
    polars.DataFrame({"x": x, "y": np.where(is_yes, "yes", "no")}).write_csv(tmp_path / "t.csv")
    config = {
        "seed": 1,
        "data": {"source": "csv", "path": "t.csv", "target": "y", "split": {"test": 0.4}},
        "model": {"layers": layers},
        "training": {"epochs": 6, "optimizer": {"Adam": {"learning_rate": 0.05}}, "metrics": NAMES, **training},
    }
    result = fit(config_of(yaml.safe_dump(config), folder=tmp_path), run_dir=tmp_path / "run")
    found, said = result.metrics["test"], predict_part(result.run, "test").to_frame()
    true, answers = (said[name].to_numpy() == "yes" for name in ("true_y", "prediction"))
    np.testing.assert_array_equal(answers, said["probability_yes"].to_numpy() > 0.5)
    assert 0 < answers.mean() < 1
    expected = {
        "accuracy": judge.accuracy_score(true, answers),
        "precision": judge.precision_score(true, answers),
        "recall": judge.recall_score(true, answers),
        "f1": judge.f1_score(true, answers),
        "roc_auc": judge.roc_auc_score(true, said["probability_yes"].to_numpy()),
    }
    assert {name: found[name] for name in expected} == pytest.approx(expected, abs=1e-6)
    assert found["again"] == pytest.approx(expected["accuracy"], abs=1e-6)
    assert found["f1_score"] == pytest.approx(expected["f1"], abs=1e-6)
