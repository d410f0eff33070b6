"""Masks: pictures whose pixel values are classes, each beside the picture that it belongs to."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.config.types import DataConfig, config_fault
from dltrain.data.dataset import IGNORED
from dltrain.data.pictures.cut_short import load_whole
from dltrain.data.pictures.files import PictureError, decode_file
from dltrain.data.pictures.form import PictureForm
from dltrain.data.pictures.picture_file import PictureFile
from dltrain.errors import DataError, Fault, Note, capped, warn
from dltrain.wording import counted, listed, nearest, quoted

VALUES = 256
# More different values are hardly classes, but what resizing or JPEG makes between two of them.
MOST_FOUND = 64
HINT_VALUES = "masks hold a value for each class, such as 0, 1, 2: save them as PNG, and resize them by nearest"
NO_PALETTE: Sequence[int] = ()
Box = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class MaskForm:
    """How a mask becomes an array of the picture's size: as the picture, but by nearest.

    Attributes:
        picture: how the pictures do.
    """

    picture: PictureForm

    @property
    def shape(self) -> tuple[int, int, int]:
        """Of the array."""
        return (*self.picture.size, 1)

    def to_reader(self) -> dict[str, Any]:
        """As plain values, for the cache's key."""
        return {"mask": True, "size": list(self.picture.size), "fit": self.picture.fit}

    def decode(self, image: Any) -> NDArray[np.uint8]:
        """An open PIL image as pixel values, uint8 [height, width, 1].

        Raises:
            PictureError: it is of colours, or of values above 255.
        """
        from PIL import Image

        return self._nearest.decode(Image.fromarray(mask_values(image)))

    @property
    def _nearest(self) -> PictureForm:
        return PictureForm(self.picture.size, self.picture.fit, color=False, interpolation="nearest")

    def whole(self, image: Any) -> NDArray[np.uint8]:
        """As `decode`, in the mask's own size."""
        return mask_values(image)[..., np.newaxis]

    def brought(self, values: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Pixel values of a whole mask, or of a tile of it, brought to the pictures' size."""
        return self._nearest.brought(values)


def mask_values(image: Any) -> NDArray[np.uint8]:
    """Pixel values of an open PIL image: greys, or places in its palette; uint8 [height, width].

    Raises:
        PictureError: it is of colours, or of values above 255.
    """
    if image.format == "JPEG":
        raise PictureError("a JPEG changes pixel values, so it cannot hold a mask", "save masks as PNG")
    load_whole(image)
    if image.mode not in ("1", "L", "P") and not image.mode.startswith("I"):
        message = f"expected a mask of grey values or with a palette, found a picture of {image.mode} colours"
        raise PictureError(message, "a pixel's value is its class: 0, 1, 2, …")
    values = np.asarray(image)
    if values.dtype != np.uint8 and (values.min() < 0 or values.max() >= VALUES):
        raise PictureError(f"expected mask values from 0 to 255, found {values.max()}", HINT_VALUES)
    return values.astype(np.uint8)


@dataclass(frozen=True, slots=True)
class MaskClasses:
    """What the pixel values of masks mean.

    Attributes:
        values: of each class, in the order of their codes.
        names: of the classes.
        ignore: the value that is no class, or None.
        palette: red, green and blue of each value in turn; empty: none is known.
    """

    values: tuple[int, ...]
    names: tuple[str, ...]
    ignore: int | None = None
    palette: tuple[int, ...] = ()

    def to_state(self) -> dict[str, Any]:
        """As plain values; `classes_from_state` makes it again."""
        return {"values": list(self.values), "names": list(self.names), "ignore": self.ignore, "palette": list(self.palette)}

    def codes(self) -> NDArray[np.int16]:
        """The code of each pixel value, `IGNORED` for the one that is none, -1 for unknown ones [256]."""
        table = np.full(VALUES, -1, np.int16)
        table[list(self.values)] = np.arange(len(self.values))
        if self.ignore is not None:
            table[self.ignore] = IGNORED
        return table


def classes_from_state(state: Any) -> MaskClasses:
    """What `to_state` made, again; it comes out of a run directory that may be anybody's.

    Raises:
        ValueError: it is none; with the reason.
    """

    def is_byte(value: Any) -> bool:
        return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < VALUES

    if not isinstance(state, Mapping):
        raise ValueError("`masks` is no mapping")
    values, names, ignore, palette = (state.get(key) for key in ("values", "names", "ignore", "palette"))
    if not isinstance(values, list) or not all(map(is_byte, values)) or len(set(values)) != len(values) or len(values) >= VALUES:
        raise ValueError("`masks.values` are no pixel values")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names) or len(names) != len(values):
        raise ValueError("`masks.names` are no names of them")
    if ignore is not None and (not is_byte(ignore) or ignore in values):
        raise ValueError("`masks.ignore` is no other pixel value")
    if not isinstance(palette, list) or not all(map(is_byte, palette)) or len(palette) > 3 * VALUES or len(palette) % 3:
        raise ValueError("`masks.palette` is none")
    return MaskClasses(tuple(values), tuple(names), ignore, tuple(palette))


