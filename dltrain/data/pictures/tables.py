"""Tables that name pictures and their labels."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from dltrain.config.types import MULTILABEL, SEGMENTATION, DataConfig, config_fault
from dltrain.data.columns.image import picture_path
from dltrain.data.columns.reading import USUAL_MISSING, Reading, has_text, mend, text_of
from dltrain.data.pictures.files import EXTENSIONS, PictureError, hint_of_name
from dltrain.data.pictures.picture_file import PictureFile, picture_file
from dltrain.data.raw import RawTable
from dltrain.data.tables.column_names import column_of
from dltrain.data.tables.preprocessing import DROP
from dltrain.errors import DataError, Fault, Note, capped, warn
from dltrain.later import polars
from dltrain.reporting import Reporter
from dltrain.storage.formats.other_files import source_by_name
from dltrain.wording import column_hint, listed, quoted, shown

LABEL_NAMES = ("label", "class", "target", "category", "y")
MASK_NAMES = ("mask", "masks", "target", "segmentation")
SAMPLE = 100
# What to do about a column that is not found: in a config, and for a table that a trained run is asked about.
SAY, CALL = "say data.target: COLUMN", "call the column label"


def read_picture_table(
    config: DataConfig, path: str, *, with_labels: bool = True, is_given: bool = False
) -> tuple[list[PictureFile], dict[str, str], list[Note]]:
    """Pictures named in a table of text or Parquet; names start at a folder of `data.images`, or at the table's own.

    `data.files` names the column of file names (else the first that holds some), `data.target` that of the labels (else
    the only other one, or one called label, class, target, category or y), or that of the masks' files (else the only other
    one that names pictures, or one called mask), which then stand for labels.

    Args:
        config: the `data:` block.
        path: of the table.
        with_labels: the column of the labels must be there; else it is not looked for.
        is_given: to a trained run, which takes no keys: what to do is said without them.

    Returns:
        The pictures; which column holds the `files` and which the `label`; and sentences for the user.

    Raises:
        DataError: unreadable, no such column, cells without a file name or label, or pictures in several folders.
    """
    from dltrain.data.sources import read_source

    raw = read_source(DataConfig(source_by_name(path), path=(path,)), seed=0, reporter=Reporter())
    assert isinstance(raw, RawTable)
    columns = [name for name in raw.frame.columns if has_text(column_of(raw.frame, name))]
    texts = polars.DataFrame([text_of(column_of(raw.frame, name)).alias(name) for name in columns])
    samples = {name: texts[name].head(SAMPLE).to_list() for name in columns}
    files_column = _files_column(config, path, columns, samples, is_given)
    key = config.split.key
    if key is not None and key not in columns:
        raise DataError(
            config_fault(config, "data.split", f"{shown(path)} has no column {quoted(key)}", column_hint(key, columns))
        )
    label_column = None
    if with_labels and not config.is_reconstruction:
        others = [name for name in columns if name not in (key, files_column)]
        find = _mask_column if config.task == SEGMENTATION else _label_column
        label_column = find(config, path, others, samples, CALL if is_given else SAY)
    nothing: list[str | None] = [None] * texts.height
    cells, keys = (texts[name].to_list() if name else nothing for name in (label_column, key))
    used = {"files": files_column, **({"label": label_column} if label_column else {})}
    files, num_dropped = _list_files(config, path, raw, used, [texts[files_column].to_list(), cells, keys])
    said = f"{num_dropped:,} of {texts.height:,} rows have no value for {label_column} (data.missing_target: drop)"
    notes = [Note(f"rows left out: {said}")] if num_dropped else []
    others = [name for name in columns if name not in (files_column, label_column) and _names_pictures(samples[name])]
    if others and config.arguments.get("files") is None and not (config.task == SEGMENTATION and len(others) == 1):
        notes.append(
            warn(f"the pictures are those that the column {files_column} names, not {listed(others, 3)}", "which_pictures")
        )
    return files, used, notes


def _list_files(
    config: DataConfig, path: str, raw: RawTable, used: Mapping[str, str], cells: Sequence[list[str | None]]
) -> tuple[list[PictureFile], int]:
    """The pictures, and how many rows are left out because they have no label.

    Args:
        config: the `data:` block.
        path: of the table.
        raw: the table.
        used: which column holds the `files` and which the `label`.
        cells: of the files, the labels and the keys by which rows are split.

    Raises:
        DataError: cells without a file name or label, pictures in several folders, or no row is left.
    """
    folder = os.path.dirname(os.path.abspath(path))
    files_column, label_column = used["files"], used.get("label")
    names, words, keys = cells
    labels = _with_gaps(raw, label_column, config, words)
    files, faults = [], []
    num_dropped = 0
    for row, (name, label) in enumerate(zip(names, labels, strict=True)):
        if not (name or "").strip():
            faults.append(Fault(f"no value in the column {files_column}", file=shown(path), line=_line(raw, row)))
        if label_column is not None and not (label or "").strip() and config.task != MULTILABEL:  # else it has no label
            if config.missing_target == DROP:
                num_dropped += 1
                continue
            hint = "data.missing_target: drop leaves such rows out"
            message = f"no value in the column {label_column}" + (f" ({quoted(words[row])})" if words[row] else "")
            faults.append(Fault(message, file=shown(path), line=_line(raw, row), hint=hint))
        try:
            place = picture_path(str(name), folder, config.images)
        except PictureError as error:
            faults.append(Fault(str(error), file=shown(path), line=_line(raw, row), hint=error.hint))
            continue
        files.append(replace(picture_file(place, str(name), label.strip() if label else None), key=keys[row]))
    if faults:
        raise DataError(capped(faults))
    if num_dropped and not files:
        raise DataError(config_fault(config, "data.target", f"the column {label_column} is empty in every row"))
    return files, num_dropped


def _with_gaps(raw: RawTable, column: str | None, config: DataConfig, cells: list[str | None]) -> list[str | None]:
    """The cells of the labels, None where they are a word that means "no value"."""
    if column is None or config.task == MULTILABEL:
        return cells
    missing = USUAL_MISSING if config.missing is None else tuple(config.missing)
    texts: list[str | None] = text_of(mend(column_of(raw.frame, column), Reading(missing))).to_list()
    return texts


def _line(raw: RawTable, row: int) -> int | None:
    first, _, line = raw.origin[0] if raw.origin else (0, "", 0)
    return line + row - first if line else None


def _files_column(
    config: DataConfig, path: str, columns: Sequence[str], samples: dict[str, list[str | None]], is_given: bool
) -> str:
    wanted = config.arguments.get("files")
    if wanted is not None:
        if wanted not in columns:
            message = f"{shown(path)} has no column {quoted(wanted)}"
            raise DataError(config_fault(config, "data.files", message, column_hint(str(wanted), columns)))
        return str(wanted)
    for column in columns:
        if column not in config.target and _names_pictures(samples[column]):
            return column
    folder = os.path.dirname(os.path.abspath(path))
    for column in columns if config.images.suffix else ():  # the names may be any words: which of them are files?
        cells = [cell for cell in samples[column] if cell]
        if cells and sum(_is_there(cell, folder, config) for cell in cells) > len(cells) / 2:
            return column
    gone = [folder for folder in config.images.folder if not os.path.isdir(folder)]
    if gone and len(gone) == len(config.images.folder):
        hint = "where it was moved: dltrain evaluate RUN data.images.folder=WHERE"
        raise DataError(config_fault(config, "data.images.folder", f"no such folder: {listed([shown(g) for g in gone])}", hint))
    if config.images.suffix and columns:
        message = f"with {config.images.suffix} behind it no column of {shown(path)} names pictures that are there"
        paths = (os.path.splitext(_place(cell, folder, config))[0] for name in columns for cell in samples[name] if cell)
        hint = next(filter(None, map(hint_of_name, paths)), f"the table has {listed(columns)}; data.files names the column")
        raise DataError(config_fault(config, "data.images.suffix", message, hint))
    message = f"no column of {shown(path)} holds names of pictures ({', '.join(EXTENSIONS)}); it has {listed(columns)}"
    if is_given:
        ending = config.images.suffix or EXTENSIONS[0]
        hint = f"one column must hold their paths, from the folder of the table on, with their endings, such as {ending}"
    else:
        hint = f"name it: data.files: {columns[0]}" if columns else ""
    raise DataError(config_fault(config, "data.path", message, hint or None))


def _names_pictures(sample: Sequence[str | None]) -> bool:
    """Whether most cells of a column end as the names of pictures do."""
    cells = [cell for cell in sample if cell]
    return bool(cells) and sum(cell.strip().lower().endswith(EXTENSIONS) for cell in cells) > len(cells) / 2


def _place(name: str, folder: str, config: DataConfig) -> str:
    try:
        return picture_path(name, folder, config.images)
    except PictureError:
        return name  # in several folders


def _is_there(name: str, folder: str, config: DataConfig) -> bool:
    try:
        return os.path.isfile(picture_path(name, folder, config.images))
    except PictureError:
        return True  # in several folders


def _label_column(
    config: DataConfig, path: str, others: Sequence[str], samples: Mapping[str, list[str | None]], hint: str
) -> str:
    if config.target:
        return _asked_column(config, path, others, "of labels")
    named = [column for column in others if column.lower() in LABEL_NAMES]
    if len(others) == 1 or named:
        return (named or others)[0]
    message = f"which column of {Path(path).name} holds the labels? It has {listed([*samples])}"
    raise DataError(config_fault(config, "data.target", message, hint))


def _mask_column(config: DataConfig, path: str, others: Sequence[str], samples: Mapping[str, list[str | None]], hint: str) -> str:
    if config.target:
        name = _asked_column(config, path, others, "of masks")
        if not _names_pictures(samples[name]):
            message = f"the column {name} of {shown(path)} names no masks: it holds {listed([c or '' for c in samples[name]], 3)}"
            raise DataError(
                config_fault(config, "data.target", message, f"masks are pictures ({', '.join(EXTENSIONS)}), best PNG")
            )
        return name
    found = [column for column in others if _names_pictures(samples[column])]
    named = [column for column in found if column.lower() in MASK_NAMES]
    if len(found) == 1 or len(named) == 1:
        return (named or found)[0]
    message = f"which column of {Path(path).name} names the masks? It has {listed([*samples])}"
    raise DataError(
        config_fault(config, "data.target", message, f"{hint.replace('label', 'mask')}, a mask (PNG) for each picture")
    )


def _asked_column(config: DataConfig, path: str, others: Sequence[str], what: str) -> str:
    name = config.target[0]
    if name not in others:
        message = f"{shown(path)} has no column {quoted(name)} {what}"
        raise DataError(config_fault(config, "data.target", message, column_hint(name, others)))
    return name


def mask_of(picture: PictureFile, path: str, config: DataConfig) -> PictureFile:
    """The mask of a picture, which a table names in place of its label.

    Raises:
        DataError: it is in several folders of `data.images`.
    """
    name = str(picture.label)
    try:
        place = picture_path(name, os.path.dirname(os.path.abspath(path)), replace(config.images, suffix=None))
    except PictureError as error:
        raise DataError(str(error), file=shown(path), hint=error.hint) from error
    return picture_file(place, name, None)
