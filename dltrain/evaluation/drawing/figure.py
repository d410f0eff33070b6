"""What all pictures share: a style of their own, text that is only text, a file that is whole or not there."""

from __future__ import annotations

import contextlib
import io
import logging
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dltrain.errors import InterruptedRun
from dltrain.evaluation.drawing.letters import choose_fonts, lacking_letters, say_lacking
from dltrain.reporting import Reporter
from dltrain.storage.atomic import write_atomically

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

logger = logging.getLogger(__name__)


@contextlib.contextmanager
def own_style() -> Iterator[None]:
    """Draw as matplotlib does by itself, whatever the user's matplotlibrc says, and take no name for a formula."""
    import matplotlib

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update({"text.parse_math": False, "axes.formatter.use_mathtext": False})
        yield


def new_figure(width: float, height: float, **options: Any) -> Figure:
    """An empty figure of so many inches that is drawn by Agg: pyplot would look for a display and keep every figure."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), **{"dpi": 120, **options})
    FigureCanvasAgg(figure)
    return figure


def as_bytes(pixels: NDArray[Any], low: float, high: float) -> NDArray[np.uint8]:
    """Pixels as uint8 to be looked at: from `low`, which is black, to `high`, which is white."""
    return np.round(255 * np.clip((pixels - low) / (high - low or 1.0), 0.0, 1.0)).astype(np.uint8)


def draw_rows(part: str, rows: Mapping[str, NDArray[np.uint8]], *, inch: float, foot: float = 0.03) -> Figure:
    """A figure with a row of pictures for each heading.

    Args:
        part: of the data, for the title.
        rows: heading -> pictures [n, height, width, 1 or 3], of one size.
        inch: width of a picture.
        foot: inches that stay free at the bottom.
    """
    pictures = next(iter(rows.values()))
    side, left, top = pictures.shape[1] / pictures.shape[2], 1.1, 0.3
    width, height = left + inch * len(pictures), inch * side * len(rows) + top + foot
    figure = new_figure(width, height)
    margins = {"left": left / width, "right": 1 - 0.05 / width, "bottom": foot / height, "top": 1 - top / height}
    grid = figure.subplots(len(rows), len(pictures), squeeze=False, gridspec_kw={**margins, "wspace": 0.06, "hspace": 0.06})
    for axes_row, (heading, images) in zip(grid, rows.items(), strict=True):
        for axes, image in zip(axes_row, images, strict=True):
            axes.imshow(image if image.shape[-1] == 3 else image[..., 0], cmap="gray", vmin=0, vmax=255, interpolation="nearest")
            axes.set_xticks([])
            axes.set_yticks([])
        axes_row[0].set_ylabel(heading, rotation=0, ha="right", va="center", fontsize=9)
    figure.suptitle(f"{part} part", y=1 - top / 2 / height, fontsize=10)
    return figure


def save_figure(figure: Figure, picture: Path, **options: Any) -> None:
    """Write the figure as PNG, whole or not at all.

    Raises:
        RunError: it cannot be written.
    """
    choose_fonts(figure)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", **options)
    write_atomically(picture, buffer.getvalue())


def make_logarithmic(axes: Axes, which: str) -> None:
    """Make one axis, "x" or "y", logarithmic, with numbers in plain text: a formula would not be read as one."""
    from matplotlib.ticker import LogFormatter

    axes.set(**{f"{which}scale": "log"})
    axis = axes.xaxis if which == "x" else axes.yaxis
    axis.set_major_formatter(LogFormatter(labelOnlyBase=False))
    axis.set_minor_formatter(LogFormatter(labelOnlyBase=False, minor_thresholds=(1.5, 0.4)))


def dress(axes: Axes, across: str, up: str) -> None:
    """Name the two axes, and draw a grid behind the curves in place of a frame."""
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    axes.grid(color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def draw_or_warn(draw: Callable[..., Any], what: str, *args: Any, reporter: Reporter) -> Any:
    """Call `draw(*args)`; a picture that fails is a warning, for what it would show is finished and stored.

    Args:
        draw: draws one picture or several.
        what: their name, for the warning.
        args: for `draw`.
        reporter: hears the warning.

    Returns:
        What `draw` returns; None where it failed.
    """
    try:
        with lacking_letters() as lacking:
            drawn = draw(*args)
        if lacking:
            reporter.warning(f"{what}: {say_lacking(lacking)}")
        return drawn
    except InterruptedRun:
        raise
    except Exception as error:  # a full disk, a library that cannot be loaded, or a bug: none of them undoes a training
        logger.debug("%s could not be drawn", what, exc_info=True)
        text = (str(error).splitlines() or [""])[0]
        reporter.warning(f"{what} could not be drawn: {text or type(error).__name__}")
        return None
