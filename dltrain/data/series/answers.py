"""The targets of windows, which are the rows after them or their labels, and naive forecasts of these."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dltrain.config.types import SeriesConfig
from dltrain.data.dataset import Part, TargetSpec
from dltrain.data.series.labels import WHOLE_SERIES
from dltrain.data.series.timeline import SeriesValues, fill_forward, slopes_of
from dltrain.data.splits import blocks_in_order

LAST_VALUE, DRIFT = "last value", "drift"


def add_answers(
    part: Part, targets: Sequence[TargetSpec], series: SeriesConfig, values: SeriesValues, ends: NDArray[np.int64]
) -> None:
    """Give the windows of a part what they are to be answered with, and say which of them belong together.

    Args:
        part: gets targets, blocks, and of numbers what simple forecasts say.
        targets: of the schema.
        series: how the windows are made.
        values: all rows.
        ends: the last row of each window.
    """
    if targets[0].task == "classification":
        _add_labels(part, targets, series, values, ends)
        return
    part.blocks = blocks_in_order(part.num_rows, least_block(series))
    part.blocks_by = "blocks of time"
    seasonal = f"value {series.season} rows before"
    names = [LAST_VALUE, *([seasonal] if series.season else []), *([DRIFT] if series.history > 1 else [])]
    part.references = {name: {} for name in names}
    runs = values.timeline.runs
    unforeseen = np.zeros(len(ends), bool)
    for target in targets:
        column, ahead, scaled = values.targets[target.column], target.ahead, target.to_stored
        part.targets[target.name] = scaled(column[ends + ahead])
        last = fill_forward(column, values.timeline.groups.codes)[ends]
        last = np.where(np.isnan(last), target.to_own(0.0), last)
        part.references[LAST_VALUE][target.name] = scaled(last)
        if series.history > 1:
            drift = last + ahead * slopes_of(column, runs, series.span)[ends]
            if target.is_log:  # a line may go below what has a logarithm
                drift = np.where(drift > 0, drift, last)
            part.references[DRIFT][target.name] = scaled(drift)
        if series.season:
            found = _season_before(column, runs, ends, ahead, series.season)
            unforeseen |= np.isnan(found)
            part.references[seasonal][target.name] = scaled(np.where(np.isnan(found), last, found))
    part.num_unforeseen = {seasonal: int(unforeseen.sum())} if unforeseen.any() else {}


def least_block(series: SeriesConfig) -> int:
    """How many windows at least are drawn together, as those whose futures overlap are not independent."""
    return 2 * math.ceil(max(series.reach, 1) / series.stride)


def _season_before(
    column: NDArray[np.float64], runs: NDArray[np.int64], ends: NDArray[np.int64], ahead: int, season: int
) -> NDArray[np.float64]:
    """The last value so many whole seasons before the one to be foretold that the window knows; NaN where its run has none."""
    seasons = -(-ahead // season)
    before = ends + ahead - seasons * season
    there = (before >= 0) & (runs[np.maximum(before, 0)] == runs[ends])
    found: NDArray[np.float64] = np.where(there, column[np.maximum(before, 0)], np.nan)
    return found


def _add_labels(
    part: Part, targets: Sequence[TargetSpec], series: SeriesConfig, values: SeriesValues, ends: NDArray[np.int64]
) -> None:
    """Windows that share rows are not independent."""
    for target in targets:
        part.targets[target.name] = values.targets[target.name][ends + series.first_ahead].astype(np.int32)
    if series.label_of != WHOLE_SERIES:
        part.blocks = blocks_in_order(part.num_rows, 2 * math.ceil((series.span + series.reach) / series.stride))
        part.blocks_by = "blocks of time"
