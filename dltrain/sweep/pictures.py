"""Pictures of a sweep and of runs side by side: curves in one plot, the metric over each parameter."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dltrain.config.catalog.metrics import canonical
from dltrain.evaluation.drawing.figure import dress, make_logarithmic, new_figure, own_style, save_figure
from dltrain.evaluation.drawing.history import OF_SEVERAL, drawable, is_wide, plot_history, read_history
from dltrain.reporting import Reporter
from dltrain.sweep.space import short_names, show_value
from dltrain.wording import counted

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CURVES_FILE = "curves.png"
PARAMETERS_FILE = "parameters.png"
_MOST_LABELS = 14
_BEST_COLOUR = "#d95f02"


@dataclass(frozen=True, slots=True)
class Curve:
    """One line of a picture of curves."""

    label: str
    epochs: Sequence[float]
    values: Sequence[float]
    is_best: bool = False


def warm_up(*, reporter: Reporter) -> None:
    """Import what drawing needs while the trials train elsewhere."""
    with contextlib.suppress(Exception):  # said where something is to be drawn
        import matplotlib.backends.backend_agg
        import matplotlib.figure  # noqa: F401


def draw_pictures(request: Mapping[str, Any]) -> list[str]:
    """Draw `curves.png` and `parameters.png` into a sweep's directory, and the history of the best trial where it has none.

    Args:
        request: from `outcome.picture_request`.

    Returns:
        The names of the files that were drawn.
    """
    folder: Path = request["folder"]
    drawn = []
    column, curves = trial_curves(request)
    if curves:
        draw_curves(folder / CURVES_FILE, curves, column, title=f"{request['title']}: {counted(len(request['trials']), 'trial')}")
        drawn.append(CURVES_FILE)
    if request["names"] and any(trial["value"] is not None for trial in request["trials"]):
        _draw_parameters(folder / PARAMETERS_FILE, request)
        drawn.append(PARAMETERS_FILE)
    for trial in request["trials"]:
        if trial["number"] == request["best"]:
            _draw_histories(trial, request["title"])
    return drawn


def _draw_histories(trial: Mapping[str, Any], title: str) -> None:
    """Those of the trial's fits that have no picture of their own: fits that were trained together draw none."""
    for file, epoch in zip(trial["histories"], trial["epochs"], strict=True):
        picture = file.with_name("history.png")
        if file.is_file() and not picture.exists():
            plot_history(file, picture, title=title, best_epoch=epoch)


def trial_curves(request: Mapping[str, Any]) -> tuple[str, list[Curve]]:
    """The column of the history that is drawn, and a curve for each fit that finished an epoch."""
    found: list[tuple[Mapping[str, Any], dict[str, list[float]]]] = []
    for trial in request["trials"]:
        for file in trial["histories"]:
            history = read_history(file)
            if history.get("epoch"):
                found.append((trial, history))
    column = choose_column([history for _, history in found], request["metric"])
    curves = []
    labelled: set[int] = set()
    for trial, history in found:
        label = trial["label"] if trial["number"] not in labelled else ""
        labelled.add(trial["number"])
        if column in history:
            curves.append(Curve(label, history["epoch"], history[column], trial["number"] == request["best"]))
    return column, curves


def choose_column(histories: Sequence[Mapping[str, Any]], metric: str) -> str:
    """The history's column for a metric: its validation value where there is one; else the (validation) loss."""
    names = list(dict.fromkeys(name for history in histories for name in history))
    bare = canonical(metric.rpartition(".")[2].removeprefix("val_"))
    for prefix in ("val_", ""):
        for name in names:
            if name.startswith("val_") == bool(prefix) and canonical(name.removeprefix("val_")) == bare:
                return name
    return "val_loss" if "val_loss" in names else "loss"


