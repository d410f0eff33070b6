"""Does what comes out of the model fit the target? Are there layers that do nothing, or what nobody means?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from dltrain.checking.places import fault
from dltrain.checking.task_checks import check_masks, check_reconstruction
from dltrain.config.types import Config, LayerConfig
from dltrain.data.dataset import Schema
from dltrain.errors import Fault
from dltrain.model.build import takes_value_range
from dltrain.model.heads.head import Head
from dltrain.model.heads.shapes import said_of_shape, shape_for
from dltrain.model.symbolic import Network, Row, Shape, show_shape
from dltrain.model.symbolic.rule import size_of
from dltrain.model.symbolic.traits import ATTENTION, DROPPING, HANDS_MASK_ON, RECURRENT, RECURRENT_OVER_PICTURES, TAKES_AMOUNTS

_LAST_ACTIVATIONS = ("softmax", "sigmoid")
# Names of layers, or their beginnings, that leave pixels on their scale; and what makes next to nothing of numbers up to 1.
_AS_THEY_WERE = ("Random", "Resizing", "CenterCrop", "Reshape", "ZeroPadding")
TINY_FACTOR = 1 / 32


def check_model(config: Config, schema: Schema, heads: Sequence[Head], network: Network) -> list[Fault]:
    """Faults of a model as a whole.

    Args:
        config: the config.
        schema: what the data is.
        heads: from `resolve_heads`; empty where they contradict the target (which has been said).
        network: from `infer_network` for these heads.
    """
    faults = []
    for head, (name, shape) in zip(heads, network.outputs):
        faults += _check_output(config, schema, head, name, shape, network)
    faults += _check_unused(config, network)
    faults += _check_ranges(config, schema)
    faults += _check_normalization(config)
    faults += _check_mixing(config)
    faults += _check_cropping(config, network)
    faults += _check_scaled_twice(config, network)
    faults += _check_scaled_again(config, schema, network)
    faults += _check_mask(config, schema, network)
    faults += _check_indices(config, schema, network)
    faults += _check_turns(config)
    faults += _check_end(config, heads)
    if heads and heads[0].is_mask:
        faults += check_masks(config, heads[0])
    if heads and heads[0].is_reconstruction:
        faults += check_reconstruction(config, schema, heads[0])
    return faults


def with_places(config: Config, schema: Schema, faults: Sequence[Fault]) -> list[Fault]:
    """Faults of layers; of a Reshape of a table's columns that finds too few, the hint says that some may have been left out."""
    if config.data.constant_columns == "keep" or not any(spec.columns for spec in schema.inputs):
        return list(faults)
    reshaping = {layer.path for layer in config.model.layers if layer.component.name == "Reshape"}
    hint = "columns that are the same in every training row are left out: `data.constant_columns: keep` keeps them there"
    return [replace(item, hint=hint) if item.path in reshaping else item for item in faults]


def _check_ranges(config: Config, schema: Schema) -> list[Fault]:
    """Random layers clip to the values that a pixel can have: by default up to 255."""
    has_body = any(layer.component.kind == "application" for layer in config.model.layers)
    in_unit_range = bool(schema.inputs) and schema.inputs[0].unit_range
    if has_body or config.data.scale not in (None, "standard", "unit", "minmax"):
        return []
    named = [(f"data.augment.{index}", item) for index, item in enumerate(config.data.augment)] if not in_unit_range else []
    named += [(layer.path, layer.component) for layer in config.model.layers]
    faults = []
    for path, component in named:
        if not takes_value_range(component) or "value_range" in component.arguments:
            continue
        message = f"{component.name} takes pixels to go from 0 to 255, but "
        if in_unit_range:
            faults.append(fault(config, path, message + "here they go from 0 to 1", "say `value_range: [0, 1]`", warning=True))
        else:
            faults.append(fault(config, path, message + "here they are standardized", "say `data.scale: unit`"))
    return faults


def _check_normalization(config: Config) -> list[Fault]:
    return [
        fault(
            config,
            layer.path,
            "Normalization learns its mean and variance by a call of `adapt`, which no training makes: it would do nothing",
            "leave it out and say `data.scale: standard`, or give it `mean` and `variance`",
        )
        for layer in config.model.layers
        if layer.component.name == "Normalization" and "mean" not in layer.component.arguments and layer.weights is None
    ]


