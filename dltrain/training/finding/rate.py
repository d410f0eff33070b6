"""A learning rate from one short run in which it rises (Smith, "Cyclical Learning Rates for Training Neural Networks", 2017).

Each step has a rate that is larger than the last one's by the same factor. Where the smoothed loss falls fastest by the
logarithm of the rate, steps are long and still go downhill; behind its least value they no longer do.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from dltrain.config.durations import config_with_steps
from dltrain.config.types import Config, TrainingConfig
from dltrain.data.dataset import Dataset
from dltrain.data.look import require_files
from dltrain.errors import ConfigError, DataError
from dltrain.model.build import build_model
from dltrain.model.compile import build_metrics, compile_model
from dltrain.model.corruption import corruption_of
from dltrain.model.encode import encode_part, resolve_class_weights
from dltrain.model.heads.rules import heads_of
from dltrain.model.keras_import import import_keras
from dltrain.reporting import Reporter, warn_each
from dltrain.training.jobs import load_and_check
from dltrain.training.loop import CompiledLoop
from dltrain.training.segments import ResidentSegments, Segment, Segments, to_tensors
from dltrain.training.session import placement_of
from dltrain.training.streamed_segments import StreamedSegments

LOWEST, HIGHEST, STEPS = 1e-6, 10.0, 140
_MEMORY = 0.9  # of the smoothed loss: what it keeps at each step
_TOO_HIGH = 4.0  # times the least loss: from there on it only rises
_LEAST_FALL = 0.02  # of the loss, below which it is not told from the noise between batches
_STILL_LEVEL = 20  # steps at rates that change nothing yet, whose mean loss is that of the untrained model
_BEGUN = 0.2  # of the whole fall: before that, what batches differ by is steeper than what is learnt
_HALF_WINDOW = 5  # steps to either side over which a slope is measured, a quarter of a decade


@dataclass(frozen=True, slots=True)
class FoundRate:
    """What the rising rate showed.

    Attributes:
        rate: the suggestion; None: the loss told nothing.
        reason: a sentence.
        rates: of each step.
        losses: of each step's batch.
        smoothed: the same, smoothed.
        diverged: whether the loss was no longer finite, or rose too far, before the highest rate.
    """

    rate: float | None
    reason: str
    rates: list[float]
    losses: list[float]
    smoothed: list[float]
    diverged: bool


def find_rate(config: Config, *, threads: int | None = None, reporter: Reporter | None = None) -> FoundRate:
    """Train a model of the config for a moment with a rising rate; nothing is written.

    Args:
        config: from `load_config`; its seed decides on all that is drawn. A schedule, a warm-up, phases but the first and
            averages have no part in it.
        threads: threads for one operation.
        reporter: is told what happens.

    Raises:
        ConfigError, DataError: as of a fit.
    """
    if config.training is None:
        raise ConfigError("`training: none` leaves nothing to fit", path="training", hint="give it a `training:` block")
    reporter = reporter or Reporter()
    config = replace(config, training=_with_rate(config.training, LOWEST))
    reporter.status("reading data")
    require_files(config.data)
    dataset, warnings = load_and_check(config, reporter=reporter)
    warn_each(reporter, warnings)
    if "train" not in dataset.parts or dataset.parts["train"].num_rows == 0:
        raise DataError("no rows are left for training", hint="lower the fractions of `data.split`")
    reporter.status("importing Keras")
    import_keras(threads, placement=placement_of(config.training))
    return find_rate_on(config, dataset)


def find_rate_on(config: Config, dataset: Dataset) -> FoundRate:
    """The same with data that was read, once Keras is imported; a model of its own is trained, and thrown away.

    Args:
        config: whose training block is no `none`.
        dataset: its data, with rows to train on.
    """
    config = replace(config, training=_with_rate(config.needed_training, LOWEST))
    losses = _losses(config_with_steps(config, dataset.parts["train"].num_rows), dataset)
    return judge(rates_of_steps()[: len(losses)], losses)


def rates_of_steps() -> list[float]:
    """The rate of each step."""
    return [float(rate) for rate in np.geomspace(LOWEST, HIGHEST, STEPS)]


def judge(rates: Sequence[float], losses: Sequence[float]) -> FoundRate:
    """What the losses of the steps say.

    Args:
        rates: rising.
        losses: as many; the last one may not be finite.
    """
    smoothed = smooth([loss for loss in losses if math.isfinite(loss)])
    diverged = len(losses) < STEPS or not math.isfinite(losses[-1])
    seen = FoundRate(None, "", list(rates), list(losses), smoothed, diverged)
    lowest = int(np.argmin(smoothed)) if smoothed else 0
    # The first steps hold too little of the past to be smooth.
    begin = min(round(1 / (1 - _MEMORY)), max(lowest - 1, 0))
    level = float(np.mean(losses[:_STILL_LEVEL])) if lowest >= _STILL_LEVEL else smoothed[begin] if smoothed else 0.0
    fall = level - smoothed[lowest] if smoothed else 0.0
    if lowest - begin < 3 or fall < _LEAST_FALL * abs(level):
        reason = "at no rate did the loss fall by more than batches differ: the optimizer's own rate is as good a guess"
        return replace(seen, reason=reason)
    steps = range(begin, lowest + 1)
    begun = max((step for step in steps if smoothed[step] >= level - _BEGUN * fall), default=begin)
    steepest = min(range(begun, lowest + 1), key=lambda step: _slope(rates, smoothed, step, lowest))
    rate = float(f"{rates[steepest]:.2g}")
    reason = f"the loss falls fastest around {rate:g}; it is least at {rates[lowest]:.2g}"
    reason += ", behind which training diverges" if diverged else ""
    return replace(seen, rate=rate, reason=reason)


def _slope(rates: Sequence[float], smoothed: Sequence[float], step: int, last: int) -> float:
    """By how much the loss changes around a step for each decade of the rate."""
    before, after = max(step - _HALF_WINDOW, 0), min(step + _HALF_WINDOW, last)
    return (smoothed[after] - smoothed[before]) / (math.log10(rates[after]) - math.log10(rates[before]))


def smooth(losses: Sequence[float]) -> list[float]:
    """A running mean with weights that fall off into the past, as if the mean had always been there."""
    mean, found = 0.0, []
    for count, loss in enumerate(losses, 1):
        mean = _MEMORY * mean + (1 - _MEMORY) * loss
        found.append(mean / (1 - _MEMORY**count))
    return found


def _with_rate(training: TrainingConfig, rate: float) -> TrainingConfig:
    """The settings of the first phase with a plain number for the rate."""
    stage = training.stages[0]
    optimizer = replace(stage.optimizer, arguments={**stage.optimizer.arguments, "learning_rate": rate})
    return replace(stage, optimizer=optimizer, warmup=None, reduce_lr_on_plateau=None)


def _losses(config: Config, dataset: Dataset) -> list[float]:
    """The loss of each step, up to where it is no longer finite or far too high."""
    training = config.needed_training
    heads = heads_of(config, dataset.schema)
    model = build_model(config.model, dataset.schema, heads, seed=config.draw_seed, augment=config.data.augment)
    compile_model(model, heads, training)
    weights = resolve_class_weights(training.class_weight, dataset.parts["train"], heads)
    part = encode_part(dataset.parts["train"], dataset.schema, heads, weights)
    build_metrics(model, part)
    choice: dict[str, Any] = {"batch_size": training.batch_size, "seed": config.draw_seed, "shuffle": training.shuffle}
    data: Segments = (
        StreamedSegments(part, **choice) if part.on_disk else ResidentSegments(to_tensors(part), part.num_rows, **choice)
    )
    corrupt = corruption_of(config, dataset.schema)
    loop = CompiledLoop(model, training.batch_size, jit_compile=False, corrupt=corrupt)
    accumulated = training.optimizer.arguments.get("gradient_accumulation_steps") or 1
    steps, losses, found = _steps(data), [], smooth([])
    for rate in rates_of_steps():
        model.optimizer.learning_rate = rate
        model.reset_metrics()
        for _ in range(accumulated):  # the weights change with the last of them
            segment, step = next(steps)
            loop.run(segment.data, segment.order, step, 1)
        losses.append(float(model.get_metrics_result()["loss"]))
        found = smooth([loss for loss in losses if math.isfinite(loss)])
        if not math.isfinite(losses[-1]) or (len(found) > 10 and found[-1] - min(found) > _TOO_HIGH * abs(min(found))):
            break
    return losses


def _steps(data: Segments) -> Iterator[tuple[Segment, int]]:
    """Step after step, epoch after epoch."""
    epoch = 0
    while True:
        for segment in data.segments(epoch, 0):
            for step in range(segment.first, segment.first + segment.count):
                yield segment, step
        epoch += 1
