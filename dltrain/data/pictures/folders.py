"""Which pictures there are, and what they are: from folders named after classes, or from tables of files and labels."""

from __future__ import annotations

import contextlib
import glob
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.config.types import MULTILABEL, SEGMENTATION, DataConfig, config_fault
from dltrain.data.dataset import TargetSpec
from dltrain.data.files import neighbours
from dltrain.data.labels.cells import NO_ROW
from dltrain.data.labels.class_folders import folders_fault, in_turn, meant_below
from dltrain.data.pictures.files import EXTENSIONS, is_picture_name, labels_in_names
from dltrain.data.pictures.form import argument_of
from dltrain.data.pictures.masks import pair_up
from dltrain.data.pictures.not_classes import not_classes, within_classes
from dltrain.data.pictures.picture_file import PictureFile, picture_file
from dltrain.data.pictures.tables import mask_of, read_picture_table
from dltrain.data.pictures.tags import read_tags
from dltrain.errors import DataError, Fault, Note, capped, reason_of, warn
from dltrain.parts import KEY_OF_PART, PARTS
from dltrain.storage.far.copies import fetch_places
from dltrain.storage.patterns import find_matches, is_folder
from dltrain.wording import did_you_mean, listed, quoted, shown

TABLE_SUFFIXES = (".csv", ".tsv", ".txt", ".parquet", ".pq")
ARCHIVE_SUFFIXES = (".zip", ".tar", ".tgz", ".gz", ".bz2", ".xz", ".zst", ".7z", ".rar")
MOST_DEEP = 40
PICTURES, MASKS = "pictures", "masks"
LAYOUT_OF_MASKS = "pictures lie in {path}/pictures, and a mask of the same name for each (PNG) in {path}/masks"


@dataclass(slots=True)
class PictureList:
    """All pictures of a config, part after part.

    Attributes:
        files: the pictures.
        parts: part -> row numbers; empty: all are to be split.
        target: class codes or numbers [rows]; None: there are no labels.
        classes: label names in code order; empty for numbers.
        notes: sentences for the user.
        table: where tables name the pictures: the column of their `files`, and that of their `label` if they have one.
        masks: the mask of each picture, where the classes of pixels are to be learnt.
        labels: where each picture may have several labels: what they are; `target` is then int8 [rows, labels].
    """

    files: list[PictureFile] = field(default_factory=list)
    parts: dict[str, NDArray[np.int64]] = field(default_factory=dict)
    target: NDArray[Any] | None = None
    classes: tuple[str, ...] = ()
    notes: list[Note] = field(default_factory=list)
    table: Mapping[str, str] = field(default_factory=dict)
    masks: list[PictureFile] = field(default_factory=list)
    labels: TargetSpec | None = None


@dataclass(slots=True)
class _Found:
    """What one part's paths hold."""

    files: list[PictureFile] = field(default_factory=list)
    empty: list[str] = field(default_factory=list)
    others: Counter[str] = field(default_factory=Counter)
    table: Mapping[str, str] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)
    masks: list[PictureFile] = field(default_factory=list)


def list_pictures(config: DataConfig) -> PictureList:
    """List the pictures of all parts; none is opened.

    Raises:
        DataError: paths that are missing or are nothing of the kind, labels that training does not have; all are named.
    """
    faults: list[Fault] = []
    found: dict[str, _Found] = {}
    for part in PARTS:
        paths = fetch_places(getattr(config, KEY_OF_PART[part]))
        if paths:
            found[part] = _list_part(config, KEY_OF_PART[part], paths, faults)
    if faults:
        raise DataError(capped(faults))
    for one in found.values():
        one.files = in_turn(one.files, [file.label for file in one.files], config.limit)
        one.masks = one.masks[: len(one.files)]  # of pictures without labels the first
    result = PictureList([file for one in found.values() for file in one.files])
    result.masks = [mask for one in found.values() for mask in one.masks]
    ends = np.cumsum([0, *(len(one.files) for one in found.values())])
    if len(found) > 1:
        result.parts = {part: np.arange(ends[index], ends[index + 1]) for index, part in enumerate(found)}
    else:
        result.notes += within_classes(result.files)
    _add_labels(config, result, found)
    for part, one in found.items():
        result.notes += _notes(part, one)
        result.table = result.table or one.table
    return result


