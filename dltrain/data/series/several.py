"""Several series in one table (`store`, `date`, `sales`): noticed by times that repeat and a column that tells them apart."""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.data.columns.number_signs import CURRENCY
from dltrain.data.tables.column_names import column_of
from dltrain.errors import Note, warn
from dltrain.later import polars

# From this share of rows with the time of another on, they are no slip of the clock.
MANY_DOUBLES = 0.1
NAMES = re.compile(
    r"(?:.*[_\s.-])?(?:id|key|code|name|store|shop|item|product|sku|station|sensor|site|symbol|ticker|stock|country|region|state|city|"
    r"customer|user|patient|series|group|zone|machine|meter|device|turbine|location|family|dept|department)(?:[_\s.-].*)?",
    re.IGNORECASE,
)
# Parts of a time, which tell rows of one day apart that are of one series.
TIME_PARTS = {
    "time",
    "hour",
    "hours",
    "hr",
    "minute",
    "min",
    "second",
    "sec",
    "period",
    "quarter",
    "month",
    "week",
    "day",
    "year",
}
MOST_PAIRED = 8
FEWEST_ROWS, REGULAR = 10, 0.9  # of each series, and the share of its usual step, where each has times of its own
STILL_DOUBLED = 0.01


@dataclass(frozen=True, slots=True)
class Several:
    """Rows that have the time of another, and what tells them apart.

    Attributes:
        columns: that together name a series; empty where none do.
        count: how many series these name.
        doubled: how many rows have the time of a row before them.
        first, second: two rows of one time.
    """

    columns: tuple[str, ...]
    count: int
    doubled: int
    first: int
    second: int

    @property
    def has_usual_name(self) -> bool:
        """Whether the columns are called as those that name series usually are, such as `store`."""
        return bool(self.columns) and all(NAMES.fullmatch(name) for name in self.columns)

    @property
    def named(self) -> str:
        """`store`, or `store, item`."""
        return ", ".join(self.columns)


def find_several(frame: polars.DataFrame, times: NDArray[Any], left_out: Collection[str]) -> Several | None:
    """Whether times repeat, and the column or the two columns by which the rows of one time differ.

    A column names the series if no two rows of one of its values have the same time. Of several such columns one with a usual
    name is taken, and of these the one with the fewest values. Where few times repeat, as in the hour that comes twice each
    autumn, its name or blocks of rows must say so as well.

    Args:
        frame: the table.
        times: of each of its rows.
        left_out: columns that name no series: those of the time, and what is foretold.
    """
    order = np.argsort(times, kind="stable")
    doubled = np.flatnonzero(np.diff(times[order]) == 0)
    if not len(doubled):
        return None
    place = int(doubled[np.argmin(order[doubled + 1])])
    first, second = int(order[place]), int(order[place + 1])
    names = [name for name in frame.columns if name not in left_out and name.casefold() not in TIME_PARTS]
    keys = {name: codes for name in names if (codes := _codes(column_of(frame, name))) is not None}
    most = STILL_DOUBLED * len(doubled)
    many = len(doubled) > MANY_DOUBLES * len(times)

    def tells_apart(names: tuple[str, ...]) -> bool:
        pairs = polars.DataFrame({"time": times} | {str(index): keys[name] for index, name in enumerate(names)})
        return bool(len(times) - pairs.n_unique() <= most)

    def count_of(names: tuple[str, ...]) -> int:
        return int(polars.DataFrame({str(index): keys[name] for index, name in enumerate(names)}).n_unique())

    def rank(names: tuple[str, ...]) -> tuple[bool, int]:
        return not all(NAMES.fullmatch(name) for name in names), count_of(names)

    single: list[tuple[str, ...]] = [(name,) for name in keys if tells_apart((name,))]
    if not many:
        single = [names for names in single if NAMES.fullmatch(names[0]) or _in_blocks(keys[names[0]])]
    found = sorted(single, key=rank)
    if not found and many:
        few = sorted(keys, key=lambda name: rank((name,)))[:MOST_PAIRED]
        found = sorted((pair for pair in itertools.combinations(few, 2) if tells_apart(pair)), key=rank)
    columns = found[0] if found else ()
    return Several(columns, count_of(columns) if columns else 0, len(doubled), first, second)


