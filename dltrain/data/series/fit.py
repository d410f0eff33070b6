"""From a raw table to the windows of a series: order, parts by time, statistics of the training rows."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.config.types import RECONSTRUCTION, DataConfig, config_fault
from dltrain.data.arrays.disk_array import DiskArray
from dltrain.data.columns.column import FeatureColumn, check_gaps, split_untaught
from dltrain.data.dataset import Part, TargetSpec
from dltrain.data.fitted import Fitted, check_labels
from dltrain.data.giveaways import sampled
from dltrain.data.kept.table import KeptTable, kept_table
from dltrain.data.kept.target import keep_targets
from dltrain.data.preprocessing import Preprocessing
from dltrain.data.raw import Locate, RawTable, locator
from dltrain.data.series.covariates import check_are_features, one_value, refuse_changing
from dltrain.data.series.groups import Groups, read_groups, silent_note
from dltrain.data.series.labels import ROW, WHOLE_SERIES, are_of_series, label_specs, labels_of_series, series_of_parts
from dltrain.data.series.naive import naive_errors
from dltrain.data.series.parts import Given, find_parts
from dltrain.data.series.preprocessing import SeriesPreprocessing
from dltrain.data.series.reading import odd_cells, read_columns, refuse_several
from dltrain.data.series.said import gap_lines, label_lines, past_lines, season_lines, told_targets
from dltrain.data.series.timeline import SeriesValues, Timeline
from dltrain.data.series.times import read_times, times_as_numbers
from dltrain.data.series.window_scale import deviations, least_spread
from dltrain.data.splits import Rows
from dltrain.data.tables.fitting.alike import alike_words
from dltrain.data.tables.fitting.columns import fit_column, odd_numbers
from dltrain.data.tables.fitting.kinds import column_kinds, decided_dates, feature_columns
from dltrain.data.tables.fitting.reading import check_columns, reading_of, text_options, with_units
from dltrain.data.tables.fitting.summary import summarize
from dltrain.data.tables.fitting.targets import scaled_target, target_names, warn_of_numbers
from dltrain.data.tables.preprocessing import TablePreprocessing
from dltrain.data.tables.streamed.column_files import write_meta
from dltrain.data.targets import HINT_ONE_CLASS, refuse_without_numbers, transformed
from dltrain.errors import DataError, Note, warn
from dltrain.reporting import Reporter
from dltrain.settings import whole_number
from dltrain.storage.stored_folders import META, make_folder

CLASSIFICATION = "classification"
# Windows of more bytes are kept on disk.
WINDOW_BYTES = 512 << 20
BLOCK_BYTES = 32 << 20


def fit_series(config: DataConfig, raw: RawTable, seed: int, stored: Preprocessing | None, reporter: Reporter) -> Fitted:
    """Fit to a series, or put it through the preprocessing of a stored run.

    Raises:
        DataError: columns, values or rows that do not do, several series in one table.
        ConfigError: options that do not fit together.
    """
    check_columns(config, raw)
    kept = kept_table(config, SeriesPreprocessing.kind) if stored is None else None
    if kept is not None:
        kept.require(config, raw)
        config = kept.asking(config)
    series = config.series
    assert series is not None
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
    table, left_out, guessed = (
        (stored.table, [], odd_cells(config, raw, reading, None)) if stored else _columns(config, raw, kept)
    )
    features, targets = read_columns(raw, table, locate, with_targets=True)
    own = series_of_parts(raw, groups).codes
    features |= {name: one_value(features[name], own) for name in (stored.series if stored else series).static}
    config, targets = _with_labels(config, raw, table, groups, targets, stored)
    found = find_parts(config, Given(raw, times, groups, table.targets, targets), stored, seed)
    timeline, places = found.timeline, found.places
    notes += [*timeline.notes, *guessed, *(times_as_numbers(series.time, times) if stored is None else ())]
    untaught: list[tuple[str, str]] = []
    if stored is None:
        preprocessing, untaught, more = _fit(config, raw, table, timeline, places["train"], (features, targets), kept)
        notes += more
    else:
        preprocessing = stored
    values = preprocessing.order_values(timeline, features, targets, notes)
    if stored is None and preprocessing.series.scale is not None and not preprocessing.classifies:
        preprocessing = _with_least_spread(config, preprocessing, values, places["train"])
    parts = _windows(config, preprocessing, values, places, reporter, notes)
    if stored is None and preprocessing.classifies:
        notes += _check_labels(config, preprocessing, targets, parts, locate)
    told = told_targets(preprocessing, values)
    facts = [Note(preprocessing.describe()[0]), *summarize(preprocessing.table, told, left_out, raw.frame.height, untaught)]
    said = (past_lines(preprocessing), label_lines(series, preprocessing), season_lines(config, preprocessing))
    facts += map(Note, (*itertools.chain(*said), *gap_lines(preprocessing, values)))
    notes[:0] = facts
    return Fitted(preprocessing, parts, notes, _resolved(preprocessing), found.manner)


def _with_labels(
    config: DataConfig,
    raw: RawTable,
    table: TablePreprocessing,
    groups: Groups,
    targets: dict[str, NDArray[np.float64]],
    stored: SeriesPreprocessing | None,
) -> tuple[DataConfig, dict[str, NDArray[np.float64]]]:
    """The block that says whether rows or whole series have labels, and the targets, of a whole series the same in all its rows.

    Raises:
        DataError: a series is to have one label and has two; the label is to be learnt from as well.
    """
    assert config.series is not None
    if table.targets[0].task != "classification":
        return config, targets
    own = series_of_parts(raw, groups)
    whole = stored.series.label_of == WHOLE_SERIES if stored else are_of_series(config, targets, own)
    if whole:
        targets = labels_of_series(raw, targets, own, table.reading, locator(raw))
    taught = {column.name for column in table.features} & set(targets)
    if taught and stored is None and (whole or config.series.first_ahead == 0):
        message = f"the label {min(taught)} is among the features of the windows that it is to be told of"
        hint = "leave it out of data.features; where it is known up to a row, data.series.offset: 1 tells that of the next one"
        raise DataError(config_fault(config, "data.features", message, hint))
    return replace(config, series=replace(config.series, label_of=WHOLE_SERIES if whole else ROW)), targets


def _check_labels(
    config: DataConfig,
    preprocessing: SeriesPreprocessing,
    targets: Mapping[str, NDArray[np.float64]],
    parts: Mapping[str, Part],
    locate: Locate,
) -> list[Note]:
    """Each part's labels must be known to training (raises DataError); warnings of those that a part lacks."""
    rows, notes = {name: part.row_ids for name, part in parts.items()}, list[Note]()
    for spec in preprocessing.table.targets:
        codes = np.nan_to_num(targets[spec.name], nan=-1.0).astype(np.int32)
        if np.ptp(codes[rows["train"]]) == 0:
            message = f"the training part has one class of {spec.name} only"
            if not config.allow_one_class:
                raise DataError(message, hint=HINT_ONE_CLASS)
            notes.append(warn(f"{message}: to say it always is all that can be learnt", "one_value"))
        else:
            notes += check_labels(spec.name, spec.classes, codes, rows, locate)
    return notes