def find_classes(config: DataConfig, present: NDArray[np.bool_], palette: Sequence[int]) -> MaskClasses:
    """The classes that a config names, else the values that occur.

    Args:
        config: the `data:` block.
        present: of each pixel value whether a training mask has it [256].
        palette: of the masks.

    Raises:
        DataError: none, one alone, or so many that they are none.
    """
    ignore, asked = config.arguments.get("ignore"), config.arguments.get("classes")
    if asked is not None:
        named = _named(config, asked)
        if ignore in named:
            message = f"the value {ignore} is the class {quoted(named[ignore])} and is to be ignored"
            raise DataError(config_fault(config, "data.ignore", message, "leave out one of the two"))
        values = sorted(named)
        names = tuple(named[value] for value in values)
    else:
        values = [value for value in np.flatnonzero(present).tolist() if value != ignore]
        names = tuple(map(str, values))
        if len(values) > MOST_FOUND:
            message = f"the training masks hold {len(values)} different values, more than there are likely to be classes"
            raise DataError(config_fault(config, "data.classes", message, f"{HINT_VALUES}; or name them with data.classes"))
    if len(values) < 2:
        what = f"one class only: {names[0]}" if names else "no class"
        hint = "a class to tell it from is needed" + (f"; the value {ignore} is ignored" if ignore is not None else "")
        raise DataError(config_fault(config, "data.classes", f"the training masks have {what}", hint))
    return MaskClasses(tuple(values), names, ignore, tuple(palette))


def _named(config: DataConfig, asked: Any) -> dict[int, str]:
    """Pixel value -> name.

    Raises:
        DataError: a name is there twice, or a value is none.
    """
    if not isinstance(asked, Mapping):
        named = {value: str(name) for value, name in enumerate(asked)}
    else:
        odd = [str(value) for value in asked if not re.fullmatch("[0-9]{1,3}", str(value)) or int(value) >= VALUES]
        if odd:
            message = f"expected pixel values from 0 to 255 as keys, found {listed(odd)}"
            raise DataError(config_fault(config, "data.classes", message, "such as classes: {0: background, 1: cell}"))
        named = {int(value): str(name) for value, name in asked.items()}
    twice = [name for name in set(named.values()) if list(named.values()).count(name) > 1]
    if twice or len(named) >= VALUES:
        message = (
            f"the class {quoted(sorted(twice)[0])} is named twice" if twice else f"{len(named)} classes are too many: at most 255"
        )
        raise DataError(config_fault(config, "data.classes", message))
    return named


def counted_boxes(files: Sequence[PictureFile], form: PictureForm, sizes: Sequence[tuple[int, int]]) -> list[Box]:
    """Where in each mask of the model's size its own pixels are: left, top, right, bottom.

    Args:
        files: the masks.
        form: of the pictures.
        sizes: (height, width) of each file's mask.
    """
    return [
        form.inner_box(size) if file.tile is None else file.tile.counted_box(form.size)
        for file, size in zip(files, sizes, strict=True)
    ]


def values_of_each(masks: NDArray[np.uint8], boxes: Sequence[Box]) -> NDArray[np.int64]:
    """How often each pixel value occurs in each mask [rows, 256]; what was put beside a mask to fill its size is not counted."""
    counts = np.zeros((len(masks), VALUES), np.int64)
    for row, mask in enumerate(masks):
        left, top, right, bottom = boxes[row]
        counts[row] = np.bincount(mask[top:bottom, left:right].ravel(), minlength=VALUES)
    return counts


def to_codes(
    masks: NDArray[np.uint8],
    counts: NDArray[np.int64],
    classes: MaskClasses,
    files: Sequence[PictureFile],
    boxes: Sequence[Box],
) -> NDArray[np.uint8]:
    """Class codes [rows, height, width] of pixel values; `IGNORED` also beside a mask that does not fill its size.

    Args:
        masks: pixel values [rows, height, width].
        counts: from `values_of_each`.
        classes: what they mean.
        files: for messages.
        boxes: from `counted_boxes`.

    Raises:
        DataError: values that are no class; with the files.
    """
    table = classes.codes()
    unknown = (counts > 0) & (table < 0)
    faults, there = [], [value for value in np.flatnonzero(counts.sum(axis=0)).tolist() if value != classes.ignore]
    for row in np.flatnonzero(unknown.any(axis=1)).tolist():
        values = np.flatnonzero(unknown[row]).tolist()
        known = listed([f"{value}: {name}" for value, name in zip(classes.values, classes.names, strict=True)], 8)
        message = f"the mask has pixels of the value{'s' if len(values) > 1 else ''} {listed(values, 5)}, which is no class"
        hint = f"the classes are {known}"
        if len(there) == len(classes.names):
            named = ", ".join(f"{value}: {name}" for value, name in zip(there, classes.names, strict=True))
            hint += f"; `data.classes: {{{named}}}` names the masks' own values"
        hint += "" if classes.ignore is not None else "; data.ignore: 255 leaves the pixels of a value out"
        faults.append(Fault(message, file=files[row].path, hint=hint))
    if faults:
        raise DataError(capped(faults))
    codes: NDArray[np.uint8] = table.astype(np.uint8)[masks]
    for place, (left, top, right, bottom) in enumerate(boxes):
        if (left, top, right, bottom) != (0, 0, masks.shape[2], masks.shape[1]):
            inner = codes[place, top:bottom, left:right].copy()
            codes[place] = IGNORED
            codes[place, top:bottom, left:right] = inner
    return codes


