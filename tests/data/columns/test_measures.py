"""Amounts in several units, or towards two sides, are one number: with `init`, a fit, later rows, in memory and streamed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars
import pytest

from dltrain.config.types import DataConfig
from dltrain.data.columns.measures import find_measure, in_one_unit, unit_of_measure
from dltrain.data.new_rows import read_part
from dltrain.data.tables.preprocessing import TablePreprocessing
from dltrain.starting.start import make_starter
from tests.data.streaming import IN_MEMORY, STREAMED, assert_same, load_as


def texts(*values: str | None) -> polars.Series:
    return polars.Series("a", values, dtype=polars.String)


@pytest.mark.parametrize(
    ("values", "unit", "numbers"),
    [
        (("5 ft 11 in", "6 ft", "6ft 0.5in"), "inches", (71.0, 72.0, 72.5)),
        (("5'11\"", "6' 2\"", "5'"), "inches", (71.0, 74.0, 60.0)),
        (("5\u2032 11\u2033", "6\u2019 2\u201d"), "inches", (71.0, 74.0)),
        (("5 feet, 3 inches", "5 foot 4 inch"), "inches", (63.0, 64.0)),
        (("12 st 3 lb", "9st 13lbs", "10 st"), "pounds", (171.0, 139.0, 140.0)),
        (("7 lbs 8 oz", "6 lb 15.5 oz"), "ounces", (120.0, 111.5)),
        (("48°51'24\"N", "33°52'S", "0° 30' N"), "degrees", (48 + 51 / 60 + 24 / 3600, -(33 + 52 / 60), 0.5)),
        (("-12°30'", "12°15'36\""), "degrees", (-12.5, 12.26)),
        (("57.05N", "3.2S", "0.8°N"), "degrees", (57.05, -3.2, 0.8)),
        (("10.33E", "80.5 W"), "degrees", (10.33, -80.5)),
    ],
)
def test_they_are_one_number(values, unit, numbers):
    found = find_measure(texts(*values))
    assert unit_of_measure(found) == unit
    np.testing.assert_allclose(in_one_unit(texts(*values), found).to_numpy(), numbers, rtol=1e-15)
    assert in_one_unit(texts(None, "180 cm", "71"), found).to_list() == [None] * 3


@pytest.mark.parametrize(
    "values",
    [
        ("5 ft", "6 ft"),
        ("5'30\"", "6'10\""),
        ("10.3E", "9.1E"),
        ("5 ft 2 in", "170 cm"),
        ("6-2", "5-11"),
        ("5 ft 14 in",),
        ("12 st",),
    ],
)
def test_others_are_none(values):
    assert find_measure(texts(*values)) == ""


def test_fits_later_rows_and_init_read_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    inches = [48 + row * 7 % 36 for row in range(120)]
    east = [(-1) ** row * (row % 90 + 0.25) for row in range(120)]
    polars.DataFrame(
        {
            "height": [f"{number // 12} ft {number % 12} in" for number in inches],
            "longitude": [f"{abs(number)}{'E' if number > 0 else 'W'}" for number in east],
            "y": [f"{number // 12}'{number % 12}\"" for number in inches],
        }
    ).write_csv("t.csv")
    config = DataConfig("csv", path=("t.csv",), target=("y",), scale="none", scale_target=False)
    resident, streamed = (load_as(monkeypatch, way, config) for way in (IN_MEMORY, STREAMED))
    assert_same(resident, streamed)
    assert any("height (feet and inches as inches), longitude (east and west as degrees)" in line for line in resident.summary)
    part = resident.parts["train"]
    np.testing.assert_array_equal(part.inputs["features"][:, 0], np.float32(inches)[part.row_ids])
    np.testing.assert_array_equal(part.inputs["features"][:, 1], np.float32(east)[part.row_ids])
    np.testing.assert_array_equal(part.targets["y"], np.float32(inches)[part.row_ids])
    stored = TablePreprocessing.from_state(*resident.preprocessing.to_state())
    Path("new.csv").write_text('height,longitude\n6 ft 1 in,12.5W\n"5\'10""",3E\n')
    inputs = read_part(stored, ["new.csv"], with_targets=False).inputs["features"]
    np.testing.assert_array_equal(inputs, [[73.0, -12.5], [70.0, 3.0]])
    text = make_starter("t.csv", target="y").text
    assert "a number, in inches" in text
    assert "amounts in several units, read as one number: height (feet and inches as inches)" in text
