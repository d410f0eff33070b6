"""The network of a series of few rows begins as the seasonal naive forecast, and learns from there."""

from __future__ import annotations

import datetime
import math
import random
from pathlib import Path

import numpy as np
import pytest

from dltrain.api import fit
from dltrain.config import load_config_text
from dltrain.config.types import Config
from dltrain.data.load import load_dataset
from dltrain.evaluation.load_run import run_outputs
from dltrain.model.build import build_model
from dltrain.model.heads.rules import heads_of
from dltrain.starting.nets.forecast import MOST_ROWS, change_of_season
from dltrain.starting.start import make_starter
from dltrain.starting.starter import Wishes


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def start(rows: int, *, horizon: int | None = None, several: bool = False, season: bool = True, rises: float = 0.05) -> Config:
    """The config of `init` for days with a week's wave, or for a walk without one."""
    chance, level = random.Random(0), 0.0
    names = ["day", "rain", "sales", "visits"] if several else ["day", "sales"]
    lines = [",".join(names)]
    for row in range(rows):
        day = datetime.date(2022, 1, 3) + datetime.timedelta(days=row)
        level += chance.gauss(0, 1)
        wave = 20 * math.sin(2 * math.pi * row / 7) + chance.gauss(0, 3) if season else level
        values = {"day": str(day) if season else str(row), "sales": f"{100 + rises * row + wave:.2f}"}
        values |= {"rain": str(chance.randrange(100)), "visits": str(chance.randrange(1000))}
        lines.append(",".join(values[name] for name in names))
    Path("t.csv").write_text("\n".join(lines) + "\n")
    starter = make_starter("t.csv", target="sales", wishes=Wishes(series="day", horizon=horizon))
    Path("c.yaml").write_text(starter.text)
    return load_config_text(starter.text, folder=Path.cwd())


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize(("season", "horizon"), [(True, None), (True, 3), (True, 10), (True, 14), (False, None), (False, 4)])
def test_before_training_it_says_what_was_a_season_ago(several: bool, season: bool, horizon: int | None) -> None:
    config = start(300, horizon=horizon, several=several, season=season)
    series = config.data.series
    assert series is not None
    dataset = load_dataset(config.data, seed=0)
    [spec], part = dataset.schema.inputs, dataset.parts["test"]
    assert spec.window_scale is not None
    place, factor, offset = spec.window_scale.to_target["sales"]
    windows = np.asarray(part.inputs["features"])[:, :, place] * factor + offset
    length = 7 if season else 1
    expected = np.stack([windows[:, series.history - length + step % length] for step in range(series.horizon)], axis=1)
    model = build_model(config.model, dataset.schema, heads_of(config, dataset.schema), seed=0)
    told = run_outputs(model, [np.asarray(part.inputs["features"])])
    assert np.concatenate([output.reshape(len(windows), -1) for output in told], axis=1) == pytest.approx(expected, abs=1e-5)


def test_of_more_rows_a_recurrent_layer_reads_the_window() -> None:
    assert "GRU" in [layer.component.name for layer in start(MOST_ROWS + 1).model.layers]
    assert "GRU" not in [layer.component.name for layer in start(MOST_ROWS).model.layers]


@pytest.mark.parametrize("horizon", [None, 3])
def test_of_noise_it_begins_as_the_mean_of_the_window(horizon: int | None) -> None:
    chance = random.Random(0)
    days = [datetime.date(2022, 1, 3) + datetime.timedelta(days=row) for row in range(300)]
    Path("t.csv").write_text("day,sales\n" + "\n".join(f"{day},{chance.gauss(50, 5):.2f}" for day in days) + "\n")
    text = make_starter("t.csv", target="sales", wishes=Wishes(series="day", horizon=horizon)).text
    assert "the window's mean" in text
    config = load_config_text(text, folder=Path.cwd())
    dataset = load_dataset(config.data, seed=0)
    [spec], part = dataset.schema.inputs, dataset.parts["test"]
    assert spec.window_scale is not None
    place, factor, offset = spec.window_scale.to_target["sales"]
    windows = np.asarray(part.inputs["features"])[:, :, place] * factor + offset
    model = build_model(config.model, dataset.schema, heads_of(config, dataset.schema), seed=0)
    told = run_outputs(model, [np.asarray(part.inputs["features"])])
    for output in told:
        means = np.broadcast_to(windows.mean(axis=1, keepdims=True), (len(windows), output.reshape(len(windows), -1).shape[1]))
        assert output.reshape(len(windows), -1) == pytest.approx(means, abs=1e-5)


def test_a_season_longer_than_the_window_is_none() -> None:
    layers, reason = change_of_season(6, 2, 12, 0, 1)
    assert layers[0] == {"Cropping1D": {"cropping": [5, 0], "from": "features"}}
    assert "last value" in reason


def test_a_trained_one_is_better_than_the_season_before() -> None:
    """A line over two noisy weeks tells more than one of them: of noise with a deviation of 3 their mean loses a quarter."""
    start(400)
    result = fit("c.yaml")
    # Of a season's value and the truth each has its own noise; what is foretold from two weeks has less.
    assert result.metrics["test"]["rmse"] < 0.9 * 3 * math.sqrt(2)
