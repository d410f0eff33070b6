"""A series's preprocessing as a graph: the raw columns of the last rows to one window, as `SeriesPreprocessing` makes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from dltrain.data.series.preprocessing import SeriesPreprocessing
from dltrain.data.tables.preprocessing import FEATURES
from dltrain.model.export.raw_input import RawInput
from dltrain.model.export.table_graph import add_columns, describe_columns

FILLED = ("number", "boolean")


def describe_series(preprocessing: SeriesPreprocessing) -> tuple[RawInput, ...]:
    """One input for each column: its values in the last rows, the oldest first.

    Raises:
        UsageError: as `describe_columns`.
    """
    history, step = preprocessing.series.history, preprocessing.step.describe()
    described = []
    for column, item in zip(preprocessing.table.features, describe_columns(preprocessing.table), strict=True):
        meaning = f"{item.meaning}; the last {history} rows, {step} apart, the oldest first"
        if preprocessing.last_known and column.kind in FILLED:
            meaning += "; the last known value among them stands for a missing one"
        described.append(replace(item, shape=(history,), meaning=meaning))
    return tuple(described)


def add_series(
    keras: Any, preprocessing: SeriesPreprocessing, inputs: Sequence[RawInput], tensors: Mapping[str, Any]
) -> dict[str, Any]:
    """The model's input by name: float32 [rows, history, numbers].

    Args:
        keras: the module.
        preprocessing: of the run.
        inputs: from `describe_series`.
        tensors: column → [rows, history], else as for `add_columns`.
    """
    ops, history = keras.ops, preprocessing.series.history

    def fill(values: Any) -> Any:
        if not preprocessing.last_known:
            return values
        return ops.reshape(_fill_forward(ops, ops.reshape(values, (-1, history)), history), (-1,))

    flat = {column: ops.reshape(tensor, (-1,)) for column, tensor in tensors.items()}
    made = add_columns(keras, preprocessing.table, inputs, flat, fill=fill)
    width = preprocessing.schema.inputs[0].shape[-1]
    return {FEATURES: ops.reshape(made[FEATURES], (-1, history, width))}


def _fill_forward(ops: Any, values: Any, history: int) -> Any:
    """The last known value before in the place of a missing one; NaN before the first. By doubled steps: few operations."""
    reach = 1
    while reach < history:
        earlier = ops.concatenate([values[:, :reach] * np.float32(np.nan), values[:, :-reach]], axis=1)
        values = ops.where(ops.isnan(values), earlier, values)
        reach *= 2
    return values
