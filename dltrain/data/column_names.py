"""Columns of a table by their names, which may be anything: polars takes some for patterns of names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars

NO_PATTERN = "\0"


def only(frame: polars.DataFrame, names: Sequence[str]) -> polars.DataFrame:
    """Some columns."""
    import polars

    return polars.DataFrame([frame.get_column(name) for name in names])


def column_of(frame: polars.DataFrame, name: str) -> polars.Series:
    """One column of a table, or of what stands for it on disk.

    It is called by its `marked` name, of which `name_of` gives the name in the table.
    """
    return frame[name].alias(marked(name))


def marked(name: str) -> str:
    """What a series may be called: its methods ask polars for it by its name, where `^x$` finds others without this mark."""
    return name + NO_PATTERN if name.startswith("^") and name.endswith("$") else name


def name_of(series: polars.Series) -> str:
    """The name of a column in its table."""
    return str(series.name).removesuffix(NO_PATTERN)
