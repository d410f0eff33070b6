"""Data for a run: read, inferred, split, fitted on the training part, preprocessed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from dltrain.config.types import DataConfig, config_fault
from dltrain.data.arrays.disk_array import DiskArray
from dltrain.data.dataset import Dataset
from dltrain.data.fingerprint import fingerprint
from dltrain.data.fitted import Fitted
from dltrain.data.kept.run import KeptRun, check_kept, read_kept
from dltrain.data.pictures.fit import fit_pictures
from dltrain.data.preprocessing import Preprocessing
from dltrain.data.raw import Raw, RawPictures, RawTable, identifying
from dltrain.data.series.fit import fit_series
from dltrain.data.sources import source_of
from dltrain.data.splits import Rows, describe_parts
from dltrain.data.tables.combine import combine_parts, num_rows
from dltrain.data.tables.fit import fit_table
from dltrain.data.tables.preprocessing import TablePreprocessing
from dltrain.data.tables.row_blocks import mark_blocks
from dltrain.data.tables.streamed.fit import fit_streamed, why_streamed
from dltrain.errors import ConfigError, DataError, Fault, Note, UsageError, texts, warn
from dltrain.reporting import Reporter
from dltrain.storage.far.copies import copy_of

MOST_FEATURES_WRITTEN = 2_000
SILENT = Reporter()


def load_dataset(
    config: DataConfig,
    *,
    seed: int,
    reporter: Reporter = SILENT,
    preprocessing: Preprocessing | None = None,
) -> Dataset:
    """Read the data that the config names and make it ready for a model.

    Args:
        config: the `data:` block.
        seed: of the split (unless it has its own) and of generated data.
        reporter: hears of the stages. Sentences for the user are in the dataset's `notes`.
        preprocessing: of a stored run: nothing is fitted, it transforms.

    Raises:
        DataError: missing, unreadable or unfit; with file, row and column where they are known.
        ConfigError: keys of the `data:` block contradict each other or the source.
        UsageError: `split.folds` in a single fit, which has no `split.fold`.
    """
    reason = why_streamed(config)
    if reason:
        raw, fitted = fit_streamed(config, seed=seed, stored=preprocessing, reporter=reporter, reason=reason)
        kept = read_kept(config) if preprocessing is None else None
        return _dataset(config, raw, fitted, list(raw.details.values()), kept)
    return load_parts(config, seed=seed, reporter=reporter, preprocessing=preprocessing)[1]


def load_parts(
    config: DataConfig,
    *,
    seed: int,
    reporter: Reporter = SILENT,
    preprocessing: Preprocessing | None = None,
) -> tuple[Raw, Dataset]:
    """`load_dataset` with everything in memory, and the raw data as well, whose rows the parts' `row_ids` count."""
    if config.split.folds is not None and config.split.fold is None:
        raise UsageError("data.split.folds makes several fits", hint="run it with: dltrain sweep CONFIG")
    raw, details = read_raw(config, seed=seed, reporter=reporter)
    return raw, prepare(config, raw, details, seed=seed, reporter=reporter, preprocessing=preprocessing)


def read_raw(config: DataConfig, *, seed: int, reporter: Reporter = SILENT) -> tuple[Raw, list[Mapping[str, Any]]]:
    """Reads all of the data without preprocessing it, with an entry for each of its files; the same for every fold."""
    raws = _read_parts(config, seed, reporter)
    details = [entry for raw in raws.values() for entry in raw.details.values()]
    return combine_parts(raws) if len(raws) > 1 else _limited(next(iter(raws.values())), config.limit), details


def prepare(
    config: DataConfig,
    raw: Raw,
    details: Sequence[Mapping[str, Any]],
    *,
    seed: int,
    reporter: Reporter = SILENT,
    preprocessing: Preprocessing | None = None,
) -> Dataset:
    """Split what `read_raw` read, fit the preprocessing to the training part, and apply it."""
    kept = check_kept(config) if preprocessing is None else None
    config = identifying(config, raw) if isinstance(raw, RawTable) else config
    reporter.status("preprocessing data")
    if isinstance(raw, RawTable) and config.series is not None:
        fitted = fit_series(config, raw, seed, preprocessing, reporter)
    elif isinstance(raw, RawTable):
        fitted = fit_table(config, raw, seed, preprocessing)
    else:
        fitted = fit_pictures(config, raw, seed, preprocessing)
    return _dataset(config, raw, fitted, details, kept)


def _dataset(config: DataConfig, raw: Raw, fitted: Fitted, details: Sequence[Mapping[str, Any]], kept: KeptRun | None) -> Dataset:
    notes = [] if texts(raw.notes, "note") else [Note(_size(config, raw))]
    rows = {name: part.num_rows for name, part in fitted.parts.items()}
    for name, part in fitted.parts.items():
        if config.weight and part.num_rows and part.weights is not None and not np.any(part.weights):
            message = f"weight column {config.weight}: all weights of the {name} part are 0: nothing can be measured on it"
            raise DataError(config_fault(config, "data.weight", message))
    if isinstance(raw, RawTable) and isinstance(fitted.preprocessing, TablePreprocessing):
        mark_blocks(config, raw, fitted.preprocessing, fitted.parts.values())
    return Dataset(
        schema=fitted.preprocessing.schema,
        parts=fitted.parts,
        preprocessing=fitted.preprocessing,
        fingerprint=fingerprint(config, raw, [*details, *fitted.details.values()]),
        fingerprint_details=_by_address({**raw.details, **fitted.details}),
        notes=(*notes, *_far_notes(raw), *raw.notes, *fitted.notes, Note(describe_parts(rows, fitted.manner))),
        resolved={**_resolved_reading(config, raw), **_unlisted(config, fitted.resolved)},
        columns=tuple(raw.frame.columns) if isinstance(raw, RawTable) else (),
        kept=kept.source() if kept is not None else None,
    )


