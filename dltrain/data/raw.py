"""What a source reads, before any preprocessing: a table of columns, or an array of pictures."""

from __future__ import annotations

import bisect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dltrain.errors import Note
from dltrain.later import polars

if TYPE_CHECKING:
    from dltrain.config.types import DataConfig
    from dltrain.data.arrays.disk_array import DiskArray
    from dltrain.data.dataset import TargetSpec


# The note on numbers that can be read in two ways, which other files or a run may overrule.
TWO_READINGS = "two_readings"
# (row) -> (file, line): where a row of the table stands.
Locate = Callable[[int], tuple[str | None, int | None]]


@dataclass(slots=True)
class RawTable:
    """Rows and named columns.

    Attributes:
        frame: one column each; text that was not yet given a kind is String. Where it does not fit in memory: `ColumnFiles`,
            which gives a column at a time in the same way.
        target: the source's own target columns (named datasets), else empty.
        classes: for a target of integer codes with known label names: the names in code order; else empty.
        parts: rows of parts that the source brings itself: part name -> row indices; empty: everything is to be split.
        origin: where each run of rows stands: (first row, file, its line, or 0 where there are no lines), in order.
        details: file name -> {"digest", "bytes", "rows"}: enters the fingerprint.
        notes: sentences for the user.
        reading: what was found out about how the text is written (`separator`, `decimal`, ...); empty where it is no text.
        names: columns that name the rows, by the source's own knowledge.
        arguments: with which the source reads such data again for predictions.
        kinds: column -> what it holds, by the source's own knowledge.
    """

    frame: polars.DataFrame
    target: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    parts: Mapping[str, NDArray[np.int64]] = field(default_factory=dict)
    origin: tuple[tuple[int, str, int], ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()
    reading: Mapping[str, Any] = field(default_factory=dict)
    names: tuple[str, ...] = ()
    arguments: Mapping[str, Any] = field(default_factory=dict)
    kinds: Mapping[str, str] = field(default_factory=dict)


def identifying(config: DataConfig, raw: RawTable) -> DataConfig:
    """The `data:` block with the columns that name rows by the source's own knowledge."""
    more = tuple(name for name in raw.names if name not in config.identifiers)
    return replace(config, identifiers=(*config.identifiers, *more)) if more else config


def locator(raw: RawTable) -> Locate:
    """Tells the place (file, line) of each row."""
    first_rows = [row for row, _, _ in raw.origin]

    def locate(row: int) -> tuple[str | None, int | None]:
        index = bisect.bisect_right(first_rows, row) - 1
        if index < 0:
            return None, None
        first, file, line = raw.origin[index]
        return file, (line + row - first) if line else None

    return locate


@dataclass(slots=True)
class RawPictures:
    """Pictures (or other arrays of one shape, such as those of an npz file).

    Attributes:
        images: [rows, height, width, channels] for pictures, [rows, ...] for other arrays; uint8, float32 or float64;
            uint8 where it is on disk.
        target: int class codes [rows] or float values [rows]; of masks uint8 codes [rows, height, width]; None: there is none.
        classes: label names in code order; empty for a target that is a number.
        labels: of several labels a row: what the source knows of them; None: they are called by their columns.
        value_range: the (lowest, highest) value that a pixel can have, which `scale: unit` takes to 0...1;
            None: unknown (then the training part's own).
        parts: as in `RawTable`.
        reader: how a picture file becomes such an array, stored with the run so that `predict` reads pictures the same way:
            {"source": "lfw_people", "slice": [[70, 195], [78, 172]], "resize": 0.25, "color": false, "size": [31, 23]};
            None where no picture file can stand for a row.
        names: a name for each row (file path) or empty.
        digests: for each row one of its file's content, or empty.
        keys: for each row its text in the column of a table by which the rows are split, or empty.
        details, notes: as in `RawTable`.
        sizes: (height, width) of each row's picture file, upright; empty where nobody asks.
        pictures: which picture each row is a tile of; None: each is one by itself.
    """

    images: NDArray[Any] | DiskArray
    target: NDArray[Any] | None = None
    classes: tuple[str, ...] = ()
    value_range: tuple[float, float] | None = None
    parts: Mapping[str, NDArray[np.int64]] = field(default_factory=dict)
    reader: Mapping[str, Any] | None = None
    names: tuple[str, ...] = ()
    keys: tuple[str | None, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()
    sizes: tuple[tuple[int, int], ...] = ()
    labels: TargetSpec | None = None
    pictures: NDArray[np.int64] | None = None
    digests: tuple[str, ...] = ()


Raw = RawTable | RawPictures
