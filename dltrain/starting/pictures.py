"""A first config for folders of pictures."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.config.types import DataConfig, ImagesConfig
from dltrain.config.types.data import IMAGE
from dltrain.data.columns.image import picture_path
from dltrain.data.columns.kinds import ColumnKind
from dltrain.data.columns.reading import is_text
from dltrain.data.dataset import InputSpec, Schema
from dltrain.data.look import read_facts
from dltrain.data.pictures.files import EXTENSIONS, PictureError, decode_file, is_picture_name
from dltrain.data.pictures.folders import list_pictures
from dltrain.data.pictures.form import upright_size
from dltrain.data.pictures.picture_file import PictureFile, picture_file
from dltrain.data.raw import RawTable
from dltrain.data.tables.column_names import column_of
from dltrain.errors import texts
from dltrain.later import polars
from dltrain.parts import KEY_OF_PART, part_called, part_folders
from dltrain.reporting import Reporter
from dltrain.starting.block import Block
from dltrain.starting.columns import Columns
from dltrain.starting.common_blocks import SEED, Layout, finish, refuse_target, render_form, render_split_of_layout, split_layout
from dltrain.starting.nets.design import Design, body_for, design, design_photographs
from dltrain.starting.starter import Starter, Wishes
from dltrain.starting.target import Target, study_target
from dltrain.storage.patterns import folders_in, walk
from dltrain.wording import listed, shown

SIDES = (32, 48, 64)
# As large photographs are for a network that knows ImageNet's, and how long its look at all of them may take.
PHOTOGRAPH_SIDES, PHOTOGRAPH_SECONDS = (96, 128, 160), 600.0
MORE_OF_PHOTOGRAPHS = (
    "photographs tell more to a network that knows ImageNet's: `image_size: {size}`, no `augment`, and as layers `Xception: "
    "{{weights: imagenet, trainable: false}}` (84 MB, downloaded once), `GlobalAveragePooling2D` and `Dropout: {{rate: 0.3}}`"
)
# Columns that are the pixels of square pictures: how wide these are at the least, how much like its neighbours in the row and in
# the column a pixel is, and how much more than like those that lie elsewhere.
LEAST_SIDE, LIKE_NEIGHBOURS, MORE_THAN_OTHERS = 8, 0.2, 0.1
ROWS_COMPARED = 2_000
BYTE = 255
NUM_LOOKED_AT = 200
# A number with a fraction, which names no picture.
_MEASURED = re.compile(r"[-+]?\d*[.,]\d+(?:[eE][-+]?\d+)?")
# Folders beside a table that are looked into for the pictures that a column names; its cells are names where they differ.
MOST_BESIDE, MOSTLY_DIFFERENT = 20, 0.9
# Folders as wide as this for their height are drawn so: another shape would be stretched.
UNEVEN = 1.25


def picture_layout(folder: str) -> dict[str, str] | None:
    """The folders of pictures for `data.path`, `validation` and `test`; None: there are none.

    Args:
        folder: one that holds a folder for each class, or folders train, validation, test that do.
    """
    return folder_layout(folder, is_picture_name)


def folder_layout(folder: str, fits: Callable[[str], bool]) -> dict[str, str] | None:
    """As `picture_layout`, for files of other names."""
    folder = _inner(folder, fits)
    inside = [name for name in folders_in(folder) if _holds(os.path.join(folder, name), fits)]
    parts = part_folders(inside, lambda name: bool(folders_in(os.path.join(folder, name))))
    if "train" in parts.values():
        found = {KEY_OF_PART[part]: _inner(os.path.join(folder, name), fits) for name, part in parts.items()}
        have = [key for key, place in found.items() if key == "path" or not has_no_labels(place, found["path"])]
        return {key: found[key] for key in KEY_OF_PART.values() if key in have}
    return {"path": folder} if inside else None


def has_no_labels(place: str, train: str) -> bool:
    """Whether the files of a part are in no folder of a class of training, as those that others are to name: `test/1.jpg`."""
    own = {name.casefold() for name in folders_in(place)}
    classes = {name.casefold() for name in folders_in(train)}
    return bool(classes) and len(own) < 2 and not own & classes


def left_beside(folder: str, layout: Mapping[str, str], fits: Callable[[str], bool]) -> list[str]:
    """The folders beside those of parts that hold such files as well, and are in no part."""
    used = {os.path.relpath(path, folder).split(os.sep)[0] for path in layout.values()}
    return [] if "." in used else [n for n in folders_in(folder) if n not in used and _holds(os.path.join(folder, n), fits)]


def _inner(folder: str, fits: Callable[[str], bool]) -> str:
    """The folder, or where it holds nothing but one that holds several (`seg_train/seg_train/…`), that one."""
    inside = [name for name in folders_in(folder) if _holds(os.path.join(folder, name), fits)]
    only = os.path.join(folder, inside[0]) if len(inside) == 1 else ""
    return _inner(only, fits) if only and len(folders_in(only)) > 1 else folder


def pictures_beside(frame: polars.DataFrame, table: str) -> tuple[str, ImagesConfig, list[str]] | None:
    """The column whose cells name pictures that are there, as they are or without a suffix, and the folders beside the table.

    Where several folders hold them all, those are taken that are called like the table, or of training; the others come last.
    None: no column does.

    Args:
        frame: the table.
        table: its file.
    """
    base = os.path.dirname(os.path.abspath(table))
    folders = [base, *(os.path.join(base, name) for name in folders_in(base)[:MOST_BESIDE])]
    folders += [os.path.join(folder, name) for folder in folders[1:] for name in folders_in(folder)[:MOST_BESIDE]]
    folders.sort(key=lambda folder: _likeness(os.path.relpath(folder, base), Path(table).stem))
    for name in frame.columns:
        column = column_of(frame, name)
        if not (is_text(column) or column.dtype.is_integer()) or column.n_unique() < MOSTLY_DIFFERENT * len(column):
            continue
        known = column.drop_nulls()
        cells = known.gather_every(-(-len(known) // NUM_LOOKED_AT)).cast(str).str.strip_chars().to_list()
        if cells and _MEASURED.fullmatch(cells[0]):
            continue  # of thousands of columns of measurements, no folder is asked for each
        are_files = all(cell.lower().endswith(EXTENSIONS) for cell in cells)
        for suffix in ("",) if are_files else (*EXTENSIONS, *(suffix.upper() for suffix in EXTENSIONS)):
            where = {_first_with(cell + suffix, folders) for cell in cells[:1]}
            where |= {_first_with(cell + suffix, folders) for cell in cells} if where != {None} else set()
            found = tuple(sorted(folder for folder in where if folder))
            if found and None not in where:
                others = [folder for folder in folders if folder not in found and _first_without(cells, suffix, folder) is None]
                return name, ImagesConfig(() if found == (base,) and not suffix else found, suffix or None), others
    return None


def _likeness(folder: str, table: str) -> tuple[bool, int]:
    """What to sort folders by for the one that a table is of: `train` for `train.csv` and for `labels.csv`, not `test`."""
    own, asked = ({*re.split(r"[\W_]+", name.casefold())} - {""} for name in (folder, table))
    own_parts, parts = ({part for word in words if (part := part_called(word))} for words in (own, asked))
    parts = parts or {"train"}
    return bool(own_parts) and not own_parts & parts, -len(own & asked) - len(own_parts & parts)


def _first_without(cells: Sequence[str], suffix: str, folder: str) -> str | None:
    """The first of some names that a folder has no file of; None: it has all."""
    return next((cell for cell in cells if not os.path.isfile(os.path.join(folder, cell + suffix))), None)


def with_pictures_beside(
    config: DataConfig, columns: Columns, raw: RawTable, target: str, where: str | None, reporter: Reporter
) -> tuple[DataConfig, Columns]:
    """Both, with the column that names pictures which are there read as pictures, and the folders they are in.

    The reporter hears of other folders that hold files of the same names.
    """
    is_here = where is not None and os.path.isfile(where)
    beside = pictures_beside(raw.frame.drop(target), where) if is_here and where else None
    if beside is None:
        return config, columns
    if beside[2]:
        taken = listed([shown(folder) for folder in beside[1].folder], 4) or "the table's folder"
        others = listed([shown(folder) for folder in beside[2]], 4)
        reporter.warning(f"{beside[0]}: {taken} and {others} hold files of these names: those of {taken} are taken (data.images)")
    return replace(config, images=beside[1]), replace(columns, kinds={**columns.kinds, beside[0]: ColumnKind(IMAGE)})


def shown_by_pictures(target: Target, columns: Columns, raw: RawTable, side: int | None) -> Target:
    """The target, whose few whole numbers are classes where pictures show them: pixels of one side, or files."""
    shows = any(kind.kind == IMAGE for kind in columns.kinds.values()) and target.whole_numbers
    if target.beside or (side is None and not shows):
        return target
    return study_target(target.name, raw.frame, columns, raw.classes if raw.target else (), of_pictures=True)


def form_of_pictures(config: DataConfig, raw: RawTable, features: Mapping[str, str | None]) -> dict[str, Any]:
    """Size and colours that suit the pictures which a column names, as arguments of the source."""
    names = [name for name, kind in features.items() if kind == IMAGE]
    if not names:
        return {}
    folder = os.path.dirname(os.path.abspath(config.path[0]))
    cells = column_of(raw.frame, names[0]).drop_nulls().to_list()
    color, size = look_at([picture_file(picture_path(str(cell), folder, config.images), str(cell), None) for cell in cells])
    return {"image_size": list(size), **({} if color else {"color": "grayscale"})}


def _first_with(name: str, folders: Sequence[str]) -> str | None:
    return next((folder for folder in folders if os.path.isfile(os.path.join(folder, name))), None)


def side_of_pixels(values: NDArray[np.float64]) -> int | None:
    """How high and wide the pictures are whose pixels the columns hold, line by line; None: these are no such pixels.

    Neighbouring pixels go together, as those of one row and of one column of a picture do, and others less. Numbers that follow
    each other in time are like those half a line away as well.

    Args:
        values: numbers [rows, columns], in the order of the table, NaN where missing.
    """
    side = math.isqrt(values.shape[1])
    if side < LEAST_SIDE or side * side != values.shape[1] or len(values) < 2:
        return None
    some = values[:: -(-len(values) // ROWS_COMPARED)]
    if not np.isfinite(some).all():
        return None
    some = some - some.mean(axis=0)

    def likeness(distance: int) -> float:
        near, far = some[:, distance:], some[:, :-distance]
        size = float(np.sqrt((near**2).sum() * (far**2).sum()))
        return float((near * far).sum()) / size if size > 0 else 0.0

    third = side // 3
    neighbours = min(likeness(1), likeness(side))
    others = max(abs(likeness(distance)) for distance in (side // 2, side - third, side + third))
    return side if neighbours >= max(LIKE_NEIGHBOURS, others + MORE_THAN_OTHERS) else None


def design_pixels(side: int, largest: float, num_rows: int) -> Design:
    """Convolutions over columns that are the pixels of square pictures.

    Args:
        side: height and width of these.
        largest: of the values of all pixels.
        num_rows: of the training part.
    """
    chosen = design(Schema((InputSpec("image", (side, side, 1)),), ()), num_rows)
    top = BYTE if 100 < largest <= BYTE else largest
    rescaling = [{"Rescaling": {"scale": 1 / top}}] if top > 1 else []
    layers = [{"Reshape": {"target_shape": [side, side, 1]}}, *rescaling, *chosen.layers]
    reason = f"the columns are the pixels of pictures, line by line, from 0 to {top:g}; "
    return replace(chosen, layers=layers, layers_reason=reason + chosen.layers_reason)


def start_pictures(layout: Layout, asked: str | None, reporter: Reporter, wishes: Wishes) -> Starter:
    """A config for a folder of pictures.

    Args:
        layout: of the folders.
        asked: a target that the user named.
        reporter: hears what is unusual.
        wishes: what is asked of the net.

    Raises:
        UsageError: a target, where the folders' names are the labels.
        DataError: nothing to learn from.
    """
    refuse_target(asked)
    config, files = list_layout(layout)
    color, shape = _shown_by(files)
    large = _fitting(shape, PHOTOGRAPH_SIDES)
    are_photographs = color and min(large) >= PHOTOGRAPH_SIDES[0] and not wishes.simple
    body = body_for(large, len(files), wishes.seconds or PHOTOGRAPH_SECONDS) if are_photographs else None
    size = large if body else _fitting(shape, SIDES)
    arguments = {"image_size": list(size), **({} if color else {"color": "grayscale"})}
    facts = read_facts(replace(config, arguments=arguments), seed=SEED)
    schema = layout.schema(facts, reporter)
    target = schema.targets[0]
    chosen = design_photographs(body, facts.rows["train"]) if body else design(schema, facts.rows["train"])
    block, head = Block(), layout.head(f"{len(files):,} pictures of {len(target.classes)} classes")
    layout.open(block, head, "image_folder", "a folder for each class; their names are the labels")
    render_form(block, arguments)
    render_split_of_layout(block, config.split, "pictures")
    if not body:
        block.entry("augment", [{"RandomFlip": {"mode": "horizontal"}}], "leave it out where left and right differ")
    counts, found = dict(facts.labels.get(target.name, {})), (head, *texts(facts.notes, "note")[1:])
    more = MORE_OF_PHOTOGRAPHS.format(size=list(large)) if are_photographs and not body else ""
    return finish(block, chosen, "classification", counts, found, more)


def list_layout(layout: Layout, task: str | None = None, target: str | None = None) -> tuple[DataConfig, Sequence[PictureFile]]:
    """The `data:` block that names the folders of a layout, with the split that they need, and their pictures."""
    config = layout.config("image_folder", task=task, target=(target,) if target is not None else ())
    files = list_pictures(config).files
    return split_layout(config, len(files)), files


def _holds(folder: str, fits: Callable[[str], bool]) -> bool:
    return any(fits(name) for _, _, names in walk(folder) for name in names)


def look_at(files: Sequence[PictureFile]) -> tuple[bool, tuple[int, int]]:
    """Whether there are colours, and a height and width that suit the pictures; from some of them."""
    color, shape = _shown_by(files)
    return color, _fitting(shape, SIDES)


def _shown_by(files: Sequence[PictureFile]) -> tuple[bool, tuple[float, float] | None]:
    """Whether there are colours, and the usual height and width of some of the pictures; None: none could be read."""
    step = max(1, len(files) // NUM_LOOKED_AT)
    sizes, has_color = [], False
    for file in files[::step]:
        try:
            (size, has_color), _ = decode_file(file.path, partial(_look, has_color=has_color))
        except PictureError:
            continue  # `check --data` names it
        sizes.append(size)
    if not sizes:
        return True, None
    return has_color, (median(size[0] for size in sizes), median(size[1] for size in sizes))


def _fitting(shape: tuple[float, float] | None, sides: Sequence[int]) -> tuple[int, int]:
    """A height and width for pictures of a usual height and width, whose shorter side is one of these."""
    if shape is None:
        return sides[1], sides[1]
    height, width = shape
    side = max((side for side in sides if side <= min(width, height)), default=int(min(width, height)))
    if width > UNEVEN * height:
        return side, max(side, round(side * min(width / height, 2) / 8) * 8)
    if height > UNEVEN * width:
        return max(side, round(side * min(height / width, 2) / 8) * 8), side
    return side, side


def _look(image: Any, has_color: bool) -> tuple[tuple[int, int], bool]:
    """Height and width of a picture, and whether it or one before has colours: large photographs take their time to decode."""
    size = upright_size(image)
    if has_color:
        return size, True
    image.draft("RGB", (32, 32))  # a JPEG is decoded no larger than needed; its size says so from here on
    pixels = np.asarray(image.convert("RGB").resize((32, 32)), np.int16)
    return size, bool((pixels.max(axis=2) - pixels.min(axis=2)).max() > 16)
