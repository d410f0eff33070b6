"""Which fits can be stacked: those whose compiled programs are the same and that differ in numbers only. No TensorFlow here."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dltrain.config.curves import peak_of
from dltrain.config.found_rate import asks_for_rate
from dltrain.config.types import MULTILABEL, SEGMENTATION, Component, Config, LayerConfig, LossConfig, TrainingConfig
from dltrain.data.dataset import Schema
from dltrain.data.facts import DataFacts
from dltrain.data.look import read_facts
from dltrain.data.tables.streamed.fit import why_streamed
from dltrain.errors import ConfigError
from dltrain.model.frozen import MOST_BYTES
from dltrain.model.heads.rules import heads_of
from dltrain.model.symbolic import Network, Row, Shape, infer_network
from dltrain.training.stacked import layers, optimizers

# Losses that Keras computes row by row; others look at all rows at once.
LOSSES = {
    "MeanSquaredError", "HalfSquaredError", "MeanAbsoluteError", "MeanAbsolutePercentageError", "MeanSquaredLogarithmicError",
    "Huber", "LogCosh",
    "BinaryCrossentropy", "BinaryFocalCrossentropy", "CategoricalCrossentropy", "CategoricalFocalCrossentropy",
    "SparseCategoricalCrossentropy", "Hinge", "SquaredHinge", "CategoricalHinge", "KLDivergence", "Poisson", "CosineSimilarity",
}  # fmt: skip
# From here on a model keeps the processor busy by itself.
MOST_PARAMETERS = 2_000_000
# Where a body is built once for all, larger heads are worth it too.
MOST_BEHIND_FROZEN = 8_000_000
_REGULARIZERS = {"L1": {"l1"}, "L2": {"l2"}, "L1L2": {"l1", "l2"}}
# Arguments that make another layer of it, with the only value that is stacked.
_PLAIN_ONLY = {
    "activity_regularizer": None, "mask_zero": False, "embeddings_regularizer": None, "embeddings_constraint": None,
    "renorm": False, "synchronized": False, "rms_scaling": False,
}  # fmt: skip
# Layers of pictures that have no weights and draw nothing.
_PICTURES = {"Resizing", "CenterCrop"}
# With any of these, what a layer puts out is not a function of the row alone, or training hears of it.
_NEVER_FIXED = ("dropout", "recurrent_dropout", "activity_regularizer", "mask_zero", "stateful")
# What each trial decides for itself between epochs, or has no part in the program.
# (`clip_norm` and its like are arguments of the optimizer, and held against one another there.)
_FREE = (
    "early_stopping", "reduce_lr_on_plateau", "checkpoint", "epochs", "save_interval", "allow_large", "members",
    "clip_norm", "gradient_accumulation",
)  # fmt: skip


def num_frozen(config: Config) -> int:
    """How many of the model's first layers need be computed only once, so that the trials are trained on their outputs.

    A chain that ends with a layer whose weights training leaves alone; what `find_frozen_prefix` finds is at least that.
    """
    training, all_layers = config.training, config.model.layers
    if training is None or training.cache_features is False or any(layer.inputs is not None for layer in all_layers):
        return 0
    number = 0
    for index, layer in enumerate(all_layers):
        name, arguments = layer.component.name, layer.component.arguments
        if layer.is_frozen:
            if any(arguments.get(word) for word in _NEVER_FIXED):
                break
            number = index + 1
        elif name not in layers.ELEMENTWISE | layers.ROWWISE | _PICTURES:
            break
    return number


def frozen_bytes(config: Config, facts: DataFacts, network: Network) -> int | None:
    """Bytes of the outputs of the first layers of `num_frozen` for all rows; None: not known."""
    frozen, rows = config.model.layers[: num_frozen(config)], network.rows
    shapes: list[Shape | None] = []
    for row in rows:
        is_frozen_row = any(row.config is layer for layer in frozen)
        if shapes and not is_frozen_row and row.layer not in layers.ROWWISE:
            break
        if row.config is frozen[-1] or (shapes and not is_frozen_row):
            shapes.append(row.found.output)
    sizes = [None if shape is None else math.prod(length or 0 for length in shape) for shape in shapes]
    if not facts.exact or not facts.rows or not sizes or not all(sizes):
        return None
    return 4 * min(size or 0 for size in sizes) * sum(facts.rows.values())


def trained_rows(config: Config, network: Network) -> list[Row]:
    """The layers that the trials do not have in common."""
    frozen = config.model.layers[: num_frozen(config)]
    return [row for row in network.rows if not any(row.config is layer for layer in frozen)]


def shares_frozen(config: Config, other: Config) -> bool:
    """Whether the first layers of two fits are the same, to their weights."""
    number = num_frozen(config)
    first = config.model.layers[:number]
    if not number or number != num_frozen(other) or first != other.model.layers[:number]:
        return False
    if config.model.weights != other.model.weights:
        return False
    drawn = [layer for layer in first if layer.is_frozen and layer.weights is None]
    pretrained = all(layer.component.arguments.get("weights", "imagenet") not in (None, "none") for layer in drawn)
    return config.draw_seed == other.draw_seed or (pretrained and all(layer.component.kind == "application" for layer in drawn))


def why_not_stacked(config: Config) -> str | None:
    """Why fits of this config cannot be stacked, a clause; None where they can."""
    training = config.training
    if training is None:
        return "there is nothing to train"
    data, series, streamed = config.data, config.data.series, why_streamed(config.data)
    names_windows = series is not None and {"known", "static"} & {w for layer in config.model.layers for w in layer.inputs or ()}
    several = (len(data.target) > 1 and data.task != MULTILABEL) or isinstance(training.loss, Mapping)
    reasons = {
        "it has code of its own": config.code is not None,
        "each fit finds a learning rate of its own": asks_for_rate(training),
        "each trial is an ensemble, whose members are trained together": training.members.are_several,
        f"the data stays on disk ({streamed})": streamed,
        "the data is changed at random in each epoch": data.augment or getattr(data, "corrupt", None),
        "there are several targets": several,
        "quantiles are foretold": series is not None and series.quantiles,
        "each window is scaled by itself": series is not None and series.scale is not None,
        "layers take parts of the windows": names_windows,
        "each pixel has a class": data.task == SEGMENTATION,
        "the input is reconstructed": data.is_reconstruction,
        "TensorBoard watches each model by itself": training.tensorboard is not None,
    }
    reason = next((reason for reason, holds in reasons.items() if holds), None)
    return reason or _why_not_model(config) or _why_not_training(training)


def why_not_network(config: Config) -> str | None:
    """Why the network that the data makes of a config is not stacked, a clause; reads the data's beginning."""
    facts = read_facts(config.data, seed=config.seed)
    if facts.schema is None or config.training is None:
        return None
    try:
        network = network_of(config, facts.schema)
    except ConfigError:
        return None  # what is wrong is said when it is fitted
    rows = trained_rows(config, network)
    if len(rows) < len(network.rows):
        num_bytes = frozen_bytes(config, facts, network)
        if len(facts.schema.inputs) > 1:
            return "there are several inputs before the frozen layers"
        if config.training.cache_features is None and (num_bytes is None or num_bytes > MOST_BYTES):
            return "what the frozen layers put out may be too large to be kept"
    for row in rows:
        if row.layer != "InputLayer" and row.found.weights != () and not layers.is_stackable(row.layer):
            return f"{row.layer} gains nothing by stacking on a CPU"
    if any(row.layer == "Embedding" for row in rows) and (what := _not_with_embeddings(config.training.optimizer)):
        return f"{what} together with embeddings is not stacked"
    parameters = sum(row.found.parameters or 0 for row in rows)
    if parameters > (MOST_BEHIND_FROZEN if len(rows) < len(network.rows) else MOST_PARAMETERS):
        return f"{parameters:,} parameters keep the processor busy without it"
    return None