def _list_part(config: DataConfig, key: str, paths: Sequence[str], faults: list[Fault]) -> _Found:
    found = _Found()

    def fault(message: str, hint: str | None = None) -> None:
        faults.append(config_fault(config, f"data.{key}", message, hint))

    for path in _matches(paths):
        if os.path.isdir(path):
            _list_folder(config, path, found, fault, faults)
        elif not os.path.lexists(path):
            what = "no folder matches" if glob.has_magic(path) else "no such folder:"
            fault(f"{what} {shown(path)}", neighbours(path))
        elif path.lower().endswith(ARCHIVE_SUFFIXES):
            fault(f"{shown(path)} is an archive; pictures are read from folders", "unpack it and name the folder")
        elif path.lower().endswith(TABLE_SUFFIXES) and os.path.isfile(path):
            try:
                _add_table(config, path, found)
            except DataError as error:
                faults.extend(error.faults)
        else:
            kind = "a picture" if path.lower().endswith(EXTENSIONS) else "neither"
            what, hint = "labels", None
            if config.task == SEGMENTATION:
                what, hint = "masks", LAYOUT_OF_MASKS.format(path="PATH")
            fault(f"expected a folder of pictures or a table of files and {what}; {shown(path)} is {kind}", hint)
    if not found.files and not faults:
        fault(f"expected pictures ({', '.join(EXTENSIONS)}), found none in {listed([shown(path) for path in paths], 4)}")
    return found


def _add_table(config: DataConfig, path: str, found: _Found) -> None:
    """The pictures that a table names, with their labels or masks."""
    files, columns, notes = read_picture_table(config, path)
    if config.task == SEGMENTATION:
        said = f"the column {columns['label']} of {shown(path)} names the mask of each picture of {columns['files']}"
        found.notes.append(Note(said))
        found.masks += [mask_of(file, path, config) for file in files]
        files = [replace(file, label=None) for file in files]
    found.files += files
    found.notes += notes
    found.table = found.table or columns


def _matches(paths: Sequence[str]) -> Iterator[str]:
    for path in paths:
        matches = [] if os.path.lexists(path) else find_matches(path)
        yield from matches or [path]


def _list_folder(config: DataConfig, folder: str, found: _Found, fault: Any, faults: list[Fault]) -> None:
    """A folder of folders named after classes; for a reconstruction, of any pictures."""
    num_faults = len(faults)
    reader = FolderReader(fault, found.others)
    classes, beside = reader.class_folders(folder)
    if len(faults) > num_faults:
        return
    if config.split.key is not None:
        fault(f"{shown(folder)} is a folder: it has no column to split by", "name a table of files and labels: path: labels.csv")
        return
    if config.is_reconstruction:
        found.files += reader.walk(folder, os.path.basename(os.path.normpath(folder)), None)
        return
    if config.task == MULTILABEL:
        what = f"{shown(folder)} is a folder of classes, in which a picture has one label"
        fault(f"{what}; several are in a table of pictures and their labels", "such as path: pictures.csv, target: tags")
        return
    if config.task == SEGMENTATION:
        _list_masked(reader, folder, found, fault, skip=argument_of(config, "on_error") == "skip")
        return
    if holds_masks(folder):
        message = f"{shown(folder)} holds {PICTURES}/ and {MASKS}/, which are no classes"
        fault(message, "say data.task: segmentation to learn the class of every pixel")
        return
    _list_classes(config, folder, found, fault, reader, classes, beside)


def _list_classes(
    config: DataConfig, folder: str, found: _Found, fault: Any, reader: FolderReader, classes: list[str], beside: list[str]
) -> None:
    """The pictures of a folder of folders, each with its folder's name as its label."""
    base = os.path.basename(os.path.normpath(folder))
    files = {name: list(reader.walk(os.path.join(folder, name), f"{base}/{name}", name)) for name in classes}
    is_one = config.allow_one_class and sum(map(bool, files.values())) == 1  # whatever lies beside its pictures
    if not is_one and (instead := not_classes(folder, files, beside[0] if beside else None)) is not None:
        fault(*instead)
        return
    if not classes:
        hint = (
            labels_in_names(folder)
            or "move each picture into a folder named after its class, or name a table of files and labels: path: labels.csv"
        )
        what = f"{len(beside):,} pictures directly in it" if beside else "neither folders nor pictures in it"
        fault(f"expected a folder for each class in {shown(folder)}, found {what}", hint)
        return
    classes = [name for name in classes if files[name]] or classes
    paths = {name: [file.path for file in files[name]] for name in classes}
    if (instead := folders_fault(config, folder, paths)) is not None:
        fault(*instead)
        return
    reader.pass_over(len(beside))
    for name in files:
        found.files += files[name]
        if not files[name]:
            found.empty.append(f"{base}/{name}")


