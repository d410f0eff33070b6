"""From a small network upwards, until a larger one is no longer better by more than chance.

The step that is not taken any more follows the one-standard-error rule: of models that do not differ by more than the
standard error of the best, the smallest (Breiman, Friedman, Olshen & Stone, "Classification and Regression Trees", 1984).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dltrain.sweep.dimension import Dimension
from dltrain.sweep.trials import Trial


class CapacityStrategy:
    """Grows all dimensions together, one step a trial; the next size is tried when the last one was an improvement.

    Args:
        space: dimensions with listed sizes, smallest first; one that has fewer stays at its last.
        mode: "min" or "max": whether less or more of the metric is better.
        most: at most so many sizes; None: all there are.
    """

    def __init__(self, space: Sequence[Dimension], mode: str, most: int | None = None) -> None:
        count = max(len(dimension.values) for dimension in space)
        self._sizes = [
            {dimension.name: dimension.values[min(index, len(dimension.values) - 1)] for dimension in space}
            for index in range(min(count, most or count))
        ]
        self._sign = 1.0 if mode == "min" else -1.0
        self._next = 0
        self._told = 0
        self.chosen: Trial | None = None
        self.reason = ""
        self._stopped = False

    def candidates(self) -> list[dict[str, Any]]:
        """All sizes that are tried."""
        return self._sizes

    def choose(self, most: int) -> list[dict[str, Any]]:
        """The next size, if the last one has ended and was an improvement."""
        if self._stopped or self._next > self._told or self._next >= len(self._sizes):
            return []
        self._next += 1
        return [self._sizes[self._next - 1]]

    def tell(self, trial: Trial) -> None:
        """Grow on, or stop."""
        self._told = max(self._told, trial.number)
        best = self.chosen
        if trial.value is None:
            return  # this size did not train; the next one may
        if best is None or best.value is None:
            self.chosen = trial
            self.reason = "the smallest size"
            return
        gain = self._sign * (best.value - trial.value)
        noise = trial.standard_error or 0.0
        if gain > noise:
            self.chosen = trial
            self.reason = f"better than the size before it by {gain:.4g}, of which {noise:.4g} may be chance"
        else:
            self._stopped = True
            what = f"better by {gain:.4g}" if gain > 0 else f"worse by {-gain:.4g}"
            self.reason += (
                f"; the next size is {what}, which is not more than chance ({noise:.4g})"
                if gain > 0
                else (f"; the next size is {what}")
            )

    def resume(self, trials: Sequence[Trial]) -> None:
        """Go through what was decided before once more."""
        for trial in trials:
            self._next = trial.number
            if trial.is_ended:
                self.tell(trial)

    def report(self, trial: int, epoch: int, value: float) -> bool:
        """Every size trains to its end."""
        return False
