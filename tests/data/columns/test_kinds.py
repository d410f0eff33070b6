"""Kinds of columns, and text read as numbers, booleans and dates."""

import datetime

import numpy as np
import polars
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dltrain.data.columns.kinds import infer_kind, to_dates
from dltrain.data.columns.reading import Reading, mend, read_numbers, text_of, to_booleans

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


SHUFFLED = [*range(7, 60), *range(7)]


@pytest.mark.parametrize("name", ["unnamed_1", "Unnamed: 0", "Unnamed: 0.1", "index", "level_0", "__index_level_0__", "rownames"])
@pytest.mark.parametrize(
    "values",
    [SHUFFLED, SHUFFLED[:40], [*range(30), *range(30)], [1000 + 17 * i for i in SHUFFLED]],
    ids=["shuffled", "a part of it", "two tables", "other steps"],
)
def test_b2_the_index_of_an_exported_table_is_no_feature(name: str, values: list[int]) -> None:
    for series in (column(*map(str, values), name=name), column(*values, name=name), column(*map(float, values), name=name)):
        found = infer_kind(series, READING)
        assert (found.kind, found.left_out) == ("number", "the index of a table that was exported")


@pytest.mark.parametrize(
    "values", [tuple(f"2020-01-{i:02d}" for i in range(1, 29)), tuple("abcdefgh"), tuple(i / 8 for i in range(30))]
)
def test_b2_whatever_differs_in_every_row_and_has_no_name_is_an_index(values: tuple[object, ...]) -> None:
    assert infer_kind(column(*values, name="unnamed_1"), READING).left_out == "the index of a table that was exported"
    assert infer_kind(column(*values, name="day"), READING).left_out == ""
    assert infer_kind(column(*values[:-1], values[0], name="unnamed_1"), READING).left_out == ""


@pytest.mark.parametrize("name", ["Serial No.", "S. No.", "No", "Order", "row_number", "idx"])
def test_b2_a_count_of_the_rows_in_another_order_is_no_feature(name: str) -> None:
    assert infer_kind(column(*map(str, SHUFFLED), name=name), READING).left_out == "counts the rows, in another order"
    assert infer_kind(column(*[str(2 * i) for i in SHUFFLED], name=name), READING).left_out == ""


@pytest.mark.parametrize("name", ["x", "year", "note", "index_of_prices", "level"])
def test_b2_other_columns_of_different_numbers_are_features(name: str) -> None:
    assert infer_kind(column(*[str(10 + 2 * i) for i in SHUFFLED], name=name), READING).left_out == ""


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
