"""Dates are written as a column has them; weeks, half-years and what services write are read."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta

import numpy as np
import polars
import pytest

from dltrain.config.catalog.date_formats import why_no_writing
from dltrain.data.columns.dates.finding import find_digits_of_times, find_writing
from dltrain.data.columns.dates.reading import to_dates, to_moments
from dltrain.data.columns.reading import Reading
from dltrain.data.series.timeline import times_following
from dltrain.data.series.times import Times, read_times

WEEKS = [date(2008, 12, 29) + timedelta(weeks=step) for step in range(120)]
DAYS = [datetime(2020, 1, 1) + timedelta(days=step) for step in range(40)]
MONTHS = [date(2011 + step // 12, step % 12 + 1, 1) for step in range(30)]
OF_STATA = [f"{year}w{week}" for year in (2009, 2010) for week in range(1, 53)]


def texts(values: list[str]) -> polars.Series:
    return polars.Series("when", values, dtype=polars.String)


def ending(day: int) -> str:
    return "th" if day in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")


def week(form: str) -> list[str]:
    return [form.format(year=day.isocalendar().year, week=day.isocalendar().week) for day in WEEKS]


@pytest.mark.parametrize(
    "values",
    [
        week("{year}-W{week:02d}"), week("{year}/{week:02d}"), week("{year}/{week}"), week("KW {week}/{year}"), OF_STATA,
        [f"{day.year}Q{(day.month + 2) // 3}" for day in MONTHS[::3]], [f"H{(day.month + 5) // 6} {day.year}" for day in MONTHS[::6]],
        [f"{day.year}-S{(day.month + 5) // 6}" for day in MONTHS[::6]], [f"{day.year}m{day.month}" for day in MONTHS],
        [f"{day.month}/{day.day}/{day.year}" for day in DAYS], [f"{day.day}.{day.month}.{day.year} 08:30" for day in DAYS],
        [f"{day:%d/%m/%Y} 5:30 PM" for day in DAYS], [f"{day.day}{ending(day.day)} {day:%B %Y}" for day in DAYS],
        [f"/Date({int((day - datetime(1970, 1, 1)) / timedelta(milliseconds=1))})/" for day in DAYS],
        [f"{day:%b %d, %Y}" for day in DAYS], [f"{day.year}年{day.month}月{day.day}日" for day in DAYS],
    ],
    ids=lambda values: values[0],
)  # fmt: skip
def test_what_is_read_is_written_as_it_stood(values: list[str]) -> None:
    found = find_writing(texts(values))
    assert found is not None
    moments = to_moments(texts(values), found.text).dt.epoch("us").to_numpy()
    assert Times("date", moments, found.text, texts(values).to_numpy()).texts(moments) == values
    # What lies beyond the last row is written so as well, and means what it says.
    half = len(values) // 2
    times = Times("date", moments[:half], found.text, texts(values[:half]).to_numpy())
    assert times.texts(moments[half:]) == values[half:]
    assert why_no_writing(found.text) == ""


def test_networks_write_the_zone_before_the_year_and_later_times_as_iso_has_them() -> None:
    values = [f"{day:%a %b %d} 08:00:00 EST {day:%Y}" for day in DAYS]
    found = find_writing(texts(values))
    assert found is not None
    moments = to_moments(texts(values), found.text).dt.epoch("us").to_numpy()
    later = Times("date", moments, found.text, texts(values).to_numpy()).texts(moments[-1:])
    assert later == [f"{DAYS[-1]:%Y-%m-%d} 08:00-0500"]


@pytest.mark.parametrize(
    ("values", "first", "said"),
    [
        (week("{year}w{week}"), date(2008, 12, 29), ""),
        (OF_STATA, date(2009, 1, 1), "read as those of Stata"),
        (OF_STATA[52:80], date(2010, 1, 4), "read as those of ISO 8601"),
        (week("{year}/{week}"), date(2008, 12, 29), ""),
        (week("{week:02d}-{year}"), date(2008, 12, 29), ""),
        ([f"{day:%Y/%m}" for day in MONTHS], date(2011, 1, 1), ""),
    ],
    ids=["a 53rd week is of ISO 8601", "none where there is one is Stata", "open", "slashes", "dashes", "months"],
)
def test_weeks_of_a_year_are_told_apart(values: list[str], first: date, said: str) -> None:
    found = find_writing(texts(values))
    assert found is not None
    assert to_dates(texts(values), found.text)[0].date() == first
    assert said in found.note
    assert bool(found.note) == bool(said)


def test_weeks_of_stata_begin_on_the_first_of_january() -> None:
    days = to_dates(texts(OF_STATA), "%Yw%tw").dt.date().to_list()
    assert days == [date(year, 1, 1) + timedelta(weeks=number) for year in (2009, 2010) for number in range(52)]
    assert to_dates(texts(["2009w53"]), "%Yw%tw")[0] is None


def test_numbers_behind_a_year_that_follow_nothing_are_no_weeks() -> None:
    assert find_writing(texts([f"2011/{number}" for number in (3, 48, 12, 7, 9, 33, 21, 50, 4, 5)])) is None


@pytest.mark.parametrize("form", ["S{part}{number}", "{part}H{number}", "Q{part}-{number}", "{number}-S{part}"])
def test_codes_with_numbers_of_four_digits_are_no_parts_of_years(form: str) -> None:
    numbers = np.random.default_rng(0).integers(1000, 9999, 60)
    values = [form.format(part=1 + number % 2, number=number) for number in numbers]
    assert find_writing(texts(values)) is None


@pytest.mark.parametrize("form", ["{}-{:02d}", "{}/{:02d}"])
def test_years_that_begin_in_one_and_end_in_the_next_are_no_weeks(form: str) -> None:
    assert find_writing(texts([form.format(year, (year + 1) % 100) for year in range(2012, 2024)])) is None


@pytest.mark.parametrize("form", ["H{half} {year}", "{year}H{half}", "{half}H{year}", "S{half}-{year}"])
def test_half_years_begin_in_january_and_july(form: str) -> None:
    values = [form.format(year=year, half=half) for year in (2011, 2012) for half in (1, 2)]
    found = find_writing(texts(values))
    assert found is not None
    days = to_dates(texts(values), found.text).dt.date().to_list()
    assert days == [date(year, month, 1) for year in (2011, 2012) for month in (1, 7)]


def test_moments_of_services_are_those_of_their_milliseconds() -> None:
    values = texts(["/Date(1388534400000)/", "/Date(1388534400000+0100)/", "/Date(-1000)/"])
    found = find_writing(values)
    assert found is not None
    assert to_moments(values, found.text).to_list() == [
        datetime(2014, 1, 1), datetime(2014, 1, 1), datetime(1969, 12, 31, 23, 59, 59),
    ]  # fmt: skip


@pytest.mark.parametrize("form", [int, str], ids=["numbers", "text"])
def test_digits_of_a_year_and_a_week_are_no_days(form: Callable[[str], object]) -> None:
    values = polars.Series("when", [form(text) for text in week("{year}{week:02d}")])
    found = find_digits_of_times(values)
    assert found is not None
    assert not isinstance(found, list)
    assert to_dates(values, found.text).dt.date().to_list() == WEEKS


@pytest.mark.parametrize("first", [1_577_836_800_123, 1_577_836_800_123_456_789, 2**53 + 1, 20_200_101_123_045])
@pytest.mark.parametrize("dtype", [polars.Int64, polars.String])
def test_times_that_are_long_numbers_keep_their_digits(first: int, dtype: type[polars.DataType]) -> None:
    values = [first + 2**20 * step for step in range(40)]
    frame = polars.DataFrame({"t": values}).cast(dtype)
    times = read_times(frame, ["t"], Reading(), lambda row: ("f", row))
    step, _ = times.step(np.ones(39, bool))
    found = times_following(times, step, np.array([0, 38, 39]), np.zeros(40, np.int64), 1)
    assert found == [str(values[1]), str(values[39]), str(values[39] + 2**20)]


def test_after_the_last_week_of_a_year_of_stata_comes_the_first_of_the_next() -> None:
    given = polars.DataFrame({"t": OF_STATA})
    times = read_times(given, ["t"], Reading(dates={"t": "%Yw%tw"}), lambda row: ("f", row), "%Yw%tw")
    step, _ = times.step(np.ones(len(OF_STATA) - 1, bool))
    last = np.array([len(OF_STATA) - 1])
    runs = np.zeros(len(OF_STATA), np.int64)
    assert [times_following(times, step, last, runs, ahead)[0] for ahead in (1, 2, 52, 53)] == [
        "2011w1", "2011w2", "2011w52", "2012w1",
    ]  # fmt: skip
