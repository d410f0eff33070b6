"""The training history as a picture."""

from __future__ import annotations

import csv
import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dltrain.errors import RunError
from dltrain.evaluation.drawing.figure import dress, make_logarithmic, new_figure, own_style, save_figure
from dltrain.storage.bounds import most_of_run
from dltrain.storage.stored import refuse_larger, require_own

if TYPE_CHECKING:
    from matplotlib.axes import Axes

History = dict[str, list[float]]

_TRAINING_COLOUR, _VALIDATION_COLOUR, _BEST_COLOUR = "#1f77b4", "#d95f02", "#7a5195"
_PANEL, _HEADING = (4.8, 3.5), 0.3  # inches
_MOST_CELLS = 1 << 25  # of a history, each of which takes 32 bytes of memory, however short the text is
_HIGHEST = 1e100  # what is above, just before a divergence, would overflow the axes
OF_SEVERAL = 20.0  # see `is_wide`
NOT_CURVES = ("epoch", "phase", "seconds", "members")


def read_history(file: Path) -> History:
    """Read `history.csv`: column -> values by epoch; an empty or unreadable cell is NaN. Empty where there is no file.

    Raises:
        OSError: it cannot be read.
        RunError: it is no table, larger than any history, or a link that leads out of its run.
    """
    require_own(file, file.parent)
    try:
        refuse_larger(file, most_of_run("history.csv"))
        with file.open(encoding="utf-8", newline="") as lines:
            rows = csv.reader(lines)
            names = next(rows, [])
            columns: list[list[float]] = [[] for _ in names]
            for number, row in enumerate(filter(None, rows), 1):
                if number * len(names) > _MOST_CELLS:
                    raise RunError(f"{file} has more than {_MOST_CELLS:,} cells", hint="the run is damaged")
                for column, cell in itertools.zip_longest(columns, row[: len(names)]):
                    column.append(_number(cell))
    except FileNotFoundError:
        return {}
    except (UnicodeDecodeError, csv.Error) as error:
        raise RunError(f"{file} is not a readable history: {error}", hint="the run is damaged") from error
    return {name: column for name, column in zip(names, columns, strict=True) if name and column}


def drawable(values: Sequence[float]) -> list[float]:
    """The values, with none where one would overflow the axes."""
    return [value if abs(value) < _HIGHEST else math.nan for value in values]


def is_wide(values: Iterable[float], times: float = 50.0) -> bool:
    """Whether numbers are told apart better on a logarithmic axis: the largest is so many times the smallest, which is above 0.

    Numbers that are not finite do not count. Of curves side by side, and of values that were tried, `OF_SEVERAL` times will do.
    """
    finite = [value for value in values if math.isfinite(value)]
    return bool(finite) and min(finite) > 0 and max(finite) >= times * min(finite)


@own_style()
def plot_history(history: Path, picture: Path, *, title: str = "", best_epoch: float | None = None) -> bool:
    """Draw loss and each metric over the epochs, training against validation, and write the picture as PNG.

    Args:
        history: `history.csv` of a run: `epoch`, `loss`, metrics, each with its `val_` companion where there is one.
        picture: file to write, whole or not at all.
        title: heading, such as the run's name.
        best_epoch: value of the `epoch` column to mark; None: the epoch of the lowest `val_loss`, if there is one.

    Returns:
        Whether there was anything to draw; without a finished epoch no file is written.

    Raises:
        OSError: the history cannot be read or the picture not be written.
    """
    values = {name: drawable(column) for name, column in read_history(history).items()}
    epochs = values.get("epoch", [])
    curves = _curves(values)
    if not epochs or not curves:
        return False
    if best_epoch is None:
        best_epoch = _lowest(epochs, values.get("val_loss", []))
    columns = min(len(curves), 3)
    rows = math.ceil(len(curves) / columns)
    width, height = _PANEL[0] * columns, _PANEL[1] * rows + _HEADING
    figure = new_figure(width, height)
    # Margins set by hand: a layout engine draws everything twice to find them.
    margins = {"left": 0.8 / width, "right": 1 - 0.2 / width, "bottom": 0.6 / height, "top": 1 - (_HEADING + 0.1) / height}
    grid = figure.subplots(rows, columns, squeeze=False, gridspec_kw={**margins, "wspace": 0.28, "hspace": 0.3})
    for axes, name in zip(grid.flat, curves):
        _draw(axes, name, epochs, values, best_epoch)
    for axes in grid.flat[len(curves) :]:
        axes.set_visible(False)
    if title:
        figure.suptitle(title, y=1 - 0.15 / height, fontsize=11)
    save_figure(figure, picture)
    return True


