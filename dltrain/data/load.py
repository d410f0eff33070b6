"""Data for a run: read, inferred, split, fitted on the training part, preprocessed."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from dltrain.config.types import MULTILABEL, DataConfig, LabelsConfig, config_fault
from dltrain.data.arrays.disk_array import DiskArray
from dltrain.data.columns.image import images_from, images_state
from dltrain.data.dataset import Dataset, Part
from dltrain.data.fingerprint import fingerprint
from dltrain.data.fitted import Fitted
from dltrain.data.pictures.fit import fit_pictures
from dltrain.data.pictures.preprocessing import PicturePreprocessing
from dltrain.data.preprocessing import Preprocessing
from dltrain.data.raw import TWO_READINGS, Raw, RawPictures, RawTable
from dltrain.data.series.ahead import Ahead, last_rows
from dltrain.data.series.fit import fit_series
from dltrain.data.series.preprocessing import SeriesPreprocessing
from dltrain.data.sources import read_source, source_of
from dltrain.data.splits import Rows, describe_parts
from dltrain.data.tables.combine import combine_parts, num_rows
from dltrain.data.tables.fit import fit_table
from dltrain.data.tables.preprocessing import TablePreprocessing
from dltrain.data.tables.row_blocks import mark_blocks
from dltrain.data.tables.streamed.fit import fit_streamed, why_streamed
from dltrain.errors import ConfigError, DataError, Fault, Note, UsageError, texts, warn, warnings_of
from dltrain.reporting import Reporter
from dltrain.storage.far.copies import copy_of
from dltrain.wording import listed, shown

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
        return _dataset(config, raw, fitted, list(raw.details.values()))
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
    """All of the data as it stands in its files, and an entry for each of them; which fold it is for makes no difference."""
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
    if isinstance(raw, RawTable) and raw.names:
        more = tuple(name for name in raw.names if name not in config.identifiers)
        config = replace(config, identifiers=(*config.identifiers, *more))
    reporter.status("preprocessing data")
    if isinstance(raw, RawTable) and config.series is not None:
        fitted = fit_series(config, raw, seed, preprocessing, reporter)
    elif isinstance(raw, RawTable):
        fitted = fit_table(config, raw, seed, preprocessing)
    else:
        fitted = fit_pictures(config, raw, seed, preprocessing)
    return _dataset(config, raw, fitted, details)


def _dataset(config: DataConfig, raw: Raw, fitted: Fitted, details: Sequence[Mapping[str, Any]]) -> Dataset:
    notes = [] if texts(raw.notes, "note") else [Note(_size(config, raw))]
    rows = {name: part.num_rows for name, part in fitted.parts.items()}
    if isinstance(raw, RawTable) and isinstance(fitted.preprocessing, TablePreprocessing):
        mark_blocks(config, raw, fitted.preprocessing, fitted.parts)
    return Dataset(
        schema=fitted.preprocessing.schema,
        parts=fitted.parts,
        preprocessing=fitted.preprocessing,
        fingerprint=fingerprint(config, raw, [*details, *fitted.details.values()]),
        fingerprint_details=_by_address({**raw.details, **fitted.details}),
        notes=(*notes, *_far_notes(raw), *raw.notes, *fitted.notes, Note(describe_parts(rows, fitted.manner))),
        resolved={**_resolved_reading(config, raw), **_unlisted(config, fitted.resolved)},
        columns=tuple(raw.frame.columns) if isinstance(raw, RawTable) else (),
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
        if name in brought or getattr(config.split, name) is not None:
            what = f"{config.source} brings its own" if name in brought else f"data.split.{name} makes one"
            raise ConfigError(config_fault(config, f"data.{name}", f"two {name} parts: {what}", "leave one of them out"))
        try:
            raws[name] = source.read(replace(config, path=paths), seed=seed, reporter=reporter)
        except DataError as error:
            faults += error.faults
    if faults:
        raise DataError(faults)
    if len(raws) > 1:
        raws = {name: _limited(raw, config.limit) for name, raw in raws.items()}
    return raws


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
    names, keys = (tuple(words[row] for row in rows) if words else () for words in (raw.names, raw.keys))
    return replace(raw, images=images, target=target, names=names, keys=keys, parts=parts)


def _resolved_reading(config: DataConfig, raw: Raw) -> dict[str, Any]:
    if isinstance(raw, RawPictures):
        return {}
    return {f"data.{key}": value for key, value in raw.reading.items() if hasattr(config, key) and getattr(config, key) is None}


def read_part(
    preprocessing: Preprocessing,
    paths: Sequence[str],
    *,
    with_targets: bool,
    reporter: Reporter = SILENT,
) -> Part:
    """Raw rows or pictures from files, preprocessed as a run does it.

    Args:
        preprocessing: of the run.
        paths: text tables, parquet or npz files, picture files or folders, globs.
        with_targets: the target must be there (`evaluate`); else it is not looked at (`predict`).
        reporter: hears what is unusual: surplus columns, unseen categories.

    Raises:
        DataError: missing, unreadable, or not such data as the run was trained on.
    """
    raw = _read_raw(preprocessing, paths, with_targets, reporter)
    notes = list(_by_the_run(preprocessing, raw))
    if isinstance(preprocessing, TablePreprocessing) and isinstance(raw, RawTable):
        known = {column.name for column in preprocessing.features} | {
            name for spec in preprocessing.targets for name in spec.columns_read
        }
        known |= {preprocessing.weight or "", *preprocessing.identifiers}
        surplus = [name for name in raw.frame.columns if name not in known]
        if surplus:
            notes.append(warn(f"columns that the model does not use: {listed(surplus)}", "unused_columns"))
        folders = sorted({shown(folder) for column in preprocessing.features if column.form for folder in column.images.folder})
        if folders:
            where = f"pictures that the table names are looked for in {listed(folders, 4)}; --images says otherwise"
            notes.append(warn(where, "folder_of_pictures"))
    part = _for_file(preprocessing, raw).transform(raw, with_targets=with_targets, notes=notes)
    for warning in warnings_of(notes):
        reporter.warning(warning)
    return part


def read_ahead(
    preprocessing: SeriesPreprocessing, paths: Sequence[str], since: str | None, steps: int, *, reporter: Reporter = SILENT
) -> Ahead:
    """The last rows of each series of some files; see `last_rows`."""
    raw = _read_raw(preprocessing, paths, False, reporter)
    assert isinstance(raw, RawTable)
    notes = list(_by_the_run(preprocessing, raw))
    by_file = _for_file(preprocessing, raw)
    assert isinstance(by_file, SeriesPreprocessing)
    found = last_rows(by_file, raw, since, steps, notes)
    for warning in warnings_of(notes):
        reporter.warning(warning)
    return found


def why_not_again(config: DataConfig | None, paths: Sequence[str], preprocessing: Preprocessing) -> str:
    """Why the rows of a run's data cannot be read again as columns, in words; empty where they can."""
    if not isinstance(preprocessing, TablePreprocessing):
        return "the run is on a series" if isinstance(preprocessing, SeriesPreprocessing) else "the run is on pictures"
    return why_streamed(config) if config is not None and not paths else ""


