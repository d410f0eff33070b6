"""A run that was interrupted anywhere ends with the bits of one that was not."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from dltrain.config.catalog.catalog import load_catalog
from dltrain.errors import ConfigError, DataError, InterruptedRun, RunError
from dltrain.storage.run import Run
from dltrain.training.fit import FitResult, fit
from dltrain.training.saving.checkpoints import _read_best_values
from tests.support import history_rows
from tests.training.support import NOISE, assert_same_bits, config_of, fit_with_interruptions, interrupted_at_call

OPTIMIZERS = [
    "Adam: {learning_rate: {CosineDecay: {initial_learning_rate: 0.01, decay_steps: 20}}, clipnorm: 1.0, use_ema: true}",
    *(pytest.param(name, marks=pytest.mark.slow) for name in (
        "SGD: {learning_rate: 0.05, momentum: 0.9, nesterov: true}", "Adafactor", "Muon", "AdamW", "RMSprop: {momentum: 0.5}", "Adam", "Adamax", "Nadam", "Adagrad", "Adadelta", "Ftrl", "Lamb", "Lion", "ScheduleFreeAdamW",
    )),
]  # fmt: skip

EVERYTHING = """
name: everything
seed: 11
data:
  source: noise
  rows: 80
  shape: [8, 8, 1]
  split: {validation: 0.25}
  augment: [RandomFlip: {mode: horizontal}, RandomTranslation: {height_factor: 0.2, width_factor: 0.2}]
model:
  layers:
    - Conv2D: {filters: 3, kernel_size: 3, activation: relu}
    - BatchNormalization
    - GaussianNoise: {stddev: 0.1}
    - Flatten
    - Dropout: {rate: 0.3}
    - Dense: {units: 4, kernel_regularizer: {L2: {l2: 0.01}}}
training:
  epochs: 5
  batch_size: 8
  early_stopping: {patience: 2}
  reduce_lr_on_plateau: {patience: 1, factor: 0.5}
  checkpoint: {filepath: "e_{epoch:02d}_{val_loss:.3f}.h5", save_best_only: true}
