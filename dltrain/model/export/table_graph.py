"""A table's preprocessing as a graph: raw columns to the model's numbers and indices, as `TablePreprocessing` makes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.config.catalog.date_formats import split_writing
from dltrain.data.columns.category import category_codes, ways_of_writing
from dltrain.data.columns.column import FeatureColumn, read_feature
from dltrain.data.columns.kinds import to_numbers
from dltrain.data.columns.scaling import STRETCHING, NumberTransform, lost_in_float32
from dltrain.data.columns.tokens import ALL_ALPHABETS
from dltrain.data.pictures.form import PictureForm
from dltrain.data.tables.column_names import marked
from dltrain.data.tables.input_groups import group_places
from dltrain.data.tables.preprocessing import FEATURES, TablePreprocessing, input_name
from dltrain.errors import UsageError
from dltrain.model.export.date_parts import date_parts
from dltrain.model.export.raw_input import RawInput, no_way, too_fine
from dltrain.model.export.resize import form_range, resize, to_bytes
from dltrain.model.export.scaling import clip_smoothly, standardize, to_quantiles
from dltrain.model.export.step_graph import add_steps
from dltrain.model.export.text_graph import add_tokens, missing_texts, unreplaceable

MEANINGS = {
    "number": "a number; NaN where there is none",
    "boolean": "1 or 0; NaN where there is none",
    "date": "seconds since 1970-01-01 00:00:00 as the date is written, no time zones; the smallest int64 where there is none",
    "category": 'text without blanks around it; "" where there is none',
    "text": 'text without blanks around it; "" where there is none',
}
DTYPES = {"number": "float32", "boolean": "float32", "date": "int64", "category": "string", "text": "string"}


def describe_columns(preprocessing: TablePreprocessing) -> tuple[RawInput, ...]:
    """One input for each column.

    Args:
        preprocessing: of the run.

    Raises:
        UsageError: columns of kinds that a graph of Keras's layers cannot read.
    """
    faults = []
    for column in preprocessing.features:
        path = f"data.features.{column.name}"
        if column.kind not in MEANINGS and column.form is None:
            faults.append(no_way(f"the column {column.name} of kind {column.kind}", path))
        elif column.kind == "number" and _is_lost(column.numbers[0]):
            number = column.numbers[0]
            faults.append(too_fine(f"the column {column.name}", number.center, number.spread, path))
        elif column.kind == "text" and unreplaceable(column, preprocessing.reading):
            faults.append(no_way(f"what data.replace does to the text of {column.name}", f"data.replace.{column.name}"))
        elif column.tokenizer is not None and column.tokenizer.standardize.startswith(ALL_ALPHABETS):
            faults.append(no_way(f"text of {column.name} lowered in every alphabet", "data.text.standardize"))
    if faults:
        raise UsageError(faults)
    return tuple(_describe(preprocessing, column) for column in preprocessing.features)


def _is_lost(number: NumberTransform) -> bool:
    return number.scale in STRETCHING and bool(lost_in_float32(np.array(number.center), np.array(number.spread)))


def _meaning(column: FeatureColumn) -> str:
    zone = split_writing(column.date_format)[1]
    meaning = MEANINGS[column.kind]
    return meaning if zone is None else meaning.replace("as the date is written, no time zones", f"by the clock of {zone}")


def _describe(preprocessing: TablePreprocessing, column: FeatureColumn) -> RawInput:
    if column.form is not None:
        return _picture(column.name, column.form)
    return RawInput(
        column.name,
        column.name,
        DTYPES[column.kind],
        (),
        _meaning(column),
        words=_words(preprocessing, column)[0],
        tokenizer=column.tokenizer,
        missing=missing_texts(column, preprocessing.reading) if column.kind == "text" else (),
    )


def _picture(column: str, form: PictureForm) -> RawInput:
    height, width, channels = form.shape
    colors = "red, green, blue" if form.color else "one channel of grey"
    meaning = f"pixels {form_range(form)}, {colors}; any size: brought to {height}x{width} inside"
    return RawInput(column, column, "float32", (None, None, channels), meaning, fixed_shape=form.shape)


def _words(preprocessing: TablePreprocessing, column: FeatureColumn) -> tuple[tuple[str, ...], NDArray[np.int32]]:
    """The words that a category knows as they stand in raw text, and the code of each place: 0 (others), then the words'."""
    if column.kind != "category":
        return (), np.zeros(1, np.int32)
    import polars

    reading = preprocessing.reading
    replaced = (reading.replace or {}).get(column.name, {})
    words = [*column.categories, *replaced, "", *reading.missing]
    candidates = list(dict.fromkeys([*words, *(way for word in words for way in ways_of_writing(word))]))
    series = polars.Series(marked(column.name), candidates, dtype=polars.String)
    values, _, _ = read_feature(series, column, reading)
    codes, _ = category_codes(column, values)
    # A column may know no word at all; the look-up needs one.
    known = [index for index in range(len(codes)) if codes[index]] or [candidates.index("")]
    return tuple(candidates[index] for index in known), np.concatenate([[0], codes[known]]).astype(np.int32)


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
    ops = keras.ops
    numbers: list[_Number] = []
    made: dict[str, Any] = {}
    pieces: list[Any] = []
    places: list[int] = []
    place = 0
    for column, item in zip(preprocessing.features, inputs, strict=True):
        tensor = tensors[item.column]
        if column.form is not None:
            kernel = column.form.interpolation or "bilinear"
            pixels = to_bytes(ops, tensor, column.form)
            sized = resize(ops, pixels, *column.form.size, kernel, column.form.fit) if any_size else pixels
            made[input_name(column)] = sized / np.float32(255.0)
        elif column.kind == "text":
            made[input_name(column)] = add_tokens(keras, item, tensor) if with_text else tensor
        elif column.kind == "category":
            code = ops.take(_words(preprocessing, column)[1], tensor, axis=0)
            if column.is_embedded:
                made[input_name(column)] = code
            elif column.columns:
                pieces.append(ops.one_hot(code, len(column.columns) + 1)[:, 1:])
                places += range(place, place + len(column.columns))
        else:
            for transform, values in _read(keras, preprocessing, column, tensor):
                filled = values if column.kind == "date" else fill(values)
                numbers.append(_Number(transform, values, filled, place))
                place += len(transform.columns)
            continue
        place += len(column.columns)
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


