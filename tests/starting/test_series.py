"""`init --series`: the config of a forecast, by what the rows are."""

import csv
import datetime
import json
import math
import random
import subprocess
import sys
from pathlib import Path

import pytest

from dltrain.cli.app import run
from dltrain.config import load_config_text
from dltrain.data.load import load_dataset
from dltrain.data.series.wide import find_times, how_to_turn
from dltrain.errors import DataError, UsageError
from dltrain.starting.start import make_starter
from dltrain.starting.starter import Wishes
from tests.support import REPOSITORY, shared_data

SHOPS = str(REPOSITORY / "configs" / "shops.csv")


def write_days(path: Path, rows: int, *, rises: float = 0.0) -> Path:
    """A table of days: a week's wave, noise, a trend, and the weather, which is not known ahead."""
    chance = random.Random(0)
    first = datetime.date(2022, 1, 3)
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["day", "sales", "weather"])
        for row in range(rows):
            value = 100 + rises * row + 20 * math.sin(2 * math.pi * row / 7) + chance.gauss(0, 3)
            writer.writerow([first + datetime.timedelta(days=row), f"{value:.2f}", chance.choice(["sun", "rain"])])
    return path


def test_a_table_of_several_series_is_told_apart_by_its_shop():
    starter = make_starter(SHOPS, target="sales", wishes=Wishes(series="month"))
    series = load_config_text(starter.text, folder=REPOSITORY).data.series
    assert series is not None
    assert (series.time, series.id, series.horizon, series.scale, series.history_from) == (
        ("month",),
        ("shop",),
        6,
        "per_series",
        "before",
    )
    assert "40 series, of 68 rows as a rule, 1 month apart: 20 rows tell the next 6" in starter.text


def test_a_single_series_sees_two_seasons_and_tells_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_days(tmp_path / "t.csv", 400)
    config = load_config_text(make_starter("t.csv", target="sales", wishes=Wishes(series="day")).text, folder=tmp_path)
    series = config.data.series
    assert series is not None
    assert (series.history, series.horizon, series.scale, series.id) == (14, 7, "per_series", ())
    assert config.data.features == {"sales": "number", "weather": "category"}
    dataset = load_dataset(config.data, seed=0)
    assert dataset.parts["train"].num_rows > 200
    longer = load_config_text(
        make_starter("t.csv", target="sales", wishes=Wishes(series="day", horizon=21)).text, folder=tmp_path
    )
    assert longer.data.series is not None
    assert longer.data.series.horizon == 21


