"""Which strategy, and which engine."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dltrain.cards import AUTO, asked_cards
from dltrain.checking.memory import gigabytes, held_bytes, own_bytes
from dltrain.checking.result import Memory
from dltrain.config.types import Config
from dltrain.errors import ConfigError, UsageError
from dltrain.machine import memory_bytes
from dltrain.reporting import Reporter
from dltrain.sweep.engines import Engine, load_engine
from dltrain.sweep.plan import SweepOptions, SweepPlan
from dltrain.sweep.strategies.strategy import ListStrategy, Strategy
from dltrain.sweep.trials import TrialFit
from dltrain.system import usable_cores


def build_strategy(plan: SweepPlan, folder: Path) -> Strategy:
    """The strategy of a plan; what it must remember is kept in the sweep's directory."""
    seed, most = plan.config.seed, plan.trials
    if plan.strategy == "capacity":
        from dltrain.sweep.strategies.capacity import CapacityStrategy

        return CapacityStrategy(plan.space, plan.mode, most)
    if plan.strategy == "tpe":
        from dltrain.sweep.strategies.tpe import TpeStrategy

        return TpeStrategy(plan.space, lambda: _study(plan, folder), most or 1)
    strategy: ListStrategy
    if plan.strategy == "random":
        from dltrain.sweep.strategies.random import RandomStrategy

        strategy = RandomStrategy(plan.space, seed, most or 1)
    else:
        from dltrain.sweep.strategies.grid import GridStrategy

        strategy = GridStrategy(plan.space, most)
    if plan.pruning is None:
        return strategy
    from dltrain.sweep.strategies.tpe import PrunedStrategy

    return PrunedStrategy(strategy, lambda: _study(plan, folder))


def _study(plan: SweepPlan, folder: Path) -> Any:
    from dltrain.sweep.study import Study

    training = plan.config.training
    return Study(
        folder,
        plan.space,
        mode=plan.mode,
        seed=plan.config.seed,
        parallel=plan.jobs != 1,
        pruning=plan.pruning,
        epochs=training.epochs if training else 1,
    )


_WHERE = "trials that differ in numbers alone train together in one process; else Linux, macOS or a Ray cluster"


def choose_engine(plan: SweepPlan, fits: Sequence[TrialFit], reporter: Reporter, options: SweepOptions) -> Engine:
    """The engine of a plan: the one that is asked for, else the first that can run these fits and gains by it.

    Args:
        plan: of the sweep.
        fits: those that are known by now.
        reporter: is told why.
        options: what the call says of a Ray cluster.

    Raises:
        UsageError: the engine that is asked for cannot run them.
    """
    of_ray = _of_ray(plan, options)
    wanted = "ray" if of_ray else plan.engine
    if wanted == "ray" and plan.pruning:
        raise UsageError("the engine ray cannot stop trials early", hint="leave out sweep.pruning, or --engine processes")
    if wanted != "auto":
        engine = load_engine(wanted, **of_ray)
        reason = engine.why_not(fits)
        if reason is not None:
            reporter.detail(f"engine {wanted}: {reason}")
            if wanted == "processes":
                raise UsageError(f"the engine processes cannot run this sweep: {reason}", hint=_WHERE)
            if wanted == "ray" or fits:
                raise UsageError(f"the engine {wanted} cannot run this sweep: {reason}", hint="--engine processes can")
        reporter.detail(f"engine {wanted}, as asked for")
        return engine
    reasons = []
    if plan.strategy in ("tpe", "capacity"):
        reasons.append("stacked: the trials are chosen one by one, by the results of others")
    else:
        engine = load_engine("stacked")
        reason = engine.why_not(fits)
        if reason is None:
            reporter.detail("engine stacked: all trials train together")
            return engine
        reasons.append(f"stacked: {reason}")
    reporter.detail(f"engine processes; {'; '.join(reasons)}" if reasons else "engine processes")
    engine = load_engine("processes")
    reason = engine.why_not(fits)
    if reason is not None:
        raise UsageError(f"no engine can run this sweep; {'; '.join([*reasons, f'processes: {reason}'])}", hint=_WHERE)
    return engine


def _of_ray(plan: SweepPlan, options: SweepOptions) -> dict[str, Any]:
    """What the engine ray is given; empty where another one is asked for, or none.

    Raises:
        UsageError: an option is of a Ray cluster, and the engine is another.
    """
    given = {"address": options.address, "gpus_per_trial": options.gpus_per_trial}
    named = [f"--{name.replace('_', '-')}" for name, value in given.items() if value is not None]
    if named and plan.engine not in ("auto", "ray"):
        raise UsageError(f"{named[0]} is of a Ray cluster, and the engine is {plan.engine}", hint="--engine ray")
    if not named and plan.engine != "ray":
        return {}
    devices = plan.config.needed_training.devices
    if options.gpus_per_trial is None and devices != AUTO:
        given["gpus_per_trial"] = float(asked_cards(devices))
    return given


def jobs_that_fit(plan: SweepPlan, num_fits: int, largest: tuple[Config, Memory] | None, reporter: Reporter) -> int | None:
    """How many processes fit at a time: as asked for; where nobody said, no more than the memory of this machine holds.

    Args:
        plan: of the sweep.
        num_fits: how many are known by now; 0: none.
        largest: config and memory of the trial that takes most.
        reporter: is told of fewer than one for each core.

    Raises:
        ConfigError: those that were asked for take more memory than there is.
    """
    wanted = min(plan.jobs or usable_cores(), num_fits or plan.trials or 1)
    if largest is None or wanted < 2 or (largest[0].training is not None and largest[0].training.allow_large):
        return plan.jobs
    own, held, there = own_bytes(largest[1]), held_bytes(*largest), memory_bytes()
    most = max(1, (there - held) // own)
    if wanted <= most:
        return plan.jobs
    message = (
        f"{wanted} fits at a time take about {gigabytes(wanted * own + held)} of the {gigabytes(there)} that this machine has"
    )
    if plan.jobs is not None:
        hint = f"--jobs {most} takes less; --allow-large tries it all the same"
        raise ConfigError(message, path="sweep.jobs", hint=hint)
    reporter.detail(f"{message}: no more than {most} at a time")
    return most
