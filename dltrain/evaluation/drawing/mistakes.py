"""The most confident mistakes of a picture run, as a contact sheet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.data.arrays.disk_array import rows_in_memory
from dltrain.data.dataset import Dataset
from dltrain.data.pictures.preprocessing import PicturePreprocessing
from dltrain.evaluation.drawing.figure import as_bytes
from dltrain.evaluation.drawing.picture_sheet import Line, plot_sheet
from dltrain.wording import percent

FILE = "mistakes.png"
NUM_SHOWN = 24


@dataclass(frozen=True, slots=True)
class Mistake:
    """A row that a model was wrong about.

    Attributes:
        row: within its part.
        label: what it is.
        prediction: what the model says.
        probability: that the model gives it.
    """

    row: int
    label: str
    prediction: str
    probability: float


@dataclass(frozen=True, slots=True)
class MistakeSheet:
    """What is drawn.

    Attributes:
        heading: of the whole.
        pictures: uint8 [n, height, width, 1 or 3].
        mistakes: one for each picture.
    """

    heading: str
    pictures: NDArray[np.uint8]
    mistakes: tuple[Mistake, ...]


def worst_mistakes(
    indices: NDArray[Any], probabilities: NDArray[np.float64], classes: Sequence[str], predictions: NDArray[Any]
) -> tuple[Mistake, ...]:
    """Wrong predictions, the most probable ones first.

    Args:
        indices: true classes [rows].
        probabilities: [rows, classes].
        classes: label names.
        predictions: predicted classes [rows].
    """
    wrong = np.flatnonzero(predictions != indices)
    confidence = probabilities[wrong, predictions[wrong]]
    worst = wrong[np.argsort(-confidence, kind="stable")[:NUM_SHOWN]]
    return tuple(
        Mistake(int(row), classes[indices[row]], classes[predictions[row]], float(probabilities[row, predictions[row]]))
        for row in worst
    )


def sheet_of_mistakes(dataset: Dataset, part: str, mistakes: Sequence[Mistake]) -> MistakeSheet | None:
    """The pictures of a part that a model was wrong about; None where there are none, or the rows are no pictures.

    Args:
        dataset: with the part.
        part: its name.
        mistakes: rows of that part.
    """
    preprocessing, spec = dataset.preprocessing, dataset.schema.inputs[0]
    is_picture = len(spec.shape) == 3 and spec.shape[-1] in (1, 3)
    if not mistakes or not is_picture or not isinstance(preprocessing, PicturePreprocessing):
        return None
    rows = np.array([mistake.row for mistake in mistakes], np.int64)
    source = dataset.parts[part]
    pixels = preprocessing.unscale(rows_in_memory(source.inputs[spec.name], rows))
    low, high = (preprocessing.reader or {}).get("range", (pixels.min(), pixels.max()))
    heading = f"{part} part: the {len(rows)} most confident mistakes" if len(rows) > 1 else f"{part} part: the only mistake"
    return MistakeSheet(heading, as_bytes(pixels, low, high), tuple(mistakes))


def plot_mistakes(picture: Path, sheet: MistakeSheet) -> None:
    """Draw the sheet as PNG, written whole or not at all: label, prediction and its probability under each picture."""
    captions = []
    for mistake in sheet.mistakes:
        said = Line(f"said {{}} ({percent(mistake.probability, 0)})", mistake.prediction, "#b2182b")
        captions.append((Line("is {}", mistake.label, "#1b7837"), said))
    plot_sheet(picture, sheet.heading, sheet.pictures, captions)
