"""From a raw table to parts: columns and kinds, targets, rows of each part, statistics of the training part."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.config.types import DataConfig
from dltrain.data.columns.column import FeatureColumn, check_gaps, read_features, split_untaught, take, usable_rows
from dltrain.data.columns.image import picture_details
from dltrain.data.columns.kind import Unseen
from dltrain.data.columns.kinds import ColumnKind
from dltrain.data.columns.reading import SAMPLE_ROWS, Reading, text_of
from dltrain.data.columns.spoken import first_code, how_read, late_codes
from dltrain.data.columns.unmet_words import said_of_gaps, said_of_units, unmet_words
from dltrain.data.columns.word_vectors import token_vectors
from dltrain.data.dataset import Part, TargetSpec
from dltrain.data.fitted import Fitted
from dltrain.data.giveaways import sampled
from dltrain.data.kept.table import KeptTable, kept_table
from dltrain.data.kept.target import keep_targets
from dltrain.data.pictures.depth import find_depth, notes_of_frames
from dltrain.data.preprocessing import Preprocessing
from dltrain.data.raw import RawTable, locator
from dltrain.data.splits import Rows
from dltrain.data.tables.column_names import column_of, named_columns
from dltrain.data.tables.fitting.columns import fit_column, odd_columns
from dltrain.data.tables.fitting.copies import warn_of_copies
from dltrain.data.tables.fitting.kinds import NOTHING_KNOWN, column_kinds, decided_dates, feature_columns
from dltrain.data.tables.fitting.no_rows import odd_words, totals_rows
from dltrain.data.tables.fitting.owners import warn_of_owners
from dltrain.data.tables.fitting.reading import check_columns, reading_of, text_options, with_units
from dltrain.data.tables.fitting.rows import choose_rows
from dltrain.data.tables.fitting.summary import check_some_feature, kept_in_config, resolved_values, summarize
from dltrain.data.tables.fitting.targets import check_targets, fit_targets, learnt_targets, scaled_target
from dltrain.data.tables.input_groups import group_columns, without_untaught
from dltrain.data.tables.preprocessing import FEATURES, TablePreprocessing, TableValues, read_weights
from dltrain.data.tables.wide_tables import read_plain_numbers
from dltrain.data.transform import fit_steps
from dltrain.data.transform_widths import nothing_to_transform
from dltrain.errors import DataError, Note, all_of


def fit_table(config: DataConfig, raw: RawTable, seed: int, stored: Preprocessing | None) -> Fitted:
    """Fit to a table, or put it through the preprocessing of a stored run.

    Raises:
        DataError: columns, values, labels or rows that do not do.
        ConfigError: options that do not fit together.
    """
    check_columns(config, raw)
    if stored is not None:
        if not isinstance(stored, TablePreprocessing):
            raise DataError("the run was trained on pictures, this is a table")
        return TableFit(config, raw, stored.reading, seed).through(stored)
    kept = kept_table(config)
    if kept is not None:
        kept.require(config, raw)
        config = kept.asking(config)
    reading = reading_of(config, raw)
    raw = replace(raw, frame=read_plain_numbers(raw.frame, reading, {name for _, name in named_columns(config)} | {*raw.target}))
    reading = with_units(config, raw, reading)
    return TableFit(config, raw, kept.reading(config, reading) if kept else reading, seed, kept).run()


class TableFit:
    """One fit of a table: the order of its steps; here its columns are in memory, each one array or series.

    Attributes:
        config: the `data:` block.
        raw: the table.
        reading: how its text becomes values.
        seed: of the split.
        kept: a run's columns, which are fitted already; the block has them as its features.
        known: kinds of columns that need not be looked at again.
        said: notes of `how_read`, where it was asked already.
        values: of the columns, by kind.
    """

    def __init__(self, config: DataConfig, raw: RawTable, reading: Reading, seed: int, kept: KeptTable | None = None) -> None:
        self.config, self.raw, self.reading, self.seed, self.kept = config, raw, reading, seed, kept
        self.known: Mapping[str, ColumnKind] = NOTHING_KNOWN
        self.said: list[Note] | None = None
        self.values: dict[str, Any] = {}

    @property
    def names(self) -> Collection[str]:
        """Of the columns that are there."""
        return tuple(self.raw.frame.columns)

    @property
    def seen(self) -> str:
        """How the kinds of the columns were told, in words."""
        return f"as the first {SAMPLE_ROWS:,} rows are" if self.raw.frame.height > SAMPLE_ROWS else "as in the other rows"

    def run(self) -> Fitted:
        """All steps: kinds, values, split, checks, fitting, parts, notes."""
        config, raw = self.config, self.raw
        kinds = column_kinds(config, raw, self.reading, self.known)
        columns, left_out = feature_columns(config, raw, kinds)
        columns = self.kept.columns(columns) if self.kept else columns
        self.reading, guessed = decided_dates(config, raw, self.reading, kinds)
        read = how_read(config, raw.frame, kinds, self.reading) if self.said is None else self.said
        _, (specs, targets), weights = all_of(
            lambda: self.read(columns),
            self.read_targets,
            lambda: read_weights(raw, config.weight, self.reading) if config.weight else None,
        )
        rows, manner = choose_rows(config, raw, self.reading, specs, targets, self.seed)
        rows, skipped = self.usable(columns, rows)
        specs, targets, unlearnt = learnt_targets(config, specs, targets, rows)
        notes = [*guessed, *unlearnt, *check_targets(config, specs, targets, rows, raw, self.reading)]
        notes += [*skipped, *read, *self.odd_cells(), *self.words_as_gaps()]
        fitted = columns if self.kept else self.learn(columns, rows["train"])
        taught, untaught, more = split_untaught(fitted, len(rows["train"]), keep=config.constant_columns == "keep")
        some = sampled(rows["train"])
        notes += [*more, *odd_columns(taught, self.show(taught, some), specs, targets, some)]
        notes += odd_words(taught, specs, raw.frame.columns, self.reading)
        for spec in [spec for spec in specs[:1] if spec.name in targets]:
            notes += warn_of_owners(config, raw.frame, self.names, spec.name, targets[spec.name])
        notes += warn_of_copies(taught, self.values_of, targets, rows)
        notes += self.bare_numbers([*(column.name for column in taught), *targets])
        notes += self.codes_among(taught)
        self.check_gaps(taught)
        vectored, details, known = token_vectors(taught, config)
        notes += known
        features = self.with_depth(vectored, rows["train"], notes)
        preprocessing = self.preprocessing(features, specs, targets, rows["train"], dict(untaught), details)
        check_some_feature(preprocessing, config, [*left_out, *untaught])
        preprocessing = self.with_kept(preprocessing, notes) if self.kept else preprocessing
        preprocessing = self.with_steps(preprocessing, rows["train"], notes)
        parts = self.assemble(preprocessing, targets, weights, rows, notes)
        notes[:0] = summarize(preprocessing, targets, left_out, raw.frame.height, untaught)
        resolved = resolved_values(preprocessing, kept_in_config(config, fitted, untaught))
        return Fitted(preprocessing, parts, notes, resolved, manner, {**details, **self.details(features)})

    def preprocessing(
        self,
        features: Sequence[FeatureColumn],
        specs: Sequence[TargetSpec],
        targets: dict[str, NDArray[Any]],
        train: Rows,
        untaught: Mapping[str, str],
        details: Mapping[str, Mapping[str, Any]],
    ) -> TablePreprocessing:
        """What was fitted, as one value.

        Args:
            features: columns fitted to the training part.
            specs, targets: what is predicted, in all rows.
            train: rows of the training part.
            untaught: column -> why it was left out.
            details: files that belong to it, such as those of word vectors.
        """
        config = self.config
        return TablePreprocessing(
            source=config.source,
            features=tuple(features),
            targets=tuple(scaled_target(config, spec, targets, train) for spec in specs),
            reading=self.reading,
            text_options=text_options(config, self.raw),
            weight=config.weight,
            identifiers=config.identifiers,
            arguments=self.raw.arguments,
            missing_target=config.missing_target,
            groups=group_columns(without_untaught(config, untaught), features),
            files=details,
        )

    def through(self, stored: TablePreprocessing) -> Fitted:
        """Put the table through the preprocessing of a stored run."""
        unlearnt: list[Note] = []
        targets, weights = self.read_stored(stored, unlearnt)
        rows, manner = choose_rows(self.config, self.raw, stored.reading, stored.targets, targets, self.seed)
        rows, notes = self.usable(stored.features, rows)
        notes += [*unlearnt, *self.words_as_gaps(), *self.bare_numbers([*(column.name for column in stored.features), *targets])]
        parts = self.assemble(stored, targets, weights, rows, notes)
        notes[:0] = summarize(stored, targets, [], self.raw.frame.height)
        details = {**stored.files, **self.details(stored.features)}
        return Fitted(stored, parts, notes, resolved_values(stored), manner, details)

    def read_targets(self) -> tuple[tuple[TargetSpec, ...], dict[str, NDArray[Any]]]:
        """See `fit_targets`."""
        return fit_targets(self.config, self.raw, self.reading)

    def usable(self, columns: Sequence[FeatureColumn], rows: Mapping[str, Rows]) -> tuple[dict[str, Rows], list[Note]]:
        """The rows less those whose pictures cannot be used, and warnings of these."""
        skipped: list[Note] = []
        return {name: usable_rows(columns, self.values, chosen, skipped) for name, chosen in rows.items()}, skipped

    def with_depth(self, columns: Sequence[FeatureColumn], rows: Rows, notes: list[Note]) -> list[FeatureColumn]:
        """The columns of pictures with the value that is white by the training part; what is said of it goes to `notes`."""
        made = []
        for column in columns:
            if column.form is None or column.form.unread:
                made.append(column)
                continue
            paths = self.values[column.name].gather(rows).unique(maintain_order=True).to_list()
            notes += notes_of_frames(paths)
            if column.form.white is None:
                depth = find_depth(paths)
                column = replace(column, form=replace(column.form, white=depth.white))
                notes += depth.notes()
            made.append(column)
        return made

    def with_kept(self, preprocessing: TablePreprocessing, notes: list[Note]) -> TablePreprocessing:
        """With the steps of the run that is kept, and its targets where they are the same; what is said of it goes to `notes`."""
        assert self.kept is not None
        targets, said = keep_targets(self.kept.run, self.kept.table.targets, preprocessing.targets)
        notes += [*self.kept.told(self.config, self.raw), *said]
        return replace(preprocessing, targets=targets, steps=self.kept.table.steps)

    def with_steps(self, preprocessing: TablePreprocessing, rows: Rows, notes: list[Note]) -> TablePreprocessing:
        """With the steps of `data.transform`, fitted to the training part."""
        if not self.config.transform or self.kept:
            return preprocessing
        made = preprocessing.make_inputs(self.values, rows, Unseen())
        if FEATURES not in made:
            raise DataError(nothing_to_transform(self.config))
        steps, said = fit_steps(self.config, np.asarray(made[FEATURES]), self.seed)
        notes += said
        return replace(preprocessing, steps=steps)

    def details(self, columns: Sequence[FeatureColumn]) -> dict[str, Any]:
        """Entries of further files that were read: the pictures."""
        return picture_details({c.name: self.values[c.name] for c in columns if c.form and not c.form.unread})

    def read(self, columns: Sequence[FeatureColumn]) -> None:
        """Read the columns by kind (raises DataError)."""
        self.values = read_features(self.raw.frame, columns, self.reading, locator(self.raw), self.seen)

    def read_stored(
        self, stored: TablePreprocessing, notes: list[Note]
    ) -> tuple[dict[str, NDArray[Any]], NDArray[np.float32] | None]:
        """Read the columns that a stored run needs: its targets, and weights; labels that it has not learnt go to `notes`."""
        values = stored.read_values(self.raw, with_targets=True, notes=notes)
        self.values = values.features
        return values.targets, values.weights

    def odd_cells(self) -> list[Note]:
        """Warnings of words that stand nowhere, and of rows of totals."""
        return [*unmet_words(self.config, self.raw.frame, self.reading), *totals_rows(self.raw, self.reading)]

    def words_as_gaps(self) -> list[Note]:
        """See `said_of_gaps`."""
        return said_of_gaps(self.raw.frame, self.reading, self.reading.gaps)

    def bare_numbers(self, names: Sequence[str]) -> list[Note]:
        """See `said_of_units`."""
        return said_of_units(self.raw.frame, self.reading, names)

    def codes_among(self, columns: Sequence[FeatureColumn]) -> list[Note]:
        """See `late_codes`; which columns of numbers have codes is kept with the reading."""
        asked = self.config.features or {}
        found = self.first_codes([column.name for column in columns if column.kind == "number"])
        self.reading = replace(self.reading, codes=tuple(name for name, code in found.items() if code is not None))
        return late_codes({name: code for name, code in found.items() if asked.get(name) is None})

    def first_codes(self, names: Sequence[str]) -> Mapping[str, str | None]:
        """Columns of numbers, and the first of each that has zeros before it."""
        return {name: first_code(column_of(self.raw.frame, name), self.reading) for name in names}

    def learn(self, columns: Sequence[FeatureColumn], rows: Rows) -> list[FeatureColumn]:
        """Each column fitted to the training rows."""
        return [fit_column(self.config, column, self.values[column.name], rows) for column in columns]

    def values_of(self, column: FeatureColumn) -> Any:
        """A column's values by kind in all rows."""
        return self.values[column.name]

    def show(self, columns: Sequence[FeatureColumn], rows: Rows) -> Mapping[str, Any]:
        """Some rows of the columns."""
        return {column.name: take(self.values[column.name], rows) for column in columns}

    def check_gaps(self, columns: Sequence[FeatureColumn]) -> None:
        """See `check_gaps`."""
        check_gaps(columns, self.values, locator(self.raw))

    def assemble(
        self,
        preprocessing: TablePreprocessing,
        targets: Mapping[str, NDArray[Any]],
        weights: NDArray[np.float32] | None,
        rows: Mapping[str, Rows],
        notes: list[Note],
    ) -> dict[str, Part]:
        """The parts; what is odd about their rows goes to `notes`."""
        frame = self.raw.frame
        names = [name for name in preprocessing.identifiers if name in frame.columns]
        identifiers = {name: text_of(column_of(frame, name)).fill_null("") for name in names}
        values = TableValues(self.values, dict(targets), weights, identifiers, frame.height)
        parts = {}
        for name, chosen in rows.items():
            odd: list[Note] = []
            parts[name] = preprocessing.assemble(values, chosen, odd)
            notes += [note.of(f"{name} part") for note in odd]
        return parts
