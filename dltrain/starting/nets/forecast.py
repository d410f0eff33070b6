"""The network that foretells a series of not many rows: a simple forecast, and a line that learns what it is off by."""

from __future__ import annotations

from typing import Any

import numpy as np

from dltrain.data.fitted import Fitted

# Of more rows than that, of all series, a recurrent layer tells more.
MOST_ROWS = 2_000
# So far back where there is no season: of few rows each further number is one more to learn.
ROWS_BACK = 6
SEASONAL = (
    "begins as the forecast by the value a season before, and learns how the next rows differ from it: hard to beat with few rows"
)
STEADY = "begins as the forecast by the last value, and learns how the next rows differ from it: hard to beat with few rows"
LEVEL = "begins as the forecast by the window's mean, and learns how the next rows differ from it: hard to beat with few rows"


def net_of(fitted: Fitted, target: str) -> tuple[list[Any], str]:
    """The layers over the windows of a series, and why these.

    The network begins as the simple forecast that is less off in the training part: the value a season before, the last one
    where there is no season, or the mean of the window.

    Args:
        fitted: the windows, of a `SeriesPreprocessing` that scales each by itself.
        target: the column that is foretold.
    """
    preprocessing: Any = fitted.preprocessing
    series, schema, part = preprocessing.series, preprocessing.schema, fitted.parts["train"]
    [spec] = schema.inputs
    place, factor, offset = spec.window_scale.to_target[target]
    windows = np.asarray(part.inputs[spec.name])[:, :, place] * factor + offset
    truth = np.stack([np.asarray(part.targets[each.name]) for each in schema.targets], axis=1)
    length = season_of(series.history, series.season)
    before = windows[:, series.history - length + np.arange(series.horizon) % length]
    if np.nanmean((windows.mean(axis=1, keepdims=True) - truth) ** 2) < np.nanmean((before - truth) ** 2):
        return ["Flatten", {"Dense": {"units": series.horizon, "kernel_initializer": "zeros"}}], LEVEL
    return change_of_season(series.history, series.horizon, series.season, place, len(spec.columns))


def season_of(history: int, season: int | None) -> int:
    """Rows of the season that a window shows; 1 where it shows none: the last row stands for it."""
    return season if season is not None and season <= history else 1


def change_of_season(history: int, horizon: int, season: int | None, place: int, num_columns: int) -> tuple[list[Any], str]:
    """Layers that add a line over the window to the values of the season before; for `output: none`.

    The line's weights begin at 0, so that the network begins as the seasonal naive forecast, and early stopping keeps what is
    better than it on the validation part. A line alone is as good as deeper networks on common sets of series (Zeng et al.,
    AAAI 2023).

    Args:
        history, horizon: rows of the window, and that are foretold.
        season: rows of a season; None, or more than the window has: the last row stands for it.
        place: of the target among the numbers of a row, from 0.
        num_columns: how many numbers a row has.

    Returns:
        The layers, and why these.
    """
    length = season_of(history, season)
    taken = min(length, horizon)
    rows = [history - length, length - taken]
    if num_columns == 1:
        layers: list[Any] = [{"Cropping1D": {"cropping": rows, "from": "features"}}]
    else:
        layers = [
            {"Reshape": {"target_shape": [history, num_columns, 1], "from": "features"}},
            {"Cropping2D": {"cropping": [rows, [place, num_columns - 1 - place]]}},
        ]
    times = -(-horizon // taken)
    if times > 1:  # season after season
        layers += ["Flatten", {"RepeatVector": {"n": times}}]
    if times * taken > horizon:
        layers += [
            {"Reshape": {"target_shape": [times * taken, 1]}},
            {"Cropping1D": {"cropping": [0, times * taken - horizon]}},
        ]
    layers += [
        {"Flatten": {"name": "before"}},
        {"Flatten": {"from": "features", "name": "window"}},
        {"Dense": {"units": horizon, "kernel_initializer": "zeros", "name": "change"}},
        {"Add": {"from": ["before", "change"]}},
    ]
    return layers, SEASONAL if length > 1 else STEADY
