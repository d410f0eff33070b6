"""The times of what a series foretells: those of the source's own rows, else by the series' own calendar."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import pandas
import polars
import pytest

from dltrain.config.types import DataConfig, SeriesConfig, SplitConfig
from dltrain.data import load_dataset
from dltrain.data.new_rows import read_ahead
from dltrain.data.raw import RawTable
from dltrain.data.series.ahead import last_rows
from dltrain.data.series.preprocessing import SeriesPreprocessing
from dltrain.errors import DataError


def month_ends() -> list[str]:
    first = polars.date_range(date(1749, 1, 1), date(1753, 12, 1), "1mo", eager=True)
    return first.dt.month_end().dt.strftime("%Y-%m-%d").to_list()


def working_days(form: str) -> list[str]:
    days = [date(2020, 1, 1) + timedelta(days=number) for number in range(80)]
    return [day.strftime(form) for day in days if day.weekday() < 5]


def unpadded() -> list[str]:
    days = [date(2020, 1, 1) + timedelta(days=number) for number in range(81)]
    return [f"{day.day}/{day.month}/{day.year}" for day in days]


def irregular() -> list[str]:
    moments = [datetime(2020, 1, 1) + timedelta(minutes=7 * number * number) for number in range(60)]
    return [f"{moment:%d.%m.%Y %H:%M}" for moment in moments]


@pytest.mark.parametrize(
    ("times", "beyond"),
    [
        (month_ends(), "1754-01-31"),
        (working_days("%Y-%m-%d"), "2020-03-23"),
        (working_days("%m/%d/%Y"), "03/23/2020"),
        (irregular(), None),
        (unpadded(), "22/3/2020"),
    ],
)
def test_c2_labels_join_with_the_source(tmp_path: Path, times: list[str], beyond: str | None) -> None:
    frame = polars.DataFrame({"t": times, "y": [float(number * 7 % 11) for number in range(len(times))]})
    frame.write_csv(tmp_path / "s.csv")
    config = DataConfig(
        "csv",
        path=(str(tmp_path / "s.csv"),),
        target=("y",),
        series=SeriesConfig(time=("t",), history=4),
        split=SplitConfig(test=0.25),
    )
    dataset = load_dataset(config, seed=0)
    for part in dataset.parts.values():
        assert set(part.identifiers["time"]) <= set(times)
    assert list(dataset.parts["test"].identifiers["time"])[-1] == times[-1]
    raw = RawTable(frame.with_columns(polars.col("y").cast(polars.String)))
    asked = dataset.preprocessing.transform(raw, with_targets=False)
    labels = list(asked.identifiers["time"])
    assert labels[:-1] == times[4:]
    if beyond is not None:
        assert labels[-1] == beyond


def test_c2_siblings_each_series_goes_on_by_its_own_calendar(tmp_path: Path) -> None:
    every = {
        "by days": (pandas.date_range("2021-01-01", periods=200, freq="D"), "2021-07-20"),
        "by weeks": (pandas.date_range("2021-01-04", periods=40, freq="W-MON"), "2021-10-11"),
        "by months": (pandas.date_range("2021-01-31", periods=30, freq="ME"), "2023-07-31"),
        "by quarters": (pandas.date_range("2015-01-01", periods=24, freq="QS"), "2021-01-01"),
    }
    rows = [
        (name, f"{day:%Y-%m-%d}", float(place * 7 % 11)) for name, (days, _) in every.items() for place, day in enumerate(days)
    ]
    frame = polars.DataFrame(rows, schema=["shop", "t", "y"], orient="row")
    frame.write_csv(tmp_path / "s.csv")
    series = SeriesConfig(time=("t",), id=("shop",), history=4, gaps=False)
    config = DataConfig("csv", path=(str(tmp_path / "s.csv"),), target=("y",), series=series, split=SplitConfig(test=0.25))
    dataset = load_dataset(config, seed=0)
    asked = dataset.preprocessing.transform(RawTable(frame.cast(polars.String)), with_targets=False)
    last = dict(zip(asked.identifiers["shop"], asked.identifiers["time"], strict=True))
    assert last == {name: day for name, (_, day) in every.items()}
    assert isinstance(dataset.preprocessing, SeriesPreprocessing)
    ahead = last_rows(dataset.preprocessing, RawTable(frame.cast(polars.String)), None, 1, [])
    assert {name[0]: day for name, day in zip(ahead.names, ahead.times(1, 1), strict=True)} == last
    assert ahead.times(2, 1) == ["2021-07-21", "2023-08-31", "2021-04-01", "2021-10-18"]


def on_days(*weekdays: int) -> list[str]:
    return [f"{day:%Y-%m-%d}" for day in pandas.date_range("2022-01-01", periods=400) if day.weekday() in weekdays]


@pytest.mark.parametrize(
    "every",
    [
        *(pandas.date_range("2015-01-01", periods=66, freq=freq) for freq in ("BME", "BMS", "BQE", "WOM-3FRI", "WOM-1TUE", "LWOM-FRI")),
        pandas.DatetimeIndex(on_days(0, 2, 4)),
        pandas.DatetimeIndex(on_days(1, 3)),
        pandas.DatetimeIndex(on_days(0, 1, 2, 3)),
        pandas.DatetimeIndex(on_days(5, 6)),
        pandas.date_range("2022-01-01", periods=60, freq="2D"),
        pandas.date_range("2015-01-01", periods=66, freq="28D"),
    ],
    ids=["BME", "BMS", "BQE", "third Friday", "first Tuesday", "last Friday", "Mo We Fr", "Tu Th", "Mo to Th", "weekends", "2D", "28D"],
)  # fmt: skip
def test_c2_siblings_what_comes_after_the_last_row_is_what_comes_next(every: pandas.DatetimeIndex, tmp_path: Path) -> None:
    """Pandas' own calendars, of which the last six days are kept aside; the stored run knows the calendar as well."""
    days = [f"{day:%Y-%m-%d}" for day in every]
    frame = polars.DataFrame({"t": days[:-6], "y": [float(number * 7 % 11) for number in range(len(days) - 6)]})
    frame.write_csv(tmp_path / "s.csv")
    series = SeriesConfig(time=("t",), history=4)
    config = DataConfig("csv", path=(str(tmp_path / "s.csv"),), target=("y",), series=series, split=SplitConfig(test=0.25))
    dataset = load_dataset(config, seed=0)
    assert not [note for note in dataset.warnings if "changing days" in note]
    stored = SeriesPreprocessing.from_state(*dataset.preprocessing.to_state())
    ahead = last_rows(stored, RawTable(frame.cast(polars.String)), None, 1, [])
    assert [ahead.times(count, 1)[0] for count in range(1, 7)] == days[-6:]


