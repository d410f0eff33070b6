"""Parts of dates in whole numbers against polars' calendar."""

import numpy as np
import polars
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dltrain.data.columns.date import NO_DATE, date_numbers
from dltrain.model.export.date_parts import date_parts
from dltrain.model.keras_import import import_keras

FIRST, LAST = (int(np.datetime64(day, "s").astype(np.int64)) for day in ("0001-01-01", "8000-12-31"))
PARTS = ("year", "month", "day", "weekday", "hour")


def mine(seconds, part, start=0):
    return np.asarray(date_parts(import_keras().ops, np.array(seconds, np.int64), part, start))


def theirs(seconds, part):
    dates = polars.Series(np.array(seconds, np.int64).astype("datetime64[s]").astype("datetime64[us]"))
    return date_numbers(dates, [part])[0]


@settings(max_examples=10, deadline=None)
@given(st.lists(st.integers(FIRST, LAST), min_size=1, max_size=50))
def test_parts_are_those_of_polars(seconds):
    for part in PARTS:
        np.testing.assert_allclose(mine(seconds, part), theirs(seconds, part), rtol=1e-7)


def test_every_day_of_a_cycle_of_leap_years():
    seconds = np.arange(-146_097, 146_097) * 86_400
    for part in PARTS[:4]:
        np.testing.assert_array_equal(mine(seconds, part), theirs(seconds, part))


def test_the_day_number_keeps_its_seconds_near_its_start():
    start = 19_000
    seconds = start * 86_400 + np.array([-86_401, -1, 0, 1, 59, 86_399, 86_400])
    np.testing.assert_allclose(mine(seconds, "day number", start), theirs(seconds, "day number") - start, atol=1e-7)


@pytest.mark.parametrize("part", [*PARTS, "day number"])
def test_no_date_has_no_part(part):
    assert np.isnan(mine([NO_DATE, 0], part)).tolist() == [True, False]
