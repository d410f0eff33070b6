"""Keys of `training` that stand for arguments of the optimizer, such as `clip_norm`.

They go into the optimizer where the block is read, and come out again where it is written, so that an override or a sweep of the
key finds it where the user put it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from dltrain.config.reading import Context
from dltrain.config.text.nodes import MappingNode
from dltrain.config.types import Component, TrainingConfig

# Key of `training` -> the argument of Keras's optimizers that it is.
OPTIMIZER_ARGUMENTS = {"gradient_accumulation": "gradient_accumulation_steps", "clip_norm": "clipnorm"}

DEFAULT_AVERAGE_FROM = "75 %"


def with_optimizer_keys(context: Context, node: MappingNode, config: TrainingConfig) -> TrainingConfig:
    """The settings in which each optimizer, those of phases too, has what keys beside it say; contradictions are noted."""
    config = _with_averages(context, node, config)
    wanted = _wanted(config)
    if not wanted:
        return config

    def told(optimizer: Component) -> Component:
        for key, (argument, value) in wanted.items():
            own = optimizer.arguments.get(argument)
            if own is not None and own != value:
                message = f"{optimizer.name} says `{argument}: {own}`"
                context.faults.add(node.entries[key], f"training.{key}", message, "leave one of the two out")
        return replace(optimizer, arguments={**optimizer.arguments, **dict(wanted.values())})

    return _each_optimizer(config, told)


def without_optimizer_keys(config: TrainingConfig) -> TrainingConfig:
    """The settings as they were written, in which the keys alone say what they say."""
    arguments = {argument for argument, _ in _wanted(config).values()}
    if not arguments:
        return config

    def bare(optimizer: Component) -> Component:
        return replace(optimizer, arguments={name: value for name, value in optimizer.arguments.items() if name not in arguments})

    return _each_optimizer(config, bare)


def _wanted(config: TrainingConfig) -> dict[str, tuple[str, Any]]:
    """Key -> argument and value, of the keys that ask for something."""
    given = {key: getattr(config, key) for key in OPTIMIZER_ARGUMENTS}
    off = {"gradient_accumulation": 1}  # each step by itself, which Keras says by leaving the argument out
    return {key: (OPTIMIZER_ARGUMENTS[key], value) for key, value in given.items() if value is not None and value != off.get(key)}


def _with_averages(context: Context, node: MappingNode, config: TrainingConfig) -> TrainingConfig:
    """What `average` says: `ema` of each optimizer that it keeps the average, `swa` of when it begins."""
    if config.average == "swa":
        for optimizer in (stage.optimizer for stage in config.stages):
            if optimizer.arguments.get("use_ema"):
                context.faults.add(
                    node.entries["average"], "training.average", f"{optimizer.name} says `use_ema: true`", "one average will do"
                )
        return replace(config, average_from=config.average_from or DEFAULT_AVERAGE_FROM)
    if config.average != "ema":
        return config

    def averaged(optimizer: Component) -> Component:
        if optimizer.arguments.get("use_ema") is False:
            context.faults.add(
                node.entries["average"], "training.average", f"{optimizer.name} says `use_ema: false`", "leave it out"
            )
        return replace(optimizer, arguments={**optimizer.arguments, "use_ema": True})

    return replace(_each_optimizer(config, averaged), average=True)


def _each_optimizer(config: TrainingConfig, change: Callable[[Component], Component]) -> TrainingConfig:
    """The settings with another optimizer in the place of each, of the block and of its phases."""
    phases = tuple(
        replace(phase, changes={**phase.changes, "optimizer": change(phase.changes["optimizer"])})
        if "optimizer" in phase.changes
        else phase
        for phase in config.phases
    )
    return replace(config, optimizer=change(config.optimizer), phases=phases)