def _columns(
    config: DataConfig, raw: RawTable, kept: KeptTable | None
) -> tuple[TablePreprocessing, list[tuple[str, str]], list[Note]]:
    """The columns and targets, not fitted yet; what is left out; what was guessed.

    The past of what is foretold is a feature like any other column; a label is none unless `data.features` names it.
    """
    assert config.series is not None
    reading = with_units(config, raw, reading_of(config, raw))
    names = target_names(config, raw)
    ids = (name for name in config.series.id if name not in config.series.static)
    labels = names if config.task == CLASSIFICATION else ()
    drop = config.drop if config.features is not None else (*config.drop, *config.series.time, *ids, *labels)
    plain = replace(config, target=(), task=RECONSTRUCTION, drop=drop)  # so that no target is kept from being a feature
    kinds = column_kinds(plain, raw, reading)
    columns, left_out = feature_columns(plain, raw, kinds)
    check_are_features(config, columns, left_out)
    times = config.series.time if len(config.series.time) == 1 else ()
    reading, guessed = decided_dates(config, raw, reading, kinds, times)
    guessed += odd_cells(config, raw, reading, kinds)
    if kept is not None:
        columns, reading = kept.columns(columns), kept.reading(config, reading)
    texts = [column.name for column in columns if column.kind == "text"]
    if texts:
        raise DataError(config_fault(config, f"data.features.{texts[0]}", f"{texts[0]} is free text, which a series cannot hold"))
    if labels:
        targets = label_specs(config, raw, reading, names)
    else:
        plain_targets = (TargetSpec(name, "regression", reason="a series foretells numbers") for name in names)
        targets = tuple(transformed(spec, config.scale_target) for spec in plain_targets)
    refuse_without_numbers(config, targets)
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
    read: tuple[Mapping[str, Any], Mapping[str, NDArray[np.float64]]],
    kept: KeptTable | None,
) -> tuple[SeriesPreprocessing, list[tuple[str, str]], list[Note]]:
    """Statistics of the training rows, but of columns that are kept; the columns that they teach nothing about, and notes.

    `read` are the values of features and targets, by name.
    """
    assert config.series is not None
    features, targets = read
    rows = timeline.rows[train]
    last_known = config.impute is None if kept is None else kept.last_known
    columns = list(table.features)
    if kept is None:
        columns = [_fit_column(config, column, features[column.name], rows, last_known=last_known) for column in columns]
    taught, untaught, warnings = split_untaught(columns, len(rows), keep=config.constant_columns == "keep")
    fitted = tuple(taught)
    some = sampled(rows)
    shown = {column.name: features[column.name][some] for column in fitted}
    warnings += alike_words(fitted, ())
    warnings += odd_numbers(fitted, shown, {} if config.task == CLASSIFICATION else {k: v[some] for k, v in targets.items()})
    if not last_known:
        check_gaps(fitted, features, locator(raw))
    classifies = config.task == CLASSIFICATION
    specs, more = _scaled_targets(config, table, rows, targets)
    warnings += more
    if not fitted and config.allow_one_class and not classifies:
        fitted = tuple(column for column in columns if column.name in config.target)
        untaught = [(name, reason) for name, reason in untaught if name not in config.target]
    if not fitted:
        raise DataError(config_fault(config, "data.features", "no column is left to learn from"))
    if kept is not None:
        made, said = keep_targets(kept.run, kept.table.targets, specs)
        specs, warnings = list(made), [*warnings, *kept.told(config, raw), *said]
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
        naive=None if classifies else naive_errors(in_order, train, timeline.groups.codes, timeline.runs, season),
    )
    return preprocessing, untaught, warnings


