"""Errors of forecasts that can be compared from series to series: MASE, RMSSE, sMAPE."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dltrain.data.dataset import SeriesRows

SCALED_ERRORS = ("mase", "rmsse", "smape")
MOST_SERIES = 1000  # whose own errors a report holds


def scaled_errors(
    truth: NDArray[np.float64], forecast: NDArray[np.float64], column: str, rows: SeriesRows
) -> dict[str, NDArray[np.float64]]:
    """Errors of each series.

    Args:
        truth, forecast: [windows, steps ahead] in the column's own units.
        column: that is foretold.
        rows: which series each window is of.

    Returns:
        "mase" (mean absolute error by that of the seasonal naive forecast in the training part; Hyndman & Koehler 2006, M4),
        "rmsse" (root of the mean squared error by that of the naive forecast there; M5), "smape" (the mean of
        200 |y - f| / (|y| + |f|), in percent; M4), "rmse" and "mae", each [series]; NaN where it is not defined.
    """
    codes, count, steps = rows.codes, len(rows.names), truth.shape[1]
    number = np.bincount(codes, minlength=count) * steps

    def mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
        with np.errstate(invalid="ignore"):
            found: NDArray[np.float64] = np.bincount(codes, values.sum(axis=1), count) / number
        return found

    size = np.abs(truth) + np.abs(forecast)
    shares = np.divide(200 * np.abs(truth - forecast), size, out=np.zeros_like(size), where=size > 0)
    mae, mse = mean(np.abs(forecast - truth)), mean((forecast - truth) ** 2)
    found = {"smape": mean(shares), "rmse": mse**0.5, "mae": mae}
    if rows.season is not None:
        found = {"mase": mae / rows.absolute[column], "rmsse": (mse / rows.squared[column]) ** 0.5, **found}
    return found


def over_series(found: dict[str, NDArray[np.float64]]) -> dict[str, float]:
    """The mean over the series of MASE, RMSSE and sMAPE, as the M4 and M5 competitions take it; none that no series has."""
    means = {}
    for name in SCALED_ERRORS:
        values = found.get(name, np.zeros(0))
        values = values[np.isfinite(values)]
        if len(values):
            means[name] = float(values.mean())
    return means


def shares_of_rows(
    truth: NDArray[np.float64], forecast: NDArray[np.float64], column: str, rows: SeriesRows
) -> dict[str, NDArray[np.float64]]:
    """What each window brings to MASE, RMSSE and sMAPE: numbers [windows], whose mean is what `over_series` says of them.

    Each series counts alike, however many windows it has. The root in RMSSE is taken as the line that touches it: exact at its
    value, and to first order in how chance moves it.

    Args:
        truth, forecast, column, rows: as `scaled_errors` has them.
    """
    whole, codes, found = scaled_errors(truth, forecast, column, rows), rows.codes, dict[str, NDArray[np.float64]]()
    windows = np.bincount(codes, minlength=len(rows.names))
    size = np.abs(truth) + np.abs(forecast)
    values = {"smape": np.divide(200 * np.abs(truth - forecast), size, out=np.zeros_like(size), where=size > 0).mean(axis=1)}
    with np.errstate(all="ignore"):
        if "mase" in whole:
            values["mase"] = np.abs(forecast - truth).mean(axis=1) / rows.absolute[column][codes]
            own = whole["rmsse"][codes]
            line = ((forecast - truth) ** 2).mean(axis=1) / (rows.squared[column][codes] * own)
            values["rmsse"] = np.where(own > 0, 0.5 * (own + line), own)
        for name, each in values.items():
            counted = np.isfinite(whole[name]) & (windows > 0)
            share = len(codes) / (windows[codes] * max(1, int(counted.sum())))
            if counted.any():
                found[name] = np.where(counted[codes], each * share, 0.0)
    return found


def series_table(found: dict[str, NDArray[np.float64]], column: str, rows: SeriesRows) -> list[dict[str, object]]:
    """A row for each series, that with the largest MASE (or RMSE) first: its name, how many windows, its errors."""
    first = next(iter(found)) if "mase" in found else "rmse"
    order = np.argsort(-np.nan_to_num(found[first], nan=-1.0), kind="stable")[:MOST_SERIES]
    windows = np.bincount(rows.codes, minlength=len(rows.names))
    return [
        {
            "series": " ".join(rows.names[place]),
            "target": column,
            "windows": int(windows[place]),
            **{name: float(values[place]) if np.isfinite(values[place]) else None for name, values in found.items()},
        }
        for place in order.tolist()
    ]


def scaled_words(rows: SeriesRows) -> str:
    """What the errors are measured in, in one sentence; empty where they are not known."""
    if rows.season is None:
        return ""
    naive = f"the value {rows.season} rows before" if rows.season > 1 else "the last value"
    sizes = list(rows.absolute.values())
    counted = int(np.isfinite(sizes).all(axis=0).sum()) if sizes else len(rows.names)
    several = f"; means over {len(rows.names):,} series" if len(rows.names) > 1 else ""
    if counted < len(rows.names):
        without = "that of the others, which are not there, or too short or the same throughout, is not defined"
        several = f"; mase is that of {counted:,} of {len(rows.names):,} series, {without}"
    return (
        f"mase and rmsse below 1: smaller errors than {naive} (of rmsse: the last value) had in the training part; "
        f"smape in percent{several}"
    )
