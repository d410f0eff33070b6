"""The pictures of a run, drawn by the helper process while other work goes on; the run is complete without them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from dltrain.evaluation.drawing.figure import draw_or_warn
from dltrain.evaluation.drawing.forecast import plot_forecast
from dltrain.evaluation.drawing.history import plot_history
from dltrain.evaluation.drawing.mistakes import FILE as MISTAKES_FILE
from dltrain.evaluation.drawing.mistakes import MistakeSheet, plot_mistakes
from dltrain.evaluation.drawing.reconstructions import Sheet, plot_reconstructions
from dltrain.evaluation.metrics.forecast import Forecast
from dltrain.processes.helper import HelperProcess
from dltrain.reporting import Reporter
from dltrain.storage.run import Run


class Pictures:
    """Draws what a run has to show.

    Args:
        run: where the pictures go.
        title: heading, the run's name.
        helper: draws them, one after the other.
        reporter: hears of what could not be drawn.
    """

    def __init__(self, run: Run, title: str, helper: HelperProcess, reporter: Reporter) -> None:
        self._folder, self._history, self._title = run.path, run.history_file, title
        self._helper, self._reporter = helper, reporter
        self._num_waiting = 0

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

    def mistakes(self, sheet: MistakeSheet | None) -> None:
        """The pictures about which the model was most wrong, where there are any."""
        if sheet is not None:
            self._draw(plot_mistakes, MISTAKES_FILE, sheet)

    def _draw(self, draw: Callable[..., None], name: str, *args: Any) -> None:
        self._helper.submit(draw_or_warn, draw, name, self._folder / name, *args)
        self._num_waiting += 1

    def wait(self) -> None:
        """Until all are drawn. Several runs that share a helper wait in the order in which they asked for their pictures."""
        while self._num_waiting:
            self._num_waiting -= 1
            self._helper.result(self._reporter)


def _plot_history(picture: Path, history: Path, title: str, best_epoch: int | None) -> None:
    plot_history(history, picture, title=title, best_epoch=best_epoch)
