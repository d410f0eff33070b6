"""Slices of a part as text."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING

from dltrain.cli.results import with_interval
from dltrain.cli.text import format_number, table
from dltrain.wording import one_line

if TYPE_CHECKING:
    from dltrain.evaluation.slices import Slice

_SHOWN = ("accuracy", "log_loss", "rmse", "mae", "mase")
_NAME_WIDTH = 32


def slices_text(slices: Sequence[Slice], width: int | None) -> list[str]:
    """A table for each column, the worst slice first, and a line that names those worse than the baseline."""
    blocks = []
    for column, group in itertools.groupby(slices, key=lambda one: one.column):
        found = list(group)
        names = [name for name in _SHOWN if name in found[0].metrics] or list(found[0].metrics)[:2]
        rows = [
            [
                one_line(one.name, _NAME_WIDTH),
                f"{one.rows:,}",
                *(with_interval(one.metrics[name], one.intervals.get(name)) for name in names),
                format_number(one.baseline.get(names[0])),
            ]
            for one in found
        ]
        text = table([f"by {one_line(column, _NAME_WIDTH)}", "rows", *names, f"baseline {names[0]}"], rows, width=width)
        worse = [one_line(one.name, _NAME_WIDTH) for one in found if one.is_worse]
        if worse:
            text += f"\nworse than the baseline where {one_line(column, _NAME_WIDTH)} is: {', '.join(worse)}"
        blocks.append(text)
    return blocks
