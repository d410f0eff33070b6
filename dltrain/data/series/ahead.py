"""What comes after the last rows of each series: the windows to begin with, the times to come, and how forecasts are fed back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.config.types import SeriesConfig
from dltrain.data.columns.column import FeatureColumn, fill_features, read_feature
from dltrain.data.columns.dates.reading import to_moments
from dltrain.data.columns.kind import Unseen
from dltrain.data.raw import RawTable
from dltrain.data.series.calendars import Step
from dltrain.data.series.covariates import places_of
from dltrain.data.series.groups import shown_names
from dltrain.data.series.preprocessing import SeriesPreprocessing
from dltrain.data.series.timeline import SeriesValues, own_steps
from dltrain.data.series.times import DATE_PARTS, Times
from dltrain.errors import DataError, Note, UsageError, warn
from dltrain.later import polars
from dltrain.wording import counted, listed


@dataclass(slots=True)
class Ahead:
    """The last window of each series, from which the rows after it are forecast.

    Attributes:
        preprocessing: of the run.
        names: of each series, one text for each column of `data.series.id`.
        rows: float32 [series, rows, numbers]: its last rows, forecasts among them once `go_on` was told any; as many as the
            windows take that foretell the rows that come next.
        future: float32 [series, rows, numbers]: what is known of the rows that come after the last one.
        come: the times of the rows of `future`, [series, rows], in the form of `Times.values`.
        last: the time of each series's last row in the data.
        steps: of the series that go by another calendar than most, by their places.
        done: how many rows `go_on` has added to each.
    """

    preprocessing: SeriesPreprocessing
    names: list[tuple[str, ...]]
    rows: NDArray[np.float32]
    future: NDArray[np.float32]
    come: NDArray[Any]
    last: Times
    steps: dict[int, Step] = field(default_factory=dict)
    done: int = field(default=0)

    def windows(self) -> NDArray[np.float32]:
        """What foretells the rows that come next, [windows, series, history, numbers].

        The last one is that of the last rows. With an offset it does not tell the next rows: those that end before do, one each.
        """
        series, count = self.preprocessing.series, self.rows.shape[1]
        ends = range(count - series.first_ahead + 1, count + 1)
        return np.stack([self.rows[:, end - series.span : end : series.sampling] for end in ends])

    def times(self, first: int, count: int) -> list[str]:
        """The times of `count` rows of each series from `first` rows after its last one on, series by series, as text."""
        return self.last.texts(self._moved(first, count))

    def _moved(self, first: int, count: int) -> NDArray[Any]:
        if self.come.shape[1]:  # the data says them itself, and leaves out what is no day of this series
            times: NDArray[Any] = self.come[:, first - 1 : first - 1 + count].ravel()
            return times
        return np.stack([self.later(first + place) for place in range(count)], axis=1).ravel()

    def later(self, count: int) -> NDArray[Any]:
        """The time so many rows after the last one of each series, by its own calendar."""
        times = self.last.later(self.preprocessing.step, count)
        for place, step in self.steps.items():
            times[place] = self.last.take(np.array([place])).later(step, count)[0]
        return times

    def go_on(self, said: Mapping[str, NDArray[np.float64]]) -> None:
        """Continue the series with forecasts in place of rows that are not known yet.

        Args:
            said: column that is foretold -> [series, rows] in its own units.
        """
        num_rows = next(iter(said.values())).shape[1]
        series, features = self.preprocessing.series, self.preprocessing.table.features
        rows = np.stack([self.rows[:, -1]] * num_rows, axis=1)  # what is static stays as it is
        told = {column.name: self._values(column, said, num_rows) for column in features if column.name not in _given(series)}
        for name, values in told.items():
            places = places_of(features, (name,))
            matrix = np.zeros((rows.shape[0] * num_rows, len(places)), np.float32)
            fill_features(matrix, [column for column in features if column.name == name], {name: values}, Unseen())
            rows[:, :, places] = matrix.reshape(*rows.shape[:2], -1)
        known = self.preprocessing.known_places
        if len(known):
            begin = self.done + num_rows
            rows[:, :, known] = self.future[:, self.done : begin]
            rows[:, :, -len(known) :] = self.future[:, begin : begin + num_rows]
        self.rows = np.concatenate([self.rows, rows], axis=1)[:, num_rows:]
        self.done += num_rows

    def _values(self, column: FeatureColumn, said: Mapping[str, NDArray[np.float64]], num_rows: int) -> Any:
        if column.name in said:
            return said[column.name].ravel()
        times, reading = self._moved(self.done + 1, num_rows), self.preprocessing.table.reading
        if len(self.preprocessing.series.time) > 1:
            dates = polars.Series(self.last.to_clock(times)).cast(polars.Datetime("us"))
            part: polars.Series = getattr(dates.dt, column.name.casefold())()
            return part.to_numpy().astype(np.float64)
        return read_feature(polars.Series(column.name, self.last.texts(times)), column, reading)[0]


def refuse_unknown_future(preprocessing: SeriesPreprocessing, steps: int) -> None:
    """Refuse steps beyond the horizon where a column is needed for them that is neither foretold nor told by the time.

    Raises:
        UsageError: with these columns.
    """
    series, table = preprocessing.series, preprocessing.table
    if steps <= series.reach:
        return
    foretold = {target.name for target in table.targets}
    unknown = [
        column.name
        for column in table.features
        if column.name not in _given(series) and not _is_told(column, foretold, series.time)
    ]
    if unknown:
        message = (
            f"beyond {_horizon(series)} the model would need what nobody knows yet: {listed(unknown)}; "
            f"{listed(sorted(foretold))} alone {'are' if len(foretold) > 1 else 'is'} foretold"
        )
        horizon = steps - series.first_ahead + 1
        hint = (
            f"--steps {series.reach} at most; or train with data.series.horizon: {horizon}, or without these columns (data.drop)"
        )
        raise UsageError(message, hint=hint)


def _horizon(series: SeriesConfig) -> str:
    """How far the model itself foretells, in words."""
    return f"the horizon of {series.horizon} rows" if series.first_ahead == 1 else f"the {series.reach} rows that are foretold"


def _given(series: SeriesConfig) -> set[str]:
    """Columns whose later values are not forecast: those known ahead are in the file, static ones do not change."""
    return {*series.known, *series.static}


def _is_told(column: FeatureColumn, foretold: set[str], time: Sequence[str]) -> bool:
    """Whether a column's later values follow from the forecasts or from the time."""
    if column.name in foretold:
        return column.kind == "number"
    if len(time) > 1:
        return column.name in time and column.kind == "number" and column.name.casefold() in DATE_PARTS
    return column.name in time and column.kind in ("date", "number")


