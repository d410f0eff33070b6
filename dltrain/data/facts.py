"""What is known of the data before it is read: its shape, its task, how many rows each part gets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dltrain.config.catalog.sources import SOURCES
from dltrain.config.types import DataConfig, SplitConfig
from dltrain.data.dataset import Dataset, InputSpec, Schema, TargetSpec
from dltrain.data.part_sizes import part_sizes
from dltrain.errors import Fault

UNREAD = "unread"  # an argument of ours: pictures that a table names are not opened, their shape is what is asked for
BUNDLED_TABLES = ("iris", "wine", "breast_cancer", "diabetes")
_TABLE_OPTIONS = ("features", "drop", "weight", "identifiers", "encode", "min_count", "replace", "impute", "missing", "scale")
_OWN_PARTS = {"mnist": (60_000, 10_000), "fashion_mnist": (60_000, 10_000), "cifar10": (50_000, 10_000)}
_NUMBERED = ("digits", "mnist")  # whose labels are the numbers from 0
_LFW_CROP = (125, 94)  # the part of the picture that scikit-learn takes
# Pictures of each person who has at least 30 in Labeled Faces in the Wild (Huang et al. 2007), most first.
_LFW_PICTURES = (
    530, 236, 144, 121, 109, 77, 71, 60, 55, 53, 52, 52, 49, 48, 44, 42, 42, 41, 41, 39, 39, 37, 36, 35, 33, 33, 33,
    32, 32, 32, 31, 31, 30, 30,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class DataFacts:
    """What is known of a dataset.

    Attributes:
        schema: inputs and targets as the model will meet them; None: not known.
        rows: part -> rows; empty: not known.
        labels: target -> label -> rows of all parts together; only where the labels were seen.
        exact: the data says so itself; otherwise widths and counts are estimates from its beginning.
        summary: lines for the user.
        names_known: the labels are called as `schema` says; otherwise only their number is known.
        errors: what is wrong with the data.
        warnings: what is odd about it.
        inferred: how its dates, numbers and fields are written, for the resolved config, by key path.
    """

    schema: Schema | None = None
    rows: Mapping[str, int] = field(default_factory=dict)
    labels: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    exact: bool = False
    names_known: bool = True
    summary: tuple[str, ...] = ()
    errors: tuple[Fault, ...] = ()
    warnings: tuple[Fault, ...] = ()
    inferred: Mapping[str, Any] = field(default_factory=dict)


# How text is written: found out, said, and written back into the resolved config.
WRITING = ("data.dates", "data.separator", "data.decimal", "data.thousands", "data.encoding")


def facts_of(dataset: Dataset) -> DataFacts:
    """What a dataset that was read says of itself."""
    labels: dict[str, dict[str, int]] = {}
    for spec in dataset.schema.targets:
        if spec.task == "classification":
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
        summary=dataset.summary,
        warnings=tuple(Fault(text, severity="warning") for text in dataset.warnings),
        inferred={key: value for key, value in dataset.resolved.items() if key in WRITING},
    )


def known_facts(config: DataConfig) -> DataFacts | None:
    """What is known of a named dataset without reading it; None: it has to be looked at."""
    if config.source == "noise":
        return _noise(config)
    if config.source == "playground":
        return _playground(config)
    source = SOURCES.get(config.source)
    if source is None or source.needs_path or config.path or config.split.folds:
        return None
    if source.holds == "table" and _asks_for_columns(config):
        return None
    rows, shape, classes = source.rows, source.shape, source.classes
    if config.source == "lfw_people":
        found = _faces(config)
        if found is None:
            return None
        rows, shape, classes = found
    if len(shape) == 2:
        shape = (*shape, 1)
    spec = _target(config, source.task or "classification", classes, f"{config.source} has {classes} classes")
    image = len(shape) == 3
    names = tuple(f"column {index}" for index in range(shape[0])) if not image else ()
    unit_range = in_unit_range(config.scale, "unit" if image else "standard")
    schema = Schema((InputSpec("image" if image else "features", shape, columns=names, unit_range=unit_range),), (spec,))
    own = dict(zip(("train", "test"), _OWN_PARTS.get(config.source, ()), strict=False))
    size = "×".join(map(str, shape))
    what = f"{rows:,} pictures of {size}" if image else f"{rows:,} rows of {shape[0]} numbers"
    lines = [f"{config.source}: {what}" + (f", {classes} classes" if spec.task == "classification" and classes else "")]
    return DataFacts(
        schema, expected_rows(config, rows, own), summary=tuple(lines), exact=True, names_known=config.source in _NUMBERED
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
    if rows is None or split.column or split.group or split.folds or config.validation or config.test:
        return {}
    if config.limit is not None:
        own = {name: min(count, config.limit) for name, count in own.items()}
        rows = min(rows, config.limit)
    sizes = part_sizes(own.get("train", rows), split.test, split.validation, validation_as_keras=split.validates_on_the_last)
    parts = {name: count for name, count in sizes.items() if count}
    if config.series is not None:  # rows of the model are windows
        series = config.series
        starts = {name: max(0, count - series.history - series.horizon + 1) for name, count in parts.items()}
        parts = {name: -(-count // series.stride) for name, count in starts.items() if count}
    return {**parts, **{name: count for name, count in own.items() if name != "train"}}


def _asks_for_columns(config: DataConfig) -> bool:
    """Whether the answer depends on the table's columns by name."""
    split = config.split
    options = any(getattr(config, key) for key in _TABLE_OPTIONS if key != "scale") or isinstance(config.scale, Mapping)
    return options or bool(config.target) or any((split.column, split.group, split.time))


