"""A first config for data that nobody has described yet: what was found, and a model to begin with."""

from __future__ import annotations

import glob
import os
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from dltrain.config.catalog.sources import SOURCES
from dltrain.config.text.paths import why_not_held
from dltrain.data.files import expand_paths, table_pattern
from dltrain.data.pictures.files import EXTENSIONS, is_picture_name, labels_in_names
from dltrain.data.pictures.folders import holds_masks
from dltrain.data.pictures.not_classes import not_classes
from dltrain.errors import DataError, UsageError
from dltrain.parts import parts_among
from dltrain.reporting import Reporter
from dltrain.settings import data_folder
from dltrain.starting.starter import USUAL, Starter, Wishes, no_comparison, no_series
from dltrain.storage.far.address import STORES, bare, file_name, is_far, scheme_of
from dltrain.storage.far.copies import fetch_places
from dltrain.storage.far.stores import list_folder
from dltrain.storage.formats.other_files import A_SPREADSHEET, OTHER_SUFFIXES, how_to_convert, is_delimited_text, source_by_name
from dltrain.storage.patterns import find_matches, folders_in, walk
from dltrain.wording import listed, nearest, quoted, shown

SILENT = Reporter()
TABLE_SUFFIXES = (".csv", ".parquet", ".pq", ".tsv", ".tab", ".npz", ".gz", ".bz2", ".xz", ".zst", ".data", ".dat", ".txt")
MOST_ENTRIES = 200_000
LINES_OF_COLUMNS = 50
MOST_COMPARED = 50


def make_starter(
    path: str,
    *,
    target: str | None = None,
    folder: Path | None = None,
    wishes: Wishes = USUAL,
    reporter: Reporter = SILENT,
) -> Starter:
    """Look at data and write a config for it that runs as it is.

    Args:
        path: a text table (compressed or not), Parquet file, pattern or folder of such files, the address of one
            elsewhere, an .npz archive, a folder with a folder of pictures for each class, or with pictures/ and masks/ (or such
            folders train, validation, test), or a dataset's name;
            looked for in the working directory, then in `$DLTRAIN_DATA`.
        target: the column to predict; where the file has no header its number, from 1, or from -1 at the end; the array of
            targets of an archive. None: guessed, where it is clear.
        folder: where the config will stand, for the data's path in it; None: the working directory.
        wishes: what is asked of a table's config.
        reporter: hears what is being read.

    Raises:
        UsageError: no such column, a target that is not clear or no target, or a folder, which no config can name.
        DataError: missing, unreadable, or unfit to learn from.
    """
    if path in SOURCES and not SOURCES[path].needs_path and not os.path.isfile(path):
        from dltrain.starting.arrays import start_dataset

        return start_dataset(path, target, reporter, wishes)
    if is_far(path):
        return _start_far(path, target, reporter, wishes)
    where = _find(path)
    if where is None:
        raise _nothing_there(path)
    if (reason := why_not_held(where)) is not None:
        raise UsageError(reason)
    written = _as_written(path, where, folder)
    if not os.path.isdir(where):
        return _start_file(where, written, target, reporter, wishes)
    if (pattern := _tables_of(where)) is not None:
        return _start_tables(pattern, written, target, reporter, wishes)
    return _start_folder(where, written, target, reporter, wishes)


def _start_tables(pattern: str, written: str, target: str | None, reporter: Reporter, wishes: Wishes) -> Starter:
    """A config for the tables in a folder: one is the training part where another is called the test part; else all are read."""
    tables = {os.path.basename(path): path for path in find_matches(pattern)}
    parts = {part: name for name, part in parts_among([*tables]).items()}
    if "train" not in parts:
        first = next(iter(tables))
        odd = [name for name in [*tables][:MOST_COMPARED] if not have_same_columns(tables[first], tables[name])]
        if odd:
            message = f"{shown(written)} holds tables of different columns, such as {first} and {odd[0]}"
            raise UsageError(message, hint=f"name one: dltrain init {shown(os.path.join(written, first))}")
        name = first if len(tables) == 1 else os.path.basename(pattern)
        return _start_file(os.path.join(os.path.dirname(pattern), name), os.path.join(written, name), target, reporter, wishes)
    train = parts["train"]
    alike = {part: name for part, name in parts.items() if name != train and have_same_columns(tables[train], tables[name])}
    if wishes.series is not None:
        alike = {}  # the end of a series is its test part
    left = [name for name in tables if name not in (train, *alike.values())]
    if left:
        are = "is" if len(left) == 1 else "are"
        name = shown(os.path.join(os.path.basename(written), train))
        reporter.warning(f"{name} is learned from; {listed(left, 4)} beside it {are} not")
    own = {part: os.path.join(written, name) for part, name in alike.items()}
    return _start_file(tables[train], os.path.join(written, train), target, reporter, wishes, own)