def _check_mixing(config: Config) -> list[Fault]:
    """Layers that put several rows into one: Keras mixes the targets as well where it is given both, as no model is."""
    named = [(f"data.augment.{index}", component) for index, component in enumerate(config.data.augment)]
    named += [(layer.path, layer.component) for layer in config.model.layers]
    return [
        fault(
            config,
            path,
            f"{component.name} mixes the pictures of different rows, but their targets stay as they are",
            "RandomErasing, RandomFlip and RandomTranslation change each picture by itself",
            warning=True,
        )
        for path, component in named
        if component.name in ("MixUp", "CutMix")
    ]


def _check_turns(config: Config) -> list[Fault]:
    """Keras turns pictures by shares of a whole turn, where other libraries take degrees."""
    named = [(f"data.augment.{index}", component) for index, component in enumerate(config.data.augment)]
    named += [(layer.path, layer.component) for layer in config.model.layers]
    faults = []
    for path, component in named:
        factor = component.arguments.get("factor") if component.name == "RandomRotation" else None
        most = max(map(abs, factor), default=0) if isinstance(factor, list | tuple) else 0  # Keras refuses such a number itself
        if most > 1:
            message = f"RandomRotation turns by shares of 360 degrees, and {most:g} are {most:g} whole turns"
            faults.append(fault(config, path, message, f"{most:g} degrees are `factor: {most / 360:.3g}`", warning=True))
    return faults


def _check_cropping(config: Config, network: Network) -> list[Fault]:
    """Keras crops at random in training alone; what is predicted would be of another size."""
    faults = []
    for row in network.rows:
        if row.layer != "RandomCrop" or row.config is None or not row.inputs or row.inputs[0] is None:
            continue
        arguments, shape = row.config.component.arguments, row.inputs[0]
        if len(shape) != 3 or (arguments.get("height"), arguments.get("width")) == shape[:2]:
            continue
        message = (
            f"RandomCrop makes pictures of {arguments.get('height')}×{arguments.get('width')} in training only: Keras leaves "
        )
        message += f"those that are predicted at {shape[0]}×{shape[1]}, and the layers behind it take one size"
        hint = "`RandomTranslation: {height_factor: 0.1, width_factor: 0.1}` moves a picture as padding and cropping does, "
        hint += "`RandomZoom: {height_factor: [-0.2, 0.0]}` takes sections of it; both keep the size"
        faults.append(fault(config, row.config.path, message, hint))
    return faults


def _check_scaled_twice(config: Config, network: Network) -> list[Fault]:
    """A network of `keras.applications` brings the scaling of its pixels along; scaled before, it sees nearly nothing."""
    by_name = {row.name: row for row in network.rows}
    faults = []
    for row in network.rows:
        if row.config is None or row.config.component.kind != "application" or row.layer != row.config.component.name:
            continue  # no network, or the scaling that it brings along
        before = [by_name[name] for name in network.needed_for(row.name) if name != row.name and name in by_name]
        for other in before:
            if other.config is None or other.config.component.name not in ("Rescaling", "Normalization", "BatchNormalization"):
                continue
            message = f"{row.layer} scales pixels from 0 to 255 itself, and {other.layer} before it scales them a first time"
            hint = f"leave {other.layer} out"
            faults.append(fault(config, other.config.path, message, hint, warning=True))
    return faults


def _check_scaled_again(config: Config, schema: Schema, network: Network) -> list[Fault]:
    """Pixels come to the first layer from 0 to 1; what divides them by 255 once more leaves next to nothing."""
    scaled = {spec.name for spec in schema.inputs if spec.unit_range and spec.dtype == "float32"}
    by_name = {row.name: row for row in network.rows}
    faults = []
    for row in network.rows:
        if row.layer != "Rescaling" or row.config is None:
            continue
        factor, source = row.config.component.arguments.get("scale"), row
        while source.sources and source.sources[0] in by_name and by_name[source.sources[0]].layer.startswith(_AS_THEY_WERE):
            source = by_name[source.sources[0]]
        if isinstance(factor, int | float) and abs(factor) < TINY_FACTOR and scaled.intersection(source.sources):
            message = f"what comes here is scaled to 0…1 already, and this Rescaling makes numbers up to {abs(factor):.3g} of it"
            hint = "leave Rescaling out (-1 to 1 is `Rescaling: {scale: 2, offset: -1}`), or say `data.scale: none`"
            faults.append(fault(config, row.config.path, message, hint, warning=True))
    return faults


