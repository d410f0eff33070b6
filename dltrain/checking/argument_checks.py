"""Arguments of optimizer, schedule, callbacks and layers against one another and against the length of the training.

Each by itself was held against its range when the config was read. An error is what Keras refuses or what cannot be meant; a
warning is what has no effect, or another one than its name says.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from dltrain.checking.layers.layer_arguments import check_layers, check_types
from dltrain.checking.places import fault
from dltrain.config.blocks.optimizer_keys import OPTIMIZER_ARGUMENTS
from dltrain.config.catalog.catalog import arguments_of
from dltrain.config.durations import is_duration, speaks_of_training, steps_of, with_steps
from dltrain.config.types import Component, Config, TrainingConfig
from dltrain.data.facts import DataFacts
from dltrain.errors import Fault
from dltrain.model.heads.head import Head
from dltrain.model.numbers.schedules import stands_still
from dltrain.system import why_no_processes
from dltrain.wording import counted

# What is said of one argument: its name, the message, the next step, whether it is a warning.
Said = tuple[str, str, str | None, bool]

_CLIPPING = ("clipnorm", "clipvalue", "global_clipnorm")
# Parts of names of metrics that lie between 0 and 1.
_SHARES = ("accuracy", "auc", "precision", "recall", "f1_score", "f1", "iou")
_OF_DURATIONS = "100 % is the whole training"
_OF_STEPS_HINT = "it counts steps, not epochs; the whole training has {:,}"
_ENDING = ("CosineDecay", "PolynomialDecay")
_FALLING = (*_ENDING, "ExponentialDecay", "InverseTimeDecay")
# TensorBoard's arguments that speak of single steps, which are compiled together here, with the values that do nothing.
_OF_STEPS = {"update_freq": ("epoch",), "profile_batch": (0, "0", [0, 0], (0, 0))}


def check_arguments(config: Config, training: TrainingConfig, facts: DataFacts, heads: Sequence[Head]) -> Iterator[Fault]:
    """Faults of arguments that contradict one another, or that can have no effect in a training of this length."""
    del heads
    steps, warmup, said = _steps_an_epoch(training, facts), 0, training.optimizer.arguments.get("learning_rate")
    if steps is not None:
        total = steps * training.epochs
        warmup = steps_of(training.warmup, steps, total) if training.warmup is not None else 0
        if warmup >= total:
            yield fault(config, "training.warmup", _too_long(warmup, total), "shorten it, or train longer", warning=True)
        training = with_steps(replace(training, warmup=None), facts.rows["train"])
    path = "training.optimizer"
    for name, message, hint, warning in _of_optimizer(training, steps):
        # Where a key of its own says it, the fault stands there.
        own = next((key for key, argument in OPTIMIZER_ARGUMENTS.items() if argument == name), None)
        at_key = own is not None and getattr(training, own) is not None
        yield fault(config, f"training.{own}" if at_key else f"{path}.{name}", message, hint, warning=warning)
    rate = training.optimizer.arguments.get("learning_rate")
    if isinstance(rate, Component) and not speaks_of_training(rate):
        for name, message, hint, warning in _of_schedule(rate, training.epochs, steps, said, warmup):
            yield fault(config, f"{path}.learning_rate.{name}", message, hint, warning=warning)
    if training.early_stopping is not None:
        for name, message, hint, warning in _of_early_stopping(training.early_stopping, training):
            yield fault(config, f"training.early_stopping.{name}", message, hint, warning=warning)
    if training.reduce_lr_on_plateau is not None:
        for name, message, hint, warning in _of_plateau(training.reduce_lr_on_plateau, training):
            yield fault(config, f"training.reduce_lr_on_plateau.{name}", message, hint, warning=warning)
    yield from _of_average(config, training, facts)
    yield from check_layers(config)
    yield from check_types(config, training)


def check_tensorboard(
    config: Config, training: TrainingConfig, facts: DataFacts | None = None, heads: Sequence[Head] = ()
) -> Iterator[Fault]:
    """The package, and arguments of Keras's TensorBoard that cannot do what they say."""
    del facts, heads
    given, path = training.tensorboard, "training.tensorboard"
    if given is None:
        return
    if importlib.util.find_spec("tensorboard") is None:
        hint = "pip install 'dltrain[tensorboard]', or leave `training.tensorboard` out"
        yield fault(config, path, "the package tensorboard is not installed", hint)
    for name, idle in _OF_STEPS.items():
        if name in given and given[name] not in idle:
            message = f"{name} speaks of single steps, but many steps are one compiled call here: nothing is written between them"
            hint = "leave it out: every epoch is written" if name == "update_freq" else "leave it out"
            yield fault(config, f"{path}.{name}", message, hint)
    if given.get("write_images") and not given.get("histogram_freq"):
        message = "write_images has no effect without histogram_freq, with which the weights are written"
        yield fault(config, f"{path}.write_images", message, "say `histogram_freq: 1` as well", warning=True)
    if given.get("embeddings_freq") and all(layer.component.name != "Embedding" for layer in config.model.layers):
        message = "embeddings_freq has no effect: no layer is an Embedding"
        yield fault(config, f"{path}.embeddings_freq", message, "leave it out", warning=True)
    yield from _of_embeddings_metadata(config, given, f"{path}.embeddings_metadata")


