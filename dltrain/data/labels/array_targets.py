"""The targets of an array file: words and numbers for "no value", replaced values, labels in order."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.config.types import DataConfig, config_fault
from dltrain.data.columns.reading import USUAL_MISSING, Reading, holds, is_text, mend, to_numbers
from dltrain.errors import DataError, Note, warn
from dltrain.later import polars
from dltrain.wording import listed

NO_CODE = -1


def read_targets(
    values: NDArray[Any], inputs: NDArray[Any], name: str, config: DataConfig
) -> tuple[NDArray[Any], tuple[str, ...], list[Note]]:
    """Targets as numbers, NaN where there is no value, or as codes of labels, -1 where there is none.

    Args:
        values: numbers, booleans or text [rows].
        inputs: what they belong to, in which `missing` may stand for no gap: nothing fills it.
        name: of their array.
        config: `missing` and `replace` by value, where the array holds numbers.

    Returns:
        The targets, the labels in the order of their codes (empty: numbers), and sentences for the user.

    Raises:
        DataError: `replace` names something else, or an input is one of the numbers that mean "no value".
    """
    names = {name, *config.target, "target"}
    others = [column for column in config.replace if column not in names]
    if others:
        message = f"{others[0]} is not the array of the targets; the inputs of {config.source} have no columns"
        raise DataError(config_fault(config, f"data.replace.{others[0]}", message, f"replace: {{{name}: …}} mends targets"))
    words = {old: new for column in config.replace.values() for old, new in column.items()}
    missing = USUAL_MISSING if config.missing is None else tuple(config.missing)
    reading = Reading(missing, replace={name: words} if words else None)
    if values.dtype.kind == "S":
        values = np.char.decode(values, "utf-8", "replace")
    series = polars.Series(name, values.tolist() if values.dtype.kind == "U" else values)
    notes = [*_refuse_in_inputs(inputs, series, reading, config), *_unmet(series, words, reading)]
    if values.dtype.kind in "biuf" and not words and (missing == USUAL_MISSING or not holds(series, missing, reading).any()):
        return (values.astype(np.int32) if values.dtype.kind == "b" else values), (), notes
    mended = mend(series, reading)
    if not is_text(mended):
        return to_numbers(mended, reading), (), notes
    if values.dtype.kind != "U":  # numbers that were replaced are numbers still, where nothing else is
        numbers = to_numbers(mended, reading)
        if not np.isnan(numbers[mended.is_not_null().to_numpy()]).any():
            return numbers, (), notes
    labels = mended.drop_nulls().unique().sort().to_list()
    codes = {label: code for code, label in enumerate(labels)}
    return np.array([codes.get(label, NO_CODE) for label in mended.to_list()], np.int32), tuple(labels), notes


def have_values(target: NDArray[Any], classes: tuple[str, ...]) -> NDArray[np.bool_]:
    """Boolean [rows]: whether the row has a target."""
    if target.ndim == 3:  # masks, of which each pixel may have none
        return np.ones(len(target), bool)
    if target.ndim == 2:  # several labels
        return np.asarray((target != NO_CODE).all(axis=1))
    if classes:
        return np.asarray(target != NO_CODE)
    return ~np.isnan(target) if target.dtype.kind == "f" else np.ones(len(target), bool)


def _refuse_in_inputs(inputs: NDArray[Any], series: Any, reading: Reading, config: DataConfig) -> list[Note]:
    """A note of the words that neither a target nor an input is; an input may be none of them."""
    unmet = []
    asked = () if tuple(config.missing or ()) == USUAL_MISSING else config.missing or ()  # a stored run names the usual ones
    for word in asked:
        if not word or holds(series, (word,), reading).any():
            continue
        if inputs.dtype.kind not in "biuf":
            continue
        flat = inputs.reshape(len(inputs), -1)
        found = holds(polars.Series("x", flat.reshape(-1)), (word,), reading) if flat.size else polars.Series([], dtype=bool)
        if not found.any():
            unmet.append(repr(word))
            continue
        rows = np.flatnonzero(found.to_numpy().reshape(flat.shape).any(axis=1))
        message = f"row {rows[0] + 1:,}: an input is {word}, which means no value ({len(rows):,} such rows)"
        hint = "nothing fills gaps in arrays: mend or leave out those rows, or write a table (csv, parquet)"
        raise DataError(config_fault(config, "data.missing", message, hint))
    return [warn(f"data.missing: no value of the arrays is {listed(unmet, 8)}", "no_such_value")] if unmet else []


def _unmet(series: Any, words: dict[str, str], reading: Reading) -> list[Note]:
    unmet = [repr(word) for word in words if word and not holds(series, (word,), reading).any()]
    return [warn(f"data.replace: no target is {listed(unmet, 8)}", "no_such_value")] if unmet else []