def days_of_months(*days: int) -> pandas.DatetimeIndex:
    months = pandas.date_range("2015-01-01", periods=30, freq="MS")
    return pandas.DatetimeIndex([month + pandas.Timedelta(days=day - 1) for month in months for day in days])


def at_times(days: Sequence[pandas.Timestamp], *hours: float) -> pandas.DatetimeIndex:
    return pandas.DatetimeIndex([day + pandas.Timedelta(minutes=round(60 * hour)) for day in days for hour in hours])


WORKDAYS = list(pandas.bdate_range("2020-01-01", periods=40))
EVERY_DAY = list(pandas.date_range("1969-12-01", periods=40))
TO_SATURDAY = [day for day in pandas.date_range("2020-01-01", periods=60) if day.weekday() < 6]


@pytest.mark.parametrize("cut", [6, 7])
@pytest.mark.parametrize(
    ("every", "season"),
    [
        (pandas.date_range("2015-01-01", periods=66, freq="SMS"), 24),
        (pandas.date_range("2015-01-01", periods=66, freq="SME"), 24),
        (days_of_months(5, 20), 24),
        (days_of_months(1, 11, 21), 36),
        (at_times(WORKDAYS, *[9.5 + half / 2 for half in range(14)]), 14),
        (at_times(TO_SATURDAY, *range(8, 21)), 13),
        (at_times(EVERY_DAY, *range(9, 18)), 9),
        (at_times(EVERY_DAY, 8, 12, 18), 3),
        (at_times(EVERY_DAY, 9, 17), 2),
        (at_times(WORKDAYS, *range(24)), 24),
    ],
    ids=["SMS", "SME", "5th and 20th", "dekads", "exchange", "shop", "office", "3 a day", "2 a day", "all hours of working days"],
)
def test_c2_siblings_of_several_a_month_and_some_hours_of_a_day(
    every: pandas.DatetimeIndex, season: int, cut: int, tmp_path: Path
) -> None:
    frame = polars.DataFrame(
        {"t": [str(moment) for moment in every[:-cut]], "y": [float(number * 7 % 11) for number in range(len(every) - cut)]}
    )
    frame.write_csv(tmp_path / "s.csv")
    series = SeriesConfig(time=("t",), history=4)
    config = DataConfig("csv", path=(str(tmp_path / "s.csv"),), target=("y",), series=series, split=SplitConfig(test=0.25))
    stored = SeriesPreprocessing.from_state(*load_dataset(config, seed=0).preprocessing.to_state())
    ahead = last_rows(stored, RawTable(frame.cast(polars.String)), None, 1, [])
    assert [pandas.Timestamp(ahead.times(count, 1)[0]) for count in range(1, cut + 1)] == list(every[-cut:])
    assert stored.series.season == season
    if stored.step.month_days:
        assert stored.step.describe() == {24: "half a month", 36: "a third of a month"}[season]


