"""The importance of columns, words and places of pictures as text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dltrain.cli.text import signed, table
from dltrain.config.catalog.metrics import find_direction
from dltrain.wording import one_line

if TYPE_CHECKING:
    from dltrain.evaluation.importance.occlusion import Occlusions
    from dltrain.evaluation.importance.permutation import Importance, Importances

_MOST = 30
_MOST_TOKENS = 15
_NAME_WIDTH = 40


def importance_text(found: Importances | Occlusions, width: int | None) -> str:
    """A row for each column, then for each named input, then for words: by how much the metric gets worse without it.

    Of pictures a row for each: what covering its most important square does.
    """
    from dltrain.evaluation.importance.occlusion import Occlusions

    if isinstance(found, Occlusions):
        return _occlusion_text(found, width)
    columns = [one for one in found.columns if one.kind != "token"]
    text = _worths(found, columns, "dealt out anew", _MOST, width)
    text += f"\npermutation importance on {found.rows:,} rows, {found.repeats} times"
    tokens = [one for one in found.columns if one.kind == "token"]
    return f"{text}\n\n{_worths(found, tokens, 'taken out', _MOST_TOKENS, width)}" if tokens else text


def _worths(found: Importances, shown: Sequence[Importance], heading: str, most: int, width: int | None) -> str:
    turn = "falls" if find_direction(found.metric) == "max" else "rises"
    has_rows = any(one.held_by is not None for one in shown)
    rows = [
        [
            one_line(f"{one.name} (input)" if one.kind == "input" else one.name, _NAME_WIDTH),
            *([f"{one.held_by:,}"] if one.held_by is not None else []),
            signed(one.value),
            "-" if one.interval is None else " to ".join(map(signed, one.interval)),
        ]
        for one in shown
    ]
    header = [heading, *(["rows"] if has_rows else []), f"{found.metric} {turn} by", "95 % interval"]
    more = len(rows) - most
    return table(header, rows[:most], width=width) + (f"\nand {more:,} more, all in --json" if more > 0 else "")


def _occlusion_text(found: Occlusions, width: int | None) -> str:
    rows = []
    for one in found.pictures:
        left, top, right, bottom = one.box()
        after = one.value - one.worst[0]
        said = [f"{one.value:.4g}", f"{after:.4g}"] if found.is_number else [f"{one.value:.3f}", f"{after:.3f}"]
        place = f"{left}-{right}, {top}-{bottom}"
        rows.append(
            [
                one_line(one.file.rpartition("/")[2] or f"row {one.row:,}", 20),
                one_line(one.true, 14),
                one_line(one.said, 14),
                *said,
                place,
            ]
        )
    what = "value" if found.is_number else "probability"
    text = table(["picture", "true", "said", what, "covered", "square (x, y)"], rows, width=width)
    return f"{text}\nthe square of each picture whose covering changes the {what} most"