def read_rows_again(config: DataConfig | None, paths: Sequence[str], preprocessing: Preprocessing, *, seed: int) -> Any:
    """The table that was evaluated, as a frame of all its columns.

    Args:
        config: of the run's own data.
        paths: of other data; empty: the run's own.
        preprocessing: of the run.
        seed: of the run.
    """
    if paths or config is None:
        raw = _read_raw(preprocessing, paths, True, SILENT)
    else:
        raw, _ = read_raw(config, seed=seed)
    assert isinstance(raw, RawTable)
    return raw.frame


def _for_file(preprocessing: Preprocessing, raw: Raw) -> Preprocessing:
    """The preprocessing with the decimal sign and thousands of a file that is written otherwise than the training's."""
    if not isinstance(raw, RawTable) or not raw.reading.get("is_sure"):
        return preprocessing
    signs = {"decimal": raw.reading["decimal"], "thousands": raw.reading.get("thousands")}
    if isinstance(preprocessing, SeriesPreprocessing):
        return replace(preprocessing, table=replace(preprocessing.table, reading=replace(preprocessing.table.reading, **signs)))
    if isinstance(preprocessing, TablePreprocessing):
        return replace(preprocessing, reading=replace(preprocessing.reading, **signs))
    return preprocessing


def _by_the_run(preprocessing: Preprocessing, raw: Raw) -> Sequence[Note]:
    """What was noted of the files; those of numbers with two readings say what the run's own signs make of them."""
    table = preprocessing.table if isinstance(preprocessing, SeriesPreprocessing) else preprocessing
    if not isinstance(raw, RawTable) or not isinstance(table, TablePreprocessing) or not raw.reading.get("unsure"):
        return raw.notes
    remark, sign = raw.reading["remark"], raw.reading["unsure"]
    by_run = table.reading.thousands == sign
    if by_run == (raw.reading.get("thousands") == sign):
        return raw.notes
    what = "a sign between thousands" if by_run else "the decimal sign"
    said = f'numbers could be read in two ways: "{sign}" is taken for {what}, as the run\'s own data is written'
    return [
        replace(note, text=note.text.removesuffix(remark) + said)
        if note.code == TWO_READINGS and note.text.endswith(remark)
        else note
        for note in raw.notes
    ]


