"""A feature that alone tells the target is warned of by `fit`, `check` and `check --data`, and named by `init`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars
import pytest
from sklearn.metrics import roc_auc_score

from dltrain.checking import check_config
from dltrain.config import load_config_text
from dltrain.config.types import DataConfig, SplitConfig
from dltrain.data import load_dataset
from dltrain.data.giveaways import area_under_curve, told_by
from dltrain.starting.start import make_starter
from tests.data.streaming import IN_MEMORY, STREAMED, load_as, small_chunks

ROWS = 400
RANDOM = np.random.default_rng(2)
LABELS = RANDOM.permutation(np.array(["no", "yes"]).repeat(ROWS // 2))
IS_YES = LABELS == "yes"
LEAKS: dict[str, Any] = {
    "a number": np.where(IS_YES, 900.0, 100.0) + RANDOM.normal(size=ROWS),
    "a number of another sign": np.where(IS_YES, -5.0, 5.0) + RANDOM.normal(size=ROWS),
    "a category": np.where(IS_YES, "closed", RANDOM.choice(["open", "new"], ROWS)),
    "a boolean": np.where(IS_YES, "true", "false"),
    "a gap": [1.0 + place % 7 if yes else None for place, yes in enumerate(IS_YES)],
    "a close number": np.where(IS_YES, 2.8, 0.0) + RANDOM.normal(size=ROWS) * 0.55,
}
NONE: dict[str, Any] = {
    "noise": RANDOM.normal(size=ROWS),
    "a good number": np.where(IS_YES, 2.0, 0.0) + RANDOM.normal(size=ROWS),
    "a good category": np.where(IS_YES ^ (RANDOM.random(ROWS) < 0.05), "a", "b"),
    "many words": [f"w{i % 97}" for i in range(ROWS)],
}


def written(folder: Path, column: Any, y: Any = LABELS) -> DataConfig:
    frame = {"a": RANDOM.normal(size=ROWS), "b": RANDOM.normal(size=ROWS), "leak": column, "y": y}
    polars.DataFrame(frame).write_csv(folder / "t.csv")
    return DataConfig("csv", path=(str(folder / "t.csv"),), target=("y",), split=SplitConfig(test=0.25))


@pytest.mark.parametrize("name", [*LEAKS, *NONE])
def test_b6_what_gives_the_class_away_is_warned_of(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DLTRAIN_CACHE", str(tmp_path / "cache"))
    small_chunks(monkeypatch, 1000)
    config = written(tmp_path, {**LEAKS, **NONE}[name])
    dataset = load_as(monkeypatch, IN_MEMORY, config)
    said = [warning for warning in dataset.warnings if "column leak alone tells y almost perfectly" in warning]
    assert len(said) == (name in LEAKS)
    assert load_as(monkeypatch, STREAMED, config).warnings == dataset.warnings


def test_b6_check_says_what_fit_says_once(tmp_path: Path) -> None:
    written(tmp_path, LEAKS["a number"])
    text = "data: {source: csv, path: t.csv, target: y, split: {test: 0.25}}\nmodel: {layers: [Dense: {units: 2}]}\n"
    for data in (False, True):
        result = check_config(load_config_text(text, folder=tmp_path), data=data)
        assert sum("column leak alone tells y" in fault.message for fault in result.warnings) == 1, result.warnings


@pytest.mark.parametrize(("noise", "warned"), [(0.001, True), (0.5, False)])
def test_b6_a_number_that_follows_the_target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, noise: float, warned: bool) -> None:
    y = RANDOM.normal(size=ROWS)
    dataset = load_as(monkeypatch, IN_MEMORY, written(tmp_path, 32 + 1.8 * y + noise * RANDOM.normal(size=ROWS), y))
    assert any("column leak correlates with y almost perfectly" in warning for warning in dataset.warnings) == warned


def test_b6_a_rule_of_few_columns_is_there_to_be_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    x = RANDOM.normal(size=ROWS)
    polars.DataFrame({"x": x, "z": x * 0 + RANDOM.normal(size=ROWS), "y": np.where(x > 0, "up", "down")}).write_csv(
        tmp_path / "t.csv"
    )
    dataset = load_as(monkeypatch, IN_MEMORY, DataConfig("csv", path=(str(tmp_path / "t.csv"),), target=("y",)))
    assert not dataset.warnings


def test_b6_the_area_is_scikit_learns() -> None:
    score, truth = RANDOM.integers(0, 20, 300).astype(float), RANDOM.random(300) < 0.3
    assert area_under_curve(score, truth) == pytest.approx(roc_auc_score(truth, score))


def test_b6_classes_of_which_one_is_mixed_are_not_told() -> None:
    codes = RANDOM.integers(0, 3, 600)
    assert told_by(codes * 10.0 + RANDOM.random(600), codes, 3) == pytest.approx(1.0)
    assert told_by(np.minimum(codes, 1) * 10.0, codes, 3) < 0.9


@pytest.mark.parametrize("kind", ["category", "number"])
@pytest.mark.parametrize("wrong", [0, 20])
def test_b6_a_column_that_has_values_in_one_of_several_classes_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, wrong: int
) -> None:
    monkeypatch.setenv("DLTRAIN_CACHE", str(tmp_path / "cache"))
    small_chunks(monkeypatch, 1000)
    y = np.array(["bad", "good", "neutral", "neutral"] * (ROWS // 4))
    values = [("late", "lost")[place % 3 % 2] if kind == "category" else place % 7 + 0.5 for place in range(ROWS)]
    column = [value if (y[place] == "bad") != (place < wrong) else None for place, value in enumerate(values)]
    config = written(tmp_path, column, y)
    dataset = load_as(monkeypatch, IN_MEMORY, config)
    said = [one for one in dataset.warnings if "whether column leak has a value tells the y bad almost perfectly" in one]
    assert len(said) == (not wrong)
    assert load_as(monkeypatch, STREAMED, config).warnings == dataset.warnings
    leaks = make_starter(config.path[0], target="y").text.replace("\n  #   ", " ")
    assert ("whether leak has a value tells the class bad almost perfectly" in leaks) == (not wrong)


def test_that_there_is_a_word_may_tell_the_class() -> None:
    codes = np.arange(600) % 2
    words = polars.Series([f"word {at}" if code else None for at, code in enumerate(codes)])
    assert told_by(words, codes, 2) == 1.0
    assert told_by(words, np.roll(np.arange(600) // 2 % 2, 1), 2) < 0.6
    assert told_by(words.fill_null("none"), codes, 2) == 0.0


def test_many_columns_that_tell_it_are_one_warning(tmp_path: Path) -> None:
    y = np.cumsum(RANDOM.normal(size=ROWS))
    polars.DataFrame({f"{year}": y * year for year in range(1990, 2020)} | {"y": y}).write_csv(tmp_path / "t.csv")
    (warning,) = load_dataset(DataConfig("csv", path=(str(tmp_path / "t.csv"),), target=("y",)), seed=0).warnings
    assert warning.startswith("each of 30 columns correlates with y almost perfectly (1990 1.0000, 1991 1.0000, ")


def test_many_columns_that_have_values_in_one_class_alone_are_one_warning(tmp_path: Path) -> None:
    y = np.array(["bad", "good", "neutral", "neutral"] * (ROWS // 4))
    paid = {f"paid_{year}": [RANDOM.normal() if one == "bad" else None for one in y] for year in range(2000, 2012)}
    polars.DataFrame(paid | {"y": y}).write_csv(tmp_path / "t.csv")
    (warning,) = load_dataset(DataConfig("csv", path=(str(tmp_path / "t.csv"),), target=("y",)), seed=0).warnings
    assert warning.startswith("whether each of 12 columns has a value tells the y bad almost perfectly (paid_2000, paid_2001, ")


@pytest.mark.parametrize(("noise", "warned"), [(0.0, True), (0.3, False)])
def test_the_logarithm_of_the_target_gives_it_away(tmp_path: Path, noise: float, warned: bool) -> None:
    """As `logwage` does of the wages of 3,000 men: it is no straight line, but one goes up wherever the other does."""
    wage = np.exp(RANDOM.normal(4.7, 1.0, ROWS))
    config = written(tmp_path, np.log(wage) + noise * RANDOM.normal(size=ROWS), wage)
    found = load_dataset(config, seed=0).warnings
    assert any("column leak correlates with y almost perfectly" in warning for warning in found) == warned
    text = make_starter(config.path[0], target="y").text
    assert ("leak alone tells y almost perfectly (rank correlation 1.0000)" in text) == warned
