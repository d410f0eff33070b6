"""What is said at the end of fits whose best possible score is known: of the good, the useless, the imbalanced, of few rows."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import polars
import pytest
import yaml
from scipy.stats import norm

from dltrain.training.fit import fit
from tests.training.support import config_of

SHIFT = 1.5  # between the two classes, in deviations
SAID = ("no better than the baseline", "not shown to be better than the baseline")


def fitted(folder: Path, frame: polars.DataFrame, test: polars.DataFrame, target: Any, **training: Any) -> Any:
    """One layer, trained until it can do no better."""
    frame.write_csv(folder / "train.csv")
    test.write_csv(folder / "test.csv")
    data = {"source": "csv", "path": "train.csv", "test": "test.csv", "target": target, "features": {"x": "number"}}
    settings = {"epochs": 25, "batch_size": 32, "optimizer": {"Adam": {"learning_rate": 0.03}}, **training}
    config = {"seed": 1, "data": data, "model": {"layers": []}, "training": settings}
    return fit(config_of(yaml.safe_dump(config), folder=folder), run_dir=folder / "run")


def two_classes(rows: int, share: float, seed: int, shift: float = SHIFT) -> polars.DataFrame:
    generator = np.random.default_rng(seed)
    positive = np.arange(rows) < max(2, round(share * rows))
    x = generator.normal(size=rows) + shift * positive
    return polars.DataFrame({"x": x.round(4), "y": np.where(positive, "yes", "no")})


def sentences(result: Any) -> list[str]:
    return [note for note in result.notes if any(said in note for said in SAID)]


@pytest.mark.parametrize(
    ("share", "rows", "balanced"),
    [
        pytest.param(0.08, 2000, True),
        pytest.param(0.5, 1000, False, marks=pytest.mark.slow),
        pytest.param(0.08, 2000, False, marks=pytest.mark.slow),
        pytest.param(0.5, 24, False, marks=pytest.mark.slow),
        pytest.param(0.1, 30, True, marks=pytest.mark.slow),
    ],
)
def test_the_best_there_can_be_is_never_called_no_better(share: float, rows: int, balanced: bool, tmp_path: Path) -> None:
    training = {"class_weight": "balanced"} if balanced else {}
    result = fitted(tmp_path, two_classes(2000, share, 0), two_classes(rows, share, 1), "y", **training)
    best = float(norm.cdf(SHIFT / math.sqrt(2)))  # the area under the ROC curve of the best there can be
    error = 3 * math.sqrt(best * (1 - best) / max(2, round(share * rows)))
    assert abs(result.metrics["test"]["roc_auc"] - best) < error + 0.005
    if not balanced and rows >= 1000:  # accuracy of the Bayes rule
        cut = SHIFT / 2 + math.log((1 - share) / share) / SHIFT
        accuracy = share * norm.sf(cut - SHIFT) + (1 - share) * norm.cdf(cut)
        assert result.metrics["test"]["accuracy"] == pytest.approx(accuracy, abs=4 * math.sqrt(accuracy * (1 - accuracy) / rows))
    told = sentences(result)
    assert not any(SAID[0] in note for note in told)
    if rows >= 1000:
        assert told == []
    assert not any(found["kind"] == "stuck_at_baseline" for found in result.diagnosis)


@pytest.mark.slow
@pytest.mark.parametrize(("share", "rows"), [(0.5, 1000), (0.08, 2000), (0.5, 24)])
@pytest.mark.parametrize("balanced", [False, True])
def test_a_useless_model_is_never_called_better(share: float, rows: int, balanced: bool, tmp_path: Path) -> None:
    training = {"class_weight": "balanced"} if balanced else {}
    result = fitted(tmp_path, two_classes(2000, share, 0, 0.0), two_classes(rows, share, 1, 0.0), "y", **training)
    assert len(sentences(result)) == 1


@pytest.mark.slow
@pytest.mark.parametrize(("slope", "rows", "told"), [(2.0, 400, False), (0.0, 400, True), (2.0, 12, False), (0.0, 12, True)])
def test_numbers(slope: float, rows: int, told: bool, tmp_path: Path) -> None:
    """Of y = slope · x + N(0, 1) the best r² is slope² / (slope² + 1)."""

    def draw(count: int, seed: int) -> polars.DataFrame:
        generator = np.random.default_rng(seed)
        x = generator.normal(size=count)
        return polars.DataFrame({"x": x.round(4), "y": (50 + slope * x + generator.normal(size=count)).round(4)})

    result = fitted(tmp_path, draw(1000, 0), draw(rows, 1), "y")
    if rows > 100:
        assert result.metrics["test"]["r2"] == pytest.approx(slope**2 / (slope**2 + 1), abs=0.06)
        assert result.metrics["test"]["rmse"] == pytest.approx(1.0, abs=0.12)
    assert len(sentences(result)) == int(told)


@pytest.mark.slow
def test_each_of_several_targets_has_its_own_sentence(tmp_path: Path) -> None:
    def draw(count: int, seed: int) -> polars.DataFrame:
        generator = np.random.default_rng(seed + 100)  # not that of x
        frame = two_classes(count, 0.4, seed)
        noise = {"noise": generator.normal(size=count).round(4), "coin": generator.choice(["head", "tail"], count)}
        return frame.with_columns(**{name: polars.Series(values) for name, values in noise.items()})

    result = fitted(tmp_path, draw(1500, 0), draw(600, 1), ["y", "noise", "coin"])
    told = sentences(result)
    assert len(told) == 2
    assert any("noise_rmse" in note for note in told)
    assert any("coin_log_loss" in note for note in told)