def palette_of(file: PictureFile) -> Sequence[int]:
    """The colours of a mask's palette; empty where it has none."""
    try:
        return decode_file(file.path, lambda image: list(image.getpalette() or ()) if image.mode == "P" else [])[0]
    except PictureError:
        return NO_PALETTE


def pair_up(
    pictures: Sequence[PictureFile], masks: Sequence[PictureFile], where: Mapping[str, str], faults: list[Fault], *, skip: bool
) -> tuple[list[PictureFile], list[PictureFile], list[Note]]:
    """Pictures and masks of the same name, but for what follows the last dot.

    Args:
        pictures, masks: what lies in the two folders.
        where: "pictures" and "masks" -> the folder.
        faults: gets pictures without a mask, and names that are there twice.
        skip: leave pictures without a mask out, with a warning.

    Returns:
        The pictures, the mask of each, and sentences on what was left out.
    """
    stems = {kind: _by_stem(files, where[kind], faults) for kind, files in (("pictures", pictures), ("masks", masks))}
    missing = [stem for stem in stems["pictures"] if stem not in stems["masks"]]
    notes = []
    if missing and skip and len(missing) < len(stems["pictures"]):
        told = listed([os.path.basename(stems["pictures"][stem].path) for stem in missing], 8)
        notes.append(warn(f"left out: {counted(len(missing), 'picture')} without a mask: {told}", "pictures_without_mask"))
    elif missing:
        first = stems["pictures"][missing[0]]
        close = nearest(missing[0], list(stems["masks"]))
        hint = f"each picture has a mask of the same name in {where['masks']}"
        hint += f"; the nearest is {os.path.basename(stems['masks'][close].path)}" if close else ""
        hint += "" if skip else "; data.on_error: skip, or --skip-broken, leaves pictures without a mask out"
        told = listed([os.path.basename(stems["pictures"][stem].path) for stem in missing], 8)
        faults.append(
            Fault(f"no mask for {len(missing):,} of {len(stems['pictures']):,} pictures: {told}", file=first.path, hint=hint)
        )
    extra = [os.path.basename(file.path) for stem, file in stems["masks"].items() if stem not in stems["pictures"]]
    notes += [Note(f"masks without a picture were left out: {listed(extra, 8)}")] if extra else []
    both = [stem for stem in stems["pictures"] if stem in stems["masks"]]
    return [stems["pictures"][stem] for stem in both], [stems["masks"][stem] for stem in both], notes


def _by_stem(files: Sequence[PictureFile], folder: str, faults: list[Fault]) -> dict[str, PictureFile]:
    found: dict[str, PictureFile] = {}
    for file in files:
        stem = os.path.splitext(os.path.relpath(file.path, folder))[0]
        if stem in found:
            message = f"{os.path.basename(found[stem].path)} and {os.path.basename(file.path)} have one name"
            faults.append(Fault(message, file=file.path, hint="keep one of the two: picture and mask are matched by their names"))
        found[stem] = file
    return found


def refuse_other_sizes(
    pictures: Sequence[PictureFile],
    masks: Sequence[PictureFile],
    sizes: Sequence[tuple[int, int]],
    mask_sizes: Sequence[tuple[int, int]],
) -> None:
    """A mask has the size of its picture.

    Args:
        pictures, masks: row by row.
        sizes, mask_sizes: (height, width) of their files.

    Raises:
        DataError: some have not; each is named.
    """
    faults = []
    for picture, mask, size, mask_size in zip(pictures, masks, sizes, mask_sizes, strict=True):
        if size != mask_size:
            message = (
                f"the mask is {mask_size[1]}×{mask_size[0]} (width × height), its picture {picture.name} {size[1]}×{size[0]}"
            )
            hint = "a mask has a pixel for each pixel of its picture"
            if size == mask_size[::-1]:
                hint += ", turned as its camera says (EXIF): turn the mask as well"
            faults.append(Fault(message, file=mask.path, hint=hint))
    if faults:
        raise DataError(capped(faults))
