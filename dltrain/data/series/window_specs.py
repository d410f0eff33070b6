"""What an input of the model knows of the windows of a series that it takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WindowScale:
    """How each window of a series is scaled by itself.

    Attributes:
        amounts: for each number of a row whether it is an amount, and is scaled.
        to_target: column that is foretold -> its place among the numbers, factor and offset: number * factor + offset is the
            target as it is stored; empty where windows have labels.
    """

    amounts: tuple[bool, ...]
    to_target: Mapping[str, tuple[int, float, float]]


@dataclass(frozen=True, slots=True)
class WindowView:
    """Some numbers of a window that layers take by a name of their own.

    Attributes:
        name: "known" or "static".
        rows: the last rows of the window that it has; 0: the last one alone, as a vector.
        places: of the numbers within a row.
    """

    name: str
    rows: int
    places: tuple[int, ...]
