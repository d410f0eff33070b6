"""Numbers of which the scale makes some that float32 cannot hold are refused by column and value, wherever they come from."""

from dataclasses import replace
from pathlib import Path

import polars
import pytest

from dltrain.config.types import DataConfig, SeriesConfig, SplitConfig
from dltrain.data.new_rows import read_part
from dltrain.errors import DataError
from tests.data.streaming import IN_MEMORY, STREAMED, load_as

ROWS = 120


def write(path: Path, most: float) -> DataConfig:
    numbers = [float(row * 7 % 23) for row in range(ROWS)]
    frame = {"t": list(range(ROWS)), "x": [*numbers[:-20], most, *numbers[-19:]], "y": numbers[::-1]}
    polars.DataFrame(frame).write_csv(path)
    return DataConfig("csv", path=(str(path),), target=("y",), drop=("t",), split=SplitConfig(test=0.2))


@pytest.mark.parametrize("bound", [IN_MEMORY, STREAMED])
@pytest.mark.parametrize(("scale", "most"), [("none", 1e39), ("robust", 1e40), ("standard", 1e200)])
def test_in_a_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bound: str, scale: str, most: float) -> None:
    monkeypatch.setenv("DLTRAIN_CACHE", str(tmp_path / "cache"))
    config = write(tmp_path / "t.csv", most)
    with pytest.raises(DataError, match=f"column x holds {most:g}, of which data.scale".replace("+", r"\+")):
        load_as(monkeypatch, bound, replace(config, scale=scale))
    assert load_as(monkeypatch, bound, replace(config, scale="quantile")).parts["train"].num_rows


def test_in_a_series_and_in_new_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = write(tmp_path / "t.csv", 1e41)
    series = SeriesConfig(history=5, horizon=1, time=("t",))
    with pytest.raises(DataError, match="column x holds 1e"):
        load_as(monkeypatch, IN_MEMORY, replace(config, drop=(), series=series, scale="robust"))
    write(tmp_path / "t.csv", 5.0)
    trained = load_as(monkeypatch, IN_MEMORY, config)
    write(tmp_path / "new.csv", 1e300)
    with pytest.raises(DataError, match=r"column x holds 1e\+300"):
        read_part(trained.preprocessing, [str(tmp_path / "new.csv")], with_targets=True)
