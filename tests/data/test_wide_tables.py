"""Plain numbers of wide tables are read as they are one by one."""

from __future__ import annotations

import numpy as np
import polars
import pytest

from dltrain.data.kinds import Reading, infer_kind, read_numbers
from dltrain.data.wide_tables import MANY_COLUMNS, read_plain_numbers


def _frame() -> polars.DataFrame:
    texts = {
        "whole": ["1", "20", "3"],
        "real": ["1.5", "-2e3", "0.25"],
        "gap": ["1", None, "3"],
        "word": ["1", "NA", "3"],
        "code": ["007", "12", "13"],
        "text": ["a", "b", "a"],
        "infinite": ["inf", "1", "2"],
        "kept": ["1", "2", "1"],
    }
    padding = {f"n{index}": ["1", "0.5", str(index)] for index in range(MANY_COLUMNS)}
    return polars.DataFrame({**texts, **padding})


def test_only_plain_numbers_become_numbers_and_mean_what_they_meant() -> None:
    frame, reading = _frame(), Reading()
    read = read_plain_numbers(frame, reading, {"kept"})
    assert read.columns == frame.columns
    changed = [name for name in frame.columns if str(read[name].dtype) == "Float64"]
    assert changed == ["whole", "real", *(f"n{index}" for index in range(MANY_COLUMNS))]
    for name in ("whole", "real", "n17"):
        assert infer_kind(read[name], reading) == infer_kind(frame[name], reading)
        np.testing.assert_array_equal(read_numbers(read[name], reading)[0], read_numbers(frame[name], reading)[0])


@pytest.mark.parametrize("reading", [Reading(decimal=","), Reading(thousands="."), Reading(missing=("-1",))])
def test_numbers_written_in_another_way_are_left_to_the_usual_reading(reading: Reading) -> None:
    frame = _frame()
    assert read_plain_numbers(frame, reading, ()) is frame


def test_a_narrow_table_is_left_alone() -> None:
    frame = polars.DataFrame({"a": ["1", "2"]})
    assert read_plain_numbers(frame, Reading(), ()) is frame
