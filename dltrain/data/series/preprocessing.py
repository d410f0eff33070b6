"""Series: rows in the order of time to windows of the past, with what comes after each as the target."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from dltrain.config.types import SeriesConfig
from dltrain.data.columns.column import fill_features, writing_from
from dltrain.data.columns.kind import Unseen
from dltrain.data.dataset import SERIES, Part, Schema
from dltrain.data.preprocessing import Preprocessing
from dltrain.data.raw import Raw, RawTable, locator
from dltrain.data.series.answers import add_answers
from dltrain.data.series.calendars import A_FOUND_CALENDAR, CALENDARS, Step, day_of
from dltrain.data.series.covariates import last_observed, one_value, places_of, refuse_changing, with_later
from dltrain.data.series.groups import read_groups, silent_note, unknown_note
from dltrain.data.series.labels import WHOLE_SERIES, labels_of_series, series_of_parts
from dltrain.data.series.naive import NaiveErrors, series_rows
from dltrain.data.series.reading import read_columns, refuse_several
from dltrain.data.series.stored_config import restored_series, stored_series
from dltrain.data.series.timeline import SeriesValues, Timeline, arrange, every, fill_forward, take, times_following
from dltrain.data.series.times import Times, read_times
from dltrain.data.series.window_scale import deviations, window_scale, window_weights
from dltrain.data.series.window_specs import WindowScale, WindowView
from dltrain.data.tables.preprocessing import FEATURES, TablePreprocessing
from dltrain.errors import DataError, Fault, Note, capped
from dltrain.storage.values import one_of, texts, typed
from dltrain.wording import listed

if TYPE_CHECKING:
    from dltrain.data.arrays.disk_array import Array


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
        naive: what MASE and RMSSE are measured in; None: a run of before they were kept.
        least_spread: where each window is scaled by itself: what counts as its least deviation in the loss.
    """

    kind: ClassVar[str] = "series"
    table: TablePreprocessing
    series: SeriesConfig
    date_format: str | None
    step: Step
    last_known: bool
    known: tuple[tuple[str, ...], ...] = ()
    naive: NaiveErrors | None = None
    least_spread: float = 0.0

    @property
    def source(self) -> str:  # type: ignore[override]
        """The data source, which is that of the table."""
        return self.table.source

    @property
    def schema(self) -> Schema:
        """One input [history, numbers]; a target for each column and step ahead."""
        [spec] = self.table.schema.inputs
        targets = (
            self.table.targets
            if self.classifies
            else tuple(
                replace(target, name=self._name(target.name, ahead, quantile), column=target.name, ahead=ahead, quantile=quantile)
                for target in self.table.targets
                for ahead in self.series.aheads
                for quantile in self.series.quantiles or (None,)
            )
        )
        scale = self.window_scale() if self.series.scale is not None else None
        columns = (*spec.columns, *(f"{spec.columns[place]} +{self.series.reach}" for place in self.known_places))
        shape = (self.series.history, len(columns))
        views = self._views(len(spec.columns))
        return Schema((replace(spec, shape=shape, columns=columns, window_scale=scale, views=views),), targets)

    def _views(self, num_columns: int) -> tuple[WindowView, ...]:
        """What is known of the rows that are foretold, [horizon, numbers], and what is the same in each series, as a vector."""
        later = range(num_columns, num_columns + len(self.known_places))
        static = places_of(self.table.features, self.series.static).tolist()
        known = WindowView("known", self.series.horizon, tuple(later))
        return tuple(view for view in (known, WindowView("static", 0, tuple(static))) if view.places)

    @property
    def classifies(self) -> bool:
        """Whether windows have labels; else what comes after them is foretold."""
        return self.table.targets[0].task == "classification"

    @property
    def labels_whole(self) -> bool:
        """Whether it is a series as a whole that has a label."""
        return self.series.label_of == WHOLE_SERIES

    @property
    def known_places(self) -> NDArray[np.int64]:
        """Where among the numbers of a row those known ahead stand; behind all of them they stand as they will be."""
        return places_of(self.table.features, self.series.known)

    @property
    def yet_to_come(self) -> tuple[str, ...]:
        """Columns of which rows that only say what is known ahead may have none."""
        if not self.series.known:
            return ()
        told = {*self.series.known, *self.series.time, *self.series.id}
        read = (*(column.name for column in self.table.features), *self._targets_read)
        return tuple(name for name in dict.fromkeys(read) if name not in told)

    @property
    def _targets_read(self) -> tuple[str, ...]:
        return tuple(name for target in self.table.targets for name in target.columns_read)

    def window_scale(self) -> WindowScale:
        """See `window_scale`."""
        return window_scale(self.table, {*self.series.known, *self.series.static}, len(self.known_places))

    def _name(self, column: str, ahead: int, quantile: float | None) -> str:
        """Of a target: the forecast itself has that of the column and the step, other quantiles say which they are."""
        step = column if self.series.horizon == 1 else f"{column} +{ahead}"
        return step if quantile in (None, 0.5) else f"{step} quantile {quantile:g}"

    def transform(
        self, raw: Raw, *, with_targets: bool, rows: NDArray[np.int64] | None = None, notes: list[Note] | None = None
    ) -> Part:
        """The windows of the data, and where no targets are asked for, all of them with the one that ends at its last row.

        The answer for a whole series is the mean of its windows: those of the stride, as they are in the parts of the run.
        """
        if not isinstance(raw, RawTable):
            raise DataError("expected a table, got pictures")
        notes = [] if notes is None else notes
        values = self.read_values(raw, with_targets=with_targets, notes=notes)
        everything = np.arange(len(values.timeline.rows))
        if self.series.known and not with_targets and not self.observed(values).any():
            raise self.no_past()
        stride = self.series.stride if with_targets or self.labels_whole else 1
        part = self.assemble(values, everything, with_targets=with_targets, stride=stride)
        apart = f", each {self.step.describe()} after the one before" if self.series.gaps == "split" else ""
        needed = f"{self.needed_rows(with_targets)} rows{apart}"
        if not part.num_rows:
            message = f"{raw.frame.height:,} rows hold no window: {needed}{',' if apart else ''} are needed"
            raise DataError(message, file=raw.origin[0][1] if raw.origin else None)
        if self.series.id:
            groups = values.timeline.groups
            notes += silent_note(groups, groups.codes, part.identifiers, self.series.id, needed)
        return part

    def no_past(self) -> DataError:
        """Of rows that only say what is known ahead."""
        hint = "give the rows before these as well: --data PAST --data AHEAD"
        return DataError("no row has a target, and forecasts begin after the last one that has", hint=hint)

    def needed_rows(self, with_targets: bool) -> int:
        """How many rows a window spans."""
        return self.series.span + (self.series.reach if with_targets or self.series.known else 0)

    def observed(self, values: SeriesValues) -> NDArray[np.bool_]:
        """Whether each row is past: those after the last target of a series only hold what is known ahead."""
        if not self.series.known:
            return np.ones(len(values.timeline.rows), bool)
        return last_observed(values.targets, values.timeline.groups.codes)

    def read_values(self, raw: RawTable, *, with_targets: bool, notes: list[Note]) -> SeriesValues:
        """Read the columns, put them in the order of time, fill and scale them.

        Raises:
            DataError: columns are missing, or values that are not of their kind.
        """
        if not with_targets and self.series.known and not any(name in raw.frame.columns for name in self._targets_read):
            raise self.no_past()
        self.table.check_columns(raw, with_targets or bool(self.series.known))
        needed = [("time", name) for name in self.series.time] + [("id", name) for name in self.series.id]
        missing = [f"the {what} column {name} is missing" for what, name in needed if name not in raw.frame.columns]
        if missing:
            file = raw.origin[0][1] if raw.origin else None
            hint = f"the run was trained with it; the columns here are {listed(raw.frame.columns)}"
            raise DataError(capped([Fault(message, file=file, hint=hint) for message in missing]))
        locate, reading = locator(raw), self.table.reading
        times = read_times(raw.frame, self.series.time, reading, locate, self.date_format)
        groups = read_groups(raw.frame, self.series.id, reading, locate)
        if self.series.id and not self.labels_whole:  # series that are labelled as a whole are all new ones
            notes += unknown_note(groups, self.known, self.series.id)
        if not self.series.id:
            refuse_several(raw, times, self.series.time, [target.name for target in self.table.targets], reading, notes)
        everything = np.arange(raw.frame.height)
        timeline = arrange(times, everything, groups, self.step, gaps=self.series.gaps == "split", locate=locate)
        notes += timeline.notes
        refuse_changing(raw.frame, self.series.static, groups, reading, locate)
        features, targets = read_columns(raw, self.table, locate, with_targets=with_targets or bool(self.series.known))
        features |= {name: one_value(features[name], groups.codes) for name in self.series.static}
        if self.labels_whole and targets:
            targets = labels_of_series(raw, targets, series_of_parts(raw, groups), reading, locate)
        return self.order_values(timeline, features, targets, notes)

    def order_values(
        self,
        timeline: Timeline,
        features: Mapping[str, Any],
        targets: Mapping[str, NDArray[np.float64]],
        notes: list[Note],
    ) -> SeriesValues:
        """Columns as they were read, in the order of time, with gaps filled and scaled."""
        ordered = {name: take(values, timeline.rows) for name, values in features.items()}
        filled = dict(ordered)
        missing = {name: np.isnan(column) for name, column in ordered.items() if isinstance(column, np.ndarray)}
        if self.last_known:
            for column in self.table.features:
                if column.by_kind.is_array:
                    filled[column.name] = fill_forward(ordered[column.name], timeline.groups.codes)
        unseen = Unseen(filled="the last known value stands in") if self.last_known else Unseen()
        matrix = np.zeros((len(timeline.rows), sum(len(column.columns) for column in self.table.features)), np.float32)
        fill_features(matrix, self.table.features, filled, unseen)
        place = 0
        for column in self.table.features:
            if column.by_kind.is_array and column.numbers[0].indicator:
                matrix[:, place + 1] = np.isnan(ordered[column.name])
            place += len(column.columns)
        matrix = with_later(matrix, self.known_places, timeline.runs, self.series.reach)
        values = SeriesValues(timeline, matrix, {name: column[timeline.rows] for name, column in targets.items()}, missing)
        unseen.gaps.clear()  # those before they were filled, of rows that a window sees
        past = self.observed(values)
        for column in self.table.features:
            gaps = column.by_kind.are_gaps(ordered[column.name])
            unseen.add_gaps(column, gaps if column.name in self.series.known else gaps & past)
        notes += unseen.notes(self.table.features)
        return values

    def assemble(
        self,
        values: SeriesValues,
        rows: NDArray[np.int64],
        *,
        with_targets: bool,
        stride: int,
        store: Callable[[NDArray[np.int64], NDArray[np.int64]], Array] | None = None,
    ) -> Part:
        """The windows of some neighbouring rows of the series, without a gap or a missing target in them.

        They lie wholly within these rows; or where `data.series.history_from` is `before`, what is foretold does, and the history
        may reach back to rows before them.

        Args:
            values: all rows.
            rows: rising; no window goes across a gap in their numbers.
            with_targets: what follows a window must be there; else the last window ends at the last row.
            stride: rows from the beginning of a window to that of the next of its series.
            store: takes where in `values` the windows begin, and how many rows after that each of their rows is, and keeps them
                elsewhere; None: in memory.
        """
        series, runs = self.series, values.timeline.runs
        starts = self._starts(rows, runs, with_targets=with_targets)
        if with_targets:
            known = np.ones(len(starts), bool)
            for column in values.targets.values():
                for ahead in series.aheads:
                    known &= np.isfinite(column[starts + series.span - 1 + ahead])
            starts = starts[known]
        elif series.known:
            starts = starts[self.observed(values)[starts + series.span - 1]]
        starts = starts[every(stride, values.timeline.groups.codes[starts])]
        ends, own = starts + series.span - 1, np.arange(series.history) * series.sampling
        inputs = store(starts, own) if store else values.features[starts[:, None] + own]
        times = values.timeline.times
        part = Part(
            {FEATURES: inputs},
            {},
            None,
            values.timeline.rows[ends + series.first_ahead] if with_targets else values.timeline.rows[ends],
            {
                **values.timeline.groups.labels(series.id, ends),
                **self._foretold(times, ends, runs),
            },
        )
        if self.labels_whole:  # windows of one series are not independent
            part.blocks, part.blocks_by = values.timeline.groups.codes[ends], SERIES
        if with_targets:
            add_answers(part, self.schema.targets, series, values, ends)
        if with_targets and not self.classifies:
            part.series = series_rows(self.naive, self.known, values.timeline.groups, ends)
        if with_targets and series.scale is not None and not self.classifies:
            found = deviations(self.window_scale(), values.features, starts, series.history, series.sampling)
            part.weights = window_weights(found, self.least_spread, 1 if series.quantiles else 2)
        return part

    def _foretold(self, times: Times, ends: NDArray[np.int64], runs: NDArray[np.int64]) -> dict[str, list[str]]:
        """Of windows that end at some rows: the time, or the number, of the first row that is foretold."""
        ahead = self.series.first_ahead
        if not self.series.time:
            return {"row": times.texts(ends + ahead)}
        return {"time": times_following(times, self.step, ends, runs, ahead)}

    def _starts(self, rows: NDArray[np.int64], runs: NDArray[np.int64], *, with_targets: bool) -> NDArray[np.int64]:
        """Where windows begin that go across no gap, neither in time nor in the numbers of the rows."""
        series = self.series
        reach = series.span - 1 + series.first_ahead if with_targets and series.history_from == "before" else 0
        span = self.needed_rows(with_targets) - reach  # rows of a window that have to be among these
        places = np.arange(max(len(rows) - span + 1, 0))
        starts, lasts = rows[places] - reach, rows[places + span - 1]
        there = (lasts - starts == reach + span - 1) & (starts >= 0)
        starts, lasts = starts[there], lasts[there]
        found: NDArray[np.int64] = starts[runs[starts] == runs[lasts]]
        return found

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
        line = f"series: {series.history} rows ({self._apart()}) tell {self._told()}"
        if series.scale is not None:
            line += ", each window scaled by its own mean and deviation"
        if series.quantiles:
            line += f", the quantiles {', '.join(f'{quantile:g}' for quantile in series.quantiles)} of each"
        for names, what in ((series.known, "known ahead"), (series.static, "the same in each series")):
            line += f"; {' and '.join(names)} {'are' if len(names) > 1 else 'is'} {what}" if names else ""
        if series.id:
            trained = " in the training part," if self.labels_whole else ""
            line += f"; {len(self.known):,} series{trained} told apart by {', '.join(series.id)}, one model for all"
        return [line, *self.table.describe()]

    def _apart(self) -> str:
        """How far apart the rows of a window are, in words."""
        if self.series.sampling == 1:
            return f"{self.step.describe()} apart"
        apart = replace(self.step, size=self.step.size * self.series.sampling)
        return f"{apart.describe()} apart, one of {self.series.sampling}"

    def _told(self) -> str:
        """Which rows are foretold, in words."""
        aheads = self.series.aheads
        if self.classifies:
            if self.series.label_of == WHOLE_SERIES:
                return "the label of their series"
            later = "of the last of them" if aheads[0] == 0 else "of the next row" if aheads[0] == 1 else None
            return f"the label {later or f'of the row {aheads[0]} rows later'}"
        if aheads[0] == 1:
            return "the next row" if len(aheads) == 1 else f"each of the next {len(aheads)} rows"
        return f"the row {aheads[0]} rows later" if len(aheads) == 1 else f"each row from {aheads[0]} to {aheads[-1]} rows later"

    def to_state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """See `Preprocessing.to_state`."""
        table, arrays = self.table.to_state()
        series = self.series
        state = {
            "table": table,
            **stored_series(series),
            "known": [list(name) for name in self.known],
            "least_spread": self.least_spread,
            "date_format": self.date_format,
            "step": [self.step.unit, self.step.size, self.step.calendar],
            "last_known": self.last_known,
            "naive": None if self.naive is None else self.naive.to_state(),
        }
        return state, arrays

    @classmethod
    def from_state(cls, state: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> SeriesPreprocessing:
        """See `Preprocessing.from_state`."""
        table = TablePreprocessing.from_state(typed(state, "table", dict), arrays)
        if any(column.is_embedded for column in table.features) or not table.schema.inputs:
            raise ValueError("a series has columns of numbers only")
        tasks = {target.task for target in table.targets}
        if len(tasks) != 1 or not tasks <= {"regression", "classification"}:
            raise ValueError("a series foretells numbers, or its windows have labels")
        series = restored_series(state, {column.name for column in table.features})
        unit, size, *calendar = state["step"]
        step = Step(one_of({"unit": unit}, "unit", ("month", "microsecond", "number", "row")), float(size), _calendar(calendar))
        step = replace(step, holidays=tuple(sorted(map(day_of, series.holidays))))
        known = tuple(texts({"known": name}, "known") for name in state.get("known", ()))
        naive = NaiveErrors.from_state(state["naive"], max(1, len(known))) if state.get("naive") is not None else None
        if series.scale is not None:
            window_scale(table)
        least = float(state.get("least_spread", 0.0))
        if not least >= 0:
            raise ValueError("least_spread out of range")
        return cls(table, series, writing_from(state["date_format"]), step, typed(state, "last_known", bool), known, naive, least)


def _calendar(stored: list[Any]) -> str:
    if stored and isinstance(stored[0], str) and A_FOUND_CALENDAR.fullmatch(stored[0]):
        return stored[0]
    return one_of({"calendar": stored[0]}, "calendar", CALENDARS) if stored else ""
