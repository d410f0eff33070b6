"""`training.optimizer.learning_rate: found`: a rate that a fit looks for before it begins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from dltrain.config.types import Component, Config, TrainingConfig

FOUND = "found"
MEANING = "`found` looks for it when a fit begins, as `dltrain find-rate` does, and stores the number with its reason."


def asks_for_rate(training: TrainingConfig | None) -> bool:
    """Whether the rate is still to be found."""
    return training is not None and _rate(training.optimizer) == FOUND


def phase_that_asks(training: TrainingConfig) -> int | None:
    """The first phase, from 0, whose own optimizer asks for a rate, which only that of the block may; None: there is none."""
    own = [phase.changes.get("optimizer") for phase in training.phases]
    return next((index for index, optimizer in enumerate(own) if optimizer is not None and _rate(optimizer) == FOUND), None)


def with_rate(config: Config, rate: float | None) -> Config:
    """The config with a number where it asks for one, also as it is written down.

    Args:
        config: that may ask.
        rate: None: the optimizer's own default.
    """
    training = config.training
    if training is None or not asks_for_rate(training):
        return config
    arguments = _with(training.optimizer.arguments, rate)
    training = replace(training, optimizer=replace(training.optimizer, arguments=arguments))
    resolved = dict(config.resolved)
    block = dict(resolved.get("training", {}))
    written = block.get("optimizer")
    if isinstance(written, dict):
        block["optimizer"] = {name: _with(given, rate) for name, given in written.items()}
        resolved["training"] = block
    return replace(config, training=training, resolved=resolved)


def said_of_found(sought: Mapping[str, Any] | None) -> list[str]:
    """A sentence on the rate that a fit looked for, as its manifest holds it; none where it did not."""
    if sought is None:
        return []
    rate, reason = sought.get("learning_rate"), sought.get("reason")
    return [f"No learning rate was found: {reason}." if rate is None else f"The learning rate {rate:g} was found: {reason}."]


def _rate(optimizer: Component) -> Any:
    return optimizer.arguments.get("learning_rate")


def _with(arguments: Any, rate: float | None) -> dict[str, Any]:
    others = {name: value for name, value in arguments.items() if name != "learning_rate"}
    return others if rate is None else {name: rate if name == "learning_rate" else value for name, value in arguments.items()}