def _of_embeddings_metadata(config: Config, given: Mapping[str, Any], path: str) -> Iterator[Fault]:
    metadata = given.get("embeddings_metadata")
    if metadata and not given.get("embeddings_freq"):
        message = "embeddings_metadata has no effect without embeddings_freq"
        yield fault(config, path, message, "say `embeddings_freq: 1` as well", warning=True)
    elif isinstance(metadata, Mapping):
        named = [layer.name for layer in config.model.layers if layer.component.name == "Embedding"]
        for name in metadata:
            if name not in named:
                yield fault(config, f"{path}.{name}", f"no Embedding layer is called {name!r}", "give the layer this `name`")


def check_trackers(
    config: Config, training: TrainingConfig, facts: DataFacts | None = None, heads: Sequence[Head] = ()
) -> Iterator[Fault]:
    """The packages of the trackers; a fit goes on without."""
    del facts, heads
    for name in training.track:
        if importlib.util.find_spec(name) is None:
            hint = f"pip install 'dltrain[{name}]'; `dltrain log RUN --to {name}` sends the run later"
            yield fault(config, "training.track", f"the package {name} is not installed: it is told nothing", hint, warning=True)
        elif (reason := why_no_processes()) is not None:
            message = f"{name} is told nothing while it is trained: {reason}"
            yield fault(config, "training.track", message, f"afterwards: dltrain log RUN --to {name}", warning=True)


