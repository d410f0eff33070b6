"""Series: rows in the order of time to windows of the past, with what comes after each as the target."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from dltrain.config.types import SeriesConfig
from dltrain.data.columns.column import fill_features, read_features, writing_from
from dltrain.data.columns.kind import Unseen
from dltrain.data.columns.kinds import SAMPLE_ROWS, Reading, infer_kind, read_numbers
from dltrain.data.dataset import Part, Schema
from dltrain.data.preprocessing import Preprocessing
from dltrain.data.raw import Raw, RawTable
from dltrain.data.series.groups import Groups, read_groups, unknown_note
from dltrain.data.series.several import MANY_DOUBLES, Several, find_several
from dltrain.data.series.times import CALENDARS, Step, Times, read_times
from dltrain.data.splits import blocks_in_order
from dltrain.data.tables.column_names import column_of
from dltrain.data.tables.preprocessing import FEATURES, TablePreprocessing, locator
from dltrain.data.targets import Locate
from dltrain.errors import DataError, Fault, all_of, capped
from dltrain.storage.values import one_of, texts, typed
from dltrain.wording import listed

if TYPE_CHECKING:
    from dltrain.data.arrays.disk_array import Array

REGULAR = 0.9  # from this share of usual steps on, an unusual one is a gap
LAST_VALUE = "last value"
MOST_STEPS = 1 << 16


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
    notes: list[str] = field(default_factory=list)


@dataclass(slots=True)
class SeriesValues:
    """The columns of a series in the order of time.

    Attributes:
        timeline: its rows.
        features: float32 [rows, numbers].
        targets: column -> float64 [rows] in its own units, NaN where it has no value; empty where they were not asked for.
    """

    timeline: Timeline
    features: NDArray[np.float32]
    targets: dict[str, NDArray[np.float64]]


@dataclass(frozen=True)
class SeriesPreprocessing(Preprocessing):
    """Preprocessing of a series.

    Attributes:
        table: the columns: features, and the targets as they are at one time.
        series: time columns, history, horizon, stride; season and gaps as they were found.
        date_format: how the time is written, where it is one column of text.
        step: from one row to the next.
        last_known: whether the last known value stands for a missing one.
        known: the series of the training part, where `data.series.id` tells several apart.
    """

    kind: ClassVar[str] = "series"
    table: TablePreprocessing
    series: SeriesConfig
    date_format: str | None
    step: Step
    last_known: bool
    known: tuple[tuple[str, ...], ...] = ()

    @property
    def source(self) -> str:  # type: ignore[override]
        """The table's."""
        return self.table.source

    @property
    def schema(self) -> Schema:
        """One input [history, numbers]; a target for each column and step ahead."""
        [spec] = self.table.schema.inputs
        targets = tuple(
            replace(target, name=target.name if self.series.horizon == 1 else f"{target.name} +{ahead}", column=target.name)
            for target in self.table.targets
            for ahead in range(1, self.series.horizon + 1)
        )
        return Schema((replace(spec, shape=(self.series.history, *spec.shape)),), targets)

    def transform(
        self, raw: Raw, *, with_targets: bool, rows: NDArray[np.int64] | None = None, notes: list[str] | None = None
    ) -> Part:
        """Every window of the data (stride 1), the one that ends at its last row included where no targets are asked for."""
        if not isinstance(raw, RawTable):
            raise DataError("expected a table, got pictures")
        notes = [] if notes is None else notes
        values = self.read_values(raw, with_targets=with_targets, notes=notes)
        everything = np.arange(len(values.timeline.rows))
        stride = self.series.stride if with_targets else 1
        part = self.assemble(values, everything, with_targets=with_targets, stride=stride)
        if not part.num_rows:
            apart = f", each {self.step.describe()} after the one before," if self.series.gaps == "split" else ""
            message = f"{raw.frame.height:,} rows hold no window: {self.needed_rows(with_targets)} rows{apart} are needed"
            raise DataError(Fault(message, file=raw.origin[0][1] if raw.origin else None))
        return part

    def needed_rows(self, with_targets: bool) -> int:
        """How many rows a window spans."""
        return self.series.history + (self.series.horizon if with_targets else 0)

    def read_values(self, raw: RawTable, *, with_targets: bool, notes: list[str]) -> SeriesValues:
        """Read the columns, put them in the order of time, fill and scale them.

        Raises:
            DataError: columns are missing, or values that are not of their kind.
        """
        self.table.check_columns(raw, with_targets)
        needed = [("time", name) for name in self.series.time] + [("id", name) for name in self.series.id]
        missing = [f"the {what} column {name} is missing" for what, name in needed if name not in raw.frame.columns]
        if missing:
            file = raw.origin[0][1] if raw.origin else None
            hint = f"the run was trained with it; the columns here are {listed(raw.frame.columns)}"
            raise DataError(capped([Fault(message, file=file, hint=hint) for message in missing]))
        locate, reading = locator(raw), self.table.reading
        times = read_times(raw.frame, self.series.time, reading, locate, self.date_format)
        groups = read_groups(raw.frame, self.series.id, reading, locate)
        if self.series.id:
            new = unknown_note(groups, self.known, self.series.id)
            notes += [new] if new else []
        else:
            refuse_several(raw, times, self.series.time, [target.name for target in self.table.targets], reading, notes)
        everything = np.arange(raw.frame.height)
        timeline = arrange(times, everything, groups, self.step, gaps=self.series.gaps == "split", locate=locate)
        notes += timeline.notes
        features, targets = read_columns(raw, self.table, locate, with_targets=with_targets)
        return self.order_values(timeline, features, targets, notes)

    def order_values(
        self,
        timeline: Timeline,
        features: Mapping[str, Any],
        targets: Mapping[str, NDArray[np.float64]],
        notes: list[str],
    ) -> SeriesValues:
        """Columns as they were read, in the order of time, with gaps filled and scaled."""
        ordered = {name: take(values, timeline.rows) for name, values in features.items()}
        filled = dict(ordered)
        if self.last_known:
            for column in self.table.features:
                if column.by_kind.is_array:
                    filled[column.name] = fill_forward(ordered[column.name], timeline.groups.codes)
        unseen = Unseen()
        matrix = np.zeros((len(timeline.rows), sum(len(column.columns) for column in self.table.features)), np.float32)
        fill_features(matrix, self.table.features, filled, unseen)
        place = 0
        for column in self.table.features:
            if column.by_kind.is_array and column.numbers[0].indicator:
                matrix[:, place + 1] = np.isnan(ordered[column.name])
            place += len(column.columns)
        notes += unseen.notes(self.table.features)
        return SeriesValues(timeline, matrix, {name: values[timeline.rows] for name, values in targets.items()})

    def assemble(
        self,
        values: SeriesValues,
        rows: NDArray[np.int64],
        *,
        with_targets: bool,
        stride: int,
        store: Callable[[NDArray[np.int64], int], Array] | None = None,
    ) -> Part:
        """The windows that lie wholly within some neighbouring rows of the series, without a gap or a missing target in them.

        Args:
            values: all rows.
            rows: rising; no window goes across a gap in their numbers.
            with_targets: what follows a window must be there; else the last window ends at the last row.
            stride: rows from the beginning of a window to that of the next of its series.
            store: takes where in `rows` the windows begin and their length and keeps them elsewhere; None: in memory.
        """
        history = self.series.history
        span = self.needed_rows(with_targets)
        places = np.arange(max(len(rows) - span + 1, 0))
        runs = values.timeline.runs
        starts, lasts = rows[places], rows[places + span - 1]
        places = places[(lasts - starts == span - 1) & (runs[starts] == runs[lasts])]
        ends = rows[places] + history - 1
        if with_targets:
            known = np.ones(len(places), bool)
            for column in values.targets.values():
                for ahead in range(1, self.series.horizon + 1):
                    known &= np.isfinite(column[ends + ahead])
            places = places[known]
        places = places[_every(stride, values.timeline.groups.codes[rows[places]])]
        ends = rows[places] + history - 1
        own = values.features[rows[0] : rows[-1] + 1] if len(rows) and rows[-1] - rows[0] < len(rows) else values.features[rows]
        inputs = store(places, history) if store else own[places[:, None] + np.arange(history)]
        times = values.timeline.times
        part = Part(
            {FEATURES: inputs},
            {},
            None,
            values.timeline.rows[ends + 1] if with_targets else values.timeline.rows[ends],
            {
                **values.timeline.groups.labels(self.series.id, ends),
                **({"time": times.following(self.step, ends, runs)} if self.series.time else {"row": times.texts(ends + 1)}),
            },
        )
        if with_targets:
            self._add_targets(part, values, ends)
        return part

    def _add_targets(self, part: Part, values: SeriesValues, ends: NDArray[np.int64]) -> None:
        """What follows each window, and what the last value and that of a season before would say."""
        seasonal = f"value {self.series.season} rows before"
        # Windows whose futures overlap are not independent.
        part.blocks = blocks_in_order(part.num_rows, 2 * math.ceil(self.series.horizon / self.series.stride))
        part.blocks_by = "blocks of time"
        part.references = {LAST_VALUE: {}, seasonal: {}} if self.series.season else {LAST_VALUE: {}}
        runs = values.timeline.runs
        unforeseen = np.zeros(len(ends), bool)
        for target in self.schema.targets:
            column = values.targets[target.column]
            ahead = int(target.name.rpartition(" +")[2]) if self.series.horizon > 1 else 1
            scaled = target.to_stored

            part.targets[target.name] = scaled(column[ends + ahead])
            last = fill_forward(column, values.timeline.groups.codes)[ends]
            last = np.where(np.isnan(last), target.to_own(0.0), last)
            part.references[LAST_VALUE][target.name] = scaled(last)
            if self.series.season:
                seasons = -(-ahead // self.series.season)
                before = ends + ahead - seasons * self.series.season
                there = (before >= 0) & (runs[np.maximum(before, 0)] == runs[ends])
                found = np.where(there, column[np.maximum(before, 0)], np.nan)
                unforeseen |= np.isnan(found)
                part.references[seasonal][target.name] = scaled(np.where(np.isnan(found), last, found))
        part.num_unforeseen = {seasonal: int(unforeseen.sum())} if unforeseen.any() else {}

    def with_smearing(self, factors: Mapping[str, float]) -> SeriesPreprocessing:
        """See `Preprocessing.with_smearing`; the steps ahead of a column share the mean of theirs."""
        steps: dict[str, list[float]] = {}
        for target in self.schema.targets:
            steps.setdefault(target.column, []).append(factors[target.name])
        means = {name: sum(found) / len(found) for name, found in steps.items()}
        return replace(self, table=self.table.with_smearing(means))

    def describe(self) -> list[str]:
        """The windows, then the columns."""
        series = self.series
        ahead = "the next row" if series.horizon == 1 else f"each of the next {series.horizon} rows"
        line = f"series: {series.history} rows ({self.step.describe()} apart) tell {ahead}"
        if series.id:
            line += f"; {len(self.known):,} series told apart by {', '.join(series.id)}, one model for all"
        return [line, *self.table.describe()]

    def to_state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """See `Preprocessing.to_state`."""
        table, arrays = self.table.to_state()
        series = self.series
        state = {
            "table": table,
            "time": list(series.time),
            "id": list(series.id),
            "known": [list(name) for name in self.known],
            "history": series.history,
            "horizon": series.horizon,
            "stride": series.stride,
            "season": series.season,
            "gaps": series.gaps,
            "date_format": self.date_format,
            "step": [self.step.unit, self.step.size, self.step.calendar],
            "last_known": self.last_known,
        }
        return state, arrays

    @classmethod
    def from_state(cls, state: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> SeriesPreprocessing:
        """See `Preprocessing.from_state`."""
        table = TablePreprocessing.from_state(typed(state, "table", dict), arrays)
        history, horizon, stride = (typed(state, name, int) for name in ("history", "horizon", "stride"))
        season = None if state["season"] is None else typed(state, "season", int)
        if not all(1 <= number <= MOST_STEPS for number in (history, horizon, stride, season or 1)):
            raise ValueError("history, horizon, stride or season out of range")
        if any(column.is_embedded for column in table.features) or not table.schema.inputs:
            raise ValueError("a series has columns of numbers only")
        if any(target.task != "regression" for target in table.targets):
            raise ValueError("a series foretells numbers")
        series = SeriesConfig(
            time=texts(state, "time"),
            id=texts(state, "id") if "id" in state else (),
            history=history,
            horizon=horizon,
            stride=stride,
            season=season,
            gaps=one_of(state, "gaps", ("split", "ignore")),
        )
        unit, size, *calendar = state["step"]
        step = Step(one_of({"unit": unit}, "unit", ("month", "microsecond", "number", "row")), float(size), _calendar(calendar))
        known = tuple(texts({"known": name}, "known") for name in state.get("known", ()))
        return cls(table, series, writing_from(state["date_format"]), step, typed(state, "last_known", bool), known)


def _calendar(stored: list[Any]) -> str:
    return one_of({"calendar": stored[0]}, "calendar", CALENDARS) if stored else ""


def take(values: Any, rows: NDArray[np.int64]) -> Any:
    """Some rows of an array or a series."""
    return values[rows] if isinstance(values, np.ndarray) else values.gather(rows)


def _every(stride: int, codes: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Every so many windows of each series: bool [windows]; those of one series stand together."""
    chosen: NDArray[np.bool_] = (np.arange(len(codes)) - _beginnings(codes)) % stride == 0
    return chosen


def _beginnings(codes: NDArray[np.int64]) -> NDArray[np.int64]:
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
    known = np.where(np.isnan(values), _beginnings(codes), np.arange(len(values)))
    filled: NDArray[np.float64] = values[np.maximum.accumulate(known)] if len(values) else values
    return filled


def read_columns(
    raw: RawTable, table: TablePreprocessing, locate: Locate, *, with_targets: bool
) -> tuple[dict[str, Any], dict[str, NDArray[np.float64]]]:
    """Features by kind, and targets as float64 with NaN where there is no value, in the order of the file.

    Raises:
        DataError: values that are not of their kind, with their rows.
    """
    seen = f"as the first {SAMPLE_ROWS:,} rows are" if raw.frame.height > SAMPLE_ROWS else "as in the other rows"
    names = [target.name for target in table.targets] if with_targets else []
    features, targets = all_of(
        lambda: read_features(raw.frame, table.features, table.reading, locate, seen),
        lambda: {name: read_target_numbers(raw, name, table.reading, locate) for name in names},
    )
    return features, targets


def read_target_numbers(raw: RawTable, name: str, reading: Reading, locate: Locate) -> NDArray[np.float64]:
    """A column to foretell: float64, NaN where it has no value.

    Raises:
        DataError: values that are no numbers, with their rows.
    """
    numbers, bad = read_numbers(column_of(raw.frame, name), reading)
    if len(bad):
        if len(bad) > raw.frame.height / 2:
            message = (
                f"the target {name} holds text, such as {column_of(raw.frame, name)[int(bad[0])]!r}: a series foretells numbers"
            )
            raise DataError(Fault(message, path="data.target", hint="name a column of numbers, or leave `data.series` out"))
        faults = []
        for row in bad[:10]:
            file, line = locate(int(row))
            faults.append(
                Fault(f"the target {name} is {column_of(raw.frame, name)[int(row)]!r}, not a finite number", file=file, line=line)
            )
        raise DataError(capped(faults, len(bad)))
    return numbers


def refuse_several(
    raw: RawTable,
    times: Times,
    time_columns: Sequence[str],
    targets: Sequence[str],
    reading: Reading,
    notes: list[str],
    rows: NDArray[np.int64] | None = None,
) -> None:
    """Refuse a table that holds several series: windows would run from one into the next.

    Args:
        raw: the table.
        times: of its rows.
        time_columns: `data.series.time`; without it the columns of dates are looked at.
        targets: the columns to foretell.
        reading: how text is written.
        notes: hears of rows that are not in the order of a column of dates although no time was named.
        rows: of one part; None: all.

    Raises:
        DataError: times repeat, and a column tells the rows of one time apart, or many do.
    """
    rows, locate = np.arange(raw.frame.height) if rows is None else rows, locator(raw)
    named = ", ".join(time_columns)
    if times.kind != "row":
        several = find_several(raw.frame[rows], times.values[rows], {*time_columns, *targets})
        if several is not None and (several.columns or several.doubled > MANY_DOUBLES * len(rows)):
            raise _several_fault(raw, several, named, rows, locate)
        return
    for name in raw.frame.columns:
        if infer_kind(column_of(raw.frame, name), reading).kind != "date":
            continue
        try:
            dates = read_times(raw.frame, (name,), reading, locate)
        except DataError:  # not a date in every row
            continue
        values = dates.values[rows]
        back = np.flatnonzero(np.diff(values) < 0)
        several = find_several(raw.frame[rows], values, {name, *targets})
        # Rows of one day in their order are one series, unless it is a store or the like that tells them apart.
        if several is not None and (several.has_usual_name or (several.columns and len(back))):
            raise _several_fault(raw, several, name, rows, locate)
        if not len(back) or len(back) == len(values) - 1:  # in order, or the newest first
            continue
        where = placed(locate, int(rows[back[0] + 1]))
        notes.append(
            f"the rows count as in the order of time, but {name} goes back {len(back):,} times (first {where}); "
            f"`series: {{time: {name}}}` puts them in order"
        )


def _several_fault(raw: RawTable, several: Several, time: str, rows: NDArray[np.int64], locate: Locate) -> DataError:
    first, second = int(rows[several.first]), int(rows[several.second])
    what = f"{placed(locate, first)} and {placed(locate, second)}"
    message = f"{several.doubled:,} of {len(rows):,} rows have the same time as another: {what} ({time})"
    hint = "keep one row of each time: their mean or sum, say"
    if several.columns:
        values = [", ".join(str(column_of(raw.frame, name)[row]) for name in several.columns) for row in (first, second)]
        message += f"; {several.named} tells them apart ({values[0]!r}, {values[1]!r}): {several.count:,} series in one table"
        named = several.columns[0] if len(several.columns) == 1 else f"[{several.named}]"
        hint = f"`series: {{id: {named}}}` learns them all in one model, no window across two"
    file, line = locate(second)
    return DataError(Fault(message, path="data.series.time", file=file, line=line, hint=hint))


def placed(locate: Locate, row: int) -> str:
    """The place of a row, for a sentence."""
    file, line = locate(row)
    return f"{file}:{line}" if line else f"row {row + 1:,}"


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
    notes = []
    together = np.argsort(groups.codes, kind="stable")
    order = np.lexsort((times.values, groups.codes))
    moved = int((order != together).sum())
    if moved:
        notes.append(f"{moved:,} rows were not in the order of time and were sorted")
    beside = np.diff(groups.codes[order]) == 0
    doubled = np.flatnonzero((np.diff(times.values[order]) == 0) & beside)
    if len(doubled):
        where = placed(locate, int(rows[order[doubled[0] + 1]]))
        if len(groups.names) > 1 and len(doubled) > MANY_DOUBLES * len(rows):
            message = f"{len(doubled):,} of {len(rows):,} rows have the same time as another of their series (first {where})"
            raise DataError(Fault(message, path="data.series.id", hint="name all the columns that tell the series apart"))
        notes.append(f"{len(doubled):,} rows have the same time as the row after them and were left out (first {where})")
        order = np.delete(order, doubled)
    ordered, groups = times.take(order), groups.take(order)
    beside = np.diff(groups.codes) == 0
    found, share = ordered.step(beside)
    step = step or found
    follows = ordered.follows(step)
    num_gaps = int((~follows & beside).sum())
    if gaps is None:
        gaps = share >= REGULAR
    if num_gaps and gaps:
        notes.append(f"{num_gaps:,} gaps in time (rows more or less than {step.describe()} apart): no window goes across one")
    elif num_gaps:
        notes.append(
            f"the rows are not evenly apart in time ({100 * share:.0f} % by {step.describe()}): they count as if they were"
        )
    breaks = ~follows | ~beside if gaps else ~beside
    runs = np.concatenate([[0], np.cumsum(breaks)]).astype(np.int64) if len(order) else np.zeros(0, np.int64)
    return Timeline(ordered, rows[order], groups, runs, step, gaps, notes)