def last_rows(preprocessing: SeriesPreprocessing, raw: RawTable, since: str | None, steps: int, notes: list[Note]) -> Ahead:
    """The last rows of each series of a table, as many as its windows take.

    Args:
        preprocessing: of the run.
        raw: the table; it needs no more rows than these.
        since: the forecasts begin at this time: what the table has from there on is not looked at; None: after its last row.
        steps: how many rows are to be foretold.
        notes: hears what is unusual.

    Raises:
        DataError: columns that are to be known ahead are not there for so many rows; or no series has so many rows without a gap.
    """
    values = preprocessing.read_values(raw, with_targets=False, notes=notes)
    times = values.timeline.times
    past = preprocessing.observed(values)
    rows = np.flatnonzero(past if since is None else past & (times.values < moment_of(since, times)))
    if not len(rows):
        if since is None:
            raise preprocessing.no_past()
        raise DataError(f"no row is before {since}", hint="--since names the time of the first forecast")
    needed = preprocessing.series.span + preprocessing.series.first_ahead - 1
    ends, short = _ends(values, rows, needed)
    groups = values.timeline.groups
    if short and preprocessing.series.id:
        shown = shown_names([groups.names[code] for code in short])
        have = "has" if len(short) == 1 else "have"
        said = f"{len(short):,} series {have} less than {needed} rows without a gap at their end and no forecast: {shown}"
        notes.append(warn(said, "short_series"))
    if not len(ends):
        apart = f", each {preprocessing.step.describe()} after the one before," if preprocessing.series.gaps == "split" else ""
        message = f"forecasts need the last {needed} rows{apart} and there are {raw.frame.height:,} rows"
        message += _gap_before_end(values, rows)
        raise DataError(message, file=raw.origin[0][1] if raw.origin else None)
    last = values.features[ends[:, None] + np.arange(1 - needed, 1)]
    names = [groups.names[code] for code in groups.codes[ends]]
    future, come = _future(preprocessing, values, ends, steps, raw)
    runs = values.timeline.runs
    own = own_steps(times, preprocessing.step, runs)
    steps_of = {place: own[run] for place, run in enumerate(runs[ends].tolist()) if run in own}
    found = Ahead(preprocessing, names, last, future, come, times.take(ends), steps_of)
    if since is not None:
        _say_earlier(found, since, notes)
    return found


