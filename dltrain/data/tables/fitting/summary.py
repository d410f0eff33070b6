"""What is said of a table that was fitted, and what goes into the resolved config."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray

from dltrain.config.types import DataConfig, config_fault
from dltrain.data.columns.column import FeatureColumn
from dltrain.data.columns.reading import OF_TYPE, SAMPLE_ROWS
from dltrain.data.labels.learn import describe_labels
from dltrain.data.pictures.depth import bits_of
from dltrain.data.tables.cells_apart import APART, apart_command
from dltrain.data.tables.preprocessing import FEATURES, TablePreprocessing
from dltrain.data.targets import count_labels, describe_dropped, have_targets
from dltrain.errors import DataError, Note
from dltrain.wording import amount, listed, shown, shown_column


def check_some_feature(preprocessing: TablePreprocessing, config: DataConfig, left_out: Sequence[tuple[str, str]]) -> None:
    """There must be something to learn from; what was left out may say why there is not (raises DataError)."""
    schema = preprocessing.schema
    if not schema.inputs:
        raise DataError(
            config_fault(config, "data.features", "no column is left to learn from", hint_left_out(left_out, _file_of(config)))
        )
    if config.is_reconstruction and schema.inputs[0].name != FEATURES:
        hint = "say `data.encode: one_hot`"
        if any(column.form is not None for column in preprocessing.features):
            hint = "pictures that a table names are reconstructed by `source: image_folder` with the table as its path"
        if preprocessing.groups:
            hint = "leave model.inputs out"
        raise DataError(config_fault(config, "data.features", "no number is left to reconstruct", hint))


def _file_of(config: DataConfig) -> str:
    return shown(config.path[0]) if config.path else "t.csv"


def hint_left_out(left_out: Sequence[tuple[str, str]], file: str) -> str | None:
    """What could be done about columns that are left out, when no other is there.

    Args:
        left_out: columns, and why.
        file: the table.
    """
    if not left_out:
        return None
    said = f"left out: {listed([f'{shown_column(name)} ({reason})' for name, reason in left_out], 8)}"
    texts = [name for name, reason in left_out if reason.startswith("text, ")]
    if texts:
        return f"{said}; `data.features: {{{texts[0]}: text}}` learns from the words of {texts[0]}"
    if apart := apart_command(dict(left_out), file):
        return f"{said}; {apart}"
    by_look = [name for name, reason in left_out if not reason.startswith(("no ", "the same in", "empty", OF_TYPE))]
    return f"{said}; `data.features: [{by_look[0]}]` takes it all the same" if by_look else said


def summarize(
    preprocessing: TablePreprocessing,
    targets: dict[str, NDArray[Any]],
    left_out: Sequence[tuple[str, str]],
    num_rows: int,
    untaught: Sequence[tuple[str, str]] = (),
) -> list[Note]:
    """Facts on targets and features, and on the columns that are left out: by their look, or for what training can teach."""
    lines = []
    # Those of a series were cut to the rows that have a value, each by itself.
    is_table = all(len(values) == num_rows for values in targets.values())
    if is_table:
        is_taught = have_targets(targets, num_rows)
        told = {name: values[is_taught] for name, values in targets.items()}
    else:
        told = targets
    for spec in preprocessing.targets:
        if spec.is_multilabel:
            lines += describe_labels(spec, told[spec.name])
            continue
        if spec.task == "classification":
            lines.append(count_labels(spec, told[spec.name]))
        elif spec.task == "regression":
            numbers = told[spec.name]
            lines.append(
                f"target {spec.name}: a number from {amount(numbers.min())} to {amount(numbers.max())}, "
                f"mean {amount(numbers.mean())}, standard deviation {amount(numbers.std())}"
            )
        else:
            lines.append("target: the input itself (reconstruction)")
        if spec.reason:
            lines[-1] += f" ({spec.task}: {spec.reason})" if not spec.is_reconstruction else ""
    flags = [spec for spec in preprocessing.targets if len(spec.classes) == 2 and not spec.reason.startswith("data.task")]
    if len(flags) > 1 and len(flags) == len(preprocessing.targets):
        lines.append(
            f"{len(flags)} targets of two classes: an output each; `data.task: multilabel` makes labels of one output of them"
        )
    lines += describe_dropped(targets, num_rows) if is_table else []
    sample = f", kinds by the first {SAMPLE_ROWS:,} rows" if num_rows > SAMPLE_ROWS else ""
    features = preprocessing.describe()
    lines += [features[0] + sample, *features[1:]]
    if left_out:
        words = [f"{shown_column(name)} ({reason})" for name, reason in left_out]
        can_be_named = not all(reason.startswith((*APART, OF_TYPE)) for _, reason in left_out)
        lines.append(f"left out: {listed(words, 20)}" + ("; data.features can name them" if can_be_named else ""))
    if untaught:
        words = [f"{shown_column(name)} ({reason})" for name, reason in untaught]
        lines.append(f"left out, having nothing to teach: {listed(words, 20)}")
    return [Note(line) for line in lines]


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
    for spec in preprocessing.targets:
        if spec.is_multilabel and not spec.columns:
            resolved["data.labels.separator"] = spec.separator
    if preprocessing.reading.dates:
        resolved["data.dates"] = preprocessing.reading.dates
    depths = {bits_of(column.form.white) for column in preprocessing.features if column.form is not None}
    if len(depths) == 1 and None not in depths:
        resolved["data.depth"] = depths.pop()
    return resolved