def _not_with_embeddings(optimizer: Component) -> str | None:
    """The clipping, or the optimizer, that no embedding is stacked with; None: neither."""
    clipped = [name for name in ("clipnorm", "clipvalue", "global_clipnorm") if optimizer.arguments.get(name)]
    return next(iter(clipped), optimizer.name if optimizer.name in optimizers.NOT_WITH_EMBEDDINGS else None)


def network_of(config: Config, schema: Schema) -> Network:
    """The layers of a config's model on such data, without building it.

    Raises:
        ConfigError: output, loss and target contradict each other.
    """
    return infer_network(config.model, schema, heads_of(config, schema), config.data.augment)


def _why_not_model(config: Config) -> str | None:
    for layer in config.model.all_layers[num_frozen(config) :]:
        name, arguments = layer.component.name, layer.component.arguments
        if layer.component.kind == "application" or not layers.is_stackable(name):
            return f"{name} gains nothing by stacking on a CPU"
        for argument, plain in _PLAIN_ONLY.items():
            if arguments.get(argument, plain) != plain:
                return f"{name} with {argument} is not stacked"
        if name == "EinsumDense" and "..." in str(arguments.get("equation")):
            return "EinsumDense with an ellipsis is not stacked"
        if name in ("Dropout", "GaussianDropout") and peak_of(arguments.get("rate", 0)) >= 1:
            return f"{name} drops everything"
        for value in arguments.values():
            if isinstance(value, Component) and value.kind == "regularizer" and value.name not in _REGULARIZERS:
                return f"the regularizer {value.name} is not stacked"
    return None


