"""Predicted masks: the class of each pixel of a picture, in the picture's own size, as PNG files with a palette."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.data.arrays.disk_array import rows_in_memory
from dltrain.data.dataset import IGNORED, Part
from dltrain.data.pictures.form import PictureForm
from dltrain.data.pictures.masks import VALUES, MaskClasses
from dltrain.data.pictures.preprocessing import PicturePreprocessing
from dltrain.data.pictures.reader import parse_reader
from dltrain.errors import RunError, UsageError
from dltrain.evaluation.masks.score import BLOCK_NUMBERS, pixel_probabilities
from dltrain.evaluation.masks.sheet import class_colours
from dltrain.model.forward import Forward, evaluation_batch_size
from dltrain.model.heads.head import Head
from dltrain.storage.atomic import fill_folder, write_atomically
from dltrain.storage.outputs import refuse_part_of_run

# Masks of the model's size are kept for those who ask in Python, as long as they are not more bytes than this.
MOST_KEPT = 1 << 30


def check_folder(folder: Path, *, force: bool, inputs: Sequence[str] = ()) -> None:
    """Refuse a folder for masks before anything is computed.

    Args:
        folder: that is to be made, or is there.
        force: files in it may be replaced.
        inputs: what is read; no mask is written there.

    Raises:
        UsageError: it is a file or part of a run, it is what is read, or the folder that is to hold it is not there.
        RunError: it holds something that was not to be replaced.
    """
    refuse_part_of_run(folder)
    if os.path.lexists(folder) and not folder.is_dir():
        raise UsageError(f"{folder} is a file; masks go into a folder", hint="name another with --masks")
    if not folder.is_dir() and not folder.absolute().parent.is_dir():
        raise UsageError(f"{folder} cannot be made: there is no folder {folder.absolute().parent}", hint="make it first")
    if not folder.is_dir():
        return
    for read in inputs:
        holder = read if os.path.isdir(read) else os.path.dirname(os.path.abspath(read))
        if os.path.isdir(holder) and os.path.samefile(holder, folder):
            raise _is_read(folder)
        if (
            os.path.isdir(read)
            and Path(os.path.realpath(folder)).is_relative_to(os.path.realpath(read))
            and any(folder.iterdir())
        ):
            raise _is_read(folder)
    if any(folder.iterdir()) and not force:
        raise RunError(f"{folder} is not empty; nothing was written", hint="--force replaces masks in it, or name another")


def _is_read(place: Path) -> UsageError:
    return UsageError(f"{place} is what is read; no mask is written there", hint="name another folder with --masks")


def refuse_inputs(folder: Path, masks: Sequence[str], pictures: Sequence[str]) -> None:
    """Refuse to write a mask over a picture that is asked about, whatever way leads to it.

    Args:
        folder: for the masks.
        masks: their names in it.
        pictures: what is asked about, as it was given.

    Raises:
        UsageError: one is the other.
    """
    read = {os.path.realpath(picture) for picture in pictures}
    for name in masks:
        if os.path.realpath(folder / name) in read:
            raise _is_read(folder / name)


def mask_names(names: Sequence[str]) -> list[str]:
    """A PNG file for each picture's mask: its own name, below what all have in common; no two are the same.

    Args:
        names: of the pictures, as they were given.
    """
    paths = [os.path.abspath(name) for name in names]
    above = os.path.commonpath([os.path.dirname(path) for path in paths]) if paths else ""
    own = [os.path.relpath(path, above) for path in paths]
    stems = [os.path.splitext(name)[0] for name in own]
    short = [f"{name if stems.count(stem) > 1 else stem}.png" for name, stem in zip(own, stems, strict=True)]
    return short if len(set(short)) == len(set(own)) else [f"{name}.png" for name in own]  # a.jpg, a.png and a.jpg.png


@dataclass(frozen=True, slots=True)
class ToldMask:
    """The predicted mask of one picture.

    Attributes:
        row: of the picture.
        codes: the class of each pixel, in the picture's own size; `IGNORED` for what the model did not see.
        small: the same in the model's size; None: the picture was told in tiles.
        is_finite: whether all probabilities are.
    """

    row: int
    codes: NDArray[np.uint8]
    small: NDArray[np.uint8] | None
    is_finite: bool


class MaskMaker:
    """Makes masks of a run's outputs.

    Args:
        preprocessing: of the run's pictures.
        head: of its model.
        model: of the run.
        at_once: rows of a batch, which is filled up where there are fewer; None: as suits many rows.
    """

    def __init__(self, preprocessing: PicturePreprocessing, head: Head, model: Any, at_once: int | None = None) -> None:
        self.preprocessing, self.head = preprocessing, head
        self.reader = parse_reader(preprocessing.reader or {})
        self.form: PictureForm = self.reader.form
        values = tuple(range(len(head.classes)))
        self.classes = self.reader.masks or MaskClasses(values, head.classes, IGNORED)
        unused = [value for value in range(VALUES - 1, -1, -1) if value not in self.classes.values]
        self.unseen = self.classes.ignore if self.classes.ignore is not None else unused[0]
        (spec,) = preprocessing.schema.inputs
        self.input_name = spec.name
        usual = evaluation_batch_size([np.broadcast_to(np.float32(0), (1, *spec.shape))])
        self.forward = Forward.of(model, min(at_once or usual, usual))

    def tell(self, part: Part) -> Iterator[ToldMask]:
        """The mask of each picture, some of them computed together.

        Args:
            part: the pictures, in the model's size.
        """
        for row, probabilities in self.probabilities(part):
            codes = self.in_size(probabilities, part.sizes[row] if part.sizes else self.form.size)
            small = probabilities.argmax(axis=-1).astype(np.uint8)
            yield ToldMask(row, codes, small, bool(np.isfinite(probabilities).all()))

    def probabilities(self, part: Part) -> Iterator[tuple[int, NDArray[np.float64]]]:
        """Row and probabilities [height, width, classes] of each picture of the model's size."""
        array = part.inputs[self.input_name]
        numbers = int(np.prod(array.shape[1:3])) * len(self.head.classes)
        size = max(1, BLOCK_NUMBERS // numbers // self.forward.batch_size) * self.forward.batch_size
        for start in range(0, len(array), size):
            rows = np.arange(start, min(start + size, len(array)))
            outputs = self.forward.outputs([rows_in_memory(array, rows)])[0]
            for row, output in zip(rows.tolist(), outputs, strict=True):
                yield row, pixel_probabilities(self.head, output)

    def in_size(self, probabilities: NDArray[np.float64], size: tuple[int, int]) -> NDArray[np.uint8]:
        """The most probable class of each pixel of a picture of a (height, width); `IGNORED` for what the model did not see.

        Probabilities are brought to that size, bilinear, and compared there: the edges are finer than those of a small mask.
        """
        left, top, right, bottom = self.form.inner_box(size)
        kept = tuple(round(side) for side in self.form.kept_box(size))
        width, height = kept[2] - kept[0], kept[3] - kept[1]
        best = np.full((height, width), -np.inf, np.float32)
        codes = np.zeros((height, width), np.uint8)
        for code in range(probabilities.shape[-1]):
            plane = resized(probabilities[top:bottom, left:right, code], (height, width))
            above = plane > best
            codes[above] = code
            best = np.where(above, plane, best)
        whole = np.full(size, IGNORED, np.uint8)
        whole[kept[1] : kept[3], kept[0] : kept[2]] = codes
        return whole

    def png(self, codes: NDArray[np.uint8]) -> bytes:
        """A mask as PNG with a palette; pixels have the values that the training masks had."""
        from PIL import Image

        table = np.full(VALUES, self.unseen, np.uint8)
        table[: len(self.classes.values)] = self.classes.values
        image = Image.fromarray(table[codes], mode="P")
        image.putpalette(self._palette())
        buffer = io.BytesIO()
        image.save(buffer, format="png")
        return buffer.getvalue()

    def _palette(self) -> list[int]:
        colours = np.full((VALUES, 3), 255, np.uint8)
        colours[list(self.classes.values)] = class_colours(len(self.classes.values))
        given = np.array(self.classes.palette, np.uint8).reshape(-1, 3)
        colours[: len(given)] = given
        return [int(value) for value in colours.ravel()]


def resized(plane: NDArray[np.float64], size: tuple[int, int]) -> NDArray[np.float32]:
    """Numbers of pixels brought to a (height, width), bilinear."""
    from PIL import Image

    own = np.ascontiguousarray(plane, np.float32)
    if own.shape == size:
        return own
    return np.asarray(Image.fromarray(own).resize((size[1], size[0]), Image.Resampling.BILINEAR))


@contextlib.contextmanager
def masks_of(folder: Path | None) -> Iterator[Callable[[str, bytes], None]]:
    """What writes a mask, by its name and content: all of them are in the folder when the block ends, none where it raises.

    Args:
        folder: for the masks; None: nothing is written.

    Raises:
        RunError: one cannot be written.
    """
    if folder is None:
        yield lambda name, content: None
        return
    try:
        with fill_folder(folder) as place:

            def write(name: str, content: bytes) -> None:
                (place / name).parent.mkdir(parents=True, exist_ok=True)
                write_atomically(place / name, content)

            yield write
    except RunError as error:
        raise RunError(f"no mask was written: {error.faults[0].message}") from error


def shares_of(codes: NDArray[np.uint8], num_classes: int) -> NDArray[np.float64]:
    """The share of each class in the pixels that were seen [classes]."""
    counts = np.bincount(codes.ravel(), minlength=VALUES)[:num_classes].astype(np.float64)
    return np.asarray(counts / max(counts.sum(), 1.0))
