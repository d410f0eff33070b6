"""Tables: columns by kind to one matrix of numbers, plus an index input for each embedded category."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from dltrain.config.catalog.transformers import TRANSFORMERS
from dltrain.data.columns.category import shortened_codes
from dltrain.data.columns.column import (
    AS_IN_TRAINING,
    FeatureColumn,
    check_gaps,
    fill_features,
    read_back,
    read_features,
    take,
    usable_rows,
)
from dltrain.data.columns.kind import Unseen
from dltrain.data.columns.kinds import kind_counts
from dltrain.data.columns.reading import Reading, mend, text_of, to_numbers
from dltrain.data.columns.scaling import NOT_SEEN, SCALES, NumberTransform
from dltrain.data.columns.spoken import unusable_types
from dltrain.data.columns.unmet_words import new_codes, said_of_gaps, said_of_units
from dltrain.data.dataset import InputSpec, Part, Schema, TargetSpec
from dltrain.data.labels.cells import encode_labels, is_list
from dltrain.data.labels.encode import encode_target
from dltrain.data.preprocessing import Preprocessing
from dltrain.data.raw import Raw, RawTable, locator
from dltrain.data.tables.column_names import column_of
from dltrain.data.tables.input_groups import InputGroup, group_specs, split_inputs
from dltrain.data.tables.text_format import NAMES
from dltrain.data.targets import describe_dropped, have_targets, smeared
from dltrain.data.transform import FittedStep, apply_steps, describe_steps, steps_from, steps_state
from dltrain.errors import DataError, Fault, Note, all_of, capped, warn
from dltrain.storage.values import one_of, text_map, texts, typed
from dltrain.wording import column_hint

if TYPE_CHECKING:
    from dltrain.data.arrays.disk_array import Array

FEATURES = "features"
DROP = "drop"


@dataclass(slots=True)
class TableValues:
    """A raw table read by kind, all rows.

    Attributes:
        features: column -> float64 array, or series of dates or text.
        targets: target -> int32 class indices, int8 [rows, labels], or float64 values in their own units.
        weights: float32 [rows] or None.
        identifiers: column -> series of text.
        num_rows: of the table.
    """

    features: dict[str, Any]
    targets: dict[str, NDArray[Any]]
    weights: NDArray[np.float32] | None
    identifiers: dict[str, Any]
    num_rows: int


@dataclass(frozen=True)
class TablePreprocessing(Preprocessing):
    """Preprocessing of rows and columns.

    Attributes:
        source: "csv", "parquet" or a named table.
        features: the columns used, in order, with what was learned about them.
        targets: what to learn, with labels or mean and scale.
        reading: how text becomes values.
        text_options: fields of `DataConfig` with which a text file is read again (`columns`, `quote`, `encoding`).
        weight: the column of row weights, or None.
        identifiers: columns that are repeated beside predictions.
        steps: transformers of scikit-learn behind the scaled numbers.
        arguments: with which the source reads data for predictions.
        groups: the columns of each input where the config names inputs; else empty.
        missing_target: "fail", or "drop": rows without a value for a target are left out where targets are needed.
        files: of the word vectors with which embeddings began, as `RawTable.details` has files; nobody needs them again.
    """

    kind: ClassVar[str] = "table"
    source: str
    features: tuple[FeatureColumn, ...]
    targets: tuple[TargetSpec, ...]
    reading: Reading = field(default_factory=Reading)
    text_options: Mapping[str, Any] = field(default_factory=dict)
    weight: str | None = None
    identifiers: tuple[str, ...] = ()
    steps: tuple[FittedStep, ...] = ()
    arguments: Mapping[str, Any] = field(default_factory=dict)
    groups: tuple[InputGroup, ...] = ()
    files: Mapping[str, Any] = field(default_factory=dict)
    missing_target: str = "fail"

    @property
    def schema(self) -> Schema:
        """One input "features" of all numbers and one-hot columns, one for each embedded category; or those that are named."""
        if self.groups:
            return Schema(tuple(group_specs(self.groups, self.features)), self.targets)
        columns = tuple(name for column in self.features for name in column.columns)
        unit_range = all(column.unit_range for column in self.features)
        if self.steps:
            columns, unit_range = self.steps[-1].columns, TRANSFORMERS[self.steps[-1].name].to_unit
        inputs = [InputSpec(FEATURES, (len(columns),), columns=columns, unit_range=unit_range)] if columns else []
        for column in self.features:
            if column.is_embedded:
                inputs.append(column.make_input(input_name(column)))
        return Schema(tuple(inputs), self.targets)

    def transform(
        self, raw: Raw, *, with_targets: bool, rows: NDArray[np.int64] | None = None, notes: list[Note] | None = None
    ) -> Part:
        """See `Preprocessing.transform`; sentences for the user (unseen categories) are appended to `notes`."""
        notes = [] if notes is None else notes
        values = self.read_values(raw, with_targets=with_targets, notes=notes)
        if rows is None and with_targets:
            rows = np.flatnonzero(have_targets(values.targets, values.num_rows))
            notes += [warn(text, "rows_left_out") for text in describe_dropped(values.targets, values.num_rows)]
            if not len(rows):
                raise DataError("no row has a value for the target")
        if isinstance(raw, RawTable):
            named = [column.name for column in self.features] + [spec.name for spec in self.targets if with_targets]
            notes += said_of_units(raw.frame, self.reading, named)
            notes += said_of_gaps(raw.frame, self.reading, named, are_later=True)
            notes += [*shortened_codes(raw.frame, self.features), *new_codes(raw.frame, self.features, self.reading)]
        rows = usable_rows(self.features, values.features, np.arange(values.num_rows) if rows is None else rows, notes)
        return self.assemble(values, rows, notes, are_new=True)

    def read_values(self, raw: Raw, *, with_targets: bool, notes: list[Note] | None = None) -> TableValues:
        """Read the columns that are needed, whatever their order; surplus columns are not looked at.

        Labels that training has not learnt are told in `notes`.

        Raises:
            DataError: a column is missing, or values that are not of its kind.
        """
        if not isinstance(raw, RawTable):
            raise DataError("expected a table, got pictures")
        self.check_columns(raw, with_targets)
        frame, locate = raw.frame, locator(raw)
        wanted = [spec for spec in self.targets if not spec.is_reconstruction] if with_targets else []
        drop = self.missing_target == DROP
        features, weights, *encoded = all_of(
            lambda: read_features(frame, self.features, self.reading, locate, AS_IN_TRAINING),
            lambda: read_weights(raw, self.weight, self.reading) if with_targets and self.weight else None,
            *(
                partial(encode_labels, frame, spec, self.reading, locate, drop=drop, notes=notes)
                if spec.is_multilabel
                else partial(
                    encode_target, mend(column_of(frame, spec.name), self.reading), spec, self.reading, locate, drop=drop
                )
                for spec in wanted
            ),
        )
        check_gaps(self.features, features, locate)
        targets = {spec.name: values for spec, values in zip(wanted, encoded, strict=True)}
        identifiers = {name: text_of(column_of(frame, name)).fill_null("") for name in self.identifiers if name in frame.columns}
        return TableValues(features, targets, weights, identifiers, frame.height)

    def check_columns(self, raw: RawTable, with_targets: bool) -> None:
        """Every column that is needed must be there (raises DataError)."""
        needed = [column.name for column in self.features]
        if with_targets:
            needed += [name for spec in self.targets if not spec.is_reconstruction for name in spec.columns_read]
            needed += [self.weight] if self.weight else []
        have = dict.fromkeys(raw.frame.columns)
        file = raw.origin[0][1] if raw.origin else None
        missing = [name for name in dict.fromkeys(needed) if name not in have]
        labels = {name for spec in self.targets if spec.is_multilabel for name in spec.columns_read}
        lists = {name for name in labels if name in have and is_list(column_of(raw.frame, name))}
        single = dict.fromkeys((name for name in needed if name not in lists), "which the run needs")
        unusable = unusable_types(raw.frame, single, file)
        if unusable:
            raise DataError(capped(unusable))
        if missing:
            faults = [Fault(f"the column {name} is missing", file=file, hint=column_hint(name, list(have))) for name in missing]
            raise DataError(capped(faults))

    def assemble(self, values: TableValues, rows: NDArray[np.int64] | None, notes: list[Note], *, are_new: bool = False) -> Part:
        """Preprocess the given rows (all where None) of values that were read; new ones are none of the data that was split."""
        unseen = Unseen(of_new_rows=are_new)
        rows = np.arange(values.num_rows) if rows is None else rows
        inputs = self.make_inputs(values.features, rows, unseen)
        notes += unseen.notes(self.features)
        return Part(
            inputs,
            self.make_targets(values.targets, rows, inputs),
            None if values.weights is None else values.weights[rows],
            rows.astype(np.int64),
            {name: series.gather(rows).to_list() for name, series in values.identifiers.items()},
        )

    def make_inputs(self, features: Mapping[str, Any], rows: NDArray[np.int64], unseen: Unseen) -> dict[str, Array]:
        """The model's inputs for some rows of columns that were read by kind; what training has not seen goes to `unseen`."""
        chosen = {name: take(column, rows) for name, column in features.items()}
        width = sum(len(column.columns) for column in self.features)
        matrix = np.zeros((len(rows), width), np.float32)
        embedded = fill_features(matrix, self.features, chosen, unseen)
        if self.groups:
            return split_inputs(self.groups, self.features, matrix, embedded)
        inputs: dict[str, Array] = {FEATURES: apply_steps(self.steps, matrix)} if width else {}
        inputs.update({input_name(column): embedded[column.name] for column in self.features if column.is_embedded})
        return inputs

    def make_targets(
        self, targets: Mapping[str, NDArray[Any]], rows: NDArray[np.int64], inputs: Mapping[str, Array]
    ) -> dict[str, Any]:
        """What the model is to learn for some rows; for reconstruction the input itself."""
        made: dict[str, Any] = {}
        for spec in self.targets:
            if spec.is_reconstruction and FEATURES in inputs:
                made[spec.name] = inputs[FEATURES]
            elif spec.name in targets:
                target = targets[spec.name][rows]
                regresses = spec.task == "regression"
                made[spec.name] = spec.to_stored(target) if regresses else target
        return made

    def read_back(self, matrix: NDArray[Any]) -> dict[str, Any]:
        """What reconstructed features [rows, width] say of the table: column -> values; none where steps made other numbers."""
        width = sum(len(column.columns) for column in self.features)
        return {} if self.steps or self.groups or matrix.shape[1:] != (width,) else read_back(self.features, matrix)

    def with_smearing(self, factors: Mapping[str, float]) -> TablePreprocessing:
        """See `Preprocessing.with_smearing`."""
        return replace(self, targets=smeared(self.targets, factors))

    def describe(self) -> list[str]:
        """`features: 6 numbers (standard), 8 categories (one-hot, 102 columns)`."""
        groups: dict[str, list[FeatureColumn]] = {}
        for column in self.features:
            groups.setdefault(column.by_kind.group(column), []).append(column)
        words = [
            kind_counts([column.kind for column in groups[name]]) + groups[name][0].by_kind.describe(groups[name])
            for name in ("number", "boolean", "date", "one_hot", "embedding", "text", "image")
            if name in groups
        ]
        return [f"features: {', '.join(words)}", *describe_steps(self.steps)]

    def to_state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """See `Preprocessing.to_state`."""
        numbers = [number for column in self.features for number in column.numbers]
        steps, step_arrays = steps_state(self.steps)
        state = {
            "source": self.source,
            "reading": {
                "missing": list(self.reading.missing),
                "decimal": self.reading.decimal,
                "thousands": self.reading.thousands,
                "dates": self.reading.dates if isinstance(self.reading.dates, str | None) else dict(self.reading.dates),
                "replace": {name: dict(words) for name, words in (self.reading.replace or {}).items()},
                "units": None if self.reading.units is None else dict(self.reading.units),
                **({"gaps": list(self.reading.gaps)} if self.reading.gaps else {}),
                **({"codes": list(self.reading.codes)} if self.reading.codes else {}),
            },
            "text_options": dict(self.text_options),
            "weight": self.weight,
            "missing_target": self.missing_target,
            "identifiers": list(self.identifiers),
            "steps": steps,
            "arguments": dict(self.arguments),
            "files": {name: dict(entry) for name, entry in self.files.items()},
            "inputs": {group.name: list(group.columns) for group in self.groups},
            "targets": [spec.to_state() for spec in self.targets],
            "features": [column.to_state() for column in self.features],
        }
        arrays: dict[str, NDArray[Any]] = {
            "fill": np.array([number.fill for number in numbers], np.float64),
            "center": np.array([number.center for number in numbers], np.float64),
            "spread": np.array([number.spread for number in numbers], np.float64),
            "seen": np.array([number.seen if len(number.seen) else NOT_SEEN for number in numbers], np.float64),
        }
        arrays.update({f"quantiles_{index}": number.quantiles for index, number in enumerate(numbers) if len(number.quantiles)})
        return state, arrays | step_arrays

    @classmethod
    def from_state(cls, state: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> TablePreprocessing:
        """See `Preprocessing.from_state`."""
        columns: list[FeatureColumn] = []
        names: set[str] = set()
        index = 0
        for item in typed(state, "features", list):
            stored = typed(item, "numbers", list)
            numbers = [_number_from(number, arrays, index + place) for place, number in enumerate(stored)]
            column = FeatureColumn.from_state(item, numbers)
            if column.name in names:
                raise ValueError(f"the column {column.name} is there twice")
            names.add(column.name)
            columns.append(column)
            index += len(numbers)
        reading = typed(state, "reading", dict)
        return cls(
            source=typed(state, "source", str),
            features=tuple(columns),
            targets=tuple(TargetSpec.from_state(item) for item in typed(state, "targets", list)),
            reading=Reading(
                texts(reading, "missing"),
                typed(reading, "decimal", str),
                None if reading["thousands"] is None else typed(reading, "thousands", str),
                {str(name): text_map(words) for name, words in typed(reading, "replace", dict).items()},
                _dates_from(reading.get("dates")),
                None if reading.get("units") is None else text_map(reading["units"]),
                texts(reading, "gaps") if "gaps" in reading else (),
                texts(reading, "codes") if "codes" in reading else (),
            ),
            text_options=_text_options(typed(state, "text_options", dict)),
            weight=None if state["weight"] is None else typed(state, "weight", str),
            identifiers=texts(state, "identifiers"),
            steps=steps_from(state.get("steps", []), arrays),
            arguments=text_map(state.get("arguments", {})),
            missing_target=one_of(state, "missing_target", ("fail", DROP)) if "missing_target" in state else "fail",
            groups=_groups_from(state, columns),
            files={
                str(name): {"digest": typed(entry, "digest", str), "bytes": typed(entry, "bytes", int)}
                for name, entry in state.get("files", {}).items()
            },
        )


def _dates_from(dates: Any) -> str | dict[str, str] | None:
    if dates is None or isinstance(dates, str):
        return dates
    return text_map(dates)


def _groups_from(state: Mapping[str, Any], columns: Sequence[FeatureColumn]) -> tuple[InputGroup, ...]:
    groups = tuple(InputGroup(str(name), texts(state["inputs"], name)) for name in state.get("inputs", {}))
    names = [name for group in groups for name in group.columns]
    if groups and (sorted(names) != sorted(column.name for column in columns) or not all(group.columns for group in groups)):
        raise ValueError("inputs: expected each column in one input")
    return groups


def _number_from(item: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], index: int) -> NumberTransform:
    """The transform of the number at that place among those of all columns."""
    name, scale = typed(item, "name", str), one_of(item, "scale", SCALES)
    quantiles = np.asarray(arrays.get(f"quantiles_{index}", np.zeros(0)), np.float64)
    if scale == "quantile" and (quantiles.ndim != 1 or not len(quantiles)):
        raise ValueError(f"no quantiles for {name}")
    fill, center, spread = (float(arrays[word][index]) for word in ("fill", "center", "spread"))
    seen = arrays["seen"][index] if "seen" in arrays else NOT_SEEN
    indicator = typed(item, "indicator", bool)
    return NumberTransform(name, scale, fill, indicator, center, spread, quantiles, seen[np.isfinite(seen)])


