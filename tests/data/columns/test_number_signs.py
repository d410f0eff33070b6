"""Columns of plain numbers are judged at once, and as value by value."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dltrain.data.columns import number_signs

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
