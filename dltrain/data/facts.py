"""What is known of the data before it is read: its shape, its task, how many rows each part gets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from dltrain.config.types import DataConfig, config_fault
from dltrain.data.dataset import Dataset, InputSpec, Schema, TargetSpec
from dltrain.data.part_sizes import SplitError, fold_sizes, part_sizes
from dltrain.errors import Fault, Note
from dltrain.wording import the_target


@dataclass(frozen=True, slots=True)
class DataFacts:
    """What is known of a dataset.

    Attributes:
        schema: inputs and targets as the model will meet them; None: not known.
        rows: part -> rows; empty: not known.
        labels: target -> label -> rows of all parts together; only where the labels were seen.
        exact: the data says so itself; otherwise widths and counts are estimates from its beginning.
        notes: what the user should know, facts and warnings.
        names_known: the labels are called as `schema` says; otherwise only their number is known.
        errors: what is wrong with the data.
        blames_config: what is wrong is the config, which asks for what this data cannot be.
        inferred: what goes into the resolved config, by key path: how dates and numbers are written, kinds of columns, a scale.
        columns: of a table, all that it has; empty: not known.
        is_sample: the first rows alone were looked at: others may hold further classes.
    """

    schema: Schema | None = None
    rows: Mapping[str, int] = field(default_factory=dict)
    labels: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    exact: bool = False
    names_known: bool = True
    notes: tuple[Note, ...] = ()
    errors: tuple[Fault, ...] = ()
    blames_config: bool = False
    inferred: Mapping[str, Any] = field(default_factory=dict)
    columns: tuple[str, ...] = ()
    is_sample: bool = False


# How text is written: found out, said, and written back into the resolved config.
WRITING = (
    "data.labels.separator", "data.dates", "data.separator", "data.decimal", "data.thousands", "data.encoding", "data.units_row"
)  # fmt: skip


def facts_of(dataset: Dataset) -> DataFacts:
    """The facts of a dataset that was read."""
    labels: dict[str, dict[str, int]] = {}
    for spec in dataset.schema.targets:
        if spec.is_multilabel:
            counted = [part.targets[spec.name].sum(axis=0, dtype="int64") for part in dataset.parts.values()]
            labels[spec.name] = {label: int(sum(row[place] for row in counted)) for place, label in enumerate(spec.classes)}
        elif spec.task == "classification":
            counts = dict.fromkeys(range(len(spec.classes)), 0)
            for part in dataset.parts.values():
                import numpy as np

                for code, count in enumerate(np.bincount(part.targets[spec.name], minlength=len(spec.classes)).tolist()):
                    counts[code] += count
            labels[spec.name] = {label: counts[code] for code, label in enumerate(spec.classes)}
    return DataFacts(
        dataset.schema,
        {name: part.num_rows for name, part in dataset.parts.items()},
        labels,
        exact=True,
        notes=dataset.notes,
        inferred=dict(dataset.resolved),
        columns=dataset.columns,
    )


def in_unit_range(scale: object, default: str) -> bool:
    """Whether a way of scaling (`default` where the config names none) brings every number to 0...1."""
    return (scale or default) in ("unit", "minmax", "quantile")


def expected_rows(config: DataConfig, rows: int | None, own: Mapping[str, int] = {}) -> dict[str, int]:
    """Rows of each part by the config's fractions; empty where they depend on values (a column, groups, files).

    Args:
        config: the `data:` block.
        rows: how many there are, without the parts that the source brings.
        own: rows of the parts that the source brings itself.

    Raises:
        SplitError: the fractions leave nothing.
    """
    split = config.split
    if config.may_label_series:
        return {}  # whole series may go to the parts
    if rows is None or split.column or split.group or config.validation or config.test:
        return {}
    if split.folds and config.series is not None:  # a rolling origin
        return {}
    if config.limit is not None:
        own = {name: min(count, config.limit) for name, count in own.items()}
        rows = min(rows, config.limit)
    rows = own.get("train", rows)
    if split.folds:
        sizes = fold_sizes(rows, split.test, split.folds, split.fold or 1)
    else:
        sizes = part_sizes(rows, split.test, split.validation, validation_as_keras=split.validates_on_the_last)
    parts = {name: count for name, count in sizes.items() if count}
    if config.series is not None:  # rows of the model are windows
        series = config.series
        reach = {
            name: series.span - 1 + series.first_ahead if name != "train" and series.history_from == "before" else 0
            for name in parts
        }
        starts = {name: max(0, count - series.span - series.reach + 1 + reach[name]) for name, count in parts.items()}
        parts = {name: -(-count // series.stride) for name, count in starts.items() if count}
    return {**parts, **{name: count for name, count in own.items() if name != "train"}}


def schema_of(config: DataConfig, shape: Sequence[int], target: TargetSpec, scale: str, columns: Sequence[str] = ()) -> Schema:
    """One input of that shape and one target, as the model will meet them.

    Args:
        config: the `data:` block.
        shape: of a row's input.
        target: what is learnt.
        scale: what `data.scale` is where the config names none.
        columns: names of the numbers of a row.
    """
    name = "image" if len(shape) == 3 else "features"
    inputs = InputSpec(name, tuple(shape), columns=tuple(columns), unit_range=in_unit_range(config.scale, scale))
    return Schema((inputs,), (target,))


def with_rows(config: DataConfig, facts: DataFacts, rows: int | None, own: Mapping[str, int] = {}) -> DataFacts:
    """Facts that are exact, with the rows of each part; or with the fault that the fractions of the split leave nothing.

    Args:
        config: the `data:` block.
        facts: what is known beside that.
        rows, own: as in `expected_rows`.
    """
    try:
        return replace(facts, rows=expected_rows(config, rows, own), exact=True)
    except SplitError as error:
        return replace(facts, errors=(*facts.errors, config_fault(config, "data.split", str(error))))


def in_one_fold(config: DataConfig) -> DataConfig:
    """The block of one fold: that which it names, else the first. Of a rolling origin that is the shortest."""
    if config.split.folds is None:
        return config
    return replace(config, split=replace(config.split, fold=config.split.fold or 1))


def faults_without_numbers(config: DataConfig, specs: Sequence[TargetSpec]) -> list[Fault]:
    """Faults of `scale_target` and `clip_target` where no target is numeric."""
    if any(spec.task == "regression" for spec in specs):
        return []
    what = "the input is reconstructed" if specs[0].is_reconstruction else f"{the_target(specs[0].name)} holds classes"
    return [
        Fault(f"{what}: there is no number to {do}", path=f"data.{key}", hint="leave it out")
        for key, is_asked, do in (
            ("scale_target", config.scale_target == "log", "learn the logarithm of"),
            ("scale_target", config.scale_target == "quantile", "learn the quantiles of"),
            ("clip_target", config.clip_target, "keep within a range"),
        )
        if is_asked
    ]