def input_name(column: FeatureColumn) -> str:
    """The name of an embedded category's input: the column's own, unless the matrix of numbers has it."""
    return f"{column.name}_category" if column.name == FEATURES else column.name


def read_weights(raw: RawTable, column: str, reading: Reading) -> NDArray[np.float32]:
    """Row weights, float32 [rows].

    Raises:
        DataError: a weight is missing, negative or not a finite number; with its row.
    """
    series = mend(column_of(raw.frame, column), reading)
    weights = to_numbers(series, reading)
    bad = np.flatnonzero(~(np.isfinite(weights) & (weights >= 0)))
    if len(bad):
        locate = locator(raw)
        faults = []
        for row in bad[:10]:
            file, line = locate(int(row))
            value = series[int(row)]
            found = "no value" if value is None else repr(value)
            faults.append(Fault(f"weight column {column}: expected a number of 0 or more, got {found}", file=file, line=line))
        raise DataError(capped(faults, len(bad)))
    if not weights.any():
        raise DataError(f"weight column {column}: all weights are 0", path="data.weight")
    return weights.astype(np.float32)


def _text_options(options: Mapping[str, Any]) -> dict[str, Any]:
    read: dict[str, Any] = {}
    kinds = {"quote": str, "encoding": str, "header": bool, "separator": str, "skip": int, "units_row": bool}
    if isinstance(options.get("comment"), str):  # as runs had it that knew one beginning of comments
        options = {**options, "comment": [options["comment"]]}
    for key in ("columns", "comment", *kinds):
        if options.get(key) is not None:
            read[key] = typed(options, key, kinds[key]) if key in kinds else texts(options, key)
    separator = read.get("separator", ",")
    if NAMES.get(separator.casefold()) is None and (len(separator) != 1 or not separator.isascii() or separator in "\n\r\0"):
        raise ValueError(f"separator: expected one character, got {separator[:20]!r}")
    return read
