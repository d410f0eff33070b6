"""Whole numbers that are codes, as a first config reads them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dltrain.reporting import Reporter
from dltrain.starting.starter import Wishes
from dltrain.starting.table import start_table


def _config(folder: Path, lines: list[str], target: str) -> str:
    file = folder / "ratings.csv"
    file.write_text("\n".join(lines) + "\n")
    return start_table("csv", str(file), str(file), target, Reporter(), Wishes()).text


def _rows(seed: int = 0, num_rows: int = 4000) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    liked = rng.normal(size=80)
    user, age = rng.integers(80, size=num_rows), rng.integers(18, 80, num_rows)
    return 1000 + 7 * user, age, liked[user] + 0.02 * age + rng.normal(scale=0.5, size=num_rows)


def test_numbers_of_users_are_categories_and_ages_numbers(tmp_path: Path) -> None:
    rows = zip(*_rows(), strict=True)
    text = _config(tmp_path, ["user,age,liked", *(f"{user},{age},{liked:.3f}" for user, age, liked in rows)], "liked")
    assert "features: {user: category, age: number}" in text
    assert "user: whole numbers read as categories, 80 different" in text
    assert "`user: number` takes them for amounts" in " ".join(text.replace("#", "").split())


def test_codes_that_tell_classes_with_gaps_among_them(tmp_path: Path) -> None:
    user, age, liked = _rows()
    cells = ["" if at % 50 == 0 else f"{number}.0" for at, number in enumerate(user)]
    classes = np.where(liked > np.median(liked), "yes", "no")
    lines = [f"{cell},{years},{word}" for cell, years, word in zip(cells, age, classes, strict=True)]
    assert "features: {user: category, age: number}" in _config(tmp_path, ["user,age,bought", *lines], "bought")


@pytest.mark.parametrize(
    "curve",
    [lambda x: x, lambda x: 30 * np.sin(x / 15), lambda x: 5.0 * (x > 60), lambda x: 0 * x],
    ids=["line", "wave", "step", "nothing"],
)
def test_amounts_stay_numbers(tmp_path: Path, curve: object) -> None:
    rng = np.random.default_rng(1)
    amount = rng.integers(0, 100, 4000)
    liked = curve(amount.astype(float)) + rng.normal(size=4000)  # type: ignore[operator]
    text = _config(tmp_path, ["amount,liked", *(f"{x},{y:.3f}" for x, y in zip(amount, liked, strict=True))], "liked")
    assert "amount: number" in text
    assert "read as categories" not in text


def test_each_row_of_its_own_number_is_no_code(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    order, other = rng.permutation(4000) * 3 + 5, rng.normal(size=4000)
    lines = [f"{x},{y:.3f},{y + rng.normal():.3f}" for x, y in zip(order, other, strict=True)]
    assert "read as categories" not in _config(tmp_path, ["amount,other,liked", *lines], "liked")


@pytest.mark.parametrize(("name", "first"), [("year", 0), ("built", 1950), ("epoch", 7000)])
def test_years_and_times_stay_numbers_whatever_each_of_them_brought(name: str, first: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    year, shock = rng.integers(0, 74, 4000), rng.normal(size=74)
    liked = 0.1 * year + shock[year] + rng.normal(scale=0.5, size=4000)
    text = _config(tmp_path, [f"{name},liked", *(f"{x + first},{y:.3f}" for x, y in zip(year, liked, strict=True))], "liked")
    assert f"{name}: number" in text
    assert "read as categories" not in text


def test_amounts_of_which_a_few_are_far_out_stay_numbers(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    far = rng.random(20_000) < 0.05
    amount = np.where(far, 100 * rng.integers(1, 30, 20_000), rng.integers(0, 40, 20_000))
    liked = amount + rng.normal(size=20_000)
    text = _config(tmp_path, ["amount,liked", *(f"{x},{y:.3f}" for x, y in zip(amount, liked, strict=True))], "liked")
    assert "amount: number" in text
