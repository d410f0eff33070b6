"""Fits on small data: what is written, when it stops, what is refused, and what is left when something goes wrong."""

from __future__ import annotations

import csv
import errno
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dltrain.config.types import Config
from dltrain.errors import ConfigError, DataError, DivergenceError, RunError, UsageError
from dltrain.model.keras_import import import_keras
from dltrain.reporting import Reporter
from dltrain.storage.run import Run
from dltrain.storage.run_list import list_runs
from dltrain.training.fit import fit
from tests.support import run_dltrain
from tests.training.support import NOISE, config_of, newest_state

LEARNABLE = """
name: learnable
seed: 5
data: {source: csv, path: rows.csv, target: y, split: {test: 0.2, validation: 0.25}}
model:
  layers:
    - Dense: {units: 16, activation: relu}
training:
  epochs: 40
  batch_size: 16
"""


def learnable(folder: Path, *overrides: str, regression: bool = False) -> Config:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 3))
    y = 100 + 20 * (x[:, 0] - x[:, 1]) if regression else np.where(x[:, 0] + x[:, 1] > 0, "up", "down")
    lines = [",".join(map(str, (*row, target))) for row, target in zip(x.round(4), y)]
    (folder / "rows.csv").write_text("a,b,c,y\n" + "\n".join(lines) + "\n")
    return config_of(LEARNABLE, *overrides, folder=folder)


@pytest.mark.parametrize("key", ["path", "validation", "test"])
def test_files_that_are_not_there_are_told_at_their_keys_before_keras_is_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    def imported(*_: Any) -> None:
        raise AssertionError("Keras is imported")

    learnable(tmp_path)
    text = LEARNABLE.replace(", split: {test: 0.2, validation: 0.25}", "")
    text = text.replace("path: rows.csv", "path: gone.csv") if key == "path" else text.replace("y}", f"y, {key}: gone.csv}}")
    monkeypatch.setattr("dltrain.training.fit.import_keras", imported)
    with pytest.raises(DataError) as caught:
        fit(config_of(text, folder=tmp_path), runs=tmp_path / "runs")
    (fault,) = caught.value.faults
    assert (fault.path, fault.line) == (f"data.{key}", 4)
    assert not list((tmp_path / "runs").glob("*"))


class Heard(Reporter):
    """What a fit has said of its course."""

    def __init__(self) -> None:
        self.epochs: list[int] = []
        self.layers: list[Any] = []

    def epoch_end(self, epoch: int, logs: Any, seconds: float) -> None:
        self.epochs.append(epoch)

    def model_ready(self, layers: Any, num_parameters: int, num_trainable: int) -> None:
        self.layers = list(layers)


@pytest.mark.usefixtures("pictures_are_drawn")
def test_a_run_holds_all_that_is_promised_reports_its_progress_and_is_judged_by_its_gates(tmp_path: Path) -> None:
    heard = Heard()
    gates = ["accuracy>=0.5", "test.accuracy>=1.1"]
    result = fit(learnable(tmp_path), runs=tmp_path / "runs", argv=["dltrain", "fit"], reporter=heard, require=gates)
    assert heard.epochs == list(range(40))
    assert [row["class"] for row in heard.layers] == ["InputLayer", "Dense", "Dense"]
    assert [gate.met for gate in result.gates] == [True, False]
    run = Run(result.run)
    files = {
        "config.yaml",
        "manifest.json",
        "history.csv",
        "metrics.json",
        "preprocessing.json",
        "preprocessing.npz",
        "history.png",
        "results.svg",
    }
    assert files <= {path.name for path in result.run.iterdir()}
    assert result.pictures == ["history.png", "results.svg"]
    assert (result.run / "history.png").stat().st_size > 1000
    assert {path.name for path in run.checkpoints.iterdir()} == {"best.h5", "last.h5"}
    assert result.status == "gates_failed"
    assert result.weights == "best"
    assert result.metrics["test"]["accuracy"] > 0.85 > result.baseline["accuracy"]
    assert set(result.seconds) == {"import", "data", "build", "train", "evaluate", "total"}
    with open(run.history_file) as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 40
    assert list(rows[0]) == ["epoch", "loss", "accuracy", "val_loss", "val_accuracy", "learning_rate", "seconds"]
    manifest = run.read_manifest()
    assert manifest["status"] == "finished"
    assert {"argv", "seed", "threads", "environment", "compiler", "data", "started", "ended"} <= set(manifest)
    assert json.loads(run.metrics_file.read_text())["metrics"] == result.metrics
    assert [info.status for info in list_runs(tmp_path / "runs")] == ["finished"]
    assert not list(result.run.rglob("*.tmp"))


