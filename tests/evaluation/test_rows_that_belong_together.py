"""Of a run whose data is split by groups or by time the file of a part has the intervals and the verdict that the part has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars
import pytest
import yaml

from dltrain.cli.app import run as run_command
from dltrain.evaluation.evaluate import evaluate
from dltrain.reporting import Reporter
from dltrain.training.fit import fit
from tests.training.support import config_of


class Hears(Reporter):
    def __init__(self) -> None:
        self.said: list[str] = []

    def warning(self, warning: Any) -> None:
        self.said.append(getattr(warning, "message", str(warning)))


@pytest.mark.parametrize("by", ["group", pytest.param("time", marks=pytest.mark.slow)])
def test_the_file_of_a_part_is_measured_as_the_part_is(by: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    patient = np.repeat(np.arange(24), 10)
    kind = rng.normal(size=24)[patient]
    frame = polars.DataFrame(
        {
            "patient": [f"p{number}" for number in patient],
            "day": [str(np.datetime64("2024-01-01") + day) for day in rng.permutation(240)],
            "x": (kind + 0.3 * rng.normal(size=240)).round(3),
            "y": np.where(kind + rng.normal(size=240) > 0, "yes", "no"),
        }
    )
    frame.write_csv(tmp_path / "rows.csv")
    split = {"group": "patient", "test": 0.3} if by == "group" else {"time": "day", "test": 0.3}
    data = {"source": "csv", "path": "rows.csv", "target": "y", "features": {"x": "number"}, "split": split}
    config = {"data": data, "model": {"layers": []}, "training": {"epochs": 1}}
    run = Path(fit(config_of(yaml.safe_dump(config), folder=tmp_path), run_dir=tmp_path / "run").run)
    rows = np.load(run / "state" / "parts.npz")["test"]
    frame[rows].sample(fraction=1, shuffle=True, seed=1).write_csv(tmp_path / "test.csv")
    own, other = evaluate(run), evaluate(run, data=[str(tmp_path / "test.csv")])
    assert own.units["by"] == ("groups of patient" if by == "group" else "blocks of time")
    assert other.units == own.units
    assert other.metrics == pytest.approx(own.metrics)
    if by == "group":
        for name, (low, high) in own.intervals.items():
            assert other.intervals[name] == pytest.approx((low, high), abs=0.02), name
    assert [note.replace("data part", "test part") for note in other.notes] == own.notes

    hears = Hears()
    frame[rows].select("x", "y").write_csv(tmp_path / "bare.csv")
    bare = evaluate(run, data=[str(tmp_path / "bare.csv")], reporter=hears)
    assert bare.units["by"] == "rows"
    assert any(f"the column {split.get('group', 'day')} is missing" in text for text in hears.said)
    assert run_command(["-q", "predict", str(run), "--data", str(tmp_path / "bare.csv"), "-o", str(tmp_path / "p.csv")]) == 0
