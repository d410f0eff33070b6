"""What is said of columns whose values a person reads as numbers or dates, and nothing here does."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars
import pytest

from dltrain.config.types import DataConfig
from dltrain.data import Dataset, load_dataset
from dltrain.data.columns.dates.durations import are_durations, to_seconds
from dltrain.data.columns.dates.finding import find_writing
from dltrain.data.columns.dates.reading import to_dates
from tests.data.streaming import IN_MEMORY, STREAMED

NUM_ROWS = 40


def load(folder: Path, values: list[str], **options: object) -> Dataset:
    path = folder / "t.csv"
    rows = (f"{row * 7 % 11};{values[row % len(values)]};{'abc'[row % 3]}" for row in range(NUM_ROWS))
    path.write_text("k;x;y\n" + "\n".join(rows) + "\n")
    return load_dataset(DataConfig("csv", path=(str(path),), target=("y",), **options), seed=3)  # type: ignore[arg-type]


@pytest.mark.parametrize("bound", [IN_MEMORY, STREAMED])
@pytest.mark.parametrize(
    ("values", "said"),
    [
        (["<5", "7.5", "<5", ">100"], "bounds of a measurement"),
        (["1,000+", "10,000+", "500+", "0"], "bounds of a measurement"),
        (["1/2", "3/4", "1 1/2", "2"], "fractions"),
        (["½", "¾", "1½", "2"], "fractions"),
        (["1.5D-3", "2.5D+02", "3.0D0"], "Fortran"),
        (["1.5x10^3", "2.5×10^2"], "powers of ten"),
        (["~5", "7.5", "~6", "8"], "rounded numbers"),
        (["c1830", "1851", "c. 1904", "ca 1910"], "rounded numbers"),
        (["5.0*", "7.5", "6.0**"], "a mark behind them"),
        (["1_234", "2_345", "12"], "_ between thousands"),
        (["5‰", "3.25‰"], "per mille"),
        (["6-2", "5-11", "6-10"], "feet and inches"),
        (["1.5 ± 0.2", "2.5 ± 0.1"], "their error"),
        (["\u0661\u0662", "\u0664\u0665"], "digits of another script"),
        (["(1,234.50)", "250.00", "-", "1,000.00"], "a dash stands among amounts"),
        (["2020-02-30", "2020-01-02", "2020-01-03"], "dates written %Y-%m-%d; because of '2020-02-30'"),
        (["31.01.2020", "soon", "15.02.2020"], "dates written %d.%m.%Y; because of 'soon'"),
    ],
)
def test_a13_what_looks_like_numbers_or_dates_is_said(tmp_path, monkeypatch, values, said, bound):
    monkeypatch.setenv("DLTRAIN_STREAM_BYTES", bound)
    assert [warning for warning in load(tmp_path, values).warnings if warning.startswith("x: ") and said in warning]


@pytest.mark.parametrize(
    "values",
    [
        ["1.2.3", "1.10.0"],
        ["10.0.0.1", "8.8.8.8"],
        ["5-10", "10-20"],
        ["a1", "b2"],
        ["0x1A", "0xFF"],
        ["c39", "c52"],
        ["c168", "c1028"],
    ],
)
def test_what_is_no_number_is_not_said_to_be_one(tmp_path, values):
    assert not load(tmp_path, values).warnings


def test_a13_a_dash_can_be_said_to_be_0(tmp_path):
    dataset = load(tmp_path, ["(1,234.50)", "250.00", "-", "1,000.00"], replace={"x": {"-": "0"}}, scale="none")
    features = np.asarray(dataset.parts["train"].inputs["features"])
    np.testing.assert_array_equal(features[:4, 1], [-1234.5, 250.0, 0.0, 1000.0])


@pytest.mark.parametrize("sign", ["/", "-"])
def test_a2_a_year_of_two_digits_before_the_month_is_said(sign):
    days = [date(2019, 11, 1) + timedelta(days=9 * number) for number in range(60)]
    values = polars.Series("x", [f"{day:%y{sign}%m{sign}%d}" for day in days])
    found = find_writing(values)
    assert found is not None
    assert to_dates(values, found.text).dt.date().to_list() == days
    shuffled = values.sample(fraction=1, shuffle=True, seed=3)
    found = find_writing(shuffled)
    assert found is not None
    assert found.text == f"%y{sign}%m{sign}%d"


def test_a2_a_year_of_two_digits_that_may_be_a_day_is_said():
    values = polars.Series("x", ["20/01/15", "20/02/28", "20/03/31", "20/12/24"])
    found = find_writing(values)
    assert found is not None
    assert found.text == "%y/%m/%d"
    assert '{x: "%d/%m/%y"} says otherwise' in found.note


def test_iso_8601_lengths_of_time_are_seconds():
    values = polars.Series(["PT1H30M", "PT45M", "PT4.5S", "P1DT1H", "-PT10S", "P2W"])
    assert are_durations(values)
    assert to_seconds(values).to_list() == [5400.0, 2700.0, 4.5, 90000.0, -10.0, 1209600.0]
    assert not are_durations(polars.Series(["P", "PT", "P1"]))


def test_months_of_years_are_told_from_fractions_and_units(tmp_path):
    months = [f"{month}/{year}" for year in (86, 87) for month in range(1, 13)]
    (warning,) = load(tmp_path, months).warnings
    assert warning.startswith("x: values such as '1/86' look like months of years, and may be fractions, so it is ")
    dataset = load(tmp_path, months, features={"x": "date"}, dates={"x": "%m/%y"})
    assert not dataset.warnings
    (warning,) = load(tmp_path, ["1/2", "3/4", "1/8"] * 8).warnings
    assert "look like fractions" in warning


@pytest.mark.parametrize("bound", [IN_MEMORY, STREAMED])
@pytest.mark.parametrize(
    ("values", "said"),
    [
        (["5 kg", "7 kg", "5 lb", "9 lb"], "numbers with different units (kg, lb)"),
        (["64 GB", "512 MB", "1 TB"], "numbers with different units (GB, MB, TB)"),
        (["$5", "$10", "€7"], "numbers with different units ($, €)"),
        (["1A", "2B", "3A", "2A"], ""),  # seats
        (["1st", "2nd", "3rd", "4th"], ""),
        ([*(f"{number}.5 kg" for number in range(30)), "n.k."], "because of 'n.k.' it is"),
        ([*(f"{number} kg" for number in range(9)), "n.k."], ""),
    ],
)
def test_units_of_few_numbers_and_words_among_numbers_with_a_unit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bound: str, values: list[str], said: str
) -> None:
    monkeypatch.setenv("DLTRAIN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("DLTRAIN_STREAM_BYTES", bound)
    notes = [note.text for note in load(tmp_path, values).notes if note.text.startswith("x: ")]
    assert [said in note for note in notes] == [True] * bool(said)
