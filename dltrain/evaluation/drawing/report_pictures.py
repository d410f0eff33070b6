"""The pictures of a report, as SVG, from what `metrics.json` holds."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dltrain.evaluation.drawing.figure import new_figure, own_style

# Told apart by those who see few colours as well (Okabe and Ito, "Color Universal Design").
_BLUE, _ORANGE, _GREY = "#0072b2", "#d55e00", "#888888"
MOST_CLASSES = 30
_LONGEST = 28


@own_style()
def draw_confusion(matrix: Sequence[Sequence[float]], labels: Sequence[str]) -> bytes:
    """A confusion matrix: rows are true, columns predicted, each cell the share of its row."""
    counts = np.asarray(matrix, np.float64)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1e-300)
    names = [label if len(label) <= _LONGEST else f"{label[: _LONGEST - 1]}…" for label in labels]
    size = 2.2 + 0.42 * len(names)
    figure = new_figure(size + 0.6, size, layout="constrained")
    axes = figure.add_subplot()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axes.set_xticks(range(len(names)), names, rotation=90, fontsize=8)
    axes.set_yticks(range(len(names)), names, fontsize=8)
    axes.set(xlabel="predicted", ylabel="true")
    for row, column in np.ndindex(*counts.shape):
        if counts[row, column]:
            colour = "white" if shares[row, column] > 0.55 else "black"
            text = f"{counts[row, column]:,.0f}"
            axes.text(column, row, text, ha="center", va="center", fontsize=7, color=colour)
    return _svg(figure)


@own_style()
def draw_reliability(calibration: Mapping[str, Any]) -> bytes:
    """How often what is called so probable happens, beside how often it should."""
    bins = calibration["bins"]
    figure = new_figure(4.2, 4.0, layout="constrained")
    axes = figure.add_subplot()
    axes.plot([0, 1], [0, 1], color=_GREY, linewidth=1, linestyle="--", label="as it should be")
    most = max(one["rows"] for one in bins)
    axes.plot([one["said"] for one in bins], [one["true"] for one in bins], color=_BLUE, linewidth=1.2)
    sizes = [20 + 120 * one["rows"] / most for one in bins]
    axes.scatter(
        [one["said"] for one in bins], [one["true"] for one in bins], s=sizes, color=_BLUE, label="rows (area: how many)"
    )
    axes.set(xlabel="probability said", ylabel="share that came true", xlim=(0, 1), ylim=(0, 1))
    _finish(axes)
    return _svg(figure)


@own_style()
def draw_scores(curves: Mapping[str, Any]) -> bytes:
    """The ROC curve, and precision against recall."""
    figure = new_figure(8.0, 3.8, layout="constrained")
    left, right = figure.subplots(1, 2)
    left.plot([0, 1], [0, 1], color=_GREY, linewidth=1, linestyle="--", label="by chance")
    left.plot(*curves["roc"], color=_BLUE, linewidth=1.6, label="model")
    left.set(xlabel="false positive rate", ylabel="true positive rate (recall)")
    right.plot(*curves["precision_recall"], color=_BLUE, linewidth=1.6, label="model")
    base = curves["precision_recall"][1][-1]
    right.axhline(base, color=_GREY, linewidth=1, linestyle="--", label="by chance")
    right.set(xlabel="recall", ylabel="precision")
    for axes in (left, right):
        axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01))
        _finish(axes)
    return _svg(figure)


@own_style()
def draw_pairs(pairs: Sequence[Sequence[float]], target: str) -> bytes:
    """Predicted against true numbers, and what is left over."""
    true, said = (np.asarray(values, np.float64) for values in pairs)
    figure = new_figure(8.0, 3.8, layout="constrained")
    left, right = figure.subplots(1, 2)
    low, high = float(min(true.min(), said.min())), float(max(true.max(), said.max()))
    left.plot([low, high], [low, high], color=_GREY, linewidth=1, linestyle="--", label="as it should be")
    left.scatter(true, said, s=9, color=_BLUE, alpha=0.6, linewidths=0)
    left.set(xlabel=f"true {target}", ylabel=f"predicted {target}")
    right.axhline(0, color=_GREY, linewidth=1, linestyle="--")
    right.scatter(said, said - true, s=9, color=_ORANGE, alpha=0.6, linewidths=0)
    right.set(xlabel=f"predicted {target}", ylabel="predicted less true")
    _finish(left)
    _finish(right, legend=False)
    return _svg(figure)


def _finish(axes: Any, *, legend: bool = True) -> None:
    axes.grid(color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    if legend:
        axes.legend(fontsize=8, frameon=False)


def _svg(figure: Any) -> bytes:
    """The same bytes for the same picture."""
    import matplotlib

    buffer = io.BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": "dltrain"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    return buffer.getvalue()
