"""Reads picture files for a trained run, so that each becomes what the run's source would have made of it.

- A picture of the source's original size (250×250 for Labeled Faces in the Wild) is cut and resized as there: the same bits.
- One of the model's own size is taken as it is.
- Any other is resized to the model's size (bilinear, whole, aspect ratio not kept), which a note says.

A camera's EXIF orientation is applied here; the source itself, like scikit-learn, knows none (the dataset's files carry none).
"""

from __future__ import annotations

import glob
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.data.faults import capped, nearest
from dltrain.data.picture_files import EXTENSIONS, decode_pictures
from dltrain.data.picture_form import FITS, PictureForm, upright
from dltrain.data.raw import RawPictures
from dltrain.data.sources.faces import FaceCrop
from dltrain.errors import DataError, Fault, RunError

MAX_SIDE = 1 << 14
SHOWN_NAMES = 3


@dataclass(frozen=True, slots=True)
class PictureReader:
    """`RawPictures.reader`, checked: it comes out of a run directory that may be anybody's."""

    source: str
    form: PictureForm
    lowest: float
    highest: float
    crop: FaceCrop | None
    original: tuple[int, int] | None

    @property
    def is_bytes(self) -> bool:
        """Whether pixels stay the numbers of 8 bits that they are."""
        return (self.lowest, self.highest) == (0.0, 255.0) and self.crop is None


def read_pictures(
    paths: Sequence[str], reader: Mapping[str, Any], *, with_labels: bool, classes: Sequence[str] = ()
) -> RawPictures:
    """Decode picture files as the run's source decodes its own.

    Args:
        paths: files, folders (searched through, in sorted order) and glob patterns.
        reader: the run's `RawPictures.reader`.
        with_labels: take each picture's label from the name of its folder (`Colin_Powell` is the class `Colin Powell`).
        classes: the run's label names in code order; empty: the folders' names, sorted.

    Returns:
        images [rows, height, width, channels] in the reader's range, uint8 where that is 0...255, else float32;
        `names` are the files.

    Raises:
        DataError: nothing there, pictures that cannot be decoded, folders that are no class; all are named.
        RunError: `reader` is not one.
    """
    checked = parse_reader(reader)
    files, notes = _list_files(paths)
    target, classes = _labels(files, classes) if with_labels else (None, tuple(classes))
    images = np.zeros((len(files), *checked.form.shape), np.uint8 if checked.is_bytes else np.float32)
    resized: dict[str, tuple[int, int]] = {}

    def decode(image: Any) -> NDArray[Any]:
        return _decode(image, checked, resized)

    decode_pictures(files, decode, images)
    if resized:
        notes.append(_resized_note(resized, checked.form.size))
    return RawPictures(
        images=images,
        target=target,
        classes=classes,
        value_range=(checked.lowest, checked.highest),
        reader=dict(reader),
        names=tuple(files),
        notes=tuple(notes),
    )


def _list_files(paths: Sequence[str]) -> tuple[list[str], list[str]]:
    """The files behind the paths, and notes on what was passed over."""
    files: list[str] = []
    faults: list[Fault] = []
    num_others = 0
    for path in paths:
        if os.path.isdir(path):
            found, others = _walk(path)
            num_others += others
        elif os.path.exists(path):
            found = [path]
        else:
            matches = sorted(glob.glob(path, recursive=True)) if glob.has_magic(path) else []
            found = [match for match in matches if os.path.isfile(match)]
            if not matches:
                faults.append(Fault("expected pictures, found no such file or folder", file=path))
                continue
        if not found:
            faults.append(Fault(f"expected pictures ({', '.join(EXTENSIONS)}), found none in it", file=path))
        files.extend(found)
    if faults or not files:
        raise DataError(faults or Fault("expected pictures, received no path"))
    notes = [f"{num_others:,} files that are no pictures by their name were passed over"] if num_others else []
    return list(dict.fromkeys(files)), notes


def _walk(folder: str) -> tuple[list[str], int]:
    files, num_others = [], 0
    for base, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if name.lower().endswith(EXTENSIONS) and not name.startswith("."):
                files.append(os.path.join(base, name))
            else:
                num_others += not name.startswith(".")
    return files, num_others


def _labels(files: Sequence[str], classes: Sequence[str]) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    parents = [os.path.dirname(os.path.abspath(file)) for file in files]
    if not classes:
        classes = sorted({os.path.basename(parent).replace("_", " ") for parent in parents})
    codes = {name: code for code, name in enumerate(classes)}
    for name, code in list(codes.items()):
        # What a folder cannot be called or is called otherwise: blanks and slashes.
        codes.setdefault(name.replace(" ", "_").replace("/", "_"), code)
        codes.setdefault(name.replace("_", " "), code)
    folders = [_class_folder(parent, codes) for parent in parents]
    unknown = [folder for folder in dict.fromkeys(folders) if folder not in codes]
    if unknown:
        counts = {folder: folders.count(folder) for folder in unknown}
        known = ", ".join(list(classes)[:10]) + (", ..." if len(classes) > 10 else "")
        faults = [
            Fault(
                f"the folder {folder!r} ({counts[folder]:,} pictures) is no class of the run; its classes are {known}",
                file=os.path.dirname(next(file for file, name in zip(files, folders) if name == folder)) or ".",
                hint=_nearest(folder, codes) or "name each picture's folder as the class of the picture",
            )
            for folder in unknown
        ]
        raise DataError(capped(faults))
    return np.array([codes[folder] for folder in folders], np.int64), tuple(classes)


