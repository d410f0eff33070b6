"""Arguments of layers against one another, and layers that cannot stand in a model of such data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dltrain.checking.layers.picture_arguments import of_pictures
from dltrain.checking.places import fault
from dltrain.config.catalog.catalog import arguments_of
from dltrain.config.curves import is_curve, peak_of
from dltrain.config.types import Component, Config, TrainingConfig
from dltrain.errors import Fault

# Pairs of arguments of which the first must not be above the second.
_LOW_AND_HIGH = {
    "MinMaxNorm": (("min_value", "max_value"),),
    "RandomUniform": (("minval", "maxval"),),
    "MelSpectrogram": (("min_freq", "max_freq"),),
}
# Single steps of a recurrent layer -> the layer.
_CELLS = {"GRUCell": "GRU", "LSTMCell": "LSTM", "SimpleRNNCell": "SimpleRNN", "StackedRNNCells": "RNN"}
# They may compute in whole numbers: they look up, or move numbers about.
_HASHES = ("Hashing", "HashedCrossing", "IntegerLookup", "StringLookup", "TextVectorization", "Discretization")
_OF_WHOLE_NUMBERS = (*_HASHES, "CategoryEncoding", "Flatten", "Reshape", "Permute", "RepeatVector", "Identity", "Masking")


def check_layers(config: Config) -> Iterator[Fault]:
    """Arguments of layers, and of what they are given, that contradict one another."""
    placed = [(component, f"data.augment.{index}") for index, component in enumerate(config.data.augment)]
    for component, path in (*placed, *((layer.component, layer.path or "model.output") for layer in config.model.all_layers)):
        for name, message, hint in of_pictures(component):
            yield fault(config, f"{path}.{name}", message, hint)
    for layer in config.model.all_layers:
        path = layer.path or "model.output"
        if layer.component.name == "BatchNormalization" and layer.component.arguments.get("momentum") == 1:
            message = (
                "with a momentum of 1 the moving mean and variance stay at 0 and 1: validation sees another net than training"
            )
            yield fault(config, f"{path}.momentum", message, "0.99 is usual", warning=True)
        yield from _of_no_use(config, layer.component, path)
        rate = layer.component.arguments.get("rate")
        if is_curve(rate) and not 0 < peak_of(rate) < 1:
            message = f"expected a peak above 0 and below 1 for a rate of dropout, found {peak_of(rate):g}"
            yield fault(config, f"{path}.rate.peak", message, "0.1 to 0.5 are usual")
        if rate == 1 and layer.component.name.endswith(("Dropout", "Dropout1D", "Dropout2D", "Dropout3D")):
            message = f"{layer.component.name} with a rate of 1 leaves nothing in training"
            yield fault(config, f"{path}.rate", message, "0.1 to 0.5 are usual", warning=True)
        for component, where in _components_in(layer.component, path):
            for low, high in _LOW_AND_HIGH.get(component.name, ()):
                values: list[Any] = [arguments_of(component).get(name) for name in (low, high)]
                if all(isinstance(value, int | float) for value in values) and values[0] > values[1]:
                    name = low if low in component.arguments else high
                    message = f"{component.name}: {low} ({values[0]:g}) is above {high} ({values[1]:g})"
                    yield fault(config, f"{where}.{name}", message, "exchange them")


def _of_no_use(config: Config, component: Component, path: str) -> Iterator[Fault]:
    """Layers that Keras cannot compute where they stand, whatever comes in."""
    name, given = component.name, component.arguments
    if isinstance(inner := given.get("layer"), Component):
        yield from _of_no_use(config, inner, f"{path}.layer")
    if name in _CELLS:
        message = f"{name} is one step of a recurrent layer, which takes the state of the step before as well"
        units = f": {{units: {given['units']}}}" if isinstance(given.get("units"), int) else ""
        yield fault(config, path, message, f"write {_CELLS[name]}{units}, which takes all steps")
    if name == "CategoryEncoding" and given.get("num_tokens") is None:
        yield fault(config, path, "CategoryEncoding needs num_tokens: how many categories there are", "such as {num_tokens: 10}")
    if name == "Normalization" and (given.get("mean") is None) != (given.get("variance") is None):
        yield fault(config, path, "Normalization takes mean and variance, found one of them", "give it both")
    if name == "Discretization" and given.get("bin_boundaries") is None:
        message = "Discretization learns its bins by a call of `adapt`, which no training makes"
        yield fault(config, path, message, "give it bin_boundaries, such as [0, 10, 100]")
    elif name == "Discretization" and given.get("num_bins") is not None:
        yield fault(config, f"{path}.num_bins", "num_bins has no meaning beside bin_boundaries", "leave num_bins out")
    if name == "MaxNumBoundingBoxes":
        yield fault(
            config, path, "MaxNumBoundingBoxes takes boxes around what pictures show, which no data has here", "leave it out"
        )


def check_types(config: Config, training: TrainingConfig) -> Iterator[Fault]:
    """Types of numbers, by a mapping: Keras takes one that it has written itself alone."""
    placed = [(layer.component, layer.path or "model.output") for layer in config.model.all_layers]
    placed += [(metric, f"training.metrics.{index}") for index, metric in enumerate(training.metrics)]
    losses = training.loss if isinstance(training.loss, Mapping) else {"": training.loss}
    placed += [(loss.component, f"training.loss.{name}".removesuffix(".")) for name, loss in losses.items() if loss is not None]
    for component, path in placed:
        given = component.arguments.get("dtype")
        is_whole = isinstance(given, str) and given.startswith(("int", "uint", "bool"))
        if is_whole and component.kind == "layer" and component.name not in _OF_WHOLE_NUMBERS:
            message = f"{component.name} in whole numbers has no gradient: nothing before it is learnt"
            yield fault(config, f"{path}.dtype", message, "leave dtype out")
        if (
            isinstance(given, str)
            and not is_whole
            and component.name in _HASHES
            and component.arguments.get("output_mode", "int") == "int"
        ):
            message = f"{component.name} puts out whole numbers, not {given}"
            yield fault(config, f"{path}.dtype", message, "leave dtype out, or say `output_mode: one_hot`")
        if isinstance(given, Mapping) and "class_name" not in given:
            message = f"expected the name of a type of numbers, found a mapping of {', '.join(map(str, given)) or 'nothing'}"
            yield fault(config, f"{path}.dtype", message, "such as float32, or of layers mixed_bfloat16")


def _components_in(component: Component, path: str) -> Iterator[tuple[Component, str]]:
    yield component, path
    for name, value in component.arguments.items():
        if isinstance(value, Component):
            yield from _components_in(value, f"{path}.{name}")
