"""Several labels a picture: the cells of a table that names pictures, taken apart as those of any other table."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dltrain.config.types import DataConfig
from dltrain.data.columns.reading import USUAL_MISSING, Reading
from dltrain.data.dataset import TargetSpec
from dltrain.data.labels.cells import encode_cells
from dltrain.data.labels.learn import read_labels
from dltrain.data.pictures.picture_file import PictureFile
from dltrain.data.raw import Locate, RawTable
from dltrain.data.tables.preprocessing import DROP
from dltrain.errors import Note
from dltrain.later import polars


def read_tags(config: DataConfig, files: Sequence[PictureFile], column: str) -> tuple[TargetSpec, NDArray[np.int8]]:
    """The labels that there are, and which of them each picture has: int8 [rows, labels].

    Args:
        config: the `data:` block.
        files: the pictures; the label of each is its cell.
        column: of the cells.

    Raises:
        DataError: what `labels/cells.py` cannot read.
    """
    missing = USUAL_MISSING if config.missing is None else tuple(config.missing)
    raw = RawTable(polars.DataFrame({column: _cells(files)}))
    drop = config.missing_target == DROP
    return read_labels(config, raw, (column,), Reading(missing, replace=config.replace), _locator(files), drop=drop)


def encode_tags(
    files: Sequence[PictureFile], spec: TargetSpec, reading: Reading, *, drop: bool, notes: list[Note]
) -> NDArray[np.int8]:
    """The labels of other pictures as a run has learnt them; see `encode_cells`."""
    cells = polars.Series(spec.name, _cells(files), dtype=polars.String)
    return encode_cells(cells, spec, reading, _locator(files), drop=drop, notes=notes)


def _cells(files: Sequence[PictureFile]) -> list[str]:
    return [file.label or "" for file in files]


def _locator(files: Sequence[PictureFile]) -> Locate:
    return lambda row: (files[row].path, None)
