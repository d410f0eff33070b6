"""Some pictures of a part beside what the network made of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.data.arrays.disk_array import rows_in_memory
from dltrain.data.dataset import Dataset
from dltrain.data.pictures.preprocessing import PicturePreprocessing
from dltrain.evaluation.drawing.figure import as_bytes, draw_rows, own_style, save_figure
from dltrain.model.forward import Forward

NUM_PICTURES = 12
_INCH = 0.85


@dataclass(frozen=True, slots=True)
class Sheet:
    """What is drawn.

    Attributes:
        part: of the data.
        rows: heading -> pictures [n, height, width, channels] in their own units.
    """

    part: str
    rows: dict[str, NDArray[np.float64]]


def rows_of_sheet(dataset: Dataset, part: str, forward: Forward, corrupt: Callable[[Any, Any], Any] | None) -> Sheet | None:
    """Pictures at equal distances through a part: as they are, corrupted, reconstructed. None where there are no pictures.

    Args:
        dataset: with the part.
        part: its name.
        forward: of the model whose reconstructions are shown.
        corrupt: as in training, or None. The corrupted pictures are then what is reconstructed.
    """
    preprocessing, spec = dataset.preprocessing, dataset.schema.inputs[0]
    array = dataset.parts[part].inputs[spec.name]
    pictures = len(spec.shape) == 3 and spec.shape[-1] in (1, 3)
    if not pictures or not isinstance(preprocessing, PicturePreprocessing):
        return None
    chosen = np.unique(np.linspace(0, len(array) - 1, NUM_PICTURES).astype(int))
    clean = seen = rows_in_memory(array, chosen)
    rows = {"input": preprocessing.unscale(clean)}
    if corrupt is not None:
        seen = np.asarray(corrupt(clean, 0), np.float32)
        rows["corrupted"] = preprocessing.unscale(seen)
    rows["reconstruction"] = preprocessing.unscale(forward.outputs([seen])[0])
    return Sheet(part, rows)


@own_style()
def plot_reconstructions(picture: Path, sheet: Sheet) -> None:
    """Draw the sheet as PNG, written whole or not at all."""
    clean = sheet.rows["input"]
    low, high = float(clean.min()), float(clean.max())
    rows = {heading: as_bytes(pictures, low, high) for heading, pictures in sheet.rows.items()}
    save_figure(draw_rows(sheet.part, rows, inch=_INCH), picture)