def have_same_columns(one: str, other: str) -> bool:
    """Whether two tables have the same columns in the same order; of those without names, as many."""
    return _columns_of(one) == _columns_of(other)


def _columns_of(path: str) -> list[str]:
    if source_by_name(path) == "parquet":
        from dltrain.data.tables.parquet_file import read_parquet

        return list(read_parquet(path, num_rows=LINES_OF_COLUMNS).columns)
    from dltrain.config.types import DataConfig
    from dltrain.data.sources.csv import parse_text
    from dltrain.data.tables.sample import read_head
    from dltrain.starting.text import find_text_options

    config = DataConfig("csv", path=(path,), **find_text_options(path))
    return list(parse_text(read_head(path, LINES_OF_COLUMNS)[0], path, config).frame.columns)


def _start_file(
    where: str,
    written: str,
    target: str | None,
    reporter: Reporter,
    wishes: Wishes,
    parts: Mapping[str, str] = MappingProxyType({}),
) -> Starter:
    suffix = Path(where).suffix.casefold()
    is_text = OTHER_SUFFIXES.get(suffix) == A_SPREADSHEET and is_delimited_text(where)
    if not is_text and (suffix in OTHER_SUFFIXES or suffix in EXTENSIONS):
        what = OTHER_SUFFIXES.get(suffix, "a single picture")
        raise DataError(f"{shown(where)} is {what}", hint=how_to_convert(where))
    if suffix in (".yaml", ".yml"):
        raise UsageError(f"{shown(where)} is a config, not data", hint=f"`dltrain fit {shown(where)}` trains by it")
    expand_paths([where])  # no pipe or device is looked into
    if suffix == ".npz":
        from dltrain.starting.arrays import start_archive

        if wishes.compare:
            raise no_comparison("an archive of arrays may be no table; where it is one, its config can")
        if wishes.series is not None:
            raise no_series("an archive holds arrays")
        return start_archive(where, written, target, reporter)
    from dltrain.starting.table import start_table

    return start_table(source_by_name(where), where, written, target, reporter, wishes, parts)


def _start_folder(where: str, written: str, target: str | None, reporter: Reporter, wishes: Wishes) -> Starter:
    from dltrain.data.sources.text_folder import is_text_file
    from dltrain.starting.common_blocks import Layout
    from dltrain.starting.pictures import folder_layout, has_no_labels, left_beside, picture_layout, start_pictures

    layout = picture_layout(where)
    texts = folder_layout(where, is_text_file) if layout is None else None
    if layout is None and (texts is None or not folders_in(texts["path"])):
        raise _folder_fault(where)
    what = "pictures" if texts is None else "texts"
    if wishes.compare:
        raise no_comparison(f"{what} are not learned from so")
    if wishes.series is not None:
        raise no_series(f"a folder of {what} is none")
    places = layout or texts or {}
    left = left_beside(where, places, is_picture_name if layout else is_text_file)
    unnamed = [name for name in left if has_no_labels(os.path.join(where, name), places["path"])] if len(places) < 3 else []
    for name in unnamed:
        said = f"{name}: its {what} are in no folder of a class, so they have no labels and are in no part"
        reporter.warning(f"{said}; `dltrain predict` names them")
    if others := [name for name in left if name not in unnamed]:
        reporter.warning(f"folders beside those of the parts are in none of them: {listed(others, 4)}")
    if layout is None:
        from dltrain.starting.texts import start_texts

        assert texts is not None
        return start_texts(Layout(texts, where, written), target, reporter, wishes)
    if all(map(holds_masks, layout.values())):
        from dltrain.starting.masks import start_masks

        return start_masks(Layout(layout, where, written), target, reporter)
    return start_pictures(Layout(layout, where, written), target, reporter, wishes)


def _start_far(address: str, target: str | None, reporter: Reporter, wishes: Wishes) -> Starter:
    """A config for a table, or a store's folder of pictures, which is copied; its address has no password and signature there."""
    reporter.status(f"fetching {bare(address)}")
    suffix = Path(file_name(address)).suffix.casefold()
    if scheme_of(address) in STORES and not suffix and any(map(is_picture_name, list_folder(address) or ())):
        (where,) = fetch_places([address])
        return _start_folder(where, bare(address).rstrip("/"), target, reporter, wishes)
    if suffix in OTHER_SUFFIXES or suffix in EXTENSIONS or suffix == ".npz":
        what = OTHER_SUFFIXES.get(suffix, "an archive of arrays" if suffix == ".npz" else "a single picture")
        raise DataError(
            f"{bare(address)} is {what}", hint="init looks at tables and folders of pictures elsewhere, at all else here"
        )
    from dltrain.starting.table import start_table

    return start_table(source_by_name(file_name(address)), address, bare(address), target, reporter, wishes)


