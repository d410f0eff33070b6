"""Times in years with a fraction, as R writes those of a monthly series: however many places they have, they are months."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars
import pytest

from dltrain.config.types import DataConfig, SeriesConfig, SplitConfig
from dltrain.data.load import load_dataset
from dltrain.data.series.calendars import number_step
from dltrain.data.series.times import Times
from dltrain.starting.start import make_starter
from dltrain.starting.starter import Wishes

MONTHS = 1949 + np.arange(96) / 12


@pytest.mark.parametrize("places", [2, 3, 4, 8, 11, 15])
def test_a_twelfth_of_a_year_is_a_month(places: int, tmp_path: Path) -> None:
    times = np.round(MONTHS, places)
    values = 100 + 10 * np.sin(np.arange(96) * np.pi / 6) + np.arange(96)
    polars.DataFrame({"time": times, "y": np.round(values, 2)}).write_csv(tmp_path / "t.csv")
    series = SeriesConfig(history=12, horizon=3, time=("time",))
    config = DataConfig("csv", path=(str(tmp_path / "t.csv"),), target=("y",), series=series, split=SplitConfig(test=0.2))
    dataset = load_dataset(config, seed=1)
    assert not [warning for warning in dataset.warnings if "evenly apart" in warning]
    assert any("season: 12 rows" in line for line in dataset.summary)
    text = make_starter(str(tmp_path / "t.csv"), target="y", wishes=Wishes(series="time")).text
    assert "1/12 (a month, in years)" in text
    step, share = number_step(times, np.ones(95, bool))
    assert share == 1
    later = Times("number", times[-1:]).later(step, 2)
    np.testing.assert_allclose(later, [1957 + 1 / 12], atol=1e-9)


def test_other_numbers_keep_their_step_and_their_gaps() -> None:
    beside = np.ones(5, bool)
    for times, size, follows in [
        ([1.0, 2.0, 3.0, 5.0, 6.0, 7.0], 1.0, [1, 1, 0, 1, 1]),
        ([0.0, 0.1, 0.2, 0.3, 0.5, 0.6], 0.1, [1, 1, 1, 0, 1]),
        ([0.25, 0.5, 0.75, 1.0, 1.25, 2.0], 0.25, [1, 1, 1, 1, 0]),
        ([7.0, 7.0833, 7.1667, 7.25, 7.3333, 7.5], 1 / 12, [1, 1, 1, 1, 0]),  # every five minutes
        ([0.0, 0.333, 0.667, 1.0, 1.333, 2.0], 1 / 3, [1, 1, 1, 1, 0]),
    ]:
        step, share = number_step(np.array(times), beside)
        assert step.size == pytest.approx(size, rel=1e-3)
        assert Times("number", np.array(times)).follows(step).tolist() == list(map(bool, follows))
        assert share == sum(follows) / 5
        assert not step.is_month_in_years
