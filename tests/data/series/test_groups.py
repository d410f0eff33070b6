"""Several series of one table: no window crosses two, each is split by its own time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dltrain.config.types import DataConfig, SeriesConfig, SplitConfig
from dltrain.data.load import load_dataset
from dltrain.data.raw import RawTable
from dltrain.data.series.preprocessing import SeriesPreprocessing
from dltrain.data.series.timeline import fill_forward
from dltrain.errors import DataError, Note
from tests.support import examples


def config(path: Path, **options: Any) -> DataConfig:
    series = SeriesConfig(**{"id": ("shop",), "time": ("day",), "history": 4, **options.pop("series", {})})
    return DataConfig(
        "csv",
        path=(str(path),),
        target=("y",),
        series=series,
        **{"split": SplitConfig(test=0.25, validation=0.25), **options},
    )


def table(lengths: list[int], seed: int = 0) -> polars.DataFrame:
    """Series of 0, 1, 2, ... plus a thousand for each shop before, in any order of rows; each begins at a day of its own."""
    days = np.datetime64("2024-01-01")
    frame = polars.DataFrame(
        {
            "shop": [f"shop {shop}" for shop, length in enumerate(lengths) for _ in range(length)],
            "day": [str(days + 3 * shop + day) for shop, length in enumerate(lengths) for day in range(length)],
            "y": [1000.0 * shop + day for shop, length in enumerate(lengths) for day in range(length)],
        }
    )
    return frame.sample(fraction=1.0, shuffle=True, seed=seed)


def own(preprocessing: Any, scaled: Any) -> np.ndarray:
    """Scaled values of the window's first column, in the units of the file."""
    [column, *_] = preprocessing.table.features
    [number, *_] = column.numbers
    return np.round(np.asarray(scaled, float) * number.spread + number.center)


@given(
    lengths=st.lists(st.integers(2, 60), min_size=2, max_size=5).filter(lambda found: max(found) >= 50),
    history=st.integers(1, 5),
    horizon=st.integers(1, 3),
    stride=st.integers(1, 3),
    history_from=st.sampled_from(["part", "before"]),
)
@settings(max_examples=examples(10, 30))
def test_windows_are_of_one_series_and_of_one_part(
    tmp_path_factory: pytest.TempPathFactory, lengths: list[int], history: int, horizon: int, stride: int, history_from: str
) -> None:
    path = tmp_path_factory.mktemp("series") / "s.csv"
    table(lengths).write_csv(path)
    series = {"history": history, "horizon": horizon, "stride": stride, "history_from": history_from}
    dataset = load_dataset(config(path, series=series), seed=0)
    expected: dict[str, list[tuple[str, list[float], list[float]]]] = {"train": [], "validation": [], "test": []}
    for shop, length in enumerate(lengths):
        test = int(np.ceil(length * 0.25))
        validation = int(np.ceil((length - test) * 0.25))
        sizes = {"train": length - test - validation, "validation": validation, "test": test}
        if min(sizes.values()) < 1:
            sizes = {"train": length, "validation": 0, "test": 0}
        first = 0
        for name, size in sizes.items():
            earliest = max(0, first - history) if history_from == "before" else first
            first += size
            for start in range(earliest, first - history - horizon + 1, stride):
                cut = (1000.0 * shop + np.arange(start, start + history + horizon)).tolist()
                expected[name].append((f"shop {shop}", cut[:history], cut[history:]))
    for name, part in dataset.parts.items():
        windows = own(dataset.preprocessing, part.inputs["features"][..., 0])
        targets = np.stack([spec.to_own(part.targets[spec.name]) for spec in dataset.schema.targets], axis=1)
        found = list(zip(part.identifiers["shop"], windows.tolist(), np.round(targets).tolist(), strict=True))
        assert found == expected[name], name


def test_steps_gaps_and_what_stands_in_are_of_each_series(tmp_path: Path) -> None:
    frame = table([40, 40]).with_columns(y=polars.when(polars.col("y") == 1000.0).then(None).otherwise(polars.col("y")))
    frame = frame.filter(polars.col("y").is_null() | (polars.col("y") != 5.0))
    frame.write_csv(tmp_path / "s.csv")
    dataset = load_dataset(config(tmp_path / "s.csv", impute=None), seed=0)
    [gap] = [note for note in dataset.warnings if "1 gap in time (rows more or less than 1 day apart)" in note]
    assert gap.endswith(" of shop 0")
    first = dataset.parts["train"].identifiers["shop"].count("shop 0")
    assert first < dataset.parts["train"].identifiers["shop"].count("shop 1")
    nan = np.nan
    filled = fill_forward(np.array([1, nan, nan, 2, nan]), np.array([0, 0, 1, 1, 1]))
    np.testing.assert_array_equal(filled, [1, 1, nan, 2, 2])


def test_ids_of_several_columns_and_numbers(tmp_path: Path) -> None:
    days = [str(np.datetime64("2024-01-01") + day) for day in range(30)]
    frame = polars.concat(
        [
            polars.DataFrame({"shop": [shop] * 30, "item": [item] * 30, "day": days, "y": np.arange(30) + offset})
            for shop, item, offset in (("1", "a", 0), ("1", "b", 100), ("2", "a", 200))
        ]
    )
    frame.with_columns(shop=polars.when(polars.col("y") % 2 == 0).then("shop").otherwise(polars.col("shop") + ".0")).write_csv(
        tmp_path / "s.csv"
    )
    dataset = load_dataset(config(tmp_path / "s.csv", series={"id": ("shop", "item")}), seed=0)
    assert set(zip(*(dataset.parts["train"].identifiers[name] for name in ("shop", "item")), strict=True)) == {
        ("1", "a"),
        ("1", "b"),
        ("2", "a"),
    }
    with pytest.raises(DataError, match="have the same time as another of their series"):
        load_dataset(config(tmp_path / "s.csv"), seed=0)


