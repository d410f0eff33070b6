"""Rows for a run that is trained: of files that it is given, of words, or of its own data once more."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from dltrain.config.catalog.date_formats import split_writing
from dltrain.config.types import MULTILABEL, DataConfig, LabelsConfig
from dltrain.data.columns.dates.otherwise import written_otherwise
from dltrain.data.columns.image import images_from, images_state
from dltrain.data.columns.number_signs import MIXED
from dltrain.data.columns.reading import Reading, mend
from dltrain.data.dataset import Part
from dltrain.data.load import SILENT, read_raw
from dltrain.data.pictures.preprocessing import PicturePreprocessing
from dltrain.data.preprocessing import Preprocessing
from dltrain.data.raw import TWO_READINGS, Raw, RawTable
from dltrain.data.series.ahead import Ahead, last_rows
from dltrain.data.series.preprocessing import SeriesPreprocessing
from dltrain.data.sources import read_source
from dltrain.data.sources.arguments import MAY_LACK
from dltrain.data.tables.column_names import column_of
from dltrain.data.tables.preprocessing import TablePreprocessing
from dltrain.data.tables.row_blocks import mark_other_rows
from dltrain.data.tables.streamed.fit import why_streamed
from dltrain.errors import Note, UsageError, warn, warnings_of
from dltrain.reporting import Reporter, warn_each
from dltrain.storage.formats.other_files import source_by_name
from dltrain.wording import listed, shown


def read_part(
    preprocessing: Preprocessing,
    paths: Sequence[str],
    *,
    with_targets: bool,
    config: DataConfig | None = None,
    images: Sequence[str] = (),
    reporter: Reporter = SILENT,
) -> Part:
    """Raw rows or pictures from files, preprocessed as a run does it.

    Args:
        preprocessing: of the run.
        paths: text tables, parquet or npz files, picture files or folders, globs.
        with_targets: the target must be there (`evaluate`); else it is not looked at (`predict`).
        config: of the run's own data, whose split says which rows belong together; None: that is not asked.
        images: folders of the pictures that a table names, in place of the run's own; see `with_images`.
        reporter: hears what is unusual: surplus columns, unseen categories.

    Raises:
        DataError: missing, unreadable, or not such data as the run was trained on.
    """
    preprocessing = with_images(preprocessing, images) if images else preprocessing
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
        lost = [name for name in preprocessing.identifiers if name and name not in raw.frame.columns]
        if lost:
            many = len(lost) > 1
            text = f"{listed(lost)}, which name{'' if many else 's'} the rows, {'are' if many else 'is'} not among the columns"
            notes.append(warn(f"{text}: the rows are told by their order alone", "missing_identifiers"))
        folders = sorted({shown(folder) for column in preprocessing.features if column.form for folder in column.images.folder})
        if folders and not images:
            where = f"pictures that the table names are looked for in {listed(folders, 4)}; --images says otherwise"
            notes.append(warn(where, "folder_of_pictures"))
    by_file = _for_file(preprocessing, raw, notes)
    if with_targets and isinstance(by_file, TablePreprocessing):
        by_file = _with_weights_that_are_there(by_file, raw, notes)
    part = by_file.transform(raw, with_targets=with_targets, notes=notes)
    if config is not None and isinstance(raw, RawTable) and isinstance(by_file, TablePreprocessing):
        notes += mark_other_rows(config, raw, by_file, part)
    warn_each(reporter, warnings_of(notes))
    return part


def read_ahead(
    preprocessing: SeriesPreprocessing, paths: Sequence[str], since: str | None, steps: int, *, reporter: Reporter = SILENT
) -> Ahead:
    """The last rows of each series of some files; see `last_rows`."""
    raw = _read_raw(preprocessing, paths, False, reporter)
    assert isinstance(raw, RawTable)
    notes = list(_by_the_run(preprocessing, raw))
    by_file = _for_file(preprocessing, raw, notes)
    assert isinstance(by_file, SeriesPreprocessing)
    found = last_rows(by_file, raw, since, steps, notes)
    warn_each(reporter, warnings_of(notes))
    return found


def why_not_again(config: DataConfig | None, paths: Sequence[str], preprocessing: Preprocessing) -> str:
    """Why the rows of a run's data cannot be read again as columns, in words; empty where they can."""
    if not isinstance(preprocessing, TablePreprocessing):
        if isinstance(preprocessing, SeriesPreprocessing):
            return "the run is on a series"
        is_of_arrays = isinstance(preprocessing, PicturePreprocessing) and len(preprocessing.shape) < 3
        return "the run is on arrays, which have none" if is_of_arrays else "the run is on pictures"
    return why_streamed(config) if config is not None and not paths else ""


