"""Pictures that are given to a trained run: which files they are, and their labels, read as the layout of training is read."""

from __future__ import annotations

import glob
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from dltrain.config.types import SEGMENTATION, DataConfig
from dltrain.data.labels.class_folders import meant_below
from dltrain.data.pictures.files import EXTENSIONS
from dltrain.data.pictures.folders import (
    LAYOUT_OF_MASKS,
    MASKS,
    PICTURES,
    TABLE_SUFFIXES,
    FolderReader,
    PictureList,
    holds_masks,
    list_masked,
)
from dltrain.data.pictures.picture_file import PictureFile, picture_file
from dltrain.data.pictures.tables import mask_of
from dltrain.errors import DataError, Fault, Note, capped, warn
from dltrain.storage.far.copies import fetch_places
from dltrain.storage.patterns import find_matches
from dltrain.wording import listed, nearest, quoted, shown


def list_given(paths: Sequence[str], table: DataConfig, *, with_labels: bool, classes: Sequence[str]) -> PictureList:
    """The pictures behind the paths, each once, or once for each row of a table; without labels where none are asked for.

    A label is the name of the folder directly below the given one, as in training; where no folder below is called like a class,
    it is the given folder's own name. That of a single file is the name of the folder above it that is called like a class.

    Args:
        paths: files, folders, tables that name pictures, glob patterns.
        table: how tables are read.
        with_labels: see above.
        classes: label names of the run; empty: any.

    Raises:
        DataError: nothing there, or folders whose label is not clear; all are named.
    """
    result = PictureList()
    faults: list[Fault] = []
    seen: set[str] = set()
    codes = spellings(classes)
    folders = FolderReader(lambda message: faults.append(Fault(message)), Counter())
    for path in fetch_places(paths):
        matches = [path] if os.path.lexists(path) or not glob.has_magic(path) else find_matches(path)
        found: list[PictureFile] = []
        for match in matches:
            if os.path.isdir(match):
                found += _in_folder(folders, match, codes if with_labels else None, result.notes)
            elif match.lower().endswith(TABLE_SUFFIXES) and os.path.isfile(match):
                found += _in_table(match, table, with_labels, faults, result)
            elif os.path.lexists(match):
                label = _label_above(match, codes, faults) if with_labels else None
                found.append(picture_file(match, match, label))
        if not matches or not os.path.lexists(matches[0]):
            faults.append(Fault("expected pictures, found no such file or folder", file=path))
        elif not found and not faults:
            faults.append(Fault(f"expected pictures ({', '.join(EXTENSIONS)}), found none in it", file=path))
        result.files += [file for file in found if file.path not in seen]
        seen.update(file.path for file in found)
    if faults or not result.files:
        raise DataError(capped(faults) or Fault("expected pictures, received no path"))
    num_others = folders.others.total()
    if num_others:
        result.notes.append(Note(f"{num_others:,} files that are no pictures by their name were passed over"))
    return result


def list_given_masked(paths: Sequence[str], table: DataConfig, *, skip: bool) -> PictureList:
    """The pictures with their masks behind the paths, which are folders that hold both, or tables that name both.

    Args:
        paths: folders, tables, glob patterns.
        table: how tables are read.
        skip: leave pictures without a mask out, with a warning.

    Raises:
        DataError: they are none, or pictures have no mask; all are named.
    """
    result, faults = PictureList(), list[Fault]()
    folders = FolderReader(lambda message: faults.append(Fault(message)), Counter())
    for path in fetch_places(paths):
        for match in [path] if os.path.lexists(path) or not glob.has_magic(path) else find_matches(path) or [path]:
            if match.lower().endswith(TABLE_SUFFIXES) and os.path.isfile(match):
                named = _in_table(match, replace(table, task=SEGMENTATION), True, faults, result)
                result.masks += [mask_of(file, match, table) for file in named]
                result.files += [replace(file, label=None) for file in named]
                continue
            if not os.path.isdir(match):
                what = "no such folder" if not os.path.lexists(match) else "a file"
                hint = LAYOUT_OF_MASKS.format(path="PATH")
                faults.append(
                    Fault(
                        f"expected a folder with {PICTURES}/ and {MASKS}/, or a table of both, found {what}",
                        file=match,
                        hint=hint,
                    )
                )
                continue
            pictures, masks, notes = list_masked(folders, match, faults, skip=skip)
            result.files += pictures
            result.masks += masks
            result.notes += [warn(note.text, note.code or "masks_left_out") for note in notes]
    if faults or not result.files:
        raise DataError(capped(faults) or Fault(f"expected pictures ({', '.join(EXTENSIONS)}), found none", file=paths[0]))
    return result