def skipping_broken(preprocessing: Preprocessing) -> Preprocessing:
    """The preprocessing as if `data.on_error: skip` had been said: pictures that cannot be used are left out and named."""
    if isinstance(preprocessing, PicturePreprocessing) and preprocessing.reader is not None:
        return replace(preprocessing, reader={**preprocessing.reader, "on_error": "skip"})
    if isinstance(preprocessing, TablePreprocessing):
        return replace(preprocessing, features=tuple(replace(column, on_error="skip") for column in preprocessing.features))
    return preprocessing


def with_images(preprocessing: Preprocessing, folders: Sequence[str]) -> Preprocessing:
    """The preprocessing as if these folders stood in `data.images.folder`: the pictures that a table names are in them.

    Raises:
        UsageError: the run reads no table that names pictures, or a folder is none.
    """
    places = tuple(os.path.abspath(folder) for folder in folders)
    missing = next((folder for folder in places if not os.path.isdir(folder)), None)
    if missing is not None:
        raise UsageError(f"--images: {shown(missing)} is no folder")
    if isinstance(preprocessing, PicturePreprocessing) and "table" in (preprocessing.reader or {}):
        reader = dict(preprocessing.reader or {})
        images = {**images_state(images_from(reader["table"].get("images"))), "folder": list(places)}
        return replace(preprocessing, reader={**reader, "table": {**reader["table"], "images": images}})
    if isinstance(preprocessing, TablePreprocessing) and any(column.form is not None for column in preprocessing.features):
        moved = tuple(replace(column, images=replace(column.images, folder=places)) for column in preprocessing.features)
        return replace(preprocessing, features=moved)
    raise UsageError("--images needs a run on a table that names pictures", hint="name the pictures themselves with --data")


def read_words(preprocessing: Preprocessing, words: Sequence[str], *, reporter: Reporter) -> Part:
    """Words, preprocessed as a run on word vectors does it.

    Raises:
        UsageError: the run is on something else.
        DataError: the vectors file is gone or another one, or has none of the words.
    """
    if not isinstance(preprocessing, TablePreprocessing) or preprocessing.source != "word_vectors":
        raise UsageError("--word needs a run on words", hint=f"the run's data is {preprocessing.source}; give it --data")
    from dltrain.data.sources.word_vectors import words_table

    raw = words_table(words, preprocessing.arguments, reporter)
    for warning in warnings_of(raw.notes):
        reporter.warning(warning)
    return preprocessing.transform(raw, with_targets=False)


def _read_raw(preprocessing: Preprocessing, paths: Sequence[str], with_targets: bool, reporter: Reporter) -> Raw:
    suffix = Path(paths[0]).suffix.lower() if paths else ""
    if isinstance(preprocessing, PicturePreprocessing):
        if suffix == ".npz":
            arguments = dict(preprocessing.arguments or {})
            config = DataConfig(
                "npz",
                path=tuple(paths),
                arguments={**arguments, "with_targets": with_targets},
                missing=preprocessing.missing,
                replace=preprocessing.replace,
                task=MULTILABEL if preprocessing.targets[0].is_multilabel else None,
                labels=LabelsConfig(empty=preprocessing.targets[0].empty) if preprocessing.targets[0].is_multilabel else None,
            )
            return read_source(config, seed=0, reporter=reporter)
        if preprocessing.reader is None:
            raise UsageError(
                f"no picture file can stand for a row of {preprocessing.source}",
                hint="give an .npz file whose array x holds the rows",
            )
        from dltrain.data.pictures.reader import read_pictures

        spec = preprocessing.targets[0]
        with_labels = with_targets and spec.task != "reconstruction"
        numbers = spec.task == "regression"
        return read_pictures(paths, preprocessing.reader, with_labels=with_labels, classes=spec.classes, numbers=numbers)
    if isinstance(preprocessing, SeriesPreprocessing):
        preprocessing = preprocessing.table
    assert isinstance(preprocessing, TablePreprocessing)
    if preprocessing.source == "word_vectors":
        options = {key: value for key, value in preprocessing.text_options.items() if key != "columns"}
        return read_source(
            DataConfig("word_vectors", arguments=preprocessing.arguments, path=tuple(paths), **options), seed=0, reporter=reporter
        )
    source = {".parquet": "parquet", ".pq": "parquet"}.get(suffix, "csv")
    options = dict(preprocessing.text_options) if source == "csv" and preprocessing.source == "csv" else {}
    if options:
        known = [column.name for column in preprocessing.features] + [
            name for spec in preprocessing.targets for name in spec.columns_read
        ]
        options["arguments"] = {"own_columns": tuple(known)}
    if "columns" in options and not with_targets:
        optional = [name for spec in preprocessing.targets for name in spec.columns_read] + (
            [preprocessing.weight] if preprocessing.weight else []
        )
        options["arguments"] = {**options["arguments"], "optional_columns": tuple(optional)}
    return read_source(DataConfig(source, path=tuple(paths), **options), seed=0, reporter=reporter)
