"""What `Model.fit` does outside its steps, all of it, and above all the averaged weights with which it ends."""

from __future__ import annotations

import ast
import inspect
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dltrain.evaluation.evaluate import evaluate
from dltrain.model.keras_import import import_keras
from dltrain.storage.run import Run
from dltrain.training.averaging import averaged_weights, finalize_weights
from dltrain.training.fit import FitResult, fit
from dltrain.training.stacked.structure import why_not_stacked
from tests.support import history_rows
from tests.training.support import NOISE, assert_same_bits, config_of, fit_with_interruptions, newest_state

AVERAGED = "training.optimizer={SGD: {learning_rate: 0.1, momentum: 0.5, use_ema: true, ema_momentum: 0.8}}"

# What `fit` of Keras calls -> who does it here. What is not here is a duty that nobody has taken over.
DUTIES = {
    "_assert_compile_called": "the model is always compiled",
    "max_epochs": "for debugging Keras alone",
    "warn": "for debugging Keras alone",
    "train_validation_split": "data.split",
    "unpack_x_y_sample_weight": "Tensors",
    "TFEpochIterator": "Segments: order and batches, with the weights of classes and rows",
    "_maybe_symbolic_build": "build_metrics",
    "reset": "Segments",
    "catch_stop_iteration": "Segments know their length",
    "range": "Trainer.train, which counts the epochs",
    "CallbackList": "EpochCallbacks",
    "isinstance": "",
    "dict": "",
    "items": "",
    "update": "",
    "getattr": "",
    "make_train_function": "CompiledLoop",
    "train_function": "CompiledLoop.run",
    "on_train_begin": "EpochCallbacks",
    "on_epoch_begin": "EpochCallbacks.epoch_begin, for TensorBoard",
    "on_train_batch_begin": "none: what asks for it (TensorBoard's update_freq, profile_batch) is refused by check",
    "on_train_batch_end": "none: as above; a loss that is not finite ends the run, as TerminateOnNaN would",
    "reset_metrics": "Trainer._run_epoch",
    "_get_metrics_result_or_logs": "Trainer._run_epoch",
    "_should_eval": "every epoch is validated",
    "evaluate": "Forward.evaluate",
    "on_epoch_end": "EpochCallbacks.epoch_end",
    "finalize_variable_values": "finalize_weights",
    "on_train_end": "EpochCallbacks.finish",
}


def test_d1_every_duty_of_keras_s_fit_has_somebody_who_does_it() -> None:
    import_keras()
    from keras.src.backend.tensorflow.trainer import TensorFlowTrainer

    source = textwrap.dedent(inspect.getsource(inspect.unwrap(TensorFlowTrainer.fit)))
    called = {
        node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call)
    }
    assert called == set(DUTIES)


def test_d1_no_other_part_of_an_optimizer_waits_for_the_end_of_training() -> None:
    """Of all optimizers of Keras only the base, and those that wrap others, have something to do at the end."""
    keras = import_keras()
    base = keras.optimizers.Optimizer.finalize_variable_values
    own = {
        name
        for name, found in vars(keras.optimizers).items()
        if inspect.isclass(found) and issubclass(found, keras.optimizers.Optimizer) and found.finalize_variable_values is not base
    }
    assert own <= {"LossScaleOptimizer", "MultiOptimizer"}


def weights_of(file: Path) -> list[np.ndarray[Any, Any]]:
    return [np.asarray(weight) for weight in import_keras().models.load_model(file, compile=False).get_weights()]


def averages_in(run: Path) -> list[np.ndarray[Any, Any]]:
    """The averages that the optimizer kept: the first slots after its two numbers (iterations, learning rate)."""
    state = newest_state(run)
    return [array for array in state.values.optimizer if array is not None and array.ndim][: len(state.values.model)]


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> FitResult:
    """A fit that ends with averaged weights, and chooses its best model by its own."""
    return fit(config_of(NOISE, AVERAGED), run_dir=tmp_path_factory.mktemp("plain") / "run")


def test_d1_the_last_model_has_the_averaged_weights_and_the_state_its_own(tmp_path: Path) -> None:
    """One step an epoch: the weights after each epoch are those of a file, and the average is m·average + (1 - m)·weight."""
    words = ["training.batch_size=100", "data.split={test: 0.2}", "training.checkpoint.filepath='w_{epoch:02d}.h5'"]
    result = fit(config_of(NOISE, AVERAGED, *words), run_dir=tmp_path / "run")
    assert result.weights == "last"
    files = sorted((tmp_path / "run" / "checkpoints").glob("w_*.h5"))
    assert len(files) == 4
    expected = weights_of(files[0])
    for file in files[1:]:
        expected = [0.8 * average + 0.2 * weight for average, weight in zip(expected, weights_of(file))]
    for weight, average in zip(weights_of(tmp_path / "run" / "checkpoints" / "last.h5"), expected, strict=True):
        np.testing.assert_allclose(weight, average, atol=1e-6)
    averages = averages_in(tmp_path / "run")
    for weight, average, own in zip(
        weights_of(tmp_path / "run" / "checkpoints" / "last.h5"),
        averages,
        newest_state(tmp_path / "run").values.model,
        strict=True,
    ):
        np.testing.assert_array_equal(weight, average)
        assert np.abs(weight - own).max() > 1e-4
    # What is judged is what is kept.
    again = evaluate(tmp_path / "run", part="test")
    assert again.metrics == pytest.approx(result.metrics["test"], abs=1e-6)


