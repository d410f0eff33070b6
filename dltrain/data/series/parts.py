"""Which rows of a series each part has: the first and the last ones in time, files of their own, or whole series."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from dltrain.config.types import DataConfig, config_fault
from dltrain.data.dataset import TargetSpec
from dltrain.data.part_sizes import SplitError, part_sizes, rolling_sizes
from dltrain.data.raw import RawTable, locator
from dltrain.data.series.calendars import Step
from dltrain.data.series.covariates import last_observed
from dltrain.data.series.groups import Groups
from dltrain.data.series.labels import WHOLE_SERIES, series_of_parts, split_series
from dltrain.data.series.preprocessing import SeriesPreprocessing
from dltrain.data.series.timeline import Timeline, arrange
from dltrain.data.series.times import Times
from dltrain.data.splits import Rows
from dltrain.errors import ConfigError, DataError, warn
from dltrain.parts import PARTS


@dataclass(frozen=True, slots=True)
class Given:
    """What was read of a table, in the order of its rows.

    Attributes:
        raw: the table.
        times: of the rows.
        groups: which series each is of.
        specs: what windows are to be answered with.
        targets: column -> float64 [rows], NaN where it has no value.
    """

    raw: RawTable
    times: Times
    groups: Groups
    specs: tuple[TargetSpec, ...]
    targets: Mapping[str, NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class Parts:
    """The rows in the order of time, and those of each part.

    Attributes:
        timeline: all rows.
        places: part -> places in the timeline.
        manner: how they were split, in words.
    """

    timeline: Timeline
    places: dict[str, Rows]
    manner: str


def find_parts(config: DataConfig, given: Given, stored: SeriesPreprocessing | None, seed: int) -> Parts:
    """The rows of each series in the order of time, each part's file after the other, and each part's places in that order.

    Args:
        config: the `data:` block; `series.label_of` is known where windows have labels.
        given: what was read.
        stored: of a run, with which the data is to agree.
        seed: of a split by whole series.

    Raises:
        DataError: too few rows, or series, for the parts.
        ConfigError: a part is given twice.
    """
    assert config.series is not None
    raw, locate = given.raw, locator(given.raw)
    wanted = stored.series.gaps if stored else config.series.gaps
    gaps = None if wanted is None else wanted == "split"
    step = stored.step if stored else _asked_step(config, given)
    lines: dict[str, Timeline] = {}
    for name, rows in (raw.parts or {"train": np.arange(raw.frame.height)}).items():
        line = arrange(given.times.take(rows), rows, given.groups.take(rows), step, gaps=gaps, locate=locate)
        lines[name], step, gaps = line, line.step, line.splits
    whole = config.series.label_of == WHOLE_SERIES
    split = _split_whole if whole else _split
    places, manner = split(config, given, lines["train"], seed)
    first = len(lines["train"].rows)
    for name, line in lines.items():
        if name != "train":
            if name in places:
                raise ConfigError(config_fault(config, f"data.split.{name}", f"there is a {name} part already"))
            places[name] = np.arange(first, first + len(line.rows))
            first += len(line.rows)
    if len(lines) == 1:
        return Parts(lines["train"], places, manner)
    runs, last = [], 0
    for line in lines.values():
        runs.append(line.runs + last)
        last = int(runs[-1][-1]) + 1
    rows = np.concatenate([line.rows for line in lines.values()])
    timeline = Timeline(
        _joined([line.times for line in lines.values()]),
        rows,
        series_of_parts(raw, given.groups).take(rows),
        np.concatenate(runs),
        lines["train"].step,
        lines["train"].splits,
        [note.of(f"{name} part") for name, line in lines.items() for note in line.notes],
    )
    return Parts(timeline, {name: places[name] for name in PARTS if name in places}, f"{manner}, files of their own")


def _asked_step(config: DataConfig, given: Given) -> Step | None:
    """The step by the calendar that the config names, if it names one (raises DataError where the rows are not on its days)."""
    series = config.series
    assert series is not None
    order = np.lexsort((given.times.values, given.groups.codes))
    beside = np.diff(given.groups.codes[order]) == 0
    try:
        return given.times.take(order).asked_step(beside, series.calendar, series.holidays)
    except ValueError as error:
        hint = "leave it out, or put these rows to the day before"
        path = "data.series.calendar" if series.calendar else "data.series.holidays"
        raise DataError(config_fault(config, path, str(error), hint)) from error


def _past(config: DataConfig, given: Given, line: Timeline) -> NDArray[np.bool_]:
    """Whether each row is of a part: what only holds columns known ahead, after the last target of its series, is of none."""
    assert config.series is not None
    if not config.series.known:
        return np.ones(len(line.rows), bool)
    return last_observed({name: values[line.rows] for name, values in given.targets.items()}, line.groups.codes)


def _split_whole(config: DataConfig, given: Given, line: Timeline, seed: int) -> tuple[dict[str, Rows], str]:
    """Whole series to each part, by what they are labelled; and the manner in words."""
    groups = series_of_parts(given.raw, given.groups).take(line.rows)
    return split_series(config, given.specs[0], given.targets[given.specs[0].name][line.rows], groups, seed)


def _split(config: DataConfig, given: Given, line: Timeline, seed: int) -> tuple[dict[str, Rows], str]:
    """The first rows of each series to the training part, the last ones to the test part; and the manner in words."""
    past, codes = _past(config, given, line), line.groups.codes
    ends = [*(np.flatnonzero(np.diff(codes)) + 1).tolist(), len(codes)]
    found: dict[str, list[Rows]] = {"train": []}
    first, short, refused = 0, 0, None
    for end in ends:
        count = int(past[first:end].sum())
        try:
            sizes = _sizes(config, count)
        except SplitError as error:
            sizes, short, refused = {"train": count}, short + 1, error
        for name, size in sizes.items():
            if size and name != "rest":
                found.setdefault(name, []).append(np.arange(first, first + size))
            first += size
        first = end
    if refused is not None:
        if short == len(ends):
            raise DataError(config_fault(config, "data.split", str(refused))) from refused
        verb = "is" if short == 1 else "are"
        said = f"{short:,} series {verb} too short to be split and {verb} in the training part alone"
        line.notes.append(warn(said, "short_series"))
    within = f" within each of {len(given.groups.names):,} series" if config.series is not None and config.series.id else ""
    if config.split.folds is not None:
        within = f"{within}, fold {config.split.fold} of {config.split.folds}"
    return {name: np.concatenate(places) for name, places in found.items() if places}, f"by time{within}"


def _sizes(config: DataConfig, num_rows: int) -> dict[str, int]:
    """How many of the rows of one series each part has, in the order of time."""
    split = config.split
    if split.folds is None:
        return part_sizes(num_rows, split.test, split.validation)
    return rolling_sizes(num_rows, split.test, split.folds, split.fold or 1)


def _joined(times: list[Times]) -> Times:
    labels = [part.labels for part in times if part.labels is not None]
    values = np.concatenate([part.values for part in times])
    return replace(times[0], values=values, labels=np.concatenate(labels) if len(labels) == len(times) else None)
