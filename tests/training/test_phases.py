"""Phases: epochs count on, each has its own optimizer and callbacks, layers thaw, and a resume knows in which one it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dltrain.config.types import Config
from dltrain.errors import ConfigError
from dltrain.evaluation.evaluate import evaluate
from dltrain.model.keras_import import import_keras
from dltrain.model.unfreeze import unfreeze
from dltrain.storage.run import Run
from dltrain.training.fit import FitResult, fit
from dltrain.training.saving.checkpoints import Checkpoints
from tests.training.support import assert_same_bits, config_of, fit_in_empty_cache, fit_with_interruptions, rows_of

PHASED = """
name: phased
seed: 7
data:
  source: noise
  rows: 60
  shape: [8, 8, 3]
  split: {validation: 0.2}
model:
  layers:
    - Conv2D: {name: body, filters: 4, kernel_size: 3, activation: relu, trainable: false}
    - GlobalAveragePooling2D
    - Dense: {units: 4, activation: relu}
    - Dropout: {rate: 0.3}
training:
  batch_size: 12
  optimizer: {Adam: {learning_rate: 0.01}}
  checkpoint: {filepath: "phased_{epoch:02d}.h5", save_best_only: true}
  phases:
    - epochs: 2
    - {epochs: 3, unfreeze: [body], batch_size: 16, optimizer: {SGD: {learning_rate: 0.002, momentum: 0.9}}}
"""


@pytest.fixture(autouse=True)
def _empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DLTRAIN_CACHE", str(tmp_path / "cache"))


def phased(*overrides: str) -> Config:
    return config_of(PHASED, *overrides)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> FitResult:
    """A run of both phases that was not interrupted."""
    return fit_in_empty_cache(phased(), tmp_path_factory)


def body_of(file: Path) -> Any:
    return np.asarray(import_keras().models.load_model(file).get_layer("body").get_weights()[0])


def test_epochs_count_on_and_each_phase_has_its_own_rate_and_layers(whole: FitResult) -> None:
    rows = rows_of(whole.run)
    assert [row["epoch"] for row in rows] == [1, 2, 3, 4, 5]
    assert [row["phase"] for row in rows] == [1, 1, 2, 2, 2]
    assert [row["learning_rate"] for row in rows] == pytest.approx([0.01, 0.01, 0.002, 0.002, 0.002])
    assert whole.epochs == 5
    before, after = (body_of(whole.run / "checkpoints" / f"{name}.h5") for name in ("phased_01", "last"))
    assert np.abs(before - after).max() > 1e-5
    assert evaluate(whole.run, part="validation").metrics == pytest.approx(whole.metrics["validation"], abs=1e-6)
    manifest = Run(whole.run).read_manifest()
    assert (manifest["phase"], manifest["phase_epochs"], manifest["epochs"]) == (2, 3, 5)


def test_the_second_phase_is_keras_fit_from_where_the_first_ended(tmp_path: Path) -> None:
    """Without dropout and in the order of the rows, by hand with Keras's own loop."""
    from dltrain.data import load_dataset

    words = ("training.shuffle=false", "model.layers.3.rate=0.0", "training.phases.1.epochs=1")
    keras = import_keras()
    fit(phased(*words, "training.checkpoint.save_best_only=false"), run_dir=tmp_path / "both")
    model = keras.models.load_model(tmp_path / "both" / "checkpoints" / "phased_02.h5")
    model.get_layer("body").trainable = True
    model.compile(keras.optimizers.SGD(0.002, momentum=0.9), keras.losses.BinaryCrossentropy(), jit_compile=False)
    part = load_dataset(phased().data, seed=7).parts["train"]
    targets = part.targets["target"].astype("float32")[:, None]
    history = model.fit(part.inputs["image"], targets, batch_size=16, shuffle=False, verbose=0).history
    assert rows_of(tmp_path / "both")[2]["loss"] == pytest.approx(history["loss"][0], abs=1e-5)
    np.testing.assert_allclose(
        body_of(tmp_path / "both" / "checkpoints" / "last.h5"), model.get_layer("body").get_weights()[0], atol=1e-6
    )