def test_c2_siblings_days_of_months_by_no_calendar_are_said(tmp_path: Path) -> None:
    days = [f"{2015 + month // 12}-{month % 12 + 1:02d}-{13 + month % 4}" for month in range(66)]
    polars.DataFrame({"t": days, "y": [float(number * 7 % 11) for number in range(66)]}).write_csv(tmp_path / "s.csv")
    series = SeriesConfig(time=("t",), history=4)
    config = DataConfig("csv", path=(str(tmp_path / "s.csv"),), target=("y",), series=series, split=SplitConfig(test=0.25))
    assert any("changing days of their months" in note for note in load_dataset(config, seed=0).warnings)


def test_a5_the_hour_that_comes_twice_keeps_its_order(tmp_path: Path) -> None:
    hours = polars.datetime_range(datetime(2020, 10, 30), datetime(2020, 11, 2), "1h", eager=True, time_zone="UTC")
    values = [float(number * 7 % 11) for number in range(len(hours))]
    labels = []
    for name, zone in (("york", "America/New_York"), ("utc", "UTC")):
        frame = polars.DataFrame({"t": hours.dt.convert_time_zone(zone), "y": values})
        frame.sample(fraction=1.0, shuffle=True, seed=1).write_parquet(tmp_path / f"{name}.parquet")
        config = DataConfig(
            "parquet",
            path=(str(tmp_path / f"{name}.parquet"),),
            target=("y",),
            series=SeriesConfig(time=("t",), history=4),
            split=SplitConfig(test=0.5),
        )
        part = load_dataset(config, seed=0).parts["test"]
        labels.append([datetime.fromisoformat(text) for text in part.identifiers["time"]])
        assert len(labels[-1]) == len(set(part.identifiers["time"])) > 30
    assert labels[0] == labels[1] == [moment for moment in hours.to_list() if moment >= labels[0][0]]


def test_a2_the_test_part_is_the_latest(tmp_path: Path) -> None:
    weeks = [date(1998, 1, 5) + timedelta(days=7 * number) for number in range(209)]
    frame = polars.DataFrame({"when": [week.strftime("%d-%b-%y") for week in weeks], "x": range(209), "y": range(209)})
    frame.sample(fraction=1.0, shuffle=True, seed=1).write_csv(tmp_path / "s.csv")
    config = DataConfig(
        "csv",
        path=(str(tmp_path / "s.csv"),),
        target=("y",),
        task="regression",
        split=SplitConfig(time="when", test=0.25),
        scale_target=False,
    )
    parts = load_dataset(config, seed=0).parts
    assert parts["test"].targets["y"].min() > parts["train"].targets["y"].max()


