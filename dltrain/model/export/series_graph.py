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
    """One input for each column: its values in the last rows, the oldest first; of one known ahead in those to come as well.

    A column that is the same in each series has one value.

    Raises:
        UsageError: as `describe_columns`.
    """
    series, step = preprocessing.series, preprocessing.step
    apart, history = replace(step, size=step.size * series.sampling).describe(), series.history
    described = []
    for column, item in zip(preprocessing.table.features, describe_columns(preprocessing.table), strict=True):
        if column.name in series.static:
            described.append(replace(item, meaning=f"{item.meaning}; one value for the series"))
            continue
        is_known = column.name in series.known
        ahead = f" and the next {series.reach}" if is_known else ""
        meaning = f"{item.meaning}; the last {history}{ahead} rows, {apart} apart, the oldest first"
        if preprocessing.last_known and column.kind in FILLED:
            meaning += "; the last known value among them stands for a missing one"
        length = history + series.reach if is_known else history
        described.append(replace(item, shape=(length,), meaning=meaning))
    return tuple(described)


def add_series(
    keras: Any, preprocessing: SeriesPreprocessing, inputs: Sequence[RawInput], tensors: Mapping[str, Any]
) -> dict[str, Any]:
    """The model's input by name: float32 [rows, history, numbers].

    Args:
        keras: the module.
        preprocessing: of the run.
        inputs: from `describe_series`.
        tensors: column → [rows, history], else as for `add_columns`; [rows, history + reach] of one known ahead, [rows] of one
            that is the same in each series.
    """
    ops, series = keras.ops, preprocessing.series
    length = series.history + (series.reach if series.known else 0)

    def fill(values: Any) -> Any:
        if not preprocessing.last_known:
            return values
        return ops.reshape(_fill_forward(ops, ops.reshape(values, (-1, length)), length), (-1,))

    def spread(column: str, tensor: Any) -> Any:
        if column in series.static:
            return ops.reshape(ops.repeat(ops.reshape(tensor, (-1, 1)), length, axis=1), (-1,))
        if series.known and column not in series.known:  # what is not known yet is looked at by nobody
            tensor = ops.concatenate([tensor, ops.repeat(tensor[:, -1:], series.reach, axis=1)], axis=1)
        return ops.reshape(tensor, (-1,))

    flat = {column: spread(column, tensor) for column, tensor in tensors.items()}
    made = add_columns(keras, preprocessing.table, inputs, flat, fill=fill)
    places = preprocessing.known_places.astype(np.int32)
    width = preprocessing.schema.inputs[0].shape[-1] - len(places)
    features = ops.reshape(made[FEATURES], (-1, length, width))
    if len(places):
        later = ops.take(features[:, series.reach :], places, axis=2)
        features = ops.concatenate([features[:, : series.history], later], axis=2)
    return {FEATURES: features}


def _fill_forward(ops: Any, values: Any, history: int) -> Any:
    """The last known value before in the place of a missing one; NaN before the first. By doubled steps: few operations."""
    reach = 1
    while reach < history:
        earlier = ops.concatenate([values[:, :reach] * np.float32(np.nan), values[:, :-reach]], axis=1)
        values = ops.where(ops.isnan(values), earlier, values)
        reach *= 2
    return values
