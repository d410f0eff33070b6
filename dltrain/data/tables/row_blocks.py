"""Which rows of a part belong together, where the split was by groups or by time: chance moves them together."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from dltrain.config.types import DataConfig
from dltrain.data.arrays.disk_array import in_memory
from dltrain.data.dataset import Part
from dltrain.data.part_sizes import SplitError
from dltrain.data.raw import RawTable
from dltrain.data.splits import blocks_in_order
from dltrain.data.tables.fitting.rows import coded_groups, times_of
from dltrain.data.tables.preprocessing import TablePreprocessing
from dltrain.errors import Note, warn


def mark_blocks(config: DataConfig, raw: RawTable, preprocessing: TablePreprocessing, parts: Iterable[Part]) -> None:
    """Tell the parts of a table which of their rows belong together.

    Args:
        config: says how the rows were split.
        raw: the table.
        preprocessing: fitted to it.
        parts: are told, where there is something to tell.

    Raises:
        SplitError: a row has no time.
    """
    if config.split.group:
        codes = coded_groups(raw, config.split.group)
        for part in parts:
            part.blocks, part.blocks_by = codes[_rows_of(part)], f"groups of {config.split.group}"
    elif config.split.time:
        times = times_of(config, raw, preprocessing.reading)
        for part in parts:
            order = np.argsort(times[_rows_of(part)], kind="stable")
            part.blocks, part.blocks_by = np.empty(len(order), np.int64), "blocks of time"
            part.blocks[order] = blocks_in_order(len(order))


def mark_other_rows(config: DataConfig, raw: RawTable, preprocessing: TablePreprocessing, part: Part) -> list[Note]:
    """The same of rows that are not of the run's own data; a warning where they do not say what belongs together.

    Args:
        config: of the run's own data.
        raw: the other table.
        preprocessing: of the run.
        part: its rows; is told.
    """
    name = config.split.group or config.split.time
    if name is None:
        return []
    why = f"the column {name} is missing" if name not in raw.frame.columns else ""
    if not why:
        try:
            mark_blocks(config, raw, preprocessing, [part])
        except SplitError as error:
            why = str(error)
    how = f"groups of {name}" if config.split.group else "time"
    said = f"the run's own data is split by {how}; here each row counts for itself, which may make intervals too narrow"
    return [warn(f"{why}: {said}", "rows_apart")] if why else []


def _rows_of(part: Part) -> NDArray[np.int64]:
    return part.row_ids if part.row_file is None else in_memory(part.row_file)