def _scaled_targets(
    config: DataConfig, table: TablePreprocessing, rows: Rows, targets: Mapping[str, NDArray[np.float64]]
) -> tuple[list[TargetSpec], list[Note]]:
    """The targets with what the training rows show of them, and warnings of numbers that are hardly told apart.

    Raises:
        DataError: a target is empty in all of them, or the same.
    """
    specs, warnings = list(table.targets), list[Note]()
    for place, spec in enumerate(() if config.task == CLASSIFICATION else table.targets):
        known = targets[spec.name][rows]
        known = known[np.isfinite(known)]
        if not len(known):
            message = f"the target {spec.name} is empty in every row of the training part"
            raise DataError(config_fault(config, "data.target", message))
        warnings += warn_of_numbers(config, spec, known)
        specs[place] = scaled_target(config, spec, {spec.name: known}, np.arange(len(known)))
    return specs, warnings


def _fit_column(config: DataConfig, column: FeatureColumn, values: Any, rows: Rows, *, last_known: bool) -> FeatureColumn:
    config = replace(config, encode="one_hot", impute="median" if last_known else config.impute)
    return fit_column(config, column, values, rows)


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
        if not part.num_rows:
            folds = config.split.folds
            of_fold = f" of fold {config.split.fold or 1} of {folds}" if folds is not None else ""
            found = f"the {name} part{of_fold} has no window: {len(rows):,} rows"
            message = f"{found}, and a window is {_needed(preprocessing, name)} in time"
            way = "ask for fewer folds" if folds is not None else "enlarge the part"
            hint = f"lower data.series.history or data.series.horizon, or {way}{_way_out(name, preprocessing)}"
            raise DataError(config_fault(config, "data.series", message + " or a missing target", hint))
        if series.id:
            groups, needed = values.timeline.groups, f"{_needed(preprocessing, name)} in it"
            silent = silent_note(groups, groups.codes[rows], part.identifiers, series.id, needed, _way_out(name, preprocessing))
            notes += [note.of(f"{name} part") for note in silent]
        parts[name] = part
    return parts


def _needed(preprocessing: SeriesPreprocessing, name: str) -> str:
    """The rows that a window of a part takes, in words."""
    series = preprocessing.series
    if series.history_from == "before" and name != "train":
        before = series.span - 1 + series.first_ahead
        return f"{before} rows before and {series.horizon} rows of the part, without a gap"
    return f"{preprocessing.needed_rows(True)} rows without a gap"


def _way_out(name: str, preprocessing: SeriesPreprocessing) -> str:
    """What would give a part more windows."""
    if name == "train" or preprocessing.series.history_from == "before" or preprocessing.labels_whole:
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
    return replace(preprocessing, least_spread=least_spread(found))


def _resolved(preprocessing: SeriesPreprocessing) -> dict[str, Any]:
    resolved: dict[str, Any] = {
        "data.features": {column.name: column.kind for column in preprocessing.table.features},
        "data.task": preprocessing.table.targets[0].task,
        "data.series.gaps": preprocessing.series.gaps,
    }
    if preprocessing.classifies:
        resolved["data.series.label_of"] = preprocessing.series.label_of
    if preprocessing.table.reading.dates:
        resolved["data.dates"] = preprocessing.table.reading.dates
    if preprocessing.series.season is not None and not preprocessing.classifies:
        resolved["data.series.season"] = preprocessing.series.season
    return resolved
