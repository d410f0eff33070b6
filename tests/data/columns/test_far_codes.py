"""Codes for "no value" among numbers and dates are told, several of them at once, and what only looks like one is not."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars
import pytest

from dltrain.config.types import DataConfig
from dltrain.data.tables.fitting.far_codes import far_codes, far_dates
from tests.data.streaming import IN_MEMORY, STREAMED, assert_same, load_as

AGES = [20 + 0.7 * row for row in range(50)]
SCORES = [1.0 + row % 5 for row in range(50)]
DAYS = [date(2020, 1, 1) + timedelta(5 * row) for row in range(50)]


@pytest.mark.parametrize(
    ("numbers", "codes"),
    [
        ([*AGES, *[999.9] * 4], "999.9"),
        ([*AGES, *[-999.25] * 4], "-999.25"),
        ([*AGES, *[32767] * 4], "32767"),
        ([*AGES, *[-32768] * 4], "-32768"),
        ([*AGES, *[2147483647] * 4], "2147483647"),
        ([*AGES, *[9.96921e36] * 4], "9.96921e+36"),
        ([*AGES, *[-9] * 4], "-9"),
        ([*AGES, *[-1] * 4], "-1"),
        ([*AGES, *[-9, -8, -1] * 2], "-9, -8, -1"),
        ([*SCORES, *[8, 9] * 2], "8, 9"),
        ([*[1.0, 2.0] * 20, *[7, 9] * 2], "7, 9"),
        ([*SCORES, *[97, 98, 99] * 2], "97, 98, 99"),
    ],
)
def test_codes_at_one_end(numbers: list[float], codes: str) -> None:
    [note] = far_codes({"a": np.asarray(numbers, np.float64)}, [])
    assert f"looked at are {codes}, " in note.text
    words = ", ".join(f'"{code}": ""' for code in codes.split(", "))
    assert f"`data.replace: {{a: {{{words}}}}}`" in note.text


@pytest.mark.parametrize(
    "numbers",
    [
        AGES,
        [*AGES, 999.9],
        [row % 32 - 1.0 for row in range(96)],
        [row % 3 - 1.0 for row in range(96)],
        [max(-1.0, row % 40 - 3.0) for row in range(400)],
        [float(row % 10) for row in range(96)],
        [row**2 - 9.0 for row in range(30)],
        [*[4.0, 5.0] * 20, *[7.0] * 4],
        [*[3.0, 4.0] * 20, *[8.0] * 4],
        [],
        [-1.0] * 9,
    ],
)
def test_other_numbers_are_amounts(numbers: list[float]) -> None:
    assert far_codes({"a": np.asarray(numbers, np.float64)}, []) == []


@pytest.mark.parametrize(
    ("code", "writing", "written"),
    [
        (date(9999, 12, 31), "%Y-%m-%d", "9999-12-31"),
        (date(1900, 1, 1), "%d/%m/%Y", "01/01/1900"),
        (date(1, 1, 1), "%d.%m.%Y", "01.01.0001"),
        (date(1900, 1, 1), None, "1900-01-01"),
        (date(1900, 1, 1), "Q%q %Y", "1900-01-01"),
    ],
)
def test_dates_that_are_none(code: date, writing: str | None, written: str) -> None:
    dates = polars.Series("a", [*DAYS, *[code] * 3, None]).cast(polars.Datetime("us"))
    [note] = far_dates({"a": (dates, writing)})
    assert f"3 of the 53 dates looked at are {code.isoformat()}, far from all others (2020-01-01 to 2020-09-02)" in note.text
    assert f'`data.replace: {{a: {{"{written}": ""}}}}`' in note.text


def test_one_date_of_the_last_year_is_none() -> None:
    dates = polars.Series("a", [*DAYS, date(9999, 12, 31)]).cast(polars.Datetime("us"))
    assert "1 of the 51 dates looked at is 9999-12-31" in far_dates({"a": (dates, None)})[0].text


@pytest.mark.parametrize("more", [[], [date(1900, 1, 1)], [date(2021, 3, 1)] * 3])
def test_other_dates_are_dates(more: list[date]) -> None:
    assert far_dates({"a": (polars.Series("a", [*DAYS, *more]).cast(polars.Datetime("us")), None)}) == []


def test_a_streamed_table_says_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DLTRAIN_CACHE", str(tmp_path / "cache"))
    days = ["9999-12-31" if row % 5 == 0 else str(DAYS[row % 50]) for row in range(100)]
    lines = [f"{day},{-9 if row % 4 == 0 else 20 + row * 7 % 31},{row * 37 % 11}.5" for row, day in enumerate(days)]
    (tmp_path / "t.csv").write_text("\n".join(["d,a,y", *lines]))
    config = DataConfig("csv", path=(str(tmp_path / "t.csv"),), target=("y",))
    resident, streamed = (load_as(monkeypatch, bound, config) for bound in (IN_MEMORY, STREAMED))
    assert ["d: " in warning or "a: " in warning for warning in resident.warnings] == [True, True]
    assert_same(resident, streamed)


@pytest.mark.parametrize("bound", [IN_MEMORY, STREAMED], ids=["in memory", "streamed"])
@pytest.mark.parametrize(("name", "scale"), [("x", "standard"), ("x", "minmax"), ("y", "standard")])
def test_one_number_by_whose_scale_all_others_are_one_is_said(
    name: str, scale: str, bound: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    frame = {"x": rng.normal(size=200), "z": np.exp(3 * rng.normal(size=200)), "y": rng.normal(size=200)}
    polars.DataFrame(frame).write_csv(tmp_path / "t.csv")
    config = DataConfig("csv", path=(str(tmp_path / "t.csv"),), target=("y",), scale=scale)
    assert "far_value" not in [note.code for note in load_as(monkeypatch, bound, config).notes]
    frame[name][70] = 1e39
    polars.DataFrame(frame).write_csv(tmp_path / "t.csv")
    [note] = [note for note in load_as(monkeypatch, bound, config).notes if note.code == "far_value"]
    assert note.text.startswith(f"{name}: nine in ten of the values lie between ")
    assert f'`data.replace: {{{name}: {{"1e+39": ""}}}}`' in note.text
    mended = DataConfig("csv", path=config.path, target=("y",), scale=scale, replace={name: {"1e+39": ""}}, missing_target="drop")
    assert "far_value" not in [note.code for note in load_as(monkeypatch, bound, mended).notes]
