"""Runs of the same data beside each other, the best first, and whether the best differs from the others by more than chance."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dltrain.config import load_config
from dltrain.config.catalog.loss_meaning import is_loss, loss_meaning
from dltrain.errors import DltrainError, RunError
from dltrain.storage.run import Run
from dltrain.storage.run_list import best_of_sweep
from dltrain.wording import listed

BEST, ALIKE, WORSE, UNKNOWN = "best", "within chance", "worse", ""


@dataclass(slots=True)
class Entry:
    """A run's result.

    Attributes:
        path: of the run, or of the sweep.
        value: of the metric.
        interval: between which values it is with a confidence of 95 %; None: not known.
        standing: beside the best of the same data: `BEST`, `ALIKE`, `WORSE`, or `UNKNOWN` where there are no intervals.
    """

    path: Path
    value: float
    interval: tuple[float, float] | None = None
    standing: str = UNKNOWN


@dataclass(slots=True)
class Board:
    """Results that can be compared: of the same data and targets, on the same part.

    Attributes:
        data: its files with their rows, in words; empty: not known. With the targets where other runs on it have others.
        part: of the data.
        metric: as the runs call it.
        entries: the best first.
    """

    data: str
    part: str
    metric: str
    entries: list[Entry] = field(default_factory=list)


def make_boards(found: Sequence[tuple[Path, tuple[str, str, float]]]) -> list[Board]:
    """Boards in the order of their best runs.

    Args:
        found: run, and its (part, metric, value), the best first.
    """
    boards: dict[tuple[str, str, str, str], Board] = {}
    for path, (part, metric, value) in found:
        if math.isfinite(value):
            fingerprint, targets, data, interval = _facts_of(path, part, metric, value)
            if is_loss(metric) and (meaning := _meaning(path)):
                fingerprint, data = fingerprint + json.dumps(meaning), ", ".join([data, *meaning.values()])
            board = boards.setdefault((fingerprint, targets, part, metric), Board(data, part, metric))
            board.entries.append(Entry(path, value, interval))
    for (fingerprint, targets, *_), board in boards.items():
        if targets and any(other[0] == fingerprint and other[1] != targets for other in boards):
            board.data = f"{board.data}, {targets}" if board.data else targets
        best = board.entries[0]
        best.standing = BEST
        for entry in board.entries[1:]:
            entry.standing = _standing(best, entry)
    return list(boards.values())


def _standing(best: Entry, other: Entry) -> str:
    if best.interval is None or other.interval is None:
        return UNKNOWN
    low, high = difference_interval(best.value, best.interval, other.value, other.interval)
    return ALIKE if low <= 0 <= high else WORSE


def chance(first: float | None, second: float | None) -> float | None:
    """How far two results may lie apart by chance alone: two standard errors of the difference; None where one is not known.

    Args:
        first, second: the standard errors, of rows that are taken as drawn independently.
    """
    if first is None or second is None or not (math.isfinite(first) and math.isfinite(second)):
        return None
    return 2 * math.hypot(first, second)


def within_chance(first: float, of_first: float | None, second: float, of_second: float | None) -> bool:
    """Whether two results, by their standard errors, lie no farther apart than chance may bring them; not known: they do not."""
    noise = chance(of_first, of_second)
    return noise is not None and abs(first - second) <= noise


def difference_interval(
    first: float, of_first: tuple[float, float], second: float, of_second: tuple[float, float]
) -> tuple[float, float]:
    """The interval of a difference of two independent values, from their own intervals.

    Zou and Donner, "Construction of confidence intervals about effect measures", Statistics in Medicine 27 (2008). Two
    models are mostly right about the same rows, so that what it calls different is different; what it does not, a comparison
    row by row may still tell apart.
    """
    difference = first - second
    low = difference - math.hypot(first - of_first[0], of_second[1] - second)
    high = difference + math.hypot(of_first[1] - first, second - of_second[0])
    return low, high


def _facts_of(path: Path, part: str, metric: str, value: float) -> tuple[str, str, str, tuple[float, float] | None]:
    """Fingerprint, targets and name of a run's data, and the interval of a metric; empty where a damaged run does not say."""
    try:
        run = Run(best_of_sweep(path))
        manifest, document = run.read_manifest(), run.read_metrics()
    except RunError:
        return "", "", "", None
    data = manifest.get("data")
    if not isinstance(data, dict) or not data.get("fingerprint"):
        return "", "", "", None
    pair = _of(_of(document.get("intervals"), part), metric)
    known = isinstance(pair, list) and len(pair) == 2 and all(isinstance(end, int | float) for end in pair)
    # The value of a sweep may be the mean of several fits, of which the first one's interval says little.
    is_its_own = _of(_of(document.get("metrics"), part), metric) == value
    interval = (float(pair[0]), float(pair[1])) if known and is_its_own else None
    targets = listed(list(manifest.get("reference", {})), 3)
    return str(data["fingerprint"]), targets and f"target {targets}", _named(data.get("details")), interval


def _meaning(path: Path) -> dict[str, str]:
    """What is told of a run's loss, so that it is held against the same ones alone."""
    try:
        resolved = load_config(Run(best_of_sweep(path)).config_file).resolved
    except DltrainError:
        return {}
    return {key: f"{key} {value}".replace('"', "") for key, value in loss_meaning(resolved).items()}


def _of(found: Any, key: str) -> Any:
    return found.get(key) if isinstance(found, Mapping) else None


def _named(details: Any) -> str:
    """`train.csv (891 rows) and test.csv (418 rows)`; of many files the first, and how many more."""
    if not isinstance(details, Mapping):
        return ""
    named = []
    for name, entry in list(details.items())[:2]:
        rows = _of(entry, "rows")
        named.append(f"{Path(str(name)).name} ({rows:,} rows)" if isinstance(rows, int) else Path(str(name)).name)
    more = len(details) - len(named)
    return f"{', '.join(named)} and {more:,} more" if more > 0 else " and ".join(named)
