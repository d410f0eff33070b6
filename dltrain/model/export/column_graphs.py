"""The preprocessing of each kind of column as a graph in an exported model, named as the kinds in `data/columns`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.config.catalog.date_formats import split_writing
from dltrain.data.columns.category import category_codes, ways_of_writing
from dltrain.data.columns.column import FeatureColumn, read_feature
from dltrain.data.columns.image import form_of
from dltrain.data.columns.reading import to_numbers
from dltrain.data.columns.scaling import STRETCHING, NumberTransform, lost_in_float32
from dltrain.data.columns.text import tokenizer_of
from dltrain.data.columns.tokens import ALL_ALPHABETS
from dltrain.data.columns.units import number_in_words
from dltrain.data.tables.column_names import marked
from dltrain.data.tables.preprocessing import TablePreprocessing
from dltrain.errors import Fault
from dltrain.later import polars
from dltrain.model.export.date_parts import date_parts
from dltrain.model.export.raw_input import RawInput, no_way, too_fine
from dltrain.model.export.resize import form_range, resize, to_bytes
from dltrain.model.export.text_graph import add_tokens, missing_texts, unreplaceable


@dataclass(frozen=True, slots=True)
class Build:
    """What is built.

    Attributes:
        keras: the module.
        preprocessing: of the run.
        with_text: free text is given as texts.
        any_size: pictures are of any size.
    """

    keras: Any
    preprocessing: TablePreprocessing
    with_text: bool = True
    any_size: bool = True


class KindGraph:
    """A kind of column in a graph; as it stands here, one of numbers.

    Attributes:
        meaning: of a raw value, for who calls the model.
        dtype: of raw values.
        takes_fill: what `add_columns` is told to put in the place of missing numbers is put there.
    """

    meaning = ""
    dtype = "float32"
    takes_fill = True

    def refuse(self, preprocessing: TablePreprocessing, column: FeatureColumn, *, with_text: bool) -> Fault | None:
        """Why a graph cannot read the column, or None."""
        return None

    def describe(self, preprocessing: TablePreprocessing, column: FeatureColumn) -> RawInput:
        """The input of the exported model."""
        return RawInput(column.name, column.name, self.dtype, (), self.meaning)

    def make(self, build: Build, column: FeatureColumn, item: RawInput, tensor: Any) -> Any:
        """The input of the model that holds this column alone, or its numbers that need no scaling; None: neither."""
        return None

    def numbers(self, build: Build, column: FeatureColumn, tensor: Any) -> list[tuple[NumberTransform, Any]]:
        """Each number that is to be scaled, with its float32 values [rows], NaN where there is none."""
        return []


class Number(KindGraph):
    """See `data/columns/number.py`."""

    def describe(self, preprocessing: TablePreprocessing, column: FeatureColumn) -> RawInput:
        """See `KindGraph.describe`; with the unit that the training's text had behind its numbers."""
        number = number_in_words((preprocessing.reading.units or {}).get(column.name, ""))
        return RawInput(column.name, column.name, self.dtype, (), f"{number}; NaN where there is none")

    def refuse(self, preprocessing: TablePreprocessing, column: FeatureColumn, *, with_text: bool) -> Fault | None:
        """Numbers that float32 does not tell apart."""
        number = column.numbers[0]
        if number.scale in STRETCHING and bool(lost_in_float32(np.array(number.center), np.array(number.spread))):
            return too_fine(f"the column {column.name}", number.center, number.spread, f"data.features.{column.name}")
        return None

    def numbers(self, build: Build, column: FeatureColumn, tensor: Any) -> list[tuple[NumberTransform, Any]]:
        """The number, with those that `data.replace` turns into others."""
        ops = build.keras.ops
        for old, new in _replaced_numbers(build.preprocessing, column):
            tensor = ops.where(ops.equal(tensor, np.float32(old)), np.float32(new), tensor)
        return [(column.numbers[0], tensor)]


class Boolean(KindGraph):
    """See `data/columns/boolean.py`."""

    meaning = "1 or 0; NaN where there is none"

    def numbers(self, build: Build, column: FeatureColumn, tensor: Any) -> list[tuple[NumberTransform, Any]]:
        """1 or 0; other numbers are none."""
        ops = build.keras.ops
        is_boolean = ops.logical_or(ops.equal(tensor, 0.0), ops.equal(tensor, 1.0))
        return [(column.numbers[0], ops.where(is_boolean, tensor, np.float32(np.nan)))]


