"""A run's charts as SVG, from what `metrics.json` and `history.csv` hold: nothing is imported and no model asked."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dltrain.evaluation.drawing.history import NOT_CURVES, is_wide
from dltrain.evaluation.drawing.svg import TEXT, Axis, Dots, Line, Panel, bars, plot, sheet, text, text_width
from dltrain.storage.atomic import write_atomically
from dltrain.storage.documents import targets_of
from dltrain.wording import shortened

RESULTS_FILE = "results.svg"
MOST_CLASSES = 30  # of a confusion matrix; of more classes the pairs are shown that are confused most
_MOST_PAIRS = 20
_LONGEST = 36
_CELL = 40.0
_BLUE = (0x00, 0x72, 0xB2)
_SHARES = (0.0, 1.0)


def report_panels(report: Mapping[str, Any]) -> list[Panel]:
    """All panels on a part: of classes the matrix, the curves and the reliability, of numbers the truth beside what was said."""
    of_classes = [(heading, one) for heading, one in targets_of(report) if "confusion_matrix" in one]
    panels = [panel for heading, one in of_classes for panel in class_panels(one, heading)]
    panels += [labels_panel(report)] if "averages" in report else []
    for target, pairs in report.get("pairs", {}).items():
        panels += pair_panels(pairs, str(target))
    return panels


def plot_results(picture: Path, report: Mapping[str, Any]) -> bool:
    """Write all panels on a part as one file, whole or not at all; whether there was anything to draw."""
    panels = report_panels(report)
    if panels:
        write_atomically(picture, sheet(panels))
    return bool(panels)


def class_panels(report: Mapping[str, Any], heading: str = "") -> list[Panel]:
    """The panels on one target of classes."""
    labels, of = [str(label) for label in report.get("labels", ())], f" of {heading}" if heading else ""
    panels = [confusion_panel(report["confusion_matrix"], labels, of)]
    if report.get("curves"):
        panels += score_panels(report["curves"], of)
    if report.get("calibration"):
        panels.append(reliability_panel(report["calibration"], of))
    if report.get("threshold", {}).get("curve"):
        panels.append(threshold_panel(report["threshold"], of))
    return panels


def labels_panel(report: Mapping[str, Any]) -> Panel:
    """A bar for the F1 of each of several labels per row, the worst first, with precision and recall beside it."""
    found = sorted(report["classes"].items(), key=lambda item: item[1]["f1"])[:MOST_CLASSES]
    names = [f"{shortened(str(label), _LONGEST)} ({row['support']:,})" for label, row in found]
    said = [f"{row['f1']:.3f} (precision {row['precision']:.3f}, recall {row['recall']:.3f})" for _, row in found]
    which = f"the {MOST_CLASSES} labels with the least" if len(found) < len(report["classes"]) else "each label, the worst first"
    return bars(f"F1 of {which} (in brackets: rows)", names, [row["f1"] for _, row in found], said)


def confusion_panel(matrix: Sequence[Sequence[float]], labels: Sequence[str], of: str = "") -> Panel:
    """A confusion matrix: rows are true, columns predicted, each cell as dark as its share of the row."""
    if len(labels) > MOST_CLASSES:
        return confused_panel(matrix, labels, of)
    names = [shortened(label, _LONGEST) for label in labels]
    longest = max(map(text_width, names))
    counts = [f"{value:,.0f}" for row in matrix for value in row]
    cell = max(_CELL if len(names) <= 12 else 28.0, max(map(text_width, counts)) + 6)
    left, top = longest + 3.2 * TEXT, 2.2 * TEXT
    size = cell * len(names)
    tilted = max(map(text_width, names)) > cell - 6
    parts = [text(0, TEXT, f"confusion matrix{of}", more=' class="t"')]
    for row, (name, values) in enumerate(zip(names, matrix, strict=True)):
        y, total = top + row * cell, sum(values)
        parts.append(text(left - 6, y + cell / 2 + 4, name, "end"))
        for column, value in enumerate(values):
            share = value / total if total else 0.0
            red, green, blue = (round(255 - (255 - part) * share) for part in _BLUE)
            corner = f'x="{left + column * cell:.1f}" y="{y:.1f}"'
            parts.append(f'<rect {corner} width="{cell:.1f}" height="{cell:.1f}" fill="#{red:02x}{green:02x}{blue:02x}"/>')
            if value:
                ink = "#000" if _luminance((red, green, blue)) > 0.18 else "#fff"
                middle = left + (column + 0.5) * cell
                parts.append(text(middle, y + cell / 2 + 4, f"{value:,.0f}", "middle", f' style="fill:{ink}"'))
    parts.append(f'<rect class="a" x="{left:.1f}" y="{top:.1f}" width="{size:.1f}" height="{size:.1f}"/>')
    for column, name in enumerate(names):
        x, y = left + (column + 0.5) * cell, top + size + (8 if tilted else 1.3 * TEXT)
        turned = f' transform="rotate(-90 {x + 4:.1f} {y:.1f})"' if tilted else ""
        parts.append(text(x + (4 if tilted else 0), y, name, "end" if tilted else "middle", turned))
    bottom = top + size + (longest + 8 if tilted else 1.3 * TEXT) + 1.6 * TEXT
    middle = top + size / 2
    parts.append(text(left + size / 2, bottom, "predicted", "middle"))
    parts.append(text(TEXT, middle, "true", "middle", f' transform="rotate(-90 {TEXT:.1f} {middle:.1f})"'))
    said = f"confusion matrix{of}, {len(names)} classes"
    return Panel(max(left + size + 4, 1.1 * text_width(f"confusion matrix{of}")), bottom + 4, "".join(parts), said)


def confused_panel(matrix: Sequence[Sequence[float]], labels: Sequence[str], of: str = "") -> Panel:
    """Of many classes the pairs that are confused most."""
    found = [
        (value, shortened(labels[row], 20), shortened(labels[column], 20))
        for row, values in enumerate(matrix)
        for column, value in enumerate(values)
        if row != column and value > 0
    ]
    found.sort(key=lambda pair: -pair[0])
    shown = found[:_MOST_PAIRS]
    names = [f"{true} \u2192 {said}" for _, true, said in shown]
    values = [float(value) for value, _, _ in shown]
    return bars(
        f"true \u2192 predicted{of}: what is confused most, in rows", names, values, [f"{value:,.0f}" for value in values]
    )


def _luminance(colour: Sequence[int]) -> float:
    """Of the Web Content Accessibility Guidelines 2.1: black letters are read more easily than white ones above 0.18."""
    parts = [part / 255 / 12.92 if part <= 10 else ((part / 255 + 0.055) / 1.055) ** 2.4 for part in colour]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def score_panels(curves: Mapping[str, Any], of: str = "") -> list[Panel]:
    """The ROC curve, and precision against recall."""
    recall, precision = curves["precision_recall"]
    return [
        plot(
            f"ROC curve{of}",
            Axis("false positive rate", _SHARES),
            Axis("true positive rate (recall)", _SHARES),
            [
                Line(_SHARES, _SHARES, "grey", "by chance", is_dashed=True),
                Line(curves["roc"][0], curves["roc"][1], label="model"),
            ],
        ),
        plot(
            f"precision against recall{of}",
            Axis("recall", _SHARES),
            Axis("precision", _SHARES),
            [Line(_SHARES, [precision[-1]] * 2, "grey", "by chance", is_dashed=True), Line(recall, precision, label="model")],
        ),
    ]


def threshold_panel(found: Mapping[str, Any], of: str = "") -> Panel:
    """Precision, recall and F1 over the threshold between two classes, with the chosen one marked."""
    curve, value = found["curve"], float(found["value"])
    marks = [
        Line(curve["threshold"], curve["precision"], "blue", "precision"),
        Line(curve["threshold"], curve["recall"], "orange", "recall"),
        Line(curve["threshold"], curve["f1"], "grey", "F1"),
        Line([value, value], _SHARES, "grey", f"chosen: {value:.4g}", is_dashed=True),
    ]
    across = Axis(f"least probability of {shortened(str(found['label']), _LONGEST)}", _SHARES)
    return plot(f"threshold{of}", across, Axis("reached", _SHARES), marks)


def reliability_panel(calibration: Mapping[str, Any], of: str = "") -> Panel:
    """How often what is called so probable happens, beside how often it should; the size of a point says of how many rows."""
    bins = calibration["bins"]
    said, true = [one["said"] for one in bins], [one["true"] for one in bins]
    most = max(one["rows"] for one in bins)
    dots = [Dots([one["said"]], [one["true"]], size=4 + 12 * math.sqrt(one["rows"] / most)) for one in bins]
    ideal = Line(_SHARES, _SHARES, "grey", "as it should be", is_dashed=True)
    marks: list[Line | Dots] = [ideal, Line(said, true, label="model (point: how many rows)"), *dots]
    return plot(f"reliability{of}", Axis("probability said", _SHARES), Axis("share that came true", _SHARES), marks)


def pair_panels(pairs: Sequence[Sequence[float]], target: str) -> list[Panel]:
    """Predicted against true numbers, and the residuals."""
    true, said = ([float(value) for value in values] for values in pairs)
    name = shortened(target, _LONGEST)
    finite = [value for value in (*true, *said) if math.isfinite(value)] or [0.0]
    ends = [min(finite), max(finite)]
    return [
        plot(
            "predicted against true",
            Axis(f"true {name}"),
            Axis(f"predicted {name}"),
            [Line(ends, ends, "grey", "as it should be", is_dashed=True), Dots(true, said)],
        ),
        plot(
            "residuals: predicted less true",
            Axis(f"predicted {name}"),
            Axis("predicted less true"),
            [
                Line([min(said), max(said)] if said else [], [0.0, 0.0] if said else [], "grey", is_dashed=True),
                Dots(said, [b - a for a, b in zip(true, said)], "orange"),
            ],
        ),
    ]


def importance_panel(rows: Sequence[Mapping[str, Any]], metric: str) -> Panel:
    """The importance of each column: how much worse the metric gets where its values are permuted."""
    found = sorted(rows, key=lambda row: -float(row["value"] or 0.0))[:_MOST_PAIRS]
    values = [float(row["value"] or 0.0) for row in found]
    return bars(
        f"importance: how much worse {metric} gets without it",
        [str(r["name"]) for r in found],
        values,
        [f"{v:.4g}" for v in values],
    )


def history_panels(history: Mapping[str, Sequence[float]], best_epoch: float | None = None) -> list[Panel]:
    """Loss and each metric over the epochs, training beside validation."""
    names = [name for name in history if not name.startswith("val_") and name not in (*NOT_CURVES, "learning_rate")]
    names.sort(key=lambda name: name != "loss")
    panels, epochs = [], history.get("epoch", ())
    for name in names[:6]:
        marks = [Line(epochs, history[name], "blue", "training")]
        if f"val_{name}" in history:
            marks.append(Line(epochs, history[f"val_{name}"], "orange", "validation"))
        finite = [value for mark in marks for value in mark.ys if math.isfinite(value)]
        if not finite:
            continue
        if best_epoch is not None:
            marks.append(
                Line([best_epoch] * 2, [min(finite), max(finite)], "grey", f"best epoch ({best_epoch:g})", is_dashed=True)
            )
        up = Axis(name.replace("_", " "), is_logarithmic=name == "loss" and is_wide(finite))
        panels.append(plot(f"{name.replace('_', ' ')} over the epochs", Axis("epoch", is_whole=True), up, marks))
    return panels
