"""The pictures of a run, drawn by helper processes while other work goes on; the run is complete without them."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from dltrain.evaluation.drawing.charts import RESULTS_FILE, plot_results
from dltrain.evaluation.drawing.figure import draw_or_warn
from dltrain.evaluation.drawing.forecast import plot_forecast
from dltrain.evaluation.drawing.history import plot_history
from dltrain.evaluation.drawing.mistakes import FILE as MISTAKES_FILE
from dltrain.evaluation.drawing.mistakes import MistakeSheet, plot_mistakes
from dltrain.evaluation.drawing.reconstructions import Sheet, plot_reconstructions
from dltrain.evaluation.masks.sheet import MaskSheet, plot_masks
from dltrain.evaluation.metrics.forecasts.forecast import Forecast
from dltrain.processes.helper import HelperLostError, HelperProcess, runs_tensorflow
from dltrain.reporting import Reporter
from dltrain.storage.layout import EVERY_TRIAL, PICTURES
from dltrain.storage.run import Run


class Drawers:
    """Helper processes that draw, one picture each at a time, for one run or for several.

    Args:
        helpers: of which nothing else is asked until `wait`; without any they are of a trial (see `layout.PICTURES`).
    """

    def __init__(self, helpers: Sequence[HelperProcess]) -> None:
        self._helpers = list(helpers)
        self._num_asked = 0
        self._waiting: deque[tuple[HelperProcess, Reporter]] = deque()

    @property
    def are_of_trial(self) -> bool:
        """Whether they draw what every trial of a sweep has, and nothing else."""
        return not self._helpers

    def warm_up(self) -> None:
        """Have them import what drawing needs, while training goes on here."""
        for helper in self._helpers:
            helper.submit(_import_plots)
            self._waiting.append((helper, Reporter()))

    def draw(self, draw: Callable[..., None], picture: Path, *args: Any, reporter: Reporter) -> None:
        """Have `draw(picture, *args)` done; the reporter hears of a picture that could not be drawn, at the latest in `wait`."""
        helper = self._helpers[self._num_asked % len(self._helpers)]
        self._num_asked += 1
        helper.submit(draw_or_warn, draw, picture.name, picture, *args)
        self._waiting.append((helper, reporter))

    def wait(self) -> None:
        """Until all that was asked for is drawn."""
        while self._waiting:
            helper, reporter = self._waiting.popleft()
            try:
                helper.result(reporter)
            except HelperLostError as error:
                reporter.warning(f"pictures are missing: {error.faults[0].message}")

    def close(self) -> None:
        """Let the helpers end."""
        for helper in self._helpers:
            helper.close()


def _import_plots(*, reporter: Reporter) -> None:
    """Import what drawing needs while training goes on elsewhere."""
    if not runs_tensorflow():
        with contextlib.suppress(Exception):  # said where something is to be drawn
            import matplotlib.backends.backend_agg
            import matplotlib.figure  # noqa: F401


class Pictures:
    """A run's pictures.

    Args:
        run: where the pictures go.
        title: heading, the run's name.
        drawers: draw them.
        reporter: hears of what could not be drawn.
    """

    def __init__(self, run: Run, title: str, drawers: Drawers, reporter: Reporter) -> None:
        self._folder, self._history, self._title = run.path, run.history_file, title
        self._drawers, self._reporter = drawers, reporter
        self._asked: list[str] = []

    def drawn(self) -> list[str]:
        """Names of the pictures that were asked for and are there."""
        return [name for name in self._asked if (self._folder / name).is_file()]

    def history(self, best_epoch: int | None) -> None:
        """Loss and metrics over the epochs.

        Args:
            best_epoch: which to mark, from 1.
        """
        self._draw(_plot_history, "history.png", self._history, self._title, best_epoch)

    def forecast(self, part: str, forecasts: list[Forecast]) -> None:
        """Forecast against truth over time, where a part has any."""
        if forecasts:
            self._draw(plot_forecast, "forecast.png", f"{self._title}, {part} part", forecasts)

    def reconstructions(self, sheet: Sheet | None) -> None:
        """Pictures beside what was made of them, where there are any."""
        if sheet is not None:
            self._draw(plot_reconstructions, "reconstructions.png", sheet)

    def masks(self, sheet: MaskSheet | None) -> None:
        """Pictures beside their masks and what is said of their pixels, where there are any."""
        if sheet is not None:
            self._draw(plot_masks, "masks.png", sheet)

    def mistakes(self, sheet: MistakeSheet | None) -> None:
        """The pictures about which the model was most wrong, where there are any."""
        if sheet is not None:
            self._draw(plot_mistakes, MISTAKES_FILE, sheet)

    def results(self, report: Mapping[str, Any]) -> None:
        """Predictions against true values; drawn here, for it takes a thousandth of a second."""
        if draw_or_warn(plot_results, RESULTS_FILE, self._folder / RESULTS_FILE, report, reporter=self._reporter):
            self._asked.append(RESULTS_FILE)

    def _draw(self, draw: Callable[..., None], name: str, *args: Any) -> None:
        if self._drawers.are_of_trial and PICTURES[name] != EVERY_TRIAL:
            return
        self._asked.append(name)
        self._drawers.draw(draw, self._folder / name, *args, reporter=self._reporter)


def _plot_history(picture: Path, history: Path, title: str, best_epoch: int | None) -> None:
    plot_history(history, picture, title=title, best_epoch=best_epoch)
