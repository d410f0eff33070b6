"""What is to be learned: which task a target makes, its labels in order, and values turned into what a loss takes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dltrain.data.dataset import TargetSpec
from dltrain.data.faults import capped, listed, nearest
from dltrain.data.kinds import Reading, is_number, is_text, text_of, to_numbers, unreadable
from dltrain.errors import DataError, Fault

if TYPE_CHECKING:
    import polars

FEW_VALUES = 2
# (row) -> (file, line): where a row of the table stands.
Locate = Callable[[int], tuple[str | None, int | None]]


def infer_target(series: polars.Series, reading: Reading, *, task: str | None, classes: Sequence[str]) -> TargetSpec:
    """Task and labels of a target column: text, booleans, or numbers of at most two values classify; other numbers regress.

    Args:
        series: the mended column.
        reading: how its numbers are written.
        task: what the config says, or None.
        classes: label names of a column of integer codes, or empty.

    Raises:
        DataError: no values, one value only, or not what `task` needs.
    """
    name = str(series.name)
    values = series.drop_nulls()
    if not len(values):
        raise DataError(Fault(f"the target {name} is empty in every row", path="data.target"))
    if classes:
        return TargetSpec(name, "classification", tuple(classes), reason=f"`{name}` holds {len(classes)} classes")
    if series.dtype.is_temporal():
        raise DataError(Fault(f"the target {name} holds dates", path="data.target", hint="a target is a class or a number"))
    numbers = to_numbers(values, reading) if str(series.dtype) != "Boolean" else np.full(len(values), np.nan)
    readable = np.isfinite(numbers)
    all_numbers = bool(readable.all()) or (task == "regression" and bool(readable.any()))
    what = _what(values, all_numbers)
    distinct = np.unique(numbers) if all_numbers and task != "regression" else numbers[:0]
    if task is None:
        different = len(distinct) if all_numbers else int(values.n_unique())
        task = "regression" if all_numbers and different > FEW_VALUES else "classification"
        reason = f"`{name}` holds {what} of {different:,} values" if task == "classification" else f"`{name}` holds {what}"
    else:
        reason = f"data.task says so; `{name}` holds {what}"
    if task == "regression":
        if not all_numbers:
            message = f"the target {name} holds {what} ({listed(values.unique(maintain_order=True).to_list(), 4)})"
            raise DataError(Fault(f"{message}: no numbers to regress on", path="data.task", hint="data.task: classification"))
        _refuse_constant(name, numbers[readable])
        return TargetSpec(name, task, reason=reason)
    labels = sort_labels(label_texts(values.head(0), distinct).to_list() if all_numbers else text_of(values).unique().to_list())
    if len(labels) < 2:
        raise DataError(
            Fault(
                f"the target {name} has one class only: {labels[0]}", path="data.target", hint="a class to tell it from is needed"
            )
        )
    return TargetSpec(name, task, tuple(labels), reason=reason)


def _what(values: polars.Series, all_numbers: bool) -> str:
    if str(values.dtype) == "Boolean":
        return "booleans"
    return "numbers" if all_numbers else "text"


def _refuse_constant(name: str, numbers: NDArray[np.float64]) -> None:
    if (numbers == numbers[0]).all():
        message = f"the target {name} is {numbers[0]:g} in every row"
        raise DataError(Fault(message, path="data.target", hint="a constant needs no model"))


def label_texts(values: polars.Series, numbers: NDArray[np.float64] | None) -> polars.Series:
    """Labels as text; numbers the same however they are written (`1`, `1.0`)."""
    import polars

    if numbers is not None:
        return text_of(polars.Series(values.name, numbers, nan_to_null=True))
    return text_of(values)


def sort_labels(labels: Sequence[str]) -> list[str]:
    """Numbers numerically, other text in text order."""
    try:
        return sorted(labels, key=float)
    except ValueError:
        return sorted(labels)


def encode_target(series: polars.Series, spec: TargetSpec, reading: Reading, locate: Locate) -> NDArray[Any]:
    """Class indices int32 [rows], or unscaled float64 [rows].

    Raises:
        DataError: a row without a value, with a label that training has not seen, or with no number; with its place.
    """
    empty = np.flatnonzero(series.is_null().to_numpy())
    if len(empty):
        hint = 'leave such rows out of the file; if the word means a label, say data.missing: ["?"] (words that mean "no value")'
        raise DataError(
            capped([_row_fault(locate, row, f"no value for the target {spec.name}", hint) for row in empty[:10]], len(empty))
        )
    if spec.task == "regression":
        numbers = to_numbers(series, reading)
        bad = unreadable(series, numbers)
        if len(bad):
            faults = [
                _row_fault(locate, row, f"the target {spec.name} is {series[int(row)]!r}, not a finite number")
                for row in bad[:10]
            ]
            raise DataError(capped(faults, len(bad)))
        return numbers
    return _encode_classes(series, spec, reading, locate)


def _encode_classes(series: polars.Series, spec: TargetSpec, reading: Reading, locate: Locate) -> NDArray[np.int32]:
    import polars

    if not is_text(series) and series.dtype.is_integer() and not all(is_number(label) for label in spec.classes):
        # A named dataset: the column holds the codes of its classes.
        codes = series.to_numpy().astype(np.int32)
        bad = np.flatnonzero((codes < 0) | (codes >= len(spec.classes)))
        texts = series.cast(polars.String)
    else:
        numbers = to_numbers(series, reading) if all(is_number(label) for label in spec.classes) else None
        found = None if numbers is None else _number_codes(numbers, spec)
        if found is not None:
            return found
        texts = label_texts(series, numbers if numbers is not None and np.isfinite(numbers).all() else None)
        order = {label: index for index, label in enumerate(spec.classes)}
        codes = texts.replace_strict(order, default=-1, return_dtype=polars.Int32).to_numpy()
        bad = np.flatnonzero(codes < 0)
    if len(bad):
        labels = polars.Series([texts[int(row)] for row in bad]).unique(maintain_order=True).to_list()
        faults = [_unknown_label(spec, label, texts, locate) for label in labels[:10]]
        raise DataError(capped(faults, len(labels)))
    return np.asarray(codes, np.int32)


def _number_codes(numbers: NDArray[np.float64], spec: TargetSpec) -> NDArray[np.int32] | None:
    """Class indices of numbers; None where a number is no class."""
    labels = np.array([float(label) for label in spec.classes])
    if (np.diff(labels) <= 0).any():
        return None
    codes = np.minimum(np.searchsorted(labels, numbers), len(labels) - 1).astype(np.int32)
    return codes if np.array_equal(labels[codes], numbers) else None


def _unknown_label(spec: TargetSpec, label: str, texts: polars.Series, locate: Locate) -> Fault:
    rows = np.flatnonzero((texts == label).to_numpy())
    close = nearest(label, spec.classes)
    hint = f"labels of training: {listed(spec.classes)}"
    if close:
        hint = f'if it means {close}, say data.replace: {{{spec.name}: {{"{label}": "{close}"}}}}; {hint}'
    count = f"{len(rows):,} {'row' if len(rows) == 1 else 'rows'}"
    message = f"the training part does not know the label {label!r} of {spec.name} ({count})"
    return _row_fault(locate, int(rows[0]), message, hint)


def _row_fault(locate: Locate, row: int, message: str, hint: str | None = None) -> Fault:
    file, line = locate(int(row))
    return Fault(message if line else f"row {int(row) + 1:,}: {message}", file=file, line=line, hint=hint)


def scale_target(spec: TargetSpec, values: NDArray[np.float64]) -> TargetSpec:
    """The spec with mean and deviation of the training rows."""
    deviation = float(values.std())
    return replace(spec, mean=float(values.mean()), scale=deviation if deviation > 0 else 1.0)


def count_labels(spec: TargetSpec, codes: NDArray[Any]) -> str:
    """`target income: 2 classes: <=50K 24,720 (75.9 %), >50K 7,841 (24.1 %)`."""
    counts = np.bincount(codes, minlength=len(spec.classes))
    parts = [
        f"{label} {count:,} ({100 * count / max(len(codes), 1):.1f} %)"
        for label, count in zip(spec.classes, counts.tolist(), strict=True)
    ]
    named = "target" if spec.name == "target" else f"target {spec.name}"
    return f"{named}: {len(spec.classes)} classes: {listed(parts, 12)}"
