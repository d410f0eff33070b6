"""Kills at every write, fsync and rename of a run, again and again: nothing is lost, torn, doubled or made worse.

The model here is a few numbers and the compiled loop a line of NumPy, so that hundreds of plans run in seconds; state,
history, checkpoints, callbacks and the trainer are the real ones. What a SIGKILL leaves is the directory as it was at that
moment, so that is what the next process is given.
"""

from __future__ import annotations

import io
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dltrain.config.types import CheckpointConfig, TrainingConfig
from dltrain.model.keras_import import import_keras
from dltrain.processes.signals import StopSignals
from dltrain.reporting import Reporter
from dltrain.storage.run import Run
from dltrain.training import trainer as train_module
from dltrain.training.callbacks import EpochCallbacks
from dltrain.training.history import History
from dltrain.training.loop import Tensors
from dltrain.training.pace import Pace
from dltrain.training.saving import checkpoints as checkpoints_module
from dltrain.training.saving.checkpoints import Checkpoints
from dltrain.training.saving.state import Values, capture_values, load_newest_state
from dltrain.training.segments import Segment
from dltrain.training.trainer import Trainer
from dltrain.training.workers.group import Alone
from tests.support import examples, history_rows

STEPS, EPOCHS = 3, 6
COLUMNS = ["loss", "val_loss", "learning_rate"]


class Killed(BaseException):
    """The process is gone."""


class Variable:
    def __init__(self, value: Any, path: str) -> None:
        self.value, self.path = np.array(value, "float32"), path

    @property
    def shape(self) -> tuple[int, ...]:
        return self.value.shape

    def numpy(self) -> Any:
        return self.value

    def assign(self, value: Any) -> None:
        self.value = np.array(value, "float32")


class Optimizer:
    def __init__(self) -> None:
        self.variables = [Variable(0.0, "iterations"), Variable(0.1, "learning_rate")]

    @property
    def learning_rate(self) -> Any:
        return self.variables[1].value

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        self.variables[1].assign(value)

    def finalize_variable_values(self, variables: Any) -> None:
        """It keeps no average of the weights."""


class Model:
    def __init__(self) -> None:
        self.variables = [Variable([1.0, -2.0, 0.0], "dense/kernel")]
        self.optimizer = Optimizer()
        self.metrics_variables = [Variable([0.0, 0.0], "loss")]
        self.trainable_variables = self.variables
        self.metrics: list[Any] = []
        self.stop_training = False

    def reset_metrics(self) -> None:
        self.metrics_variables[0].assign([0.0, 0.0])

    def get_metrics_result(self) -> dict[str, float]:
        total, count = self.metrics_variables[0].value
        return {"loss": float(total / max(count, 1))}

    def get_weights(self) -> list[Any]:
        return [self.variables[0].value.copy()]

    def set_weights(self, weights: list[Any]) -> None:
        self.variables[0].assign(weights[0])


class Events:
    """Counts what happens to the disk and in the loop, and ends the process at one of them."""

    def __init__(self, folder: Path, kill_at: int | None) -> None:
        self.folder, self.kill_at, self.count = folder, kill_at, 0
        self._lock = threading.RLock()  # a save goes on beside the training: what is killed is both, at one moment

    def happened(self) -> None:
        with self._lock:
            self.count += 1
            if self.count == self.kill_at:
                shutil.copytree(self.folder, self.folder.with_suffix(".killed"))
                raise Killed

    @contextmanager
    def watching(self) -> Iterator[None]:
        real_fsync, real_replace, real_unlink, real_append = os.fsync, os.replace, os.unlink, History.append

        def fsync(descriptor: int) -> None:
            if threading.current_thread().name != "history":
                self.happened()

        def replace(old: Any, new: Any, **folders: int) -> None:
            self.happened()
            with self._lock:
                real_replace(old, new, **folders)
            self.happened()

        def unlink(path: Any, *, dir_fd: int | None = None) -> None:
            os.stat(path, dir_fd=dir_fd, follow_symlinks=False)  # where there is nothing, nothing happens
            self.happened()
            with self._lock:
                real_unlink(path, dir_fd=dir_fd)

        def append(history: History, row: Any) -> None:
            self.happened()
            real_append(history, row)
            self.happened()

        assert real_fsync is not None
        with (
            mock.patch("os.fsync", fsync),
            mock.patch("os.replace", replace),
            mock.patch("os.unlink", unlink),
            mock.patch.object(History, "append", append),
        ):
            yield


