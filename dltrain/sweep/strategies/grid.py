"""Every combination of the values, in the order in which they are written; the last key changes fastest."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from dltrain.sweep.combinations import grid
from dltrain.sweep.dimension import Dimension
from dltrain.sweep.strategies.strategy import ListStrategy


class GridStrategy(ListStrategy):
    """All combinations.

    Args:
        space: dimensions with listed values.
        most: only the first so many; None: all.
    """

    def __init__(self, space: Sequence[Dimension], most: int | None = None) -> None:
        super().__init__(list(itertools.islice(grid(space), most)))
