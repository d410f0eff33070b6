"""Pictures with their masks: decoded, held against each other, and what their classes are."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from dltrain.config.types import SEGMENTATION, DataConfig, config_fault
from dltrain.data.arrays.disk_array import DiskArray, in_memory
from dltrain.data.dataset import TargetSpec
from dltrain.data.facts import DataFacts, schema_of, with_rows
from dltrain.data.pictures.files import PictureError, decode_file, skipped_notes
from dltrain.data.pictures.folders import PictureList
from dltrain.data.pictures.form import TURNED, PictureForm, argument_of, camera_turn
from dltrain.data.pictures.masks import (
    VALUES,
    MaskClasses,
    MaskForm,
    counted_boxes,
    find_classes,
    mask_values,
    palette_of,
    refuse_other_sizes,
    to_codes,
    values_of_each,
)
from dltrain.data.pictures.picture_file import PictureFile
from dltrain.data.pictures.store import StoredPictures, decode_now, store_pictures
from dltrain.data.splits import Rows
from dltrain.errors import DataError, Fault, Note, capped, warn
from dltrain.reporting import Reporter
from dltrain.wording import listed, percent, quoted

MASK = "mask"
REASON = "data.task says so"
# So many masks are looked at to say which classes there are before all are read.
LOOKED_AT = 50


@dataclass(frozen=True, slots=True)
class Masked:
    """Pictures that have a mask each.

    Attributes:
        pictures: those of which picture and mask can be used.
        codes: uint8 class codes [rows, height, width], `IGNORED` where a pixel has none.
        classes: what pixel values mean.
        files: of the masks.
        digests: of these files.
        notes: sentences for the user.
    """

    pictures: StoredPictures
    codes: NDArray[np.uint8]
    classes: MaskClasses
    files: Sequence[PictureFile]
    digests: Sequence[str]
    notes: Sequence[Note]


def read_masks(config: DataConfig, found: PictureList, stored: StoredPictures, form: PictureForm, reporter: Reporter) -> Masked:
    """Decode the masks of pictures that are decoded.

    Args:
        config: the `data:` block.
        found: pictures and masks.
        stored: the pictures that could be decoded.
        form: of the pictures.
        reporter: hears how far it is.

    Raises:
        DataError: masks that are none, have another size than their picture, or pixels of no class; each is named.
    """
    skip = argument_of(config, "on_error") == "skip"
    masks = store_pictures([found.masks[row] for row in stored.rows], MaskForm(form), skip=skip, reporter=reporter)
    if not len(masks.rows):
        raise DataError("none of the masks can be used", hint="data.on_error: fail names each")
    notes = skipped_notes(masks.faults)
    pictures = _taken(stored, masks.rows)
    files = [found.masks[row] for row in pictures.rows]
    sizes = [(height, width) for width, height in masks.sizes]
    own = [found.files[row] for row in pictures.rows]
    refuse_other_sizes(own, files, [(height, width) for width, height in pictures.sizes], sizes)
    notes += turned_alone(own, files, sizes)
    values = in_memory(masks.images)[..., 0]
    boxes = counted_boxes(files, form, sizes)
    counts = values_of_each(values, boxes)
    chosen = np.isin(pictures.rows, found.parts["train"]) if "train" in found.parts else np.ones(len(files), bool)
    classes = find_classes(config, np.asarray((counts[chosen] > 0).any(axis=0)), palette_of(files[0]))
    notes += [*odd_values(config, classes), *_ignored(counts, classes)]
    return Masked(pictures, to_codes(values, counts, classes, files, boxes), classes, files, masks.digests, notes)


def odd_values(config: DataConfig, classes: MaskClasses) -> list[Note]:
    """A warning where 255 is a class beside 0, 1, 2, …: mostly it marks what is not to be counted."""
    *others, last = classes.values
    if config.arguments.get("classes") is not None or last != VALUES - 1 or len(others) < 2 or others != list(range(len(others))):
        return []
    return [
        warn(
            "the masks have pixels of the value 255, which is taken for a class; data.ignore: 255 leaves them out", "mask_of_255"
        )
    ]


def _ignored(counts: NDArray[np.int64], classes: MaskClasses) -> list[Note]:
    """How many of the masks' own pixels are no class; those that two tiles share, or that fill up a size, count once or not."""
    ignored = 0 if classes.ignore is None else int(counts[:, classes.ignore].sum())
    return [Note(f"{percent(ignored / counts.sum())} of the masks' pixels are ignored: {classes.ignore}")] if ignored else []


