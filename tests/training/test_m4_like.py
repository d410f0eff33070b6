"""One net on a hundred made-up series beats the value of the season before."""

from __future__ import annotations

from pathlib import Path

import pytest

from dltrain.config import load_config
from dltrain.training.fit import fit
from tests.data.series.made_up import made_up_shops
from tests.support import CONFIGS


@pytest.mark.slow
@pytest.mark.parametrize("name", ["shops", "nhits"])
def test_a_global_net_beats_the_season_before(tmp_path: Path, name: str) -> None:
    made_up_shops(100, seed=4).write_csv(tmp_path / "m4.csv")
    result = fit(load_config(CONFIGS / f"{name}.yaml", [f"data.path={tmp_path / 'm4.csv'}"]), runs=tmp_path / "runs")
    metrics, seasonal = result.metrics["test"], result.report["baselines"]["value 12 rows before"]
    assert metrics["mase"] < 0.95
    assert metrics["mase"] < 0.9 * seasonal["mase"]
    assert metrics["smape"] < seasonal["smape"]
    assert len(result.report["series"]) == 100


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "history", "horizon", "more"),
    [("dlinear", 24, 7, ()), ("nbeats", 28, 7, ()), ("tcn", 24, 6, ("model.layers.11.cropping=[23, 0]",))],
)
def test_a_net_for_one_series_learns_a_hundred(tmp_path: Path, name: str, history: int, horizon: int, more: tuple[str]) -> None:
    made_up_shops(100, seed=4).write_csv(tmp_path / "m4.csv")
    series = f"{{id: shop, time: month, history: {history}, horizon: {horizon}, scale: per_series, history_from: before}}"
    data = f"{{source: csv, path: {tmp_path}/m4.csv, target: sales, series: {series}, split: {{test: 0.15, validation: 0.15}}}}"
    result = fit(load_config(CONFIGS / f"{name}.yaml", [f"data={data}", *more]), runs=tmp_path / "runs")
    assert result.metrics["test"]["mase"] < 0.95


def test_the_shipped_shops_are_the_made_up_ones(tmp_path: Path) -> None:
    made_up_shops(40).write_csv(tmp_path / "shops.csv")
    assert (tmp_path / "shops.csv").read_text() == (CONFIGS / "shops.csv").read_text()
