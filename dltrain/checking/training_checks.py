"""Optimizer, loss, metrics, callbacks and checkpoints, against the target and the number of rows."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from dltrain.checking.argument_checks import check_arguments, check_tensorboard, check_trackers
from dltrain.checking.evaluation_checks import check_requirements
from dltrain.checking.measure_arguments import check_measures
from dltrain.checking.metric_checks import check_losses, check_metrics, history_names
from dltrain.checking.places import fault
from dltrain.checking.placing.devices import check_devices
from dltrain.config.blocks.data_checks import has_validation, may_bring_validation
from dltrain.config.blocks.templates import no_validation
from dltrain.config.catalog.catalog import defaults_of
from dltrain.config.catalog.metrics import find_direction, find_name
from dltrain.config.curves import is_curve
from dltrain.config.found_rate import asks_for_rate, phase_that_asks
from dltrain.config.types import Component, Config, DataConfig, LayerConfig, TrainingConfig
from dltrain.data.facts import DataFacts
from dltrain.errors import Fault
from dltrain.model.heads.head import Head, is_by_target
from dltrain.model.symbolic.traits import TAKES_MASKS
from dltrain.model.weights.h5_limits import OPTIMIZERS_NOT_IN_H5
from dltrain.wording import counted, meant_or, one_of

# Optimizer -> learning rates beyond which hardly anybody goes; "" stands for those like Adam.
_USUAL_RATES = {
    "": (1e-7, 0.1),
    "SGD": (1e-6, 1.0),
    "Adagrad": (1e-5, 1.0),
    "Adadelta": (1e-4, 10.0),
    "Ftrl": (1e-5, 1.0),
    "Lion": (1e-8, 1e-2),
}
_LAYERS_NOT_IN_H5 = {
    "StringLookup": "its table would be empty",
    "IntegerLookup": "its table would be empty",
    "TextVectorization": "its table would be empty",
}
_END_MASKS = ("1D", "Flatten", "Reshape", "Permute", "RepeatVector")


def check_training(config: Config, facts: DataFacts, heads: Sequence[Head]) -> list[Fault]:
    """Faults of the `training:` and `evaluation:` blocks that need the data's shape or the task.

    Args:
        config: the config.
        facts: what is known of the data.
        heads: from `resolve_heads`; empty where they are not known.
    """
    training = config.training
    if training is None:
        return []
    checks: tuple[Callable[..., Iterator[Fault]], ...] = (
        _check_output, _check_rate, _check_batch, _check_stopping, check_arguments, check_tensorboard, check_trackers,
        check_losses, check_metrics, check_measures, _check_monitors, _check_class_weight, _check_h5, _check_classes,
        check_requirements, check_devices,
    )  # fmt: skip
    if training.phases:  # what the block says for all phases is held against the longest of them
        training = replace(training, epochs=max(stage.epochs for stage in training.stages))
    found = [item for check in checks for item in check(config, training, facts, heads)]
    for index, (phase, stage) in enumerate(zip(training.phases, training.stages)):
        seen = [item for check in _OF_A_PHASE for item in check(_as_of_phase(config, index, stage), stage, facts, heads)]
        found += [
            replace(item, path=f"training.phases.{index}{item.path.removeprefix('training')}")
            for item in seen
            if item.path and item.path.split(".")[1:2] and item.path.split(".")[1] in phase.changes
        ]
    return found


def _as_of_phase(config: Config, index: int, stage: TrainingConfig) -> Config:
    """The config as if a phase's settings were those of the block: its places are those of the phase."""
    prefix = f"training.phases.{index}."
    places = {f"training.{path.removeprefix(prefix)}": place for path, place in config.places.items() if path.startswith(prefix)}
    return replace(config, training=stage, places={**config.places, **places})