def _read(keras: Any, preprocessing: TablePreprocessing, column: FeatureColumn, tensor: Any) -> list[tuple[NumberTransform, Any]]:
    """Each number that a column makes, with its float32 values [rows]."""
    ops = keras.ops
    missing = np.float32(np.nan)
    if column.kind == "boolean":
        is_boolean = ops.logical_or(ops.equal(tensor, 0.0), ops.equal(tensor, 1.0))
        return [(column.numbers[0], ops.where(is_boolean, tensor, missing))]
    if column.kind == "date":
        found = []
        for part, transform in zip(column.date_parts, column.numbers, strict=True):
            start = 0
            if part == "day number":
                # Counted from about the middle of the training part: float32 holds no seconds of days since 1970.
                start = round(_middle(transform))
                transform = _moved(transform, start)
            found.append((transform, date_parts(ops, tensor, part, start)))
        return found
    for old, new in _replaced_numbers(preprocessing, column):
        tensor = ops.where(ops.equal(tensor, np.float32(old)), np.float32(new), tensor)
    return [(column.numbers[0], tensor)]


def _replaced_numbers(preprocessing: TablePreprocessing, column: FeatureColumn) -> list[tuple[float, float]]:
    """Numbers that `replace` or a word for "no value" turns into others (NaN: missing)."""
    import polars

    reading = preprocessing.reading
    replaced = list((reading.replace or {}).get(column.name, {}))
    words = replaced + list(reading.missing)
    series = polars.Series(marked(column.name), words, dtype=polars.String)
    before = to_numbers(series, reading)
    after, _, _ = read_feature(series, column, reading)
    pairs = [(old, new) for old, new in zip(before.tolist(), after.tolist(), strict=True) if np.isfinite(old) and old != new]
    return list(dict.fromkeys(pairs))


def _middle(transform: NumberTransform) -> float:
    if transform.scale == "quantile":
        return float(np.median(transform.quantiles))
    return transform.center if transform.center or not np.isfinite(transform.fill) else transform.fill


def _moved(transform: NumberTransform, by: int) -> NumberTransform:
    """The transform of values from which `by` was subtracted."""
    return replace(
        transform, fill=transform.fill - by, center=transform.center - by, quantiles=np.asarray(transform.quantiles) - by
    )


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
