"""Which trial is the best, and whether it is so by more than chance."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from dltrain.sweep.plan import SweepPlan
from dltrain.sweep.space import show
from dltrain.sweep.trials import Trial


@dataclass(frozen=True, slots=True)
class Comparison:
    """The best trial against the next.

    Attributes:
        best: None where no trial has a value.
        next: None where only one has.
        difference: by how much the best is better.
        noise: how much chance alone makes likely: the larger spread where there are several fits a trial, else two standard
            errors of the difference, the rows being taken as drawn independently; None: not known.
        differs: whether the difference is larger; None: not known.
    """

    best: Trial | None
    next: Trial | None = None
    difference: float | None = None
    noise: float | None = None

    @property
    def differs(self) -> bool | None:
        """Whether the best is better by more than chance."""
        return None if self.noise is None or self.difference is None else self.difference > self.noise

    def sentence(self, plan: SweepPlan) -> str:
        """What the comparison says, for the user."""
        if self.best is None:
            return "no trial has a result to compare"
        named = f"trial {self.best.number}" + (f" ({show(self.best.parameters)})" if self.best.parameters else "")
        if self.next is None or self.difference is None:
            return f"the best is {named}"
        ahead = f"the best is {named}, ahead of trial {self.next.number} by {self.difference:.4g} in {plan.metric}"
        if self.noise is None:
            return f"{ahead}; how much of that is chance is not known: `sweep.seeds` would tell"
        what = "the spread over the fits" if plan.fits_per_trial > 1 else "two standard errors"
        if self.differs:
            return f"{ahead}: more than {what}, {self.noise:.4g}"
        return f"{ahead}: not more than {what}, {self.noise:.4g}, so they do not differ for sure"


def rank(trials: Sequence[Trial], mode: str) -> list[Trial]:
    """Trials that have a value, best first; those that were stopped early come after all that were not."""
    sign = 1.0 if mode == "min" else -1.0
    ended = [trial for trial in trials if trial.value is not None and math.isfinite(trial.value)]
    return sorted(ended, key=lambda trial: (trial.status == "pruned", sign * (trial.value or 0.0), trial.number))


def compare(trials: Sequence[Trial], plan: SweepPlan, chosen: Trial | None = None) -> Comparison:
    """The best trial, or the one that the strategy has chosen, against the best of the others."""
    ranked = rank(trials, plan.mode)
    if not ranked:
        return Comparison(None)
    best = chosen or ranked[0]
    others = [trial for trial in ranked if trial.parameters != best.parameters]
    if not others:
        return Comparison(best)
    other = others[0]
    assert best.value is not None
    assert other.value is not None
    difference = (other.value - best.value) * (1.0 if plan.mode == "min" else -1.0) + 0.0  # of equal ones 0, not -0
    if plan.fits_per_trial > 1:
        spreads = [trial.spread for trial in (best, other) if trial.spread is not None]
        return Comparison(best, other, difference, max(spreads) if len(spreads) == 2 else None)
    errors = [trial.standard_error for trial in (best, other) if trial.standard_error is not None]
    return Comparison(best, other, difference, 2 * math.hypot(*errors) if len(errors) == 2 else None)
