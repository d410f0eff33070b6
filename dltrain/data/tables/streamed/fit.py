"""A table that does not fit in memory: converted to columns on disk, fitted a column at a time, transformed into files of rows.

Rows, parts, statistics and the model's numbers are those that `fit_table` makes of the same files, bit for bit.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dltrain.config.catalog.sources import SOURCES
from dltrain.config.types import DataConfig, config_fault
from dltrain.config.types.data import IMAGE
from dltrain.data.columns.column import FeatureColumn, Gaps, refuse_surprises
from dltrain.data.columns.date import DATE
from dltrain.data.columns.reading import Reading, is_labelled, is_text, mend, to_numbers
from dltrain.data.columns.spoken import bare_numbers, how_read, words_as_gaps
from dltrain.data.columns.text import fit_text
from dltrain.data.columns.tokens import TokenCounts
from dltrain.data.dataset import Part, TargetSpec
from dltrain.data.files import expand_paths, unpacks_to_more
from dltrain.data.fitted import Fitted
from dltrain.data.giveaways import MOST_COLUMNS
from dltrain.data.kept.run import check_kept
from dltrain.data.kept.table import kept_table
from dltrain.data.labels.cells import encode_labels
from dltrain.data.labels.encode import encode_target
from dltrain.data.preprocessing import Preprocessing
from dltrain.data.raw import RawTable, locator
from dltrain.data.splits import Rows
from dltrain.data.tables.column_names import column_of, marked
from dltrain.data.tables.fit import TableFit
from dltrain.data.tables.fitting.columns import fit_column, min_count_of
from dltrain.data.tables.fitting.kinds import column_kinds
from dltrain.data.tables.fitting.no_rows import totals_row
from dltrain.data.tables.fitting.reading import check_columns, reading_of, with_units
from dltrain.data.tables.fitting.targets import fit_targets
from dltrain.data.tables.preprocessing import DROP, TablePreprocessing, read_weights
from dltrain.data.tables.streamed.column_files import AS_READ, ColumnFiles, needed_meta
from dltrain.data.tables.streamed.convert import convert, refuse_ragged
from dltrain.data.tables.streamed.plan import plan_columns, stored_plan, with_late_values
from dltrain.data.tables.streamed.rows import owners, put_on_disk, row_files
from dltrain.data.tables.streamed.survey import survey, text_bytes
from dltrain.data.targets import infer_target, transformed
from dltrain.errors import ConfigError, DataError, Note, UsageError, all_of
from dltrain.later import polars
from dltrain.reporting import Reporter
from dltrain.settings import whole_number
from dltrain.storage.stored_folders import META
from dltrain.wording import shown

if TYPE_CHECKING:
    pass

# A table takes several times its text in memory while it is read.
STREAM_BYTES = 512 << 20


def why_streamed(config: DataConfig) -> str:
    """Why the data is to be streamed from disk, in a sentence; empty where it is to be held in memory.

    A function of the files alone, so that every process decides alike. `$DLTRAIN_STREAM_BYTES` sets the bound.
    """
    source = SOURCES.get(config.source)
    if source is None or not source.in_blocks or config.series is not None:
        return ""
    bound = whole_number("DLTRAIN_STREAM_BYTES", STREAM_BYTES)
    files = expand_paths((*config.path, *config.validation, *config.test))
    total = sum(text_bytes(file, config) for file in files)
    if total <= bound:
        packed = (file for file in files if config.source == "csv" and unpacks_to_more(file, bound))
        file = next(packed, None)
        return "" if file is None else f"{shown(file)} unpacks to more than the {bound / 1e6:,.0f} MB that are held in memory"
    return f"{total / 1e6:,.0f} MB of text are more than the {bound / 1e6:,.0f} MB that are held in memory"


def fit_streamed(
    config: DataConfig, *, seed: int, stored: Preprocessing | None, reporter: Reporter, reason: str
) -> tuple[RawTable, Fitted]:
    """Read, fit and preprocess; or put the data through the preprocessing of a stored run.

    Args:
        config: the `data:` block of a csv or parquet source.
        seed: of the split.
        stored: nothing is fitted, it transforms.
        reporter: hears of the stages.
        reason: why it is streamed.

    Returns:
        The table, its columns on disk, and parts whose inputs are on disk.

    Raises:
        DataError, ConfigError: as `load_dataset`.
        RunError: no space for what is put on disk.
    """
    kept = kept_table(config) if stored is None and check_kept(config) is not None else None
    config = kept.asking(config) if kept is not None else config
    _refuse_unstreamed(config, reason)
    if stored is not None and not isinstance(stored, TablePreprocessing):
        raise DataError("the run was trained on pictures, this is a table")
    reporter.status("looking at the data")
    surveyed = survey(config, _groups(config))
    if surveyed.is_ragged:
        refuse_ragged(config, surveyed, reporter)
    sample = surveyed.sample
    if kept is not None:
        kept.require(config, sample)
    check_columns(config, sample)
    reading = with_units(config, sample, reading_of(config, sample)) if stored is None else stored.reading
    reading = kept.reading(config, reading) if kept is not None else reading
    plan = plan_columns(config, sample, reading) if stored is None else stored_plan(config, sample, stored)
    raw = convert(config, surveyed, plan, reading, reporter)
    if stored is None:
        sample = with_late_values(raw, sample, reading)
        reading = with_units(config, sample, replace(reading, units=None)) if kept is None else reading
    fit = StreamedFit(config, raw, reading, seed, reporter)
    fit.kept = kept
    if stored is None:
        fit.said = how_read(config, sample.frame, column_kinds(config, sample, reading), reading)
        reporter.status("preprocessing data")
    fitted = fit.run() if stored is None else fit.through(stored)
    files, preprocessing = raw.frame, fitted.preprocessing
    assert isinstance(files, ColumnFiles)
    assert isinstance(preprocessing, TablePreprocessing)
    owner = owners(files.height, {name: part.row_ids for name, part in fitted.parts.items()})
    folder = row_files(files, preprocessing, owner, list(fitted.parts), reporter)
    for index, (name, part) in enumerate(fitted.parts.items()):
        put_on_disk(part, folder, name, preprocessing, files)
        fitted.notes += [Note(*entry).of(f"{name} part") for entry in needed_meta(folder / META)["notes"][index]]
    fitted.notes.insert(0, Note(f"streamed from disk while training: {reason}"))
    return raw, fitted


def _refuse_unstreamed(config: DataConfig, reason: str) -> None:
    """Refuse what needs all rows in memory (raises UsageError or ConfigError)."""
    if config.split.folds is not None:
        raise UsageError(
            f"data.split.folds needs the data in memory, but {reason}", hint="split by a column of yours: data.split.column"
        )
    if IMAGE in (config.features or {}).values():
        message = f"columns of pictures are held in memory, but {reason}"
        alone = len(config.features or {}) == 1 and len(config.target) == 1
        hint = "use `source: image_folder` with a table of files" if alone else "set DLTRAIN_STREAM_BYTES higher, or data.limit"
        raise ConfigError(config_fault(config, "data.features", message, hint))
    if config.transform:
        message = "its steps are fitted on the whole training part in memory, which is streamed from disk here"
        raise ConfigError(config_fault(config, "data.transform", f"{message}: {reason}", "leave it out, or set data.limit"))


def _groups(config: DataConfig) -> dict[str, Sequence[str]]:
    groups: dict[str, Sequence[str]] = {"train": config.path}
    for name in ("validation", "test"):
        paths: tuple[str, ...] = getattr(config, name)
        if paths and getattr(config.split, name) is not None:
            message = f"two {name} parts: data.split.{name} makes one"
            raise ConfigError(config_fault(config, f"data.{name}", message, "leave one of them out"))
        if paths:
            groups[name] = paths
    return groups


def _sample(files: ColumnFiles, columns: Sequence[FeatureColumn], reading: Reading, rows: Rows) -> dict[str, Any]:
    """Some rows of numbers, booleans, categories and dates by kind, in one pass over the files."""
    wanted = [column for column in columns if column.by_kind.tells_alone or column.kind == DATE.name]
    found: dict[str, list[Any]] = {column.name: [] for column in wanted}
    first = 0
    for file, num_rows in files.files if wanted else ():
        here = rows[(rows >= first) & (rows < first + num_rows)] - first
        first += num_rows
        if len(here):
            frame = files.read(file, list(found))[here]
            for column in wanted:
                found[column.name].append(files.piece_values(column_of(frame, column.name), column, reading))
    return {
        name: np.concatenate(pieces) if isinstance(pieces[0], np.ndarray) else polars.concat(pieces)
        for name, pieces in found.items()
    }


def _totals_rows(files: ColumnFiles, raw: RawTable, reading: Reading) -> list[Note]:
    """`totals_rows`, where the sums are of columns that are kept as numbers or as they were read."""
    notes: list[Note] = []
    for (first, end, texts), path in zip(files.last_rows, raw.details, strict=False):
        numbers = partial(_numbers_of, files, reading, first, end)
        name = shown(path) if len(files.last_rows) > 1 else ""
        notes += totals_row(texts, list(texts), numbers, end - first, name, is_text=bool(raw.reading))
    return notes


def _numbers_of(files: ColumnFiles, reading: Reading, first: int, end: int, name: str) -> NDArray[np.float64]:
    """Some rows of a column as numbers; none where it holds others or is not kept."""
    series = files[name][first:end] if files.stored.get(name) in ("number", AS_READ) else None
    if series is None or not (is_text(series) or series.dtype.is_numeric()):
        return np.full(end - first, np.nan)
    return to_numbers(mend(series.alias(marked(name)), reading), reading)


def _fit_column(config: DataConfig, files: ColumnFiles, column: FeatureColumn, reading: Reading, rows: Rows) -> FeatureColumn:
    if column.kind == "text":
        return _fit_text(config, files, column, reading, rows)
    if column.kind != "category":
        return fit_column(config, column, files.values(column, reading), rows)
    chosen = np.zeros(files.height, bool)
    chosen[rows] = True
    values = files.categories_of(column, reading, chosen, min_count_of(config, column.name))
    return fit_column(config, column, values, np.arange(len(values)))


def _fit_text(config: DataConfig, files: ColumnFiles, column: FeatureColumn, reading: Reading, rows: Rows) -> FeatureColumn:
    """`fit_column` of a text, a piece at a time."""
    chosen = np.zeros(files.height, bool)
    chosen[rows] = True
    counts = TokenCounts(config.text)
    for first, series in files.pieces(column.name):
        counts.add(files.piece_values(series, column, reading).filter(polars.Series(chosen[first : first + len(series)])))
    return fit_text(column, counts)


def _read_target(config: DataConfig, raw: RawTable, reading: Reading, name: str) -> tuple[TargetSpec, NDArray[Any]]:
    """`read_target` from the different values alone: they decide the task and the labels."""
    files = raw.frame
    assert isinstance(files, ColumnFiles)
    labelled = False
    if files.stored[name] == "number":
        distinct = polars.Series(marked(name), np.unique(files.numbers(name)), nan_to_null=True)
    else:
        pieces = [series.unique(maintain_order=True) for _, series in files.pieces(name)]
        labelled = is_labelled(pieces[0])
        distinct = polars.concat([series.cast(polars.String) if labelled else series for series in pieces])
        distinct = mend(distinct.unique(maintain_order=True), reading)
    spec = infer_target(distinct, reading, task=config.task, classes=(), labelled=labelled, allow_one=config.allow_one_class)
    spec = transformed(spec, config.scale_target)
    return spec, _encode_target(raw, spec, reading, config.missing_target)


def _encode_target(raw: RawTable, spec: TargetSpec, reading: Reading, missing_target: str) -> NDArray[Any]:
    """`encode_target` a piece at a time; where it fails, all at once, for the whole message."""
    files, locate, drop = raw.frame, locator(raw), missing_target == DROP
    assert isinstance(files, ColumnFiles)
    values = np.empty(files.height, np.float64 if spec.task == "regression" else np.int32)
    try:
        for first, series in files.pieces(spec.name):
            values[first : first + len(series)] = encode_target(mend(series, reading), spec, reading, locate, drop=drop)
    except DataError:
        return encode_target(mend(files[spec.name], reading), spec, reading, locate, drop=drop)
    return values


class StreamedFit(TableFit):
    """A fit whose columns are on disk: one at a time is in memory, or a piece of it; the parts have no inputs yet."""

    def __init__(self, config: DataConfig, raw: RawTable, reading: Reading, seed: int, reporter: Reporter) -> None:
        super().__init__(config, raw, reading, seed)
        assert isinstance(raw.frame, ColumnFiles)
        self.files, self.reporter = raw.frame, reporter
        self.known = self.files.kinds

    @property
    def names(self) -> Collection[str]:
        """See `TableFit.names`: those that are learned from or named were put on disk."""
        return self.files.stored

    def read(self, columns: Sequence[FeatureColumn]) -> None:
        """See `TableFit.read`: what cannot be read showed when the columns were put on disk."""
        surprises = {column.name: self.files.surprises_of(column, self.reading) for column in columns}
        refuse_surprises(columns, surprises, locator(self.raw), self.seen, self.reading.gaps)

    def read_targets(self) -> tuple[tuple[TargetSpec, ...], dict[str, NDArray[Any]]]:
        """See `TableFit.read_targets`."""
        return fit_targets(self.config, self.raw, self.reading, _read_target)

    def read_stored(
        self, stored: TablePreprocessing, notes: list[Note]
    ) -> tuple[dict[str, NDArray[Any]], NDArray[np.float32] | None]:
        """See `TableFit.read_stored`."""
        specs = [spec for spec in stored.targets if not spec.is_reconstruction]
        _, weights, encoded = all_of(
            lambda: self.read(stored.features),
            lambda: read_weights(self.raw, stored.weight, self.reading) if stored.weight else None,
            lambda: [self._encoded(spec, stored, notes) for spec in specs],
        )
        self.check_gaps(stored.features)
        return {spec.name: values for spec, values in zip(specs, encoded, strict=True)}, weights

    def _encoded(self, spec: TargetSpec, stored: TablePreprocessing, notes: list[Note]) -> NDArray[Any]:
        """A target as the run has learnt it."""
        if not spec.is_multilabel:
            return _encode_target(self.raw, spec, self.reading, stored.missing_target)
        drop = stored.missing_target == DROP
        return encode_labels(self.files, spec, self.reading, locator(self.raw), drop=drop, notes=notes)

    def odd_cells(self) -> list[Note]:
        """See `TableFit.odd_cells`."""
        return [*self.files.unmet_words(self.reading), *_totals_rows(self.files, self.raw, self.reading)]

    def words_as_gaps(self) -> list[Note]:
        """See `TableFit.words_as_gaps`."""
        found = {
            name: self.files.surprises_of(FeatureColumn(name, "number"), self.reading)
            for name in self.reading.gaps
            if name in self.files.stored
        }
        return words_as_gaps({name: (of.total, [word for _, word in of.rows]) for name, of in found.items()}, self.files.height)

    def bare_numbers(self, names: Sequence[str]) -> list[Note]:
        """See `TableFit.bare_numbers`."""
        names = [name for name in names if name in self.files.stored]
        return bare_numbers({name: self.files.bare_number(name, self.reading) for name in names}, self.reading)

    def first_codes(self, names: Sequence[str]) -> Mapping[str, str | None]:
        """See `TableFit.first_codes`."""
        return {name: self.files.first_code(name, self.reading) for name in names}

    def learn(self, columns: Sequence[FeatureColumn], rows: Rows) -> list[FeatureColumn]:
        """See `TableFit.learn`."""
        fitted = []
        for number, column in enumerate(columns, 1):
            self.reporter.status(f"statistics of column {number} of {len(columns)}")
            fitted.append(_fit_column(self.config, self.files, column, self.reading, rows))
        return fitted

    def values_of(self, column: FeatureColumn) -> Any:
        """See `TableFit.values_of`, read anew."""
        return self.files.values(column, self.reading)

    def show(self, columns: Sequence[FeatureColumn], rows: Rows) -> Mapping[str, Any]:
        """See `TableFit.show`."""
        return _sample(self.files, columns, self.reading, rows) if len(columns) <= MOST_COLUMNS else {}

    def check_gaps(self, columns: Sequence[FeatureColumn]) -> None:
        """See `TableFit.check_gaps`, with the columns in memory one at a time."""
        gaps = Gaps()
        for column in columns:
            if any(np.isnan(transform.fill) for transform in column.numbers):
                gaps.add(column, self.files.values(column, self.reading), locator(self.raw))
        gaps.refuse()

    def assemble(
        self,
        preprocessing: TablePreprocessing,
        targets: Mapping[str, NDArray[Any]],
        weights: NDArray[np.float32] | None,
        rows: Mapping[str, Rows],
        notes: list[Note],
    ) -> dict[str, Part]:
        """Parts without inputs."""
        return {
            name: Part({}, preprocessing.make_targets(targets, chosen, {}), None if weights is None else weights[chosen], chosen)
            for name, chosen in rows.items()
        }