def test_a4_a_feature_names_its_format(tmp_path: Path) -> None:
    rows = [f"{year}{month:02d}{1 + month:02d}" for year in range(2000, 2020) for month in range(1, 13)]
    frame = polars.DataFrame({"when": rows, "y": [float(number % 7) for number in range(len(rows))]})
    frame.write_csv(tmp_path / "s.csv")
    config = DataConfig(
        "csv",
        path=(str(tmp_path / "s.csv"),),
        target=("y",),
        task="regression",
        features={"when": "date"},
        dates={"when": "%Y%m%d"},
        split=SplitConfig(test=0.25),
    )
    [column] = load_dataset(config, seed=0).preprocessing.features
    assert (column.kind, column.date_format) == ("date", "%Y%m%d")
    assert "year" in column.date_parts


def test_a3_the_decision_is_written_back_and_taken_again(tmp_path: Path) -> None:
    """What was decided is among the resolved values, and reads a single row the same way."""
    days = [f"{1 + month % 5:02d}/{1 + month % 12:02d}/{2000 + month // 12}" for month in range(120)]
    polars.DataFrame({"when": days, "y": [float(number % 7) for number in range(120)]}).write_csv(tmp_path / "s.csv")
    config = DataConfig(
        "csv",
        path=(str(tmp_path / "s.csv"),),
        target=("y",),
        task="regression",
        features={"when": "date"},
        split=SplitConfig(test=0.25),
    )
    dataset = load_dataset(config, seed=0)
    assert dataset.resolved["data.dates"] == {"when": "%d/%m/%Y"}
    assert any("day first" in warning for warning in dataset.warnings)
    stored = type(dataset.preprocessing).from_state(*dataset.preprocessing.to_state())
    asked = [
        stored.transform(RawTable(polars.DataFrame({"when": [text]})), with_targets=False).inputs["features"]
        for text in ("03/04/2001", "2001-04-03")
    ]
    assert asked[0].tolist() == asked[1].tolist()


HOLIDAYS = ("2020-01-20", "2020-02-17", "2020-03-25")


@pytest.mark.parametrize(
    ("calendar", "offset"),
    [
        ("business_days", pandas.tseries.offsets.CustomBusinessDay(holidays=list(HOLIDAYS))),
        ("days", pandas.tseries.offsets.CustomBusinessDay(holidays=list(HOLIDAYS), weekmask="1111111")),
        ("open_days", pandas.tseries.offsets.CustomBusinessDay(holidays=list(HOLIDAYS), weekmask="Tue Wed Thu Fri Sat Sun")),
        ("month_ends", pandas.tseries.offsets.MonthEnd()),
        ("business_month_ends", pandas.tseries.offsets.CustomBusinessMonthEnd(holidays=list(HOLIDAYS))),
    ],
)
def test_a_calendar_that_is_named_is_that_of_pandas(tmp_path: Path, calendar: str, offset: pandas.DateOffset) -> None:
    dates = pandas.date_range("2020-01-01", periods=90, freq=offset)
    frame = polars.DataFrame({"t": dates.strftime("%Y-%m-%d").to_list(), "y": [float(n * 7 % 11) for n in range(90)]})
    frame[:60].write_csv(tmp_path / "s.csv")
    series = SeriesConfig(time=("t",), history=4, calendar=calendar, holidays=() if calendar == "month_ends" else HOLIDAYS)
    config = DataConfig("csv", path=(str(tmp_path / "s.csv"),), target=("y",), series=series, split=SplitConfig(test=0.25))
    dataset = load_dataset(config, seed=0)
    assert not dataset.warnings
    assert sum(part.num_rows for part in dataset.parts.values()) == 60 - 2 * 4  # no weekend and no holiday is a gap
    assert dataset.resolved["data.series.gaps"] == "split"
    stored = SeriesPreprocessing.from_state(*dataset.preprocessing.to_state())
    assert read_ahead(stored, [str(tmp_path / "s.csv")], None, 30).times(1, 30) == frame["t"].to_list()[60:]
    # What the calendar has and the file lacks is a gap all the same.
    polars.concat([frame[:30], frame[31:60]]).write_csv(tmp_path / "s.csv")
    lacking = load_dataset(config, seed=0)
    assert any("1 gap in time" in text for text in lacking.warnings)


