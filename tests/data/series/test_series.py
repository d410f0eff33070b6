"""Series: the order of time, gaps and doubles, windows that keep to their part, and what stands in for missing values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dltrain.config.types import DataConfig, SeriesConfig, SplitConfig
from dltrain.data import Dataset, load_dataset, read_part
from dltrain.data.arrays.disk_array import DiskArray, in_memory
from dltrain.data.look import read_facts
from dltrain.data.series.calendars import MONTH_ENDS, Step
from dltrain.data.series.groups import one_series
from dltrain.data.series.timeline import arrange, fill_forward
from dltrain.data.series.times import Times, read_times
from dltrain.data.stored import load_preprocessing
from dltrain.errors import DataError
from dltrain.reporting import Reporter
from tests.support import shared_data


def hours(count: int, first: str = "2024-01-01 00:00") -> list[str]:
    start = np.datetime64(first.replace(" ", "T"), "m")
    return [str(start + 60 * hour).replace("T", " ") for hour in range(count)]


def write(folder: Path, columns: dict[str, Any], name: str = "s.csv") -> str:
    polars.DataFrame(columns, strict=False).write_csv(folder / name)
    return str(folder / name)


def config(path: str, **options: Any) -> DataConfig:
    series = SeriesConfig(**{"time": ("t",), "history": 4, **options.pop("series", {})})
    return DataConfig(
        "csv", path=(path,), target=("y",), series=series, **{"split": SplitConfig(test=0.25, validation=0.2), **options}
    )


def load(folder: Path, columns: dict[str, Any], **options: Any) -> Dataset:
    return load_dataset(config(write(folder, columns), **options), seed=0)


def plain(folder: Path, count: int = 80, **options: Any) -> tuple[Dataset, np.ndarray]:
    values = np.arange(count) * 2.0 + 5
    return load(folder, {"t": hours(count), "y": values, "x": values * 10}, **options), values


@given(
    count=st.integers(40, 90),
    history=st.integers(1, 6),
    horizon=st.integers(1, 3),
    stride=st.integers(1, 3),
    test=st.sampled_from([0.2, 0.3]),
)
@settings(max_examples=15)
def test_every_window_lies_in_its_part_and_is_followed_by_its_target(
    tmp_path_factory: pytest.TempPathFactory, count: int, history: int, horizon: int, stride: int, test: float
) -> None:
    folder = tmp_path_factory.mktemp("s")
    series = {"history": history, "horizon": horizon, "stride": stride}
    dataset, values = plain(folder, count, series=series, split=SplitConfig(test=test, validation=0.25))
    assert [spec.name for spec in dataset.schema.targets] == (
        ["y"] if horizon == 1 else [f"y +{step + 1}" for step in range(horizon)]
    )
    [column, *_] = dataset.preprocessing.table.features  # type: ignore[attr-defined]
    first = 0
    sizes = {"test": int(np.ceil(count * test))}
    sizes["validation"] = int(np.ceil((count - sizes["test"]) * 0.25))
    sizes["train"] = count - sizes["test"] - sizes["validation"]
    for name in ("train", "validation", "test"):
        part, rows = dataset.parts[name], np.arange(first, first + sizes[name])
        starts = rows[: len(rows) - history - horizon + 1][::stride]
        windows = in_memory(part.inputs["features"])[:, :, 0] * column.numbers[0].spread + column.numbers[0].center
        np.testing.assert_allclose(windows, values[starts[:, None] + np.arange(history)], atol=1e-4)
        for step, spec in enumerate(dataset.schema.targets):
            truth = part.targets[spec.name] * spec.scale + spec.mean
            np.testing.assert_allclose(truth, values[starts + history + step], atol=1e-4)
            last = part.references["last value"][spec.name] * spec.scale + spec.mean
            np.testing.assert_allclose(last, values[starts + history - 1], atol=1e-4)
        first += sizes[name]
    # Statistics are those of the training rows.
    assert column.numbers[0].center == pytest.approx(values[: sizes["train"]].mean())


def test_the_season_and_the_times_that_are_foretold(tmp_path: Path) -> None:
    dataset, values = plain(tmp_path)
    part = dataset.parts["test"]
    assert part.identifiers["time"][0] == hours(80)[64]
    spec = dataset.schema.targets[0]
    found = part.references["value 24 rows before"]["y"] * spec.scale + spec.mean
    np.testing.assert_allclose(found, values[64 - 24 : 80 - 24], atol=1e-4)
    assert dataset.resolved["data.series.season"] == 24
    assert (part.row_ids == np.arange(64, 80)).all()


def test_a_past_that_is_not_seen_is_said(tmp_path: Path) -> None:
    columns: dict[str, Any] = {"t": hours(80), "x": list(range(80)), "y": [value % 7 + 0.5 for value in range(80)]}
    said = "the past of y is not seen, as data.features names other columns"
    assert said in load(tmp_path, columns, features={"x": "number"}).summary
    assert said not in load(tmp_path, columns, features={"x": "number", "y": "number"}).summary
    assert said not in load(tmp_path, columns).summary


def test_disorder_doubles_and_gaps_are_said(tmp_path: Path) -> None:
    times, values = hours(60), list(range(60))
    columns = {"t": [*times[30:], *times[:30]], "y": [*values[30:], *values[:30]]}
    dataset = load(tmp_path, columns)
    assert "60 rows were not in the order of time and were sorted" in dataset.warnings
    ordered = load(tmp_path, {"t": times, "y": values})
    np.testing.assert_array_equal(dataset.parts["train"].inputs["features"], ordered.parts["train"].inputs["features"])
    doubled = load(tmp_path, {"t": [*times[:9], times[8], *times[9:]], "y": [*values[:8], -99, 8, *values[9:]]})
    assert any("left out, for the row after has the same time: 1 row (first" in text for text in doubled.warnings)
    np.testing.assert_array_equal(doubled.parts["train"].inputs["features"], ordered.parts["train"].inputs["features"])
    gap = load(tmp_path, {"t": times[:10] + times[13:], "y": values[:10] + values[13:]})
    between = f"between {times[9]} and {times[13]}"
    assert any("1 gap in time" in text and between in text for text in gap.warnings), gap.warnings
    # 33 training rows hold 29 windows of 4 + 1; four of them would go across the gap.
    assert gap.parts["train"].num_rows == 33 - 4 - 4
    same = load(tmp_path, {"t": times[:10] + times[13:], "y": values[:10] + values[13:]}, series={"gaps": "ignore"})
    assert same.parts["train"].num_rows == 33 - 4


def test_rows_unevenly_apart_count_as_even_where_that_is_the_rule(tmp_path: Path) -> None:
    days = [str(np.datetime64("2024-01-01") + day) for day in range(100) if day % 7 < 5]  # Monday to Friday
    dataset = load(tmp_path, {"t": days, "y": np.arange(len(days)) ** 1.1})
    assert any("not evenly apart" in text and "usual day" not in text for text in dataset.warnings)
    assert dataset.parts["train"].num_rows == int(len(days) * 0.75 * 0.8) - 4
    lacking = [day for day in days if day != "2024-02-14"]
    dataset = load(tmp_path, {"t": lacking, "y": np.arange(len(lacking)) ** 1.1})
    assert any("1 usual day without a row (2024-02-14)" in text for text in dataset.warnings)


def test_missing_values_and_missing_targets(tmp_path: Path) -> None:
    times, values = hours(60), np.arange(60.0)
    y: list[float | None] = list(values)
    y[20] = None
    x: list[float | None] = [*(None,) * 2, *values[2:]]
    x[12] = None
    dataset = load(tmp_path, {"t": times, "y": y, "x": x})
    names = dataset.schema.inputs[0].columns
    assert names == ("y", "y missing", "x", "x missing")
    windows = in_memory(dataset.parts["train"].inputs["features"])
    assert dataset.parts["train"].num_rows == 36 - 4 - 1  # the row without y is nobody's target
    column = dataset.preprocessing.table.features[1].numbers[0]  # type: ignore[attr-defined]
    assert windows[9][3, 3] == 1.0  # row 12
    assert windows[9][3, 2] == windows[9][2, 2] == pytest.approx((11 - column.center) / column.spread)  # as row 11
    assert windows[0][0, 2] == pytest.approx((column.fill - column.center) / column.spread)  # nothing known before
    text = "\n".join(dataset.summary)
    assert "missing values: y 1, x 3; the last known value stands in" in text
    assert "1 rows without y are nobody's target" in text


@pytest.mark.parametrize(
    ("columns", "options", "words"),
    [
        ({"t": [*hours(39), "soon"], "y": range(40)}, {}, "the time column t holds 'soon'"),
        ({"t": hours(20) * 2, "y": range(40)}, {}, "rows have the same time as another"),
        ({"t": hours(40), "y": [*range(39), "x"]}, {}, "the target y is 'x', not a finite number"),
        ({"t": hours(40), "y": ["a", "b"] * 20}, {}, "the target y holds text, such as 'a': a series foretells numbers"),
        ({"t": hours(40), "y": [3] * 40}, {}, "the target y is the same in every row"),
        ({"t": hours(40), "y": range(40)}, {"series": {"history": 12}}, "the validation part has no window: 6 rows"),
        ({"t": hours(40), "y": range(40)}, {"series": {"time": ("t", "y"), "history": 4}}, "are no parts of a date"),
        ({"y": range(40)}, {}, "t is not a column of"),
        (
            {"t": hours(40), "y": range(40), "n": [f"a long note on what was seen number {i} of all" for i in range(40)]},
            {},
            "free text",
        ),
    ],
)
def test_unfit_series_are_named(tmp_path: Path, columns: dict[str, Any], options: dict[str, Any], words: str) -> None:
    with pytest.raises(DataError, match=words):
        load(tmp_path, columns, **options)


def test_a_stored_series_foretells_what_follows_the_file(tmp_path: Path) -> None:
    dataset, values = plain(tmp_path)
    dataset.preprocessing.save(tmp_path)
    again = load_preprocessing(tmp_path)
    assert again == dataset.preprocessing
    assert again.schema == dataset.schema
    path = write(tmp_path, {"x": values[:7] * 10, "t": hours(7, "2025-03-01 00:00"), "y": values[:7]}, "new.csv")
    part = read_part(again, [path], with_targets=False)
    assert part.identifiers["time"] == hours(8, "2025-03-01 00:00")[4:]
    same = read_part(again, [path], with_targets=True)
    assert same.num_rows == 3
    np.testing.assert_array_equal(same.inputs["features"], in_memory(part.inputs["features"])[:3])
    with pytest.raises(DataError, match="3 rows hold no window: 4 rows"):
        read_part(again, [write(tmp_path, {"x": [1] * 3, "t": hours(3), "y": [1] * 3}, "short.csv")], with_targets=False)


def test_parts_as_files_of_their_own(tmp_path: Path) -> None:
    values = np.arange(50.0)
    path = write(tmp_path, {"t": hours(50), "y": values})
    later = write(tmp_path, {"t": hours(20, "2024-02-01 00:00"), "y": values[:20] + 100}, "later.csv")
    dataset = load_dataset(config(path, test=(later,), split=SplitConfig(validation=0.2)), seed=0)
    assert {name: part.num_rows for name, part in dataset.parts.items()} == {"train": 36, "validation": 6, "test": 16}
    spec = dataset.schema.targets[0]
    np.testing.assert_allclose(dataset.parts["test"].targets["y"] * spec.scale + spec.mean, np.arange(104, 120), atol=1e-4)


def test_windows_too_large_for_memory_are_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held, _ = plain(tmp_path)
    monkeypatch.setenv("DLTRAIN_STREAM_BYTES", "100")
    monkeypatch.setattr("dltrain.data.series.fit.BLOCK_BYTES", 200)
    streamed, _ = plain(tmp_path)
    for name, part in held.parts.items():
        found = streamed.parts[name].inputs["features"]
        assert isinstance(found, DiskArray)
        np.testing.assert_array_equal(in_memory(found), part.inputs["features"])
    assert streamed.fingerprint == held.fingerprint


def times_of(values: list[str] | list[float], **columns: Any) -> Times:
    frame = polars.DataFrame({"t": values, **columns}, strict=False)
    from dltrain.data.columns.reading import Reading

    return read_times(frame, tuple(frame.columns) if columns else ("t",), Reading(), lambda row: (None, None))


@pytest.mark.parametrize(
    ("values", "step", "season", "after"),
    [
        (["2024-01", "2024-02", "2024-03"], Step("month", 1), 12, "2024-04"),
        (["2024-01-31", "2024-02-29", "2024-03-31", "2024-04-30"], Step("month", 1, MONTH_ENDS), 12, "2024-05-31"),
        (["2023-11-01", "2024-02-01", "2024-05-01"], Step("month", 3), 4, "2024-08-01"),
        (["2024-02-27", "2024-02-28", "2024-02-29"], Step("microsecond", 86_400_000_000), 7, "2024-03-01"),
        (["2024-01-01 23:30:00", "2024-01-02 00:00:00"], Step("microsecond", 1_800_000_000), 48, "2024-01-02 00:30:00"),
        (["01.02.2024", "08.02.2024", "15.02.2024"], Step("microsecond", 7 * 86_400_000_000), 52, "22.02.2024"),
        ([1749.0, 1750.0, 1751.0], Step("number", 1), None, "1752"),
    ],
)
def test_steps(values: list[Any], step: Step, season: int | None, after: str) -> None:
    times = times_of(values)
    found, share = times.step(np.ones(len(values) - 1, bool))
    assert (found, share) == (step, 1.0)
    assert found.season == season
    assert times.texts(times.later(found, 1))[-1] == after


def test_time_from_parts_of_a_date() -> None:
    frame = polars.DataFrame({"Year": [2024, 2024], "month": [2, 3], "day": [29, 1], "hour": [23, 0]})
    from dltrain.data.columns.reading import Reading

    times = read_times(frame, tuple(frame.columns), Reading(), lambda row: (None, None))
    assert times.texts(times.values) == ["2024-02-29 23:00", "2024-03-01 00:00"]
    assert times.step(np.ones(1, bool))[0].describe() == "1 hour"
    with pytest.raises(DataError, match="expected a date"):
        read_times(
            frame.with_columns(month=polars.lit(2), day=polars.lit(30)), tuple(frame.columns), Reading(), lambda row: (None, None)
        )


def test_fill_forward_and_arrange() -> None:
    nan = np.nan
    np.testing.assert_array_equal(fill_forward(np.array([nan, 1, nan, nan, 2, nan]), np.zeros(6, int)), [nan, 1, 1, 1, 2, 2])
    line = arrange(
        Times("number", np.array([3.0, 1, 2, 7])),
        np.array([10, 11, 12, 13]),
        one_series(4),
        None,
        gaps=True,
        locate=lambda row: (None, None),
    )
    assert line.rows.tolist() == [11, 12, 10, 13]
    assert line.runs.tolist() == [0, 0, 0, 1]


def test_real_hours_of_beijing() -> None:
    path = str(shared_data("timeseries/beijing_pm25/pollution.csv"))
    series = SeriesConfig(time=("year", "month", "day", "hour"), history=24)
    dataset = load_dataset(
        DataConfig("csv", path=(path,), target=("pm2.5",), series=series, split=SplitConfig(test=0.2, validation=0.2)),
        seed=0,
        reporter=Reporter(),
    )
    assert dataset.schema.inputs[0].shape == (24, 12), "without No, which counts the rows"
    assert sum(part.num_rows for part in dataset.parts.values()) == 41_709
    raw = polars.read_csv(path, null_values="NA", infer_schema_length=None)["pm2.5"]
    spec = dataset.schema.targets[0]
    part = dataset.parts["test"]
    np.testing.assert_allclose(part.targets["pm2.5"] * spec.scale + spec.mean, raw.gather(part.row_ids).to_numpy(), atol=1e-3)
    assert part.identifiers["time"][-1] == "2014-12-31 23:00"


def test_a_sample_of_a_file_may_be_shorter_than_the_history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dltrain.data.tables.sample.SMALL_BYTES", 1 << 20)
    path = write(tmp_path, {"t": np.arange(60_000), "y": np.arange(60_000) % 99, "text": ["some more bytes a row"] * 60_000})
    facts = read_facts(config(path, drop=("text",), split=SplitConfig(), series={"history": 20_000}), seed=0)
    assert not facts.errors
    assert facts.schema is not None
    assert facts.schema.inputs[0].shape == (20_000, 1)
    assert list(facts.rows) == ["train"]
    facts = read_facts(config(path, drop=("text",), split=SplitConfig(test=0.25), series={"history": 59_000}), seed=0)
    assert [fault.message.partition(":")[0] for fault in facts.errors] == [
        f"the {part} part has no window" for part in ("train", "test")
    ]


def several(folder: Path, how: str, *, days: int = 60, **more: Any) -> str:
    """Sales of three stores, one store after the other or day after day."""
    stores = ["ash", "birch", "cedar"]
    day = [f"2020-{1 + d // 28:02d}-{1 + d % 28:02d}" for d in range(days)]
    rows = [(s, d) for s in stores for d in day] if how == "stacked" else [(s, d) for d in day for s in stores]
    sales = np.random.default_rng(0).integers(0, 10**6, len(rows)).tolist()
    columns = {"store": [s for s, _ in rows], "t": [d for _, d in rows], "y": sales}
    columns |= {name: make(len(rows)) for name, make in more.items()}
    return write(folder, columns)


@pytest.mark.parametrize("how", ["stacked", "day by day"])
@pytest.mark.parametrize("time", [("t",), ()])
def test_c9_several_series_in_one_table_are_refused(tmp_path: Path, how: str, time: tuple[str, ...]) -> None:
    path = several(tmp_path, how, weekday=lambda n: [i % 7 for i in range(n)], price=lambda n: [0.25 * (i % 9) for i in range(n)])
    with pytest.raises(DataError) as caught:
        load_dataset(config(path, series={"time": time}), seed=0)
    [fault] = caught.value.faults
    assert "store tells them apart ('ash', 'birch'): 3 series in one table" in fault.message
    first, second = (2, 62) if how == "stacked" else (2, 3)
    assert f":{first} and " in fault.message
    assert f":{second} (t)" in fault.message
    assert "120 of 180 rows" in fault.message
    assert caught.value.exit_code == 3


def test_c9_siblings_of_several_series(tmp_path: Path) -> None:
    from dltrain.data.series.several import find_several

    times = np.repeat(np.arange(50), 4)
    two = polars.DataFrame({"store": [0, 0, 1, 1] * 50, "item": [0, 1, 0, 1] * 50, "y": range(200)})
    found = find_several(two, times, {"y"})
    assert found is not None
    assert (found.columns, found.count) == (("store", "item"), 4)
    # Parquet's own types: a whole number as float with gaps, a categorical.
    for series in (
        polars.Series("sensor", [1.0, None, 3.0, 4.0] * 50),
        polars.Series("unit", ["a", "b", "c", "d"] * 50).cast(polars.Categorical),
    ):
        found = find_several(polars.DataFrame([series, two["y"]]), times, {"y"})
        assert found is not None
        assert found.columns == (series.name,)
        assert found.count == 4
    # A second series that is short: not many doubles, and yet they are two.
    short = polars.DataFrame({"kind": ["a"] * 200 + ["b"] * 10, "y": range(210)})
    found = find_several(short, np.concatenate([np.arange(200), np.arange(10)]), {"y"})
    assert found is not None
    assert found.columns == ("kind",)
    # The hour that comes twice in autumn: no series of its own, whatever differs there.
    hours_of_day = np.sort(np.concatenate([np.arange(500), [77]]))
    weather = polars.DataFrame({"cloudy": [0, 1] * 250 + [0], "y": range(501)})
    found = find_several(weather, hours_of_day, {"y"})
    assert found is not None
    assert (found.columns, found.doubled) == ((), 1)
    assert find_several(weather, np.arange(501), {"y"}) is None
    # Amounts tell nothing apart, however they are written.
    for amounts in (["1,5", "2,5", "3,0", "4,0"], ["5 %", "7 %", "9 %", "8 %"], ["$1", "$2", "$3", "$4"]):
        found = find_several(polars.DataFrame([polars.Series("rebate", amounts * 50), two["y"]]), times, {"y"})
        assert found is not None
        assert found.columns == ()


def test_c9_blocks_of_rows_without_a_time_are_said(tmp_path: Path) -> None:
    stores = ["ash"] * 30 + ["birch"] * 30 + ["elm"] * 30
    path = write(tmp_path, {"store": stores, "y": np.arange(90.0) % 7})
    warned = load_dataset(config(path, series={"time": ()}), seed=0).warnings
    assert any("store names 3 blocks of rows" in text and "series: {id: store}" in text for text in warned), warned
    for columns in ({"year": stores}, {"shop": ["ash", "birch", "elm"] * 30}, {"level": [1.0] * 40 + [2.0] * 50}):
        path = write(tmp_path, {**columns, "y": np.arange(90.0) % 7})
        warned = load_dataset(config(path, series={"time": ()}), seed=0).warnings
        assert not any("blocks of rows" in text for text in warned), warned


def test_c9_new_rows_of_several_series_are_refused_as_well(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    path = write(tmp_path / "one", {"t": hours(100), "y": np.arange(100.0) % 7, "store": ["ash", "birch"] * 50})
    dataset = load_dataset(config(path), seed=0)
    both = write(tmp_path, {"t": hours(30) * 2, "y": np.arange(60.0), "store": ["ash"] * 30 + ["birch"] * 30})
    with pytest.raises(DataError, match="store tells them apart"):
        read_part(dataset.preprocessing, [str(both)], with_targets=False)


def test_c9_rows_that_are_in_no_order_of_time_are_said(tmp_path: Path) -> None:
    dates = hours(60)
    path = write(tmp_path, {"t": dates[30:] + dates[:30], "y": np.arange(60.0) % 7})
    warned = load_dataset(config(path, series={"time": ()}), seed=0).warnings
    assert any("t goes back 1 times" in text and "time: t" in text for text in warned), warned


def test_a6_numbers_of_a_series_that_look_like_no_value_or_lie_far_out_are_said_as_in_tables(tmp_path: Path) -> None:
    values = 20 + 5 * np.sin(np.arange(200) / 4)
    coded, far = np.round(values, 2), values.copy()
    coded[[3, 50, 51, 52, 70]] = -999
    far[60] = 1e9
    columns = {"t": hours(200), "y": coded, "x": coded, "z": far}
    notes = load(tmp_path, columns).notes
    found = sorted((note.code, note.text[:3]) for note in notes if note.code in ("far_code", "far_value"))
    assert found == [("far_code", "x: "), ("far_code", "y: "), ("far_value", "z: ")]
    missing = {name: {"-999": ""} for name in ("x", "y")}
    notes = load(tmp_path, columns, replace=missing, drop=("z",)).notes
    assert not [note for note in notes if note.code in ("far_code", "far_value")]
    assert [note.text[:3] for note in load(tmp_path, {"t": hours(200), "y": far}).notes if note.code == "far_value"] == ["y: "]


def test_a6_what_is_odd_about_the_cells_of_a_series_is_said_as_in_tables(tmp_path: Path) -> None:
    values = np.round(20 + 5 * np.sin(np.arange(200) / 4), 2)
    words = [*map(str, values)]
    words[5] = words[70] = "off"
    columns = {"t": hours(200), "y": values, "x": words, "k": np.where(np.arange(200) % 3 > 0, "yes", "no")}
    columns["k"][7] = "Yes"
    notes = load(tmp_path, columns, missing=("-777",), replace={"x": {"gone": ""}}).warnings
    assert any("x: 198 of 200 values are numbers; because of 'off' it is left out" in note for note in notes)
    assert any("data.missing: no value of the table is '-777'" in note for note in notes)
    assert any("data.replace: no value of x is 'gone'" in note for note in notes)
    assert any("'Yes' and 'yes' are different categories" in note for note in notes)
    columns = {"t": [*hours(200), "Total"], "y": [*values, values.sum()]}
    with pytest.raises(DataError, match="holds 'Total'") as caught:
        load(tmp_path, columns)
    assert "`data.comment: Total` does, where its line begins so" in str(caught.value.faults[0].hint)
    assert load(tmp_path, columns, comment=("Total",)).parts["train"].num_rows


def test_rare_categories_of_a_series_are_taken_together_as_in_tables(tmp_path: Path) -> None:
    kinds = np.where(np.arange(200) % 3 > 0, "yes", "no").astype("U6")
    kinds[[4, 20]] = "rare", "seldom"
    columns = {"t": hours(200), "y": np.sin(np.arange(200) / 4), "k": kinds}
    found = [load(tmp_path, columns, min_count=count).preprocessing.table.features[1] for count in (1, 5)]
    assert [column.categories for column in found] == [("no", "rare", "seldom", "yes"), ("no", "yes")]
    assert set(found[1].rare) == {"rare", "seldom"}


def test_a_word_in_the_target_is_told_with_what_makes_it_no_value(tmp_path: Path) -> None:
    columns = {"t": hours(40), "y": [*map(str, range(39)), "off"]}
    with pytest.raises(DataError) as caught:
        load(tmp_path, columns)
    hint = 'if it means "no value": data.replace: {y: {"off": ""}} with data.missing_target: drop leaves such rows out'
    assert caught.value.faults[0].hint == hint
    assert load(tmp_path, columns, replace={"y": {"off": ""}}, missing_target="drop").parts["train"].num_rows
