"""Small experiments that train in a second, and interruptions at an exact place."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dltrain.config import load_config_text
from dltrain.config.types import Config
from dltrain.errors import InterruptedRun
from dltrain.reporting import Reporter
from dltrain.storage.run import Run
from dltrain.training.fit import FitResult, fit
from dltrain.training.loop import CompiledLoop
from dltrain.training.saving.state import TrainingState, load_newest_state
from tests.support import history_rows

# Random rows with three parts; a model and a training follow.
NOISE_DATA = """
seed: 7
data:
  source: noise
  rows: 90
  shape: [6]
  split: {test: 0.2, validation: 0.25}
"""
NOISE = (
    NOISE_DATA
    + """
name: small
model:
  layers:
    - Dense: {units: 5, activation: relu}
training:
  epochs: 4
  batch_size: 8
"""
)


def config_of(text: str, *overrides: str, folder: Path = Path(".")) -> Config:
    """A config from text."""
    return load_config_text(text, file="small.yaml", folder=folder, overrides=list(overrides))


def rows_of(run: Path) -> list[dict[str, float]]:
    """A run's history without the seconds."""
    return [{name: value for name, value in row.items() if name != "seconds"} for row in history_rows(Run(run).history_file)]


def fit_in_empty_cache(config: Config, folders: pytest.TempPathFactory, reporter: Reporter | None = None) -> FitResult:
    """A fit that finds nothing that others have stored."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DLTRAIN_CACHE", str(folders.mktemp("cache")))
        return fit(config, run_dir=folders.mktemp("whole") / "run", reporter=reporter)


@contextmanager
def interrupted_at_call(monkeypatch: pytest.MonkeyPatch, number: int) -> Iterator[None]:
    """SIGINT arrives during the compiled call of that number (counted from 1), each call being one step."""
    original = CompiledLoop.run
    calls = 0

    def run(self: CompiledLoop, *args: Any) -> int:
        nonlocal calls
        calls += 1
        if calls == number:
            os.kill(os.getpid(), signal.SIGINT)
        return original(self, *args)

    with monkeypatch.context() as patch:
        patch.setattr(CompiledLoop, "run", run)
        patch.setattr("dltrain.training.trainer.CALL_SECONDS", 0.0)
        yield


def fit_with_interruptions(config: Config, run_dir: Path, monkeypatch: pytest.MonkeyPatch, plan: list[int]) -> FitResult:
    """Fit, interrupted and gone on with as often as the plan says; each number counts calls of its own stretch."""
    for number in plan:
        with interrupted_at_call(monkeypatch, number):
            try:
                return fit(config, run_dir=run_dir, resume="auto")
            except InterruptedRun as error:
                assert error.exit_code == 130
    return fit(config, run_dir=run_dir, resume="auto")


def newest_state(run_dir: Path) -> TrainingState:
    """The newest state of a run."""
    state, notes = load_newest_state(Run(run_dir))
    assert state is not None
    assert notes == []
    return state


def assert_same_bits(first: Path, second: Path) -> None:
    """Two runs ended with the same weights, optimizer state, best model, callbacks' memory and history, to the bit."""
    a, b = newest_state(first), newest_state(second)
    assert (a.epoch, a.step) == (b.epoch, b.step)
    pairs = [(a.values.model, b.values.model), (a.values.optimizer, b.values.optimizer)]
    if a.best is not None or b.best is not None:
        assert a.best is not None
        assert b.best is not None
        pairs += [(a.best.model, b.best.model), (a.best.optimizer, b.best.optimizer)]
    for ours, theirs in pairs:
        assert len(ours) == len(theirs)
        for one, other in zip(ours, theirs):
            np.testing.assert_array_equal(one, other)
    assert a.memory["checkpoints"] == b.memory["checkpoints"]
    assert a.memory["callbacks"] == b.memory["callbacks"]
    histories = [rows_of(first), rows_of(second)]
    assert histories[0] == histories[1]
    assert [row["epoch"] for row in histories[0]] == list(range(1, len(histories[0]) + 1))
