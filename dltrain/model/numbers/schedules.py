"""Keras's learning rate schedules in plain numbers."""

from __future__ import annotations

import math
from typing import Any

from dltrain.config.catalog.catalog import arguments_of
from dltrain.config.curves import is_curve, peak_of
from dltrain.config.types import Component

# Of the first rate: what is no change, what is no rate; and of the steps: what is nearly all.
LITTLE, NOTHING, MOST = 0.01, 1e-6, 0.8
LEAST_STEPS = 10


def rate_at(value: Any, step: int) -> float | None:
    """The learning rate at a step (0: the first); None where the schedule is not among these.

    Args:
        value: a number, a schedule, or a curve, of which it is the peak: how long the training is, is not known here.
        step: steps done before.
    """
    if not isinstance(value, Component) or is_curve(value):
        return float(peak_of(value))
    arguments = arguments_of(value)
    if value.name == "PiecewiseConstantDecay":
        index = sum(step > boundary for boundary in arguments["boundaries"])
        return float(arguments["values"][index])
    if value.name == "PolynomialDecay":
        return _polynomial(arguments, step)
    if value.name in ("ExponentialDecay", "InverseTimeDecay"):
        share = step / arguments["decay_steps"]
        share = math.floor(share) if arguments["staircase"] else share
        start, decay = float(arguments["initial_learning_rate"]), float(arguments["decay_rate"])
        return float(start * decay**share) if value.name == "ExponentialDecay" else start / (1 + decay * share)
    if value.name == "CosineDecay":
        return _cosine(arguments, step)
    return None


def stands_still(schedule: Component, steps: int, before: int = 0) -> str:
    """What is odd about the course of a schedule over so many steps, in words; empty where nothing is.

    That is a rate that is as good as 0 for a fifth of them or more, or that hardly falls at all.

    Args:
        schedule: as Keras has it.
        steps: that it lasts, in this training.
        before: steps of the training before it begins.
    """
    first, last = rate_at(schedule, 0), rate_at(schedule, steps - 1)
    if first is None or last is None or first <= 0 or steps < LEAST_STEPS:
        return ""
    if abs(last - first) < LITTLE * first:
        return f"the learning rate hardly changes in {steps:,} steps, from {first:g} to {last:.4g}"
    if last > NOTHING * first:
        return ""
    low, high = 0, steps - 1  # a schedule that ends at 0 falls
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if (rate_at(schedule, middle) or 0) <= NOTHING * first else (middle, high)
    if high >= MOST * steps:
        return ""
    where = f"from step {high + before:,} of {steps + before:,} on"
    return f"{where} the learning rate is {rate_at(schedule, high) or 0:.3g}: nothing is learnt any more"


def _polynomial(arguments: dict[str, Any], step: int) -> float:
    length = arguments["decay_steps"]
    if arguments["cycle"]:
        length *= max(1, math.ceil(step / length))
    share = min(step, length) / length
    start, end = float(arguments["initial_learning_rate"]), float(arguments["end_learning_rate"])
    return float((start - end) * (1 - share) ** arguments["power"] + end)


def _cosine(arguments: dict[str, Any], step: int) -> float:
    start, length = float(arguments["initial_learning_rate"]), arguments["decay_steps"]
    if arguments["warmup_target"] is not None:
        warm = arguments["warmup_steps"]
        if step < warm:
            return float(start + (arguments["warmup_target"] - start) * step / warm)
        start, step = float(arguments["warmup_target"]), step - warm
    alpha = float(arguments["alpha"])
    return start * ((1 - alpha) * 0.5 * (1 + math.cos(math.pi * min(step, length) / length)) + alpha)