def test_d1_the_best_model_is_chosen_and_kept_by_the_average_where_asked(plain: FitResult, tmp_path: Path) -> None:
    asked = fit(config_of(NOISE, AVERAGED, "training.average=true"), run_dir=tmp_path / "asked")
    rows = {name: history_rows(Run(result.run).history_file) for result, name in ((plain, "plain"), (asked, "asked"))}
    for one, other in zip(rows["plain"], rows["asked"], strict=True):  # training goes the same way, to the bit
        assert one["loss"] == other["loss"]
        assert one["val_loss"] != other["val_loss"]
    for result, name in ((plain, "plain"), (asked, "asked")):
        best = min(row["val_loss"] for row in rows[name])
        assert result.metrics["validation"]["loss"] == pytest.approx(best, abs=1e-5)
    assert evaluate(asked.run, part="validation").metrics["loss"] == pytest.approx(best, abs=1e-5)
    for one, other in zip(newest_state(plain.run).values.model, newest_state(asked.run).values.model):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    "words",
    [
        pytest.param([], id="at the end"),
        pytest.param(
            ["training.average=true", "training.early_stopping={patience: 2, restore_best_weights: true}"],
            id="each epoch",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_d1_resumes_to_the_bit(words: list[str], plain: FitResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = config_of(NOISE, AVERAGED, *words)
    whole = fit(config, run_dir=tmp_path / "whole").run if words else plain.run
    fit_with_interruptions(config, tmp_path / "cut", monkeypatch, [9])
    assert_same_bits(whole, tmp_path / "cut")
    for name in ("best.h5", "last.h5"):
        files = [run / "checkpoints" / name for run in (whole, tmp_path / "cut")]
        for one, other in zip(*map(weights_of, files), strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.slow
def test_d1_more_epochs_go_on_from_the_weights_before_the_average(tmp_path: Path) -> None:
    fit(config_of(NOISE, AVERAGED, "training.epochs=2"), run_dir=tmp_path / "longer")
    fit(config_of(NOISE, AVERAGED), resume=tmp_path / "longer")
    fit(config_of(NOISE, AVERAGED), run_dir=tmp_path / "whole")
    assert_same_bits(tmp_path / "whole", tmp_path / "longer")


@pytest.mark.slow
def test_d1_the_next_phase_begins_with_the_average_as_a_second_fit_does(tmp_path: Path) -> None:
    phases = "training.phases=[{epochs: 2}, {epochs: 1, optimizer: {SGD: {learning_rate: 0.0}}}]"
    fit(config_of(NOISE, AVERAGED, phases, "data.split={test: 0.2}"), run_dir=tmp_path / "run")
    fit(config_of(NOISE, AVERAGED, "training.epochs=2", "data.split={test: 0.2}"), run_dir=tmp_path / "first")
    first = weights_of(tmp_path / "first" / "checkpoints" / "last.h5")
    for one, other in zip(weights_of(tmp_path / "run" / "checkpoints" / "last.h5"), first, strict=True):
        np.testing.assert_array_equal(one, other)


def test_d1_a_sweep_of_averaged_weights_is_not_stacked_and_says_so() -> None:
    assert why_not_stacked(config_of(NOISE, AVERAGED)) == "SGD with use_ema is not stacked"
    assert why_not_stacked(config_of(NOISE, "training.optimizer=sgd")) is None


def test_weights_come_back_to_the_bit_and_without_an_average_nothing_happens() -> None:
    keras = import_keras()
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2), keras.layers.BatchNormalization()])
    for use_ema in (True, False):
        model.compile(keras.optimizers.Adam(0.1, use_ema=use_ema), loss="mse")
        model.train_on_batch(np.ones((4, 3), "float32"), np.zeros((4, 2), "float32"))
        model.train_on_batch(np.eye(4, 3, dtype="float32"), np.ones((4, 2), "float32"))
        before = model.get_weights()
        with averaged_weights(model):
            changed = [bool(np.any(one != other)) for one, other in zip(model.get_weights(), before)]
        assert changed == [use_ema, use_ema, use_ema, use_ema, False, False]
        for one, other in zip(model.get_weights(), before, strict=True):
            np.testing.assert_array_equal(one, other)
        assert finalize_weights(model) is use_ema
        assert any(np.any(one != other) for one, other in zip(model.get_weights(), before)) is use_ema