class Loop:
    batch_size = 1
    group = Alone()

    def __init__(self, model: Model, events: Events) -> None:
        self.model, self.events = model, events

    def run(self, data: Any, order: Any, first: int, count: int) -> int:
        weights, iterations, metrics = self.model.variables[0], self.model.optimizer.variables[0], self.model.metrics_variables[0]
        for step in range(first, first + count):
            self.events.happened()
            rate = np.float32(self.model.optimizer.learning_rate)
            change = -rate * np.sin(weights.value * np.float32(3) + np.float32(order[step]))
            change[2] = 1.0
            weights.assign(weights.value + change)
            iterations.assign(iterations.value + 1)
            metrics.assign(metrics.value + np.array([abs(weights.value).sum(), 1], "float32"))
        return -1


class Data:
    num_rows = num_steps = STEPS

    def segments(self, epoch: int, first_step: int) -> Iterator[Segment]:
        order = np.random.default_rng([5, epoch]).normal(size=STEPS)
        if first_step < STEPS:
            yield Segment(Tensors((), (), None), order, first_step, STEPS - first_step)


class Validation:
    def __init__(self, model: Model) -> None:
        self.model = model

    def evaluate(self, *_: Any, merge: Any = None) -> tuple[dict[str, float], list[Any]]:
        return {"loss": loss_of(self.model.variables[0].value)}, []


def loss_of(weights: Any) -> float:
    """Falls with the steps that are done, with some ups and downs."""
    return float(5 / (1 + weights[2]) + 0.1 * np.cos(weights[:2] * 2).sum())


def value_in(path: Path) -> float:
    with np.load(io.BytesIO(path.read_bytes())) as file:
        return loss_of(file["weights"])


def prepare(file: Any, values: Values | None = None, **_: Any) -> Any:
    """A model's file with what is asked for in it."""
    buffer = io.BytesIO()
    np.savez(buffer, weights=(values or capture_values(file._model)).model[0])
    return lambda opened: opened.write(buffer.getvalue())


def stretch(folder: Path, kill_at: int | None, saves: tuple[bool, bool]) -> tuple[bool, int]:
    """One process: goes on with what is there. Returns whether it came to the end, and how much happened."""
    run = Run(folder)
    for part in (run.checkpoints, run.state):
        part.mkdir(parents=True, exist_ok=True)
    events, model = Events(folder, kill_at), Model()
    every_epoch, every_call = saves
    early = {"monitor": "val_loss", "patience": 3}
    plateau = {"monitor": "val_loss", "patience": 1, "factor": 0.5}
    config = CheckpointConfig(filepath="mine.h5", monitor="val_loss", mode="min", save_best_only=True)
    training = TrainingConfig(
        epochs=EPOCHS,
        early_stopping=early,
        reduce_lr_on_plateau=plateau,
        checkpoint=config,
        save_interval=0.0 if every_call else 1e9,
    )
    with (
        mock.patch.object(train_module, "EPOCH_SAVE_SECONDS", 0.0 if every_epoch else 1e9),
        mock.patch.object(train_module, "CALL_SECONDS", 0.0),
        mock.patch.object(checkpoints_module.ModelFile, "prepare", prepare),
    ):
        run.remove_temporary_files()
        state, notes = load_newest_state(run)
        assert notes == [], "a state file was not whole"
        callbacks = EpochCallbacks(model, training, COLUMNS, has_validation=True, folder=folder)
        kept = Checkpoints(run, model, config, monitor="val_loss", mode="min")
        history = None
        try:
            with events.watching():
                try:
                    history = History(run.history_file, state.memory["history"] if state else None)
                    trainer = Trainer(
                        model,
                        Data(),
                        (Tensors((), (), None), Validation(model)),  # type: ignore[arg-type]
                        Loop(model, events),  # type: ignore[arg-type]
                        Pace(training, callbacks, kept, history),
                        run=run,
                        reporter=Reporter(),
                    )
                    if state is not None:
                        trainer.restore(state)
                    trainer.train(StopSignals())
                finally:  # the thread and the open file of a process that is gone are gone as well
                    if history is not None:
                        history.close()
        except Killed:
            shutil.rmtree(folder)
            folder.with_suffix(".killed").rename(folder)
            return False, events.count
    return True, events.count