"""


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> FitResult:
    """What a fit that was not interrupted ends with."""
    return fit(config_of(NOISE), run_dir=tmp_path_factory.mktemp("whole") / "run")


@pytest.fixture(scope="module")
def whole(finished: FitResult) -> Path:
    """Its run."""
    return finished.run


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> FitResult:
    """What a fit with noise, augmentation and callbacks ends with."""
    return fit(config_of(EVERYTHING), run_dir=tmp_path_factory.mktemp("everything") / "run")


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda text: text.partition(":")[0])
def test_resume_to_the_bit_for_each_optimizer(optimizer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = config_of(
        NOISE,
        f"training.optimizer={{{optimizer}}}" if ":" in optimizer else f"training.optimizer={optimizer}",
        "training.epochs=3",
        "training.checkpoint.format=keras",  # an .h5 file cannot hold all of them
    )
    fit(config, run_dir=tmp_path / "whole")
    fit_with_interruptions(config, tmp_path / "cut", monkeypatch, [11])
    assert_same_bits(tmp_path / "whole", tmp_path / "cut")


def test_no_optimizer_is_left_out() -> None:
    texts = [given if isinstance(given, str) else str(given.values[0]) for given in OPTIMIZERS]
    assert {text.partition(":")[0] for text in texts} == set(load_catalog().names("optimizer"))


@pytest.mark.parametrize(
    "plan", [[9], *(pytest.param(plan, marks=pytest.mark.slow) for plan in ([1], [8], [3, 11], [9, 8, 8]))], ids=str
)
def test_resume_to_the_bit_with_noise_augmentation_and_callbacks(
    plan: list[int], everything: FitResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut = fit_with_interruptions(config_of(EVERYTHING), tmp_path / "cut", monkeypatch, plan)
    assert_same_bits(everything.run, cut.run)
    assert cut.metrics == everything.metrics
    names = [sorted(path.name for path in Run(run).checkpoints.iterdir()) for run in (everything.run, cut.run)]
    assert names[0] == names[1]


def test_epochs_may_be_raised_on_resume(whole: Path, tmp_path: Path) -> None:
    fit(config_of(NOISE, "training.epochs=2"), run_dir=tmp_path / "raised")
    fit(config_of(NOISE), resume=tmp_path / "raised")
    assert_same_bits(whole, tmp_path / "raised")


def test_resume_of_a_finished_run_has_nothing_to_do(finished: FitResult, tmp_path: Path) -> None:
    shutil.copytree(finished.run, tmp_path / "run")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "run").rglob("*.h5")}
    again = fit(config_of(NOISE), resume=tmp_path / "run")
    assert "nothing left to do" in again.notes[0]
    assert again.metrics == finished.metrics
    assert any(note.startswith("The model is not") for note in finished.notes)
    assert again.notes[1:] == finished.notes
    assert before == {path: path.stat().st_mtime_ns for path in (tmp_path / "run").rglob("*.h5")}


def test_a_changed_config_is_refused_with_the_difference(cut: Path, tmp_path: Path) -> None:
    shutil.copytree(cut, tmp_path / "run")
    with pytest.raises(ConfigError) as caught:
        fit(config_of(NOISE, "training.batch_size=16", "model.layers.0.units=6"), resume=tmp_path / "run")
    assert {"model.layers.0.Dense.units", "training.batch_size"} <= {fault.path for fault in caught.value.faults}


def test_changed_data_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [f"{i % 7},{i % 5},{'yes' if i % 3 else 'no'}" for i in range(60)]
    (tmp_path / "data.csv").write_text("a,b,y\n" + "\n".join(rows) + "\n")
    text = "data: {source: csv, path: data.csv, target: y}\nmodel: {layers: [Dense: 3]}\ntraining: {epochs: 3, batch_size: 8}\n"
    text = text.replace("Dense: 3", "Dense: {units: 3}")
    with interrupted_at_call(monkeypatch, 3), pytest.raises(Exception, match="interrupted"):
        fit(config_of(text, folder=tmp_path), run_dir=tmp_path / "run")
    (tmp_path / "data.csv").write_text("a,b,y\n" + "\n".join([*rows, "1,2,no"]) + "\n")
    with pytest.raises(DataError, match="not that of the run"):
        fit(config_of(text, folder=tmp_path), resume=tmp_path / "run")


def test_a_truncated_newest_state_falls_back_to_the_one_before(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = config_of(NOISE)
    for number in (5, 9):
        with interrupted_at_call(monkeypatch, number), pytest.raises(Exception, match="interrupted"):
            fit(config, run_dir=tmp_path / "cut", resume="auto")
    states = sorted(Run(tmp_path / "cut").state.glob("state-*.npz"))
    assert len(states) == 2
    states[-1].write_bytes(states[-1].read_bytes()[:-200])
    fit(config, resume=tmp_path / "cut")
    assert_same_bits(whole, tmp_path / "cut")
    for path in Run(tmp_path / "cut").state.glob("state-*.npz"):
        path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(RunError, match="none of the 2 state files"):
        fit(config_of(NOISE, "training.epochs=9"), resume=tmp_path / "cut")


@pytest.fixture(scope="module")
def cut(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was interrupted in its second epoch."""
    run = tmp_path_factory.mktemp("cut") / "run"
    with pytest.MonkeyPatch.context() as patch, interrupted_at_call(patch, 9), pytest.raises(InterruptedRun):
        fit(config_of(NOISE, "training.epochs=2"), run_dir=run)
    return run


@pytest.mark.parametrize(
    "text",
    [
        '{"values": {"best.h5": -9.0}, "sha256": "00"}',
        *(pytest.param(text, marks=pytest.mark.slow) for text in ("", "[]", '{"best.h5": [1]}', '{"values": 1}')),
    ],
)
def test_a_damaged_note_of_the_best_is_no_note(text: str, cut: Path, tmp_path: Path) -> None:
    config = config_of(NOISE, "training.epochs=2")
    shutil.copytree(cut, tmp_path / "run")
    (tmp_path / "run" / "state" / "best.json").write_text(text)
    assert fit(config, resume=tmp_path / "run").status == "finished"
    value = min(row["val_loss"] for row in history_rows(tmp_path / "run" / "history.csv"))
    assert _read_best_values(tmp_path / "run" / "state" / "best.json") == {"best.h5": value}


def test_a_live_run_is_refused(cut: Path, tmp_path: Path) -> None:
    shutil.copytree(cut, tmp_path / "run")
    with Run(tmp_path / "run").locked(), pytest.raises(RunError, match="in use by process"):
        fit(config_of(NOISE, "training.epochs=2"), resume=tmp_path / "run")
