"""Reads picture files for a trained run, so that each becomes what the run's source would have made of it.

- A picture of the source's original size (250×250 for Labeled Faces in the Wild) is cut and resized as there: the same bits.
- One of the model's own size is taken as it is.
- Any other is resized to the model's size (bilinear, whole, aspect ratio not kept), which a note says.

A camera's EXIF orientation is applied here; the source itself, like scikit-learn, knows none (the dataset's files carry none).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.config.types import MULTILABEL, DataConfig
from dltrain.data.arrays.disk_array import DiskArray
from dltrain.data.columns.image import images_from
from dltrain.data.columns.reading import Reading
from dltrain.data.dataset import TargetSpec
from dltrain.data.pictures.depth import notes_of_frames
from dltrain.data.pictures.face_crop import FaceCrop
from dltrain.data.pictures.files import PictureError, decode_file, decode_pictures, skipped_notes, unusable
from dltrain.data.pictures.folders import PictureList
from dltrain.data.pictures.form import MOST_SIDE, PictureForm, form_from_state, pair, upright, upright_size
from dltrain.data.pictures.given import label_codes, list_given, list_given_masked
from dltrain.data.pictures.masked import decode_masks
from dltrain.data.pictures.masks import MaskClasses, classes_from_state
from dltrain.data.pictures.picture_file import PictureFile
from dltrain.data.pictures.store import decode_now
from dltrain.data.pictures.tags import encode_tags
from dltrain.data.pictures.tiles import cut_up, large_notes, pictures_of
from dltrain.data.raw import RawPictures
from dltrain.errors import DataError, Fault, Note, RunError, capped
from dltrain.storage.values import one_of, texts
from dltrain.wording import quoted

SHOWN_NAMES = 3
LARGER = "a run with data.tiles: {width}"
SKIP_HINT = "--skip-broken leaves out what cannot be read"
ANY_TABLE = DataConfig("image_folder")


@dataclass(frozen=True, slots=True)
class PictureReader:
    """`RawPictures.reader`, checked: it comes out of a run directory that may be anybody's."""

    source: str
    form: PictureForm
    lowest: float
    highest: float
    crop: FaceCrop | None
    original: tuple[int, int] | None
    skips: bool = False
    table: DataConfig = ANY_TABLE
    masks: MaskClasses | None = None
    tiles: int | None = None

    @property
    def is_bytes(self) -> bool:
        """Whether pixels stay the numbers of 8 bits that they are."""
        return (self.lowest, self.highest) == (0.0, 255.0) and self.crop is None


def read_pictures(
    paths: Sequence[str],
    reader: Mapping[str, Any],
    *,
    with_labels: bool,
    classes: Sequence[str] = (),
    numbers: bool = False,
    tags: tuple[TargetSpec, Reading] | None = None,
) -> RawPictures:
    """Decode picture files as the run's source decodes its own.

    Args:
        paths: files, folders, tables that name pictures, and glob patterns.
        reader: the run's `RawPictures.reader`.
        with_labels: take each picture's label from the table, or from the folder that the source takes it from
            (`Colin_Powell` is the class `Colin Powell`).
        classes: the run's label names in code order; empty: those that are found, sorted.
        numbers: the labels are numbers to be foretold.
        tags: where a picture has several labels: those of the run, and how cells are read.

    Returns:
        images [rows, height, width, channels] in the reader's range, uint8 where that is 0...255, else float32;
        `names` are the files, as a table has them where it names them.

    Raises:
        DataError: nothing there, pictures that cannot be decoded, folders that are no class; all are named.
        RunError: `reader` is not one.
    """
    checked = parse_reader(reader)
    if tags is not None:
        checked = replace(checked, table=replace(checked.table, task=MULTILABEL))
    with_masks = with_labels and checked.masks is not None
    masked = with_masks and list_given_masked(paths, checked.table, skip=checked.skips)
    given = masked or list_given(paths, checked.table, with_labels=with_labels, classes=classes)
    given = cut_up(given, checked.form, checked.tiles, skip=checked.skips, hint=SKIP_HINT)
    notes = list(given.notes)
    target: NDArray[Any] | None = None
    if with_labels and tags is not None:
        target = encode_tags(given.files, *tags, drop=checked.table.missing_target == "drop", notes=notes)
    elif with_labels and not with_masks:
        target, classes = (_numbers(given.files), ()) if numbers else label_codes(given.files, classes)
    notes += notes_of_frames([file.path for file in given.files])
    images, good, sizes = _decode_given(given.files, checked, "table" in reader, notes)
    if with_masks and checked.masks is not None:
        files, masks = ([items[row] for row in good] for items in (given.files, given.masks))
        target, classes = decode_masks(masks, files, sizes, checked.form, checked.masks), checked.masks.names
    elif target is not None:
        target = target[good]
    return RawPictures(
        images=images,
        target=target,
        classes=() if numbers else tuple(classes),
        value_range=(checked.lowest, checked.highest),
        reader=dict(reader),
        names=tuple(given.files[row].name for row in good),
        notes=(*notes, *(large_notes(sizes, checked.form, LARGER) if with_masks and checked.tiles is None else ())),
        sizes=sizes if checked.masks is not None else (),
        labels=tags[0] if tags is not None else None,
        pictures=pictures_of([given.files[row] for row in good]),
    )