def _check_mask(config: Config, schema: Schema, network: Network) -> list[Fault]:
    """A text ends in padding, which recurrent layers and attention read as words unless its Embedding says that it is none."""
    by_name = {row.name: row for row in network.rows}
    texts = {spec.name for spec in schema.inputs if spec.holds_tokens}
    found: dict[str, tuple[LayerConfig, str]] = {}
    for row in network.rows:
        source = by_name.get(row.sources[0]) if row.layer in (*RECURRENT, *ATTENTION) and row.sources else None
        while source is not None and source.layer in (*HANDS_MASK_ON, *RECURRENT) and source.sources:
            source = by_name.get(source.sources[0])
        if source is None or source.layer != "Embedding" or source.config is None or not texts.intersection(source.sources):
            continue
        if not source.config.component.arguments.get("mask_zero"):
            found.setdefault(source.name, (source.config, row.layer))
    return [
        fault(
            config,
            layer.path,
            f"the {reader} behind this Embedding reads the padding at the end of each text as if it were words",
            "say `mask_zero: true` here, and `training.checkpoint.format: keras`, which can hold the mask",
            warning=True,
        )
        for layer, reader in found.values()
    ]


def _check_indices(config: Config, schema: Schema, network: Network) -> list[Fault]:
    """The words of a text, and categories to be embedded, are counted through: their numbers are no amounts."""
    counted = {spec.name: spec for spec in schema.inputs if spec.vocabulary_size is not None}
    faults = []
    for row in network.rows:
        taken = [name for name in row.sources if name in counted] if row.config is not None else []
        if not taken or row.config is None or row.config.component.name not in TAKES_AMOUNTS:
            continue
        is_text = counted[taken[0]].holds_tokens
        what = "the words of a text by their numbers" if is_text else "categories by their numbers"
        message = f"{row.layer} takes {taken[0]} as it is, {what} in the vocabulary, as if a higher number were more"
        then = "GlobalAveragePooling1D" if is_text else "Flatten"
        hint = f"begin the branch with `Embedding: {{from: {taken[0]}}}`, then {then}"
        faults.append(fault(config, row.config.path, message, hint, warning=True))
    return faults


def _check_output(config: Config, schema: Schema, head: Head, name: str, shape: Shape | None, network: Network) -> list[Fault]:
    if shape is None:
        return []
    message = said_of_shape(head, schema, shape)
    if message is None:
        return []
    expected = shape_for(head, schema)
    row = _to_blame(name, network, len(expected))
    layer = row.config if row and row.config and row.config.path.startswith("model.layers") else _last(config)
    hint = None
    if head.is_mask:
        hint = _way_to_the_size(shape, expected)
    elif len(shape) > len(expected) == 1:
        message, hint = _too_many_axes(row, message, network, config)
    elif len(expected) == len(shape) == 1 and head.classes:
        what = "label" if head.is_multilabel else "class"
        hint = f"an output of {expected[0]} unit{'s' if expected[0] != 1 else ''}, one for each {what}"
    path = layer.path if layer else "model.layers"
    place_path = path if path in config.places else "model.layers"
    return [fault(config, place_path, message, hint)]


