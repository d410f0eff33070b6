"""What a first config says of preparation: categories, names of rows, words among numbers, skewed targets; and of the net."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars
import pytest
from scipy.stats import skew

from dltrain.config import load_config_text
from dltrain.config.types import Config
from dltrain.data.dataset import Dataset
from dltrain.data.load import load_dataset
from dltrain.starting.preparation import skewness
from dltrain.starting.start import make_starter
from tests.support import run_dltrain


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DLTRAIN_DATA", raising=False)


def start(columns: dict[str, Any], **options: Any) -> tuple[str, Config, Dataset]:
    """The text of the first config of a table that predicts y, the config, and what a fit would train on."""
    polars.DataFrame(columns).write_csv("t.csv")
    text = make_starter("t.csv", target="y", **options).text
    config = load_config_text(text, file="first.yaml", folder=Path.cwd())
    return text, config, load_dataset(config.data, seed=config.seed)


def table(rows: int = 400) -> dict[str, Any]:
    generator = np.random.default_rng(0)
    x = generator.normal(size=rows)
    return {"x": x.round(4), "y": (x + generator.normal(size=rows)).round(4)}


def test_more_than_nine_categories_are_embedded() -> None:
    generator = np.random.default_rng(1)
    many = [f"m{number}" for number in generator.integers(0, 12, 2500)]
    few = [f"f{number}" for number in generator.integers(0, 9, 2500)]
    text, config, dataset = start({"many": many, "few": few, **table(2500)})
    assert config.data.encode == {"many": "embedding"}
    assert "of more than 9 categories an embedding learns which are alike" in text
    columns = {column.name: column.encode for column in dataset.preprocessing.features if column.kind == "category"}  # type: ignore[attr-defined]
    assert columns == {"many": "embedding", "few": "one_hot"}
    _, config, _ = start({"few": few, **table(2500)})
    assert config.data.encode is None


@pytest.mark.parametrize(
    ("make", "chosen"),
    [
        (lambda z: np.exp(10 + z), "log"),
        (lambda z: np.exp(10 + z) * (np.arange(len(z)) > 0), True),  # a price of 0 has no logarithm
        (lambda z: z, True),
        (lambda z: 100 + z, True),  # positive, and not skewed
        (lambda z: 10 - np.exp(z / 4), True),  # leans to the other side
    ],
)
def test_the_logarithm_of_a_skewed_positive_target_is_learned(make: Any, chosen: Any) -> None:
    z = np.random.default_rng(2).normal(size=140)  # few rows: more of them get the preset, and its preparation
    y = np.round(make(z), 6)
    text, config, dataset = start({**table(140), "y": y})
    assert config.data.scale_target == chosen
    if chosen == "log":
        train = y[dataset.parts["train"].row_ids]
        assert f"skewed ({skew(train):.1f}; its logarithm {skew(np.log(train)):.1f}" in text


def test_a_target_with_a_zero_in_any_part_has_no_logarithm() -> None:
    y = np.exp(2 * np.random.default_rng(2).normal(size=400)).round(6)
    assert start({**table(), "y": y})[1].data.scale_target == "log"
    test = start({**table(), "y": y})[2].parts["test"].row_ids
    for row in (int(test[0]), int(np.setdiff1d(np.arange(400), test)[0])):
        assert start({**table(), "y": np.where(np.arange(400) == row, 0.0, y)})[1].data.scale_target != "log"


def test_skewness_is_scipys() -> None:
    values = np.random.default_rng(3).gamma(2, size=1000)
    assert skewness(values) == pytest.approx(skew(values))
    assert skewness(np.ones(5)) == 0.0


def test_names_of_rows_are_left_out_and_said() -> None:
    generator = np.random.default_rng(4)
    surnames = [f"Name{number}" for number in generator.zipf(1.3, 400).clip(max=300)]
    counter = generator.permutation(400) + 1
    text, config, _ = start({"nr_of_it": counter, "surname": surnames, **table()})
    different = len(set(surnames))
    assert different > 80
    assert config.data.drop == ("nr_of_it", "surname")
    assert f"surname ({different} different in 400 rows)" in text
    assert "nr_of_it (counts the rows, in another order)" in text
    assert config.data.features == {"x": "number"}


def test_what_is_left_alone_is_learnt_from() -> None:
    counter = np.random.default_rng(5).permutation(400) + 1
    _, config, _ = start({"moment": counter, "y": counter * 2.0})
    assert config.data.drop == ()
    _, config, _ = start({"time": np.arange(1, 401), **table()})  # in its order it may be a time
    assert "time" in (config.data.features or {})


@pytest.mark.parametrize(
    ("name", "values", "left_out"),
    [
        ("RowNumber", np.arange(1, 1001)[::2], True),
        ("RowNumber", np.arange(1, 1001)[np.random.default_rng(0).permutation(1000)[:750]], True),
        ("row_width", np.arange(1, 1001)[::2], False),
        ("RowNumber", np.arange(0, 100_000, 200), True),  # too far apart for that, but it tells nothing of the target
        ("size", np.arange(1, 1001)[::2], False),
    ],
)
def test_some_rows_of_a_table_that_counted_them(name: str, values: Any, left_out: bool) -> None:
    _, config, _ = start({name: values, **table(len(values))})
    assert (name not in (config.data.features or {})) == left_out


def test_numbers_with_some_words_stay_numbers() -> None:
    generator = np.random.default_rng(6)
    zips = [str(number) for number in generator.integers(10_000, 99_999, 400)]
    for row, word in enumerate(["M4V 1K9", "Canada", "none given", "n.n.", "abroad"]):
        zips[row * 7] = word
    text, config, dataset = start({"zip": zips, **table()})
    assert (config.data.features or {})["zip"] == "number"
    assert (config.data.arguments["gaps"], config.data.replace) == (["zip"], {})
    assert "gaps: [zip]" in text
    assert "among which any word is no value" in text
    assert np.isfinite(dataset.parts["train"].inputs["features"]).all()
    for row in range(100):  # a quarter: a column of words
        zips[row] = f"word {row % 5}"
    _, config, _ = start({"zip": zips, **table()})
    assert "zip" not in config.data.replace
    assert "gaps" not in config.data.arguments


def test_a_simple_net_is_written_where_it_is_asked_for() -> None:
    polars.DataFrame(table()).write_csv("t.csv")
    done = run_dltrain("init", "t.csv", "--target", "y", "--simple", cwd=Path.cwd())
    config = load_config_text(done.stdout, file="first.yaml", folder=Path.cwd())
    assert [dict(layer.component.arguments)["units"] for layer in config.model.layers] == [16]
    assert config.training is not None
    assert config.training.optimizer.arguments == {"learning_rate": 0.003}
    _, config, _ = start(table(140))
    assert config.training is not None
    assert config.training.reduce_lr_on_plateau is not None


def test_values_far_out_are_bent_in() -> None:
    generator = np.random.default_rng(7)
    far = generator.normal(size=140).round(4)
    far[::40] = 60.0
    sparse = np.where(np.arange(140) % 10 == 0, 1000.0, 0.0)  # most are one value: there is no middle half to be far from
    text, config, dataset = start({"far": far, "sparse": sparse, "even": generator.uniform(size=140).round(4), **table(140)})
    assert config.data.scale == {"far": "smooth_clip"}
    scales = {column.name: column.numbers[0].scale for column in dataset.preprocessing.features}  # type: ignore[attr-defined]
    assert scales == {"far": "smooth_clip", "sparse": "standard", "even": "standard", "x": "standard"}
    assert "values far out are bent in" in text


@pytest.mark.parametrize(
    ("number", "others", "is_gap"),
    [
        ("99999999", (0, 5000), True),
        ("-999.0", (-100, 100), True),
        ("999", (0, 27), True),
        ("999", (0, 400), False),  # an end of the scale
        ("-99", (-60, 10), False),
        ("1000", (0, 27), False),
    ],
)
def test_numbers_that_stand_for_no_value_are_gaps(number: str, others: tuple[int, int], is_gap: bool) -> None:
    values = np.random.default_rng(7).integers(*others, 400, endpoint=True)
    cells = [number if row in (3, 300) else str(value) for row, value in enumerate(values)]
    text, config, _ = start({"income": cells, **table()})
    word = number.removesuffix(".0")
    assert config.data.replace.get("income") == ({word: ""} if is_gap else None)
    assert (f"{word} in 2 rows of income" in " ".join(text.replace("#", "").split())) is is_gap


def test_a_number_that_most_rows_have_is_kept() -> None:
    values = np.random.default_rng(7).integers(0, 27, 400, endpoint=True)
    _, config, _ = start({"pdays": np.where(np.arange(400) % 3 > 0, 999, values), **table()})
    assert not config.data.replace


def test_a_target_keeps_its_numbers() -> None:
    values = np.random.default_rng(8).normal(size=400).round(2)
    text, config, _ = start({"x": values, "y": [999 if row in (3, 30, 300) else value for row, value in enumerate(values)]})
    assert not config.data.replace
    assert "y: 3 of the 400 values looked at are 999, far from all others" in " ".join(text.replace("#", "").split())
    text, *_ = start({"x": values, "y": values})
    assert "far from all others" not in text