def _steps_an_epoch(training: TrainingConfig, facts: DataFacts) -> int | None:
    rows = facts.rows.get("train")
    return -(-rows // training.batch_size) if rows else None


def _of_optimizer(training: TrainingConfig, steps: int | None) -> Iterator[Said]:
    optimizer, given = training.optimizer, training.optimizer.arguments
    clipping = [name for name in _CLIPPING if given.get(name) is not None]
    if len(clipping) > 1:
        yield clipping[1], f"only one of {', '.join(_CLIPPING)} can be given", f"leave out {' or '.join(clipping)}", False
    yield from _of_moving_average(given)
    if given.get("loss_scale_factor") and training.precision == "mixed_float16":
        message = "mixed_float16 scales the loss by itself, whatever loss_scale_factor says"
        yield "loss_scale_factor", message, "leave it out", True
    if optimizer.name == "SGD" and given.get("nesterov") and not given.get("momentum"):
        yield "nesterov", "nesterov has no effect without momentum", "say `momentum: 0.9` as well", True
    if optimizer.name in ("SGD", "RMSprop") and given.get("momentum") == 1:
        yield "momentum", "with a momentum of 1 no step is ever forgotten: the weights do not come to rest", "0.9 is usual", True
    if optimizer.name == "Lion" and given.get("beta_1") == 0:
        yield "beta_1", "Lion takes a beta_1 above 0", "0.9 is usual", False
    power = given.get("learning_rate_power", -0.5)
    if power > 0:
        yield "learning_rate_power", f"expected a learning_rate_power of at most 0, found {power:g}", "-0.5 is usual", False
    if steps is not None:
        yield from _of_total(given, steps * training.epochs)


def _of_moving_average(given: Mapping[str, Any]) -> Iterator[Said]:
    """The average that an optimizer keeps of the weights."""
    if not given.get("use_ema"):
        for name in ("ema_momentum", "ema_overwrite_frequency"):
            if given.get(name) is not None:
                yield name, f"{name} has no effect without use_ema", "say `use_ema: true` as well", True
    elif given.get("ema_momentum") == 1:
        message = "with an ema_momentum of 1 the average stays at the weights of the first step"
        yield "ema_momentum", message, "0.99 is usual", False


def _of_total(given: Mapping[str, Any], total: int) -> Iterator[Said]:
    """What takes more steps than the whole training has."""
    accumulated = given.get("gradient_accumulation_steps")
    if accumulated and accumulated > total:
        message = f"gradients are summed over {accumulated:,} steps, but the training has {total:,}: no weight is ever changed"
        yield "gradient_accumulation_steps", message, "lower it, or train longer", False
    every = given.get("ema_overwrite_frequency")
    if given.get("use_ema") and every and every > total:
        message = f"the weights are overwritten by their average every {every:,} steps, but the training has {total:,}"
        yield "ema_overwrite_frequency", message, "lower it, or leave it out", True
    if given.get("warmup_steps") and given["warmup_steps"] >= total:
        yield "warmup_steps", _too_long(given["warmup_steps"], total), "shorten it, or train longer", True


def _too_long(steps: int, total: int) -> str:
    return f"the warm-up takes {steps:,} steps, but the training has {total:,}"


def _of_schedule(schedule: Component, epochs: int, steps: int | None, said: Any, warmup: int) -> Iterator[Said]:
    """Faults of a schedule in steps; `said` is the one of the config, and `warmup` so many steps before it begins."""
    name, given = schedule.name, schedule.arguments
    said = said.arguments if isinstance(said, Component) else given
    total = None if steps is None else steps * epochs
    first = given.get("initial_learning_rate")
    if name == "PiecewiseConstantDecay":
        as_said = said.get("boundaries", ())
        yield from _of_pieces(given.get("boundaries", ()), given.get("values", ()), epochs, steps, as_said)
    if name == "CosineDecay":
        yield from _of_rise(given, first, total)
    if given.get("peak") == 0:
        yield "peak", "a curve with a peak of 0 stays at 0: nothing is learnt", None, True
    if first == 0 and not given.get("warmup_target"):
        yield "initial_learning_rate", "a schedule that begins at 0 stays at 0: nothing is learnt", None, True
    for article, argument, names, rises, hint in _RISING:
        if name in names and given.get(argument, 0) > 1:
            yield argument, f"with {article} {argument} of {given[argument]:g} the learning rate {rises}", hint, True
    if name == "InverseTimeDecay" and given.get("decay_rate") == 0:
        yield "decay_rate", "with a decay_rate of 0 the learning rate stays what it is", None, True
    end = given.get("end_learning_rate", 0.0001)
    if name == "PolynomialDecay" and first is not None and end > first:
        message = f"the learning rate rises, from {first:g} to {end:g}"
        yield ("end_learning_rate" if "end_learning_rate" in given else "initial_learning_rate"), message, None, True
    if steps is not None and not given.get("cycle"):
        yield from _of_course(schedule, epochs, steps, said, warmup)


def _of_course(schedule: Component, epochs: int, steps: int, said: Mapping[str, Any], warmup: int) -> Iterator[Said]:
    """How the rate falls over the training that there is."""
    name, given, total = schedule.name, schedule.arguments, steps * epochs
    ends = (*_of_early_end(given, epochs, steps, said, warmup),) if name in _ENDING and epochs > 1 else ()
    yield from ends
    falls = name in _FALLING and given.get("decay_rate") != 0 and given.get("warmup_target") is None
    odd = stands_still(schedule, total - warmup, warmup) if falls and not ends else ""
    if odd:
        hint = _OF_DURATIONS if is_duration(said.get("decay_steps")) else _OF_STEPS_HINT.format(total)
        yield "decay_steps", odd, hint, True


# (article, argument, schedules, what an argument above 1 makes of the rate, hint).
_RISING = (
    ("an", "alpha", ("CosineDecay", "CosineDecayRestarts"), "rises", "it is the share that is left: 0 to 1"),
    ("a", "decay_rate", ("ExponentialDecay",), "rises", "below 1 it falls"),
    ("an", "m_mul", ("CosineDecayRestarts",), "is higher after each restart", None),
)


def _of_rise(given: Mapping[str, Any], first: float | None, total: int | None) -> Iterator[Said]:
    """The warm-up that CosineDecay has itself."""
    rise, target = given.get("warmup_steps", 0), given.get("warmup_target")
    if target is None:
        if rise:
            yield "warmup_steps", "warmup_steps has no effect without warmup_target", "say the rate to warm up to", True
        return
    if not rise:
        message = f"without warmup_steps the rate begins at warmup_target ({target:g}), not at initial_learning_rate ({first:g})"
        yield "warmup_target", message, "say `warmup_steps`, or leave warmup_target out", True
    elif first is not None and target < first:
        message = f"the warm-up goes down, from {first:g} to {target:g}"
        yield "warmup_target", message, "initial_learning_rate is where the warm-up begins", True
    if total is not None and rise >= total:
        yield "warmup_steps", _too_long(rise, total), "shorten it, or train longer", True


def _of_early_end(given: Mapping[str, Any], epochs: int, steps: int, said: Mapping[str, Any], warmup: int) -> Iterator[Said]:
    decay = given.get("decay_steps")
    end = (decay or steps) + given.get("warmup_steps", 0) + warmup
    if end >= steps:
        return
    message = f"the learning rate is at its end after {end:,} steps, within the first of {epochs} epochs of {steps:,} steps"
    hint = _OF_STEPS_HINT.format(steps * epochs)
    yield "decay_steps", message, _OF_DURATIONS if is_duration(said.get("decay_steps")) else hint, True


def _of_pieces(
    boundaries: Sequence[float], values: Sequence[float], epochs: int, steps: int | None, said: Sequence[Any]
) -> Iterator[Said]:
    if not boundaries:
        yield "boundaries", "no boundary is given", "a rate that never changes is a number", False
    elif len(values) != len(boundaries) + 1:
        count = len(boundaries)
        message = f"expected {count + 1} values for {count} boundar{'y' if count == 1 else 'ies'}, found {len(values)}"
        yield "values", message, "one value before each boundary, and one after the last", False
    for before, after in pairwise(boundaries):
        if after <= before:
            message = f"expected boundaries that rise, found {after:g} after {before:g}"
            order = sorted(set(boundaries))
            hint = f"write {[int(number) if number == int(number) else number for number in order]}, and `values` in that order"
            yield "boundaries", message, hint, False
            return
    if boundaries and steps is not None and boundaries[0] >= steps * epochs:
        message = (
            f"the first boundary is at step {boundaries[0]:g}, but the training has {steps * epochs:,}: the rate never changes"
        )
        yield "boundaries", message, "lower it, or train longer", True
    elif boundaries and steps is not None and epochs > 1 and boundaries[-1] < min(steps, epochs):
        message = f"all boundaries lie within the first of {epochs} epochs, which has {steps:,} steps"
        hint = f"they count steps, not epochs: epoch n begins at step (n - 1) · {steps}"
        yield "boundaries", message, _OF_DURATIONS if any(map(is_duration, said)) else hint, True


def is_share(monitor: Any) -> bool:
    """Whether a metric lies between 0 and 1, by its name."""
    name = str(monitor).removeprefix("val_").lower()
    return name == "acc" or any(name.endswith(word) for word in _SHARES)


def _of_improvement(given: Mapping[str, Any], what: str) -> Iterator[Said]:
    """What both callbacks ask: how much better is better."""
    monitor, delta = given.get("monitor", "val_loss"), given.get("min_delta", 0)
    if delta < 0:
        yield "min_delta", f"the sign of min_delta is not looked at: {delta:g} means {-delta:g}", f"write {-delta:g}", True
    if abs(delta) >= 1 and is_share(monitor):
        message = f"{monitor} lies between 0 and 1: it never improves by {abs(delta):g}, so {what}"
        yield "min_delta", message, "0.01 is one percentage point", True


def _of_early_stopping(given: Mapping[str, Any], training: TrainingConfig) -> Iterator[Said]:
    start, patience, epochs = given.get("start_from_epoch", 0), given.get("patience", 0), training.epochs
    yield from _of_improvement(given, "training stops after its patience whatever happens")
    if start >= epochs:
        message = f"early stopping that begins at epoch {start} cannot act within {counted(epochs, 'epoch')}"
        yield "start_from_epoch", message, "lower it or train longer", True
    elif patience < epochs <= start + patience:
        begins = f"early stopping that begins at epoch {start} with a patience of {patience}"
        message = f"{begins} cannot act within {counted(epochs, 'epoch')}"
        yield "start_from_epoch", message, "lower one of them or train longer", True
    baseline, monitor = given.get("baseline"), given.get("monitor", "val_loss")
    if baseline is not None and baseline >= 1 and is_share(monitor) and given.get("mode", "auto") != "min":
        message = f"{monitor} is never above {baseline:g}: training stops after its patience whatever happens"
        yield "baseline", message, "0.9 means 90 %", True


def _of_plateau(given: Mapping[str, Any], training: TrainingConfig) -> Iterator[Said]:
    patience, epochs, least = given.get("patience", 10), training.epochs, given.get("min_lr", 0.0)
    yield from _of_improvement(given, "the learning rate is lowered whatever happens")
    where = "patience" if "patience" in given else "monitor"
    if patience >= epochs:
        message = f"with a patience of {patience} the learning rate cannot be lowered within {epochs} epochs"
        yield where, message, "lower the patience or train longer", True
    stopping = training.early_stopping
    if stopping is not None and patience < epochs:
        same = stopping.get("monitor", "val_loss") == given.get("monitor", "val_loss")
        waits = stopping.get("patience", 0)
        if same and waits <= patience and not stopping.get("start_from_epoch") and stopping.get("baseline") is None:
            message = (
                f"early stopping ends training after {waits} epochs without improvement, before the rate is lowered ({patience})"
            )
            yield where, message, "give it less patience than early stopping has", True
    rate = arguments_of(training.optimizer).get("learning_rate")
    if isinstance(rate, int | float) and least >= rate > 0:
        message = f"the learning rate is {rate:g} and is never lowered, for min_lr is {least:g}"
        yield "min_lr", message, "give a min_lr below the learning rate", True
    cooldown = given.get("cooldown", 0)
    if cooldown >= epochs:
        message = f"with a cooldown of {cooldown} the learning rate is lowered once at the most within {epochs} epochs"
        yield "cooldown", message, "lower it or train longer", True


def _of_average(config: Config, training: TrainingConfig, facts: DataFacts) -> Iterator[Fault]:
    """Whether it is clear which weights are judged."""
    averages = bool(training.optimizer.arguments.get("use_ema"))
    if training.average_from is not None and training.average != "swa":
        message = "average_from has no effect: only `average: swa` begins during the training"
        yield fault(config, "training.average_from", message, "write `average: swa`, or leave it out", warning=True)
    if training.average == "swa":
        begin = str(training.average_from)
        if not begin.endswith("%") and float(begin.split()[0]) >= min(stage.epochs for stage in training.stages):
            message = f"the average begins after {begin}, but the training has {training.epochs:,}"
            yield fault(config, "training.average_from", message, "lower it, or say it in percent: 75 %")
    elif training.average and not averages:
        hint = f"write `{training.optimizer.name}: {{use_ema: true}}`"
        yield fault(config, "training.average", "the optimizer keeps no average of the weights", hint)
    elif averages and not training.average and "validation" in facts.rows:
        message = (
            "the averaged weights are put in the model after the last epoch alone; validation and the best model are without them"
        )
        yield fault(config, "training.optimizer.use_ema", message, "say `training.average: true` to judge by them", warning=True)