def _tables_of(folder: str) -> str | None:
    """The pattern of the tables in a folder that holds no folders of pictures."""
    from dltrain.starting.pictures import picture_layout

    return table_pattern(folder) if picture_layout(folder) is None else None


def _find(path: str) -> str | None:
    """The file, folder or pattern on this machine, absolute."""
    folders = [Path.cwd(), *filter(None, [data_folder()])]
    for folder in folders:
        candidate = os.path.normpath(os.path.join(folder, os.path.expanduser(path)))
        if os.path.exists(candidate) or (glob.has_magic(candidate) and find_matches(candidate)):
            return os.path.abspath(candidate)
    return None


def _as_written(path: str, where: str, folder: Path | None) -> str:
    """The path as the config names it: absolute as given; else relative to the config, or to the data folder it was found in."""
    if os.path.isabs(os.path.expanduser(path)):
        return where
    if where == os.path.abspath(path):
        return os.path.relpath(where, folder or Path.cwd())
    return os.path.normpath(path)


def _nothing_there(path: str) -> UsageError | DataError:
    names = [source.name for source in SOURCES.values() if not source.needs_path]
    close = nearest(path, names)
    if close:
        return UsageError(f"there is no file and no dataset {quoted(path)}", hint=f'did you mean "{close}"?')
    neighbour = nearest(Path(path).name, _names_in(Path(path).parent))
    hint = f'did you mean "{Path(path).parent / neighbour}"?' if neighbour else f"datasets: {', '.join(names)}"
    return DataError(f"no such file: {shown(path)}", hint=hint)


def _names_in(folder: Path) -> list[str]:
    try:
        return sorted(entry.name for entry in os.scandir(folder))
    except OSError:
        return []


def _folder_fault(folder: str) -> UsageError:
    """What a folder holds, and what to name instead."""
    files, first = Counter[str](), ""
    for number, (place, _, names) in enumerate(walk(folder)):
        for name in names:
            suffix = Path(name).suffix.casefold()
            first = first or (os.path.join(place, name) if suffix in EXTENSIONS else "")
            files[suffix] += 1
        if number > MOST_ENTRIES:
            break
    pictures = sum(files[suffix] for suffix in EXTENSIONS)
    name = shown(folder)
    if first and (instead := not_classes(folder, {}, first)) is not None:
        return UsageError(instead[0], hint=instead[1])
    if pictures and pictures >= sum(files.values()) / 2:
        message = f"{name} holds {pictures:,} pictures, but no folder for each class"
        hint = "move each into a folder named after its class; or name a table of files and labels as data.path"
        hint = labels_in_names(folder) or hint
        return UsageError(message, hint=hint)
    tables = [suffix for suffix in TABLE_SUFFIXES if files[suffix]]
    if tables:
        most = tables[0]
        here = [entry for entry in _names_in(Path(folder)) if Path(entry).suffix.casefold() == most]
        hint = f"name the file, such as {name}/{here[0]}" if here else f"name one of its {files[most]} {most} files"
        if not here and most == ".csv" and (joined := _how_to_join(folder)) is not None:
            hint = joined
        if len(here) > 1:
            hint += f", or all that have the same columns with a pattern: '{name}/*{most}'"
        return UsageError(f"{name} is a folder, not a file", hint=hint)
    return UsageError(
        f"{name} is a folder without tables, pictures or texts", hint="name a CSV, Parquet or .npz file, or a folder of such"
    )


def _how_to_join(folder: str) -> str | None:
    """A command that makes a table of recordings, each a file in the folder of its class; None: there are no such folders."""
    inside = [
        name for name in _names_in(Path(folder)) if any(".csv" in entry.casefold() for entry in _names_in(Path(folder, name)))
    ]
    if len(inside) < 2 or not re.fullmatch(r"[\w.+/-]+", shown(folder)):
        return None
    name, to = shown(folder).rstrip("/"), f"{Path(folder).name}.csv"
    read = f't = polars.read_csv("{name}/*/*.csv", include_file_paths="recording")'
    label = 'polars.col("recording").str.split("/").list.get(-2).alias("class")'
    code = f"python -c 'import polars; {read}; t.with_columns({label}).write_csv(\"{to}\")'"
    then = f"dltrain init {to} --target class --series TIME"
    return f"recordings in a folder for each class: {code} makes a table of them; then `{then}`"
