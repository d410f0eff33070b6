"""The interface of strategies, which choose the values of the trials."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from dltrain.sweep.trials import Trial


class Strategy(Protocol):
    """Chooses trials. What it chooses is a function of space, seed and the results it was told, of nothing else."""

    def candidates(self) -> list[dict[str, Any]]:
        """Values that are checked before the first trial trains: all that can be chosen, or the ends of what can be."""
        ...

    def choose(self, most: int) -> list[dict[str, Any]]:
        """The values of the next trials, `most` of them or fewer.

        Empty means: none before a running trial has ended; where none is running, there are no more.
        """
        ...

    def tell(self, trial: Trial) -> None:
        """A trial has ended."""
        ...

    def resume(self, trials: Sequence[Trial]) -> None:
        """Before the first `choose`: the trials that an interrupted sweep chose, in order, ended or not."""
        ...

    def report(self, trial: int, epoch: int, value: float) -> bool:
        """A trial's metric at an epoch's end (from 0); True: it falls so far behind that it shall stop."""
        ...


class ListStrategy:
    """A strategy whose trials are a list."""

    def __init__(self, trials: Sequence[dict[str, Any]]) -> None:
        self._trials = list(trials)
        self._next = 0

    def keep(self, trials: Sequence[dict[str, Any]]) -> None:
        """Choose only these of its trials: the others repeat them."""
        self._trials = list(trials)

    def candidates(self) -> list[dict[str, Any]]:
        """The values of all trials, in their order."""
        return self._trials

    def choose(self, most: int) -> list[dict[str, Any]]:
        """The next of the list."""
        chosen = self._trials[self._next : self._next + most]
        self._next += len(chosen)
        return chosen

    def tell(self, trial: Trial) -> None:
        """Results change nothing."""

    def resume(self, trials: Sequence[Trial]) -> None:
        """Go on with the trials that an earlier run of the sweep had not chosen yet."""
        chosen = [dict(trial.parameters) for trial in trials]
        self._trials = [*chosen, *(trial for trial in self._trials if trial not in chosen)]
        self._next = len(chosen)

    def report(self, trial: int, epoch: int, value: float) -> bool:
        """Every trial trains to its end."""
        return False