class Date(KindGraph):
    """See `data/columns/date.py`."""

    meaning = "seconds since 1970-01-01 00:00:00 as the date is written, no time zones; the smallest int64 where there is none"
    dtype = "int64"
    takes_fill = False

    def describe(self, preprocessing: TablePreprocessing, column: FeatureColumn) -> RawInput:
        """See `KindGraph.describe`; with the zone whose clock is meant."""
        zone = split_writing(column.date_format)[1]
        by_clock = f"by the clock of {zone}" if zone is not None else "as the date is written, no time zones"
        meaning = self.meaning.replace("as the date is written, no time zones", by_clock)
        return RawInput(column.name, column.name, self.dtype, (), meaning)

    def numbers(self, build: Build, column: FeatureColumn, tensor: Any) -> list[tuple[NumberTransform, Any]]:
        """A number for each part."""
        found = []
        for part, transform in zip(column.date_parts, column.numbers, strict=True):
            start = 0
            if part == "day number":
                # Counted from about the middle of the training part: float32 holds no seconds of days since 1970.
                start = round(_middle(transform))
                transform = _moved(transform, start)
            found.append((transform, date_parts(build.keras.ops, tensor, part, start)))
        return found


class Category(KindGraph):
    """See `data/columns/category.py`."""

    meaning = 'text without blanks around it; "" where there is none'
    dtype = "string"

    def describe(self, preprocessing: TablePreprocessing, column: FeatureColumn) -> RawInput:
        """See `KindGraph.describe`; with the words that it knows."""
        known = _words(preprocessing, column)[0]
        return RawInput(column.name, column.name, self.dtype, (), self.meaning, words=known)

    def make(self, build: Build, column: FeatureColumn, item: RawInput, tensor: Any) -> Any:
        """Codes, or a 1 in the place of each row's category."""
        ops = build.keras.ops
        code = ops.take(_words(build.preprocessing, column)[1], tensor, axis=0)
        if column.is_embedded:
            return code
        return ops.one_hot(code, len(column.columns) + 1)[:, 1:] if column.columns else None


class Text(KindGraph):
    """See `data/columns/text.py`."""

    meaning = Category.meaning
    dtype = "string"

    def refuse(self, preprocessing: TablePreprocessing, column: FeatureColumn, *, with_text: bool) -> Fault | None:
        """What the layers of Keras cannot do to a text."""
        if unreplaceable(column, preprocessing.reading):
            return no_way(f"what data.replace does to the text of {column.name}", f"data.replace.{column.name}")
        if tokenizer_of(column).standardize.startswith(ALL_ALPHABETS):
            return no_way(f"text of {column.name} lowered in every alphabet", "data.text.standardize")
        if with_text and tokenizer_of(column).is_subword:
            fault = no_way(f"the pieces of words of {column.name}", "data.text.split")
            return replace(fault, hint=f"--format tflite takes the indices of the pieces; {fault.hint}")
        return None

    def describe(self, preprocessing: TablePreprocessing, column: FeatureColumn) -> RawInput:
        """See `KindGraph.describe`; with its tokens."""
        missing = missing_texts(column, preprocessing.reading)
        return RawInput(column.name, column.name, self.dtype, (), self.meaning, tokenizer=column.tokenizer, missing=missing)

    def make(self, build: Build, column: FeatureColumn, item: RawInput, tensor: Any) -> Any:
        """Token indices, int32 [rows, length]."""
        return add_tokens(build.keras, item, tensor) if build.with_text else tensor


class Image(KindGraph):
    """See `data/columns/image.py`."""

    def describe(self, preprocessing: TablePreprocessing, column: FeatureColumn) -> RawInput:
        """An input of pictures of any size."""
        form = form_of(column)
        height, width, channels = form.shape
        colors = "red, green, blue" if form.color else "one channel of grey"
        meaning = f"pixels {form_range(form)}, {colors}; any size: brought to {height}x{width} inside"
        return RawInput(column.name, column.name, self.dtype, (None, None, channels), meaning, fixed_shape=form.shape)

    def make(self, build: Build, column: FeatureColumn, item: RawInput, tensor: Any) -> Any:
        """Pixels of the run's size between 0 and 1."""
        ops, form = build.keras.ops, form_of(column)
        pixels = to_bytes(ops, tensor, form)
        sized = resize(ops, pixels, *form.size, form.interpolation or "bilinear", form.fit) if build.any_size else pixels
        return sized / np.float32(255.0)


GRAPHS: Mapping[str, KindGraph] = {
    "number": Number(),
    "boolean": Boolean(),
    "date": Date(),
    "category": Category(),
    "text": Text(),
    "image": Image(),
}


def _words(preprocessing: TablePreprocessing, column: FeatureColumn) -> tuple[tuple[str, ...], NDArray[np.int32]]:
    """The words that a category knows as they stand in raw text, and the code of each place: 0 (others), then the words'."""
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


def _replaced_numbers(preprocessing: TablePreprocessing, column: FeatureColumn) -> list[tuple[float, float]]:
    """Numbers that `replace` or a word for "no value" turns into others (NaN: missing)."""
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
