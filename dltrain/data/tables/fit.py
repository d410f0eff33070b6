"""From a raw table to parts: columns and kinds, targets, rows of each part, statistics of the training part."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dltrain.config.catalog.date_formats import EPOCHS, NO_DATES, split_writing
from dltrain.config.types import DataConfig, config_fault
from dltrain.config.types.data import IMAGE
from dltrain.data.columns.column import (
    FeatureColumn,
    check_gaps,
    fit_feature,
    read_features,
    split_untaught,
    take,
    usable_rows,
)
from dltrain.data.columns.dates import find_writing, to_moments
from dltrain.data.columns.image import picture_details
from dltrain.data.columns.kind import Learning, Unseen
from dltrain.data.columns.kinds import (
    OF_TYPE,
    SAMPLE_ROWS,
    USUAL_MISSING,
    ColumnKind,
    Reading,
    date_writing,
    find_units,
    infer_kind,
    infer_time,
    is_labelled,
    mend,
    text_of,
    to_numbers,
)
from dltrain.data.columns.scaling import IMPUTES, SCALES
from dltrain.data.columns.spoken import far_codes, how_read, totals_rows, unmet_words, unusable_types
from dltrain.data.columns.tokens import warn_of_whole_lines
from dltrain.data.columns.word_vectors import token_vectors
from dltrain.data.dataset import Part, TargetSpec
from dltrain.data.fitted import Fitted, check_labels, given_parts, placed, split_at_random
from dltrain.data.giveaways import sampled, warn_of_giveaways
from dltrain.data.part_sizes import SplitError
from dltrain.data.pictures.depth import bits_of, find_depth
from dltrain.data.pictures.form import PictureForm, parse_form
from dltrain.data.preprocessing import Preprocessing
from dltrain.data.raw import RawTable
from dltrain.data.splits import Rows, split_column, split_groups, split_time
from dltrain.data.tables.column_names import column_of, name_of, named_columns
from dltrain.data.tables.input_groups import group_columns, without_untaught
from dltrain.data.tables.preprocessing import (
    DROP,
    FEATURES,
    RECONSTRUCTION,
    TablePreprocessing,
    TableValues,
    locator,
    read_weights,
)
from dltrain.data.tables.wide_tables import read_plain_numbers
from dltrain.data.targets import (
    HINT_CONSTANT,
    HINT_ONE_CLASS,
    count_labels,
    describe_dropped,
    encode_target,
    have_targets,
    infer_target,
    numbers_among_labels,
    refuse_log_of_none,
    scale_target,
    transformed,
)
from dltrain.data.transform import fit_steps
from dltrain.errors import ConfigError, DataError, Fault, all_of, capped
from dltrain.wording import column_hint, listed, shown_column

if TYPE_CHECKING:
    import polars

ReadTarget = Callable[[DataConfig, RawTable, Reading, str], tuple[TargetSpec, NDArray[Any]]]
# A whole number with a point is the same group as one without: `7.0` and `7`.
WHOLE = r"^(-?(?:0|[1-9]\d*))\.0*$"
NOTHING_KNOWN: Mapping[str, ColumnKind] = {}
TEXT_OPTIONS = ("columns", "header", "quote", "encoding", "separator", "skip", "comment")


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
    reading = reading_of(config, raw)
    raw = replace(raw, frame=read_plain_numbers(raw.frame, reading, {name for _, name in named_columns(config)} | {*raw.target}))
    return TableFit(config, raw, with_units(config, raw, reading), seed).run()


class TableFit:
    """One fit of a table: the order of its steps; here its columns are in memory, each one array or series.

    Attributes:
        config: the `data:` block.
        raw: the table.
        reading: how its text becomes values.
        seed: of the split.
        known: kinds of columns that need not be looked at again.
        said: lines and warnings of `how_read`, where it was asked already.
        values: of the columns, by kind.
    """

    def __init__(self, config: DataConfig, raw: RawTable, reading: Reading, seed: int) -> None:
        self.config, self.raw, self.reading, self.seed = config, raw, reading, seed
        self.known: Mapping[str, ColumnKind] = NOTHING_KNOWN
        self.said: tuple[list[str], list[str]] | None = None
        self.values: dict[str, Any] = {}

    @property
    def seen(self) -> str:
        """How the kinds are known."""
        return f"as the first {SAMPLE_ROWS:,} rows are" if self.raw.frame.height > SAMPLE_ROWS else "as in the other rows"

    def run(self) -> Fitted:
        """Describe, read, split, check, learn, put together, tell."""
        config, raw = self.config, self.raw
        kinds = column_kinds(config, raw, self.reading, self.known)
        columns, left_out = feature_columns(config, raw, kinds)
        self.reading, guessed = decided_dates(config, raw, self.reading, kinds)
        spoken, warned = self.said or how_read(config, raw.frame, kinds, self.reading)
        _, (specs, targets), weights = all_of(
            lambda: self.read(columns),
            self.read_targets,
            lambda: read_weights(raw, config.weight, self.reading) if config.weight else None,
        )
        rows, manner = choose_rows(config, raw, self.reading, specs, targets, self.seed)
        rows, skipped = self.usable(columns, rows)
        warnings = [*guessed, *check_targets(config, specs, targets, rows, raw, self.reading)]
        warnings += [*skipped, *warned, *self.odd_cells()]
        fitted = self.learn(columns, rows["train"])
        taught, untaught, more = split_untaught(fitted, len(rows["train"]))
        some = sampled(rows["train"])
        warnings += [*more, *odd_columns(taught, self.show(taught, some), specs, targets, some)]
        self.check_gaps(taught)
        vectored, details, notes = token_vectors(taught, config)
        features = self.with_depth(vectored, rows["train"], notes, warnings)
        preprocessing = make_preprocessing(
            config, raw, self.reading, features, specs, targets, rows["train"], dict(untaught), details
        )
        check_some_feature(preprocessing, config, [*left_out, *untaught])
        preprocessing = self.with_steps(preprocessing, rows["train"], warnings)
        parts = self.assemble(preprocessing, targets, weights, rows, warnings)
        summary = [*summarize(preprocessing, targets, left_out, raw.frame.height, untaught), *spoken, *notes]
        resolved = resolved_values(preprocessing, kept_in_config(config, fitted, untaught))
        return Fitted(preprocessing, parts, summary, warnings, resolved, manner, {**details, **self.details(features)})

    def through(self, stored: TablePreprocessing) -> Fitted:
        """Put the table through the preprocessing of a stored run."""
        targets, weights = self.read_stored(stored)
        rows, manner = choose_rows(self.config, self.raw, stored.reading, stored.targets, targets, self.seed)
        rows, warnings = self.usable(stored.features, rows)
        parts = self.assemble(stored, targets, weights, rows, warnings)
        summary = summarize(stored, targets, [], self.raw.frame.height)
        details = {**stored.files, **self.details(stored.features)}
        return Fitted(stored, parts, summary, warnings, resolved_values(stored), manner, details)

    def read_targets(self) -> tuple[tuple[TargetSpec, ...], dict[str, NDArray[Any]]]:
        """See `fit_targets`."""
        return fit_targets(self.config, self.raw, self.reading)

    def usable(self, columns: Sequence[FeatureColumn], rows: Mapping[str, Rows]) -> tuple[dict[str, Rows], list[str]]:
        """The rows less those whose pictures cannot be used, and sentences on these."""
        skipped: list[str] = []
        return {name: usable_rows(columns, self.values, chosen, skipped) for name, chosen in rows.items()}, skipped

    def with_depth(
        self, columns: Sequence[FeatureColumn], rows: Rows, notes: list[str], warnings: list[str]
    ) -> list[FeatureColumn]:
        """The columns of pictures with the value that is white by the training part; what is said of it goes to both lists."""
        made = []
        for column in columns:
            if column.form is not None and column.form.white is None and not column.form.unread:
                depth = find_depth(self.values[column.name].gather(rows).unique(maintain_order=True).to_list())
                column = replace(column, form=replace(column.form, white=depth.white))
                for note in depth.notes():
                    (warnings if note.startswith("warning: ") else notes).append(note.removeprefix("warning: "))
            made.append(column)
        return made

    def with_steps(self, preprocessing: TablePreprocessing, rows: Rows, warnings: list[str]) -> TablePreprocessing:
        """With the steps of `data.transform`, fitted to the training part."""
        if not self.config.transform:
            return preprocessing
        made = preprocessing.make_inputs(self.values, rows, Unseen())
        if FEATURES not in made:
            raise DataError(
                config_fault(self.config, "data.transform", "there is no number to transform", "data.encode: one_hot")
            )
        steps, said = fit_steps(self.config, np.asarray(made[FEATURES]), self.seed)
        warnings += said
        return replace(preprocessing, steps=steps)

    def details(self, columns: Sequence[FeatureColumn]) -> dict[str, Any]:
        """Entries of further files that were read: the pictures."""
        return picture_details({c.name: self.values[c.name] for c in columns if c.form and not c.form.unread})

    def read(self, columns: Sequence[FeatureColumn]) -> None:
        """Read the columns by kind (raises DataError)."""
        self.values = read_features(self.raw.frame, columns, self.reading, locator(self.raw), self.seen)

    def read_stored(self, stored: TablePreprocessing) -> tuple[dict[str, NDArray[Any]], NDArray[np.float32] | None]:
        """Read the columns that a stored run needs: its targets, and weights."""
        values = stored.read_values(self.raw, with_targets=True)
        self.values = values.features
        return values.targets, values.weights

    def odd_cells(self) -> list[str]:
        """Warnings of words that stand nowhere, and of rows of totals."""
        return [*unmet_words(self.config, self.raw.frame, self.reading), *totals_rows(self.raw, self.reading)]

    def learn(self, columns: Sequence[FeatureColumn], rows: Rows) -> list[FeatureColumn]:
        """What the training rows teach about each column."""
        return [fit_column(self.config, column, self.values[column.name], rows) for column in columns]

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
        warnings: list[str],
    ) -> dict[str, Part]:
        """The parts; what is odd about their rows goes to `warnings`."""
        frame = self.raw.frame
        names = [name for name in preprocessing.identifiers if name in frame.columns]
        identifiers = {name: text_of(column_of(frame, name)).fill_null("") for name in names}
        values = TableValues(self.values, dict(targets), weights, identifiers, frame.height)
        parts = {}
        for name, chosen in rows.items():
            notes: list[str] = []
            parts[name] = preprocessing.assemble(values, chosen, notes)
            warnings.extend(f"{name} part: {note}" for note in notes)
        return parts


def odd_columns(
    columns: Sequence[FeatureColumn],
    shown: Mapping[str, Any],
    specs: Sequence[TargetSpec],
    targets: Mapping[str, NDArray[Any]],
    rows: NDArray[np.int64],
) -> list[str]:
    """Warnings of columns that tell the target, hold codes for numbers, or texts that no blank divides.

    Args:
        columns: fitted to the training part.
        shown: column -> its values in some rows.
        specs, targets: what is predicted, in all rows.
        rows: which rows are shown.
    """
    told = {name: target[rows] for name, target in targets.items()}
    warnings = warn_of_whole_lines({column.name: column.tokenizer for column in columns})
    return [*warnings, *warn_of_giveaways(columns, shown, specs, told), *far_codes(columns, shown, specs, told)]


def make_preprocessing(
    config: DataConfig,
    raw: RawTable,
    reading: Reading,
    features: Sequence[FeatureColumn],
    specs: Sequence[TargetSpec],
    targets: dict[str, NDArray[Any]],
    train: NDArray[np.int64],
    untaught: Mapping[str, str],
    details: Mapping[str, Mapping[str, Any]],
) -> TablePreprocessing:
    """What was fitted to a table, as one value.

    Args:
        config, raw, reading: the table, and how it is read.
        features: columns fitted to the training part.
        specs, targets: what is predicted, in all rows.
        train: rows of the training part.
        untaught: column -> why it was left out.
        details: files that belong to it, such as those of word vectors.
    """
    return TablePreprocessing(
        source=config.source,
        features=tuple(features),
        targets=tuple(scaled_target(config, spec, targets, train) for spec in specs),
        reading=reading,
        text_options=text_options(config, raw),
        weight=config.weight,
        identifiers=config.identifiers,
        arguments=raw.arguments,
        missing_target=config.missing_target,
        groups=group_columns(without_untaught(config, untaught), features),
        files=details,
    )


def reading_of(config: DataConfig, raw: RawTable) -> Reading:
    """How text becomes values."""
    return Reading(
        USUAL_MISSING if config.missing is None else tuple(config.missing),
        config.decimal or raw.reading.get("decimal", "."),
        config.thousands or raw.reading.get("thousands"),
        config.replace,
        config.dates,
    )


def with_units(config: DataConfig, raw: RawTable, reading: Reading) -> Reading:
    """The reading with what the numbers of each text column are written with; words that are meant as such keep it."""
    words = {name for name, kind in (config.features or {}).items() if kind not in (None, "number")}
    targets = {*config.target, *raw.target} if config.series is None else set[str]()
    words |= targets if config.task == "classification" else set()
    return find_units(raw.frame, reading, targets if config.task is None else (), words)


def text_options(config: DataConfig, raw: RawTable) -> dict[str, Any]:
    """How the text was read, as the config says it or as was found out: with that a run reads its own files again."""
    found = {key: raw.reading.get(key) if getattr(config, key) in (None, 0) else getattr(config, key) for key in TEXT_OPTIONS}
    return {key: value for key, value in found.items() if value is not None}


def check_columns(config: DataConfig, raw: RawTable) -> None:
    """Every column that the config names must be there, and of a type that can be read (raises DataError)."""
    have = raw.frame.columns
    where = raw.origin[0][1] if raw.origin else config.source
    faults = [
        config_fault(config, key, f"{name} is not a column of {where}", column_hint(name, have))
        for key, name in named_columns(config)
        if name not in have
    ]
    if not faults:
        used = [(key, name) for key, name in named_columns(config) if not key.startswith("data.drop")]
        roles = {name: f"which {key.removesuffix(f'.{name}')} names" for key, name in used}
        file = raw.origin[0][1] if raw.origin else None
        faults = unusable_types(raw.frame, roles, file)
    if faults:
        raise DataError(capped(faults))


def target_names(config: DataConfig, raw: RawTable) -> tuple[str, ...]:
    """The columns to predict (raises ConfigError where none is named)."""
    if config.task == RECONSTRUCTION:
        return ()
    names = config.target or raw.target
    if not names:
        hint = f"say data.target: one of {listed(raw.frame.columns, 30)}; or data.task: reconstruction"
        raise ConfigError(config_fault(config, "data.target", "the column to predict is not named", hint))
    return names


def _reserved(config: DataConfig, raw: RawTable) -> set[str]:
    """Columns that have another role than that of a feature."""
    split = config.split
    reserved = {*target_names(config, raw), *config.target, *raw.target, *config.drop, *config.identifiers}
    return reserved | {name for name in (config.weight, split.column, split.group, split.time) if name}


def column_kinds(
    config: DataConfig, raw: RawTable, reading: Reading, known: Mapping[str, ColumnKind] = NOTHING_KNOWN
) -> dict[str, ColumnKind]:
    """The kind of each column that may be a feature, as the config says or as it looks; those that are known already stay."""
    reserved = _reserved(config, raw)
    kinds = {}
    for name in raw.frame.columns if config.features is None else config.features:
        if name in reserved:
            continue
        if name in known:
            kinds[name] = known[name]
            continue
        series = column_of(raw.frame, name)
        kinds[name] = infer_kind(series, reading)
        if config.features is not None:
            kinds[name] = _forced(series, kinds[name], config.features[name], reading)
    return kinds


def decided_dates(
    config: DataConfig, raw: RawTable, reading: Reading, kinds: Mapping[str, ColumnKind], times: Sequence[str] = ()
) -> tuple[Reading, list[str]]:
    """The reading with how each column's dates are written, as was found out, and sentences on what was guessed.

    Args:
        config: of the data.
        raw: the table.
        reading: as the config says.
        kinds: of the columns that may be features.
        times: further columns of dates, beside that of `split.time`.
    """
    found = {name: kind for name, kind in kinds.items() if kind.kind == "date"}
    for name in (*times, *([config.split.time] if config.split.time else [])):
        if name not in found:
            kind = infer_time(mend(column_of(raw.frame, name), reading), reading)
            found |= {name: kind} if kind.kind == "date" else {}
    # Dates of Parquet are written nowhere: what begins with @ is a zone without a format.
    written = {name: kind.date_format for name, kind in found.items() if kind.date_format and kind.date_format[0] != "@"}
    if isinstance(reading.dates, Mapping):
        written |= {name: NO_DATES for name, said in reading.dates.items() if said == NO_DATES}
    notes = [kind.note.removeprefix("warning: ") for kind in found.values() if kind.note]
    return replace(reading, dates=written or None), notes


def feature_columns(
    config: DataConfig, raw: RawTable, kinds: Mapping[str, ColumnKind]
) -> tuple[list[FeatureColumn], list[tuple[str, str]]]:
    """The columns to use with their kinds, and those left out with the reason.

    Raises:
        DataError: a column that was asked for cannot be a feature.
    """
    columns: list[FeatureColumn] = []
    left_out: list[tuple[str, str]] = []
    faults: list[Fault] = []
    for name in raw.frame.columns if config.features is None else config.features:
        kind = kinds.get(name)
        if kind is None:
            if config.features is not None:
                message = f"{name} has another role already, so it is no feature"
                faults.append(config_fault(config, f"data.features.{name}", message))
        elif kind.left_out and config.features is not None:
            if kind.left_out.startswith(OF_TYPE):
                message, hint = f"the column {name} holds {kind.left_out}", f"data.features: {{{name}: number}} takes its seconds"
                faults.append(config_fault(config, f"data.features.{name}", message, hint))
                continue
            message = f"{name} is text that looks like names ({kind.left_out})"
            hint = f"data.features: {{{name}: text}} learns from its words, {{{name}: category}} from each different text"
            faults.append(config_fault(config, f"data.features.{name}", message, hint))
        elif kind.left_out:
            left_out.append((name, kind.left_out))
        else:
            form = picture_form(config) if kind.kind == IMAGE else None
            on_error = str(config.arguments.get("on_error") or "fail")
            columns.append(FeatureColumn(name, kind.kind, kind.date_format, form=form, images=config.images, on_error=on_error))
    if faults:
        raise DataError(capped(faults))
    return columns, left_out


def picture_form(config: DataConfig) -> PictureForm:
    """Size and channels of the pictures that columns name."""
    return parse_form(config)


def _forced(series: polars.Series, inferred: ColumnKind, forced: str | None, reading: Reading) -> ColumnKind:
    """The kind that the config asks for; a feature named without a kind is used whatever it looks like."""
    if forced is None:
        return replace(inferred, left_out="" if inferred.kind != "text" else inferred.left_out)
    date_format = inferred.date_format
    said = reading.dates_of(name_of(series))
    if forced == "date" and said is not None and split_writing(said)[0] in EPOCHS:
        return ColumnKind(forced, said)
    if forced == "date" and date_format is None:
        sample = mend(series, reading).drop_nulls().head(SAMPLE_ROWS)
        if len(sample) and str(sample.dtype) == "String":
            written = date_writing(series, sample, reading) or find_writing(sample.head(1))
            return ColumnKind(forced, written.text if written else None, note=written.note if written else "")
    return ColumnKind(forced, date_format, note=inferred.note if forced == "date" else "")


def read_target(config: DataConfig, raw: RawTable, reading: Reading, name: str) -> tuple[TargetSpec, NDArray[Any]]:
    """Task and labels of a target, and its values [rows].

    Raises:
        DataError: values that are missing, unreadable, or all the same.
    """
    series = mend(column_of(raw.frame, name), reading)
    classes = raw.classes if name in raw.target else ()
    spec = infer_target(
        series,
        reading,
        task=config.task,
        classes=classes,
        labelled=is_labelled(column_of(raw.frame, name)),
        allow_one=config.allow_one_class,
    )
    spec = transformed(spec, config.scale_target)
    return spec, encode_target(series, spec, reading, locator(raw), drop=config.missing_target == DROP)


def fit_targets(
    config: DataConfig, raw: RawTable, reading: Reading, read: ReadTarget = read_target
) -> tuple[tuple[TargetSpec, ...], dict[str, NDArray[Any]]]:
    """All targets; `read` gives one of them.

    Raises:
        DataError: values that are missing, unreadable, or all the same.
    """
    if config.task == RECONSTRUCTION:
        spec = TargetSpec(RECONSTRUCTION, RECONSTRUCTION, reason="data.task says so")
        _refuse_log_of_none(config, (spec,))
        return (spec,), {}
    specs: list[TargetSpec] = []
    values: dict[str, NDArray[Any]] = {}
    faults: list[Fault] = []
    for name in target_names(config, raw):
        try:
            spec, values[name] = read(config, raw, reading, name)
            specs.append(spec)
        except DataError as error:
            faults.extend(placed(error, config).faults)
    if faults:
        raise DataError(faults)
    _refuse_log_of_none(config, specs)
    return tuple(specs), values


def _refuse_log_of_none(config: DataConfig, specs: Sequence[TargetSpec]) -> None:
    try:
        refuse_log_of_none(specs, config.scale_target)
    except DataError as error:
        raise placed(error, config) from error


def check_targets(
    config: DataConfig,
    specs: tuple[TargetSpec, ...],
    targets: dict[str, NDArray[Any]],
    rows: dict[str, Rows],
    raw: RawTable,
    reading: Reading,
) -> list[str]:
    """Labels must be known to training, numbers must vary in it; unless `data.allow_one_class` says that they need not."""
    notes = []
    for spec in specs:
        if spec.task == RECONSTRUCTION:
            continue
        is_one = np.ptp(targets[spec.name][rows["train"]]) == 0
        if spec.task == "classification" and not (is_one and config.allow_one_class):
            notes += check_labels(spec.name, spec.classes, targets[spec.name], rows, locator(raw))
        if not is_one:
            continue
        classifies = spec.task == "classification"
        same = f"the target {spec.name} is the same in every row of the training part"
        message = f"the training part has one class of {spec.name} only" if classifies else same
        if not config.allow_one_class:
            raise DataError(message, hint=HINT_ONE_CLASS if classifies else HINT_CONSTANT)
        notes.append(f"{message}: to say it always is all that can be learnt")
    return [*notes, *numbers_among_labels(config.task, specs, replace(reading, units=None))]


def choose_rows(
    config: DataConfig,
    raw: RawTable,
    reading: Reading,
    specs: tuple[TargetSpec, ...],
    targets: dict[str, NDArray[Any]],
    seed: int,
) -> tuple[dict[str, Rows], str]:
    """Rows of each part, and the manner of the split in a word."""
    split = config.split
    brought, rows = given_parts(config, raw.parts, raw.frame.height)
    is_taught = have_targets(targets, raw.frame.height)
    rows, brought = rows[is_taught[rows]], {name: part[is_taught[part]] for name, part in brought.items()}
    shares = {"test": split.test, "validation": split.validation}
    try:
        if split.column:
            values, codes = coded(text_of(column_of(raw.frame, split.column)))
            parts = {name: part[is_taught[part]] for name, part in split_column(values, codes).items()}
            empty = [name for name, part in parts.items() if not len(part)]
            if empty:
                raise ValueError(f"no row of the {empty[0]} part has a value for the target")
            return parts, f"by column {split.column}"
        if split.group:
            groups = coded_groups(raw, split.group)[rows]
            chosen = split_groups(groups, seed=seed if split.seed is None else split.seed, **shares)
            manner = f"groups of {split.group} kept together"
        elif split.time:
            chosen = split_time(times_of(config, raw, reading)[rows], **shares)
            manner = f"by time ({split.time})"
        else:
            spec = next((spec for spec in specs if spec.task == "classification"), None)
            labels = None if spec is None else targets[spec.name]
            parts, manner = split_at_random(config, rows, labels, spec.classes if spec else (), seed, locator(raw))
            return _ordered({**parts, **brought}), manner
    except SplitError as error:
        named = next((name for name in (split.column, split.group) if name), None)
        message = f"column {named}: {error}" if named else str(error)
        raise DataError(config_fault(config, "data.split", message)) from error
    return _ordered({**{name: rows[part] for name, part in chosen.items()}, **brought}), manner


def coded_groups(raw: RawTable, name: str) -> NDArray[np.int64]:
    """Int [rows]: which group a row is of; rows without one are one group."""
    return coded(text_of(column_of(raw.frame, name)).fill_null("").str.replace(WHOLE, "$1"))[1]


def coded(series: polars.Series) -> tuple[list[str | None], NDArray[np.int64]]:
    """The different texts in order (null last), and int [rows]: which of them a row holds."""
    import polars

    values = series.drop_nulls().unique().sort()
    codes = series.cast(polars.Enum(values)).to_physical().cast(polars.Int64).fill_null(len(values)).to_numpy()
    return [*values.to_list(), None], codes


def _ordered(parts: dict[str, Rows]) -> dict[str, Rows]:
    return {name: parts[name] for name in ("train", "validation", "test") if name in parts}


def times_of(config: DataConfig, raw: RawTable, reading: Reading) -> NDArray[Any]:
    """The times of all rows by which the config splits, as numbers.

    Raises:
        SplitError: a row has none.
    """
    name = str(config.split.time)
    series = mend(column_of(raw.frame, name), reading)
    kind = infer_time(series, reading)
    if kind.kind == "date":
        dates = to_moments(series, kind.date_format)
        times = np.where(dates.is_null().to_numpy(), np.nan, dates.dt.epoch("us").fill_null(0).to_numpy().astype(np.float64))
    else:
        times = to_numbers(series, reading)
    bad = np.flatnonzero(np.isnan(times))
    if len(bad):
        file, line = locator(raw)(int(bad[0]))
        place = f" (first {file}:{line})" if line else ""
        raise SplitError(f"column {name} holds no date or number in {len(bad):,} rows{place}")
    return times


def _option(config: DataConfig, key: str, column: str, default: Any, words: tuple[str, ...]) -> Any:
    option = getattr(config, key)
    value = option.get(column, default) if isinstance(option, dict) else option
    value = default if value is None else value
    if isinstance(value, str) and value not in words:
        message = f"expected one of {', '.join(words)}, got {value}"
        raise ConfigError(config_fault(config, f"data.{key}", message))
    return value


def min_count_of(config: DataConfig, column: str) -> int:
    """Training rows that a category of the column needs to be one of its own."""
    option = config.min_count
    return (option.get(column, 1) if isinstance(option, Mapping) else option) or 1


def fit_column(config: DataConfig, column: FeatureColumn, values: Any, rows: Rows) -> FeatureColumn:
    """What the training rows teach about a column, with the options that the config has for it."""
    for key in ("encode", "min_count"):
        option = getattr(config, key)
        if not isinstance(option, dict) or column.name not in option or column.kind in ("category", "boolean"):
            continue
        what = {"text": "free text", "number": "numbers", "date": "dates"}.get(column.kind, f"a column of {column.kind}s")
        message = f"{column.name} is {what}, and `{key}` is for categories"
        hint = f"`data.features: {{{column.name}: category}}` takes each different value for a category"
        raise ConfigError(config_fault(config, f"data.{key}.{column.name}", message, hint))
    scale = _option(config, "scale", column.name, "standard", (*SCALES, "unit"))
    how = Learning(
        scale="minmax" if scale == "unit" else scale,
        impute=_option(config, "impute", column.name, "median", IMPUTES),
        encode=_option(config, "encode", column.name, None, ("one_hot", "embedding")),
        min_count=min_count_of(config, column.name),
        text=config.text,
        keeps_rounding=isinstance(config.scale, dict) and column.name in config.scale,
    )
    return fit_feature(column, values, rows, how)


def scaled_target(config: DataConfig, spec: TargetSpec, targets: dict[str, NDArray[Any]], rows: Rows) -> TargetSpec:
    """A target of numbers with mean and deviation of the training rows, or of their logarithms."""
    if spec.task != "regression" or not config.scale_target:
        return spec
    return scale_target(spec, targets[spec.name][rows], in_time=config.series is not None or config.split.time is not None)


def check_some_feature(preprocessing: TablePreprocessing, config: DataConfig, left_out: Sequence[tuple[str, str]]) -> None:
    """There must be something to learn from; what was left out may say why there is not (raises DataError)."""
    schema = preprocessing.schema
    if not schema.inputs:
        raise DataError(config_fault(config, "data.features", "no column is left to learn from", _hint_left_out(left_out)))
    if config.task == RECONSTRUCTION and schema.inputs[0].name != FEATURES:
        hint = "say `data.encode: one_hot`"
        if any(column.form is not None for column in preprocessing.features):
            hint = "pictures that a table names are reconstructed by `source: image_folder` with the table as its path"
        if preprocessing.groups:
            hint = "leave model.inputs out"
        raise DataError(config_fault(config, "data.features", "no number is left to reconstruct", hint))


def _hint_left_out(left_out: Sequence[tuple[str, str]]) -> str | None:
    """What could be done about columns that are left out, when no other is there."""
    if not left_out:
        return None
    said = f"left out: {listed([f'{shown_column(name)} ({reason})' for name, reason in left_out], 8)}"
    texts = [name for name, reason in left_out if reason.startswith("text, ")]
    if texts:
        return f"{said}; `data.features: {{{texts[0]}: text}}` learns from the words of {texts[0]}"
    by_look = [name for name, reason in left_out if not reason.startswith(("no ", "the same in", "empty"))]
    return f"{said}; `data.features: [{by_look[0]}]` takes it all the same" if by_look else said


def summarize(
    preprocessing: TablePreprocessing,
    targets: dict[str, NDArray[Any]],
    left_out: Sequence[tuple[str, str]],
    num_rows: int,
    untaught: Sequence[tuple[str, str]] = (),
) -> list[str]:
    """Lines on targets and features, and on the columns that are left out: by their look, or for what training can teach."""
    lines = []
    # Those of a series were cut to the rows that have a value, each by itself.
    is_table = all(len(values) == num_rows for values in targets.values())
    if is_table:
        is_taught = have_targets(targets, num_rows)
        told = {name: values[is_taught] for name, values in targets.items()}
    else:
        told = targets
    for spec in preprocessing.targets:
        if spec.task == "classification":
            lines.append(count_labels(spec, told[spec.name]))
        elif spec.task == "regression":
            numbers = told[spec.name]
            lines.append(
                f"target {spec.name}: a number from {numbers.min():,.6g} to {numbers.max():,.6g}, mean {numbers.mean():,.6g}, "
                f"standard deviation {numbers.std():,.6g}"
            )
        else:
            lines.append("target: the input itself (reconstruction)")
        if spec.reason:
            lines[-1] += f" ({spec.task}: {spec.reason})" if spec.task != RECONSTRUCTION else ""
    lines += describe_dropped(targets, num_rows) if is_table else []
    sample = f", kinds by the first {SAMPLE_ROWS:,} rows" if num_rows > SAMPLE_ROWS else ""
    features = preprocessing.describe()
    lines += [features[0] + sample, *features[1:]]
    if left_out:
        words = [f"{shown_column(name)} ({reason})" for name, reason in left_out]
        lines.append(f"left out: {listed(words, 20)}; data.features can name them")
    if untaught:
        words = [f"{shown_column(name)} ({reason})" for name, reason in untaught]
        lines.append(f"left out, having nothing to teach: {listed(words, 20)}")
    return lines


def kept_in_config(
    config: DataConfig, columns: Sequence[FeatureColumn], untaught: Sequence[tuple[str, str]]
) -> list[FeatureColumn]:
    """Columns that are left out and stay among the features of the resolved config all the same, because inputs name them."""
    named = {name for group in config.input_columns.values() for name in group}
    return [column for column in columns if column.name in dict(untaught).keys() & named]


def resolved_values(preprocessing: TablePreprocessing, more: Sequence[FeatureColumn] = ()) -> dict[str, Any]:
    """Inferred values by key path; `more` are features that the config names, beside those that are used."""
    tasks = {spec.task for spec in preprocessing.targets}
    resolved: dict[str, Any] = {"data.features": {column.name: column.kind for column in (*preprocessing.features, *more)}}
    if len(tasks) == 1:
        resolved["data.task"] = tasks.pop()
    if preprocessing.reading.dates:
        resolved["data.dates"] = preprocessing.reading.dates
    depths = {bits_of(column.form.white) for column in preprocessing.features if column.form is not None}
    if len(depths) == 1 and None not in depths:
        resolved["data.depth"] = depths.pop()
    return resolved