def test_days_of_the_week_without_rows_are_no_gap(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    days = [datetime.date(2024, 1, 1) + datetime.timedelta(day) for day in range(200)]
    open_days = [f"{day},{50 + place % 6}" for place, day in enumerate(day for day in days if day.weekday() != 6)]
    (tmp_path / "t.csv").write_text("\n".join(["day,sales", *open_days]) + "\n")
    text = make_starter("t.csv", target="sales", wishes=Wishes(series="day")).text
    series = load_config_text(text, folder=tmp_path).data.series
    assert series is not None
    assert (series.calendar, series.horizon, series.gaps) == ("open_days", 6, None)
    assert "1 open day apart" in text


def test_single_business_days_without_rows_are_holidays_and_a_long_gap_is_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    holidays = ["2023-05-01", "2023-12-25", "2023-12-26", "2024-05-01"]  # all of them from Monday to Friday
    away = [str(datetime.date(2023, 8, 7) + datetime.timedelta(day)) for day in range(12)]  # two weeks: nobody counted
    days = [datetime.date(2023, 1, 2) + datetime.timedelta(day) for day in range(600)]
    rows = [
        f"{day},{shop},{50 + day.toordinal() % 7}"
        for shop in ("a", "b")
        for day in days
        if day.weekday() < 5 and str(day) not in [*holidays, *away] and (shop, str(day)) != ("a", "2023-06-01")
    ]
    (tmp_path / "t.csv").write_text("\n".join(["day,shop,sales", *rows]) + "\n")
    text = make_starter("t.csv", target="sales", wishes=Wishes(series="day")).text
    series = load_config_text(text, folder=tmp_path).data.series
    assert series is not None
    assert (series.calendar, list(series.holidays)) == ("business_days", holidays)
    assert "4 other days without rows taken for holidays" in text.replace("\n  #   ", " ")
    assert max(map(len, text.splitlines())) <= 120
    assert "1 business day apart" in text
    assert "1 day apart" not in text


@pytest.mark.parametrize("name", ["len", "value"])
def test_a_column_that_tells_series_apart_is_called_anything(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    days = [datetime.date(2024, 1, 1) + datetime.timedelta(day) for day in range(60)]
    lines = [f"{shop},{shop < 'c'},{day},{50 + place % 7}" for shop in "abc" for place, day in enumerate(days)]
    (tmp_path / "t.csv").write_text("\n".join([f"{name},region,day,sales", *lines]) + "\n")
    series = load_config_text(
        make_starter("t.csv", target="sales", wishes=Wishes(series="day")).text, folder=tmp_path
    ).data.series
    assert series is not None
    assert (series.id, series.static) == ((name,), ("region",))
    assert series.horizon == 6


def test_dates_and_times_of_the_day_in_two_columns(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = [f"{1 + hour // 24}/1/2024;{hour % 24}:00:00;{50 + hour % 24}" for hour in range(24 * 20)]
    (tmp_path / "t.csv").write_text("\n".join(["Date;Time;load", *rows]) + "\n")
    text = make_starter("t.csv", target="load", wishes=Wishes(series="Date,Time")).text
    series = load_config_text(text, folder=tmp_path).data.series
    assert series is not None
    assert (series.time, series.horizon) == (("Date", "Time"), 24)
    assert "480 rows 1 hour apart" in text


def test_a_level_that_moves_is_scaled_by_each_window(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_days(tmp_path / "t.csv", 200, rises=1.0)
    text = make_starter("t.csv", target="sales", wishes=Wishes(series="day")).text
    assert "scale: per_series" in text
    assert "the level moves" in text


@pytest.mark.parametrize("gap", [0, 3])
def test_what_stays_the_same_in_each_series_is_static_and_short_runs_between_gaps_are_joined(tmp_path, monkeypatch, gap):
    monkeypatch.chdir(tmp_path)
    days = [datetime.date(2024, 1, 1) + datetime.timedelta(day + gap * (day // 20)) for day in range(100)]
    lines = ["store,region,day,sales"]
    for store, region in (("a", "north"), ("b", "south"), ("c", "south")):
        lines += [f"{store},{region},{day},{50 + index % 7}" for index, day in enumerate(days)]
    (tmp_path / "t.csv").write_text("\n".join(lines) + "\n")
    series = load_config_text(
        make_starter("t.csv", target="sales", wishes=Wishes(series="day")).text, folder=tmp_path
    ).data.series
    assert series is not None
    assert (series.id, series.static, series.gaps) == (("store",), ("region",), "ignore" if gap else None)


@pytest.mark.parametrize(("whole", "back", "layer"), [(True, 50, "Conv1D"), (False, 10, "GRU")])
def test_a_target_of_classes_makes_windows_with_a_label(whole, back, layer, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lines = [
        f"{second},m{machine},{second * (machine % 2 + 1) % 7},{'ab'[(machine if whole else second // 10) % 2]}"
        for machine in range(20)
        for second in range(50)
    ]
    (tmp_path / "t.csv").write_text("\n".join(["second,machine,shake,state", *lines]) + "\n")
    starter = make_starter("t.csv", target="state", wishes=Wishes(series="second"))
    config = load_config_text(starter.text, folder=tmp_path)
    assert config.data.series is not None
    assert (config.data.task, config.data.series.id, config.data.series.history) == ("classification", ("machine",), back)
    assert config.data.series.label_of == ("series" if whole else None)
    assert set(config.data.features) == {"shake"}
    assert layer in starter.text
    assert any("label of" in line or "whole series" in line for line in starter.summary)


@pytest.mark.parametrize(("rows", "epochs", "patience"), [(150, 200, 15), (20_000, 200, 15), (200_000, 25, 3)])
def test_of_many_rows_fewer_epochs_are_enough(rows, epochs, patience, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.csv").write_text("step,load\n" + "\n".join(f"{step},{step % 24 + step % 5 / 10}" for step in range(rows)))
    training = load_config_text(make_starter("t.csv", target="load", wishes=Wishes(series="step")).text, folder=tmp_path).training
    assert training.epochs == epochs
    assert training.early_stopping is not None
    assert training.early_stopping["patience"] == patience


def test_what_is_no_series_of_numbers_is_refused_with_the_way_out(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write_days(tmp_path / "t.csv", 60)
    for arguments, message in (
        ({"target": "sales", "series": "date"}, "there is no column date of times"),
        ({"target": "sales", "series": "sales"}, "cannot be the time as well"),
        ({"target": "weather", "series": "day", "horizon": 3}, "weather holds classes"),
    ):
        with pytest.raises(UsageError, match=message):
            make_starter("t.csv", target=arguments.pop("target"), wishes=Wishes(**arguments))
    with pytest.raises(UsageError, match="digits is none"):
        make_starter("digits", wishes=Wishes(series="day"))
    (tmp_path / "odd.csv").write_text("day,sales\n" + "".join(f"x{row},{row}\n" for row in range(30)))
    with pytest.raises(DataError, match="the time column day holds 'x0'"):
        make_starter("odd.csv", target="sales", wishes=Wishes(series="day"))
    assert run(["init", "t.csv", "--target", "sales", "--horizon", "3"]) == 2
    assert "--series COL names its times" in capsys.readouterr().err


def test_what_is_not_learnt_from_is_said_and_numbers_have_no_unit(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lines = [
        f"{step * 5},{step % 7 + step % 3 / 10},went out and met {step * 37 % 101} of {step},2024-05-{step % 28 + 1:02}"
        for step in range(200)
    ]
    (tmp_path / "t.csv").write_text("step,sales,diary,born\n" + "\n".join(lines))
    starter = make_starter("t.csv", target="sales", wishes=Wishes(series="step"))
    said = "\n".join(starter.summary)
    assert "not learnt from: diary (" in said
    assert ", born (date)" in said
    assert "# not learnt from: born (date)" in starter.text
    assert "# left out: diary (" in starter.text
    assert "5 apart" in said
    assert "number apart" not in said + starter.text


def test_a_horizon_or_a_tail_that_leaves_no_windows_is_refused_with_the_way_out(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_days(tmp_path / "t.csv", 60)
    with pytest.raises(DataError, match="has no window") as caught:
        make_starter("t.csv", target="sales", wishes=Wishes(series="day", horizon=50))
    assert caught.value.faults[0].hint == "a smaller --horizon, or none"
    lines = [f"{step},{step % 7 + step % 3 / 10 if step < 90 else ''},{step % 2}" for step in range(120)]
    (tmp_path / "tail.csv").write_text("step,sales,promo\n" + "\n".join(lines))
    with pytest.raises(DataError, match="the last 30 of 120 rows have no sales"):
        make_starter("tail.csv", target="sales", wishes=Wishes(series="step"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "target", "time", "best"),
    [
        (SHOPS, "sales", "month", 0.9),
        ("timeseries/classic/airline-passengers.csv", "Passengers", "Month", 0.8),
        ("timeseries/classic/daily-max-temperatures.csv", "Temperature", "Date", 0.8),
        ("timeseries/classic/daily-total-female-births.csv", "Births", "Date", 0.9),
        ("timeseries/classic/monthly-sunspots.csv", "Sunspots", "Month", 1.0),
    ],
)
def test_the_untouched_config_beats_the_season_before(path, target, time, best, tmp_path, monkeypatch):
    where = path if path == SHOPS else str(shared_data(path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "c.yaml").write_text(make_starter(where, target=target, folder=tmp_path, wishes=Wishes(series=time)).text)
    assert run(["-q", "fit", "c.yaml", "--run-dir", "run"]) == 0
    found = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert found["metrics"]["test"]["mase"] < best


def test_a_table_with_a_column_for_each_time_is_answered_with_the_command_that_turns_it(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    first = datetime.date(2015, 7, 1)
    days = [first + datetime.timedelta(day) for day in range(40)]
    rows = [f"page {row},{','.join(str(10 * row + day % 7) for day in range(40))}" for row in range(12)]
    Path("wide.csv").write_text("\n".join([f"Page,{','.join(map(str, days))}", *rows]) + "\n")
    for given in ([], ["--target", "value", "--series", "date"], ["--target", str(days[-1]), "--series", "Page"]):
        assert run(["init", "wide.csv", *given]) == 2
    said = capsys.readouterr().err
    assert said.count("python -c '") == 3
    command = said.split("python -c '")[1].split("'")[0]
    assert subprocess.run([sys.executable, "-c", command], check=False).returncode == 0
    series = load_config_text(
        make_starter("wide_long.csv", target="value", wishes=Wishes(series="time")).text, folder=tmp_path
    ).data.series
    assert series is not None
    assert (series.time, series.id, series.horizon) == (("time",), ("Page",), 4)


@pytest.mark.parametrize(
    ("names", "run_of_times"),
    [
        (["Country", "Code", *map(str, range(1960, 1990))], (2, 32)),
        (["id", "store", *(f"d_{day}" for day in range(1, 30))], (2, 31)),
        (["Province/State", "Country/Region", "Lat", "Long", *(f"1/{day}/20" for day in range(1, 31))], (4, 34)),
        (["id", *(f"2024-{month:02d}" for month in range(1, 13)), "total"], (1, 13)),
        ([f"V{number}" for number in range(1, 30)], None),  # as the columns of many tables are called
        ([f"pixel{number}" for number in range(784)], None),
        (["a", "b", "c", *(f"d{day}" for day in range(1, 10))], None),
        (["2019", "2018", *(f"c{letter}" for letter in "abcdefghijkl")], None),
    ],
)
def test_columns_that_are_called_by_times_are_seen(names, run_of_times):
    found = find_times(names)
    assert (found and (found[0].start, found[0].stop)) == run_of_times


def test_rows_in_order_without_a_column_of_times(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    chance = random.Random(0)
    Path("t.txt").write_text("".join(f"{chance.random():.4f},{chance.random():.4f}\n" for _ in range(400)))
    series = load_config_text(make_starter("t.txt", target="1", wishes=Wishes(series="rows")).text, folder=tmp_path).data.series
    assert series is not None
    assert (series.time, series.horizon) == ((), 1)
    with pytest.raises(UsageError, match="no column 7 of times") as error:
        make_starter("t.txt", target="1", wishes=Wishes(series="7"))
    assert "--series rows" in str(error.value.faults[0].hint)


def test_the_parts_of_a_date_in_columns_of_their_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    first = datetime.datetime(2010, 1, 1)
    hours = [first + datetime.timedelta(hours=hour) for hour in range(480)]
    rows = [f"{at.year},{at.month},{at.day},{at.hour},{50 + 9 * math.sin(at.hour / 4):.1f}" for at in hours]
    Path("t.csv").write_text("\n".join(["year,month,day,hour,pm", *rows]) + "\n")
    assert "`dltrain init --series year,month,day,hour`" in make_starter("t.csv", target="pm").text.replace("\n  #   ", " ")
    text = make_starter("t.csv", target="pm", wishes=Wishes(series="year,month,day,hour")).text
    series = load_config_text(text, folder=tmp_path).data.series
    assert series is not None
    assert (series.time, series.horizon) == (("year", "month", "day", "hour"), 24)


@pytest.mark.parametrize("column", ["hr", "clock"])
def test_a_date_with_its_hour_in_a_column_of_its_own_is_proposed(column, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    first = datetime.datetime(2011, 1, 1)
    hours = [first + datetime.timedelta(hours=hour) for hour in range(480)]
    rows = [f"{at:%Y-%m-%d},{at.hour if column == 'hr' else f'{at:%H:%M}'},{50 + 9 * math.sin(at.hour / 4):.1f}" for at in hours]
    Path("t.csv").write_text("\n".join([f"dteday,{column},load", *rows]) + "\n")
    assert f"`dltrain init --series dteday,{column}`" in make_starter("t.csv", target="load").text.replace("\n  #   ", " ")
    text = make_starter("t.csv", target="load", wishes=Wishes(series=f"dteday,{column}")).text
    assert "480 rows 1 hour apart" in text
    series = load_config_text(text, folder=tmp_path).data.series
    assert series is not None
    assert (series.time, series.horizon) == (("dteday", column), 24)


def test_hours_from_1_to_24_are_no_times_of_the_day(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = [f"2011-01-{1 + hour // 24:02d},{1 + hour % 24},{hour % 7}" for hour in range(480)]
    Path("t.csv").write_text("\n".join(["dteday,hr,load", *rows]) + "\n")
    with pytest.raises(DataError, match="the columns dteday, hr are no parts of a date"):
        make_starter("t.csv", target="load", wishes=Wishes(series="dteday,hr"))


@pytest.mark.parametrize(("file", "reader"), [("w.csv", "read_csv"), ("w.parquet", "read_parquet"), ("W.PQ", "read_parquet")])
def test_what_turns_a_wide_table_reads_it_by_its_name(file: str, reader: str) -> None:
    assert f"polars.{reader}(" in (how_to_turn(["shop", *map(str, range(1990, 2020))], file) or "")
