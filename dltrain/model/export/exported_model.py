"""Asks an exported model the way MLflow does. It is kept beside each model there, and needs TensorFlow alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

COLUMNS_FILE = "columns.json"  # beside the model: the name of each of its inputs -> the table's column


def _load_pyfunc(path: str) -> _Exported:
    """What MLflow calls."""
    return _Exported(path)


class _Exported:
    """A SavedModel that takes a table, or arrays by name."""

    def __init__(self, path: str) -> None:
        import tensorflow as tf

        self._tf = tf
        self._model = tf.saved_model.load(path)
        named = Path(path) / COLUMNS_FILE
        self._columns = json.loads(named.read_text(encoding="utf-8")) if named.is_file() else {}
        self._serve = self._model.signatures["serving_default"]

    def predict(self, rows: Any, params: Any = None) -> Any:
        """Rows, a pandas DataFrame or a mapping of arrays, to the same of answers."""
        del params
        _, specs = self._serve.structured_input_signature
        given = {name: self._tensor(rows[self._columns.get(name, name)], spec) for name, spec in specs.items()}
        found = {name: _texts(value.numpy()) for name, value in self._serve(**given).items()}
        if not hasattr(rows, "columns"):
            return found
        import pandas as pd

        flat = {}
        for name, values in found.items():
            flat[name] = (
                values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else list(values) if values.ndim > 1 else values
            )
        return pd.DataFrame(flat, index=rows.index)

    def _tensor(self, values: Any, spec: Any) -> Any:
        import numpy as np

        array = np.asarray(values)
        if spec.dtype == self._tf.string:
            array = np.array(["" if value is None or value != value else str(value) for value in array.ravel()], object).reshape(
                array.shape
            )
        else:
            array = array.astype(spec.dtype.as_numpy_dtype)
        while array.ndim < len(spec.shape):
            array = array[..., None]
        return self._tf.constant(array, dtype=spec.dtype)


def _texts(values: Any) -> Any:
    """An array of bytes, as TensorFlow gives text, as one of texts."""
    import numpy as np

    return (
        np.array([item.decode() for item in values.ravel()], object).reshape(values.shape) if values.dtype == object else values
    )
