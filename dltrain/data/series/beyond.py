"""The times of rows that are foretold: of rows that are there, and beyond the last one by the calendar of its series."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from dltrain.data.series.calendars import Step
from dltrain.data.series.times import Times

# A number of which a float does not hold every digit.
_LONG_NUMBER = re.compile(r"-?\d{16,}")
# A series of which fewer neighbours are the usual step apart goes by a step of its own, if so many of them show it; and has
# so many rows at least.
SELDOM, MOSTLY, FEWEST_ROWS = 0.5, 0.9, 4
_USUAL = -1


def times_following(times: Times, step: Step, rows: NDArray[np.int64], runs: NDArray[np.int64], count: int) -> list[str]:
    """The time so many rows after each of some rows, as text: that row's own, or as many steps on as its run ends before.

    Args:
        times: of all rows, in order.
        step: from one row to the next, as in most series.
        rows: numbers of rows.
        runs: of all rows, which belong together without a gap; rising.
        count: how many rows later.
    """
    lasts = np.searchsorted(runs, runs[rows], side="right") - 1
    beyond = rows + count - lasts
    later = np.where(beyond > 0, lasts, rows + count)
    values = times.values[later]
    own = _own_steps(times, step, runs)
    whose = np.where(np.isin(runs[rows], [*own]), runs[rows], _USUAL)
    for run, steps in np.unique(np.stack([whose, beyond], axis=1)[beyond > 0], axis=0).tolist():
        places = np.flatnonzero((whose == run) & (beyond == steps))
        values[places] = times.take(lasts[places]).later(own.get(run, step), steps)
    found = times.texts(values)
    if times.labels is None:
        return found
    there = np.flatnonzero(beyond <= 0)
    for place, label in zip(there.tolist(), times.labels[later[there]].tolist(), strict=True):
        found[place] = label
    for place in np.flatnonzero(beyond > 0).tolist() if times.kind == "number" else ():
        size, last = own.get(int(whose[place]), step).size, str(times.labels[lasts[place]])
        if float(size).is_integer() and _LONG_NUMBER.fullmatch(last):
            found[place] = str(int(last) + int(size) * int(beyond[place]))
    return found


def _own_steps(times: Times, step: Step, runs: NDArray[np.int64]) -> dict[int, Step]:
    """The steps of the runs that go by another calendar than most: a store by weeks among others by days."""
    if step.unit == "row" or len(runs) < FEWEST_ROWS:
        return {}
    beside = np.diff(runs) == 0
    usual = np.bincount(runs[1:][beside], times.follows(step)[beside], minlength=int(runs[-1]) + 1)
    pairs = np.bincount(runs[1:][beside], minlength=int(runs[-1]) + 1)
    found = {}
    for run in np.flatnonzero((pairs >= FEWEST_ROWS - 1) & (usual < SELDOM * pairs)).tolist():
        part = times.take(np.arange(*np.searchsorted(runs, [run, run + 1])))
        own, share = part.step(np.ones(len(part.values) - 1, bool))
        if share >= MOSTLY:
            found[run] = own
    return found
