"""A date among others that is written otherwise, or that no calendar has: refused by its own line, with the key `data.dates`."""

from datetime import date, timedelta
from pathlib import Path

import polars
import pytest

from dltrain.config.types import DataConfig, SeriesConfig, SplitConfig
from dltrain.data.load import load_dataset
from dltrain.errors import DltrainError

DAYS = [date(2010, 1, 1) + timedelta(days=step) for step in range(60)]
HOW = {
    "feature": {"features": {"t": "date", "x": None}},
    "split": {"split": SplitConfig(time="t", test=0.2)},
    "series": {"series": SeriesConfig(history=3, horizon=1, time=("t",)), "split": SplitConfig(test=0.2)},
}


def load(folder: Path, days: list[str], how: str, **options: object) -> list[str]:
    numbers = [float(row * 7 % 23) for row in range(len(days))]
    polars.DataFrame({"t": days, "x": numbers, "y": numbers[::-1]}).write_csv(folder / "t.csv")
    given = {**HOW[how], **options}
    config = DataConfig("csv", path=(str(folder / "t.csv"),), target=("y",), **given)  # type: ignore[arg-type]
    return list(load_dataset(config, seed=1).warnings)


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("odd", ["31/02/2010", "02/28/2010", "soon"])
def test_the_line_of_the_one_odd_date_is_named(tmp_path: Path, how: str, odd: str) -> None:
    days = [f"{day:%d/%m/%Y}" for day in DAYS]
    days[30] = odd
    with pytest.raises(DltrainError) as caught:
        load(tmp_path, days, how)
    told = str(caught.value) + str(caught.value.faults[0])
    assert len(caught.value.faults) == 1
    for text in ("t.csv:32", repr(odd), "written %d/%m/%Y", "data.dates: {t:"):
        assert text in told


@pytest.mark.parametrize("how", HOW)
def test_an_order_that_no_date_has_is_said(tmp_path: Path, how: str) -> None:
    told = " ".join(load(tmp_path, [f"{day:%m/%d/%Y}" for day in DAYS], how, dates="day_first"))
    assert "data.dates says day_first, but its dates can only be read as %m/%d/%Y" in told
    assert load(tmp_path, [f"{day:%d/%m/%Y}" for day in DAYS], how, dates="day_first") == []
    assert load(tmp_path, [f"{day:%Y/%m/%d}" for day in DAYS], how, dates="day_first") == []


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize(("add", "whose"), [(543, "the Buddhist calendar"), (-579, "a Hijri calendar"), (0, ""), (-100, "")])
@pytest.mark.parametrize("form", ["{0:04d}-{1:02d}-{2:02d}", "{2:02d}/{1:02d}/{0:04d}"], ids=["year first", "year last"])
def test_years_of_another_calendar_are_said(tmp_path: Path, how: str, add: int, whose: str, form: str) -> None:
    days = [form.format(day.year + add, day.month, day.day) for day in DAYS]
    frame = polars.DataFrame(
        {"t": days, "x": [row * 7 % 11 for row in range(60)], "y": [row * 5 % 13 + 0.5 for row in range(60)]}
    )
    frame.write_csv(tmp_path / "t.csv")
    config = DataConfig("csv", path=(str(tmp_path / "t.csv"),), target=("y",), task="regression", **HOW[how])
    said = [warning for warning in load_dataset(config, seed=0).warnings if "read as years A.D." in warning]
    assert len(said) == bool(whose)
    assert all(f"t: years from {2010 + add} to {2010 + add} look like those of {whose}" in warning for warning in said)