def test_stored_and_read_back_it_says_which_series_are_new(tmp_path: Path) -> None:
    table([40, 30]).write_csv(tmp_path / "s.csv")
    preprocessing = load_dataset(config(tmp_path / "s.csv"), seed=0).preprocessing
    state, arrays = preprocessing.to_state()
    again = SeriesPreprocessing.from_state(state, arrays)
    assert again == preprocessing
    notes: list[Note] = []
    new = table([9, 8, 7]).with_columns(polars.col("shop").str.replace("2", "9"))
    part = again.transform(RawTable(new), with_targets=False, notes=notes)
    assert part.identifiers["shop"] == ["shop 0"] * 6 + ["shop 1"] * 5 + ["shop 9"] * 4
    assert part.identifiers["time"][5] == "2024-01-10"
    assert "1 series (shop) were not in the training part: shop 9" in [note.text for note in notes]


def test_a_series_too_short_for_a_window_is_said_wherever_rows_are_asked_about(tmp_path: Path) -> None:
    table([40, 30]).write_csv(tmp_path / "s.csv")
    dataset = load_dataset(config(tmp_path / "s.csv"), seed=0)
    for with_targets, rows in ((True, 5), (False, 4)):
        notes: list[Note] = []
        found = dataset.preprocessing.transform(RawTable(table([40, 3])), with_targets=with_targets, notes=notes)
        assert set(found.identifiers["shop"]) == {"shop 0"}
        assert [note.text for note in notes if note.code == "series_without_windows"] == [
            f"1 series has no window of {rows} rows, each 1 day after the one before: shop 1"
        ]


def test_rows_without_an_id_are_refused(tmp_path: Path) -> None:
    frame = table([40, 30])
    frame.with_columns(shop=polars.when(polars.arange(70) == 3).then(None).otherwise("shop")).write_csv(tmp_path / "s.csv")
    with pytest.raises(DataError, match="tells the series apart, holds nothing") as refused:
        load_dataset(config(tmp_path / "s.csv"), seed=0)
    assert refused.value.faults[0].line == 5
    frame.with_columns(shop=polars.when(polars.arange(70) == 3).then(polars.lit("NA")).otherwise("shop")).write_csv(
        tmp_path / "s.csv"
    )
    with pytest.raises(DataError, match="holds 'NA', which is read as a missing value"):
        load_dataset(config(tmp_path / "s.csv"), seed=0)


def test_what_no_part_has_a_window_of_is_said(tmp_path: Path) -> None:
    table([40, 12]).write_csv(tmp_path / "s.csv")
    dataset = load_dataset(config(tmp_path / "s.csv"), seed=0)
    said = "test part: 1 series has no window of 5 rows without a gap in it: shop 1"
    assert f"{said}; data.series.history_from: before lets their history reach back before the part" in dataset.warnings
    reaching = load_dataset(config(tmp_path / "s.csv", series={"history_from": "before"}), seed=0)
    assert not any("no window" in note for note in reaching.warnings)
    assert reaching.parts["test"].identifiers["shop"].count("shop 1") == 3  # each row of the part is foretold
    state, arrays = reaching.preprocessing.to_state()
    assert SeriesPreprocessing.from_state(state, arrays) == reaching.preprocessing
    assert state.pop("history_from") == "before"
    assert SeriesPreprocessing.from_state(state, arrays).series.history_from == "part"  # a run of before there was a choice


@pytest.mark.parametrize("name", ["#", "time", "row", "0"])
def test_the_column_of_the_id_may_have_any_name(tmp_path: Path, name: str) -> None:
    table([40, 30]).rename({"shop": name}).write_csv(tmp_path / "s.csv")
    dataset = load_dataset(config(tmp_path / "s.csv", series={"id": (name,)}), seed=0)
    assert not [note for note in dataset.warnings if "no window" in note]
    found = dataset.parts["test"].identifiers
    assert set(found[f"id_{name}" if name in ("time", "row") else name]) == {"shop 0", "shop 1"}
    assert found["time"][0] > "2024-01-30"


@pytest.mark.parametrize(
    ("column", "values", "warned"),
    [
        ("store", ["a", "b"] * 60, True),
        ("store", ["a"] * 60 + ["b"] * 60, False),  # the second begins where the first ends
        ("shift", ["day", "night"] * 60, False),
        ("state", [("on", "off")[place * place % 7 < 3] for place in range(120)], False),
    ],
    ids=["own times", "one after the other", "parts of a day", "a state"],
)
def test_c9_siblings_stores_with_times_of_their_own_are_said(
    column: str, values: list[str], warned: bool, tmp_path: Path
) -> None:
    times = polars.datetime_range(polars.datetime(2024, 1, 1), polars.datetime(2024, 2, 29, 12), "12h", eager=True)
    frame = polars.DataFrame(
        {column: values, "t": times.dt.strftime("%Y-%m-%d %H:%M"), "y": [place * 7 % 11 for place in range(120)]}
    )
    for way, order in (("by time", frame), ("by store", frame.sort(column, maintain_order=True))):
        order.write_csv(tmp_path / "s.csv")
        series = SeriesConfig(time=("t",), history=4)
        config = DataConfig("csv", path=(str(tmp_path / "s.csv"),), target=("y",), series=series, split=SplitConfig(test=0.25))
        found = [note for note in load_dataset(config, seed=0).warnings if f"each {column} has rows at times of its own" in note]
        assert bool(found) == warned, way
