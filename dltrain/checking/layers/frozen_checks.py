"""Frozen layers: what phases thaw, whether features can be kept, and where a body's weights are."""

from __future__ import annotations

import math
import os.path
from collections.abc import Iterator, Sequence
from pathlib import Path

from dltrain.checking.places import fault
from dltrain.config.types import Config, LayerConfig, TrainingConfig
from dltrain.errors import Fault, RunError
from dltrain.model.symbolic import Network, Row
from dltrain.model.symbolic.application_layers import BodyLayer, body_layers, thawed
from dltrain.model.symbolic.traits import is_random
from dltrain.wording import counted, meant_or, one_of


def check_frozen(config: Config, network: Network) -> list[Fault]:
    """Faults of `training.phases` and `training.cache_features`.

    Args:
        config: the config.
        network: from `infer_network`.
    """
    training = config.training
    if training is None:
        return []
    return [*_check_unfreeze(config, training, network), *_check_cache(config, training, network)]


def describe_phases(config: Config, network: Network) -> list[str]:
    """A line for each phase: its epochs, and how many parameters it trains; nothing without phases."""
    training = config.training
    if training is None:
        return []
    lines, trained = [], network.trainable
    reached: set[str] = set()
    for index, (phase, stage) in enumerate(zip(training.phases, training.stages), start=1):
        if phase.unfreeze is not None and trained is not None:
            more = _thawed_parameters(config, network, phase.unfreeze, reached)
            trained = None if more is None else trained + more
        count = "not known" if trained is None else f"{trained:,}"
        epochs = counted(stage.epochs, "epoch")
        lines.append(f"phase {index} of {len(training.phases)}: {epochs}, {count} parameters trained")
    return lines


def _bodies(config: Config) -> list[tuple[LayerConfig, tuple[BodyLayer, ...] | None]]:
    layers = [layer for layer in config.model.layers if layer.component.kind == "application"]
    return [(layer, body_layers(layer.component.name, layer.component.arguments)) for layer in layers]


def _thawed_parameters(config: Config, network: Network, wanted: bool | int | tuple[str, ...], reached: set[str]) -> int | None:
    """Parameters that are trained from a phase on and were not before; None: not known. `reached` grows by their layers."""
    names = wanted if isinstance(wanted, tuple) else ()
    bodies = {id(layer): layers for layer, layers in _bodies(config)}
    total = 0
    for row in network.rows:
        own = row.config is not None and row.name.endswith("_preprocessing") and row.config.component.name != row.layer
        if row.config is None or own:
            continue
        if row.config.component.kind == "application":
            layers = bodies[id(row.config)]
            if layers is None:
                return None
            choice = True if wanted is True or row.name in names else wanted
            before = {layer.name for layer in thawed(layers, row.config.component.arguments.get("trainable", False))}
            for layer in thawed(layers, choice):
                key = f"{row.name}/{layer.name}"
                if layer.name not in before and key not in reached:
                    reached.add(key)
                    total += layer.trained
        elif (wanted is True or row.name in names) and row.config.component.arguments.get("trainable") is False:
            if row.found.parameters is None:
                return None
            total += row.found.parameters if row.name not in reached else 0
            reached.add(row.name)
    return total


def _check_unfreeze(config: Config, training: TrainingConfig, network: Network) -> Iterator[Fault]:
    bodies = _bodies(config)
    reached: set[str] = set()
    for index, phase in enumerate(training.phases):
        path = f"training.phases.{index}.unfreeze"
        if phase.unfreeze is None:
            continue
        if isinstance(phase.unfreeze, tuple):
            unknown = list(_check_names(config, path, phase.unfreeze, network, bodies))
            yield from unknown
            if unknown:
                continue
        elif phase.unfreeze is not True and not bodies:
            message = f"the last {phase.unfreeze} layers are those of a keras.applications network, and the model has none"
            yield fault(config, path, message, "name the layers to unfreeze, such as [conv2d]")
            continue
        if _thawed_parameters(config, network, phase.unfreeze, reached) == 0:
            message = "this unfreezes nothing: all of it is trained already, or has no weights"
            yield fault(config, path, message, "leave it out, or set `trainable: false` where the layers begin", warning=True)


