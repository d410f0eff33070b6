"""Where a first config names no hidden layer: a straight line tells as much as curves do, by scikit-learn's refits too."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars
import pytest
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge, RidgeCV
from sklearn.metrics import root_mean_squared_error

from dltrain.config import load_config_text
from dltrain.config.types import Config
from dltrain.starting.nets.line import STRENGTHS, _errors_left_out, told_by_line
from dltrain.starting.start import make_starter
from dltrain.starting.starter import Wishes
from tests.support import run_dltrain


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DLTRAIN_DATA", raising=False)


def test_the_error_of_a_row_left_out_is_that_of_a_fit_without_it() -> None:
    generator = np.random.default_rng(0)
    inputs = generator.normal(size=(40, 5))
    inputs -= inputs.mean(axis=0)
    truth = inputs @ generator.normal(size=(5, 2)) + generator.normal(size=(40, 2))
    kernel = inputs @ inputs.T
    by_strength = []
    for strength in STRENGTHS * np.trace(kernel):
        left = []
        for row in range(40):
            rest = np.arange(40) != row
            model = Ridge(strength).fit(inputs[rest], truth[rest])
            left.append(((truth[row] - model.predict(inputs[[row]])) ** 2).sum())
        by_strength.append(np.array(left))
    best = min(by_strength, key=np.mean)
    assert _errors_left_out(kernel, truth - truth.mean(axis=0)) == pytest.approx(best, rel=1e-6)


@pytest.mark.parametrize("rows", [60, 200, pytest.param(600, marks=pytest.mark.slow)])
def test_a_line_is_told_from_curves(rows: int) -> None:
    found = []
    for seed in range(10):
        generator = np.random.default_rng(seed)
        inputs = generator.normal(size=(rows, 8))
        noise = generator.normal(size=(rows, 1))
        line, _ = told_by_line(inputs, inputs[:, :1] + inputs[:, 1:2] + noise)
        bent, _ = told_by_line(inputs, 2 * np.abs(inputs[:, :1]) + inputs[:, 1:2] + noise / 4)
        found.append((line is not None, bent is None))
        if line is not None:
            assert line == pytest.approx(2 / 3, abs=0.35)
    lines, curves = np.sum(found, axis=0)
    assert lines >= 9
    assert curves >= 9


def test_where_nothing_tells_the_target_no_share_is_below_none() -> None:
    generator = np.random.default_rng(0)
    assert told_by_line(generator.normal(size=(60, 3)), generator.normal(size=(60, 1)))[0] == pytest.approx(0, abs=0.1)
    line, curve = told_by_line(np.zeros((60, 1)), np.arange(60.0)[:, None] % 7)
    assert (line, curve) == (0, 0)


def columns_of(rows: int, kind: str) -> dict[str, Any]:
    generator = np.random.default_rng(1)
    x, z = generator.normal(size=(2, rows)).round(4)
    word = np.array(["a", "b", "c", *(f"m{number}" for number in range(9))])[generator.integers(0, 12, rows)]
    y = 2 * x - z + (word == "a") + generator.normal(size=rows) / 2
    y = y + 3 * z**2 if kind == "curved" else np.exp(y) if kind == "skewed" else y
    if kind == "classes":
        return {"x": x, "z": z, "word": word, "y": np.where(y + 4 * generator.normal(size=rows) > 0, "yes", "no")}
    return {"x": x, "z": z, "word": word, "y": y.round(3)}


def start(columns: dict[str, Any], **options: Any) -> tuple[str, Config]:
    polars.DataFrame(columns).write_csv("t.csv")
    text = make_starter("t.csv", target="y", wishes=Wishes(**options)).text
    return text, load_config_text(text, file="first.yaml", folder=Path.cwd())


@pytest.mark.parametrize(
    ("rows", "kind", "hidden"),
    [
        (60, "straight", False), (600, "straight", False), (600, "classes", False), (400, "skewed", False),
        (600, "curved", True), (30, "straight", True), (3000, "straight", True),
    ],
)  # fmt: skip
def test_no_hidden_layer_where_a_line_tells_the_target(rows: int, kind: str, hidden: bool) -> None:
    text, config = start(columns_of(rows, kind))
    assert config.training is not None
    assert bool(config.model.layers) is hidden
    assert ("a straight line" in " ".join(text.replace("#", "").split())) is not hidden
    if not hidden:
        assert config.training.members is not None
        assert config.training.members.folds == 5
        assert config.data.split.validation is None
        assert config.data.encode is None
        assert config.data.scale_target == ("log" if kind == "skewed" else True)
    assert not config.warnings


def test_a_simple_net_has_its_hidden_layer() -> None:
    _, config = start(columns_of(600, "straight"), simple=True)
    assert config.model.layers


@pytest.mark.slow
def test_the_net_is_as_good_as_ridge_regression(tmp_path: Path) -> None:
    frame = load_diabetes(as_frame=True).frame
    order = np.random.default_rng(0).permutation(len(frame))
    train, test = frame.iloc[order[:300]], frame.iloc[order[300:]]
    train.to_csv(tmp_path / "train.csv", index=False)
    test.to_csv(tmp_path / "test.csv", index=False)
    run_dltrain("init", "train.csv", "--target", "target", "-o", "c.yaml", cwd=tmp_path)
    run_dltrain("fit", "c.yaml", "data.split.test=null", "data.test=test.csv", "--run-dir", "run", "-q", cwd=tmp_path)
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())["metrics"]["test"]
    x, y = train.drop(columns="target"), train["target"]
    ridge = RidgeCV(np.logspace(-4, 2, 13)).fit(x, y).predict(test.drop(columns="target"))
    assert metrics["rmse"] <= 1.01 * root_mean_squared_error(test["target"], ridge)
