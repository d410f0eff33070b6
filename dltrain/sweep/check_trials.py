"""What `check` says of a sweep: whether each of its trials could be trained."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from dltrain.config.types import Config, DataConfig
from dltrain.data.facts import DataFacts
from dltrain.errors import ConfigError, DltrainError, Fault, UsageError
from dltrain.sweep.checks import TrialChecks, read_facts_here
from dltrain.sweep.choosing import build_strategy
from dltrain.sweep.plan import base_text, check_metric, plan_sweep, trial_config
from dltrain.wording import counted, listed

MOST_CHECKED = 100  # trials of a large grid, evenly spread over it; `sweep` checks every one


def check_trials(config: Config, facts: DataFacts) -> Iterator[Fault]:
    """The faults of a config's sweep: of its block, and of each trial against the data.

    Args:
        config: without faults of its own, with a `sweep:` block.
        facts: of its data.
    """
    try:
        plan = plan_sweep(config)
        check_metric(plan)
    except UsageError as error:
        yield from (replace(fault, path=fault.path or "sweep.metric") for fault in error.faults)
        return
    except ConfigError as error:
        yield from error.faults
        return
    own = replace(config.data, places={})

    def facts_of(data: DataConfig, seed: int) -> DataFacts:
        return facts if (replace(data, places={}), seed) == (own, config.seed) else read_facts_here(data, seed)

    checks, text = TrialChecks(plan.config, facts_of, choices=plan.choices, metric=plan.metric), base_text(plan.config)
    candidates = list(enumerate(build_strategy(plan, Path()).candidates(), 1))
    step = -(-len(candidates) // MOST_CHECKED) or 1
    for number, parameters in candidates[::step]:
        checks.check(number, parameters, lambda values: trial_config(plan, values, text))
    try:
        checks.raise_errors()
    except DltrainError as error:
        yield from error.faults


def describe_trials(config: Config) -> list[str]:
    """Lines on what a config's sweep will try, in the words of `dltrain check`; none where it has no sweep.

    Args:
        config: without faults, those of its sweep included.
    """
    if config.sweep is None:
        return []
    plan = plan_sweep(config)
    number = plan.trials if plan.strategy == "tpe" else len(build_strategy(plan, Path()).candidates())
    each = f" of {plan.fits_per_trial} fits" if plan.fits_per_trial > 1 else ""
    varied = listed([dimension.name for dimension in plan.space]) or "nothing"
    return [
        f"sweep: {counted(number or 1, 'trial')}{each}, {plan.strategy}, over {varied}; compared by {plan.metric}",
        *plan.repeats,
    ]
