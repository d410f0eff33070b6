"""From a raw table to the windows of a series: order, parts by time, statistics of the training rows."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.config.types import DataConfig, config_fault
from dltrain.data.arrays.disk_array import DiskArray
from dltrain.data.columns.column import FeatureColumn, check_gaps, fit_feature, split_untaught
from dltrain.data.columns.kind import Learning
from dltrain.data.dataset import Part, TargetSpec
from dltrain.data.fitted import Fitted
from dltrain.data.part_sizes import SplitError, part_sizes, rolling_sizes
from dltrain.data.preprocessing import Preprocessing
from dltrain.data.raw import RawTable
from dltrain.data.series.covariates import check_are_features, last_observed, one_value, refuse_changing
from dltrain.data.series.groups import Groups, label_of, read_groups, shown_names
from dltrain.data.series.naive import naive_errors
from dltrain.data.series.preprocessing import SeriesPreprocessing, SeriesValues
from dltrain.data.series.reading import read_columns, read_target_numbers, refuse_several
from dltrain.data.series.said import gap_lines, season_lines
from dltrain.data.series.timeline import Timeline, arrange
from dltrain.data.series.times import Times, read_times
from dltrain.data.series.window_scale import LEAST, deviations
from dltrain.data.splits import Rows
from dltrain.data.tables.fitting.columns import fit_column
from dltrain.data.tables.fitting.kinds import column_kinds, decided_dates, feature_columns
from dltrain.data.tables.fitting.reading import check_columns, reading_of, text_options, with_units
from dltrain.data.tables.fitting.summary import summarize
from dltrain.data.tables.fitting.targets import scaled_target, target_names
from dltrain.data.tables.preprocessing import TablePreprocessing, locator
from dltrain.data.tables.streamed.column_files import write_meta
from dltrain.data.targets import HINT_CONSTANT, transformed
from dltrain.errors import ConfigError, DataError, Note, warn
from dltrain.parts import PARTS
from dltrain.reporting import Reporter
from dltrain.settings import whole_number
from dltrain.storage.stored_folders import META, make_folder

# Windows of more bytes are kept on disk.
WINDOW_BYTES = 512 << 20
BLOCK_BYTES = 32 << 20


def fit_series(config: DataConfig, raw: RawTable, stored: Preprocessing | None, reporter: Reporter) -> Fitted:
    """Fit to a series, or put it through the preprocessing of a stored run.

    Raises:
        DataError: columns, values or rows that do not do, several series in one table.
        ConfigError: options that do not fit together.
    """
    series = config.series
    assert series is not None
    check_columns(config, raw)
    if stored is not None and not isinstance(stored, SeriesPreprocessing):
        raise DataError("the run was not trained on a series")
    locate = locator(raw)
    reading = stored.table.reading if stored else with_units(config, raw, reading_of(config, raw))
    times = read_times(raw.frame, series.time, reading, locate, stored.date_format if stored else None)
    groups = read_groups(raw.frame, series.id, reading, locate)
    notes: list[Note] = []
    for rows in () if series.id else raw.parts.values() or (None,):
        refuse_several(raw, times, series.time, config.target, reading, notes, rows)
    refuse_changing(raw.frame, series.static, groups, reading, locate)
    timeline, places = _parts(config, raw, times, groups, stored)
    notes += timeline.notes
    table, left_out, guessed = (stored.table, [], []) if stored else _columns(config, raw)
    notes += guessed
    features, targets = read_columns(raw, table, locate, with_targets=True)
    features |= {name: one_value(features[name], groups.codes) for name in (stored.series if stored else series).static}
    untaught: list[tuple[str, str]] = []
    if stored is None:
        preprocessing, untaught, more = _fit(config, raw, table, timeline, places["train"], features, targets)
        notes += more
    else:
        preprocessing = stored
    values = preprocessing.order_values(timeline, features, targets, notes)
    if stored is None and preprocessing.series.scale is not None:
        preprocessing = _with_least_spread(config, preprocessing, values, places["train"])
    parts = _windows(config, preprocessing, values, places, reporter, notes)
    known = {name: column[np.isfinite(column)] for name, column in values.targets.items()}
    facts = [Note(preprocessing.describe()[0]), *summarize(preprocessing.table, known, left_out, raw.frame.height, untaught)]
    facts += map(Note, (*season_lines(config, preprocessing), *gap_lines(preprocessing, values)))
    notes[:0] = facts
    within = f" within each of {len(groups.names):,} series" if series.id else ""
    if config.split.folds is not None:
        within = f"{within}, fold {config.split.fold} of {config.split.folds}"
    manner = f"by time{within}" + (", files of their own" if raw.parts else "")
    return Fitted(preprocessing, parts, notes, _resolved(preprocessing), manner)


def _parts(
    config: DataConfig, raw: RawTable, times: Times, groups: Groups, stored: SeriesPreprocessing | None
) -> tuple[Timeline, dict[str, Rows]]:
    """The rows of each series in the order of time, each part's file after the other, and each part's places in that order."""
    assert config.series is not None
    locate = locator(raw)
    wanted = stored.series.gaps if stored else config.series.gaps
    gaps = None if wanted is None else wanted == "split"
    step = stored.step if stored else None
    lines: dict[str, Timeline] = {}
    for name, rows in (raw.parts or {"train": np.arange(raw.frame.height)}).items():
        line = arrange(times.take(rows), rows, groups.take(rows), step, gaps=gaps, locate=locate)
        lines[name], step, gaps = line, line.step, line.splits
    places = _split(config, lines["train"], _past(config, raw, lines["train"], stored))
    first = len(lines["train"].rows)
    for name, line in lines.items():
        if name != "train":
            if name in places:
                raise ConfigError(config_fault(config, f"data.split.{name}", f"there is a {name} part already"))
            places[name] = np.arange(first, first + len(line.rows))
            first += len(line.rows)
    if len(lines) == 1:
        return lines["train"], places
    runs, last = [], 0
    for line in lines.values():
        runs.append(line.runs + last)
        last = int(runs[-1][-1]) + 1
    timeline = Timeline(
        _joined([line.times for line in lines.values()]),
        np.concatenate([line.rows for line in lines.values()]),
        Groups(np.concatenate([line.groups.codes for line in lines.values()]), groups.names),
        np.concatenate(runs),
        lines["train"].step,
        lines["train"].splits,
        [note.of(f"{name} part") for name, line in lines.items() for note in line.notes],
    )
    return timeline, {name: places[name] for name in PARTS if name in places}


def _past(config: DataConfig, raw: RawTable, line: Timeline, stored: SeriesPreprocessing | None) -> NDArray[np.bool_]:
    """Whether each row is of a part: what only holds columns known ahead, after the last target of its series, is of none."""
    assert config.series is not None
    if not config.series.known:
        return np.ones(len(line.rows), bool)
    reading = stored.table.reading if stored else with_units(config, raw, reading_of(config, raw))
    names = target_names(config, raw)
    targets = {name: read_target_numbers(raw, name, reading, locator(raw))[line.rows] for name in names}
    return last_observed(targets, line.groups.codes)


def _split(config: DataConfig, line: Timeline, past: NDArray[np.bool_]) -> dict[str, Rows]:
    """The first rows of each series to the training part, the last ones to the test part."""
    codes = line.groups.codes
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
        said = f"{short:,} series are too short to be split and are in the training part alone"
        line.notes.append(warn(said, "short_series"))
    return {name: np.concatenate(places) for name, places in found.items() if places}


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


def _columns(config: DataConfig, raw: RawTable) -> tuple[TablePreprocessing, list[tuple[str, str]], list[Note]]:
    """The columns and targets, not fitted yet; what is left out; what was guessed.

    A target's own past is a feature like any other column.
    """
    assert config.series is not None
    reading = with_units(config, raw, reading_of(config, raw))
    names = target_names(config, raw)
    ids = (name for name in config.series.id if name not in config.series.static)
    drop = config.drop if config.features is not None else (*config.drop, *config.series.time, *ids)
    plain = replace(config, target=(), task="reconstruction", drop=drop)  # so that no target is kept from being a feature
    kinds = column_kinds(plain, raw, reading)
    columns, left_out = feature_columns(plain, raw, kinds)
    check_are_features(config, columns, left_out)
    times = config.series.time if len(config.series.time) == 1 else ()
    reading, guessed = decided_dates(config, raw, reading, kinds, times)
    texts = [column.name for column in columns if column.kind == "text"]
    if texts:
        raise DataError(config_fault(config, f"data.features.{texts[0]}", f"{texts[0]} is free text, which a series cannot hold"))
    plain_targets = (TargetSpec(name, "regression", reason="a series foretells numbers") for name in names)
    targets = tuple(transformed(spec, config.scale_target) for spec in plain_targets)
    return (
        TablePreprocessing(
            source=config.source,
            features=tuple(columns),
            targets=targets,
            reading=reading,
            text_options=text_options(config, raw),
        ),
        left_out,
        guessed,
    )


def _fit(
    config: DataConfig,
    raw: RawTable,
    table: TablePreprocessing,
    timeline: Timeline,
    train: Rows,
    features: Mapping[str, Any],
    targets: Mapping[str, NDArray[np.float64]],
) -> tuple[SeriesPreprocessing, list[tuple[str, str]], list[Note]]:
    """Statistics of the training rows; the columns that they teach nothing about, and warnings."""
    assert config.series is not None
    rows = timeline.rows[train]
    last_known = config.impute is None
    columns = [_fit_column(config, column, features[column.name], rows, last_known=last_known) for column in table.features]
    taught, untaught, warnings = split_untaught(columns, len(rows))
    fitted = tuple(taught)
    if not last_known:
        check_gaps(fitted, features, locator(raw))
    specs = []
    for spec in table.targets:
        known = targets[spec.name][rows]
        known = known[np.isfinite(known)]
        if not len(known) or np.ptp(known) == 0:
            message = f"the target {spec.name} is {'empty' if not len(known) else 'the same'} in every row of the training part"
            if not len(known) or not config.allow_one_class:
                raise DataError(config_fault(config, "data.target", message, HINT_CONSTANT if len(known) else None))
            warnings.append(warn(f"{message}: to say it always is all that can be learnt", "one_value"))
        specs.append(scaled_target(config, spec, {spec.name: known}, np.arange(len(known))))
    if not fitted and config.allow_one_class:
        fitted = tuple(column for column in columns if column.name in config.target)
        untaught = [(name, reason) for name, reason in untaught if name not in config.target]
    if not fitted:
        raise DataError(config_fault(config, "data.features", "no column is left to learn from"))
    season = config.series.season or timeline.step.season
    there = {column.name for column in fitted}
    series = replace(
        config.series,
        season=season,
        gaps="split" if timeline.splits else "ignore",
        known=tuple(name for name in config.series.known if name in there),
        static=tuple(name for name in config.series.static if name in there),
    )
    in_order = {name: values[timeline.rows] for name, values in targets.items()}
    preprocessing = SeriesPreprocessing(
        table=replace(table, features=fitted, targets=tuple(specs)),
        series=series,
        date_format=timeline.times.date_format,
        step=timeline.step,
        last_known=last_known,
        known=tuple(timeline.groups.names[code] for code in np.unique(timeline.groups.codes[train])) if config.series.id else (),
        naive=naive_errors(in_order, train, timeline.groups.codes, timeline.runs, season),
    )
    return preprocessing, untaught, warnings


def _fit_column(config: DataConfig, column: FeatureColumn, values: Any, rows: Rows, *, last_known: bool) -> FeatureColumn:
    if column.kind == "category":
        return fit_feature(column, values, rows, Learning(encode="one_hot"))
    return fit_column(config if not last_known else replace(config, impute="median"), column, values, rows)


def _windows(
    config: DataConfig,
    preprocessing: SeriesPreprocessing,
    values: SeriesValues,
    places: Mapping[str, Rows],
    reporter: Reporter,
    notes: list[Note],
) -> dict[str, Part]:
    """The parts, each of its windows."""
    series = preprocessing.series
    num_bytes = len(values.timeline.rows) // series.stride * series.history * values.features.shape[1] * 4
    on_disk = num_bytes > whole_number("DLTRAIN_STREAM_BYTES", WINDOW_BYTES)
    parts = {}
    for name, rows in places.items():
        store = _WindowFile(name, values.features, reporter).write if on_disk else None
        part = preprocessing.assemble(values, rows, with_targets=True, stride=series.stride, store=store)
        if series.id:
            _say_silent(name, part, values, rows, preprocessing, notes)
        if not part.num_rows:
            folds = config.split.folds
            of_fold = f" of fold {config.split.fold or 1} of {folds}" if folds is not None else ""
            found = f"the {name} part{of_fold} has no window: {len(rows):,} rows"
            message = f"{found}, and a window is {_needed(preprocessing, name)} in time"
            way = "ask for fewer folds" if folds is not None else "enlarge the part"
            hint = f"lower data.series.history or data.series.horizon, or {way}{_way_out(name, preprocessing)}"
            raise DataError(config_fault(config, "data.series", message + " or a missing target", hint))
        parts[name] = part
    return parts


def _say_silent(
    name: str, part: Part, values: SeriesValues, rows: Rows, preprocessing: SeriesPreprocessing, notes: list[Note]
) -> None:
    """Say which series a part holds no window of."""
    groups, columns = values.timeline.groups, preprocessing.series.id
    seen = set(zip(*(part.identifiers[label_of(column)] for column in columns), strict=True))
    silent = [names for names in (groups.names[code] for code in np.unique(groups.codes[rows])) if names not in seen]
    if silent and part.num_rows:
        needed = f"{name} part: {len(silent):,} series have no window of {_needed(preprocessing, name)} in it"
        notes.append(warn(f"{needed}: {shown_names(silent)}{_way_out(name, preprocessing)}", "series_without_windows"))


def _needed(preprocessing: SeriesPreprocessing, name: str) -> str:
    """The rows that a window of a part takes, in words."""
    series = preprocessing.series
    if series.history_from == "before" and name != "train":
        before = series.span - 1 + series.first_ahead
        return f"{before} rows before and {series.horizon} rows of the part, without a gap"
    return f"{preprocessing.needed_rows(True)} rows without a gap"


def _way_out(name: str, preprocessing: SeriesPreprocessing) -> str:
    """What would give a part more windows."""
    if name == "train" or preprocessing.series.history_from == "before":
        return ""
    return "; data.series.history_from: before lets their history reach back before the part"


class _WindowFile:
    """Windows in a file of dltrain's cache: what does not fit in memory is read from there while it is trained on."""

    def __init__(self, part: str, values: NDArray[np.float32], reporter: Reporter) -> None:
        self.part, self.values, self.reporter = part, values, reporter

    def write(self, starts: NDArray[np.int64], own: NDArray[np.int64]) -> DiskArray:
        """The windows that begin at some rows and have rows so many rows after that, [windows, history, numbers]."""
        history = len(own)
        shape = (len(starts), history, self.values.shape[1])
        digest = hashlib.blake2b(f"{shape}".encode(), digest_size=12)
        digest.update(np.ascontiguousarray(self.values).data)
        digest.update(starts.data)
        digest.update(own.data)

        def fill(folder: Path) -> None:
            block = max(1, BLOCK_BYTES // (4 * history * shape[2]))
            with open(folder / "windows.bin", "wb") as file:
                for first in range(0, len(starts), block):
                    self.reporter.status(f"{self.part} part: {first:,} of {len(starts):,} windows")
                    index = starts[first : first + block, None] + own
                    file.write(np.ascontiguousarray(self.values[index]).data)
            write_meta(folder / META, {"shape": shape})

        folder = make_folder(f"windows-{digest.hexdigest()}", 4 * int(np.prod(shape)), fill, self.reporter)
        return DiskArray(folder / "windows.bin", shape, "float32")


def _with_least_spread(
    config: DataConfig, preprocessing: SeriesPreprocessing, values: SeriesValues, train: Rows
) -> SeriesPreprocessing:
    """What counts as a window's least deviation, by the windows of the training part.

    Raises:
        DataError: the windows cannot be scaled by themselves.
    """
    try:
        scale = preprocessing.window_scale()
    except ValueError as error:
        message = f"a window is scaled by its own {error}, which is not among the features as a number on a straight scale"
        raise DataError(config_fault(config, "data.series.scale", message, "leave it among data.features")) from error
    series = preprocessing.series
    starts = train[: max(0, len(train) - series.span)]
    found = deviations(scale, values.features, starts, series.history, series.sampling)
    return replace(preprocessing, least_spread=float(LEAST * np.median(found)) if len(found) else 0.0)


def _resolved(preprocessing: SeriesPreprocessing) -> dict[str, Any]:
    resolved: dict[str, Any] = {
        "data.features": {column.name: column.kind for column in preprocessing.table.features},
        "data.task": "regression",
        "data.series.gaps": preprocessing.series.gaps,
    }
    if preprocessing.table.reading.dates:
        resolved["data.dates"] = preprocessing.table.reading.dates
    if preprocessing.series.season is not None:
        resolved["data.series.season"] = preprocessing.series.season
    return resolved
