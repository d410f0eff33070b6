"""Values chosen where the results so far promise most: the tree-structured Parzen estimator of Optuna.

Bergstra et al., "Algorithms for Hyper-Parameter Optimization", NeurIPS 2011; Akiba et al., "Optuna", KDD 2019.
"""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from dltrain.sweep.combinations import assemble, branches, num_configurations
from dltrain.sweep.dimension import Dimension
from dltrain.sweep.strategies.strategy import ListStrategy
from dltrain.sweep.study import Study
from dltrain.sweep.trials import Trial

_MOST_ATTEMPTS = 10


def _text(parameters: Mapping[str, Any]) -> str:
    return json.dumps(dict(parameters), sort_keys=True)


def _draw(dimension: Dimension, generator: random.Random) -> Any:
    """A value, each equally likely, of a logarithmic range of whole numbers as well: all of them must come in the end."""
    if dimension.log and dimension.whole:
        return generator.randint(int(dimension.low), int(dimension.high))
    return dimension.draw(generator)


class TpeStrategy:
    """Chooses values by Optuna's tree-structured Parzen estimator.

    Args:
        space: the dimensions.
        study: gives what the trials are kept in; it is not asked before the first trial is chosen.
        most: how many trials; fewer where there are not so many different ones.
    """

    def __init__(self, space: Sequence[Dimension], study: Callable[[], Study], most: int) -> None:
        self._space, self._study = space, cache(study)
        different = num_configurations(space)
        self.most = most if different is None else min(most, different)
        self._count = 0
        self._seen: set[str] = set()

    def candidates(self) -> list[dict[str, Any]]:
        """Each value there is, by itself beside the first of the others; of a range its ends.

        So for each choice of what others depend on.
        """
        found = []
        for branch in branches(self._space):
            ends = [dimension.ends for dimension in branch]
            names = [dimension.name for dimension in branch]
            count = max(len(values) for values in ends)
            rows = [[values[min(index, len(values) - 1)] for values in ends] for index in range(count)]
            rows += map(list, itertools.islice(itertools.product(*([values[0], values[-1]] for values in ends)), 64))
            found += [dict(zip(names, row)) for row in rows]
        return found

    def choose(self, most: int) -> list[dict[str, Any]]:
        """What Optuna suggests, given what it was told."""
        chosen: list[dict[str, Any]] = []
        while len(chosen) < most and self._count < self.most:
            self._count += 1
            chosen.append(self._new_one())
        return chosen

    def _new_one(self) -> dict[str, Any]:
        """Values that no trial had before: what was trained once would only come out the same."""
        study = self._study()
        for attempt in range(_MOST_ATTEMPTS):
            parameters = study.ask(self._count, attempt)
            if _text(parameters) not in self._seen:
                self._seen.add(_text(parameters))
                return parameters
            study.give_up(self._count)
        # Optuna holds on to a place where everything was tried: any other one tells more.
        generator = random.Random(f"{self._count}")
        while True:
            parameters = assemble(self._space, lambda dimension: _draw(dimension, generator))
            if _text(parameters) not in self._seen:
                self._seen.add(_text(parameters))
                study.add(self._count, parameters)
                return parameters

    def tell(self, trial: Trial) -> None:
        """Tell Optuna."""
        self._study().tell(trial)

    def resume(self, trials: Sequence[Trial]) -> None:
        """Go on with the study of the interrupted sweep."""
        self._study().resume(trials)
        self._count = len(trials)
        self._seen = {_text(trial.parameters) for trial in trials}

    def report(self, trial: int, epoch: int, value: float) -> bool:
        """Ask the pruner, if there is one."""
        return self._study().report(trial, epoch, value)


class PrunedStrategy:
    """Another strategy's trials, stopped early by Optuna's pruner where they fall behind."""

    def __init__(self, strategy: ListStrategy, study: Callable[[], Study]) -> None:
        self._strategy, self._study = strategy, cache(study)
        self._count = 0

    def candidates(self) -> list[dict[str, Any]]:
        """The values of all trials, of the strategy whose trials are pruned."""
        return self._strategy.candidates()

    def keep(self, trials: Sequence[dict[str, Any]]) -> None:
        """Choose only these of the strategy's trials."""
        self._strategy.keep(trials)

    def choose(self, most: int) -> list[dict[str, Any]]:
        """What the strategy chooses; the study gets to know it."""
        chosen = self._strategy.choose(most)
        for parameters in chosen:
            self._count += 1
            self._study().add(self._count, parameters)
        return chosen

    def tell(self, trial: Trial) -> None:
        """Tell the strategy and the study what came of a trial."""
        self._strategy.tell(trial)
        self._study().tell(trial)

    def resume(self, trials: Sequence[Trial]) -> None:
        """Give earlier trials to the strategy and to the study."""
        self._strategy.resume(trials)
        self._study().resume(trials)
        self._count = len(trials)

    def report(self, trial: int, epoch: int, value: float) -> bool:
        """Ask the pruner."""
        return self._study().report(trial, epoch, value)