@own_style()
def draw_curves(picture: Path, curves: Sequence[Curve], column: str, *, title: str) -> None:
    """Draw curves over epochs in one plot, the best one on top, and write the picture as PNG.

    Raises:
        RunError: it cannot be written.
    """
    figure = new_figure(8.0, 5.0)
    axes = figure.add_subplot()
    colours = _colours(len(curves))
    shown = 0
    for curve, colour in zip(curves, colours):
        values = drawable(curve.values)
        label = curve.label if curve.label and (shown < _MOST_LABELS or curve.is_best) else None
        shown += label is not None
        axes.plot(
            list(curve.epochs),
            values,
            color=_BEST_COLOUR if curve.is_best else colour,
            linewidth=2.4 if curve.is_best else 1.2,
            marker="o" if len(values) == 1 else None,
            markersize=3,
            zorder=3 if curve.is_best else 2,
            label=f"{label} (best)" if label and curve.is_best else label,
        )
    dress(axes, "epoch", column.replace("_", " ") if column.startswith("val_") else f"{column.replace('_', ' ')} (training)")
    if column.endswith("loss") and is_wide((value for curve in curves for value in curve.values), OF_SEVERAL):
        make_logarithmic(axes, "y")
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_title(title, fontsize=11)
    named = sum(bool(curve.label) for curve in curves)
    axes.legend(
        fontsize=8, frameon=False, title=f"{shown} of {named}" if named > shown else None, loc="upper left", bbox_to_anchor=(1, 1)
    )
    figure.subplots_adjust(left=0.1, right=0.7, bottom=0.12, top=0.92)
    save_figure(figure, picture, bbox_inches="tight")


@own_style()
def _draw_parameters(picture: Path, request: Mapping[str, Any]) -> None:
    names: list[str] = request["names"]
    columns = min(len(names), 3)
    rows = math.ceil(len(names) / columns)
    figure = new_figure(4.6 * columns, 3.6 * rows + 0.4)
    grid = figure.subplots(rows, columns, squeeze=False)
    trials = [trial for trial in request["trials"] if trial["value"] is not None]
    short = short_names(names)
    for axes, name in zip(grid.flat, names):
        _draw_parameter(axes, name, trials, request)
        dress(axes, short[name], request["metric"].replace("_", " "))
    for axes in grid.flat[len(names) :]:
        axes.set_visible(False)
    figure.suptitle(f"{request['title']}: {request['metric']} over what was varied", fontsize=11)
    figure.tight_layout()
    save_figure(figure, picture)


def _draw_parameter(axes: Axes, name: str, trials: Sequence[Mapping[str, Any]], request: Mapping[str, Any]) -> None:
    trials = [trial for trial in trials if name in trial["parameters"]]  # some keys are varied with others alone
    if not trials:
        return
    values = [trial["parameters"][name] for trial in trials]
    numeric = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
    places: dict[Any, float] = {}
    if numeric:
        positions = [float(value) for value in values]
        if min(positions) > 0 and (name in request["log"] or is_wide(positions, OF_SEVERAL)):
            make_logarithmic(axes, "x")
    else:
        texts = [show_value(value) for value in values]
        places = {text: float(index) for index, text in enumerate(dict.fromkeys(texts))}
        positions = [places[text] for text in texts]
        axes.set_xticks(list(places.values()), [text[:24] for text in places], rotation=20 if len(places) > 3 else 0, fontsize=8)
    heights = [trial["value"] for trial in trials]
    means: dict[float, list[float]] = {}
    for position, height in zip(positions, heights):
        means.setdefault(position, []).append(height)
    if numeric and 1 < len(means) <= max(2, len(trials)) and (len(means) < len(trials) or len(request["names"]) == 1):
        line = sorted((position, sum(found) / len(found)) for position, found in means.items())
        axes.plot(*zip(*line), color="#bbbbbb", linewidth=1.2, zorder=1)
    colours = [_BEST_COLOUR if trial["number"] == request["best"] else "#1f77b4" for trial in trials]
    spreads = [trial["spread"] for trial in trials]
    if any(spreads):
        axes.errorbar(positions, heights, yerr=[spread or 0.0 for spread in spreads], fmt="none", ecolor="#999999", elinewidth=1)
    axes.scatter(positions, heights, c=colours, s=22, zorder=3)
    if is_wide(heights):
        make_logarithmic(axes, "y")


def _colours(count: int) -> list[Any]:
    """Neighbours alike, ends apart."""
    from matplotlib import colormaps

    return [colormaps["viridis"](0.05 + 0.85 * index / max(1, count - 1)) for index in range(count)]