def holds_masks(folder: str) -> bool:
    """Whether a folder has the two folders of pictures and their masks, and no other."""
    try:
        with os.scandir(folder) as entries:
            names = {entry.name for entry in entries if is_folder(entry) and not entry.name.startswith(".")}
    except OSError:
        return False
    return names == {PICTURES, MASKS}


def list_masked(
    reader: FolderReader, folder: str, faults: list[Fault], *, skip: bool
) -> tuple[list[PictureFile], list[PictureFile], list[Note]]:
    """The pictures below a folder's `pictures/`, the mask of each below `masks/`, and sentences on what is left out.

    Args:
        reader: of folders.
        folder: that holds the two.
        faults: gets what is wrong.
        skip: leave pictures without a mask out, with a warning.
    """
    base = os.path.basename(os.path.normpath(folder))
    where = {kind: os.path.join(folder, kind) for kind in (PICTURES, MASKS)}
    lacking = [kind for kind in where if not os.path.isdir(where[kind])]
    if lacking:
        message = f"expected the folders {PICTURES}/ and {MASKS}/ in it, found no {listed([f'{kind}/' for kind in lacking])}"
        above = os.path.dirname(os.path.normpath(folder)) or "."
        named = above if base in where and holds_masks(above) else folder
        hint = meant_below(folder, where, "they") or LAYOUT_OF_MASKS.format(path=shown(named))
        faults.append(Fault(message, file=shown(folder), hint=hint))
        return [], [], []
    pictures, masks = (list(reader.walk(where[kind], f"{base}/{kind}", None)) for kind in where)
    return pair_up(pictures, masks, where, faults, skip=skip)


def _list_masked(reader: FolderReader, folder: str, found: _Found, fault: Any, *, skip: bool) -> None:
    own: list[Fault] = []
    pictures, masks, notes = list_masked(reader, folder, own, skip=skip)
    for one in own:
        fault(f"{one.file}: {one.message}", one.hint)
    found.files += pictures
    found.masks += masks
    found.notes += notes


class FolderReader:
    """What lies in folders.

    Args:
        fault: hears of folders that cannot be listed.
        others: counts what is passed over.
    """

    def __init__(self, fault: Callable[[str], None], others: Counter[str]) -> None:
        self.fault, self.others = fault, others

    def class_folders(self, folder: str) -> tuple[list[str], list[str]]:
        """Names of the folders directly in a folder, which are the classes, and the pictures that lie beside them."""
        inside = self._inside(folder) or []
        names = [entry.name for entry in inside if is_folder(entry) and not entry.name.startswith(".")]
        return names, [entry.path for entry in inside if is_picture_name(entry.name) and not is_folder(entry)]

    def pass_over(self, num_beside: int) -> None:
        """Count pictures beside the folders of the classes."""
        if num_beside:
            self.others["pictures beside the folders of the classes"] += num_beside

    def walk(self, folder: str, shown_as: str, label: str | None) -> Iterator[PictureFile]:
        """Pictures below a folder in sorted order. Links to folders are followed once, so that one to a folder above ends."""
        # A link to a folder above would bring in the pictures of other classes.
        seen = {(own.st_dev, own.st_ino) for above in Path(os.path.abspath(folder)).parents for own in _status(above)}
        yield from self._visit(folder, shown_as, label, seen, 0)

    def _visit(self, path: str, name: str, label: str | None, seen: set[tuple[int, int]], depth: int) -> Iterator[PictureFile]:
        own = _status(Path(path))
        if own and (own[0].st_dev, own[0].st_ino) in seen:
            return
        if depth > MOST_DEEP:
            deep = f"folders stand in each other, more than {MOST_DEEP} deep; data.path may name one further in"
            self.fault(f"{shown(name)}: {deep}")
            return
        seen.update((one.st_dev, one.st_ino) for one in own)
        for entry in self._inside(path) or []:
            if entry.name.startswith("."):
                continue
            if is_folder(entry):
                yield from self._visit(entry.path, f"{name}/{entry.name}", label, seen, depth + 1)
            elif is_picture_name(entry.name):
                yield picture_file(entry.path, f"{name}/{entry.name}", label)
            else:
                self.others[os.path.splitext(entry.name)[1].lower() or "no suffix"] += 1

    def _inside(self, folder: str) -> list[os.DirEntry[str]] | None:
        """Its entries in order; None: it cannot be listed, which was said."""
        try:
            with os.scandir(folder) as entries:
                return sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            self.fault(f"cannot list {shown(folder)}: {reason_of(error)}")
            return None


