"""Rows in the order of time: those of each series together, cut into runs where time has a gap."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.data.raw import Locate
from dltrain.data.series.calendars import DAY, MONTH, WEEKDAYS, WORKING_DAYS, Step, are_on_changing_days, closed_days
from dltrain.data.series.groups import Groups, shown_names
from dltrain.data.series.several import MANY_DOUBLES
from dltrain.data.series.times import Times
from dltrain.errors import DataError, Note, warn
from dltrain.wording import counted, listed, percent

REGULAR = 0.9  # from this share of usual steps on, an unusual one is a gap
# A number of which a float does not hold every digit.
_LONG_NUMBER = re.compile(r"-?\d{16,}")
# A series of so many rows goes by a step of its own where fewer of its neighbours are the usual step apart.
FEWEST_ROWS, SELDOM = 4, 0.5
_USUAL = -1


@dataclass(slots=True)
class Timeline:
    """A series in the order of time.

    Attributes:
        times: of the rows, rising.
        rows: int64: which raw row each is.
        groups: which series each is of: rows of one stand together.
        runs: int64: number of the run of rows without a gap that each belongs to, rising.
        step: from one row to the next.
        splits: whether windows stop at a gap.
        notes: sentences for the user.
    """

    times: Times
    rows: NDArray[np.int64]
    groups: Groups
    runs: NDArray[np.int64]
    step: Step
    splits: bool
    notes: list[Note] = field(default_factory=list)


@dataclass(slots=True)
class SeriesValues:
    """The columns of a series in the order of time.

    Attributes:
        timeline: its rows.
        features: float32 [rows, numbers]; the last ones are those known ahead, as they will be.
        targets: column -> float64 [rows] in its own units, NaN where it has no value; empty where they were not asked for, unless
            they say where what is known ahead begins.
        missing: column of numbers -> bool [rows]: whether it has none there.
    """

    timeline: Timeline
    features: NDArray[np.float32]
    targets: dict[str, NDArray[np.float64]]
    missing: dict[str, NDArray[np.bool_]]


def arrange(
    times: Times, rows: NDArray[np.int64], groups: Groups, step: Step | None, *, gaps: bool | None, locate: Locate
) -> Timeline:
    """Put the rows of each series in the order of time, keep the last of those of one time, and find the gaps.

    Args:
        times: of the rows.
        rows: raw row numbers.
        groups: which series each row is of.
        step: the usual step; None: the most frequent one.
        gaps: whether windows stop at a gap; None: where nearly all steps are the usual one.
        locate: the place of a raw row.

    """
    notes: list[Note] = []
    together = np.argsort(groups.codes, kind="stable")
    order = np.lexsort((times.values, groups.codes))
    moved = int((order != together).sum())
    if moved:
        notes.append(warn(f"{moved:,} rows were not in the order of time and were sorted", "rows_sorted"))
    beside = np.diff(groups.codes[order]) == 0
    doubled = np.flatnonzero((np.diff(times.values[order]) == 0) & beside)
    if len(doubled):
        where = placed(locate, int(rows[order[doubled[0] + 1]]))
        if len(groups.names) > 1 and len(doubled) > MANY_DOUBLES * len(rows):
            message = f"{len(doubled):,} of {len(rows):,} rows have the same time as another of their series (first {where})"
            raise DataError(message, path="data.series.id", hint="name all the columns that tell the series apart")
        said = f"left out, for the row after has the same time: {counted(len(doubled), 'row')} (first {where})"
        notes.append(warn(said, "doubled_times"))
        order = np.delete(order, doubled)
    ordered, groups = times.take(order), groups.take(order)
    beside = np.diff(groups.codes) == 0
    found, share = ordered.step(beside)
    follows = ordered.follows(step or found)
    if step is not None and step.calendar:
        share = float(follows[beside].mean()) if beside.any() else 1.0
    step = step or found
    num_gaps = int((~follows & beside).sum())
    if gaps is None:
        gaps = share >= REGULAR
    if num_gaps and gaps:
        said = f"{counted(num_gaps, 'gap')} in time (rows more or less than {step.describe()} apart): no window goes across one"
        said += f"; the first is between {_first_gap(ordered, groups, ~follows & beside)}"
        notes.append(warn(said, "gaps_in_time"))
    elif num_gaps:
        said = f"the rows are not evenly apart in time ({percent(share, 0)} by {step.describe()}): they count as if they were"
        said += "; `series.calendar: business_days` says that weekends are no gap" if step.calendar == WORKING_DAYS else ""
        said += f"; they are {step.describe_hours()}" if step.hours else ""
        said += _days_without_rows(ordered, step)
        closed = step.calendar.startswith(WEEKDAYS)
        said += "; `series.calendar: open_days` says that days of the week without rows are no gap" if closed else ""
        notes.append(warn(said, "uneven_times"))
    if step.unit == MONTH and not step.calendar and are_on_changing_days(np.floor_divide(ordered.clock, DAY)):
        said = "the rows are on changing days of their months: times after the last row are on its own day of the month"
        notes.append(warn(said, "changing_days"))
    breaks = ~follows | ~beside if gaps else ~beside
    runs = np.concatenate([[0], np.cumsum(breaks)]).astype(np.int64) if len(order) else np.zeros(0, np.int64)
    return Timeline(ordered, rows[order], groups, runs, step, gaps, notes)


def _first_gap(times: Times, groups: Groups, is_gap: NDArray[np.bool_]) -> str:
    """The times on both sides of a gap, and of which series."""
    place = int(np.flatnonzero(is_gap)[0])
    before, after = times.texts(times.values[place : place + 2])
    name = groups.names[groups.codes[place]]
    return f"{before} and {after}" + (f" of {shown_names([name])}" if name else "")


def _days_without_rows(times: Times, step: Step) -> str:
    """Which days have no row although that day of the week has some: on a holiday, or it is missing; empty: there is none."""
    if step.unit != "microsecond" or step.size != DAY or not step.calendar:
        return ""
    days = np.floor_divide(times.clock, DAY)
    closed = closed_days(days, step)
    if not len(closed):
        return ""
    shown = listed([str(day) for day in closed.astype("datetime64[D]")], 4)
    return f"; {counted(len(closed), 'usual day')} without a row ({shown}): of holidays (`series.holidays`), or missing"


def placed(locate: Locate, row: int) -> str:
    """The place of a row, for a sentence."""
    file, line = locate(row)
    return f"{file}:{line}" if line else f"row {row + 1:,}"


def take(values: Any, rows: NDArray[np.int64]) -> Any:
    """Some rows of an array or a series."""
    return values[rows] if isinstance(values, np.ndarray) else values.gather(rows)


def every(stride: int, codes: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Every so many windows of each series: bool [windows]; those of one series stand together."""
    chosen: NDArray[np.bool_] = (np.arange(len(codes)) - beginnings(codes)) % stride == 0
    return chosen


