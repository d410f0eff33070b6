"""What several rows of a table belong to, such as a patient, a recording or a device."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.config.types import DataConfig
from dltrain.data.columns.reading import text_of
from dltrain.data.labels.array_targets import NO_CODE
from dltrain.data.tables.column_names import column_of
from dltrain.errors import Note, warn
from dltrain.later import polars

_IDS = "id|pid|uuid|guid"
_KEYS = re.compile(rf"(?:.*[_\s.-])?(?:{_IDS}|key)", re.IGNORECASE)
# What columns are called whose values name owners of rows.
_CALLED = re.compile(
    rf"(?:.*[_\s.-])?(?:{_IDS}|subject|patient|participant|speaker|writer|recording|specimen|"
    # A device or an engine may be of a kind; with a number it is one.
    r"(?:subject|patient|person|participant|individual|user|customer|client|speaker|writer|session|recording|specimen|animal|"
    r"mouse|device|machine|engine|student|household|family|vehicle)[_\s.-]?(?:id|no|nr|num|number|key))",
    re.IGNORECASE,
)
_ENDS = ("ID", "Id")
_FRACTION = r"^\s*[-+]?\d*[.,]\d*[1-9]\d*\s*$"
FEWEST_OWNERS, ROWS_OF_OWNER = 5, 2


@dataclass(frozen=True, slots=True)
class Owner:
    """A column that names what rows belong to.

    Attributes:
        name: of the column.
        count: how many it names.
        is_one: whether all rows of one have the same target, which a model can read off the others of it.
        fewest: of how many the rows with the rarest target are.
    """

    name: str
    count: int
    is_one: bool
    fewest: int


def names_rows(name: str) -> bool:
    """Whether a column is called what names rows, or what several of them belong to, is called: an id, or a key."""
    return _KEYS.fullmatch(name) is not None or name.endswith(_ENDS)


def find_owner(
    frame: polars.DataFrame, names: Collection[str], answers: NDArray[Any] | polars.Series, known: polars.Series | None = None
) -> Owner | None:
    """The column whose name says that it names owners, each of several rows; of several columns the one with the fewest.

    Args:
        frame: the table, in memory or as columns on disk.
        names: of the columns that may be one.
        answers: the target of its rows [rows].
        known: boolean [rows], which rows are looked at; None: all.
    """
    found: list[Owner] = []
    for name in names:
        if not (_CALLED.fullmatch(name) or name.endswith(_ENDS)):
            continue  # a column called key alone may be that of music
        values = text_of(column_of(frame, name))
        values = values if known is None else values.filter(known)
        count = values.n_unique()
        is_amount = bool(values.str.contains(_FRACTION).any())
        if values.null_count() or is_amount or not FEWEST_OWNERS <= count <= len(values) / ROWS_OF_OWNER:
            continue
        different = polars.DataFrame({"owner": values, "answer": answers}).unique()
        fewest = int(different["answer"].unique_counts().min() or 0)
        found.append(Owner(name, count, different.height == count, fewest))
    return min(found, key=lambda owner: owner.count, default=None)


def warn_of_owners(
    config: DataConfig, frame: polars.DataFrame, names: Collection[str], target: str, answers: NDArray[Any]
) -> list[Note]:
    """A warning where rows of one owner, which have one target, are drawn into several parts: what is measured is too good.

    Args:
        config: the `data:` block.
        frame: the table, in memory or as columns on disk.
        names: of its columns that are there.
        target, answers: what is predicted, and its values in all rows.
    """
    split = config.split
    is_drawn = bool(split.test or split.validation or split.folds)
    if answers.ndim > 1 or split.key is not None or config.series is not None or not is_drawn:
        return []
    is_known = ~np.isnan(answers) if answers.dtype.kind == "f" else answers != NO_CODE
    others = [name for name in names if name not in (target, *config.target)]
    owner = find_owner(frame, others, answers[is_known], None if is_known.all() else polars.Series(is_known))
    if owner is None or not owner.is_one:
        return []
    said = f"all rows of a {owner.name} ({owner.count:,} of them) have the same {target}, and stand in several parts"
    how = f"data.split.group: {owner.name} keeps them in one, so that others are tested than those that were learned"
    return [warn(f"{said}; {how}", "owners_in_several_parts")]
