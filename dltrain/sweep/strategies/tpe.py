"""Values chosen where the results so far promise most: the tree-structured Parzen estimator of Optuna.

Bergstra et al., "Algorithms for Hyper-Parameter Optimization", NeurIPS 2011; Akiba et al., "Optuna", KDD 2019.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from dltrain.sweep.space import Dimension
from dltrain.sweep.strategies.strategy import Strategy
from dltrain.sweep.study import Study
from dltrain.sweep.trials import Trial


class TpeStrategy:
    """Asks Optuna.

    Args:
        space: the dimensions.
        study: gives what the trials are kept in; it is not asked before the first trial is chosen.
        most: how many trials.
    """

    def __init__(self, space: Sequence[Dimension], study: Callable[[], Study], most: int) -> None:
        self._space, self._study, self._most = space, cache(study), most
        self._count = 0

    def candidates(self) -> list[dict[str, Any]]:
        """Each value there is by itself, beside the first of the others; of a range its ends."""
        ends = [list(dimension.values) or [dimension.low, dimension.high] for dimension in self._space]
        names = [dimension.name for dimension in self._space]
        count = max(len(values) for values in ends)
        rows = [[values[min(index, len(values) - 1)] for values in ends] for index in range(count)]
        rows += map(list, itertools.islice(itertools.product(*([values[0], values[-1]] for values in ends)), 64))
        return [dict(zip(names, row)) for row in rows]

    def choose(self, most: int) -> list[dict[str, Any]]:
        """What Optuna suggests, given what it was told."""
        chosen: list[dict[str, Any]] = []
        while len(chosen) < most and self._count < self._most:
            self._count += 1
            chosen.append(self._study().ask(self._count))
        return chosen

    def tell(self, trial: Trial) -> None:
        """Tell Optuna."""
        self._study().tell(trial)

    def resume(self, trials: Sequence[Trial]) -> None:
        """Go on with the study of the interrupted sweep."""
        self._study().resume(trials)
        self._count = len(trials)

    def report(self, trial: int, epoch: int, value: float) -> bool:
        """Ask the pruner, if there is one."""
        return self._study().report(trial, epoch, value)


class PrunedStrategy:
    """Another strategy's trials, stopped early by Optuna's pruner where they fall behind."""

    def __init__(self, strategy: Strategy, study: Callable[[], Study]) -> None:
        self._strategy, self._study = strategy, cache(study)
        self._count = 0

    def candidates(self) -> list[dict[str, Any]]:
        """Those of the strategy."""
        return self._strategy.candidates()

    def choose(self, most: int) -> list[dict[str, Any]]:
        """What the strategy chooses; the study gets to know it."""
        chosen = self._strategy.choose(most)
        for parameters in chosen:
            self._count += 1
            self._study().add(self._count, parameters)
        return chosen

    def tell(self, trial: Trial) -> None:
        """Tell both."""
        self._strategy.tell(trial)
        self._study().tell(trial)

    def resume(self, trials: Sequence[Trial]) -> None:
        """Let both go on."""
        self._strategy.resume(trials)
        self._study().resume(trials)
        self._count = len(trials)

    def report(self, trial: int, epoch: int, value: float) -> bool:
        """Ask the pruner."""
        return self._study().report(trial, epoch, value)