def _check_output(config: Config, training: TrainingConfig, facts: DataFacts, heads: Sequence[Head]) -> Iterator[Fault]:
    for head in heads:
        if head.warning:
            message, _, hint = head.warning.partition(": ")
            yield fault(config, config.model.layers[-1].path or "model.output", message, hint, warning=True)


def _check_rate(config: Config, training: TrainingConfig, facts: DataFacts, heads: Sequence[Head]) -> Iterator[Fault]:
    path = "training.optimizer.learning_rate"
    rate = training.optimizer.arguments.get("learning_rate")
    schedule = isinstance(rate, Component)
    if isinstance(rate, Component):
        name = "peak" if is_curve(rate) else "initial_learning_rate"
        rate, path = rate.arguments.get(name), f"{path}.{name}"
    yield from _check_found_rate(config, training)
    low, high = _USUAL_RATES.get(training.optimizer.name, _USUAL_RATES[""])
    if is_curve(training.optimizer.arguments.get("learning_rate")):
        high *= 10  # where a curve stays for moments only
    if isinstance(rate, int | float) and not isinstance(rate, bool) and not low <= rate <= high and not (schedule and rate == 0):
        usual = defaults_of(training.optimizer).get("learning_rate")
        message = f"a learning rate of {rate:g} is far outside the usual for {training.optimizer.name} ({low:g} to {high:g})"
        yield fault(config, path, message, f"Keras's default is {usual:g}" if isinstance(usual, float) else None, warning=True)
    if schedule and training.reduce_lr_on_plateau is not None:
        what = "curve" if is_curve(training.optimizer.arguments["learning_rate"]) else "schedule"
        message = f"the learning rate follows a {what}, so reduce_lr_on_plateau cannot change it"
        yield fault(config, "training.reduce_lr_on_plateau", message, "leave one of them out")


def _check_found_rate(config: Config, training: TrainingConfig) -> Iterator[Fault]:
    """A rate is found once, at the beginning, for the optimizer that begins."""
    phase = phase_that_asks(training)
    path = "training.optimizer.learning_rate"
    if phase is not None:
        message = "a rate is found at the beginning of a fit, for `training.optimizer`; a phase's own rate is a number"
        yield fault(config, f"training.phases.{phase}.optimizer.learning_rate", message, "say the number")
    elif asks_for_rate(training) and training.phases and "optimizer" in training.phases[0].changes:
        message = "a rate is found for the optimizer that begins, and the first phase has one of its own"
        yield fault(config, path, message, "give the first phase's optimizer to the block, or say a number")


def _check_batch(config: Config, training: TrainingConfig, facts: DataFacts, heads: Sequence[Head]) -> Iterator[Fault]:
    rows, place = facts.rows.get("train"), config.places.get("training.batch_size")
    by_preset = place in (config.places.get("model.layers"), config.places.get("training.optimizer"))  # where its name stands
    if rows and training.batch_size > rows and place is not None and not by_preset:
        message = f"a batch of {training.batch_size:,} is larger than the training part ({rows:,} rows): one step an epoch"
        yield fault(config, "training.batch_size", message, f"a batch of {min(32, rows)} is usual", warning=True)


def _check_stopping(config: Config, training: TrainingConfig, facts: DataFacts, heads: Sequence[Head]) -> Iterator[Fault]:
    stopping = training.early_stopping
    if stopping is None:
        return
    path = "training.early_stopping"
    if not _is_validated(config.data, training, facts):
        monitor = stopping.get("monitor", "loss")
        message = f"early stopping without a validation part watches the {monitor} of training, which nearly always improves"
        yield fault(config, path, message, "add `data.split.validation`, such as 0.2", warning=True)
    patience = stopping.get("patience", 0)
    if isinstance(patience, int) and patience >= training.epochs:
        message = f"with a patience of {patience} early stopping cannot act within {counted(training.epochs, 'epoch')}"
        yield fault(config, f"{path}.patience", message, "lower the patience or train longer", warning=True)


