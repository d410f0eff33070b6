"""What scaling each window by itself needs to know: which numbers are amounts, and how much the target varies within a window."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from dltrain.data.columns.scaling import STRAIGHT_SCALES
from dltrain.data.series.window_specs import WindowScale
from dltrain.data.tables.preprocessing import TablePreprocessing

LEAST = 0.1  # of the median deviation within the windows of the training part: what counts as no less
FLAT = 1e-4  # of the target's deviation: what may be rounding alone


def window_scale(table: TablePreprocessing, plain: Collection[str] = (), num_more: int = 0) -> WindowScale:
    """Which of the numbers of a row are amounts, and how a target's own column becomes the target.

    Args:
        table: the columns.
        plain: columns that stay as they are: those that are the same in each row of a window would be zero else.
        num_more: numbers behind those of the columns, which stay as they are too.

    Raises:
        ValueError: a target of numbers is not among the features as a number on a straight scale; with its name.
    """
    amounts: list[bool] = []
    to_target: dict[str, tuple[int, float, float]] = {}
    targets = {target.name: target for target in table.targets if target.task == "regression"}
    for column in table.features:
        if column.kind == "number":
            [number] = column.numbers
            is_straight = number.scale in STRAIGHT_SCALES and np.isfinite(number.spread)
            if column.name in targets and is_straight:
                target = targets[column.name]
                factor, offset = number.spread / target.scale, (number.center - target.mean) / target.scale
                to_target[column.name] = (len(amounts), factor, offset)
            amounts += [is_straight and column.name not in plain, *([False] * (len(number.columns) - 1))]
        else:
            amounts += [False] * len(column.columns)
    missing = [name for name in targets if name not in to_target]
    if missing:
        raise ValueError(missing[0])
    return WindowScale((*amounts, *([False] * num_more)), to_target)


def deviations(
    scale: WindowScale, features: NDArray[np.float32], starts: NDArray[np.int64], history: int, sampling: int = 1
) -> NDArray[np.float64]:
    """How much the targets vary within windows: the root of their mean variance, in the units of the stored targets, [windows].

    Args:
        scale: from `window_scale`.
        features: [rows, numbers].
        starts: where the windows begin.
        history: how many rows they have.
        sampling: from one of these to the next.
    """
    total = np.zeros(len(starts))
    for place, factor, _ in scale.to_target.values():
        values = features[:, place].astype(np.float64) * factor
        sums, squares = (_sums_before(each, sampling) for each in (values, values**2))
        mean, square = ((each[starts + history * sampling] - each[starts]) / history for each in (sums, squares))
        total += np.maximum(square - mean**2, 0.0)
    found: NDArray[np.float64] = np.sqrt(total / len(scale.to_target))
    return found


def _sums_before(values: NDArray[np.float64], sampling: int) -> NDArray[np.float64]:
    """For each row, and some behind the last one, the sum of the rows `sampling`, twice `sampling`, ... before it."""
    grid = np.zeros((-(-len(values) // sampling) + 1) * sampling)
    grid[sampling : sampling + len(values)] = values
    sums: NDArray[np.float64] = np.cumsum(grid.reshape(-1, sampling), axis=0).ravel()
    return sums


def least_spread(found: NDArray[np.float64]) -> float:
    """What counts as the least deviation of a window, by those of the training part: flat ones count where most are not."""
    usual = float(np.median(found)) if len(found) else 0.0
    if usual <= FLAT:
        usual = float(np.median(found[found > FLAT])) if (found > FLAT).any() else 1.0
    return LEAST * usual


def window_weights(found: NDArray[np.float64], least: float, power: int) -> NDArray[np.float32]:
    """The weight of each window's loss: errors count in units of the window's own deviation.

    Args:
        found: from `deviations`.
        least: no deviation counts as less.
        power: 2 for squared errors, 1 for the pinball loss.
    """
    weights: NDArray[np.float32] = (1.0 / np.maximum(found, least) ** power).astype(np.float32)
    return weights