def said_of_blocks(frame: polars.DataFrame, left_out: Collection[str]) -> list[Note]:
    """A warning where rows without a time look like series one behind the other: a column names each block of rows.

    Args:
        frame: the table.
        left_out: columns that name no series.
    """
    for name in frame.columns:
        if name in left_out or name.casefold() in TIME_PARTS:
            continue
        column = column_of(frame, name)
        codes = _codes(column) if NAMES.fullmatch(name) or not _holds_numbers(column) else None
        if codes is not None and _in_blocks(codes):
            count = len(np.unique(codes))
            said = f"{name} names {count:,} blocks of rows: where these are {count:,} series, windows go across them"
            return [
                warn(f"{said}; `series: {{id: {name}}}` learns them all in one model, no window across two", "blocks_of_rows")
            ]
    return []


def said_of_own_times(frame: polars.DataFrame, times: NDArray[Any], left_out: Collection[str]) -> list[Note]:
    """A warning where no time repeats, but each store or the like has a row as regularly as all rows together have not.

    Args:
        frame: the table.
        times: of each of its rows, all different.
        left_out: columns that name no series.
    """
    for name in frame.columns:
        codes = _codes(column_of(frame, name)) if name not in left_out and NAMES.fullmatch(name) else None
        if codes is None or np.unique(codes, return_counts=True)[1].min() < FEWEST_ROWS:
            continue
        order = np.lexsort((times, codes))
        own = np.diff(times[order])[np.diff(codes[order]) == 0]
        sizes, counts = np.unique(own, return_counts=True)
        every, shares = np.unique(np.diff(np.sort(times)), return_counts=True)
        if counts.max() >= REGULAR * len(own) and sizes[counts.argmax()] > every[shares.argmax()]:
            count = len(np.unique(codes))
            said = f"each {name} has rows at times of its own: where these are {count:,} series, windows go across them"
            return [warn(f"{said}; `series: {{id: {name}}}` learns them all in one model, no window across two", "own_times")]
    return []


def _holds_numbers(series: polars.Series) -> bool:
    """Whether the values are numbers, or text that reads so."""
    if series.dtype != polars.String:
        return bool(series.dtype.is_numeric())
    known = series.drop_nulls().head(1000)
    return not known.cast(polars.Float64, strict=False).has_nulls()


# A price, a share, or a number with a decimal comma.
_AMOUNT = rf"^[-+]?(?:{CURRENCY}) ?\d|\d ?(?:%|{CURRENCY})$|^[-+]?\d+,\d+$"


def _codes(series: polars.Series) -> NDArray[Any] | None:
    """A number for each different value; None for a column that can name no series: one value, all different, fractions."""
    dtype = series.dtype
    if dtype.is_temporal() or dtype.is_nested() or dtype == polars.Binary:
        return None
    if dtype.is_float():
        known = series.drop_nulls()
        if not (known.is_nan() | (known == known.floor())).all():
            return None
    elif dtype == polars.String:
        known = series.drop_nulls().head(1000)
        numbers = known.cast(polars.Float64, strict=False).drop_nulls()
        if (len(numbers) and not (numbers == numbers.floor()).all()) or known.str.contains(_AMOUNT).any():
            return None
    codes = (series.cast(polars.Int8) if dtype == polars.Boolean else series).rank("dense").fill_null(0).to_numpy()
    num_values = len(np.unique(codes))
    return codes if 2 <= num_values <= len(codes) // 2 else None


def _in_blocks(codes: NDArray[Any]) -> bool:
    """Whether the rows of each value stand together."""
    return int((np.diff(codes) != 0).sum()) == len(np.unique(codes)) - 1