def _is_validated(data: DataConfig, training: TrainingConfig, facts: DataFacts) -> bool:
    """Whether there will be a validation part, of the run or of each of its members, as far as is known."""
    is_told = has_validation(data) and not (may_bring_validation(data) and facts.rows)
    return is_told or "validation" in facts.rows or training.members.folds is not None


def _check_monitors(config: Config, training: TrainingConfig, facts: DataFacts, heads: Sequence[Head]) -> Iterator[Fault]:
    names = history_names(training, heads)
    if names is None:
        return
    wanted: list[tuple[str, str]] = []
    for key in ("early_stopping", "reduce_lr_on_plateau"):
        arguments: Mapping[str, Any] | None = getattr(training, key)
        if arguments and isinstance(arguments.get("monitor"), str):
            wanted.append((f"training.{key}.monitor", arguments["monitor"]))
    if training.checkpoint.monitor:
        wanted.append(("training.checkpoint.monitor", training.checkpoint.monitor))
    fields = re.findall(r"(?<!\{)\{([A-Za-z_][A-Za-z0-9_]*)", training.checkpoint.filepath or "")
    wanted += [("training.checkpoint.filepath", field) for field in fields if field != "epoch"]
    for path, name in wanted:
        if name.startswith("val_") and not _is_validated(config.data, training, facts):
            yield fault(config, path, *no_validation(name))
            continue
        if find_name(name.removeprefix("val_"), names) is None:
            task = heads[0].task
            yield fault(config, path, f"there will be no {name}: the task is {task}", f"the history will have: {one_of(names)}")
            continue
        block = path.rpartition(".")[0]
        mode = training.checkpoint.mode if block == "training.checkpoint" else (getattr(training, block[9:]) or {}).get("mode")
        if path.endswith(".monitor") and mode in (None, "auto") and find_direction(name, training.metrics) is None:
            message = f"whether {name!r} should be low or high is not known"
            yield fault(config, path, message, f"set `{block}.mode` to min or max")
        better = find_direction(name, training.metrics) if path.endswith(".monitor") and mode in ("min", "max") else None
        if better not in (None, mode):
            message = (
                f"{'less' if mode == 'min' else 'more'} of {name} is worse: with mode {mode} the worst epoch counts as the best"
            )
            yield fault(config, f"{block}.mode", message, f"leave mode out, or write {better}", warning=True)


def _check_class_weight(config: Config, training: TrainingConfig, facts: DataFacts, heads: Sequence[Head]) -> Iterator[Fault]:
    wanted = training.class_weight
    if wanted is None or not heads:
        return
    classified = [head for head in heads if head.targets[0].is_one_of_classes]
    if heads[0].is_multilabel:
        message = "class_weight weighs rows by their one class; these have several labels, or none"
        hint = "data.weight weighs rows; training.loss: {BinaryFocalCrossentropy: {apply_class_balancing: true}} what is rare"
        yield fault(config, "training.class_weight", message, hint)
    elif not classified:
        yield fault(config, "training.class_weight", "class_weight needs a target that classifies", "leave it out")
    elif isinstance(wanted, Mapping) and facts.names_known and not facts.is_sample:
        yield from _check_weights(config, wanted, classified)


def _check_weights(config: Config, wanted: Mapping[str, Any], classified: Sequence[Head]) -> Iterator[Fault]:
    """Labels, or targets with labels of theirs, that the data does not have."""
    path = "training.class_weight"
    targets = {head.targets[0].name: head for head in classified}
    groups = [(path, wanted, [label for head in classified for label in head.classes])]
    if is_by_target(wanted):
        groups = []
        for name, weights in wanted.items():
            if name not in targets:
                hint = f"those are {one_of(list(targets))}"
                yield fault(config, f"{path}.{name}", f"{name!r} is no target that classifies", hint)
            elif isinstance(weights, Mapping):
                groups.append((f"{path}.{name}", weights, list(targets[name].classes)))
    for where, weights, known in groups:
        for label in weights:
            if str(label) not in known:
                hint = meant_or(str(label), known, f"the classes are {one_of(known)}")
                yield fault(config, f"{where}.{label}", f"no class is called {str(label)!r}", hint)
            elif weights[label] == 0:
                message = f"rows of {str(label)!r} weigh nothing: the class is not learned"
                yield fault(config, f"{where}.{label}", message, "a weight above 0", warning=True)
        if known and all(weights.get(label, 1) == 0 for label in known):
            yield fault(config, where, "no row weighs anything: nothing is learned", "give a class a weight above 0")


