"""Folders of pictures that are no folders of classes: boxes around objects, pictures beside their masks, or beside a table."""

from __future__ import annotations

import contextlib
import os
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from dltrain.data.pictures.picture_file import PictureFile
from dltrain.errors import Note, warn
from dltrain.parts import part_called
from dltrain.wording import listed, shown

# What folders of pictures are called that say nothing of these, and those of what is told of each.
OF_PICTURES = {"images", "image", "imgs", "img", "pictures", "photos", "jpegimages", "frames", "inputs", "input"}
OF_MASKS = {
    *("masks", "mask", "labels", "label", "annotations", "annotation", "annot", "annots", "gt", "groundtruth"),
    *("segmentation", "segmentations", "segmentationclass", "segmentationobject", "targets", "target"),
}
OF_BOXES = ("labels", "Annotations", "annotations", "labelTxt")
# A class or a text, and the four numbers of a box or the corners of a polygon, as shares of the picture's sides.
_LINE_OF_BOX = re.compile(r"\d+(?:\s+[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?){4,}\s*")
_MARKS = {".xml": ("<bndbox",), ".json": ('"bbox"', '"shapes"'), ".csv": ("xmin", "bbox")}
# What folders within those of the classes are called whose pictures belong together.
_OWNER = re.compile(
    r"(?i:patient|subject|person|participant|case|animal|mouse|speaker|writer|user|video|clip|movie|sequence|session|slide|scan)s?"
    r"[\W_]*\d+"
)
FEWEST_OWNERS = 4
LOOKED_AT = 1 << 16  # bytes of a file, from its beginning and its end
MOST_FILES = 4
MOST_TABLES = 10
SAME_NAMES = 0.9  # of the pictures of one folder have a namesake in the other
HINT_OF_BOXES = (
    "a picture has one label here, several (a table, task: multilabel), a number, or a class for each pixel (task: segmentation);"
    " to find objects needs another tool"
)


def not_classes(folder: str, files: Mapping[str, Sequence[PictureFile]], beside: str | None) -> tuple[str, str] | None:
    """What a folder is instead of one of classes, and what to do; None: nothing speaks against classes.

    Args:
        folder: that was named.
        files: of each folder in it the pictures.
        beside: a picture that lies directly in it.
    """
    filled = {name: found for name, found in files.items() if found}
    if all(_says_nothing(name) for name in filled):
        first = next((found[0].path for found in filled.values()), beside)
        boxes = first and boxes_of(first)
        if boxes:
            what = f"{shown(folder)} holds pictures with boxes around objects ({shown(os.path.relpath(boxes, folder))})"
            return f"{what}, which dltrain does not learn", HINT_OF_BOXES
    table = _table_of(folder, filled, beside) if len(filled) < 2 else None
    if table is not None:
        what = f"{shown(folder)} holds no folder for each class, and a table names its pictures, {shown(table)}"
        return what, f"begin with that: `dltrain init {shown(table)} --target COLUMN`; in a config `path: {shown(table)}`"
    pair = _with_masks(filled)
    if pair is None:
        return None
    what = f"{shown(folder)} holds pictures ({pair[0]}/) and their masks ({pair[1]}/), which are no classes"
    there = shown(folder)
    return what, (
        f"to learn the class of every pixel say data.task: segmentation, and call the folders {there}/pictures and {there}/masks,"
        " or name a table that pairs them: path: pairs.csv, target: mask"
    )


def _table_of(folder: str, files: Mapping[str, Sequence[PictureFile]], beside: str | None) -> str | None:
    """The table in a folder, or beside it, of which one of the first cells names one of its pictures; None: there is none."""
    names = {Path(file.path).stem for found in files.values() for file in found}
    if beside is not None:
        names |= {Path(name).stem for name in os.listdir(Path(beside).parent)}
    for place in (folder, os.path.dirname(os.path.abspath(folder))):
        with contextlib.suppress(OSError):
            tables = sorted(name for name in os.listdir(place) if name.casefold().endswith((".csv", ".tsv")))
            for name in tables[:MOST_TABLES]:
                path = os.path.normpath(os.path.join(place, name))
                with open(path, "rb") as lines:
                    cells = re.split(r"[,;\t\r\n]", lines.read(LOOKED_AT).decode("utf-8", "replace"))
                if not names.isdisjoint(Path(cell.strip(" \"'")).stem for cell in cells):
                    return os.path.relpath(path) if not os.path.isabs(folder) else path
    return None


