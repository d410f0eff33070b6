"""The named datasets: what each is, whether it is on this machine, and fetching one for offline use."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dltrain.config.catalog.sources import SOURCES, Source
from dltrain.data.sources import find_source
from dltrain.data.sources.places import find, require
from dltrain.errors import UsageError
from dltrain.reporting import Reporter
from dltrain.storage.values import attributes
from dltrain.wording import nearest


@dataclass(frozen=True, slots=True)
class DatasetInfo:
    """What `dltrain datasets` says of one dataset.

    Attributes:
        name: as in `data.source`.
        description: one line.
        task: "classification" or "regression".
        rows: how many in all, or None (as the arguments say).
        shape: of one row's input.
        classes: how many labels, or None.
        parts: parts that it brings along ("train", "test").
        origin: who made it, and through which library it comes.
        download_bytes: about how much is fetched where it is not here; None: nothing ever is.
        location: where it is now, or None.
    """

    name: str
    description: str
    task: str
    rows: int | None
    shape: tuple[int, ...]
    classes: int | None
    parts: tuple[str, ...]
    origin: str
    download_bytes: int | None
    location: str | None


def list_datasets() -> list[DatasetInfo]:
    """All named datasets, in the order of the config's sources. Looks at file names only; reads no data."""
    return [_describe(source) for source in SOURCES.values() if not source.needs_path]


def get_dataset(name: str, reporter: Reporter) -> Path:
    """Have a dataset on this machine, downloading it into dltrain's cache if it is nowhere yet; returns where it is.

    Raises:
        UsageError: no such dataset, or one that is made rather than fetched.
        DataError: it cannot be downloaded; says how to put it there by hand.
    """
    if name not in SOURCES or SOURCES[name].needs_path:
        names = [source.name for source in SOURCES.values() if not source.needs_path]
        match = nearest(name, names)
        suggestion = f"did you mean {match}? " if match else ""
        raise UsageError(f"there is no dataset {name}", hint=f"{suggestion}datasets: {', '.join(names)}")
    source = find_source(name)
    if source.fetch is not None:
        return source.fetch(name, reporter)
    if source.layout is None:
        raise UsageError(f"{name} is {SOURCES[name].kept}; there is nothing to fetch", hint=f"use it as `data.source: {name}`")
    return require(source.layout, None, reporter)


def _describe(source: Source) -> DatasetInfo:
    layout = find_source(source.name).layout
    found = None if layout is None else find(layout)
    return DatasetInfo(
        **attributes(source, "name", "description", "rows", "shape", "classes", "origin"),
        task=source.task or "classification",
        parts=tuple(source.parts),
        download_bytes=None if layout is None else sum(remote.num_bytes for remote in layout.remotes),
        location=source.kept or (str(found) if found else None),
    )
