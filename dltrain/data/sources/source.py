"""The interface of a source, and the facts of a named dataset that are known without reading it.

What a config may say of a source (its options, its line in the list of datasets) stands in `config/catalog/sources.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from dltrain.config.catalog.label_names import LABEL_NAMES
from dltrain.config.catalog.sources import GENERATED, SOURCES
from dltrain.config.types import DataConfig
from dltrain.data.dataset import RECONSTRUCTED, TargetSpec
from dltrain.data.facts import DataFacts, schema_of, with_rows
from dltrain.errors import Note
from dltrain.reporting import Reporter

if TYPE_CHECKING:
    from dltrain.data.raw import Raw
    from dltrain.data.sources.places import Layout


class Read(Protocol):
    """Reads the data; raises DataError where it is missing or unreadable, ConfigError for options out of range."""

    def __call__(self, config: DataConfig, *, seed: int, reporter: Reporter) -> Raw:
        """Tables with every column as it stands, or arrays."""


class Look(Protocol):
    """Tells what the data is from its beginning; raises what `Read` would raise, as far as that shows already.

    `whole` reads all of it: for what is small.
    """

    def __call__(self, config: DataConfig, *, seed: int, whole: Callable[[], DataFacts]) -> DataFacts:
        """Schema, rows of each part, classes: as far as they show."""


def look_at_nothing(config: DataConfig, *, seed: int, whole: Callable[[], DataFacts]) -> DataFacts:
    """Nothing is known, in a sentence."""
    return DataFacts(notes=(Note(f"{config.source}: its shape is known when it is read"),))


@dataclass(frozen=True, slots=True)
class DataSource:
    """One source: what its file in this folder offers.

    Attributes:
        read: all of the data.
        look: what it is, from its beginning, where the list of datasets does not say it.
        layout: where its files may lie, and their download; None: nothing is ever fetched.
        fetch: has a dataset's files on this machine, by its name, and tells where; None: what the layout says is all.
        together: it reads the files of all parts in one go.
    """

    read: Read
    look: Look = look_at_nothing
    layout: Layout | None = None
    fetch: Callable[[str, Reporter], Path] | None = None
    together: bool = False


def listed_facts(config: DataConfig) -> DataFacts | None:
    """What is known of a named dataset without reading it, or importing what reads it.

    Returns:
        None where it has to be looked at: the files are the user's, or the answer depends on columns by name.
    """
    source = SOURCES[config.source]
    size = source.size(config.arguments)
    if size is None or source.kept == GENERATED or config.path or (source.holds == "table" and _asks_for_columns(config)):
        return None
    rows, shape, classes = size
    if len(shape) == 2:
        shape = (*shape, 1)
    spec = target_of(config, source.task or "classification", classes, f"{config.source} has {classes} classes")
    if spec is None:
        return None
    names = LABEL_NAMES.get(config.source)
    if names is not None and len(names) == len(spec.classes):
        spec = replace(spec, classes=names)
    image = len(shape) == 3
    schema = schema_of(
        config, shape, spec, "unit" if image else "standard", () if image else [f"column {n}" for n in range(shape[0])]
    )
    what = f"{rows:,} pictures of {'×'.join(map(str, shape))}" if image else f"{rows:,} rows of {shape[0]} numbers"
    inferred = {"data.scale": config.scale or "unit"} if image else {}
    line = f"{config.source}: {what}" + (f", {classes} classes" if spec.task == "classification" and classes else "")
    facts = DataFacts(schema, notes=(Note(line),), names_known=names is not None, inferred=inferred)
    return with_rows(config, facts, rows, source.parts)


def target_of(config: DataConfig, task: str, classes: int | None, reason: str) -> TargetSpec | None:
    """The target of a dataset, its labels called by their number; None: which numbers are its classes is not known."""
    if config.is_reconstruction:
        return RECONSTRUCTED
    name = config.target[0] if config.target else "target"
    if config.task == "classification" and (classes is None or task == "regression"):
        return None
    if config.task == "regression" or classes is None or task == "regression":
        return TargetSpec(name, "regression", reason="data.task says so" if config.task else f"`{name}` holds numbers")
    return TargetSpec(name, "classification", tuple(str(index) for index in range(classes)), reason=reason)


def _asks_for_columns(config: DataConfig) -> bool:
    """Whether the answer depends on the table's columns by name."""
    keys = ("features", "drop", "weight", "identifiers", "encode", "min_count", "replace", "impute", "missing", "target")
    split = config.split
    options = any(getattr(config, key) for key in keys) or isinstance(config.scale, dict)
    return options or any((split.column, split.group, split.time))