def _status(path: Path) -> list[os.stat_result]:
    with contextlib.suppress(OSError):
        return [os.stat(path)]
    return []


def _add_labels(config: DataConfig, result: PictureList, found: Mapping[str, _Found]) -> None:
    if config.task == MULTILABEL:
        _add_tags(config, result, next(one.table["label"] for one in found.values()))
        return
    labels = [file.label for file in result.files]
    if config.is_reconstruction or config.task == SEGMENTATION or all(label is None for label in labels):
        return
    if all(one.table for one in found.values()):
        numbers = _as_numbers(labels)
        if numbers is not None:
            result.target = numbers
            return
    result.classes = tuple(sorted({str(label) for label in labels}))
    codes = {label: code for code, label in enumerate(result.classes)}
    result.target = np.array([codes[str(label)] for label in labels], np.int64)
    _refuse_strays(config, found)


def _add_tags(config: DataConfig, result: PictureList, column: str) -> None:
    """Several labels a picture; pictures whose cell is no value are left out."""
    result.labels, codes = read_tags(config, result.files, column)
    result.classes = result.labels.classes
    is_there = (codes != NO_ROW).all(axis=1)
    result.target = codes[is_there]
    if not is_there.all():
        said = f"{np.count_nonzero(~is_there):,} of {len(codes):,} rows have no value for {column} (data.missing_target: drop)"
        result.notes.append(Note(f"rows left out: {said}"))
        result.files = [file for file, kept in zip(result.files, is_there.tolist(), strict=True) if kept]
        place = np.cumsum(is_there) - 1
        result.parts = {part: place[rows[is_there[rows]]] for part, rows in result.parts.items()}


def _as_numbers(labels: Sequence[str | None]) -> NDArray[np.float64] | None:
    if any(len(label or "") > 1 and (label or "").isdecimal() and (label or "").startswith("0") for label in labels):
        return None  # codes, such as 01: labels
    try:
        numbers = np.array([float(label or "") for label in labels])
    except ValueError:
        return None
    return numbers if np.isfinite(numbers).all() else None


def _refuse_strays(config: DataConfig, found: Mapping[str, _Found]) -> None:
    """A class of another part that training does not have cannot be learnt."""
    known = {file.label for file in found["train"].files} if "train" in found else set()
    faults = []
    for part, one in found.items():
        counts = Counter(str(file.label) for file in one.files if part != "train" and file.label not in known)
        taught = sorted(map(str, known))
        for label, count in sorted(counts.items()):
            first = next(file for file in one.files if file.label == label)
            such = f"{count:,} pictures, such as {first.name}"
            message = f"the class {quoted(label)} is in the {part} part only ({such}), not in training"
            hint = did_you_mean(label, taught) or f"classes of the training part: {listed(taught)}"
            faults.append(config_fault(config, f"data.{KEY_OF_PART[part]}", message, hint))
    if faults:
        raise DataError(capped(faults))


def _notes(part: str, found: _Found) -> list[Note]:
    notes = [replace(note, text=f"{part}: {note.text}") for note in found.notes]
    if found.others:
        words = [f"{count:,} {name}" for name, count in found.others.most_common()]
        notes.append(Note(f"{part}: passed over what is no picture by its name: {listed(words, 6)}"))
    if found.empty:
        notes.append(warn(f"{part}: no pictures in {listed(found.empty, 6)}: it is no class", "class_without_pictures"))
    return notes
