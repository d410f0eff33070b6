"""Columns that the training part teaches nothing about are left out, by name: what they show later would meet untrained weights."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars
import pytest

from dltrain.config.types import DataConfig, SplitConfig
from dltrain.data import Dataset, load_dataset
from dltrain.data.arrays.disk_array import in_memory
from dltrain.data.facts import facts_of
from dltrain.data.sources import read_source
from dltrain.data.stored import load_preprocessing
from dltrain.errors import ConfigError, DataError, warnings_of
from dltrain.reporting import Reporter
from tests.data.streaming import IN_MEMORY, STREAMED, assert_same, load_as, small_chunks

TRAIN, ALL = 90, 120
PROSE = "some words number {} that are prose enough to count as a text and not as the names of anything"


def late(values: list[Any], before: Any = None) -> list[Any]:
    """Values that begin after the training part; `before` stands in it."""
    return [before] * TRAIN + values


COLUMNS: dict[str, list[Any]] = {
    "sensor": late([5000.0 + i for i in range(30)]),
    "stuck": late([5000.0] * 30, 7.0),
    "rounded": [0.1 + 0.2 if i % 2 else 0.3 for i in range(TRAIN)] + [5000.0] * 30,
    "kind": late(["a", "b"] * 15),
    "one": late(["b"] * 30, "a"),
    "note": late([PROSE.format(i) for i in range(30)]),
    "date": late([f"2024-01-{i % 28 + 1:02d}" for i in range(30)]),
    "same_day": late([f"2024-01-{i % 28 + 1:02d}" for i in range(30)], "2023-05-05"),
    "flag": late(["false"] * 30, "true"),
}


def table(columns: dict[str, list[Any]]) -> polars.DataFrame:
    x = np.random.default_rng(1).normal(size=ALL)
    return polars.DataFrame({"when": range(ALL), "x": x, **columns, "y": 3 * x + 1})


def config(path: Path, **options: Any) -> DataConfig:
    given = {"target": ("y",), "split": SplitConfig(time="when", test=0.25), **options}
    return DataConfig(path.suffix[1:], path=(str(path),), **given)


def written(folder: Path, columns: dict[str, list[Any]], form: str = "csv") -> Path:
    path = folder / f"t.{form}"
    frame = table(columns)
    if form == "csv":
        frame.write_csv(path)
    else:
        frame.write_parquet(path)
    return path


def names(dataset: Dataset) -> list[str]:
    return [column.name for column in dataset.preprocessing.features]  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", COLUMNS)
@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_b1_a_column_that_training_shows_nothing_of_is_left_out_by_name(tmp_path: Path, name: str, form: str) -> None:
    dataset = load_dataset(config(written(tmp_path, {name: COLUMNS[name]}, form)), seed=1)
    assert names(dataset) == ["x"]
    assert "data.features" in dataset.resolved
    assert dataset.resolved["data.features"] == {"x": "number"}
    [line] = [line for line in dataset.summary if line.startswith("left out")]
    assert f" {name} (" in line
    has_no_value = COLUMNS[name][0] is None
    assert any(f"no value in the training part: {name}" in warning for warning in dataset.warnings) == has_no_value
    facts = facts_of(dataset)
    assert [fault.message for fault in warnings_of(facts.notes)] == list(dataset.warnings)  # `check` says what `fit` says
    # Raw rows, with values or without the column, go through all the same.
    assert np.isfinite(dataset.parts["test"].inputs["features"]).all()
    assert np.abs(dataset.parts["test"].inputs["features"]).max() < 10


def test_b1_streamed_tells_and_makes_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DLTRAIN_CACHE", str(tmp_path / "cache"))
    small_chunks(monkeypatch, 1000)
    path = written(tmp_path, COLUMNS)
    resident = load_as(monkeypatch, IN_MEMORY, config(path))
    streamed = load_as(monkeypatch, STREAMED, config(path))
    assert names(resident) == ["x"]
    assert_same(resident, streamed)


@pytest.mark.parametrize("scale", ["standard", "minmax", "robust", "smooth_clip"])
def test_b1_a_number_with_gaps_that_does_not_vary_tells_of_its_gaps_alone(tmp_path: Path, scale: str) -> None:
    gaps = [None if i % 5 == 0 else value for i, value in enumerate(COLUMNS["stuck"])]
    dataset = load_dataset(config(written(tmp_path, {"stuck": gaps}), scale=scale), seed=1)
    assert dataset.schema.inputs[0].columns == ("x", "stuck", "stuck missing")
    part = dataset.parts["test"]
    made = part.inputs["features"]
    np.testing.assert_array_equal(made[:, 1], 0.0)
    np.testing.assert_array_equal(made[:, 2], [row % 5 == 0 for row in part.row_ids])
    # It comes back from its file as it went in.
    dataset.preprocessing.save(tmp_path)
    again = load_preprocessing(tmp_path)
    raw = read_source(config(tmp_path / "t.csv"), seed=1, reporter=Reporter())
    np.testing.assert_array_equal(again.transform(raw, with_targets=False, rows=part.row_ids).inputs["features"], made)


def test_b1_parts_of_a_date_that_do_not_vary_say_nothing_of_the_next_year(tmp_path: Path) -> None:
    days = [f"2023-{i // 8 + 1:02d}-{i % 28 + 1:02d}" for i in range(TRAIN)] + [f"2031-01-{i % 28 + 1:02d}" for i in range(30)]
    dataset = load_dataset(config(written(tmp_path, {"day": days})), seed=1)
    place = dataset.schema.inputs[0].columns.index("day year")
    np.testing.assert_array_equal(dataset.parts["test"].inputs["features"][:, place], 0.0)


def test_b1_a_column_that_is_asked_for_is_left_out_and_said(tmp_path: Path) -> None:
    path = written(tmp_path, {"sensor": COLUMNS["sensor"]})
    dataset = load_dataset(config(path, features={"x": None, "sensor": "number"}), seed=1)
    assert names(dataset) == ["x"]
    assert any("sensor" in warning for warning in dataset.warnings)


def test_b1_named_inputs_go_without_it_and_the_resolved_config_reads_again(tmp_path: Path) -> None:
    path = written(tmp_path, {"sensor": COLUMNS["sensor"], "z": list(range(ALL))})
    given = config(path, input_columns={"a": ("x", "sensor"), "b": ("z",)})
    dataset = load_dataset(given, seed=1)
    assert {spec.name: spec.columns for spec in dataset.schema.inputs} == {"a": ("x",), "b": ("z",)}
    again = load_dataset(replace(given, features=dataset.resolved["data.features"]), seed=1)
    assert again.schema == dataset.schema
    with pytest.raises(ConfigError, match="sensor is not a column that the model learns from"):
        load_dataset(config(path, input_columns={"a": ("x", "z"), "b": ("sensor",)}), seed=1)


def test_b1_where_nothing_is_left_the_reasons_are_given(tmp_path: Path) -> None:
    path = written(tmp_path, {"sensor": COLUMNS["sensor"], "one": COLUMNS["one"]})
    with pytest.raises(DataError, match="no column is left to learn from") as caught:
        load_dataset(config(path, drop=("x",)), seed=1)
    assert "sensor (no value in the training part)" in str(caught.value.faults[0].hint)
    assert "one (the same in every row of the training part: a)" in str(caught.value.faults[0].hint)


def test_b1_a_fold_that_lacks_a_column_goes_without_it(tmp_path: Path) -> None:
    seen = [None] * ALL
    path = written(tmp_path, {"rare": seen, "when2": list(range(ALL))})
    frame = polars.read_csv(path).with_columns(polars.lit(None, polars.Float64).alias("rare"))
    widths = set()
    first = load_dataset(config(path, split=SplitConfig(folds=3, fold=1), drop=("rare", "when")), seed=1)
    held_out = set(first.parts["validation"].row_ids.tolist())
    values = [float(row) if row in held_out and row % 2 else None for row in range(ALL)]
    frame.with_columns(polars.Series("rare", values)).write_csv(path)
    for fold in (1, 2, 3):
        dataset = load_dataset(config(path, split=SplitConfig(folds=3, fold=fold), drop=("when",)), seed=1)
        assert ("rare" in names(dataset)) == (fold != 1)
        assert any("rare" in warning for warning in dataset.warnings) == (fold == 1)
        widths.add(dataset.schema.inputs[0].shape)
    assert len(widths) == 2


def test_b1_in_a_single_row_nothing_varies_so_nothing_is_left_out_for_it(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a,b,c,y\n1,u,2,1\n")
    dataset = load_dataset(DataConfig("csv", path=(str(path),), task="reconstruction"), seed=1)
    assert names(dataset) == ["a", "b", "c", "y"]


def nearly(middle: float, by: float) -> list[float]:
    return [middle + by * (((i * 7) % 11) - 5) for i in range(ALL)]


@pytest.mark.parametrize("bound", [IN_MEMORY, STREAMED])
@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_b1_numbers_that_differ_by_rounding_are_left_out_and_said(
    tmp_path: Path, form: str, bound: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Scaled by such a spread, any other value is millions of deviations away."""
    monkeypatch.setenv("DLTRAIN_CACHE", str(tmp_path / "cache"))
    stuck = [300.1 if i % 3 else float(np.float32(300.1)) for i in range(ALL)]
    columns = {"stuck": [*stuck[:TRAIN], *[305.0] * 30], "near": nearly(6371000.25, 1e-4), "wide": nearly(6371000.25, 1.0)}
    path = written(tmp_path, columns, form)
    dataset = load_as(monkeypatch, bound, config(path))
    assert dataset.schema.inputs[0].columns == ("x", "wide")
    assert "left out: stuck, near: it varies in the training part by less than float32" in str(dataset.warnings)
    assert "data.scale: {stuck: standard} keeps it" in str(dataset.warnings)
    assert np.abs(in_memory(dataset.parts["test"].inputs["features"])).max() < 10
    kept = load_as(monkeypatch, bound, config(path, scale={"near": "standard"}))
    assert kept.schema.inputs[0].columns == ("x", "near", "wide")
    values = np.array(columns["near"][:TRAIN])
    expected = (values - values.mean()) / values.std()
    np.testing.assert_allclose(in_memory(kept.parts["train"].inputs["features"])[:, 1], expected, atol=1e-3)