def _check_h5(config: Config, training: TrainingConfig, facts: DataFacts, heads: Sequence[Head]) -> Iterator[Fault]:
    if training.checkpoint.format != "h5":
        return
    hint = "set `training.checkpoint.format: keras`"
    reason = OPTIMIZERS_NOT_IN_H5.get(training.optimizer.name)
    if reason:
        yield fault(config, "training.optimizer", f"an .h5 file cannot hold {training.optimizer.name}: {reason}", hint)
    for index, metric in enumerate(training.metrics):
        if metric.name == "AUC" and metric.arguments.get("label_weights") is not None:
            yield fault(config, f"training.metrics.{index}", "an .h5 file cannot hold the label_weights of AUC", hint)
    layers = list(config.model.layers)
    for index, layer in enumerate(layers):
        reason = _why_not_in_h5(layer.component, layers[index + 1 :])
        if reason:
            yield fault(config, layer.path, f"an .h5 file cannot hold this {layer.component.name}: {reason}", hint)


def _why_not_in_h5(layer: Component, others: Sequence[LayerConfig]) -> str | None:
    """Why an .h5 file cannot hold a layer before these others; None: it can."""
    taker = _mask_taker(others) if layer.arguments.get("mask_zero") or layer.name == "Masking" else None
    if taker:
        return f"Keras does not read back the mask that {taker} takes"
    if layer.name == "Attention" and layer.arguments.get("seed") is not None:
        return "Keras does not read its seed back"
    if layer.name == "LayerNormalization" and isinstance(layer.arguments.get("axis"), list | tuple):
        return "Keras does not read its list of axes back"
    if layer.arguments.get("activation") == "binary_step":
        return "the activation binary_step is dltrain's own"
    return _LAYERS_NOT_IN_H5.get(layer.name)


def _mask_taker(layers: Sequence[LayerConfig]) -> str | None:
    """The first of the layers that a mask reaches and that looks at it."""
    for layer in layers:
        if layer.component.name in TAKES_MASKS:
            return layer.component.name
        if layer.component.name.endswith(_END_MASKS):
            return None
    return None


def _check_classes(config: Config, training: TrainingConfig, facts: DataFacts, heads: Sequence[Head]) -> Iterator[Fault]:
    """Classes with fewer rows than there are parts."""
    num_parts = len(facts.rows)
    if num_parts < 2 or not facts.exact:
        return
    for target, labels in facts.labels.items():
        few = {label: count for label, count in labels.items() if 0 < count < num_parts}
        if few:
            words = ", ".join(f"{label!r} ({counted(count, 'row')})" for label, count in list(few.items())[:8])
            is_several = any(head.is_multilabel for head in heads)
            what = "labels" if is_several else f"classes of {target}"
            message = f"fewer rows than the {num_parts} parts have these {what}: {words}"
            hint = "merge rare classes by data.replace, or leave their rows out"
            hint = "`data.labels: {min_count: 5}` leaves rare labels out" if is_several else hint
            yield fault(config, "data.split", message, hint, warning=True)


# What a phase's own settings are held against.
_OF_A_PHASE: tuple[Callable[..., Iterator[Fault]], ...] = (
    _check_rate, _check_batch, _check_stopping, check_arguments, _check_class_weight, _check_h5,
)  # fmt: skip
