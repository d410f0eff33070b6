"""The stacked engine under the contract of engines."""

from __future__ import annotations

from pathlib import Path

import pytest

from dltrain.evaluation.evaluate import evaluate
from dltrain.processes.signals import StopSignals
from dltrain.reporting import Reporter
from dltrain.storage.run import Run
from dltrain.sweep.engines.engine import EngineContext, FitObserver
from dltrain.sweep.engines.stacked import StackedEngine
from dltrain.sweep.sweep import sweep
from dltrain.sweep.trials import TrialFit
from tests.training.support import NOISE, config_of
from tests.training.test_frozen_features import FROZEN


def fits_of(folder: Path, *overrides: list[str]) -> list[TrialFit]:
    return [TrialFit(number, {}, config_of(NOISE, *words), folder / f"{number:04d}") for number, words in enumerate(overrides, 1)]


class Source:
    """Gives fits in the order given."""

    def __init__(self, fits: list[TrialFit]) -> None:
        self.fits = fits

    def take(self, most: int) -> list[TrialFit]:
        taken, self.fits = self.fits[:most], self.fits[most:]
        return taken


class Observer(FitObserver):
    """Notes what it is told, and stops one trial."""

    def __init__(self) -> None:
        self.told: list[tuple[int, int]] = []

    def epoch_end(self, fit, epoch, logs):
        assert {"loss", "val_loss", "learning_rate"} <= set(logs)
        self.told.append((fit.trial, epoch))
        return fit.trial == 2 and epoch == 0


def test_fits_of_two_structures_make_two_stacks(tmp_path):
    rates = [f"training.optimizer.learning_rate={rate}" for rate in (0.001, 0.01)]
    fits = fits_of(tmp_path, [rates[0]], [rates[1]], ["training.batch_size=16", rates[0]], ["training.batch_size=16", rates[1]])
    engine, observer = StackedEngine(), Observer()
    assert engine.why_not(fits) is None
    with StopSignals() as signals:
        signals.defer()
        ended = list(engine.run(Source(fits), EngineContext(Reporter(), signals, observer, argv=["dltrain", "sweep"])))
    assert [(fit.trial, fit.status) for fit in ended] == [(1, "finished"), (2, "pruned"), (3, "finished"), (4, "finished")]
    assert set(observer.told) == {(trial, epoch) for trial in (1, 3, 4) for epoch in range(4)} | {(2, 0)}
    for fit in ended:
        manifest = Run(fit.path).read_manifest()
        assert manifest["status"] == "finished"
        assert manifest["stack"] == {"fits": 2, "place": (fit.trial - 1) % 2}
        assert manifest["argv"] == ["dltrain", "sweep"]


def test_why_not(tmp_path):
    engine = StackedEngine()
    assert "only one" in str(engine.why_not(fits_of(tmp_path, [])))
    assert "training.batch_size" in str(engine.why_not(fits_of(tmp_path, [], ["training.batch_size=16"])))
    assert "LSTM" in str(
        engine.why_not(fits_of(tmp_path, ["model.layers=[Reshape: {target_shape: [6, 1]}, LSTM: {units: 3}]"], []))
    )
    begun = fits_of(tmp_path, [], ["seed=3"])
    begun[0].path.mkdir()
    Run(begun[0].path).write_manifest({"status": "interrupted"})
    assert "another engine" in str(engine.why_not(begun))


def test_a_sweep_over_rates_is_stacked_by_itself(tmp_path, pictures_are_drawn):
    over, require = ["training.optimizer.learning_rate=0.001,0.01,1e30"], ["accuracy>=0", "F1Score[1]>=0", "f1[0]>1"]
    result = sweep(config_of(NOISE), over=over, require=require, run_dir=tmp_path / "s")
    assert [trial["status"] for trial in result.trials] == ["finished", "finished", "diverged"]
    assert all(Run(Path(trial["run"])).read_manifest()["engine"] == "stacked" for trial in result.trials)
    assert result.best is not None
    drawn = {Path(trial["run"]).name: sorted(file.name for file in Path(trial["run"]).glob("*.*g")) for trial in result.trials}
    assert drawn == {
        "0001": [*(["history.png"] if result.best["number"] == 1 else []), "results.svg"],
        "0002": [*(["history.png"] if result.best["number"] == 2 else []), "results.svg"],
        "0003": [],
    }
    assert (Path(result.best["run"]) / "history.png").stat().st_size > 1000
    assert [(gate.metric, gate.met) for gate in result.gates] == [("accuracy", True), ("f1[1]", True), ("f1[0]", False)]


@pytest.mark.slow
def test_files_of_fits_with_other_frozen_layers_hold_their_own(tmp_path: Path) -> None:
    """Frozen layers that are drawn by the seed: each file is what its fit was measured with."""
    fits = [config_of(FROZEN, "data.split.seed=1", "training.epochs=1", f"seed={seed}") for seed in (1, 2)]
    trials = [TrialFit(number, {}, config, tmp_path / f"{number:04d}") for number, config in enumerate(fits, 1)]
    with StopSignals() as signals:
        signals.defer()
        [*_] = StackedEngine().run(Source(trials), EngineContext(Reporter(), signals, FitObserver(), argv=["dltrain"]))
    for trial in trials:
        assert Run(trial.path).read_manifest()["engine"] == "stacked"
        stored = Run(trial.path).read_metrics()["metrics"]["test"]
        found = evaluate(trial.path, part="test").metrics
        assert found == pytest.approx({name: stored[name] for name in found}, abs=1e-5)