def _check_names(
    config: Config,
    path: str,
    names: Sequence[str],
    network: Network,
    bodies: Sequence[tuple[LayerConfig, tuple[BodyLayer, ...] | None]],
) -> Iterator[Fault]:
    if any(layers is None for _, layers in bodies):
        return
    rows = [row.name for row in network.rows]
    inner = [layer.name for _, layers in bodies for layer in layers or ()]
    for name in names:
        if name not in (*rows, *inner):
            hint = meant_or(name, [*rows, *inner], f"the model's layers: {one_of(rows)}")
            if inner:
                hint += f"; the last ones with weights of its body: {one_of(inner[-6:])}"
            yield fault(config, path, f"there is no layer {name!r}", hint)


def _check_cache(config: Config, training: TrainingConfig, network: Network) -> Iterator[Fault]:
    """`cache_features: true` where nothing can be kept."""
    # Where layers thaw later, the first phase is the one that may have features.
    own = bool(training.phases) and "cache_features" in training.phases[0].changes
    path = "training.phases.0.cache_features" if own else "training.cache_features"
    reason = _why_not_kept(config, network) if training.stages[0].cache_features is True else None
    if reason:
        yield fault(config, path, f"there are no features to keep: {reason}", "leave it out, or write `auto`")


def _why_not_kept(config: Config, network: Network) -> str | None:
    if config.data.augment:
        return "the pictures are augmented anew in each epoch before the frozen layers see them"
    for row in network.rows:
        if row.found.trainable is None:
            return None
        if row.found.trainable or is_random(row.layer):
            return f"{row.name} ({row.layer}) is trained or random, and no frozen layer with weights stands before it"
        if row.found.parameters and not _is_preprocessing(row):
            return None
    return "no layer is frozen"


def _is_preprocessing(row: Row) -> bool:
    return row.config is not None and row.config.component.kind == "application" and row.layer != row.config.component.name


def check_weights_files(config: Config) -> Iterator[Fault]:
    """Files of weights that are not there, damaged, or no plain arrays."""
    given = [(f"{layer.path}.weights", layer.component.arguments.get("weights")) for layer, _ in _bodies(config)]
    named = [(path, Path(str(weights))) for path, weights in given if weights not in (None, "none", "imagenet")]
    if config.model.weights is not None:
        named.append(("model.weights", Path(config.model.weights)))
    for path, file in named:
        if not os.path.isfile(file):
            hint = "a file is looked for beside the config, in $DLTRAIN_DATA and in $DLTRAIN_DATA/weights"
            yield fault(config, path, f"there is no weights file {file}", hint)
            continue
        from dltrain.model.weights.transfer import stored_layers  # h5py and NumPy, which a config without weights does without
        from dltrain.model.weights.weights import damage_told, open_plain

        try:
            if path == "model.weights":
                with stored_layers(file):
                    pass
            else:
                with damage_told(file, "a file of weights is written by model.save_weights(...)"), open_plain(file):
                    pass
        except RunError as error:
            yield fault(config, path, error.faults[0].message, error.faults[0].hint)


def check_taken(config: Config, network: Network | None) -> Iterator[Fault]:
    """A file of weights of which nothing would be taken: no layer of it has the name and as many weights as one here."""
    file = config.model.weights
    if file is None or network is None or any(row.found.parameters is None for row in network.rows):
        return
    from dltrain.model.weights.transfer import nothing_taken, stored_layers

    try:
        with stored_layers(Path(file)) as stored:
            there = {name: sum(math.prod(array.shape) for array in arrays) for name, arrays in stored.items()}
    except (RunError, OSError):  # which `check_weights_files` says
        return
    if not any(row.found.parameters and there.get(row.name) == row.found.parameters for row in network.rows):
        message, hint = nothing_taken(Path(file), [name for name, count in there.items() if count])
        yield fault(config, "model.weights", message, hint)
