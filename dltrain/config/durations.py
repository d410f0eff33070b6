"""Counts of steps in terms of the training, `3 epochs` and `10 %`, and the warm-up of the learning rate.

A config keeps the words; how many steps they are is known with the rows of the training part, and said anew for each fit.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from dltrain.config.catalog.catalog import defaults_of
from dltrain.config.curves import is_curve
from dltrain.config.found_rate import FOUND
from dltrain.config.types import Component, Config, PhaseConfig, TrainingConfig

_DURATION = re.compile(r"(\d{1,9}(?:\.\d{1,6})?)\s*(epochs?|%)")


def is_duration(value: Any) -> bool:
    """Whether a value says how long in epochs, or in percent of the training."""
    return isinstance(value, str) and _DURATION.fullmatch(value) is not None


def speaks_of_share(value: Any) -> bool:
    """Whether a value is a share of the training, which another number of epochs changes."""
    return is_duration(value) and value.endswith("%")


def speaks_of_training(component: Component) -> bool:
    """Whether an argument of a schedule is still a duration, because the rows are not known."""
    values = component.arguments.values()
    return any(is_duration(item) for value in values for item in (value if isinstance(value, list | tuple) else [value]))


def duration(text: str) -> str | None:
    """The canonical spelling of a duration above 0 and of no more than the whole training; None where the text is none."""
    match = _DURATION.fullmatch(text.strip().lower())
    if match is None or not float(match[1]) or (match[2] == "%" and float(match[1]) > 100):
        return None
    number = f"{float(match[1]):.12g}"
    return f"{number} %" if match[2] == "%" else f"{number} epoch{'' if number == '1' else 's'}"


def steps_of(value: Any, an_epoch: int, total: int) -> Any:
    """How many steps a duration is, at least one; other values as they are."""
    if not is_duration(value):
        return value
    match = _DURATION.fullmatch(value)
    assert match is not None
    number = float(match[1])
    return max(1, round(number * an_epoch if match[2] != "%" else number / 100 * total))


def with_steps(training: TrainingConfig, num_rows: int | None) -> TrainingConfig:
    """The settings with numbers of steps for durations, and a schedule for the warm-up.

    Args:
        training: as the config has it.
        num_rows: of the training part; None: not known, nothing is trained: one step an epoch will do.
    """
    stages = training.stages
    whole = _settled(training, num_rows)
    if not training.phases:
        return whole
    phases = []
    for phase, stage in zip(training.phases, stages):
        own = _settled(stage, num_rows)
        phases.append(PhaseConfig({**phase.changes, "optimizer": own.optimizer, "warmup": None}, phase.unfreeze))
    return replace(whole, phases=tuple(phases))


def config_with_steps(config: Config, num_rows: int) -> Config:
    """The config whose training speaks of steps; what is written down of it stays as it is."""
    return config if config.training is None else replace(config, training=with_steps(config.training, num_rows))


def _settled(training: TrainingConfig, num_rows: int | None) -> TrainingConfig:
    an_epoch = -(-(num_rows or 1) // training.batch_size)
    total = an_epoch * training.epochs

    def count(value: Any) -> Any:
        if isinstance(value, Component):
            return replace(value, arguments={name: count(item) for name, item in value.arguments.items()})
        if isinstance(value, list | tuple) and any(map(is_duration, value)):
            return [count(item) for item in value]
        return steps_of(value, an_epoch, total)

    optimizer = training.optimizer
    arguments: Mapping[str, Any] = {
        name: count(value) if isinstance(value, Component) else value for name, value in optimizer.arguments.items()
    }
    if training.warmup is not None:
        warmup = steps_of(training.warmup, an_epoch, total)
        arguments = {**arguments, "learning_rate": _warmed_up(optimizer, arguments.get("learning_rate"), warmup)}
    if arguments == optimizer.arguments and training.warmup is None:
        return training
    return replace(training, optimizer=replace(optimizer, arguments=arguments), warmup=None)


def _warmed_up(optimizer: Component, rate: Any, steps: int) -> Component:
    """A rate that rises in a line from 0 in so many steps: Keras's own schedules, which plain Keras loads."""
    if isinstance(rate, Component):
        first = rate.arguments["initial_learning_rate"]
        arguments = {**rate.arguments, "initial_learning_rate": 0.0, "warmup_target": first, "warmup_steps": steps}
        return replace(rate, arguments=arguments)
    if rate is None or rate == FOUND:
        rate = defaults_of(optimizer).get("learning_rate", 0.001)
    given = {"initial_learning_rate": 0.0, "decay_steps": steps, "end_learning_rate": rate, "power": 1.0}
    return Component("schedule", "PolynomialDecay", given)


def why_no_warmup(optimizer: Component) -> str | None:
    """What keeps the rate of an optimizer from being warmed up; None: nothing."""
    rate = optimizer.arguments.get("learning_rate")
    if not isinstance(rate, Component):
        return None
    if is_curve(rate) or rate.name != "CosineDecay":
        return f"{rate.name} begins by itself: a warm-up goes before a number, or before CosineDecay"
    own = next((name for name in ("warmup_steps", "warmup_target") if rate.arguments.get(name)), None)
    return None if own is None else f"CosineDecay has a warm-up of its own, {own}"
