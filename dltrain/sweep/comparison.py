"""Which trial is the best, and whether it is so by more than chance."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from dltrain.errors import RunError
from dltrain.evaluation.drawing.history import read_history
from dltrain.evaluation.leaderboard import chance, within_chance
from dltrain.sweep.plan import SweepPlan
from dltrain.sweep.space import show
from dltrain.sweep.trials import Trial

# A curve whose rises are less than this share of its way down is steady.
_MUCH = 0.25
# Curves whose rises differ by less than this share of their way down are as steady as each other.
_ALIKE = 0.05
# A loss that fell by less than this share of itself did not fall.
_NO_WAY = 1e-3


@dataclass(frozen=True, slots=True)
class Comparison:
    """The best trial against the next.

    Attributes:
        best: None where no trial has a value.
        next: None where only one has.
        difference: by how much the best is better.
        top: the trial with the best value, whichever is called the best.
        lowest: the trial with the best value, where another one is called the best for being steadier; else None.
        noise: how much chance alone makes likely: the larger spread where there are several fits a trial, else two standard
            errors of the difference, the rows being taken as drawn independently; None: not known.
        differs: whether the difference is larger; None: not known.
    """

    best: Trial | None
    next: Trial | None = None
    difference: float | None = None
    noise: float | None = None
    lowest: Trial | None = None
    top: Trial | None = None

    @property
    def differs(self) -> bool | None:
        """Whether the best is better by more than chance."""
        return None if self.noise is None or self.difference is None else self.difference > self.noise

    def sentence(self, plan: SweepPlan) -> str:
        """What the comparison says, for the user."""
        if self.best is None:
            return "no trial has a result to compare"
        named = f"trial {self.best.number}" + (f" ({show(self.best.parameters)})" if self.best.parameters else "")
        if self.lowest is not None:
            other = f"trial {self.lowest.number} ({show(self.lowest.parameters)})"
            return (
                f"the best is {named}: {other} has the better {plan.metric}, {_short(self.lowest.value)} against"
                f" {_short(self.best.value)}, which is within chance, and its curve jumps more"
            )
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
    steadier = None if chosen else steadiest(ranked, plan)
    best = chosen or steadier or ranked[0]
    others = [trial for trial in ranked if trial.parameters != best.parameters]
    if not others:
        return Comparison(best, top=ranked[0])
    other = others[0]
    lowest = ranked[0] if steadier is not None else None
    assert best.value is not None
    assert other.value is not None
    difference = (other.value - best.value) * (1.0 if plan.mode == "min" else -1.0) + 0.0  # of equal ones 0, not -0
    if plan.fits_per_trial > 1:
        spreads = [trial.spread for trial in (best, other) if trial.spread is not None]
        return Comparison(best, other, difference, max(spreads) if len(spreads) == 2 else None, lowest, ranked[0])
    return Comparison(best, other, difference, chance(best.standard_error, other.standard_error), lowest, ranked[0])


def steadiest(ranked: Sequence[Trial], plan: SweepPlan) -> Trial | None:
    """Of a sweep over learning rates the trial within chance of the best whose curve jumps least, if the best's jumps far more.

    Of several that are as steady, it is the one with the best value.

    Within chance is what the sentence calls so, two standard errors of the difference. A curve's jumps are its rises taken
    together, in shares of the way that it went down: a rate that is too high overshoots, and is the best of a list by luck
    (after the rule of Breiman and others, "Classification and Regression Trees", 1984, with steadiness in the place of size).

    Returns:
        None where the best one stays the best: another thing is varied, nothing is known of chance, or it is steady enough.
    """
    # The peak of a curve is the rate that such a schedule is asked for.
    if len(plan.space) != 1 or not all(key.endswith(("learning_rate", "learning_rate.peak")) for key in plan.space[0].keys):
        return None
    best = ranked[0]
    if best.value is None or best.status == "pruned":
        return None
    near: list[tuple[float, Trial]] = []
    for trial in ranked:
        if trial.value is None or trial.status == "pruned":
            continue
        if within_chance(best.value, best.standard_error, trial.value, trial.standard_error):
            near += [(jumps, trial)] if math.isfinite(jumps := _jumps(trial)) else []
    jumps = _jumps(best)
    if not math.isfinite(jumps) or not near:
        return None
    least = min(jumps for jumps, _ in near)
    found = next(trial for jumps, trial in near if jumps <= least + _ALIKE)  # they come best first
    return found if found is not best and jumps > _MUCH and jumps > 2 * least else None


def _jumps(trial: Trial) -> float:
    """The rises of a trial's loss from epoch to epoch, in shares of the way from its first value to its lowest."""
    total = 0.0
    for fit in trial.fits:
        try:
            history = read_history(fit.path / "history.csv")
        except (OSError, RunError):
            return math.inf
        if not history:
            return math.inf
        curve = [value for value in history.get("val_loss", history.get("loss", [])) if math.isfinite(value)]
        rises = sum(max(0.0, after - before) for before, after in itertools.pairwise(curve))
        way_down = curve[0] - min(curve) if curve else 0.0
        if way_down <= _NO_WAY * abs(curve[0] if curve else 0.0):
            return math.nan  # it learnt nothing: its rises are those of rounding
        total += rises / way_down
    return total / max(len(trial.fits), 1)


def _short(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"