def turned_alone(pictures: Sequence[PictureFile], masks: Sequence[PictureFile], sizes: Sequence[tuple[int, int]]) -> list[Note]:
    """A warning where a camera's EXIF data turns pictures, and no size tells whether their masks are turned already."""
    rows = np.unique(np.linspace(0, len(pictures) - 1, LOOKED_AT).astype(int))
    told = []
    for row in rows:
        try:
            turn, _ = decode_file(pictures[row].path, camera_turn)
            is_told = turn in TURNED and sizes[row][0] != sizes[row][1]  # by the size, which is the mask's
            if 1 < turn <= max(TURNED) and not is_told and decode_file(masks[row].path, camera_turn)[0] == 1:
                told.append(os.path.basename(pictures[row].path))
        except PictureError:
            continue  # its pixels were decoded before, and only a warning is looked for
    if not told:
        return []
    text = (
        f"{len(told):,} of {len(rows):,} pictures looked at are turned or mirrored by what their camera says (EXIF): "
        f"{listed(told, 3)}; their masks say no such thing and are taken as they are, drawn on the turned picture"
    )
    return [warn(text, "masks_not_turned")]


def _taken(stored: StoredPictures, rows: NDArray[np.int64]) -> StoredPictures:
    """The pictures whose masks can be used."""
    if len(rows) == len(stored.rows):
        return stored
    images = stored.images.take(rows) if isinstance(stored.images, DiskArray) else stored.images[rows]
    digests, sizes = ([items[row] for row in rows] for items in (stored.digests, stored.sizes))
    return replace(stored, images=images, rows=stored.rows[rows], digests=digests, sizes=sizes)


def decode_masks(
    files: Sequence[PictureFile],
    pictures: Sequence[PictureFile],
    sizes: Sequence[tuple[int, int]],
    form: PictureForm,
    classes: MaskClasses,
) -> NDArray[np.uint8]:
    """Class codes [rows, height, width] of other masks than those of training, as these were read.

    Args:
        files: the masks.
        pictures: the picture of each.
        sizes: (height, width) of each picture's file.
        form: of the run's pictures.
        classes: of the run.

    Raises:
        DataError: as `read_masks`.
    """
    stored = decode_now(files, MaskForm(form), skip=False, hint=None)
    mask_sizes = [(height, width) for width, height in stored.sizes]
    refuse_other_sizes(pictures, files, sizes, mask_sizes)
    values, boxes = in_memory(stored.images)[..., 0], counted_boxes(files, form, mask_sizes)
    return to_codes(values, values_of_each(values, boxes), classes, files, boxes)


def mask_spec(names: Sequence[str]) -> TargetSpec:
    """The target of such data."""
    return TargetSpec(MASK, SEGMENTATION, tuple(names), reason=REASON)


