"""Forecast against truth over time, as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dltrain.config.catalog.metrics import quantile_pairs
from dltrain.evaluation.drawing.figure import dress, new_figure, own_style, save_figure
from dltrain.evaluation.metrics.forecasts.forecast import Forecast
from dltrain.wording import counted

_TRUTH, _FORECAST, _REFERENCE = "#333333", "#d95f02", "#9ecae1"
_WIDTH, _HEIGHT = 10.0, 3.2  # inches a panel
_CLOSE = 168  # rows that can be told apart in one panel
_TICKS = 9
_NAMED = 4  # lines that a row of the legend, above the curves, has room for


@own_style()
def plot_forecast(picture: Path, title: str, forecasts: Sequence[Forecast]) -> None:
    """Draw each column's forecast one step ahead against the truth; of a long part also its last rows from close by.

    Args:
        picture: PNG file to write, whole or not at all.
        title: heading.
        forecasts: a column each.
    """
    panels = [(found, span) for found in forecasts for span in _spans(len(found.times))]
    figure = new_figure(_WIDTH, _HEIGHT * len(panels) + 0.3, layout="constrained")
    figure.suptitle(title, fontsize=11)
    for index, (found, span) in enumerate(panels):
        _draw(figure.add_subplot(len(panels), 1, index + 1), found, span)
    save_figure(figure, picture, dpi=110)


def _spans(count: int) -> list[slice]:
    return [slice(0, count)] if count <= 2 * _CLOSE else [slice(0, count), slice(count - _CLOSE, count)]


def _draw(axes: Any, found: Forecast, span: slice) -> None:
    places = list(range(len(found.times)))[span]
    steps = found.truth.shape[1]
    ahead = counted(found.first_ahead, "row")
    is_close = len(places) <= 2 * _CLOSE
    width = 1.5 if is_close else 0.7
    if is_close:
        name, values = next(iter(found.references.items()))
        axes.plot(places, values[span, 0], color=_REFERENCE, linewidth=1.2, label=name)
    for low, high in quantile_pairs(found.quantiles):
        label = f"{100 * (high - low):g} % between the quantiles {low:g} and {high:g}"
        bounds = found.quantiles[low][span, 0], found.quantiles[high][span, 0]
        axes.fill_between(places, *bounds, color=_FORECAST, alpha=0.18, linewidth=0, label=label)
    axes.plot(places, found.truth[span, 0], color=_TRUTH, linewidth=width, label="truth")
    axes.plot(places, found.forecast[span, 0], color=_FORECAST, linewidth=width, alpha=0.85, label=f"forecast, {ahead} ahead")
    if steps > 1 and is_close:
        last = places[-1]
        axes.plot(range(last, last + steps), found.truth[last], color=_TRUTH, linewidth=width, linestyle=":")
        label = f"the next {steps} rows at once"
        axes.plot(range(last, last + steps), found.forecast[last], color=_FORECAST, linewidth=width, linestyle=":", label=label)
    # Of several series the labels are their names: each is put where it begins.
    begins = [place for place in places if place == places[0] or found.times[place] != found.times[place - 1]]
    ticks = begins[:: max(1, -(-len(begins) // _TICKS))]
    axes.set_xticks(ticks, [found.times[place] for place in ticks], fontsize=7)
    dress(axes, "", found.column)
    axes.margins(x=0.01)
    axes.legend(fontsize=8, frameon=False, loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.2, ncols=_NAMED)