def test_the_resolved_config_repeats_the_run_here_and_in_another_process(tmp_path: Path) -> None:
    from dltrain.checking import check_config
    from dltrain.config import dump_yaml, load_config, resolve

    first = fit(learnable(tmp_path, "training.epochs=3"), run_dir=tmp_path / "a")
    second = fit(load_config(tmp_path / "a" / "config.yaml"), run_dir=tmp_path / "b")
    assert first.metrics == second.metrics
    (tmp_path / "small.yaml").write_text(LEARNABLE.replace("epochs: 40", "epochs: 3"))
    done = run_dltrain("fit", "small.yaml", "--run-dir", "c", "-q", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    for file in ("best.h5", "last.h5"):
        [content] = {(tmp_path / run / "checkpoints" / file).read_bytes() for run in "abc"}
        assert content
    resolved = (tmp_path / "a" / "config.yaml").read_text()
    assert "BinaryCrossentropy" in resolved
    assert "sigmoid" in resolved
    assert (tmp_path / "b" / "config.yaml").read_text() == resolved
    checked = learnable(tmp_path, "training.epochs=3")
    assert dump_yaml(resolve(checked, check_config(checked).inferred)) == resolved


def test_checkpoints_open_in_plain_keras_and_go_on_training_there(tmp_path: Path) -> None:
    keras = import_keras()
    result = fit(learnable(tmp_path, "training.epochs=4", "training.metrics=[AUC, Precision]"), run_dir=tmp_path / "run")
    from dltrain.data import load_dataset

    part = load_dataset(learnable(tmp_path).data, seed=5).parts["test"]
    targets = part.targets["y"].astype("float32")[:, None]
    model = keras.models.load_model(tmp_path / "run" / "checkpoints" / "best.h5")
    loss = model.evaluate(part.inputs["features"], targets, verbose=0)[0]
    assert loss == pytest.approx(result.metrics["test"]["loss"], rel=1e-5)
    history = model.fit(part.inputs["features"], targets, epochs=2, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    assert model.optimizer.learning_rate.numpy() == pytest.approx(0.001)


@pytest.mark.parametrize(
    "given",
    [
        pytest.param({"patience": 2}, marks=pytest.mark.slow),
        {"monitor": "val_accuracy", "patience": 3, "min_delta": 0.01},
        {"monitor": "loss", "patience": 1, "baseline": 0.3, "start_from_epoch": 3},
        {"patience": 2, "restore_best_weights": True},
        {"monitor": "loss", "patience": 1, "min_delta": 0.02, "restore_best_weights": True},
    ],
    ids=str,
)
def test_early_stopping_stops_where_keras_s_callback_would(given: dict[str, Any], tmp_path: Path) -> None:
    keras = import_keras()
    config = learnable(
        tmp_path, f"training.early_stopping={json.dumps(given)}", "training.optimizer={Adam: {learning_rate: 0.1}}"
    )
    if given.get("restore_best_weights") and given.get("monitor") == "loss":  # no validation part, so no best weights of the run
        config = replace(config, data=replace(config.data, split=replace(config.data.split, validation=None)))
    result = fit(config, run_dir=tmp_path / "run")
    with open(Run(result.run).history_file) as file:
        rows = [{key: float(value) for key, value in row.items()} for row in csv.DictReader(file)]
    callback = keras.callbacks.EarlyStopping(
        **{"monitor": "val_loss", **given, "mode": "max" if "acc" in given.get("monitor", "") else "min"}
    )

    class Stand:
        stop_training = False
        metrics: list[Any] = []

        def get_weights(self) -> list[Any]:
            return []

        def set_weights(self, weights: list[Any]) -> None:
            pass

    callback.set_model(Stand())
    callback.on_train_begin()
    for epoch, row in enumerate(rows):
        assert not callback.model.stop_training, f"Keras would have stopped after epoch {epoch}"
        callback.on_epoch_end(epoch, row)
    assert callback.model.stop_training or len(rows) == 40
    document = json.loads(Run(result.run).metrics_file.read_text())
    if given.get("restore_best_weights"):
        assert document["epoch"] == callback.best_epoch + 1 < len(rows)
        loss = rows[callback.best_epoch][given.get("monitor", "val_loss")]
        if document["weights"] == "best":
            assert document["metrics"]["validation"]["loss"] == pytest.approx(loss)
        else:
            assert document["weights"] == "last"


def test_regression_reports_in_its_own_units(tmp_path: Path) -> None:
    result = fit(learnable(tmp_path, regression=True), run_dir=tmp_path / "run")
    test = result.metrics["test"]
    assert test["rmse"] < 10 < result.baseline["rmse"]
    assert test["r2"] > 0.8
    assert test["mean_absolute_error"] == pytest.approx(test["mae"], rel=1e-4)


def test_template_names_and_save_best_only(tmp_path: Path) -> None:
    template = 'training.checkpoint={filepath: "m_{epoch:02d}_{val_loss:.3f}.h5", save_best_only: true, monitor: val_loss}'
    fit(learnable(tmp_path, template, "training.epochs=6"), run_dir=tmp_path / "run")
    with open(tmp_path / "run" / "history.csv") as file:
        losses = [float(row["val_loss"]) for row in csv.DictReader(file)]
    best = [index for index, loss in enumerate(losses) if loss == min(losses[: index + 1])]
    expected = {f"m_{index + 1:02d}_{losses[index]:.3f}.h5" for index in best}
    assert {path.name for path in Run(tmp_path / "run").checkpoints.glob("m_*")} == expected


def test_without_a_validation_part_the_last_epoch_is_the_model(tmp_path: Path) -> None:
    result = fit(learnable(tmp_path, "data.split={test: 0.2}", "training.epochs=2"), run_dir=tmp_path / "run")
    assert result.weights == "last"
    assert [path.name for path in Run(result.run).checkpoints.iterdir()] == ["last.h5"]


def test_gates_that_cannot_be_read_are_refused_before_training(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        fit(learnable(tmp_path), run_dir=tmp_path / "other", require=["accuracy=>0.5"])
    with pytest.raises(ConfigError, match="no metric acuracy"):
        fit(learnable(tmp_path), run_dir=tmp_path / "other", require=["acuracy>=0.5"])
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize(
    ("overrides", "path"),
    [
        (["training.early_stopping={monitor: val_acuracy}"], "training.early_stopping.monitor"),
        (["training.optimizer=Lamb"], "training.optimizer"),
        (["training.class_weight={left: 2}"], "training.class_weight.left"),
        (["model.layers=[{Dense: {units: 3, activation: softmax}}]"], "model.layers.0"),
        (["model.layers=[{Conv2D: {filters: 3, kernel_size: 2}}]"], "model.layers.0"),
    ],
)
def test_refused_before_training_and_nothing_left(overrides: list[str], path: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        fit(learnable(tmp_path, *overrides), run_dir=tmp_path / "run")
    assert path in {fault.path for fault in caught.value.faults}
    assert not (tmp_path / "run").exists()


def test_what_h5_cannot_hold_goes_into_a_keras_file(tmp_path: Path) -> None:
    from dltrain.evaluation.evaluate import evaluate

    result = fit(
        learnable(tmp_path, "training.optimizer=Lamb", "training.checkpoint={format: keras}", "training.epochs=2"),
        run_dir=tmp_path / "run",
    )
    assert {path.name for path in Run(result.run).checkpoints.iterdir()} == {"best.keras", "last.keras"}
    assert evaluate(result.run).metrics == pytest.approx(result.metrics["test"])


def test_divergence_keeps_the_last_finite_state(tmp_path: Path) -> None:
    config = learnable(tmp_path, "training.optimizer={SGD: {learning_rate: 1.0e+6}}", regression=True)
    with pytest.raises(DivergenceError, match="not finite after step") as caught:
        fit(config, run_dir=tmp_path / "run")
    assert caught.value.exit_code == 4
    assert "layer" in caught.value.faults[0].message
    state = newest_state(tmp_path / "run")
    assert all(np.isfinite(array).all() for array in state.values.model if array.dtype.kind == "f")
    assert Run(tmp_path / "run").read_manifest()["status"] == "diverged"


def test_a_run_directory_that_is_not_empty_is_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "mine.txt").write_text("keep")
    with pytest.raises(RunError, match="not empty"):
        fit(config_of(NOISE), run_dir=tmp_path / "run")
    assert (tmp_path / "run" / "mine.txt").read_text() == "keep"


@pytest.mark.parametrize("number", [errno.ENOSPC, pytest.param(errno.EFBIG, marks=pytest.mark.slow)])
def test_a_full_disk_leaves_the_old_files_and_a_message(number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dltrain.training.trainer.EPOCH_SAVE_SECONDS", 0.0)
    real, written = os.fsync, []

    def fsync(descriptor: int) -> None:
        target = os.readlink(f"/proc/self/fd/{descriptor}")
        if ".tmp" in target and "state-" in target:
            written.append(target)
            if len(written) > 2:
                raise OSError(number, os.strerror(number))
        real(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fsync)
        with pytest.raises(RunError, match="cannot write") as caught:
            fit(config_of(NOISE), run_dir=tmp_path / "run")
    assert caught.value.exit_code == 6
    assert newest_state(tmp_path / "run").epoch == 2
    assert not list((tmp_path / "run").rglob("*.tmp"))
    result = fit(config_of(NOISE), resume=tmp_path / "run")
    assert result.epochs == 4


def test_tensorboard_files_are_written_on_request(tmp_path: Path) -> None:
    fit(learnable(tmp_path, "training.tensorboard=true", "training.epochs=2"), run_dir=tmp_path / "run")
    assert list((tmp_path / "run" / "tensorboard").rglob("events.*"))


def test_no_link_in_the_folder_of_tensorboard_is_written_through(tmp_path: Path) -> None:
    class Replacing(Reporter):
        def run_started(self, run: str, first_epoch: int, num_epochs: int, num_steps: int) -> None:
            (Path(run) / "tensorboard" / "validation").symlink_to(tmp_path / "victim")

    (tmp_path / "victim").mkdir()
    config = learnable(tmp_path, "training.tensorboard=true", "training.epochs=2")
    with pytest.raises(RunError, match="validation is a link"):
        fit(config, run_dir=tmp_path / "run", reporter=Replacing())
    with pytest.raises(RunError, match="validation is a link"):  # as a run of a stranger would have one
        fit(config, resume=tmp_path / "run")
    (tmp_path / "run" / "tensorboard" / "validation").unlink()
    assert fit(config, resume=tmp_path / "run").epochs == 2
    assert not list((tmp_path / "victim").iterdir())