def test_a_shop_closed_on_sundays_has_weeks_of_six_rows(tmp_path: Path) -> None:
    days = pandas.date_range("2020-01-01", periods=200, freq=pandas.tseries.offsets.CustomBusinessDay(weekmask="1111110"))
    texts = days.strftime("%Y-%m-%d").to_list()
    polars.DataFrame({"t": texts[:150], "y": [float(n * 7 % 11) for n in range(150)]}).write_csv(tmp_path / "s.csv")
    series = SeriesConfig(time=("t",), history=6)
    config = DataConfig("csv", path=(str(tmp_path / "s.csv"),), target=("y",), series=series, split=SplitConfig(test=0.25))
    dataset = load_dataset(config, seed=0)
    assert dataset.preprocessing.series.season == 6
    assert any(
        "`series.calendar: open_days` says that days of the week without rows are no gap" in text for text in dataset.warnings
    )
    stored = SeriesPreprocessing.from_state(*dataset.preprocessing.to_state())
    assert read_ahead(stored, [str(tmp_path / "s.csv")], None, 50).times(1, 50) == texts[150:]
    asked = load_dataset(replace(config, series=replace(series, calendar="open_days")), seed=0)
    assert not asked.warnings
    # A day of the week that four weeks do not have by chance is none that is closed.
    short = polars.read_csv(tmp_path / "s.csv")[:20]
    short.write_csv(tmp_path / "s.csv")
    assert load_dataset(replace(config, series=replace(series, history=2)), seed=0).preprocessing.series.season == 7


def test_rows_on_days_that_a_calendar_leaves_out_are_refused(tmp_path: Path) -> None:
    days = pandas.date_range("2020-01-01", periods=60, freq="D").strftime("%Y-%m-%d").to_list()
    polars.DataFrame({"t": days, "y": [float(n * 7 % 11) for n in range(60)]}).write_csv(tmp_path / "s.csv")
    config = DataConfig("csv", path=(str(tmp_path / "s.csv"),), target=("y",), split=SplitConfig(test=0.25))
    for options, words in (
        ({"calendar": "business_days"}, "17 rows are on days that the calendar leaves out, such as 2020-01-04"),
        ({"holidays": ("2020-01-07",)}, "1 row is on a day that the calendar leaves out, such as 2020-01-07"),
        ({"calendar": "month_ends"}, "such as 2020-01-01"),
    ):
        with pytest.raises(DataError, match=words):
            load_dataset(replace(config, series=SeriesConfig(time=("t",), history=4, **options)), seed=0)  # type: ignore[arg-type]


@pytest.mark.parametrize("clock", ["%H:%M:%S", "%H.%M.%S", "%H:%M"])
@pytest.mark.parametrize("date", ["%d/%m/%Y", "%Y-%m-%d"])
def test_a_column_of_dates_and_one_of_times_of_the_day_are_one_time(tmp_path: Path, date: str, clock: str) -> None:
    times = pandas.date_range("2006-12-30 22:00", periods=80, freq="h")
    frame = polars.DataFrame({
        "d": times.strftime(date).to_list(), "t": times.strftime(clock).to_list(), "y": [float(n * 7 % 11) for n in range(80)]
    })  # fmt: skip
    frame[:70].write_csv(tmp_path / "s.csv")
    series = SeriesConfig(time=("d", "t"), history=4)
    config = DataConfig("csv", path=(str(tmp_path / "s.csv"),), target=("y",), series=series, split=SplitConfig(test=0.25))
    dataset = load_dataset(config, seed=0)
    assert dataset.preprocessing.series.season == 24
    assert dataset.preprocessing.step.describe() == "1 hour"
    stored = SeriesPreprocessing.from_state(*dataset.preprocessing.to_state())
    written = clock.replace(".", ":")
    ahead = read_ahead(stored, [str(tmp_path / "s.csv")], None, 10).times(1, 10)
    assert ahead == times[70:].strftime(f"{date} {written}").to_list()
