"""Values of a target as a loss takes them: indices of classes, or numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.data.columns.reading import Reading, is_number, is_text, to_numbers, unreadable
from dltrain.data.dataset import TargetSpec
from dltrain.data.raw import Locate
from dltrain.data.targets import CODE, EXACT, WHOLE, label_texts, no_number_fault, row_fault
from dltrain.errors import DataError, Fault, capped
from dltrain.later import polars
from dltrain.wording import counted, label_hint, quoted


def encode_target(
    series: polars.Series, spec: TargetSpec, reading: Reading, locate: Locate, *, drop: bool = False
) -> NDArray[Any]:
    """Class indices int32 [rows], or unscaled float64 [rows].

    Args:
        series: the mended column.
        spec: of the target.
        reading: how its numbers are written.
        locate: the place of a row.
        drop: whether rows without a value are let through, as -1 or NaN: `have_targets` tells which they are.

    Raises:
        DataError: a row without a value, with a label that training has not seen, or with no number; with its place.
    """
    empty = np.flatnonzero(series.is_null().to_numpy())
    if len(empty) and drop:
        nothing = np.nan if spec.task == "regression" else -1
        values = np.full(len(series), nothing, np.float64 if spec.task == "regression" else np.int32)
        if len(empty) < len(series):
            values[:] = encode_target(series.fill_null(series.drop_nulls()[0]), spec, reading, locate)
            values[empty] = nothing
        return values
    if len(empty):
        hint = "data.missing_target: drop leaves such rows out; "
        hint += 'if the word means a label, say data.missing: ["?"] (words that mean "no value")'
        raise DataError(
            capped([row_fault(locate, row, f"no value for the target {spec.name}", hint) for row in empty[:10]], len(empty))
        )
    if spec.task == "regression":
        numbers = to_numbers(series, reading)
        bad = unreadable(series, numbers)
        if len(bad):
            faults = [no_number_fault(locate, row, spec.name, series[int(row)]) for row in bad[:10]]
            raise DataError(capped(faults, len(bad)))
        if spec.is_log:
            _refuse_without_logarithm(spec, numbers, locate)
        return numbers
    return _encode_classes(series, spec, reading, locate)


def _refuse_without_logarithm(spec: TargetSpec, numbers: NDArray[np.float64], locate: Locate) -> None:
    bad = np.flatnonzero(numbers <= 0)
    if len(bad):
        faults = [spec.no_logarithm(float(numbers[row])) for row in bad[:10]]
        placed = [row_fault(locate, row, fault.message, fault.hint) for row, fault in zip(bad.tolist(), faults)]
        raise DataError(capped(placed, len(bad)))


def _encode_classes(series: polars.Series, spec: TargetSpec, reading: Reading, locate: Locate) -> NDArray[np.int32]:
    if not is_text(series) and series.dtype.is_integer() and not all(is_number(label) for label in spec.classes):
        # A named dataset: the column holds the codes of its classes.
        codes = series.to_numpy().astype(np.int32)
        bad = np.flatnonzero((codes < 0) | (codes >= len(spec.classes)))
        texts = series.cast(polars.String)
    else:
        by_value = all(is_number(label) for label in spec.classes) and not are_exact(spec.classes)
        numbers = to_numbers(series, reading) if by_value else None
        found = None if numbers is None else _number_codes(numbers, spec)
        if found is not None:
            return found
        texts = label_texts(series, numbers if numbers is not None and np.isfinite(numbers).all() else None)
        if not by_value and is_text(series) and are_exact(spec.classes):
            texts = texts.str.strip_prefix("+")
        order = {label: index for index, label in enumerate(spec.classes)}
        codes = texts.replace_strict(order, default=-1, return_dtype=polars.Int32).to_numpy()
        bad = np.flatnonzero(codes < 0)
    if len(bad):
        labels = polars.Series([texts[int(row)] for row in bad]).unique(maintain_order=True).to_list()
        faults = [_unknown_label(spec, label, texts, locate) for label in labels[:10]]
        raise DataError(capped(faults, len(labels)))
    return np.asarray(codes, np.int32)


def are_exact(labels: Sequence[str]) -> bool:
    """Whether labels are told apart digit by digit: codes with leading zeros, and whole numbers that no float64 tells apart."""
    if not all(re.fullmatch(WHOLE, label) for label in labels):
        return False
    return any(re.fullmatch(CODE, label) or abs(int(label)) >= EXACT for label in labels)


def _number_codes(numbers: NDArray[np.float64], spec: TargetSpec) -> NDArray[np.int32] | None:
    """Class indices of numbers; None where a number is no class."""
    labels = np.array([float(label) for label in spec.classes])
    if (np.diff(labels) <= 0).any():
        return None
    codes = np.minimum(np.searchsorted(labels, numbers), len(labels) - 1).astype(np.int32)
    return codes if np.array_equal(labels[codes], numbers) else None


def _unknown_label(spec: TargetSpec, label: str, texts: polars.Series, locate: Locate) -> Fault:
    rows = np.flatnonzero((texts == label).to_numpy())
    hint = label_hint(spec.name, label, spec.classes, "labels of training")
    message = f"the training part does not know the label {quoted(label)} of {spec.name} ({counted(len(rows), 'row')})"
    return row_fault(locate, int(rows[0]), message, hint)
