"""What `fit` prints at its end: at most fifteen lines of eighty columns, what matters most last."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dltrain.cli.reports.verdict import deciding_line, deciding_metrics, is_verdict, judgement
from dltrain.cli.results import (
    NO_INTERVALS,
    answers_lines,
    gate_documents,
    gate_lines,
    members_lines,
    table_and_words,
    worst_classes,
)
from dltrain.cli.text import format_seconds, pieces
from dltrain.parts import PARTS, judged_part
from dltrain.storage.values import attributes
from dltrain.wording import counted, display_width, one_line

if TYPE_CHECKING:
    from dltrain.training.result import FitResult

MOST_LINES = 15
_WIDTH = 80
_LEAST_ROWS, _MOST_ROWS = 3, 7  # of the table of metrics


def last_screen(result: FitResult, width: int | None) -> str:
    """The end of a fit in at most `MOST_LINES` lines; what has no room is counted, and said to be found elsewhere.

    Args:
        result: of the fit.
        width: of the terminal; None: no terminal, which is taken for one of eighty columns.
    """
    columns = width or _WIDTH
    document = as_document(result)
    ending = ending_lines(result, document)
    room = MOST_LINES - _height(ending, columns)
    told = _told(result, document, columns)
    most = max(1 + _LEAST_ROWS, min(1 + _MOST_ROWS, room - _height(told, columns)))
    table, metrics_left = _metrics(result, columns, most)
    if metrics_left and len(table) + _height(told, columns) >= room:  # that some are left out is a line as well
        table, metrics_left = _metrics(result, columns, max(1 + _LEAST_ROWS, most - 1))
    room -= len(table)
    if metrics_left or _height(told, columns) > room:
        told, lines_left = _cut(told, room - 1, columns)
        told.append(_left_out(metrics_left, lines_left, str(result.run), columns))
    lines = [*table, *told, *ending]
    # Elsewhere than on a terminal a sentence stays on one line, for what reads it there looks for it.
    return "\n".join(lines if width is None else [piece for line in lines for piece in pieces(line, columns)])


def as_document(result: FitResult) -> dict[str, Any]:
    """The fit as `metrics.json` holds it, as far as a verdict needs it."""
    part = judged_part([name for name, values in result.metrics.items() if values]) or PARTS[0]
    return {"part": part, **attributes(result, "metrics", "baseline", "intervals", "notes")}


def ending_lines(result: FitResult, document: Mapping[str, Any]) -> list[str]:
    """How long it took, where the run is, what comes next; the verdict, and last the accuracy or what stands in its place."""
    epochs = counted(result.epochs, "epoch")
    training = f" in {format_seconds(result.seconds['train'])}" if "train" in result.seconds else ""
    total = format_seconds(result.seconds.get("total"))
    drawn = [f"pictures there: {', '.join(result.pictures)}"] if result.pictures else []
    return [
        f"{epochs}{training}, {total} in all; the metrics are those of the {result.weights} weights",
        f"run: {result.run}",
        *drawn,
        f"next: dltrain evaluate {result.run}",
        *([one_line(judgement(document)), deciding_line(document)] if result.metrics else []),
    ]


def last_intervals(result: FitResult) -> Mapping[str, Sequence[float]]:
    """The intervals of the last part that a fit's table shows."""
    parts = [part for part in PARTS if result.metrics.get(part)]
    found: Mapping[str, Sequence[float]] = result.intervals.get(parts[-1], NO_INTERVALS) if parts else NO_INTERVALS
    return found


def _told(result: FitResult, document: Mapping[str, Any], columns: int) -> list[str]:
    """Sentences, the gravest first."""
    part = str(document["part"])
    gates = list(zip(gate_lines(result.gates), (gate["met"] for gate in gate_documents(result.gates))))
    worst = worst_classes(result.report, 2 * columns)
    _, baselines = table_and_words(result.metrics, result.baseline, result.report)
    texts = [
        *(one_line(text, columns) for text in baselines[:2]),
        *(worst if len(worst) < 2 else worst_classes(result.report, columns)[:3]),
        *(text for text, met in gates if not met),
        *answers_lines(result.report),
        *(text for text, met in gates if met),
        *(f"diagnosis: {found['sentence']} {found['advice']}" for found in result.diagnosis),
        *_members(result, part),
        *(note for note in result.notes if not is_verdict(note, part)),
    ]
    return [one_line(text) for text in texts if text]


def _members(result: FitResult, part: str) -> list[str]:
    """Each member of an ensemble in the metrics that decide."""
    values = result.members.get("metrics", {}).get(part, {})
    return members_lines({part: {name: values[name] for name in deciding_metrics(values) if name in values}})


def _metrics(result: FitResult, columns: int, most: int) -> tuple[list[str], int]:
    """The table of metrics in so many lines, and how many metrics it leaves out; no wider than the terminal."""
    parts = [part for part in PARTS if result.metrics.get(part)]
    if not parts:
        return [], 0
    names = list(dict.fromkeys(name for part in parts for name in result.metrics[part]))
    order = _by_weight(names, result.metrics[parts[-1]], result)
    lines: list[str] = []
    for number in range(len(order), 0, -1):
        kept = set(order[:number])
        lines = _narrow_table(result, parts, kept, columns)
        if len(lines) <= most:
            return lines, len(order) - number
    return lines[:most], len(order) - 1


def _by_weight(names: Sequence[str], metrics: Mapping[str, float], result: FitResult) -> list[str]:
    """The loss, what decides and what the config asks for first, then what has a baseline, then the others."""
    first = ["loss", *deciding_metrics(metrics), *result.asked]
    return sorted(names, key=lambda name: (first.index(name) if name in first else len(first), name not in result.baseline))


def _narrow_table(result: FitResult, parts: Sequence[str], kept: set[str], columns: int) -> list[str]:
    """The table with those of the parts, the last ones first, for which there is room."""
    intervals, text = last_intervals(result), ""
    for start in range(len(parts)):
        shown = {part: {name: value for name, value in result.metrics[part].items() if name in kept} for part in parts[start:]}
        text, _ = table_and_words(shown, result.baseline, result.report, None, intervals)
        if max(map(display_width, text.splitlines())) <= columns:
            break
    return text.splitlines()


def _cut(texts: Sequence[str], room: int, columns: int) -> tuple[list[str], int]:
    """The texts that have room, the last of them shortened where some of it has, and how many are not there in full."""
    kept: list[str] = []
    for index, text in enumerate(texts):
        free = room - _height(kept, columns)
        if _height([text], columns) > free:
            # Folded between words, a text takes a little more than its length.
            return ([*kept, _beginning(text, free * (columns - 12))] if free > 0 else kept), len(texts) - index
        kept.append(text)
    return kept, 0


def _beginning(text: str, columns: int) -> str:
    """The first words of a text that is too long: half a number would be another number."""
    cut = one_line(text, columns)
    words = cut.removesuffix("...").rpartition(" ")[0]
    return f"{words} ..." if words and cut != one_line(text) else cut


def _left_out(metrics: int, lines: int, run: str, columns: int) -> str:
    """A line on what did not fit on the screen, and where it is written."""
    counts = [counted(metrics, "metric") if metrics else "", counted(lines, "sentence") if lines else ""]
    said = f"{' and '.join(filter(None, counts))} more: with -v, and `dltrain report {run}`"
    return said if display_width(said) <= columns else f"{' and '.join(filter(None, counts))} more: with -v, and in the report"


def _height(lines: Sequence[str], columns: int) -> int:
    """How many lines of the terminal they take."""
    return sum(len(list(pieces(line, columns))) for line in lines)
