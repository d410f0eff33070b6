"""Slices of a part as text."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING

from dltrain.cli.results import with_interval
from dltrain.cli.text import format_number, table
from dltrain.evaluation.row_errors import WORSE
from dltrain.wording import listed, one_line

if TYPE_CHECKING:
    from dltrain.evaluation.slices import Slice

_SHOWN = ("accuracy", "log_loss", "mase", "rmse", "mae")
_NAME_WIDTH = 32
MOST_NAMES = 12


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
        blocks.append("\n".join([text, *_standing_lines(one_line(column, _NAME_WIDTH), found)]))
    return blocks


def _standing_lines(column: str, found: Sequence[Slice]) -> list[str]:
    """Where the model is shown to be worse than the baseline, where it only seems so, and slices too small to tell."""
    worse = [_named(one) for one in found if one.is_worse]
    seeming = [_named(one) for one in found if one.seems_worse]
    lines = [f"worse than the baseline where {column} is: {listed(worse, MOST_NAMES)}"] if worse else []
    if seeming:
        lines.append(f"not shown to be better or worse where {column} is: {listed(seeming, MOST_NAMES)} (within chance)")
    small = sum(not one.intervals for one in found)
    if small:
        lines.append(f"no intervals for {small} of {len(found)}: too few rows, groups or blocks of time there")
    return lines


def _named(one: Slice) -> str:
    """A slice, with the targets of which it is so where there are several."""
    targets = [name for name, standing in one.standings.items() if name and standing == WORSE]
    return one_line(one.name, _NAME_WIDTH) + (f" ({', '.join(targets)})" if targets else "")
