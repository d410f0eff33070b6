"""Folds of a series: the origin rolls on, as scikit-learn's TimeSeriesSplit cuts rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.model_selection import TimeSeriesSplit

from dltrain.checking import check_config
from dltrain.config import load_config_text
from dltrain.config.types import DataConfig, SeriesConfig, SplitConfig
from dltrain.data.load import load_dataset
from dltrain.data.part_sizes import SplitError, rolling_sizes
from dltrain.errors import ConfigError, DataError


@given(rows=st.integers(2, 200), folds=st.integers(2, 8), share=st.sampled_from([None, 0.2]))
def test_the_rows_are_those_of_scikit_learn(rows: int, folds: int, share: float | None) -> None:
    kept = rows - (int(np.ceil(rows * share)) if share else 0)
    if kept < folds + 1:
        with pytest.raises(SplitError):
            rolling_sizes(rows, share, folds, 1)
        return
    for fold, (train, validation) in enumerate(TimeSeriesSplit(folds).split(np.arange(kept)), 1):
        sizes = rolling_sizes(rows, share, folds, fold)
        assert (sizes["train"], sizes["validation"]) == (len(train), len(validation))
        assert validation[0] == sizes["train"]
        assert sum(sizes.values()) == rows


def test_each_series_by_its_own_time(tmp_path: Path) -> None:
    days = np.datetime64("2024-01-01") + np.arange(70)
    frames = [
        polars.DataFrame({"shop": [shop] * count, "day": days[:count].astype(str), "y": np.arange(count) + 1000.0 * shop})
        for shop, count in ((1, 70), (2, 42))
    ]
    polars.concat(frames).write_csv(tmp_path / "s.csv")

    def load(fold: int, folds: int = 3) -> dict[str, list[float]]:
        series = SeriesConfig(id=("shop",), time=("day",), history=3, history_from="before")
        split = SplitConfig(time="day", folds=folds, fold=fold, test=0.2)
        dataset = load_dataset(
            DataConfig("csv", path=(str(tmp_path / "s.csv"),), target=("y",), series=series, split=split), seed=0
        )
        [spec] = dataset.schema.targets
        return {name: np.round(spec.to_own(part.targets["y"])).tolist() for name, part in dataset.parts.items()}

    for fold in (1, 2, 3):
        parts = load(fold)
        # 56 and 33 rows without the test part: folds of 14 and 8.
        ends = (14 + 14 * fold, 9 + 8 * fold)
        assert parts["train"] == [1000 + y for y in range(3, ends[0] - 14)] + [2000 + y for y in range(3, ends[1] - 8)]
        assert parts["validation"] == [1000 + y for y in range(ends[0] - 14, ends[0])] + [
            2000 + y for y in range(ends[1] - 8, ends[1])
        ]
        assert parts["test"] == [1000 + y for y in range(56, 70)] + [2000 + y for y in range(33, 42)]
    with pytest.raises(DataError, match="too few for 80 folds in the order of time"):
        load(1, folds=80)


def test_folds_by_time_are_those_of_a_series() -> None:
    text = "data: {source: csv, path: a.csv, target: y, split: {time: day, folds: 3}}\nmodel: {layers: [Flatten]}\n"
    with pytest.raises(ConfigError, match="folds by time are those of a series"):
        load_config_text(text, folder=Path())


def test_check_knows_that_the_first_fold_is_too_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    days = np.datetime64("2024-01-01") + np.arange(60)
    polars.DataFrame({"day": days.astype(str), "y": np.sin(np.arange(60.0))}).write_csv(tmp_path / "s.csv")
    text = """
name: waves
data: {source: csv, path: s.csv, target: y, series: {time: day, history: 10, horizon: 2}, split: {time: day, folds: FOLDS}}
model: {layers: [Flatten]}
training: {epochs: 1}
"""

    def errors(folds: int, *, data: bool = False) -> list[str]:
        config = load_config_text(text.replace("FOLDS", str(folds)), folder=tmp_path)
        return [fault.message for fault in check_config(config, data=data).errors]

    assert errors(3) == errors(3, data=True) == []  # 15 rows of 60
    for found in (errors(5), errors(5, data=True)):  # 10 rows
        assert len(found) == 1
        assert found[0].startswith("the train part of fold 1 of 5 has no window: 10 rows")
    monkeypatch.setattr("dltrain.data.tables.sample.SMALL_BYTES", 0)
    assert errors(3) == []
    assert errors(8) == ["the first of 8 folds trains on about 6 rows, and a window is 12"]
