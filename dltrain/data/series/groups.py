"""Several series in one table, told apart by `data.series.id`: which each row belongs to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dltrain.data.columns.reading import Reading, mend, text_of
from dltrain.data.raw import Locate
from dltrain.data.tables.column_names import column_of
from dltrain.data.tables.fitting.rows import WHOLE
from dltrain.errors import DataError, Note, warn
from dltrain.later import polars
from dltrain.wording import listed, quoted

MOST_NAMED = 3


@dataclass(frozen=True, slots=True)
class Groups:
    """Which series each row of a table belongs to.

    Attributes:
        codes: int64 [rows]: index into `names`.
        names: of each series, one text for each column of `data.series.id`, in the order of these texts.
    """

    codes: NDArray[np.int64]
    names: list[tuple[str, ...]]

    def take(self, rows: NDArray[np.int64]) -> Groups:
        """The groups of some of the rows."""
        return Groups(self.codes[rows], self.names)

    def labels(self, columns: Sequence[str], rows: NDArray[np.int64]) -> dict[str, list[str]]:
        """Column of the id, as predictions call it -> what it holds in some rows."""
        codes = self.codes[rows].tolist()
        return {label_of(name): [self.names[code][place] for code in codes] for place, name in enumerate(columns)}


def label_of(column: str) -> str:
    """What predictions call a column of the id: beside it stands the time, or the number of the row."""
    return f"id_{column}" if column in ("time", "row") else column


def one_series(num_rows: int) -> Groups:
    """Groups that put all rows into one series."""
    return Groups(np.zeros(num_rows, np.int64), [()])


def read_groups(frame: polars.DataFrame, columns: Sequence[str], reading: Reading, locate: Locate) -> Groups:
    """Which series each row of a table belongs to; 1 and 1.0 are one id.

    Raises:
        DataError: rows without an id, with the place of the first.
    """
    if not columns:
        return one_series(frame.height)
    # Called 0, 1, ...: the columns of a file may have any name.
    keys = [str(place) for place in range(len(columns))]
    texts = [
        text_of(mend(column_of(frame, name), reading)).str.replace(WHOLE, "$1").alias(key)
        for name, key in zip(columns, keys, strict=True)
    ]
    for name, text in zip(columns, texts, strict=True):
        empty = np.flatnonzero((text.is_null() | (text.str.strip_chars() == "")).to_numpy())
        if len(empty):
            file, line = locate(int(empty[0]))
            cell = column_of(frame, name)[int(empty[0])]
            held = "nothing" if cell is None else f"{quoted(cell)}, which is read as a missing value"
            message = f"the column {name}, which tells the series apart, holds {held} ({len(empty):,} such rows)"
            hint = "fill it in, leave these rows out, or say what is missing otherwise: `data.missing`"
            raise DataError(message, path="data.series.id", file=file, line=line, hint=hint)
    named = polars.DataFrame(texts)
    different = named.unique().sort(keys)
    codes = named.join(different.with_row_index("#"), on=keys, how="left", maintain_order="left")["#"]
    return Groups(codes.to_numpy().astype(np.int64), different.rows())


def unknown_note(groups: Groups, known: Sequence[tuple[str, ...]], columns: Sequence[str]) -> list[Note]:
    """A warning of series that the training part did not have; nothing where there are none."""
    there = set(known)
    new = [name for name in (groups.names[code] for code in np.unique(groups.codes)) if name not in there]
    if not new:
        return []
    said = f"{len(new):,} series ({', '.join(columns)}) were not in the training part: {shown_names(new)}"
    return [warn(said, "unknown_series")]


def silent_note(
    groups: Groups,
    codes: NDArray[np.int64],
    windows: Mapping[str, Sequence[str]],
    columns: Sequence[str],
    needed: str,
    way_out: str = "",
) -> list[Note]:
    """A warning of series that have rows and no window; nothing where there are none.

    Args:
        groups: the series.
        codes: of the rows.
        windows: column of the id, see `Groups.labels` -> what it holds in each window.
        columns: of the id.
        needed: what a window takes, in words.
        way_out: what would give them one, put behind.
    """
    seen = set(zip(*(windows[label_of(column)] for column in columns), strict=True))
    silent = [names for names in (groups.names[code] for code in np.unique(codes)) if names not in seen]
    verb = "has" if len(silent) == 1 else "have"
    said = f"{len(silent):,} series {verb} no window of {needed}: {shown_names(silent)}{way_out}"
    return [warn(said, "series_without_windows")] if silent else []


def shown_names(names: Sequence[tuple[str, ...]]) -> str:
    """Some series by their names."""
    return listed([" ".join(name) for name in names], MOST_NAMED)
