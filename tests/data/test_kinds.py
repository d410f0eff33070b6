"""Kinds of columns, and text read as numbers, booleans and dates."""

import datetime

import numpy as np
import polars
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dltrain.data.kinds import Reading, infer_kind, mend, read_numbers, text_of, to_booleans, to_dates

READING = Reading()


def column(*values: object, name: str = "x") -> polars.Series:
    return polars.Series(name, values)


@pytest.mark.parametrize(
    ("values", "kind", "left_out"),
    [
        (("1", "2.5", "-3e4", "?"), "number", ""),
        (("", "29.85", "NA"), "number", ""),
        (("True", "false", ""), "boolean", ""),
        (("yes", "no", "yes"), "category", ""),
        (("02139", "10001"), "category", ""),
        (("2020-01-31", "2021-12-01"), "date", ""),
        (("09/22/1986", "09/12/1988"), "date", ""),
        (("31/01/2020", "01/02/2020"), "date", ""),
        (("", "?", "NA"), "category", "empty"),
        (tuple(f"name {i}" for i in range(30)), "text", "text, all different"),
        (("a/1.png", "b/2.JPG", "?"), "text", "names of picture files; the kind `image` reads them"),
        (("a/1.png", "b/2.txt"), "category", ""),
        ((1.5, 2.5, None), "number", ""),
        ((True, False), "boolean", ""),
        ((datetime.date(2020, 1, 1), None), "date", ""),
    ],
)
def test_kind(values: tuple[object, ...], kind: str, left_out: str) -> None:
    found = infer_kind(column(*values), READING)
    assert (found.kind, found.left_out) == (kind, left_out)


def test_only_numbers_that_are_called_so_name_rows() -> None:
    rows = [str(i) for i in range(1, 50)]
    assert infer_kind(column(*rows, name="PassengerId"), READING).left_out == "counts the rows"
    assert infer_kind(column(*rows, name="unnamed_1"), READING).left_out == "counts the rows"
    assert infer_kind(column(*reversed(rows), name="customer_id"), READING).left_out == "names the rows"
    assert infer_kind(column(*rows, name="x"), READING).left_out == ""
    assert infer_kind(column(*["3", "3"] * 20, name="shop_id"), READING).left_out == ""


def test_kinds_come_from_the_first_rows_and_surprises_are_told() -> None:
    series = column(*["1"] * 10_000, "abc", "NA", "inf", "2")
    assert infer_kind(series, READING).kind == "number"
    numbers, bad = read_numbers(series, READING)
    assert bad.tolist() == [10_000, 10_002]
    assert np.isnan(numbers[10_001])
    assert numbers[10_003] == 2


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=20))
def test_numbers_are_read_to_the_last_bit(values: list[float]) -> None:
    numbers, bad = read_numbers(column(*[repr(value) for value in values]), READING)
    assert not len(bad)
    assert numbers.tolist() == values


def test_decimal_thousands_and_numeric_words_for_no_value() -> None:
    assert read_numbers(column("1.234,5"), Reading(decimal=",", thousands="."))[0].tolist() == [1234.5]
    numbers, bad = read_numbers(column("-999", "1"), Reading(missing=("-999",)))
    assert np.isnan(numbers[0])
    assert not len(bad)


def test_replace_comes_before_missing() -> None:
    reading = Reading(replace={"x": {"none": "", "a": "b"}})
    assert mend(column("none", "a", "c"), reading).to_list() == [None, "b", "c"]


def test_words_of_missing_replace_the_usual() -> None:
    assert mend(column("NA", "-", ""), Reading(missing=("-",))).to_list() == ["NA", None, None]


def test_booleans() -> None:
    np.testing.assert_array_equal(to_booleans(column("TRUE", "false", "1", "0", "maybe")), [1, 0, 1, 0, np.nan])


def test_dates_of_a_format_only() -> None:
    dates = to_dates(column("2020-02-29", "2021-02-29", "x"), "%Y-%m-%d")
    assert dates.to_list() == [datetime.datetime(2020, 2, 29), None, None]


def test_whole_numbers_as_text() -> None:
    assert text_of(polars.Series([1.0, 2.0, None])).to_list() == ["1", "2", None]
    assert text_of(polars.Series([1.5, 2.0])).to_list() == ["1.5", "2.0"]
    assert text_of(polars.Series([True, False])).to_list() == ["true", "false"]


def test_text_where_training_met_dates_is_iso_8601() -> None:
    dates = to_dates(column("2020-01-31", "2020-01-31T06:30", "2020-01-31 06:30:15.5", "31.01.2020", None), None)
    day = datetime.datetime(2020, 1, 31)
    later = [day.replace(hour=6, minute=30), day.replace(hour=6, minute=30, second=15, microsecond=500_000)]
    assert dates.to_list() == [day, *later, None, None]