def _why_not_training(training: TrainingConfig) -> str | None:
    if training.phases:
        return "it is trained in phases"
    if training.precision != "float32":
        return f"{training.precision} is not stacked"
    if training.average == "swa":
        return "the mean of the weights over epochs is not stacked"
    optimizer = training.optimizer
    if optimizer.name not in optimizers.NUMBERS:
        return f"the optimizer {optimizer.name} is not stacked"
    for argument, plain in optimizers.UNSUPPORTED.items():
        if optimizer.arguments.get(argument, plain) != plain:
            return f"{optimizer.name} with {argument} is not stacked"
    if isinstance(training.loss, LossConfig):
        loss = training.loss.component
        if loss.name not in LOSSES or loss.arguments.get("reduction") in ("none",):
            return f"the loss {loss.name} is not stacked"
    return None


def structure_of(config: Config) -> str:
    """What must be the same for fits to be stacked, as a text: the config without the numbers that may differ.

    Args:
        config: one that `why_not_stacked` has nothing against.
    """
    return json.dumps(_plain_structure(config), sort_keys=True, default=str)


def first_difference(configs: Sequence[Config]) -> str:
    """The first key in which the structures of configs differ."""
    first = dict(_leaves(_plain_structure(configs[0])))
    for config in configs[1:]:
        other = dict(_leaves(_plain_structure(config)))
        for path in [*first, *other]:
            if first.get(path) != other.get(path):
                return path
    return ""


def _plain_structure(config: Config) -> dict[str, Any]:
    training = config.needed_training
    plain: dict[str, Any] = json.loads(json.dumps(config.resolved, default=str))
    data = plain.get("data", {})
    if isinstance(data.get("split"), dict):
        data["split"] = {key: value for key, value in data["split"].items() if key not in ("seed", "fold")}
    block = {key: value for key, value in plain.get("training", {}).items() if key not in _FREE}
    block["optimizer"] = _component(training.optimizer, optimizers.NUMBERS[training.optimizer.name])
    if isinstance(training.loss, LossConfig):
        block["loss"] = [_component(training.loss.component, {"label_smoothing"}), training.loss.weight]
    model = dict(plain.get("model", {}))
    model["layers"] = [_layer(layer) for layer in config.model.layers]
    if isinstance(config.model.output, LayerConfig):
        model["output"] = _layer(config.model.output)
    return {"data": data, "model": model, "training": block}


def _layer(layer: LayerConfig) -> list[Any]:
    numbers = layers.NUMBERS.get(layer.component.name, set())
    return [_component(layer.component, numbers), layer.name, layer.inputs, repr(layer.weights)]


def _component(component: Component, numbers: set[str]) -> dict[str, Any]:
    """A component without the numbers that may differ; of those that may be off, whether they are."""
    arguments: dict[str, Any] = {}
    for name, value in component.arguments.items():
        if isinstance(value, Component):
            if name == "learning_rate":
                arguments[name] = f"a {value.kind}"
            else:
                arguments[name] = _component(
                    value, _REGULARIZERS.get(value.name, set()) if value.kind == "regularizer" else set()
                )
        elif name not in numbers:
            arguments[name] = repr(value)
        elif name in (optimizers.SWITCHES if component.kind == "optimizer" else layers.SWITCHES):
            arguments[name] = "on" if value else "off"
    for name in numbers & optimizers.SWITCHES if component.kind == "optimizer" else ():
        arguments.setdefault(name, "default")
    return {component.name: arguments}


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _leaves(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            yield from _leaves(item, f"{path}.{index}")
    else:
        yield path, str(value)
