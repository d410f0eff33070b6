"""A table's preprocessing as a graph: raw columns to the model's numbers and indices, as `TablePreprocessing` makes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dltrain.data.columns.scaling import NumberTransform
from dltrain.data.tables.input_groups import group_places
from dltrain.data.tables.preprocessing import FEATURES, TablePreprocessing, input_name
from dltrain.errors import UsageError
from dltrain.model.export.column_graphs import GRAPHS, Build
from dltrain.model.export.raw_input import RawInput
from dltrain.model.export.scaling import clip_smoothly, standardize, to_quantiles
from dltrain.model.export.step_graph import add_steps


def describe_columns(preprocessing: TablePreprocessing, *, with_text: bool = True) -> tuple[RawInput, ...]:
    """One input for each column.

    Args:
        preprocessing: of the run.
        with_text: free text is given as texts.

    Raises:
        UsageError: columns of kinds that a graph of Keras's layers cannot read.
    """
    found = [(GRAPHS[column.kind], column) for column in preprocessing.features]
    faults = [fault for graph, column in found if (fault := graph.refuse(preprocessing, column, with_text=with_text)) is not None]
    if faults:
        raise UsageError(faults)
    return tuple(graph.describe(preprocessing, column) for graph, column in found)


@dataclass(slots=True)
class _Number:
    """One number of the model.

    Attributes:
        transform: of the number.
        tensor: float32 [rows], NaN where it is missing.
        filled: the same with what stands for some missing ones.
        place: among the features.
    """

    transform: NumberTransform
    tensor: Any
    filled: Any
    place: int


def add_columns(
    keras: Any,
    preprocessing: TablePreprocessing,
    inputs: Sequence[RawInput],
    tensors: Mapping[str, Any],
    *,
    with_text: bool = True,
    any_size: bool = True,
    fill: Callable[[Any], Any] = lambda values: values,
) -> dict[str, Any]:
    """The model's inputs by name.

    Args:
        keras: the module.
        preprocessing: of the run.
        inputs: from `describe_columns`.
        tensors: column → float32 or int64 [rows]; for words int32 [rows], the place among the input's words from 1; for free text
            texts [rows], or int32 [rows, length]; for pictures float32 [rows, height, width, channels].
        with_text: free text is given as texts.
        any_size: pictures are of any size.
        fill: puts other values in the place of missing numbers (NaN) before the preprocessing's own.
    """
    build = Build(keras, preprocessing, with_text=with_text, any_size=any_size)
    numbers: list[_Number] = []
    made: dict[str, Any] = {}
    pieces: list[Any] = []
    places: list[int] = []
    place = 0
    for column, item in zip(preprocessing.features, inputs, strict=True):
        graph, tensor = GRAPHS[column.kind], tensors[item.column]
        own = graph.make(build, column, item, tensor)
        if column.is_embedded:
            made[input_name(column)] = own
        elif own is not None:
            pieces.append(own)
            places += range(place, place + len(column.columns))
        start = place
        for transform, values in graph.numbers(build, column, tensor):
            numbers.append(_Number(transform, values, fill(values) if graph.takes_fill else values, start))
            start += len(transform.columns)
        place += len(column.columns)
    return _joined(build, made, numbers, pieces, places)


def _joined(
    build: Build, made: dict[str, Any], numbers: Sequence[_Number], pieces: list[Any], places: list[int]
) -> dict[str, Any]:
    """The inputs: those that columns make of their own, and the others' numbers side by side in their places.

    Args:
        build: what is built, and of which preprocessing.
        made: inputs by name.
        numbers: to be scaled.
        pieces: float32 [rows, count] of numbers that are ready.
        places: of the numbers of `pieces`, in their order.
    """
    keras, preprocessing, ops = build.keras, build.preprocessing, build.keras.ops
    if numbers:
        scaled, marks = _scale(keras, numbers)
        pieces += scaled
        places += [number.place for number in _in_order(numbers)]
        if marks is not None:
            pieces.append(marks)
            places += [number.place + 1 for number in _in_order(numbers) if number.transform.indicator]
    if pieces:
        features = pieces[0] if len(pieces) == 1 else ops.concatenate(pieces, axis=1)
        order = np.argsort(places).astype(np.int32)
        features = features if (np.diff(order) == 1).all() else ops.take(features, order, axis=1)
        if preprocessing.groups:
            return _in_groups(ops, preprocessing, made, features)
        made[FEATURES] = add_steps(keras, preprocessing.steps, features)
    return _in_groups(ops, preprocessing, made, None) if preprocessing.groups else made


def _in_groups(ops: Any, preprocessing: TablePreprocessing, made: Mapping[str, Any], features: Any) -> dict[str, Any]:
    """The inputs as the config names them."""
    keys = {column.name: input_name(column) for column in preprocessing.features}
    places = group_places(preprocessing.groups, preprocessing.features)
    return {
        name: made[keys[found]] if isinstance(found, str) else ops.take(features, found.astype(np.int32), axis=1)
        for name, found in places.items()
    }


def _in_order(numbers: Sequence[_Number]) -> list[_Number]:
    """The numbers as `_scale` puts them: those with a straight scale, then those by quantiles."""
    return sorted(numbers, key=lambda number: number.transform.scale == "quantile")


def _scale(keras: Any, numbers: Sequence[_Number]) -> tuple[list[Any], Any]:
    """Scaled numbers, float32 [rows, count] in pieces, and the marks of missing ones, float32 [rows, count] or None."""
    ops = keras.ops
    ordered = _in_order(numbers)
    straight = [number.transform for number in ordered if number.transform.scale != "quantile"]
    scaled = []
    if straight:
        center = np.array([transform.center for transform in straight])
        spread = np.array([transform.spread for transform in straight])
        values = ops.stack([number.filled for number in ordered[: len(straight)]], axis=1)
        standard = standardize(values, center, spread)
        clipped = np.array([transform.scale == "smooth_clip" for transform in straight])
        if clipped.any():
            smooth = clip_smoothly(ops, standard)
            standard = smooth if clipped.all() else ops.where(clipped, smooth, standard)
        filled = np.array([transform.transform(np.array([transform.fill]))[0] for transform in straight], np.float32)
        # The converter to ONNX leaves NaN out of a choice only where the question itself is whether there is one.
        scaled.append(ops.where(ops.isnan(values), filled, standard))
    for number in ordered[len(straight) :]:
        fill_value = np.float32(number.transform.transform(np.array([number.transform.fill]))[0])
        shares = to_quantiles(ops, number.filled, number.transform.quantiles)
        scaled.append(ops.expand_dims(ops.where(ops.isnan(number.filled), fill_value, shares), 1))
    marked = [index for index, number in enumerate(ordered) if number.transform.indicator]
    if not marked:
        return scaled, None
    marks = ops.isnan(ops.stack([ordered[index].tensor for index in marked], axis=1))
    return scaled, ops.cast(marks, "float32")