def _way_to_the_size(shape: Shape, expected: Shape) -> str:
    """How a network gets to a class for each pixel."""
    if len(shape) != 3:
        return "the output has a class for each pixel: leave Flatten and global pooling out, and end with a convolution"
    height, width = expected[0] or 0, expected[1] or 0
    factors = {want // have for have, want in ((shape[0], height), (shape[1], width)) if have and want % have == 0}
    if len(factors) == 1 and (factor := factors.pop()) > 1:
        return f"each pixel needs a class: `- UpSampling2D: {{size: {factor}}}` brings the output back to {height}×{width}"
    return "`padding: same` keeps the size of pictures; pooling and strides halve it, UpSampling2D and Conv2DTranspose double it"


def _too_many_axes(row: Row | None, message: str, network: Network, config: Config) -> tuple[str, str]:
    before = row.inputs[0] if row else None
    feeder = next((other for other in network.rows if row and other.name in row.sources), None)
    hint = "put `- Flatten` before it"
    if feeder is not None and feeder.layer in (*RECURRENT, *RECURRENT_OVER_PICTURES):
        hint = "leave `return_sequences` out of the last recurrent layer, or put `- Flatten` before it"
    elif before is not None and len(before) == 3:
        hint = f"put `- Flatten` before it ({size_of(before) or '?'} numbers a row), or `- GlobalAveragePooling2D`"
    if row is not None and before is not None:
        is_written = row.config is not None and (row.config.path != "model.output" or "model.output" in config.places)
        named = row.layer if is_written else "the output layer"
        message = f"{named} gets {show_shape(before)}, not one row of numbers, so that {message}"
    return message, hint


def _to_blame(name: str, network: Network, rank: int) -> Row | None:
    """The first Dense layer on the way to the output that gets more axes than the target has; it works on the last one only."""
    needed = network.needed_for(name)
    way = [row for row in network.rows if row.name in needed]
    for row in way:
        if row.layer == "Dense" and row.inputs[0] is not None and len(row.inputs[0]) > rank:
            after = way[way.index(row) + 1 :]
            if all(other.found.output is None or len(other.found.output) > rank for other in after):
                return row
    # An output that is added may be several layers: that which takes what the config's own last one says.
    added = [row for row in way if row.config and row.config.path == "model.output" and len(row.inputs[0] or ()) > rank]
    return next(iter(added or way[-1:]), None)


def _last(config: Config) -> LayerConfig | None:
    return config.model.layers[-1] if config.model.layers else None


def _check_unused(config: Config, network: Network) -> list[Fault]:
    """Layers whose output nobody takes are not part of the model, and named inputs that none takes."""
    needed: set[str] = set()
    for name, _ in network.outputs:
        needed |= network.needed_for(name)
    taken = {source for row in network.rows if row.name in needed for source in row.sources}
    inputs = [
        fault(
            config,
            f"model.inputs.{name}",
            f"no layer takes the input {name}, so nothing is learnt from {', '.join(columns)}",
            f"name it in a `from:`, such as `from: {name}`, or take it out",
            warning=True,
        )
        for name, columns in config.data.input_columns.items()
        if name not in taken
    ]
    # Of a layer that is several, the last one has its name, and says it for all.
    unused = [row for row in network.rows if row.config is not None and row.name not in needed and row.config.path]
    last = {row.config.path: row for row in unused if row.config is not None}
    return inputs + [
        fault(
            config,
            row.config.path,
            f"nothing takes the output of this {_layer_named(config, row)}, so it is not part of the model",
            f"name it in a `from:` below, such as `from: [{row.name}, …]`, or take it out",
            warning=True,
        )
        for row in last.values()
        if row.config is not None
    ]


def _layer_named(config: Config, row: Row) -> str:
    """The layer as the config has it, of which a row may be a part."""
    path = row.config.path if row.config else None
    return next((layer.component.name for layer in config.model.layers if layer.path == path), row.layer)


def _check_end(config: Config, heads: Sequence[Head]) -> list[Fault]:
    """Dropout behind the output; a hidden layer that looks like an output."""
    faults = []
    layers = config.model.layers
    ends_there = len(heads) == 1 and not heads[0].layers
    if layers and layers[-1].component.name in DROPPING:
        before = next((layer for layer in reversed(layers) if layer.component.name not in DROPPING), None)
        if ends_there or (before is not None and _looks_like_output(before)):
            message = f"{layers[-1].component.name} after the output changes the answer itself while training"
            faults.append(fault(config, layers[-1].path, message, "put it before the output layer", warning=True))
    for layer in layers if heads and not ends_there else layers[:-1]:
        if layer.component.name == "Dense" and layer.component.arguments.get("activation") == "softmax":
            message = "softmax in a hidden layer lets little through: its numbers sum to 1"
            hint = "relu is the usual choice; if it is meant to be the output, give it one unit for each class"
            faults.append(fault(config, layer.path, message, hint, warning=True))
    return faults


def _looks_like_output(layer: LayerConfig) -> bool:
    component = layer.component
    return component.name == "Softmax" or component.arguments.get("activation") in _LAST_ACTIVATIONS
