"""Whether the best trial is better than the baseline, which knows nothing of the inputs: one verdict over all of its fits."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from dltrain.evaluation.metrics.verdicts import Verdict, together
from dltrain.storage.run import Run
from dltrain.sweep.plan import SweepPlan
from dltrain.sweep.trials import Trial
from dltrain.wording import counted


def baseline_of_trial(trial: Trial) -> dict[str, dict[str, float]]:
    """Part -> metric -> value of what a fit is held against; the mean where there are several fits."""
    every = [document.get("baselines", {}) for document in _documents(trial)]
    found: dict[str, dict[str, float]] = {}
    for part in every[0] if every else ():
        for name in every[0][part]:
            values = [baselines.get(part, {}).get(name) for baselines in every]
            if all(value is not None for value in values):
                found.setdefault(part, {})[name] = statistics.fmean(values)
    return found


def standing(trial: Trial, plan: SweepPlan, others: int) -> list[str]:
    """Sentences on whether a trial is better than the baseline, or than each simple forecast, by more than chance.

    Folds hold out rows of their own, whose evidence adds up; several seeds ask the same rows again.

    Args:
        trial: whose fits have ended.
        plan: of the sweep.
        others: trials that were compared with it.
    """
    documents = _documents(trial)
    if not documents or len(documents) < len(trial.fits):
        return []
    part = "validation" if plan.folds else str(documents[0].get("part"))
    if part == "train":
        return []
    every = [document.get("verdicts", {}).get(part, {}) for document in documents]
    number, sentences = len(documents), list[str]()
    where = f"on the {part} part" if number == 1 else f"over the {plan.folds} folds" if plan.folds else f"over the {number} fits"
    if plan.folds and number > plan.folds:
        where = f"over {counted(number, 'fit')} of {plan.folds} folds"
    # The part that the trials were compared on flatters the one that was chosen by it.
    chosen = f" It was chosen among {counted(others + 1, 'trial')} by these very rows." if others and part == "validation" else ""
    for name in every[0]:
        if all(name in one for one in every):
            verdict = together([_restored(one[name]) for one in every], number // (plan.folds or 1))
            better = f"The model is better than the {verdict.against} {where}: {verdict.figures()}."
            sentences.append((verdict.sentence(where) or better) + chosen)
    return sentences


def _documents(trial: Trial) -> list[Mapping[str, Any]]:
    """What the fits that ended say of themselves."""
    return [Run(fit.path).read_metrics() for fit in trial.fits if fit.status in ("finished", "pruned")]


def _restored(stored: Mapping[str, Any]) -> Verdict:
    """A verdict as it was written; what was no finite number then is none now."""
    values: dict[str, Any] = {
        field.name: math.nan if stored[field.name] is None else stored[field.name] for field in fields(Verdict)
    }
    return Verdict(**values)