def _class_folder(parent: str, codes: Mapping[str, int]) -> str:
    """The nearest folder above a picture that is called like a class; where none is, the one that it lies in."""
    path = parent
    while path != os.path.dirname(path):
        if os.path.basename(path) in codes:
            return os.path.basename(path)
        path = os.path.dirname(path)
    return os.path.basename(parent)


def _nearest(folder: str, codes: Mapping[str, int]) -> str | None:
    match = nearest(folder, codes)
    return f"did you mean {match!r}?" if match else None


def _decode(image: Any, reader: PictureReader, resized: dict[str, tuple[int, int]]) -> NDArray[Any]:
    if reader.source != "image_folder":  # whose pictures are of any size
        turned = upright(image)
        if (turned.height, turned.width) == reader.original and reader.crop is not None:
            return reader.crop.decode(turned)
        if (turned.height, turned.width) != reader.form.size:
            resized[str(image.filename)] = (turned.height, turned.width)
        image = turned
    pixels = reader.form.decode(image)
    if reader.is_bytes:
        return pixels
    return pixels.astype(np.float32) / np.float32(255.0) * np.float32(reader.highest - reader.lowest) + np.float32(reader.lowest)


def _resized_note(resized: Mapping[str, tuple[int, int]], size: tuple[int, int]) -> str:
    shown = [f"{name} from {height}×{width}" for name, (height, width) in sorted(resized.items())[:SHOWN_NAMES]]
    more = f" and {len(resized) - SHOWN_NAMES:,} more" if len(resized) > SHOWN_NAMES else ""
    return f"{len(resized):,} pictures resized to {size[0]}×{size[1]} pixels (bilinear): {', '.join(shown)}{more}"


def parse_reader(reader: Mapping[str, Any]) -> PictureReader:
    """Check a run's description of how pictures are read; raises RunError where it is none."""
    if not isinstance(reader, Mapping) or not isinstance(reader.get("source"), str):
        raise _unusable("`source` is missing")
    size, color = _pair(reader.get("size"), "size"), reader.get("color")
    if not isinstance(color, bool):
        raise _unusable("`color` is neither true nor false")
    bounds = reader.get("range")
    if not isinstance(bounds, (list, tuple)) or len(bounds) != 2 or not all(isinstance(end, (int, float)) for end in bounds):
        raise _unusable("`range` is no pair of numbers")
    if not -1e6 <= bounds[0] < bounds[1] <= 1e6:
        raise _unusable("`range` is no range")
    if reader.get("fit", "stretch") not in FITS:
        raise _unusable(f"`fit` is none of {', '.join(FITS)}")
    form = PictureForm(size, reader.get("fit", "stretch"), color)
    if reader.get("original") is None:
        return PictureReader(reader["source"], form, float(bounds[0]), float(bounds[1]), None, None)
    original = _pair(reader["original"], "original")
    crop = _parse_crop(reader, color, original)
    if crop.size != size:
        raise _unusable(f"`size` is {size}, but `slice` and `resize` make {crop.size}")
    return PictureReader(reader["source"], form, float(bounds[0]), float(bounds[1]), crop, original)


def _parse_crop(reader: Mapping[str, Any], color: bool, original: tuple[int, int]) -> FaceCrop:
    value, resize = reader.get("slice"), reader.get("resize")
    if not isinstance(value, (list, tuple)) or len(value) != 2:
        raise _unusable("`slice` is no pair of pairs")
    rows, columns = _pair(value[0], "slice", lowest=0), _pair(value[1], "slice", lowest=0)
    if not (rows[0] < rows[1] <= original[0] and columns[0] < columns[1] <= original[1]):
        raise _unusable("`slice` leads out of the picture")
    if resize is not None and (isinstance(resize, bool) or not isinstance(resize, (int, float)) or not 0 < resize <= 10):
        raise _unusable("`resize` is no ratio")
    return FaceCrop(rows=rows, columns=columns, resize=None if resize is None else float(resize), color=color)


def _pair(value: Any, name: str, *, lowest: int = 1) -> tuple[int, int]:
    if not isinstance(value, (list, tuple)) or len(value) != 2:
        raise _unusable(f"`{name}` is no pair of whole numbers")
    if not all(isinstance(side, int) and not isinstance(side, bool) and lowest <= side <= MAX_SIDE for side in value):
        raise _unusable(f"`{name}` is not of whole numbers from {lowest} to {MAX_SIDE}")
    return value[0], value[1]


def _unusable(reason: str) -> RunError:
    return RunError(f"the run's description of how pictures are read cannot be used: {reason}")