def _by_address(details: Mapping[str, Any]) -> dict[str, Any]:
    """What is stored of each file, a far one by its address, with the version that was read."""
    found = {}
    for file, entry in details.items():
        copy = copy_of(file)
        more = {"etag": copy.etag, "sha256": copy.sha256, "fetched_bytes": copy.num_bytes} if copy else {}
        found[copy.address if copy else file] = {**entry, **more}
    return found


def _far_notes(raw: Raw) -> list[Note]:
    """What a user should know of the far files that were read."""
    copies = [copy for file in raw.details if (copy := copy_of(file)) is not None]
    return [warn(copy.said, "far_data") for copy in copies if copy.said]


def _unlisted(config: DataConfig, resolved: Mapping[str, Any]) -> dict[str, Any]:
    """Without features that nobody named and nobody wants to read: those of word vectors, and thousands of columns.

    The run's preprocessing knows them; the same data gives the same ones again.
    """
    too_many = len(resolved.get("data.features", ())) > MOST_FEATURES_WRITTEN
    return {
        key: value
        for key, value in resolved.items()
        if key != "data.features" or not (too_many or config.source == "word_vectors")
    }


def _size(config: DataConfig, raw: Raw) -> str:
    if isinstance(raw, RawTable):
        return f"{config.source}: {raw.frame.height:,} rows, {raw.frame.width} columns"
    return f"{config.source}: {len(raw.images):,} {'pictures' if len(raw.images.shape) == 4 else 'rows'}"


def _read_parts(config: DataConfig, seed: int, reporter: Reporter) -> dict[str, Raw]:
    """The raws by part; "train" is what gets split where a part has no files of its own."""
    source = source_of(config)
    if source.together:
        return {"train": source.read(config, seed=seed, reporter=reporter)}
    raws: dict[str, Raw] = {}
    faults: list[Fault] = []
    try:
        raws["train"] = source.read(config, seed=seed, reporter=reporter)
    except DataError as error:
        if not config.validation and not config.test:
            raise
        faults += error.faults  # what is wrong with the other parts' files is said together with it
        brought: Collection[str] = ()
    else:
        brought = raws["train"].parts
    for name in ("validation", "test"):
        paths: tuple[str, ...] = getattr(config, name)
        if not paths:
            continue
        _refuse_two_parts(config, name, brought)
        try:
            raws[name] = source.read(replace(config, path=paths), seed=seed, reporter=reporter)
        except DataError as error:
            faults += error.faults
    if faults:
        raise DataError(faults)
    if len(raws) > 1:
        raws = {name: _limited(raw, config.limit) for name, raw in raws.items()}
    return raws


def _refuse_two_parts(config: DataConfig, name: str, brought: Collection[str]) -> None:
    """Raise ConfigError where a part has files of its own, and the source brings it or the split makes it."""
    if name in brought or getattr(config.split, name) is not None:
        what = f"{config.source} brings its own" if name in brought else f"data.split.{name} makes one"
        raise ConfigError(config_fault(config, f"data.{name}", f"two {name} parts: {what}", "leave one of them out"))


def _limited(raw: Raw, limit: int | None) -> Raw:
    """The first `limit` rows; where the source brings parts, of each."""
    if limit is None or num_rows(raw) <= limit:
        return raw
    if not raw.parts:
        return _taken(raw, np.arange(limit), {})
    kept = {name: rows[:limit] for name, rows in raw.parts.items()}
    ends = np.cumsum([0, *(len(rows) for rows in kept.values())])
    parts = {name: np.arange(ends[index], ends[index + 1]) for index, name in enumerate(kept)}
    return _taken(raw, np.concatenate(list(kept.values())), parts)


def _taken(raw: Raw, rows: Rows, parts: Mapping[str, Rows]) -> Raw:
    if isinstance(raw, RawTable):
        return replace(raw, frame=raw.frame[rows], parts=parts)
    target = None if raw.target is None else raw.target[rows]
    images = raw.images.take(rows) if isinstance(raw.images, DiskArray) else raw.images[rows]
    of_rows = ("names", "keys", "sizes", "digests")
    taken: dict[str, Any] = {name: tuple(known[row] for row in rows) if (known := getattr(raw, name)) else () for name in of_rows}
    pictures = None if raw.pictures is None else raw.pictures[rows]
    return replace(raw, images=images, target=target, pictures=pictures, parts=parts, **taken)


def _resolved_reading(config: DataConfig, raw: Raw) -> dict[str, Any]:
    if isinstance(raw, RawPictures):
        return {}
    return {f"data.{key}": value for key, value in raw.reading.items() if hasattr(config, key) and getattr(config, key) is None}