def list_to_tell(paths: Sequence[str], reader: PictureReader, *, skip: bool) -> PictureList:
    """The pictures behind some paths, of which only the sizes are looked at, unless those that are broken are left out.

    Args:
        paths: as for `read_pictures`.
        reader: of the run.
        skip: leave those out that are no pictures, or broken ones.

    Raises:
        DataError: nothing there, or files that are no pictures; all are named.
    """
    given = list_given(paths, reader.table, with_labels=False, classes=())
    good, faults = list[PictureFile](), list[Fault]()
    look: Callable[[Any], object] = reader.form.whole if skip else upright_size
    for file in given.files:
        try:
            decode_file(file.path, look)
            good.append(file)
        except PictureError as error:
            faults.append(Fault(str(error), file=file.path, hint=error.hint))
    if faults and (not skip or not good):
        raise unusable(faults, SKIP_HINT)
    given.notes += skipped_notes(faults)
    given.files = good
    return given


def read_whole(path: str, reader: PictureReader) -> NDArray[np.uint8]:
    """A picture in its own size, upright, uint8 [height, width, 1 or 3].

    Raises:
        DataError: it cannot be decoded.
    """
    try:
        pixels: NDArray[np.uint8]
        pixels, _ = decode_file(path, reader.form.whole)
    except PictureError as error:
        raise DataError(str(error), file=path, hint=error.hint) from error
    return pixels


def _decode_given(
    files: Sequence[PictureFile], checked: PictureReader, of_table: bool, notes: list[Note]
) -> tuple[DiskArray | NDArray[Any], NDArray[np.int64], tuple[tuple[int, int], ...]]:
    """As `_decode_all`, also of rows that are tiles."""
    if checked.tiles is None:
        return _decode_all([file.path for file in files], checked, of_table, notes)
    stored = decode_now(files, checked.form, skip=checked.skips, hint=SKIP_HINT)
    if not len(stored.rows):
        raise DataError(capped(stored.faults))
    notes += skipped_notes(stored.faults)
    return stored.images, stored.rows, tuple((height, width) for width, height in stored.sizes)


def _decode_all(
    files: Sequence[str], checked: PictureReader, of_table: bool, notes: list[Note]
) -> tuple[NDArray[Any], NDArray[np.int64], tuple[tuple[int, int], ...]]:
    """The pictures that can be used, which they are, and (height, width) of their files.

    Sentences on the others, and on other sizes, go to `notes`.
    """
    hint = SKIP_HINT
    hint += "; --images FOLDER says where this table's pictures are" if of_table else ""
    sizes: dict[str, tuple[int, int]] = {}
    images = np.zeros((len(files), *checked.form.shape), np.uint8 if checked.is_bytes else np.float32)
    resized: dict[str, tuple[int, int]] = {}

    def decode(image: Any) -> NDArray[Any]:
        sizes[str(image.filename)] = upright_size(image)
        return _decode(image, checked, resized)

    faults = decode_pictures(files, decode, images, skip=checked.skips, hint=hint)
    good = np.array([row for row in range(len(files)) if row not in faults], np.int64)
    if faults:
        if not len(good):
            raise DataError(capped(list(faults.values())))
        images = images[good]
        notes += skipped_notes(list(faults.values()))
    if resized:
        notes.append(_resized_note(resized, checked.form))
    return images, good, tuple(sizes[files[row]] for row in good)


def _numbers(files: Sequence[PictureFile]) -> NDArray[np.float64]:
    values, faults = np.zeros(len(files)), []
    for row, file in enumerate(files):
        try:
            values[row] = float(file.label or "")
        except ValueError:
            faults.append(Fault(f"expected a number to compare the prediction with, found {quoted(file.label)}", file=file.path))
    if faults:
        hint = "name a table of files and numbers, as the run was trained on"
        raise DataError(capped([replace(fault, hint=hint) for fault in faults]))
    return values


def _decode(image: Any, reader: PictureReader, resized: dict[str, tuple[int, int]]) -> NDArray[Any]:
    if reader.source != "image_folder":  # whose pictures are of any size
        turned = upright(image)
        if (turned.height, turned.width) == reader.original and reader.crop is not None:
            return reader.crop.decode(turned)
        if (turned.height, turned.width) != reader.form.size:
            resized[str(image.filename)] = (turned.height, turned.width)
        image = turned
    return in_range(reader.form.decode(image), reader)