def read_rows_again(
    config: DataConfig | None, paths: Sequence[str], preprocessing: Preprocessing, *, seed: int
) -> tuple[Any, TablePreprocessing]:
    """The table that was evaluated, as a frame of all its columns, and the preprocessing that reads them.

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
    by_file = _for_file(preprocessing, raw, [])
    assert isinstance(raw, RawTable)
    assert isinstance(by_file, TablePreprocessing)
    return raw.frame, by_file


def _with_weights_that_are_there(preprocessing: TablePreprocessing, raw: Raw, notes: list[Note]) -> TablePreprocessing:
    """The preprocessing of rows that all count once where there is no column of their weights, as in scikit-learn and Keras."""
    name = preprocessing.weight
    if name is None or not isinstance(raw, RawTable) or name in raw.frame.columns:
        return preprocessing
    told = f"there is no column {shown(name)} (data.weight) in these rows: each counts once, in the loss as well"
    notes.append(warn(told, "missing_weights"))
    return replace(preprocessing, weight=None)


def _for_file(preprocessing: Preprocessing, raw: Raw, notes: list[Note]) -> Preprocessing:
    """The preprocessing with the decimal sign, thousands and dates of a file that is written otherwise than the training's."""
    if not isinstance(raw, RawTable):
        return preprocessing
    if isinstance(preprocessing, SeriesPreprocessing):
        table = _for_file(preprocessing.table, raw, notes)
        assert isinstance(table, TablePreprocessing)
        [time, *more] = preprocessing.series.time or ("", "")
        other = None if more else _other_dates(raw, time, preprocessing.date_format, table.reading, notes)
        return replace(preprocessing, table=table, date_format=other or preprocessing.date_format)
    if not isinstance(preprocessing, TablePreprocessing):
        return preprocessing
    reading = preprocessing.reading
    if raw.reading.get("is_sure"):
        reading = replace(reading, decimal=raw.reading["decimal"], thousands=raw.reading.get("thousands"))
    features = list(preprocessing.features)
    for place, column in enumerate(features):
        if column.kind == "date":
            other = _other_dates(raw, column.name, column.date_format, reading, notes)
            features[place] = replace(column, date_format=other or column.date_format)
    return replace(preprocessing, reading=reading, features=tuple(features))


def _other_dates(raw: RawTable, name: str, writing: str | None, reading: Reading, notes: list[Note]) -> str | None:
    """How the dates of a column are written, where that is not as in training, which is noted; else None."""
    if name not in raw.frame.columns:
        return None
    found = written_otherwise(mend(column_of(raw.frame, name), reading), writing)
    if found is not None:
        how, as_taught = split_writing(found)[0], split_writing(writing)[0] or "2020-12-31"
        said = f"{shown(name)}: its dates are written {how} here, not {as_taught} as in the training, and are read so"
        notes.append(warn(said, "dates_written_otherwise"))
    return found


