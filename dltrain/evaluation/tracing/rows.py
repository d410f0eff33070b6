"""Rows for a trace: numbers from the command line, values through a run's preprocessing, or rows of the data."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.data.arrays.disk_array import Array, in_memory
from dltrain.data.dataset import Dataset, Part, Schema, TargetSpec
from dltrain.data.pictures.preprocessing import PicturePreprocessing
from dltrain.data.preprocessing import Preprocessing
from dltrain.data.raw import RawPictures, RawTable
from dltrain.data.tables.preprocessing import TablePreprocessing
from dltrain.errors import Note, UsageError, warnings_of
from dltrain.later import polars
from dltrain.reporting import Reporter, warn_each
from dltrain.wording import counted, quoted

MOST_ROWS = 10_000


def rows_of_data(dataset: Dataset, rows: Sequence[int]) -> tuple[Part, list[str]]:
    """Rows of a dataset by their number in the source, each from the part that it went to.

    Raises:
        UsageError: there is no such row, or the rows are on disk, where they are not counted.
    """
    if len(rows) > MOST_ROWS:
        raise UsageError(f"{len(rows):,} rows are too many to follow", hint=f"at most {MOST_ROWS:,}")
    places: dict[int, tuple[str, int]] = {}
    total = 0
    for name, part in dataset.parts.items():
        if part.row_file is not None:
            raise UsageError("the data does not fit in memory, where its rows could be counted", hint="give one with --input")
        found = np.isin(part.row_ids, np.asarray(rows, np.int64))
        places |= {int(part.row_ids[index]): (name, int(index)) for index in np.flatnonzero(found)}
        total += part.num_rows
    missing = [row for row in rows if row not in places]
    if missing:
        last = max((int(part.row_ids.max()) for part in dataset.parts.values() if part.num_rows), default=0)
        raise UsageError(
            f"there is no row {missing[0]} in the data", hint=f"its {total:,} rows are counted from 0, the last is {last}"
        )
    parts = [_one(dataset.parts[places[row][0]], places[row][1]) for row in rows]
    names = [f"row {row} of the data ({places[row][0]})" for row in rows]
    joined = parts[0]
    if len(parts) > 1:
        joined = Part(
            {name: np.concatenate([part.inputs[name] for part in parts]) for name in joined.inputs},
            {name: np.concatenate([part.targets[name] for part in parts]) for name in joined.targets},
            None,
            np.concatenate([part.row_ids for part in parts]),
        )
    return joined, names


def _one(part: Part, index: int) -> Part:
    rows = slice(index, index + 1)
    return Part(
        {name: in_memory(array)[rows] for name, array in part.inputs.items()},
        {name: array[rows] for name, array in part.targets.items()},
        None,
        part.row_ids[rows],
    )


def parse_inputs(
    schema: Schema, preprocessing: Preprocessing | None, inputs: Sequence[str], targets: Sequence[str], reporter: Reporter
) -> Part:
    """Rows written as text.

    Args:
        schema: inputs and targets of the net.
        preprocessing: through which the values go; None: they are the net's own inputs.
        inputs: a row each, values between commas.
        targets: a target for each; may be empty.
        reporter: hears of values that were not seen in training.

    Raises:
        UsageError: not as many values as the net takes, or values that are no numbers where numbers are needed.
        DataError: values that the preprocessing cannot read.
    """
    fields = [next(csv.reader([text], skipinitialspace=True), []) for text in inputs]
    fields = [[word.strip() for word in row] for row in fields]
    if preprocessing is None:
        return _own_numbers(schema, fields, targets)
    if isinstance(preprocessing, TablePreprocessing):
        return _table(preprocessing, fields, targets, reporter)
    if not isinstance(preprocessing, PicturePreprocessing):
        message = f"data of the kind {preprocessing.kind} cannot be written as numbers on a command line"
        raise UsageError(message, hint="take a row of the data with --row")
    return _array(schema, preprocessing, fields, targets)


def _own_numbers(schema: Schema, fields: list[list[str]], targets: Sequence[str]) -> Part:
    sizes = [math.prod(spec.shape) for spec in schema.inputs]
    total = sum(sizes)
    numbers = np.array([_numbers(row, total, "input", "--input") for row in fields], np.float64)
    arrays: dict[str, Array] = {}
    start = 0
    for spec, size in zip(schema.inputs, sizes):
        arrays[spec.name] = numbers[:, start : start + size].reshape(len(numbers), *spec.shape)
        start += size
    return Part(arrays, _own_targets(schema, targets), None, np.arange(len(fields)))


def _own_targets(schema: Schema, targets: Sequence[str]) -> dict[str, NDArray[Any]]:
    if not targets:
        return {}
    if not schema.targets:
        raise UsageError("the net's output is no row of numbers, so that no target fits it", hint="leave --target out")
    first = schema.targets[0]
    if first.task == "classification":
        return {first.name: np.array([_class(first, text) for text in targets], np.int32)}
    rows = [next(csv.reader([text], skipinitialspace=True), []) for text in targets]
    numbers = np.array([_numbers([word.strip() for word in row], len(schema.targets), "target", "--target") for row in rows])
    return {spec.name: numbers[:, index] for index, spec in enumerate(schema.targets)}


def _class(spec: TargetSpec, text: str) -> int:
    """A class by its name, or as one number for each class of which the largest is its own."""
    label = text.strip()
    if label in spec.classes:
        return spec.classes.index(label)
    words = label.split(",")
    if len(words) == len(spec.classes):
        return int(np.argmax(_numbers(words, len(words), "target", "--target")))
    try:
        if str(int(float(label))) in spec.classes and float(label) == int(float(label)):
            return spec.classes.index(str(int(float(label))))
    except ValueError:
        pass
    raise UsageError(f"no class is called {quoted(label)}", hint=f"the classes are {', '.join(spec.classes[:20])}")


def _numbers(words: list[str], count: int, what: str, option: str) -> list[float]:
    if len(words) != count:
        found = counted(len(words), "value")
        hint = f"such as {option} '{', '.join(['1', '2', '3', '4'][: min(count, 4)])}{', …' if count > 4 else ''}'"
        raise UsageError(f"the net takes {what}s of {counted(count, 'number')}, found {found}", hint=hint)
    numbers = []
    for word in words:
        try:
            number = float(word)
        except ValueError:
            raise UsageError(f"expected numbers in {option}, found {quoted(word)}", hint=f"such as {option} '1, 2'") from None
        if not math.isfinite(number):
            raise UsageError(f"expected finite numbers in {option}, found {quoted(word)}")
        numbers.append(number)
    return numbers


def _table(preprocessing: TablePreprocessing, fields: list[list[str]], targets: Sequence[str], reporter: Reporter) -> Part:
    """Raw values of the table's columns, in the order in which the net learnt them."""
    columns = [column.name for column in preprocessing.features]
    for row in fields:
        if len(row) != len(columns):
            shown = ", ".join(columns[:12]) + (", …" if len(columns) > 12 else "")
            raise UsageError(
                f"the data has {counted(len(columns), 'column')} to learn from, found {counted(len(row), 'value')}",
                hint=f"in order: {shown}",
            )
    table: dict[str, list[str | None]] = {name: [row[index] or None for row in fields] for index, name in enumerate(columns)}
    with_targets = bool(targets) and all(not spec.is_reconstruction for spec in preprocessing.schema.targets)
    if with_targets:
        names = [spec.name for spec in preprocessing.schema.targets]
        flags = next((spec for spec in preprocessing.schema.targets if spec.columns), None)
        if flags is not None:  # several labels: a column of 0 and 1 for each
            said = [[word.strip() for word in text.split(flags.separator)] for text in targets]
            table |= {column: ["1" if column in words else "0" for words in said] for column in flags.columns}
        for text in targets if flags is None else ():
            words = [text.strip()] if len(names) == 1 else [word.strip() for word in text.split(",")]
            if len(words) != len(names):
                raise UsageError(f"expected a value for each of the targets {', '.join(names)}, found {quoted(text)}")
            for name, word in zip(names, words):
                table.setdefault(name, []).append(word)
    frame = polars.DataFrame(table, schema=dict.fromkeys(table, polars.String))
    if not preprocessing.weight:
        raw = RawTable(frame, origin=((0, "--input", 0),))
    else:
        raw = RawTable(frame.with_columns(polars.lit("1").alias(preprocessing.weight)), origin=((0, "--input", 0),))
    notes: list[Note] = []
    part = replace(preprocessing, identifiers=()).transform(raw, with_targets=with_targets, notes=notes)
    warn_each(reporter, warnings_of(notes))
    return part


def _array(schema: Schema, preprocessing: PicturePreprocessing, fields: list[list[str]], targets: Sequence[str]) -> Part:
    """Raw pixels, row by row of the picture."""
    shape = schema.inputs[0].shape
    numbers = np.array([_numbers(row, math.prod(shape), "input", "--input") for row in fields], np.float32)
    spec = schema.targets[0]
    values: NDArray[Any] | None = None
    if targets and spec.task == "classification":
        values = np.array([_class(spec, text) for text in targets], np.int64)
    elif targets and spec.task == "regression":
        values = np.array([_numbers([text], 1, "target", "--target")[0] for text in targets])
    raw = RawPictures(numbers.reshape(len(fields), *shape), values, spec.classes)
    return preprocessing.transform(raw, with_targets=values is not None)