def outcome(folder: Path) -> dict[str, Any]:
    """All that must be the same after any interruptions."""
    run = Run(folder)
    state, _ = load_newest_state(run)
    assert state is not None
    arrays = [array.tolist() for array in (*state.values.model, *state.values.optimizer, *state.best.model)]  # type: ignore[union-attr]
    history = [{key: value for key, value in row.items() if key != "seconds"} for row in history_rows(run.history_file)]
    files = {path.name: path.read_bytes() for path in run.checkpoints.iterdir()}
    memory = {key: state.memory[key] for key in ("checkpoints", "callbacks")}
    return {"where": (state.epoch, state.step), "arrays": arrays, "history": history, "files": files, "memory": memory}


@pytest.fixture(scope="module", autouse=True)
def _keras() -> None:
    import_keras()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], int]:
    folder = tmp_path_factory.mktemp("whole") / "run"
    done, events = stretch(folder, None, (True, True))
    assert done
    return outcome(folder), events


SAVES = [(True, True), (True, False), (False, True), (False, False)]


@settings(
    max_examples=examples(15, 100),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(plan=st.lists(st.tuples(st.integers(1, 90), st.sampled_from(SAVES)), max_size=8), last=st.sampled_from(SAVES))
def test_any_plan_of_interruptions_ends_the_same(
    plan: list[tuple[int, tuple[bool, bool]]], last: tuple[bool, bool], whole: tuple[dict[str, Any], int], tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    shutil.rmtree(folder, ignore_errors=True)
    best: dict[str, float] = {}
    for kill_at, saves in plan:
        done, _ = stretch(folder, kill_at, saves)
        rows = history_rows(Run(folder).history_file)
        assert [row["epoch"] for row in rows] == list(range(1, len(rows) + 1))
        for path in Run(folder).checkpoints.glob("[bm]*.h5"):
            value = value_in(path)
            assert value <= best.get(path.name, value), f"{path.name} was replaced by a worse model"
            best[path.name] = value
        if done:
            break
    done, _ = stretch(folder, None, last)
    assert done
    assert outcome(folder) == whole[0]


@pytest.fixture
def each(pytestconfig: pytest.Config) -> int:
    """Every how manieth boundary is tried: each of them with --slow."""
    return 1 if pytestconfig.getoption("--slow") else 13


def test_a_better_file_survives_a_state_that_was_not_written(
    each: int, whole: tuple[dict[str, Any], int], tmp_path: Path
) -> None:
    """The last save writes the best model and is killed before the state: what is then repeated must not undo it."""
    start = tmp_path / "start"
    done, _ = stretch(start, 40, (True, False))
    assert not done
    shutil.copytree(start, tmp_path / "count")
    _, num_events = stretch(tmp_path / "count", None, (False, False))
    for kill_at in range(1, num_events + 1, each):
        folder = tmp_path / f"run{kill_at}"
        shutil.copytree(start, folder)
        stretch(folder, kill_at, (False, False))
        files = [path for path in Run(folder).checkpoints.glob("[bm]*.h5")]
        before = {path.name: value_in(path) for path in files}
        for later in range(5, num_events + 60, 4):
            done, _ = stretch(folder, later, (True, True))
            for name, value in before.items():
                assert value_in(Run(folder).checkpoints / name) <= value, f"{name} was replaced by a worse model"
            if done:
                break
        assert outcome(folder) == whole[0]


def test_a_kill_at_each_boundary_of_a_run(each: int, whole: tuple[dict[str, Any], int], tmp_path: Path) -> None:
    expected, num_events = whole
    assert num_events > 100
    for kill_at in range(1, num_events + 1, each):
        folder = tmp_path / f"run{kill_at}"
        done, _ = stretch(folder, kill_at, (True, True))
        assert not done
        done, _ = stretch(folder, None, (True, True))
        assert done
        assert outcome(folder) == expected, f"killed at boundary {kill_at}"
