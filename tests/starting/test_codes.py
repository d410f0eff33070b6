"""Whole numbers that are codes, as a first config reads them."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from dltrain.config import load_config
from dltrain.config.types import Config, DataConfig
from dltrain.data.load import load_dataset
from dltrain.reporting import Reporter
from dltrain.starting.starter import Wishes
from dltrain.starting.table import start_table


def _config(folder: Path, lines: list[str], target: str) -> str:
    file = folder / "ratings.csv"
    file.write_text("\n".join(lines) + "\n")
    return start_table("csv", str(file), str(file), target, Reporter(), Wishes()).text


def _written(folder: Path, text: str) -> Config:
    """The config as `fit` reads it from a file."""
    config = folder / "c.yaml"
    config.write_text(text)
    return load_config(config)


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


def _regions(seed: int = 3, num_rows: int = 2000) -> tuple[list[str], np.ndarray]:
    """ZIP codes, of which the first digit tells the target, some with leading zeros, a few that are none."""
    rng = np.random.default_rng(seed)
    first = rng.integers(10, size=num_rows)
    codes = [f"{digit}{rest:04d}" for digit, rest in zip(first, rng.integers(10_000, size=num_rows), strict=True)]
    codes[7] = codes[70] = "canada"
    return codes, rng.normal(size=10)[first] + rng.normal(size=num_rows)


def test_codes_nearly_all_different_are_numbers_where_their_order_tells(tmp_path: Path) -> None:
    codes, y = _regions()
    age = np.random.default_rng(4).integers(18, 80, len(codes))
    rows = zip(codes, age, y, strict=True)
    text = _config(tmp_path, ["zip,age,y", *(f"{zip_code},{years},{value:.3f}" for zip_code, years, value in rows)], "y")
    assert "features: {zip: number, age: number}" in text
    assert "replace: {zip: {canada:" in text
    assert "zip: codes read as numbers: their order explains" in text
    loaded = _written(tmp_path, text)
    found = load_dataset(loaded.data, seed=loaded.seed)
    # The two that are no ZIP code are gaps; a code with a leading zero is the number that it says.
    assert "zip missing" in found.schema.inputs[0].columns


@pytest.mark.parametrize("unit", ["", " kmpl"])
def test_numbers_among_many_words_are_read_where_their_order_tells(tmp_path: Path, unit: str) -> None:
    rng = np.random.default_rng(5)
    area = rng.integers(2000, 9000, 800) / 10
    cells = [f"{value}{unit}" for value in area]
    for row in range(0, 800, 11):
        cells[row] = f"{area[row]} - {area[row] + 10:.1f}" if row % 2 else f"{area[row] / 10:.2f} km/kg"
    price = 3 * area + rng.normal(size=800)
    rows = zip(cells, rng.integers(1, 6, 800), price, strict=True)
    text = _config(tmp_path, ["area,rooms,price", *(f"{cell},{rooms},{value:.2f}" for cell, rooms, value in rows)], "price")
    assert "features: {area: number, rooms: number}" in text
    assert "gaps: [area]" in text
    assert "area: words, of which most are numbers, read as numbers: their order explains" in text
    loaded = _written(tmp_path, text)
    found = load_dataset(loaded.data, seed=loaded.seed)
    assert "area missing" in found.schema.inputs[0].columns


def test_several_words_among_numbers_are_gaps_whichever_later_rows_have(tmp_path: Path) -> None:
    codes, y = _regions()
    codes[8:12] = ["K1A 0B1", "V6B 4Y8", "unknown", "H2X 1Y4"]
    age = np.random.default_rng(4).integers(18, 80, len(codes))
    rows = zip(codes, age, y, strict=True)
    text = _config(tmp_path, ["zip,age,y", *(f"{zip_code},{years},{value:.3f}" for zip_code, years, value in rows)], "y")
    assert "features: {zip: number, age: number}" in text
    assert "gaps: [zip]" in text
    assert "replace" not in text
    loaded = _written(tmp_path, text)
    stored = load_dataset(loaded.data, seed=loaded.seed).preprocessing
    (tmp_path / "later.csv").write_text("zip,age,y\nM5V 2T6,40,1\n01234,30,2\n")
    later = DataConfig("csv", path=(str(tmp_path / "later.csv"),), target=("y",))
    found = load_dataset(later, seed=0, preprocessing=stored)
    assert any("zip: 1 of 2 ('M5V 2T6')" in line for line in found.summary)


def test_codes_whose_order_tells_nothing_are_left_out(tmp_path: Path) -> None:
    codes, _ = _regions()
    rng = np.random.default_rng(5)
    age = rng.integers(18, 80, len(codes))
    rows = zip(codes, age, 0.02 * age + rng.normal(size=len(codes)), strict=True)
    text = _config(tmp_path, ["zip,age,y", *(f"{zip_code},{years},{value:.3f}" for zip_code, years, value in rows)], "y")
    assert "codes read as numbers" not in text
    assert "left out: zip" in text


def _answers(words: int, told: float, num_rows: int = 3000) -> list[str]:
    """A word of so many different, a number, and a target of which the word tells so much."""
    rng = np.random.default_rng(6)
    of_word = told * rng.normal(size=words)
    word, age = rng.integers(words, size=num_rows), rng.integers(18, 80, num_rows)
    y = of_word[word] + 0.02 * age + rng.normal(size=num_rows)
    return ["word,age,y", *(f"w{code},{years},{value:.3f}" for code, years, value in zip(word, age, y, strict=True))]


@pytest.mark.parametrize(("words", "told", "kept"), [(300, 0, False), (300, 2, True), (900, 2, True), (900, 0, False)])
def test_words_of_few_rows_are_kept_where_they_tell(tmp_path: Path, words: int, told: float, kept: bool) -> None:
    text = _config(tmp_path, _answers(words, told), "y")
    assert ("word: category" in text) is kept
    assert ("drop: [word]" in text) is not kept
    assert ("which tell nothing of the target" in text) is (words == 300 and not kept)


def _named(told: float, seed: int = 8, num_rows: int = 2000) -> list[str]:
    """Answers of two words and a number of their own, of which the first tells the target."""
    rng = np.random.default_rng(seed)
    first, second = rng.integers(12, size=num_rows), rng.integers(50, size=num_rows)
    age = rng.integers(18, 80, num_rows)
    y = told * rng.normal(size=12)[first] + 0.02 * age + rng.normal(size=num_rows)
    words = [f"Place{a} by{b} {n}" for n, (a, b) in enumerate(zip(first, second, strict=True))]
    return ["words,age,y", *(f"{word},{years},{value:.3f}" for word, years, value in zip(words, age, y, strict=True))]


def test_short_texts_are_read_word_by_word_where_their_words_tell(tmp_path: Path) -> None:
    text = _config(tmp_path, _named(2), "y")
    assert "features: {words: text, age: number}" in text
    assert "words: read as text, word by word: its words explain" in text
    assert "preset: realmlp" in text
    loaded = _written(tmp_path, text)
    assert loaded.model.inputs == {"numbers": ["age"], "words": ["words"]}
    names = [layer.component.name for layer in loaded.model.layers]
    assert names[:5] == ["PeriodicEmbedding", "Embedding", "GlobalAveragePooling1D", "Concatenate", "FeatureScaling"]


def test_short_texts_whose_words_tell_nothing_are_left_out(tmp_path: Path) -> None:
    text = _config(tmp_path, _named(0), "y")
    assert "words: text" not in text
    assert "left out: words (text, all different)" in text


def _cabins(told: float, seed: int = 9, num_rows: int = 600) -> list[str]:
    """Names of cabins, nearly all different, of which one row in four has one; those rows survive more often by so much."""
    rng = np.random.default_rng(seed)
    has_one, age = rng.random(num_rows) < 0.25, rng.integers(1, 80, num_rows)
    survived = rng.random(num_rows) < 0.35 + told * has_one
    cells = [f"{rng.choice(list('ABCD'))} {number}" if one else "" for number, one in enumerate(has_one)]
    return [f"{cell},{years},{int(yes)}" for cell, years, yes in zip(cells, age, survived, strict=True)]


def test_texts_that_are_too_many_are_read_for_whether_there_is_one_where_that_tells(tmp_path: Path) -> None:
    text = _config(tmp_path, ["cabin,age,survived", *_cabins(0.4)], "survived")
    assert "features: {cabin: category, age: number}" in text
    assert "min_count: {cabin: 20}" in text
    assert "cabin: read as categories: its texts are too many to learn, but that a row has one explains" in text
    loaded = _written(tmp_path, text)
    found = load_dataset(loaded.data, seed=loaded.seed)
    assert found.schema.inputs[0].columns == ("cabin=(missing)", "age")


def test_gaps_among_texts_that_tell_nothing_leave_them_out(tmp_path: Path) -> None:
    text = _config(tmp_path, ["cabin,age,survived", *_cabins(0.0)], "survived")
    assert "features: {age: number}" in text


@pytest.mark.parametrize(("rescued", "said"), [(1.0, "boat alone tells the class almost perfectly"), (0.9, "with an AUC of 0.9")])
def test_gaps_that_give_the_target_away_are_told(rescued: float, said: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(10)
    rows = [line.split(",") for line in _cabins(0.3)]
    has_boat = [yes == "1" and rng.random() < rescued for _, _, yes in rows]
    boats = [f"boat {at}" if one else "" for at, one in enumerate(has_boat)]
    lines = [f"{boat},{age},{yes}" for boat, (_, age, yes) in zip(boats, rows, strict=True)]
    text = _config(tmp_path, ["boat,age,survived", *lines], "survived")
    assert "boat: category" in text
    assert said in text


def _customers(name: str, numbers: np.ndarray, truth: np.ndarray | None = None) -> list[str]:
    rng = np.random.default_rng(8)
    age = rng.integers(18, 80, len(numbers))
    left = age + rng.normal(scale=20, size=len(age)) if truth is None else truth
    words = np.where(left > np.median(left), "left", "stayed")
    return [f"{name},age,y", *(f"{x},{years},{word}" for x, years, word in zip(numbers, age, words, strict=True))]


@pytest.mark.parametrize(
    "name", ["CLIENTNUM", *(pytest.param(name, marks=pytest.mark.slow) for name in ("EmployeeNumber", "account_no"))]
)
def test_numbers_of_customers_that_differ_in_every_row_and_tell_nothing_are_no_feature(tmp_path: Path, name: str) -> None:
    numbers = np.random.default_rng(9).choice(10**8, 800, replace=False) + 7 * 10**8
    text = _config(tmp_path, _customers(name, numbers), "y")
    assert "features: {age: number}" in text
    assert f"{name} (800 different in 800 rows, which tell nothing of the target)" in text
    # In a column that is not called so, or where their order tells the class, they are a number like others.
    assert "amount: number" in _config(tmp_path, _customers("amount", numbers), "y")
    assert f"{name}: number" in _config(tmp_path, _customers(name, numbers, numbers.astype(float)), "y")


def test_ids_that_a_few_rows_share_are_no_feature_where_they_tell_nothing(tmp_path: Path) -> None:
    numbers = np.random.default_rng(9).choice(10**8, 300, replace=False).repeat(3)
    text = _config(tmp_path, _customers("PatientId", numbers), "y")
    assert "features: {age: number}" in text
    assert "PatientId (300 different in 900 rows, which tell nothing of the target)" in text
    each = np.random.default_rng(10).normal(size=300).repeat(3) + np.random.default_rng(11).normal(scale=0.3, size=900)
    assert "PatientId" not in _config(tmp_path, _customers("PatientId", numbers, each), "y").partition("drop:")[2]


@pytest.mark.parametrize("is_ordered", [True, False])
@pytest.mark.parametrize(("left_out", "what"), [((), "counts the rows"), ((7, 99), "the index of a table that was exported")])
def test_an_index_is_left_out_and_what_the_order_of_rows_tells_is_said(
    tmp_path: Path, left_out: tuple[int, ...], what: str, is_ordered: bool
) -> None:
    rng = np.random.default_rng(12)
    price = rng.normal(size=800)
    price = np.sort(price) if is_ordered else price
    drawn = [(row, y) for row, y in enumerate(price, 1) if row not in left_out]
    rows = [f"{row},{rng.integers(9)},{y:.3f}" for row, y in drawn]
    text = " ".join(_config(tmp_path, ["rownames,rooms,price", *rows], "price").replace("#", "").split())
    why = r"; the order of rows explains 9\d % of the target" if is_ordered else ""
    assert re.search(rf"left out: rownames \({what}{why}\); `features` can name them", text)
