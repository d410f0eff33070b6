"""Tables of thousands of columns: their plain numbers are read all at once, because a call a column is what takes the time."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from dltrain.data.columns.reading import LEADING_ZERO, WITH_E, Reading, are_coded, is_text, word_numbers
from dltrain.later import polars

MANY_COLUMNS = 500
CELLS_AT_ONCE = 2_000_000
# Without such a cell a column of numbers holds neither telephone numbers nor versions.
PERHAPS_CODES = r"^\+\d|^\d{1,3}\.[1-9]0$"


def read_plain_numbers(frame: polars.DataFrame, reading: Reading, keep: Collection[str]) -> polars.DataFrame:
    """The frame with its text columns of nothing but finite numbers as Float64; those of other tables stay as they are.

    Args:
        frame: raw columns.
        reading: decimal and thousands signs, and words for "no value": where one of them is a number, nothing is done.
        keep: columns whose text counts, whatever it looks like.
    """
    usual = reading.decimal == "." and not reading.thousands and not word_numbers(reading.missing, reading)
    if frame.width < MANY_COLUMNS or not frame.height or not usual:
        return frame
    columns = [column for column in frame.get_columns() if column.name not in keep and is_text(column)]
    read: dict[str, polars.Series] = {}
    step = max(1, CELLS_AT_ONCE // frame.height)
    for start in range(0, len(columns), step):
        some = columns[start : start + step]
        text = polars.concat(some).alias("")
        numbers = text.cast(polars.Float64, strict=False).fill_null(float("nan")).to_numpy().reshape(len(some), -1)
        codes = text.str.contains(f"{LEADING_ZERO}|{WITH_E}").fill_null(False).to_numpy().reshape(len(some), -1).any(axis=1)
        perhaps = text.str.contains(PERHAPS_CODES).fill_null(False).to_numpy().reshape(len(some), -1).any(axis=1)
        for index in np.flatnonzero(np.isfinite(numbers).all(axis=1) & ~codes):
            if perhaps[index] and are_coded(some[index]):
                continue
            read[some[index].name] = polars.Series(some[index].name, numbers[index])
    return polars.DataFrame([read.get(column.name, column) for column in frame.get_columns()])