def _future(
    preprocessing: SeriesPreprocessing, values: SeriesValues, ends: NDArray[np.int64], steps: int, raw: RawTable
) -> tuple[NDArray[np.float32], NDArray[Any]]:
    """What is known of the rows after some, as far as forecasts need it: float32 [series, rows, numbers]; and their times."""
    places, reach = preprocessing.known_places, preprocessing.series.reach
    if not len(places):
        return np.zeros((len(ends), 0, 0), np.float32), np.zeros((len(ends), 0))
    needed = -(-steps // reach) * reach
    rows = ends[:, None] + np.arange(1, needed + 1)
    last = len(values.features) - 1
    runs, within = values.timeline.runs, np.minimum(rows, last)
    there = (rows <= last) & (runs[within] == runs[ends][:, None])
    for name in preprocessing.series.known:
        there &= ~values.missing[name][within] if name in values.missing else True
    have = np.logical_and.accumulate(there, axis=1).sum(axis=1)
    lacking = np.flatnonzero(have < needed)
    if len(lacking):
        groups = values.timeline.groups
        first, name = ends[lacking[:1]], groups.names[groups.codes[ends[lacking[0]]]]
        of = f" of {len(lacking):,} series, such as {shown_names([name])}," if name else ""
        after = values.timeline.times.take(first)
        begins, breaks = (after.texts(after.later(preprocessing.step, count))[0] for count in (1, int(have[lacking[0]]) + 1))
        names = " and ".join(preprocessing.series.known)
        message = f"{names} must be known of {needed:,} rows{of} from {begins} on; the first without them is that of {breaks}"
        hint = "give these rows with the target left empty, behind the others in the file or as one more --data"
        if steps < needed:
            hint += f"; the model takes those of {reach} rows at once"
        raise DataError(message, path="data.series.known", file=raw.origin[0][1] if raw.origin else None, hint=hint)
    return values.features[within][:, :, places], values.timeline.times.values[within]


def _ends(values: SeriesValues, rows: NDArray[np.int64], history: int) -> tuple[NDArray[np.int64], list[int]]:
    """The last of some rows of each series that has rows enough in its last run, and the codes of the others."""
    codes, runs = values.timeline.groups.codes, values.timeline.runs
    ends = rows[np.append(np.diff(codes[rows]) != 0, True)]
    begins = ends - history + 1
    there = (begins >= 0) & (runs[np.maximum(begins, 0)] == runs[ends])
    return ends[there], codes[ends[~there]].tolist()


def _gap_before_end(values: SeriesValues, rows: NDArray[np.int64]) -> str:
    """Between which times the last gap is of the first series that has one before the last of these rows; "" if none has."""
    line = values.timeline
    for end in rows[np.append(np.diff(line.groups.codes[rows]) != 0, True)]:
        begin = int(np.searchsorted(line.runs, line.runs[end]))
        if begin and line.groups.codes[begin - 1] == line.groups.codes[end]:
            before, after = line.times.texts(line.times.values[[begin - 1, begin]])
            behind = f"{counted(int(end) - begin + 1, 'row')} from there on"
            return f": between {before} and {after} there is a gap, with {behind}"
    return ""


def moment_of(text: str, times: Times) -> Any:
    """A time that a user wrote, as `Times.values` has it.

    Raises:
        UsageError: it is none.
    """
    if times.kind == "date":
        found = to_moments(polars.Series([text]), times.date_format)
        if found.null_count():
            raise UsageError(f"--since {text} is no date", hint=f"such as {times.texts(times.values[-1:])[0]}")
        return int(found.dt.epoch("us")[0])
    try:
        number = float(text)
    except ValueError:
        what = "a number" if times.kind == "number" else "the number of a row, from 1 on"
        raise UsageError(f"--since {text} is no time of this series: expected {what}") from None
    return number if times.kind == "number" else number - 1


def _say_earlier(found: Ahead, since: str, notes: list[Note]) -> None:
    """Say whose forecasts begin at another time than was asked for, as those do that have no rows just before it."""
    wanted = moment_of(since, found.last)
    first = found.come[:, 0] if found.come.shape[1] else found.later(1)
    early = np.flatnonzero(first != wanted)
    if len(early):
        text = found.last.texts(first[early[:1]])[0]
        of = (
            f" of {len(early):,} series, such as {shown_names([found.names[early[0]]])}," if found.preprocessing.series.id else ""
        )
        said = f"the forecasts{of} begin at {text}, one step after the last row before {since}"
        notes.append(warn(said, "forecasts_begin"))
