"""What is true of the rows, as the data has it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dltrain.config.types import Component
from dltrain.data.dataset import Part, TargetSpec
from dltrain.evaluation.predictions.held_out import true_columns
from dltrain.model.heads.head import Head


def told(values: list[float], **target: object) -> list[float]:
    """What comes back of values that are stored for the training."""
    spec = TargetSpec("y", "regression", **target)
    part = Part({}, {"y": spec.to_stored(np.array(values, np.float64))}, None, np.arange(len(values)))
    head = Head("y", (spec,), 1, (), Component("loss", "MeanSquaredError"), 1.0, "value", False, "")
    return true_columns([head], part)["true_y"]


@given(
    st.lists(st.integers(-99_999, 99_999), min_size=1, max_size=20),
    st.integers(0, 4),
    st.floats(0.1, 0.9),
    st.floats(-0.5, 0.5),
)
@settings(deadline=None)
def test_numbers_come_back_as_the_data_has_them(whole: list[int], decimals: int, spread: float, middle: float):
    values = [number / 10**decimals for number in whole]
    largest = max(1.0, *map(abs, values))
    assert told(values, mean=middle * largest, scale=spread * largest) == values


def test_of_a_logarithm_too_and_far_from_zero():
    assert told([9.08, 0.5, 1234.56], mean=1.3, scale=0.8, transform="log") == [9.08, 0.5, 1234.56]
    assert told([1700000012.25, 1699999990.5], mean=1.7e9, scale=20.0) == [1700000012.25, 1699999990.5]
    assert told([9.08, -3.0, 0.1 + 0.2]) == [9.08, -3.0, 0.3]  # a float32 knows no more of the last one


def test_what_no_decimals_give_stays():
    assert told([1e300], scale=1e300) == [1e300]
    assert told([3e-30], scale=1e-30) == [pytest.approx(3e-30)]