# 4 steps an epoch in the first phase, 3 in the second; 8 is the last step of the first phase, 9 the first one of the second.
@pytest.mark.parametrize(
    "plan", [[8], *(pytest.param(plan, marks=pytest.mark.slow) for plan in ([8, 1], [9, 4], [3, 10]))], ids=str
)
def test_resumes_to_the_bit_across_phases(
    plan: list[int], whole: FitResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut = fit_with_interruptions(phased(), tmp_path / "cut", monkeypatch, plan)
    assert_same_bits(whole.run, cut.run)
    assert cut.metrics == whole.metrics
    for name in ("best.h5", "last.h5"):
        files = [run / "checkpoints" / name for run in (whole.run, cut.run)]
        assert files[0].read_bytes() == files[1].read_bytes()


def test_early_stopping_ends_its_phase_and_the_next_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, thorough: bool
) -> None:
    words = (
        "training.phases.0.epochs=9",
        "training.phases.0.early_stopping={monitor: val_loss, patience: 1, min_delta: 10, restore_best_weights: true}",
    )
    fit(phased(*words), run_dir=tmp_path / "run")
    assert [row["phase"] for row in rows_of(tmp_path / "run")] == [1, 1, 2, 2, 2]
    if thorough:
        fit_with_interruptions(phased(*words), tmp_path / "cut", monkeypatch, [8, 2])
        assert_same_bits(tmp_path / "run", tmp_path / "cut")


@pytest.mark.slow
def test_the_best_model_of_an_earlier_phase_stays_the_best(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ("training.checkpoint.monitor=val_loss", "training.phases.1.optimizer={SGD: {learning_rate: 10.0}}")
    result = fit(phased(*words), run_dir=tmp_path / "run")
    rows = rows_of(tmp_path / "run")
    best = min(rows, key=lambda row: row["val_loss"])
    assert best["phase"] == 1
    assert result.metrics["validation"]["loss"] == pytest.approx(best["val_loss"], abs=1e-6)
    best_file = (tmp_path / "run" / "checkpoints" / "best.h5").read_bytes()
    fit_with_interruptions(phased(*words), tmp_path / "cut", monkeypatch, [11, 2])
    assert_same_bits(tmp_path / "run", tmp_path / "cut")
    assert (tmp_path / "cut" / "checkpoints" / "best.h5").read_bytes() == best_file
    assert evaluate(tmp_path / "run", part="validation").metrics == pytest.approx(result.metrics["validation"], abs=1e-6)


@pytest.mark.slow
def test_a_kill_between_phases_loses_nothing(whole: FitResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Killed(BaseException):
        pass

    def killed(self: Checkpoints, model: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(Checkpoints, "go_on_with", killed)
        with pytest.raises(Killed):
            fit(phased(), run_dir=tmp_path / "cut")
    fit(phased(), run_dir=tmp_path / "cut", resume="auto")
    assert_same_bits(whole.run, tmp_path / "cut")


@pytest.mark.slow
def test_the_last_phase_may_be_longer_on_resume_and_the_others_may_not(whole: FitResult, tmp_path: Path) -> None:
    fit(phased("training.phases.1.epochs=1"), run_dir=tmp_path / "raised")
    fit(phased(), resume=tmp_path / "raised")
    assert_same_bits(whole.run, tmp_path / "raised")
    with pytest.raises(ConfigError) as caught:
        fit(phased("training.phases.0.epochs=3", "training.epochs=4"), resume=tmp_path / "raised")
    assert {"training.phases.0.epochs", "training.epochs"} <= {fault.path for fault in caught.value.faults}
    again = fit(phased(), resume=tmp_path / "raised")
    assert "nothing left to do" in again.notes[0]


def test_what_unfreezing_reaches() -> None:
    keras = import_keras()

    def model() -> Any:
        inputs = keras.Input((32, 32, 3))
        pixels = keras.layers.Conv2D(3, 1, trainable=False, name="net_preprocessing")(inputs)
        inner = keras.Input((32, 32, 3))
        first = keras.layers.Conv2D(2, 3, name="first")(inner)
        middle = keras.layers.BatchNormalization(name="norm")(first)
        last = keras.layers.Conv2D(2, 3, name="last")(middle)
        body = keras.Model(inner, keras.layers.BatchNormalization(name="norm2")(last), name="net")
        body.trainable = False
        return keras.Model(inputs, keras.layers.Dense(1, name="head")(body(pixels, training=False)))

    def trained(*wanted: Any) -> list[str]:
        built = model()
        for one in wanted:
            unfreeze(built, one)
        return sorted({variable.path.split("/")[-2] for variable in built.trainable_variables})

    assert trained() == ["head"]
    assert trained(False) == ["head"]
    assert trained(1) == ["head", "last"]
    assert trained(2) == trained(9) == ["first", "head", "last"]
    assert trained(["first"], 1) == ["first", "head", "last"]
    assert trained(["norm"]) == ["head", "norm"]
    assert trained(True) == trained(["net"]) == trained(["net"], 1) == ["first", "head", "last", "norm", "norm2"]
    with pytest.raises(ConfigError, match="no layer 'lost'"):
        trained(["lost"])