def beginnings(codes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where the series of each row begins: int64 [rows]; rows of one series stand together."""
    places = np.arange(len(codes))
    begins = np.append(True, np.diff(codes) != 0)[: len(codes)]
    found: NDArray[np.int64] = np.maximum.accumulate(np.where(begins, places, 0)) if len(codes) else places
    return found


def fill_forward(values: NDArray[np.float64], codes: NDArray[np.int64]) -> NDArray[np.float64]:
    """The last known value of its series in the place of a missing one; NaN before the first.

    Args:
        values: float64 [rows].
        codes: int64 [rows]: which series each row is of; those of one stand together.
    """
    known = np.where(np.isnan(values), beginnings(codes), np.arange(len(values)))
    filled: NDArray[np.float64] = values[np.maximum.accumulate(known)] if len(values) else values
    return filled


def slopes_of(values: NDArray[np.float64], runs: NDArray[np.int64], history: int) -> NDArray[np.float64]:
    """Of the line from the first to the last known value of so many rows of its run: float64 [rows], 0 where there is none.

    That is what the drift method goes on by (Hyndman & Athanasopoulos, "Forecasting: Principles and Practice", 5.2).
    """
    places, known = np.arange(len(values)), np.isfinite(values)
    begins = np.maximum(beginnings(runs), places - history + 1)
    last = np.maximum.accumulate(np.where(known, places, 0)) if len(values) else places
    firsts = np.flatnonzero(known)
    found = np.searchsorted(firsts, begins)
    first = firsts[np.minimum(found, len(firsts) - 1)] if len(firsts) else begins
    there = (last > first) & (first >= begins)
    with np.errstate(invalid="ignore", divide="ignore"):
        slopes: NDArray[np.float64] = np.where(there, (values[last] - values[first]) / (last - first), 0.0)
    return slopes


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
    own = own_steps(times, step, runs)
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


def own_steps(times: Times, step: Step, runs: NDArray[np.int64]) -> dict[int, Step]:
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
        if share >= REGULAR:
            found[run] = own
    return found
