"""Which rows of a part belong together, where the split was by groups or by time: chance moves them together."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dltrain.config.types import DataConfig
from dltrain.data.arrays.disk_array import in_memory
from dltrain.data.dataset import Part
from dltrain.data.raw import RawTable
from dltrain.data.splits import blocks_in_order
from dltrain.data.tables.fitting.rows import coded_groups, times_of
from dltrain.data.tables.preprocessing import TablePreprocessing


def mark_blocks(config: DataConfig, raw: RawTable, preprocessing: TablePreprocessing, parts: dict[str, Part]) -> None:
    """Tell the parts of a table which of their rows belong together.

    Args:
        config: says how the rows were split.
        raw: the table.
        preprocessing: fitted to it.
        parts: are told, where there is something to tell.
    """
    if config.split.group:
        codes = coded_groups(raw, config.split.group)
        for part in parts.values():
            part.blocks, part.blocks_by = codes[_rows_of(part)], f"groups of {config.split.group}"
    elif config.split.time:
        times = times_of(config, raw, preprocessing.reading)
        for part in parts.values():
            order = np.argsort(times[_rows_of(part)], kind="stable")
            part.blocks, part.blocks_by = np.empty(len(order), np.int64), "blocks of time"
            part.blocks[order] = blocks_in_order(len(order))


def _rows_of(part: Part) -> NDArray[np.int64]:
    return part.row_ids if part.row_file is None else in_memory(part.row_file)