@own_style()
def plot_steps(losses: Sequence[float], picture: Path, *, title: str = "") -> None:
    """Draw the loss over the steps of gradient descent and write the picture as PNG.

    Args:
        losses: before the first step, and after each one.
        picture: file to write, whole or not at all.
        title: heading.

    Raises:
        RunError: the picture cannot be written.
    """
    figure = new_figure(*_PANEL, layout="constrained")
    axes = figure.subplots()
    _draw(axes, "loss", [float(step) for step in range(len(losses))], {"loss": drawable(losses)}, None)
    axes.set_xlabel("steps done")
    if title:
        axes.set_title(title, fontsize=11)
    save_figure(figure, picture)


@own_style()
def plot_rates(rates: Sequence[float], losses: Sequence[float], chosen: float | None, picture: Path) -> None:
    """Draw the smoothed loss over a rising learning rate, with the suggested one marked, and write the picture as PNG.

    Raises:
        RunError: the picture cannot be written.
    """
    figure = new_figure(*_PANEL, layout="constrained")
    axes = figure.subplots()
    axes.plot(list(rates), drawable(losses))
    make_logarithmic(axes, "x")
    axes.set(xlabel="learning rate", ylabel="loss, smoothed")
    if chosen is not None:
        axes.axvline(chosen, color="C1", linestyle="--")
        axes.set_title(f"the loss falls fastest at {chosen:g}", fontsize=11)
    save_figure(figure, picture)


@own_style()
def plot_activation(name: str, value: Callable[[Any], Any], slope: Callable[[Any], Any], picture: Path) -> None:
    """Draw an activation and its slope from -6 to 6 and write the picture as PNG.

    Args:
        name: Keras's.
        value: of an array.
        slope: likewise; the derivative.
        picture: file to write, whole or not at all.

    Raises:
        RunError: the picture cannot be written.
    """
    figure = new_figure(*_PANEL, layout="constrained")
    axes = figure.subplots()
    places = np.linspace(-6, 6, 601)
    axes.plot(places, value(places), color=_TRAINING_COLOUR, linewidth=1.8, label=name)
    axes.plot(places, slope(places), color=_VALIDATION_COLOUR, linewidth=1.2, linestyle="--", label="its slope")
    axes.axhline(0, color="#888888", linewidth=0.6)
    axes.axvline(0, color="#888888", linewidth=0.6)
    axes.set_xlabel("weighted sum of the inputs")
    axes.grid(color="#dddddd", linewidth=0.6)
    axes.legend(fontsize=8, frameon=False)
    save_figure(figure, picture)


def _curves(values: History) -> list[str]:
    """Loss first, then the metrics, the learning rate last and only where it moves."""
    names = [name for name in values if not name.startswith("val_") and name not in NOT_CURVES]
    names = [name for name in names if name != "learning_rate" or len(set(values[name])) > 1]
    order = {"loss": 0, "learning_rate": 2}
    return sorted(names, key=lambda name: order.get(name, 1))


def _draw(axes: Axes, name: str, epochs: list[float], values: History, best_epoch: float | None) -> None:
    from matplotlib.ticker import MaxNLocator

    marker = "o" if len(epochs) <= 30 else None
    style: dict[str, Any] = {"linewidth": 1.6, "marker": marker, "markersize": 3}
    axes.plot(epochs, values[name], color=_TRAINING_COLOUR, label="training", **style)
    validation = values.get(f"val_{name}")
    if validation is not None:
        axes.plot(epochs, validation, color=_VALIDATION_COLOUR, label="validation", **style)
    if best_epoch is not None and name != "learning_rate":
        axes.axvline(best_epoch, color=_BEST_COLOUR, linestyle="--", linewidth=1.2, label=f"best epoch ({best_epoch:g})")
    dress(axes, "epoch", name.replace("_", " "))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    if name in ("loss", "learning_rate") and is_wide([*values[name], *(validation or [])]):
        make_logarithmic(axes, "y")
    if name != "learning_rate":
        axes.legend(fontsize=8, frameon=False)


def _lowest(epochs: list[float], losses: list[float]) -> float | None:
    finite = [(loss, epoch) for epoch, loss in zip(epochs, losses) if math.isfinite(loss)]
    return min(finite)[1] if finite else None


def _number(text: str | None) -> float:
    try:
        return float(text or "nan")
    except ValueError:
        return math.nan