def test_b1_whole_numbers_and_scales_that_do_not_stretch_keep_them(tmp_path: Path) -> None:
    milliseconds = [1_700_000_000_000.0 + 17 * ((i * 7) % 11) for i in range(ALL)]
    path = written(tmp_path, {"ms": milliseconds, "near": nearly(6371000.25, 1e-4)}, "parquet")
    assert load_dataset(config(path), seed=0).schema.inputs[0].columns == ("x", "ms")
    for scale in ("none", "smooth_clip", "quantile"):
        assert load_dataset(config(path, scale=scale), seed=0).schema.inputs[0].columns == ("x", "ms", "near")


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_b1_long_numbers_are_the_same_as_far_as_floats_tell(form: str, tmp_path: Path) -> None:
    columns = {"near": [2**52 + i for i in range(ALL)], "equal": [2**60 + i % 9 for i in range(ALL)], "one": [7] * ALL}
    dataset = load_dataset(config(written(tmp_path, columns, form)), seed=0)
    assert dataset.schema.inputs[0].columns == ("x",)
    told = str(dataset.summary)
    assert "near (the same in every row of the training part: 4.5036e+15 but for less than a millionth of a millionth" in told
    assert "equal (the same in every row of the training part: 1.15292e+18 as far as 64-bit floats tell)" in told
    assert "one (the same in every row of the training part: 7)" in told


def test_b1_with_gaps_the_mark_of_them_stays(tmp_path: Path) -> None:
    path = written(tmp_path, {"near": [None if i % 5 == 0 else value for i, value in enumerate(nearly(300.1, 1e-7))]})
    part = load_dataset(config(path), seed=0).parts["train"]
    np.testing.assert_array_equal(part.inputs["features"][:, 1], 0)
    assert part.inputs["features"][:, 2].sum() == TRAIN / 5
