"""The importance of columns as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dltrain.cli.text import signed, table
from dltrain.config.catalog.metrics import find_direction
from dltrain.wording import one_line

if TYPE_CHECKING:
    from dltrain.evaluation.importance import Importances

_MOST = 30
_NAME_WIDTH = 40


def importance_text(found: Importances, width: int | None) -> str:
    """A row for each column, then for each named input: by how much the metric gets worse without it."""
    turn = "falls" if find_direction(found.metric) == "max" else "rises"
    rows = [
        [
            one_line(one.name if one.kind == "column" else f"{one.name} (input)", _NAME_WIDTH),
            signed(one.value),
            "-" if one.interval is None else " to ".join(map(signed, one.interval)),
        ]
        for one in found.columns
    ]
    more = len(rows) - _MOST
    text = table(["dealt out anew", f"{found.metric} {turn} by", "95 % interval"], rows[:_MOST], width=width)
    text += f"\nand {more:,} more, all in --json" if more > 0 else ""
    return f"{text}\npermutation importance on {found.rows:,} rows, {found.repeats} times"
