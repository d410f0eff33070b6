"""Which places of a picture an answer hangs on: the answer again with one square after the other covered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.data.arrays.disk_array import in_memory
from dltrain.data.pictures.preprocessing import PicturePreprocessing
from dltrain.evaluation.drawing.figure import as_bytes
from dltrain.evaluation.importance.sample import SEED
from dltrain.evaluation.metrics.report import answers_of
from dltrain.evaluation.scored import Scored
from dltrain.evaluation.spread_sample import take_part
from dltrain.model.heads.answers import decide
from dltrain.wording import quoted

NUM_PICTURES = 12
MOST_CELLS = 10  # along a side


@dataclass(frozen=True, slots=True)
class Occlusion:
    """One picture.

    Attributes:
        row: within its part, from 1.
        file: its name; empty where it is no file.
        true, said: what it is and what the model says: labels, or numbers as text.
        value: the probability of what the model says, or the number.
        falls: float64 [cells, cells]: by how much that falls where a cell and half of each cell beside it are covered.
        picture: uint8 [height, width, 1 or 3].
    """

    row: int
    file: str
    true: str
    said: str
    value: float
    falls: NDArray[np.float64]
    picture: NDArray[np.uint8]

    @property
    def worst(self) -> tuple[float, int, int]:
        """The largest change, as a fall, and the row and column of its cell."""
        row, column = np.unravel_index(int(np.argmax(np.abs(self.falls))), self.falls.shape)
        return float(self.falls[row, column]), int(row), int(column)

    def box(self) -> tuple[int, int, int, int]:
        """The square whose covering changes most: left, top, right, bottom in pixels as the model takes them."""
        _, row, column = self.worst
        (top, bottom), (left, right) = (
            _edges(size, cells)[cell]
            for size, cells, cell in zip(self.picture.shape[:2], self.falls.shape, (row, column), strict=True)
        )
        return left, top, right, bottom


@dataclass(frozen=True, slots=True)
class Occlusions:
    """Some pictures of a part.

    Attributes:
        part: its name.
        target: whose answer is asked for.
        is_number: the answer is a number, no class.
        pictures: in the order of their rows.
        notes: sentences for the user.
    """

    part: str
    target: str
    is_number: bool
    pictures: list[Occlusion]
    notes: list[str]

    def document(self) -> dict[str, Any]:
        """The maps as plain values, for JSON."""
        found = [
            {
                "row": one.row,
                **({"file": one.file} if one.file else {}),
                "true": one.true,
                "said": one.said,
                "value": one.value,
                "box": list(one.box()),
                "falls": one.falls.tolist(),
            }
            for one in self.pictures
        ]
        return {"kind": "occlusion", "target": self.target, "pictures": found}


def is_on_pictures(scored: Scored) -> bool:
    """Whether the rows are pictures, and nothing else."""
    preprocessing = scored.stored.preprocessing
    return isinstance(preprocessing, PicturePreprocessing) and len(preprocessing.schema.inputs[0].shape) == 3


def occlusions(scored: Scored, part: str) -> Occlusions:
    """Occlusion maps (Zeiler and Fergus, ECCV 2014) of some pictures, drawn at random.

    A square of two cells by two is covered with the mean colour of these pictures; along a side there are at most ten cells.

    Args:
        scored: rows that `is_on_pictures`.
        part: its name.
    """
    preprocessing = scored.stored.preprocessing
    assert isinstance(preprocessing, PicturePreprocessing)
    generator = np.random.default_rng([SEED, scored.part.num_rows])
    rows = np.sort(generator.permutation(scored.part.num_rows)[:NUM_PICTURES])
    taken = take_part(scored.part, rows)
    spec, head = preprocessing.schema.inputs[0], scored.heads[0]
    images = np.asarray(in_memory(taken.inputs[spec.name]))
    fill = images.mean(axis=(0, 1, 2), dtype=np.float64).astype(images.dtype)
    target = head.targets[0]
    answers = answers_of(scored.heads, [np.asarray(output)[rows] for output in scored.outputs])[0]
    places = _places(scored, answers)
    said = answers[np.arange(len(rows)), places]
    names, files = _labels(scored, taken.targets[target.name], places, said), taken.identifiers.get("file", [""] * len(rows))
    pictures = _as_bytes(preprocessing, images)
    found = []
    for index, row in enumerate(rows.tolist()):
        covered, shape = _covered(images[index], fill)
        again = answers_of(scored.heads, scored.forward.outputs([covered]))[0][:, places[index]]
        falls = (said[index] - again).reshape(shape)
        true, answer = names[index]
        found.append(Occlusion(row + 1, str(files[index]), true, answer, float(said[index]), falls, pictures[index]))
    notes = [f"Covered squares are those of {quoted(target.name)}, the first of several."] if len(scored.heads) > 1 else []
    return Occlusions(part, target.name, not head.classes, found, notes)


def _places(scored: Scored, answers: NDArray[np.float64]) -> NDArray[np.int64]:
    """Whose answer is looked at, for each row: the class that is said, the most probable of several labels, the first number."""
    head = scored.heads[0]
    if not head.classes:
        return np.zeros(len(answers), np.int64)
    return np.asarray(answers.argmax(axis=1) if head.is_multilabel else decide(head, answers), np.int64)


def _labels(
    scored: Scored, targets: NDArray[Any], places: NDArray[np.int64], values: NDArray[np.float64]
) -> list[tuple[str, str]]:
    """What each row is, and what is said of it."""
    head = scored.heads[0]
    if not head.classes:
        own = head.targets[0].to_own(targets)
        return [(f"{float(true):.4g}", f"{value:.4g}") for true, value in zip(own, values, strict=True)]
    said = [str(head.classes[place]) for place in places]
    if head.is_multilabel:
        return [
            (", ".join(str(head.classes[code]) for code in np.flatnonzero(marks)), one)
            for marks, one in zip(targets, said, strict=True)
        ]
    return [(str(head.classes[int(code)]), one) for code, one in zip(targets, said, strict=True)]


def _edges(size: int, cells: int) -> list[tuple[int, int]]:
    """Where the square around each cell begins and ends."""
    step = size / cells
    return [(max(0, round((cell - 0.5) * step)), min(size, max(round((cell + 1.5) * step), 1))) for cell in range(cells)]


def _covered(image: NDArray[Any], fill: NDArray[Any]) -> tuple[NDArray[Any], tuple[int, int]]:
    """A picture once for each cell, with the square around it covered; and how many cells there are down and across."""
    height, width = image.shape[:2]
    down, across = min(MOST_CELLS, height), min(MOST_CELLS, width)
    found = np.repeat(image[np.newaxis], down * across, axis=0)
    boxes = [(rows, columns) for rows in _edges(height, down) for columns in _edges(width, across)]
    for one, ((top, bottom), (left, right)) in zip(found, boxes, strict=True):
        one[top:bottom, left:right] = fill
    return found, (down, across)


def _as_bytes(preprocessing: PicturePreprocessing, images: NDArray[Any]) -> NDArray[np.uint8]:
    """Pictures as they are looked at; of more channels than colours have, their mean."""
    pixels = preprocessing.unscale(images)
    if pixels.shape[-1] not in (1, 3):
        pixels = pixels.mean(axis=-1, keepdims=True)
    low, high = (preprocessing.reader or {}).get("range", (pixels.min(), pixels.max()))
    return as_bytes(pixels, low, high)
