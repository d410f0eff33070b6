from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import numpy as np

from dltrain.evaluation.load_run import run_outputs
from dltrain.model.export.keras_file import KerasFile
from dltrain.model.keras_import import import_keras


def test_a_file_in_half_precision_answers_as_its_run(tmp_path: Path) -> None:
    keras: Any = import_keras(1)
    keras.utils.set_random_seed(0)
    given = keras.Input((30,), name="given")
    half = keras.layers.Dense(64, "relu", bias_initializer="random_normal", dtype="mixed_bfloat16")(given)
    output = keras.layers.Dense(1, activation="sigmoid", dtype="float32", name="output")(half)
    model = keras.Model({"given": given}, {"output": output})
    model.save(tmp_path / "half.keras")
    rows = np.random.default_rng(0).normal(size=(64, 30)).astype("float32")
    expected = run_outputs(keras.Model(given, output), [rows])
    found = KerasFile().answer(tmp_path / "half.keras", cast(Any, None), {"given": rows})
    np.testing.assert_allclose(found["output"], expected[0], atol=1e-6)
