"""How numbers are written is told from all columns together, of plain numbers at once."""

from __future__ import annotations

import re

import numpy as np
import polars
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dltrain.data.columns import number_signs
from dltrain.data.columns.number_signs import NumberSigns, signs_of
from dltrain.data.columns.reading import Reading, to_numbers

WHOLE = st.sampled_from(["0", "00", "7", "12", "123", "1234", "0123", "98765"])
FRACTION = st.sampled_from(["", ".", ".5", ".25", ".344", ".1234"])
NUMBER = st.builds("{}{}{}".format, st.sampled_from(["", "-", "+"]), WHOLE, FRACTION)
HEADER = st.sampled_from(["name", "5", "1.5", "3 kg"])


@given(HEADER, st.lists(st.just("") | NUMBER, min_size=1, max_size=6))
def test_a_column_at_once_is_a_column_value_by_value(header: str, values: list[str]) -> None:
    at_once = number_signs._Column.of([header, *values])
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(number_signs, "_ALL_PLAIN", re.compile("(?!)"))  # none is
        one_by_one = number_signs._Column.of([header, *values])
    assert at_once == one_by_one


def test_a_decimal_comma_that_no_number_has_does_not_make_thousands_of_points() -> None:
    fares = [["7.925", "31.275", "7.25", "8.05"]]
    found = signs_of(fares, ",", decimal=",")
    assert (found.decimal, found.thousands) == (",", None)
    assert "no number has a decimal comma" in found.remark
    assert to_numbers(polars.Series(fares[0]), Reading(decimal=",")).tolist() == [7.925, 31.275, 7.25, 8.05]
    prices = [["1.234", "12.500", "1.234.567", "8,05"]]
    assert signs_of(prices, ";", decimal=",") == NumberSigns(",", ".", True)


def test_a_point_between_thousands_is_no_decimal_sign() -> None:
    assert signs_of([["7.925", "7.25"]], ";", thousands=".").decimal == ","
    assert signs_of([["7,925", "7.25"]], ";", thousands=",").decimal == "."
    found = to_numbers(polars.Series(["7.925", "7.25", "7,25", "12"]), Reading(decimal=",", thousands="."))
    assert np.array_equal(found, [7925, np.nan, 7.25, 12], equal_nan=True)


def test_names_that_hold_a_number_do_not_speak_against_a_decimal_comma() -> None:
    heights = ["Ht4", "1,45", "2,79", "1,93", "0,7", "1,37", "2,8"]
    acids = ["Acid", "water", "1.5HCl", "1.5HCl", "3.0HCl", "3.0HCl", "1.5HCl"]
    assert signs_of([heights, acids], ";") == NumberSigns(",", None, True)
    weights = ["kg", "1.5 kg", "2.5 kg", "3 kg"]
    assert "others a point" in signs_of([heights, weights], ";").remark
    assert signs_of([["n", "12", "7"], acids], ";").decimal == "."
