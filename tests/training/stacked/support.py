"""Small stacks, and their trials beside their own fits."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from dltrain.config.types import Config
from dltrain.errors import DivergenceError
from dltrain.processes.signals import StopSignals
from dltrain.reporting import Reporter, WarningList
from dltrain.storage.run import Run
from dltrain.training.fit import fit
from dltrain.training.session import Session
from dltrain.training.stacked.fit import Stacks
from dltrain.training.stacked.trial import StackedFit
from tests.training.support import rows_of


def fit_stacked(
    configs: Sequence[Config],
    folder: Path,
    *,
    on_epoch: Callable[[int, int], bool] = lambda index, epoch: False,
    reporter: Reporter | None = None,
) -> list[StackedFit]:
    """The fits of the configs as stacks, in `folder/0`, `folder/1`, ...; goes on where an earlier call was interrupted."""
    fits = [StackedFit(config, folder / str(index)) for index, config in enumerate(configs)]
    folder.mkdir(exist_ok=True)
    with StopSignals() as signals:
        signals.defer()
        session = Session(["dltrain", "sweep"], reporter=WarningList(reporter or Reporter()), signals=signals)
        stacks = Stacks(session)
        stacks.fit(fits, on_start=lambda index: None, on_epoch=lambda index, epoch, logs: on_epoch(index, epoch))
    return fits


def assert_like_own_fits(
    configs: Sequence[Config], folder: Path, *, tolerance: float = 1e-4, last: bool = False
) -> list[StackedFit]:
    """Each trial of a stack, or the last alone, ends as its own fit does: epochs, history, metrics, status, files."""
    fits = fit_stacked(configs, folder / "stack")
    for index, (config, stacked) in list(enumerate(zip(configs, fits)))[-1 if last else 0 :]:
        own = folder / f"own-{index}"
        try:
            fit(config, run_dir=own)
            status = "finished"
        except DivergenceError:
            status = "diverged"
        assert stacked.status == status
        ours, theirs = rows_of(stacked.path), rows_of(own)
        assert [list(row) for row in ours] == [list(row) for row in theirs]
        for row, other in zip(ours, theirs):
            for name, value in row.items():
                assert math.isclose(value, other[name], rel_tol=tolerance, abs_tol=tolerance), (index, name, row, other)
        runs = Run(stacked.path), Run(own)
        names = [sorted(path.name for path in run.checkpoints.iterdir()) for run in runs]
        assert names[0] == names[1]
        a, b = (run.read_manifest() for run in runs)
        assert (a["status"], a["epochs"], a["stopped_early"]) == (b["status"], b["epochs"], b["stopped_early"])
        assert a["engine"] == "stacked"
        assert not ours or f"epoch {len(ours)}: loss " in runs[0].log_file.read_text()
        if status == "finished":
            told = [[found["kind"] for found in run.read_metrics()["diagnosis"]] for run in runs]
            assert told[0] == told[1]
            ours_, theirs_ = (run.read_metrics()["metrics"] for run in runs)
            assert {part: list(values) for part, values in ours_.items()} == {
                part: list(values) for part, values in theirs_.items()
            }
            for part, values in theirs_.items():
                for name, value in values.items():
                    assert np.isclose(ours_[part][name], value, rtol=50 * tolerance, atol=tolerance), (index, part, name)
    return fits
