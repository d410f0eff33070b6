"""Times written as digits without a century, or with zeros lost: by what they are put in order, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

import numpy as np
import polars
import pytest

from dltrain.config.types import DataConfig, SeriesConfig, SplitConfig
from dltrain.data.columns.dates.reading import to_dates, to_moments
from dltrain.data.columns.kinds import infer_time
from dltrain.data.columns.reading import Reading
from dltrain.data.load import load_dataset
from dltrain.data.new_rows import read_part
from dltrain.errors import DataError

from .streaming import IN_MEMORY, STREAMED, load_as

DAYS = [date(1998, 1, 5) + timedelta(days=9 * step) for step in range(200)]
FORMATS = ["%d%m%y", "%m%d%y", "%y%m%d", "%d%m%Y", "%m%d%Y", "%Y%m%d"]


def column(form: str, dtype: type[polars.DataType], days: list[date]) -> polars.Series:
    texts = polars.Series("day", [f"{day:{form}}" for day in days])
    return texts if dtype == polars.String else texts.cast(polars.Int64).cast(dtype)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("dtype", [polars.String, polars.Int64, polars.Float64])
def test_days_as_digits_are_read_where_one_layout_fits(form, dtype):
    values = column(form, dtype, DAYS)
    kind = infer_time(values, Reading())
    assert (kind.kind, kind.date_format) == ("date", form)
    assert to_dates(values, form).dt.date().to_list() == DAYS
    if form[-1] == "y":
        assert "day: digits such as" in kind.note
        assert "data.dates" in kind.note


@pytest.mark.parametrize("dtype", [polars.String, polars.Int64])
def test_layouts_that_all_fit_are_told_apart_by_order_or_refused(dtype):
    days = [day for day in DAYS if day.day <= 12]
    assert infer_time(column("%d%m%y", dtype, days), Reading()).date_format == "%d%m%y"
    mixed = np.random.default_rng(0).permutation(len(days)).tolist()
    with pytest.raises(DataError) as caught:
        infer_time(column("%d%m%y", dtype, [days[place] for place in mixed]), Reading())
    fault = caught.value.faults[0]
    assert "%d%m%y or %m%d%y" in fault.message
    assert 'data.dates: {day: "%d%m%y"}' in str(fault.hint)
    said = Reading(dates={"day": "%m%d%y"})
    assert infer_time(column("%d%m%y", dtype, days), said).date_format == "%m%d%y"
    assert infer_time(column("%d%m%y", dtype, days), Reading(dates={"day": "number"})).kind != "date"


@pytest.mark.parametrize(
    "values",
    [
        range(10101, 10129),  # counts
        range(311201, 311401),
        range(1990, 2020),  # years
        range(1577836800, 1577836800 + 86400 * 9, 86400),  # seconds since 1970
        [310298, 311298] * 9,  # the last of February
        [5, 17, 29, 101, 131] * 3,
        [100000, 250000, 310000, 120000, 110000],
    ],
)
def test_plain_numbers_stay_numbers(values):
    for dtype in (polars.Int64, polars.String):
        assert infer_time(polars.Series("n", list(values)).cast(dtype), Reading()).kind == "number"


def test_seconds_and_milliseconds_since_1970_are_read_where_it_is_said():
    moments = [datetime(2020, 3, 28) + timedelta(hours=5 * step) for step in range(20)]
    seconds = [int((moment - datetime(1970, 1, 1)).total_seconds()) for moment in moments]
    for writing, size in (("epoch", 1), ("epoch_ms", 1000)):
        for dtype in (polars.Int64, polars.Float64, polars.String):
            values = polars.Series("t", [size * second for second in seconds]).cast(dtype)
            assert infer_time(values, Reading(dates=writing)).date_format == writing
            assert to_moments(values, writing).to_list() == moments
    berlin = to_dates(polars.Series("t", seconds), "epoch @Europe/Berlin").to_list()
    assert berlin[0] == datetime(2020, 3, 28, 1)
    assert berlin[-1] == moments[-1] + timedelta(hours=2)  # summer time


@pytest.mark.parametrize("form", ["%d%m%y", "%d%m%Y", "%YQ%q", "epoch"])
def test_rows_are_split_by_them(tmp_path, form, monkeypatch):
    days = [date(1998, 1, 1) + timedelta(days=(31 if "Q" not in form else 92) * step) for step in range(80)]
    if form == "epoch":
        texts = [str((day - date(1970, 1, 1)).days * 86400) for day in days]
    else:
        texts = [f"{day:%Y}Q{(day.month + 2) // 3}" if "Q" in form else f"{day:{form}}".lstrip("0") for day in days]
    order = np.random.default_rng(1).permutation(80).tolist()
    (tmp_path / "t.csv").write_text("day,x,y\n" + "\n".join(f"{texts[at]},{at % 7},{at % 11}" for at in order))
    config = DataConfig(
        source="csv",
        path=(str(tmp_path / "t.csv"),),
        target=("y",),
        split=SplitConfig(time="day", test=0.25),
        task="regression",
        dates={"day": form} if form in ("epoch",) else None,
    )
    monkeypatch.setenv("DLTRAIN_CACHE", str(tmp_path / "cache"))
    for bound in (IN_MEMORY, STREAMED):
        test = load_as(monkeypatch, bound, config).parts["test"]
        rows = test.row_ids if test.row_file is None else np.fromfile(test.row_file.path, np.int64)
        assert sorted(order[row] for row in rows.tolist()) == list(range(60, 80))


def test_a_series_of_six_digits_knows_its_step(tmp_path):
    days = [date(1998, 12, 1) + timedelta(days=step) for step in range(120)]
    rows = [f"{day:%d%m%y},{step % 9}" for step, day in enumerate(days)]
    (tmp_path / "t.csv").write_text("day,y\n" + "\n".join(rows))
    config = DataConfig(
        source="csv",
        path=(str(tmp_path / "t.csv"),),
        target=("y",),
        split=SplitConfig(test=0.25),
        series=SeriesConfig(time=("day",), history=7, horizon=1),
    )
    dataset = load_dataset(config, seed=0)
    assert "1 day" in " ".join(dataset.summary)
    assert any("%d%m%y" in warning for warning in dataset.warnings)
    assert dataset.resolved["data.dates"] == {"day": "%d%m%y"}


@pytest.mark.parametrize("form", ["csv", "parquet"])
@pytest.mark.parametrize("dates", ["epoch_ms", {"t": "epoch_ms"}])
def test_features_are_moments_where_it_is_said(tmp_path, form, dates):
    moments = [datetime(2020, 3, 28) + timedelta(hours=5 * step) for step in range(40)]
    milliseconds = [int((moment - datetime(1970, 1, 1)).total_seconds() * 1000) for moment in moments]
    frame = polars.DataFrame({"t": milliseconds, "x": [step % 7 for step in range(40)], "y": [step % 11 for step in range(40)]})
    path = tmp_path / f"t.{form}"
    frame.write_csv(path) if form == "csv" else frame.write_parquet(path)
    config = DataConfig(
        source=form,
        path=(str(path),),
        target=("y",),
        task="regression",
        features={"t": "date", "x": "number"},
        dates=dates,
        scale="none",
    )
    dataset = load_dataset(config, seed=0)
    columns = dataset.schema.inputs[0].columns
    features = dataset.parts["train"].inputs["features"]
    assert features[:, columns.index("t day")].tolist() == [moment.day for moment in moments]
    assert features[:, columns.index("t hour")].tolist() == [moment.hour for moment in moments]
    assert features[:, columns.index("x")].tolist() == frame["x"].to_list()
    assert dataset.resolved["data.dates"] == {"t": "epoch_ms"}
    stored = type(dataset.preprocessing).from_state(*dataset.preprocessing.to_state())
    np.testing.assert_array_equal(read_part(stored, [str(path)], with_targets=True).inputs["features"], features)


@pytest.mark.parametrize(
    ("name", "first", "step", "said"),
    [
        ("t", 1_577_836_800, 3_600, "times since 1970 (2020-01-01 00:00 of UTC)|epoch"),
        ("x", 1_577_836_800_000, 60_000, "times since 1970 (2020-01-01 00:00 of UTC)|epoch_ms"),
        ("Date", 43_831, 1, "days of a spreadsheet (2020-01-01)|excel"),
        ("t", 43_831, 1, ""),
        ("t", 0, 3_600, ""),
    ],
)
def test_times_of_a_series_that_are_numbers_are_told(tmp_path, name, first, step, said):
    rows = [f"{first + step * row},{row * 37 % 11}.5" for row in range(80)]
    (tmp_path / "t.csv").write_text(f"{name},y\n" + "\n".join(rows))
    series = SeriesConfig(time=(name,), history=4, horizon=1)
    config = DataConfig("csv", path=(str(tmp_path / "t.csv"),), target=("y",), series=series)
    dataset = load_dataset(config, seed=0)
    told = [line for line in dataset.summary if "are read as numbers" in line]
    what, _, key = said.partition("|")
    assert len(told) == bool(said)
    assert not said or (what in told[0] and f"`data.dates: {{{name}: {key}}}`" in told[0])
    if said:
        dataset = load_dataset(replace(config, dates={name: key}), seed=0)
        assert not [line for line in dataset.summary if "are read as numbers" in line]
