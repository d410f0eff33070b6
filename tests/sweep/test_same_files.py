"""A fit leaves the same files with the same keys, whoever runs it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dltrain.cli.app import run
from dltrain.storage import layout
from dltrain.sweep.engines import ENGINES

TABLE = """
seed: 1
data: {source: csv, path: t.csv, target: y, split: {validation: 0.2, test: 0.2}}
model: {layers: [Dense: {units: 4, activation: tanh}]}
training: {epochs: 3, batch_size: 16, optimizer: {Adam: {learning_rate: 0.01}}, metrics: [mean_absolute_error], early_stopping: {patience: 5}}
"""
PICTURES = """
seed: 1
data: {source: digits, limit: 200}
model: {layers: [Flatten, Dense: {units: 4, activation: relu}]}
training: {epochs: 1, optimizer: {Adam: {learning_rate: 0.01}}, metrics: [accuracy]}
"""
# What the fit alone does itself, and what says who ran a trial: Ray's workers have as many threads as processors were asked for.
OWN = {".seconds.import", ".seconds.data", ".engine", ".stack", ".stack.fits", ".stack.place"}
OWN |= {".environment.variables.OMP_NUM_THREADS"}


def keys(value: Any, above: str = "") -> set[str]:
    if not isinstance(value, dict):
        return set()
    # What has a name like `precision[6]` is of a class, and there only where the class was predicted.
    return {
        found
        for name, inner in value.items()
        if "[" not in name
        for found in ({f"{above}.{name}"} | keys(inner, f"{above}.{name}"))
    }


def files(folder: Path) -> set[str]:
    names = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    # How many states are kept depends on how long an epoch takes; a run that another machine sent has been locked there.
    return {re.sub(r"state-\d+-\d+", "state", name) for name in names - {".lock"}}


# What is written of pictures is no matter of the engine: one of them stays with each sort of rows.
SLOW = {(engine, name) for engine in ENGINES for name in ("table", "pictures")} - {("stacked", "table")}


@pytest.mark.parametrize(
    ("engine", "text"),
    [
        pytest.param(engine, text, id=f"{engine}-{name}", marks=[pytest.mark.slow] if (engine, name) in SLOW else [])
        for engine in ENGINES
        for name, text in (("table", TABLE), ("pictures", PICTURES))
    ],
)
def test_alone_and_in_a_sweep(
    text: str, engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    if engine == "ray":
        request.getfixturevalue("cluster")  # skips the test where Ray is not installed
    monkeypatch.chdir(tmp_path)
    numbers = np.random.default_rng(0).normal(size=(120, 3))
    rows = "".join(f"{a:.4f},{b:.4f},{a - b + c / 4:.4f}\n" for a, b, c in numbers)
    (tmp_path / "t.csv").write_text("a,b,y\n" + rows)
    (tmp_path / "c.yaml").write_text(text)
    assert run(["fit", "c.yaml", "--run-dir", "alone", "-q"]) == 0
    over = "training.optimizer.Adam.learning_rate=0.01,0.001"
    assert run(["sweep", "c.yaml", "--over", over, "--engine", engine, "--jobs", "1", "--run-dir", "sweep", "-q"]) == 0
    best = tmp_path / "sweep" / json.loads((tmp_path / "sweep" / "manifest.json").read_text())["best"]
    for trial in sorted((tmp_path / "sweep" / "trials").iterdir()):
        drawn = {layout.EVERY_TRIAL, layout.BEST_TRIAL} if trial == best else {layout.EVERY_TRIAL}
        alone = files(tmp_path / "alone")
        assert files(trial) == {name for name in alone if layout.PICTURES.get(name) in {None, *drawn}}
        for name in ("manifest.json", "metrics.json"):
            wanted, there = (keys(json.loads((folder / name).read_text())) for folder in (tmp_path / "alone", trial))
            assert there - OWN == wanted - OWN, name
        headers = [(folder / "history.csv").read_text().splitlines()[0] for folder in (tmp_path / "alone", trial)]
        assert headers[0] == headers[1]