def boxes_of(picture: str) -> str | None:
    """The file that holds boxes around what a picture shows; None: there is none where such files lie."""
    path = Path(os.path.abspath(picture))
    named = [path.with_suffix(suffix) for suffix in (".txt", ".xml", ".json")]
    for place in range(len(path.parts) - 2, 0, -1):
        if path.parts[place].casefold() in OF_PICTURES:
            for name in OF_BOXES:
                other = Path(*path.parts[:place], name, *path.parts[place + 1 :])
                named += [other.with_suffix(suffix) for suffix in (".txt", ".xml", ".json")]
    found = next((file for file in named if file.is_file() and _holds_boxes(file)), None)
    if found is not None:
        return str(found)
    whole = [path.parent, *(folder / name for folder in path.parents[:3] for name in ("", "annotations"))]
    for folder in whole:
        with contextlib.suppress(OSError):
            names = sorted(name for name in os.listdir(folder) if name.endswith((".json", ".csv")))
            for name in names[:MOST_FILES]:
                if _holds_boxes(folder / name):
                    return str(folder / name)
    return None


def within_classes(files: Sequence[PictureFile]) -> list[Note]:
    """Warnings on folders within those of the classes that a split at random tears apart: of parts, or of what was photographed.

    Args:
        files: all that are split.
    """
    inner: dict[str, Counter[str]] = {}
    for file in files:
        above = file.name.split("/")[:-1]
        if file.label in above[1:-1]:
            inner.setdefault(file.label, Counter())[above[above.index(file.label, 1) + 1]] += 1
    if not inner:
        return []
    label, counts = next(iter(inner.items()))
    parts = [{part_called(name) for name in found} for found in inner.values()]
    if all({"train"} < found - {None} for found in parts):
        names = sorted(name for name in counts if part_called(name))
        said = (
            f"the folders of the classes hold {listed([f'{label}/{name}' for name in names], 3)}, of which no part is made: all"
        )
        how = f"move them to {names[-1]}/{label} and so on, and name the folders of the parts (data.path, data.test)"
        return [warn(f"{said} pictures are drawn into parts at random; {how}", "parts_within_classes")]
    owners = {f"{label}/{name}": count for label, found in inner.items() for name, count in found.items()}
    are_owners = len(owners) >= FEWEST_OWNERS and all(_OWNER.fullmatch(name.rpartition("/")[2]) for name in owners)
    if not are_owners or min(owners.values()) < 2:
        return []
    said = f"pictures of one folder, such as {next(iter(owners))}, are drawn into several parts: the test is easier than use"
    how = "a table of the files with their label and a column for the folder, and `split: {group: COLUMN}`, keep them together"
    return [warn(f"{said}; {how}", "owners_within_classes")]


def _holds_boxes(file: Path) -> bool:
    try:
        with open(file, "rb") as lines:
            head = lines.read(LOOKED_AT)
            if file.suffix != ".txt" and (size := os.fstat(lines.fileno()).st_size) > LOOKED_AT:
                lines.seek(max(LOOKED_AT, size - LOOKED_AT))
                head += lines.read(LOOKED_AT)
    except OSError:
        return False
    text = head.decode("utf-8", "replace")
    if file.suffix != ".txt":
        text = text.split("\n")[0] if file.suffix == ".csv" else text
        return any(mark in text for mark in _MARKS[file.suffix])
    told = [line for line in text.splitlines()[:50] if line.strip()]
    return bool(told) and all(_LINE_OF_BOX.fullmatch(line) for line in told)


def _bare(name: str) -> str:
    return re.sub(r"[\W_]", "", name.casefold())


def _says_nothing(name: str) -> bool:
    """Whether a folder's name says "pictures", or names a part such as "train", rather than a class."""
    return _bare(name) in OF_PICTURES | OF_MASKS or part_called(re.sub(r"(19|20)\d\d$", "", _bare(name))) is not None


def _with_masks(files: Mapping[str, Sequence[PictureFile]]) -> tuple[str, str] | None:
    """The folder of pictures and that of their masks, where there are these two: by their names and those of the files."""
    if len(files) != 2:
        return None
    names = sorted(files)
    for pictures, masks in (names, names[::-1]):
        one, other = _bare(pictures), _bare(masks)
        ending = other.removeprefix(one) if other.startswith(one) else ""
        if not (one in OF_PICTURES and other in OF_MASKS) and ending not in OF_MASKS:
            continue
        stems = {Path(file.path).stem for file in files[pictures]}
        told = {re.sub(r"_(mask|masks|label|labels|gt|seg|L)$", "", Path(file.path).stem) for file in files[masks]}
        if len(stems & told) >= SAME_NAMES * min(len(stems), len(told)):
            return pictures, masks
    return None
