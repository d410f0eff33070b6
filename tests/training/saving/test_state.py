"""What is kept of a moment stays what it was while training goes on, and comes back from the file as it was."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import hypothesis.extra.numpy as npst
import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from dltrain.errors import RunError
from dltrain.model.keras_import import import_keras
from dltrain.storage.new_run import create_run
from dltrain.training.saving.state import (
    TrainingState,
    Values,
    capture_metrics,
    capture_values,
    holding,
    load_newest_state,
    restore_values,
    save_state,
)

MEMORY = {"checkpoints": {}, "callbacks": {}, "history": [], "epoch_seconds": 0.0}


def trained_model(*, embedding: bool, jit_compile: bool) -> tuple[Any, Any]:
    """A compiled model whose every kind of variable changes in a step, and a function that makes one."""
    import tensorflow as tf

    keras = import_keras()
    layers = keras.layers
    inputs = keras.Input((3,), dtype="int32" if embedding else "float32")
    x = layers.Flatten()(layers.Embedding(5, 4)(inputs)) if embedding else layers.Dense(4)(inputs)
    outputs = layers.Dense(1)(layers.Dropout(0.5, seed=1)(layers.BatchNormalization()(x)))
    model = keras.Model(inputs, outputs)
    model.compile(keras.optimizers.Adam(0.1), "mse", metrics=["mae"], jit_compile=jit_compile)
    rng = np.random.default_rng(0)
    x_rows = rng.integers(0, 5, (8, 3)) if embedding else rng.normal(size=(8, 3)).astype("float32")
    y_rows = rng.normal(size=(8, 1)).astype("float32")
    model.train_on_batch(x_rows, y_rows)
    rows = tf.constant(x_rows), tf.constant(y_rows)

    @tf.function(jit_compile=jit_compile)
    def steps(count: Any) -> None:
        for _ in tf.range(count):
            model.train_step(rows)

    return model, lambda: steps(tf.constant(3))


def copy_of(values: Values) -> Values:
    return Values([np.array(a) for a in values.model], [np.array(a) for a in values.optimizer])


def assert_equal(found: Values, wanted: Values) -> None:
    for some, others in ((found.model, wanted.model), (found.optimizer, wanted.optimizer)):
        assert len(some) == len(others)
        for one, other in zip(some, others):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("embedding", "jit_compile"),
    [(False, False), *(pytest.param(*both, marks=pytest.mark.slow) for both in ((True, True), (True, False), (False, True)))],
)
def test_what_was_kept_does_not_change_with_the_model(embedding: bool, jit_compile: bool) -> None:
    model, step = trained_model(embedding=embedding, jit_compile=jit_compile)
    kept = []
    for _ in range(3):
        values = capture_values(model)
        metrics = capture_metrics(model)
        kept.append((values, copy_of(values), metrics, [np.array(array) for array in metrics]))
        step()
    assert any((a != b).any() for a, b in zip(kept[0][1].model, kept[1][1].model)), "the model was not trained"
    # One that is put back and trained on keeps its own values too.
    restore_values(model, kept[0][0])
    step()
    if not embedding:  # its updates come in an order that is not fixed
        assert_equal(capture_values(model), kept[1][1])
    with holding(model, kept[2][0]):
        step()
    for values, wanted, metrics, wanted_metrics in kept:
        assert_equal(values, wanted)
        for one, other in zip(metrics, wanted_metrics):
            np.testing.assert_array_equal(one, other)


def test_arrays_of_the_best_that_are_of_now_are_written_once(tmp_path: Path) -> None:
    model, step = trained_model(embedding=False, jit_compile=False)
    run = create_run("x", runs=tmp_path)
    best = capture_values(model)
    wanted = copy_of(best)
    slots = [array if not array.ndim else None for array in best.optimizer if array is not None]

    def saved(epoch: int) -> tuple[TrainingState, set[str]]:
        state = TrainingState(epoch, 0, capture_values(model), [], Values(best.model, slots), MEMORY)
        save_state(run, state)
        found, notes = load_newest_state(run)
        assert found is not None
        assert notes == []
        with np.load(run.state / f"state-{epoch:06d}-000000000.npz") as file:
            return found, {name for name in file.files if name.startswith("best_")}

    now, written = saved(1)
    assert written == set()
    assert_equal(now.values, wanted)
    step()
    later, written = saved(2)
    assert written  # the best one is no longer that of now
    for found in (now, later):
        assert found.best is not None
        for one, other in zip(found.best.model, wanted.model):
            np.testing.assert_array_equal(one, other)
        assert [array is None for array in found.best.optimizer] == [array is None for array in slots]
    restore_values(model, later.best)  # type: ignore[arg-type]
    for one, other in zip(capture_values(model).model, wanted.model):
        np.testing.assert_array_equal(one, other)


@given(
    npst.arrays(
        npst.boolean_dtypes() | npst.integer_dtypes(endianness="=") | npst.floating_dtypes(endianness="=", sizes=(16, 32, 64)),
        npst.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4),
    ),
    st.sampled_from(
        [lambda array: array, np.asfortranarray, np.transpose, lambda array: array[..., ::-1] if array.ndim else array]
    ),
)
def test_an_array_of_any_kind_and_order_comes_back(array: Any, ordered: Any) -> None:
    array = ordered(array)
    with tempfile.TemporaryDirectory() as folder:
        run = create_run("x", runs=Path(folder))
        save_state(run, TrainingState(1, 0, Values([array], []), [], None, MEMORY))
        state, notes = load_newest_state(run)
    assert state is not None
    assert notes == []
    (found,) = state.values.model
    assert found.dtype == array.dtype
    np.testing.assert_array_equal(found, array)


def test_values_of_another_model_are_refused() -> None:
    model, _ = trained_model(embedding=False, jit_compile=False)
    values = capture_values(model)
    with pytest.raises(RunError, match="not of this model"):
        restore_values(model, Values(values.model[1:], values.optimizer))
    with pytest.raises(RunError, match="not of this model"):
        restore_values(model, Values([np.zeros((9, 9)), *values.model[1:]], values.optimizer))
