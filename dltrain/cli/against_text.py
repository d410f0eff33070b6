"""Two models beside each other, as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dltrain.cli.text import format_number, signed, table
from dltrain.wording import counted

if TYPE_CHECKING:
    from dltrain.evaluation.metrics.paired import Paired

_SAID = {"better": "better", "worse": "WORSE", "not different": "within chance", None: "-"}


def against_table(paired: Paired, width: int | None) -> str:
    """A row for each metric: old, new, their difference with its interval, and whether that is more than chance."""
    rows = []
    for name, found in paired.metrics.items():
        interval = "-" if found.interval is None else " to ".join(map(signed, found.interval))
        rows.append(
            [name, format_number(found.old), format_number(found.new), signed(found.difference), interval, _SAID[found.verdict]]
        )
    lines = [table(["", "old", "new", "difference", "95 % interval", ""], rows, left_after=5, width=width)]
    if paired.mcnemar is not None:
        lines.append(mcnemar_line(paired))
    sentence = verdict_sentence(paired)
    return "\n".join([*lines, *([sentence] if sentence else [])])


def mcnemar_line(paired: Paired) -> str:
    """McNemar's test: how many rows only the one model has right, and how many only the other."""
    found = paired.mcnemar
    assert found is not None
    rows = f"right by the new one only: {counted(found.only_new, 'row')}, by the old one only: {found.only_old:,}"
    return f"{rows}; McNemar's p = {found.p:.3g}"


def verdict_sentence(paired: Paired) -> str:
    """Whether the new model is better, by the metric that decides."""
    if not paired.decided_by or paired.verdict is None:
        return ""
    found = paired.metrics[paired.decided_by]
    figures = f"{paired.decided_by} {format_number(found.new)} against {format_number(found.old)}"
    if paired.verdict == "not different":
        return f"The new model is not shown to differ from the old one: {figures}, within chance."
    return f"The new model is {paired.verdict} than the old one: {figures}, more than chance explains."
