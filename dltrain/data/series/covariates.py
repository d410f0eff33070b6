"""Columns of a series that are known ahead (`series.known`), and those that stay the same (`series.static`)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.config.types import DataConfig, config_fault
from dltrain.data.columns.column import FeatureColumn
from dltrain.data.columns.reading import Reading, mend, text_of
from dltrain.data.raw import Locate
from dltrain.data.series.groups import Groups, shown_names
from dltrain.data.series.timeline import take
from dltrain.data.tables.column_names import column_of
from dltrain.data.tables.fitting.rows import WHOLE
from dltrain.errors import DataError, Fault, capped
from dltrain.later import polars
from dltrain.wording import quoted


def places_of(features: Sequence[FeatureColumn], names: Collection[str]) -> NDArray[np.int64]:
    """Where among the numbers of a row those of some columns stand, in the order of the features."""
    owners = [column.name in names for column in features for _ in column.columns]
    return np.flatnonzero(owners).astype(np.int64)


def with_later(
    matrix: NDArray[np.float32], places: NDArray[np.int64], runs: NDArray[np.int64], horizon: int
) -> NDArray[np.float32]:
    """The numbers of each row, and behind them some of those of the row so many steps later.

    Where a history is as long as the horizon, the last rows of a window so hold what is known of each row that is foretold.

    Args:
        matrix: float32 [rows, numbers].
        places: of the numbers that are known ahead.
        runs: int64 [rows]: run of rows without a gap that each is of. 0 stands where the run ends before.
        horizon: how many rows later.
    """
    if not len(places):
        return matrix
    rows = np.arange(len(matrix))
    later = np.minimum(rows + horizon, len(matrix) - 1)
    there = (rows + horizon < len(matrix)) & (runs[later] == runs)
    return np.concatenate([matrix, np.where(there[:, None], matrix[later][:, places], np.float32(0))], axis=1)


def refuse_changing(
    frame: polars.DataFrame,
    columns: Sequence[str],
    groups: Groups,
    reading: Reading,
    locate: Locate,
    *,
    key: str = "data.series.static",
    hint: str = "leave it out of series.static: each row of a window then has its own value",
) -> None:
    """Refuse a column, such as those of `series.static`, that has two values within one series; a missing value is none.

    Raises:
        DataError: with two rows of each such column.
    """
    faults = []
    for name in columns:
        texts = text_of(mend(column_of(frame, name), reading)).str.replace(WHOLE, "$1").to_numpy()
        rows = np.flatnonzero([text is not None for text in texts.tolist()])
        first = first_of_series(groups.codes[rows])
        other = np.flatnonzero(texts[rows] != texts[rows[first]])
        if not len(other):
            continue
        row, before = int(rows[other[0]]), int(rows[first[other[0]]])
        changing = [groups.names[code] for code in np.unique(groups.codes[rows[other]])]
        (file, line), (_, line_before) = locate(row), locate(before)
        where = f"line {line_before:,}" if line_before else f"row {before + 1:,}"
        message = (
            f"{name} is {quoted(texts[row])} here and {quoted(texts[before])} in {where}, expected one value for each series: "
            f"it changes within {len(changing):,} of them ({shown_names(changing)})"
        )
        faults.append(Fault(message, path=key, file=file, line=line, hint=hint))
    if faults:
        raise DataError(capped(faults))


def first_of_series(codes: NDArray[np.int64]) -> NDArray[np.int64]:
    """The first of the rows of the series that each row is of, in any order of rows."""
    _, first, inverse = np.unique(codes, return_index=True, return_inverse=True)
    found: NDArray[np.int64] = first[inverse].astype(np.int64)
    return found


def one_value(values: Any, codes: NDArray[np.int64]) -> Any:
    """What a static column has in each row: the first value of its series that is not missing."""
    if isinstance(values, np.ndarray):
        known = np.flatnonzero(~np.isnan(values)) if values.dtype.kind == "f" else np.arange(len(values))
    else:
        known = np.flatnonzero(values.is_not_null().to_numpy())
    rows = np.arange(len(codes))
    if len(known):
        there, first = np.unique(codes[known], return_index=True)
        place = np.minimum(np.searchsorted(there, codes), len(there) - 1)
        rows = np.where(there[place] == codes, known[first[place]], rows)
    return take(values, rows)


def last_observed(targets: Mapping[str, NDArray[np.float64]], codes: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether each row, in the order of time, is not after the last one of its series that has a target: bool [rows]."""
    has = np.zeros(len(codes), bool)
    for values in targets.values():
        has |= np.isfinite(values)
    last = np.full(int(codes.max()) + 1 if len(codes) else 0, -1)
    np.maximum.at(last, codes[has], np.flatnonzero(has))
    return np.arange(len(codes)) <= last[codes]


def check_are_features(config: DataConfig, features: Sequence[FeatureColumn], left_out: Sequence[tuple[str, str]]) -> None:
    """Refuse a column of `series.known` or `series.static` that is not read, with the reason.

    Raises:
        DataError: there is one.
    """
    assert config.series is not None
    reasons, have = dict(left_out), {column.name for column in features}
    faults = [
        config_fault(
            config,
            f"data.series.{key}",
            f"{name} is no feature: {reasons.get(name, 'it is left out by data.features or data.drop, or has another role')}",
            f"data.features: {{{name}: category}} or {{{name}: number}} says what it is",
        )
        for key in ("known", "static")
        for name in getattr(config.series, key)
        if name not in have
    ]
    if faults:
        raise DataError(capped(faults))