def in_range(pixels: NDArray[np.uint8], reader: PictureReader) -> NDArray[Any]:
    """Pixels of 8 bits as the numbers that the run's source makes of them."""
    if reader.is_bytes:
        return pixels
    return pixels.astype(np.float32) / np.float32(255.0) * np.float32(reader.highest - reader.lowest) + np.float32(reader.lowest)


def _resized_note(resized: Mapping[str, tuple[int, int]], form: PictureForm) -> Note:
    size, how = form.size, form.interpolation or "bilinear"
    shown = [f"{name} from {height}×{width}" for name, (height, width) in sorted(resized.items())[:SHOWN_NAMES]]
    more = f" and {len(resized) - SHOWN_NAMES:,} more" if len(resized) > SHOWN_NAMES else ""
    return Note(f"{len(resized):,} pictures resized to {size[0]}×{size[1]} pixels ({how}): {', '.join(shown)}{more}")


def parse_reader(reader: Mapping[str, Any]) -> PictureReader:
    """Check a run's description of how pictures are read; raises RunError where it is none."""
    if not isinstance(reader, Mapping) or not isinstance(reader.get("source"), str):
        raise _unusable("`source` is missing")
    try:
        return _parse_reader(reader)
    except ValueError as error:
        raise _unusable(str(error)) from error


def _parse_reader(reader: Mapping[str, Any]) -> PictureReader:
    form = form_from_state(reader)
    size, color = form.size, form.color
    bounds = reader.get("range")
    if not isinstance(bounds, (list, tuple)) or len(bounds) != 2 or not all(isinstance(end, (int, float)) for end in bounds):
        raise _unusable("`range` is no pair of numbers")
    if not -1e6 <= bounds[0] < bounds[1] <= 1e6:
        raise _unusable("`range` is no range")
    if reader.get("on_error", "fail") not in ("fail", "skip"):
        raise _unusable("`on_error` is neither fail nor skip")
    skips, table = reader.get("on_error") == "skip", _parse_table(reader.get("table"))
    masks = classes_from_state(reader["masks"]) if reader.get("masks") is not None else None
    tiles = reader.get("tiles")
    if tiles is not None and (isinstance(tiles, bool) or not isinstance(tiles, int) or not 1 <= tiles <= MOST_SIDE or not masks):
        raise _unusable("`tiles` is no width of tiles of masks")
    if reader.get("original") is None:
        return PictureReader(reader["source"], form, float(bounds[0]), float(bounds[1]), None, None, skips, table, masks, tiles)
    original = pair(reader["original"], "original")
    crop = _parse_crop(reader, color, original)
    if crop.size != size:
        raise _unusable(f"`size` is {size}, but `slice` and `resize` make {crop.size}")
    return PictureReader(reader["source"], form, float(bounds[0]), float(bounds[1]), crop, original)


def _parse_crop(reader: Mapping[str, Any], color: bool, original: tuple[int, int]) -> FaceCrop:
    value, resize = reader.get("slice"), reader.get("resize")
    if not isinstance(value, (list, tuple)) or len(value) != 2:
        raise _unusable("`slice` is no pair of pairs")
    rows, columns = pair(value[0], "slice", lowest=0), pair(value[1], "slice", lowest=0)
    if not (rows[0] < rows[1] <= original[0] and columns[0] < columns[1] <= original[1]):
        raise _unusable("`slice` leads out of the picture")
    if resize is not None and (isinstance(resize, bool) or not isinstance(resize, (int, float)) or not 0 < resize <= 10):
        raise _unusable("`resize` is no ratio")
    return FaceCrop(rows=rows, columns=columns, resize=None if resize is None else float(resize), color=color)


def _parse_table(state: Any) -> DataConfig:
    """How tables of pictures are read: as the block of a config; without a description as one that says nothing."""
    if state is None:
        return ANY_TABLE
    if not isinstance(state, Mapping) or not isinstance(state.get("files"), str):
        raise ValueError("`table` names no column of files")
    label = state.get("label")
    if label is not None and not isinstance(label, str):
        raise ValueError("`table` has a label that is no column")
    return DataConfig(
        "image_folder",
        arguments={"files": state["files"]},
        target=() if label is None else (label,),
        images=images_from(state.get("images")),
        missing=texts(state, "missing") if "missing" in state else (),
        missing_target=one_of(state, "missing_target", ("fail", "drop")) if "missing_target" in state else "fail",
    )


def _unusable(reason: str) -> RunError:
    return RunError(f"the run's description of how pictures are read cannot be used: {reason}")