def _in_table(path: str, table: DataConfig, with_labels: bool, faults: list[Fault], result: PictureList) -> list[PictureFile]:
    from dltrain.data.pictures.tables import read_picture_table

    try:
        files, _, notes = read_picture_table(table, path, with_labels=with_labels, is_given=True)
    except DataError as error:
        faults.extend(error.faults)
        return []
    result.notes += [warn(f"{shown(path)}: {note.text}", note.code or "rows_left_out") for note in notes]
    used = [folder for folder in table.images.folder if any(file.path.startswith(os.path.join(folder, "")) for file in files)]
    if used:
        said = f"pictures of {shown(path)} come from {listed([shown(folder) for folder in used])}"
        result.notes.append(warn(said, "folder_of_pictures"))
    return files


def _in_folder(folders: FolderReader, path: str, codes: Mapping[str, int] | None, notes: list[Note]) -> list[PictureFile]:
    """Pictures of a folder of classes, or of the folder of one class; where no codes of labels are given, of any folder."""
    if codes is None:
        if holds_masks(path):
            notes.append(warn(f"{shown(path)}: the pictures in its {PICTURES}/ are taken, not its {MASKS}/", "masks_not_taken"))
            path = os.path.join(path, PICTURES)
        return list(folders.walk(path, path, None))
    names, beside = folders.class_folders(path)
    own = os.path.basename(os.path.abspath(path))
    if not names or (own in codes and not any(name in codes for name in names)):
        return list(folders.walk(path, path, own))
    if own in codes:
        said = f"{shown(path)}: the folders in it are its classes ({listed(names, 4)}), not its own name"
        notes.append(warn(said, "folders_are_classes"))
    folders.pass_over(len(beside))
    return [file for name in names for file in folders.walk(os.path.join(path, name), os.path.join(path, name), name)]


def _label_above(path: str, codes: Mapping[str, int], faults: list[Fault]) -> str:
    """The folder above a file that is called like a class; where none is, the one that it lies in."""
    above = os.path.dirname(os.path.abspath(path)).split(os.sep)
    found = list(dict.fromkeys(name for name in reversed(above) if name in codes))
    if len(found) > 1:
        message = f"the folders {listed([repr(name) for name in found], 4)} above it are classes: which is its label?"
        faults.append(Fault(message, file=path, hint="name the folder that holds the folders of the classes"))
    return found[0] if found else above[-1]


def spellings(classes: Sequence[str]) -> dict[str, int]:
    """Code of each label, also as folders and tables write it: with underscores for blanks and slashes."""
    codes = {name: code for code, name in enumerate(classes)}
    for name, code in list(codes.items()):
        codes.setdefault(name.replace(" ", "_").replace("/", "_"), code)
        codes.setdefault(name.replace("_", " "), code)
    return codes


def label_codes(files: Sequence[PictureFile], classes: Sequence[str]) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """The code of each file's label, and the label names in their order.

    Raises:
        DataError: labels that are no class of the run; all are named.
    """
    labels = [str(file.label) for file in files]
    if not classes:
        classes = sorted({label.replace("_", " ") for label in labels})
    codes = spellings(classes)
    for label in set(labels) - codes.keys():
        as_number = _number_label(label)
        if as_number in codes:
            codes[label] = codes[as_number]
    unknown = [label for label in dict.fromkeys(labels) if label not in codes]
    if unknown:
        known = ", ".join(list(classes)[:10]) + (", ..." if len(classes) > 10 else "")
        faults = []
        for label in unknown:
            first = next(file for file in files if file.label == label)
            close = nearest(label, codes)
            folder = first.path
            while os.path.basename(folder) != label and folder != os.path.dirname(folder):
                folder = os.path.dirname(folder)
            is_folder = os.path.basename(folder) == label
            what = f"the folder {quoted(label)}" if is_folder else f"the label {quoted(label)}"
            message = f"{what} ({labels.count(label):,} pictures) is no class of the run; its classes are {known}"
            hint = f"did you mean {quoted(close)}?" if close else None
            hint = hint or (is_folder and meant_below(folder, codes)) or "name each picture's folder as the class of the picture"
            faults.append(Fault(message, file=folder if is_folder else first.path, hint=hint))
        raise DataError(capped(faults))
    return np.array([codes[label] for label in labels], np.int64), tuple(classes)


def _number_label(label: str) -> str:
    """`3` for `3.0`, as the classes of numbers are called."""
    try:
        value = float(label)
    except ValueError:
        return label
    return str(int(value)) if value.is_integer() else str(value)
