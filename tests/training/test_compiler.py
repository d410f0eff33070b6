"""Which models XLA compiles: decided from layers and steps alone."""

from __future__ import annotations

import pytest

from dltrain.model.keras_import import import_keras
from dltrain.training.compiler import decide_jit_compile


@pytest.mark.parametrize(
    ("layers", "steps", "expected", "words"),
    [
        ([("Dense", {"units": 2})], 12_000, True, "dense model"),
        ([("Dense", {"units": 2})], 11_999, False, "are over before"),
        ([("LSTM", {"units": 2}), ("Dense", {"units": 1})], 2_000, True, "recurrent model"),
        ([("LSTM", {"units": 2}), ("Dense", {"units": 1})], 1_999, False, "from 2,000 on"),
        ([("Masking", {}), ("GRU", {"units": 2})], 50_000, False, "behind a mask"),
        ([("Conv1D", {"filters": 2, "kernel_size": 2}), ("GRU", {"units": 2})], 50_000, False, "gains nothing for Conv1D"),
    ],
)
def test_decision(layers: list[tuple[str, dict[str, int]]], steps: int, expected: bool, words: str) -> None:
    keras = import_keras()
    shape = (5, 3) if layers[0][0] != "Dense" else (3,)
    model = keras.Sequential([keras.Input(shape), *(getattr(keras.layers, name)(**arguments) for name, arguments in layers)])
    found, reason = decide_jit_compile(None, model, steps)
    assert found is expected
    assert words in reason
    assert decide_jit_compile(not expected, model, steps)[0] is not expected