def _by_the_run(preprocessing: Preprocessing, raw: Raw) -> Sequence[Note]:
    """What was noted of the files; those of numbers with two readings say what the run's own signs make of them.

    A run whose data has a decimal comma reads numbers with one beside others with a point.
    """
    table = preprocessing.table if isinstance(preprocessing, SeriesPreprocessing) else preprocessing
    if not isinstance(raw, RawTable) or not isinstance(table, TablePreprocessing):
        return raw.notes
    if table.reading.decimal == ",":
        raw = replace(raw, notes=tuple(note for note in raw.notes if not note.text.endswith(MIXED)))
    if not raw.reading.get("unsure"):
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
    warn_each(reporter, warnings_of(raw.notes))
    return preprocessing.transform(raw, with_targets=False)


def _read_raw(preprocessing: Preprocessing, paths: Sequence[str], with_targets: bool, reporter: Reporter) -> Raw:
    if isinstance(preprocessing, PicturePreprocessing):
        return _read_rows_of_pictures(preprocessing, paths, with_targets, reporter)
    yet_to_come: tuple[str, ...] = ()
    if isinstance(preprocessing, SeriesPreprocessing):
        yet_to_come = () if with_targets else preprocessing.yet_to_come
        preprocessing = preprocessing.table
    assert isinstance(preprocessing, TablePreprocessing)
    if preprocessing.source == "word_vectors":
        options = {key: value for key, value in preprocessing.text_options.items() if key != "columns"}
        config = DataConfig("word_vectors", arguments=preprocessing.arguments, path=tuple(paths), **options)
        return read_source(config, seed=0, reporter=reporter)
    if preprocessing.source == "text_folder":
        from dltrain.data.sources.text_folder import is_text_file, read_texts

        if os.path.isdir(paths[0]) or is_text_file(os.path.basename(paths[0])):
            classes = preprocessing.targets[0].classes if with_targets else None
            return read_texts(paths, preprocessing.text_options.get("encoding"), classes)
    source = source_by_name(paths[0] if paths else "")
    options = _table_options(preprocessing, with_targets) if source == "csv" == preprocessing.source else {}
    if yet_to_come:
        options["arguments"] = {**options.get("arguments", {}), MAY_LACK: yet_to_come}
    return read_source(DataConfig(source, path=tuple(paths), **options), seed=0, reporter=reporter)


def _table_options(preprocessing: TablePreprocessing, with_targets: bool) -> dict[str, Any]:
    """How the text of training was written, for other text of its columns."""
    options = dict(preprocessing.text_options)
    targets = [name for spec in preprocessing.targets for name in spec.columns_read]
    if options:
        options["arguments"] = {"own_columns": (*(column.name for column in preprocessing.features), *targets)}
    if "columns" in options and not with_targets:
        weights = [preprocessing.weight] if preprocessing.weight else []
        options["arguments"] = {**options["arguments"], "optional_columns": (*targets, *weights)}
    return options


def _read_rows_of_pictures(
    preprocessing: PicturePreprocessing, paths: Sequence[str], with_targets: bool, reporter: Reporter
) -> Raw:
    """Arrays of an .npz file, or pictures."""
    spec = preprocessing.targets[0]
    if paths and Path(paths[0]).suffix.lower() == ".npz":
        config = DataConfig(
            "npz",
            path=tuple(paths),
            arguments={**(preprocessing.arguments or {}), "with_targets": with_targets},
            missing=preprocessing.missing,
            replace=preprocessing.replace,
            task=MULTILABEL if spec.is_multilabel else None,
            labels=LabelsConfig(empty=spec.empty) if spec.is_multilabel else None,
        )
        return read_source(config, seed=0, reporter=reporter)
    if preprocessing.reader is None:
        raise UsageError(
            f"no picture file can stand for a row of {preprocessing.source}",
            hint="give an .npz file whose array x holds the rows",
        )
    from dltrain.data.pictures.reader import read_pictures

    with_labels = with_targets and not spec.is_reconstruction
    numbers = spec.task == "regression"
    tags = (spec, Reading(preprocessing.missing, replace=preprocessing.replace)) if spec.is_multilabel else None
    more: dict[str, Any] = {"classes": spec.classes, "numbers": numbers, "tags": tags}
    return read_pictures(paths, preprocessing.reader, with_labels=with_labels, **more)
