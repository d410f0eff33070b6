"""Texts in a file each, in a folder for each class, as `keras.utils.text_dataset_from_directory` takes them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from dltrain.config.types import DataConfig, config_fault
from dltrain.data.facts import DataFacts
from dltrain.data.files import digest, neighbours, read_content, to_utf8
from dltrain.data.fingerprint import digests_of_folder
from dltrain.data.labels.class_folders import folders_fault, in_turn, meant_below
from dltrain.data.raw import RawTable
from dltrain.data.sources.source import DataSource
from dltrain.data.tables.combine import combine_tables
from dltrain.data.tables.sample import facts_of_sample
from dltrain.data.tables.text_encoding import detect_encoding
from dltrain.errors import DataError, Note, all_of, warn
from dltrain.later import polars
from dltrain.parts import KEY_OF_PART
from dltrain.reporting import Reporter
from dltrain.storage.bounds import TEXT_BYTES
from dltrain.storage.patterns import is_folder, walk
from dltrain.wording import as_text, listed, shown

TextFile = tuple[str, str, str]  # path, name, class
SUFFIX = ".txt"
KINDS_OF_FILES = f"{SUFFIX}, or a number as the name"
FILE, TEXT, LABEL = "file", "text", "label"

# More files than this are looked at in part before training.
SAMPLED = 2_000


def read(config: DataConfig, *, seed: int, reporter: Reporter) -> RawTable:
    """A row for each text below the class folders of `config.path`: its file's name, its text, and the name of its folder.

    Arguments: `classes` (the folders that count; by default all).

    Raises:
        DataError: no such folder, no text in it, or a file that is no text; with the file.
    """
    tables = []
    for folder in config.path:
        reporter.status(f"reading {shown(folder)}")
        files, notes = _list(config, folder)
        tables.append(_table(files, config, folder, notes))
    return combine_tables(tables)


def read_texts(paths: Sequence[str], encoding: str | None, classes: Sequence[str] | None) -> RawTable:
    """Texts for a run that is trained: files, or folders of them; without labels each is called by its path, as pictures are.

    Args:
        paths: folders with a folder for each class or, where no labels are needed, text files and folders of any texts.
        encoding: of the files; None: found out.
        classes: of the run, where the folders' names are the labels; other folders are left out with a warning.

    Raises:
        DataError: as `read`; or a file whose label is needed.
    """
    config = DataConfig("text_folder", path=tuple(paths), encoding=encoding)
    tables = []
    for path in paths:
        name = os.path.basename(os.path.normpath(path))
        notes: list[Note] = []
        if classes is not None:
            files, _ = _list(config, path)
            others = sorted({label for _, _, label in files} - {*classes})
            files = [file for file in files if file[2] in classes]
            if others:
                notes.append(
                    warn(f"{name}: folders that are no class of the run are left out: {listed(others)}", "other_classes")
                )
        elif os.path.isfile(path):
            files = [(path, path, "")]
        else:
            files = [(file, shown_as, "") for file, shown_as in _walk(path, os.path.normpath(path))]
        if not files:
            of = f" in folders {listed(classes)}" if classes else ""
            hint = meant_below(path, classes) if classes else None
            raise DataError(f"expected texts ({KINDS_OF_FILES}){of}, found none in {shown(path)}", hint=hint)
        tables.append(_table(files, config, path, notes))
    raw = combine_tables(tables)
    return raw if classes is not None else replace(raw, frame=raw.frame.drop(LABEL), target=())


def sample_texts(config: DataConfig) -> tuple[int, polars.Series]:
    """How many texts the training part has, and some of them, from all over them.

    Raises:
        DataError: as `read`.
    """
    count, raw = _sample(config, _lister(config, "path")())
    return count, raw.frame[TEXT]


def look(config: DataConfig, *, seed: int, whole: Callable[[], DataFacts]) -> DataFacts:
    """Reads all of few texts, and of many some from all over them."""
    found = all_of(*(_lister(config, key) for key in KEY_OF_PART.values()))
    count = sum(len(files) for part in found for _, files, _ in part)
    if count <= SAMPLED:
        return whole()
    rows, raw = _sample(config, found[0])
    line = f"{shown(config.path[0])}: {rows:,} texts; looked at {raw.frame.height:,} of them"
    return facts_of_sample(config, raw, rows, line, seed)


def _sample(config: DataConfig, found: Sequence[tuple[str, list[TextFile], list[Note]]]) -> tuple[int, RawTable]:
    rows = sum(len(files) for _, files, _ in found)
    every = -(-rows // SAMPLED)
    return rows, combine_tables([_table(files[::every], config, folder, notes) for folder, files, notes in found])


def _lister(config: DataConfig, key: str) -> Callable[[], list[tuple[str, list[TextFile], list[Note]]]]:
    return lambda: [(folder, *_list(config, folder, key)) for folder in getattr(config, key)]


def _list(config: DataConfig, folder: str, key: str = "path") -> tuple[list[TextFile], list[Note]]:
    """(file, its name, its class) of all texts of a folder in sorted order, and what is left out."""

    def fault(message: str, hint: str | None = None) -> DataError:
        return DataError(config_fault(config, f"data.{key}", message, hint))

    base, inside = os.path.basename(os.path.normpath(folder)), _inside(folder, fault)
    names = [entry.name for entry in inside if is_folder(entry)]
    texts_in = {name: list(_walk(os.path.join(folder, name), f"{base}/{name}")) for name in names}
    paths = {name: [file for file, _ in texts_in[name]] for name in names}
    if (instead := folders_fault(config, folder, paths)) is not None:
        raise fault(*instead)
    asked = config.arguments.get("classes")
    wanted = [str(name) for name in asked] if asked is not None else names
    missing = [name for name in wanted if name not in names]
    if missing:
        raise fault(f"{shown(folder)} has no folder {listed(missing)}", f"its folders: {listed(names)}")
    files = [(file, shown_as, name) for name in wanted for file, shown_as in texts_in[name]]
    empty = [f"{base}/{name} holds no text ({KINDS_OF_FILES}), so it is no class" for name in wanted if not texts_in[name]]
    notes = [warn(said, "empty_classes") for said in empty]
    beside = [entry.name for entry in inside if not is_folder(entry) and is_text_file(entry.name)]
    if not files:
        found = f"{len(beside):,} texts directly in it" if beside else "none"
        raise fault(f"expected texts ({KINDS_OF_FILES}) in a folder for each class in {shown(folder)}, found {found}")
    if beside:
        notes.append(warn(f"{base}: texts beside the folders of the classes are left out: {listed(beside, 4)}", "texts_beside"))
    passed = [name for name in names if name not in wanted]
    if passed:
        notes.append(Note(f"{base}: folders that `classes` does not name are left out: {listed(passed)}"))
    return in_turn(files, [label for _, _, label in files], config.limit), notes


def _inside(folder: str, fault: Callable[..., DataError]) -> list[os.DirEntry[str]]:
    """What a folder holds in sorted order, without what is hidden."""
    if not os.path.isdir(folder):
        is_there = os.path.lexists(folder)
        what = f"{shown(folder)} {'is no folder' if is_there else 'does not exist'}; expected one with a folder for each class"
        raise fault(what, None if is_there else neighbours(folder))
    try:
        with os.scandir(folder) as entries:
            return sorted((entry for entry in entries if not entry.name.startswith(".")), key=lambda entry: entry.name)
    except OSError as error:
        raise fault(f"cannot list {shown(folder)}: {error.strerror or error}") from error


def is_text_file(name: str) -> bool:
    """Whether a file of that name is read: one ending in .txt, or called by a number alone, as those of 20 Newsgroups are."""
    return (name.lower().endswith(SUFFIX) and not name.startswith(".")) or (name.isascii() and name.isdecimal())


def _walk(folder: str, name: str) -> Iterator[tuple[str, str]]:
    """Text files below a folder in sorted order, with their names; links to folders inside it are not followed."""
    for place, folders, files in walk(folder):
        folders[:] = sorted(one for one in folders if not one.startswith("."))
        inside = os.path.relpath(place, folder)
        for file in sorted(files):
            if is_text_file(file):
                yield os.path.join(place, file), "/".join([name, *([] if inside == "." else inside.split(os.sep)), file])


def _table(files: Sequence[TextFile], config: DataConfig, folder: str, notes: Sequence[Note]) -> RawTable:
    texts, contents, size, odd = [], [], 0, []
    for file, name, label in files:
        raw_bytes = read_content(file)
        size += len(raw_bytes)
        if size > TEXT_BYTES.value:
            message = f"the texts of {shown(folder)} have more than {TEXT_BYTES.value:,} bytes, too many to be held in memory"
            raise DataError(message, hint=TEXT_BYTES.hint)
        found = None if config.encoding else detect_encoding(raw_bytes)
        odd += [(name, found)] if found else []
        texts.append(to_utf8(raw_bytes, config.encoding or found, file).decode())
        contents.append((name, f"{label}\0{digest(raw_bytes)}"))
    labels = [label for _, _, label in files]
    base, count = os.path.basename(os.path.normpath(folder)), len({*labels})
    said = [Note(f"{base}: {len(files):,} texts" + (f" of {count} classes" if any(labels) else "")), *notes]
    if odd:
        files_odd = listed([f"{name} as {found}" for name, found in odd], 4)
        said.append(warn(f"no UTF-8, and read otherwise: {files_odd}; data.encoding says otherwise", "encoding"))
    return RawTable(
        polars.DataFrame({FILE: [as_text(name) for _, name, _ in files], TEXT: texts, LABEL: labels}),
        target=(LABEL,),
        origin=tuple((row, name, 0) for row, (_, name, _) in enumerate(files)),
        details={folder: {**digests_of_folder(contents), "bytes": size, "rows": len(files)}},
        notes=tuple(said),
        names=(FILE,),
        kinds={TEXT: "text"},
    )


SOURCE = DataSource(read, look)