def _target(config: DataConfig, task: str, classes: int | None, reason: str) -> TargetSpec:
    if config.task == "reconstruction":
        return TargetSpec("reconstruction", "reconstruction", reason="data.task says so")
    name = config.target[0] if config.target else "target"
    if config.task == "regression" or classes is None or task == "regression":
        return TargetSpec(name, "regression", reason="data.task says so" if config.task else f"`{name}` holds numbers")
    return TargetSpec(name, "classification", tuple(str(index) for index in range(classes)), reason=reason)


def _faces(config: DataConfig) -> tuple[int | None, tuple[int, ...], int | None] | None:
    """Rows, shape and people of LFW by its arguments; None where the pictures have to be counted."""
    arguments = config.arguments
    least = arguments.get("min_faces_per_person") or 0
    pictures = [count for count in _LFW_PICTURES if count >= least]
    source = SOURCES["lfw_people"]
    if "slice" in arguments:
        return None
    if least > _LFW_PICTURES[-1] - 1 and pictures:
        rows, people = sum(pictures), len(pictures)
    elif least <= 1:
        rows, people = source.rows or 0, source.classes or 0
    else:
        return None
    resize = arguments.get("resize", 0.5)
    height, width = (int((1 if resize is None else resize) * side) for side in _LFW_CROP)
    if min(height, width) < 1:
        return None
    return rows, (height, width, 3 if arguments.get("color") else 1), people


def _noise(config: DataConfig) -> DataFacts:
    rows, shape = config.arguments.get("rows", 1000), tuple(config.arguments.get("shape", [20]))
    classes = config.arguments.get("classes", 2)
    classes = None if classes in (None, "none", 0) else classes
    spec = _target(config, "classification", classes, f"noise of {classes} classes")
    image = len(shape) == 3
    names = tuple(f"x{index}" for index in range(shape[0])) if len(shape) == 1 else ()
    unit_range = in_unit_range(config.scale, "standard")
    schema = Schema((InputSpec("image" if image else "features", shape, columns=names, unit_range=unit_range),), (spec,))
    line = f"noise: {rows:,} rows of {'×'.join(map(str, shape))}" + (f", {classes} classes" if classes else "")
    plain = replace_folds(config)
    return DataFacts(schema, expected_rows(plain, rows), summary=(line,), exact=True)


def _playground(config: DataConfig) -> DataFacts:
    rows = config.arguments.get("rows", 500)
    spec = _target(config, "classification", 2, "playground has 2 classes")
    unit_range = in_unit_range(config.scale, "standard")
    schema = Schema((InputSpec("features", (2,), columns=("x1", "x2"), unit_range=unit_range),), (spec,))
    line = f"playground: {rows:,} points of 2 classes, {config.arguments.get('problem', 'circle')}"
    return DataFacts(schema, expected_rows(replace_folds(config), rows), summary=(line,), exact=True)


def replace_folds(config: DataConfig) -> DataConfig:
    """The block without folds: what each fold's model sees has the same shape."""
    from dataclasses import replace

    return config if config.split.folds is None else replace(config, split=SplitConfig(stratify=config.split.stratify))