def look_at_masks(config: DataConfig, form: PictureForm, found: PictureList, line: str) -> DataFacts:
    """What some of the training masks say of the classes; no picture is opened.

    Args:
        config: the `data:` block.
        form: of the pictures.
        found: pictures and masks.
        line: what the pictures are.
    """
    refuse_target(config, is_table=bool(found.table))
    training = found.parts.get("train", np.arange(len(found.masks)))
    looked = training[np.unique(np.linspace(0, len(training) - 1, LOOKED_AT).astype(int))]
    present, faults = np.zeros(VALUES, bool), []
    for row in looked:
        try:
            values, _ = decode_file(found.masks[row].path, mask_values)
            present[np.unique(values)] = True
        except PictureError as error:
            hint = error.hint or f"it is the mask of {found.files[row].name}; data.on_error: skip leaves the picture out"
            faults.append(Fault(str(error), file=found.masks[row].path, hint=hint))
    if faults and (argument_of(config, "on_error") != "skip" or not present.any()):
        raise DataError(capped(faults))
    classes = find_classes(config, present, ())
    spec = mask_spec(classes.names)
    exact = len(looked) == len(training) or config.arguments.get("classes") is not None
    about = "" if exact else f" (by {len(looked)} of {len(training):,} masks)"
    said = Note(f"masks: {len(spec.classes)} classes{about}: {listed(spec.classes, 8)}")
    notes = (Note(line), said, *found.notes, *odd_values(config, classes))
    facts = DataFacts(schema_of(config, form.shape, spec, "unit"), notes=notes)
    own = {name: len(rows) for name, rows in found.parts.items()}
    return with_rows(replace(config, validation=(), test=(), limit=None), facts, len(found.files), own)


def check_parts(spec: TargetSpec, codes: NDArray[np.uint8], parts: dict[str, Rows], names: Sequence[str]) -> list[Note]:
    """Every class must be known to the training part. Returns sentences on classes that only the training part has.

    Args:
        spec: of the masks.
        codes: of all rows.
        parts: rows of each.
        names: of the rows' files.

    Raises:
        DataError: a class that no mask of the training part has.
    """
    shares = {name: pixel_counts(codes[rows], len(spec.classes)) for name, rows in parts.items()}
    faults, notes = [], list[Note]()
    for name, counts in shares.items():
        strays = np.flatnonzero((counts > 0) & (shares["train"] == 0))
        for code in strays:
            row = next(row for row in parts[name] if (codes[row] == code).any())
            message = f"the class {quoted(spec.classes[code])} is in masks of the {name} part only, not in training"
            hint = "data.split.seed draws other parts, and more rows of it may help; data.classes names those that there are"
            faults.append(Fault(message, file=names[row] if names else None, hint=hint))
        lacking = [spec.classes[code] for code in np.flatnonzero((counts == 0) & (shares["train"] > 0))]
        if lacking:
            notes.append(warn(f"no mask of the {name} part has a pixel of {listed(lacking, 8)}", "class_not_in_part"))
    if faults:
        raise DataError(capped(faults))
    unseen = [spec.classes[code] for code in np.flatnonzero(shares["train"] == 0)]
    if unseen:
        notes.append(
            warn(f"no mask of the training part has a pixel of {listed(unseen, 8)}: it cannot be learnt", "class_not_in_training")
        )
    return notes


def pixel_counts(codes: NDArray[np.uint8], num_classes: int) -> NDArray[np.int64]:
    """Pixels of each class; those that are ignored are not counted."""
    return np.bincount(codes.ravel(), minlength=VALUES)[:num_classes]


def describe_masks(spec: TargetSpec, codes: NDArray[np.uint8]) -> str:
    """`mask: 4 classes by their share of the pixels: background 71.3 %, …`; those that are ignored are no part of it."""
    counts = pixel_counts(codes, len(spec.classes))
    total = max(int(counts.sum()), 1)
    shares = [f"{label} {percent(count / total)}" for label, count in zip(spec.classes, counts.tolist(), strict=True)]
    return f"{spec.name}: {len(shares)} classes by their share of the pixels: {listed(shares, 12)}"


def refuse_target(config: DataConfig, *, is_table: bool) -> None:
    """Masks are the target: no column is, but for the one of a table that names them.

    Raises:
        DataError: one is named.
    """
    if config.target and not is_table:
        message = f"masks are what is learnt, not {listed(config.target)}"
        raise DataError(config_fault(config, "data.target", message, "leave it out"))
