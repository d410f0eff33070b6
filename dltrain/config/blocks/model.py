"""Reads the `model:` block."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dltrain.config.blocks.earlier_run import read_weights_file
from dltrain.config.catalog.sources import SOURCES
from dltrain.config.components import plain_component, plain_value, read_component
from dltrain.config.keys import LAYER_KINDS, OUTPUT
from dltrain.config.kinds import MISMATCH, parse_kind
from dltrain.config.reading import Context, is_absent, items_of, plain_block, read_block, read_texts, scalars_of
from dltrain.config.text.nodes import ListNode, MappingNode, Node, ScalarNode
from dltrain.config.text.scalars import describe, quote
from dltrain.config.types import NO_DATA, DataConfig, LayerConfig, ModelConfig
from dltrain.wording import did_you_mean, one_of

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
GOOD_NAME = "letters, digits, _ and -, beginning with a letter"
INPUTS = ("features", "image")


def read_model(context: Context, node: Node | None, data: DataConfig) -> ModelConfig:
    """The `model:` block as a `ModelConfig`; what is wrong with it is noted.

    Args:
        context: faults and the rest.
        node: the block; None: absent.
        data: the data block, whose columns may be named as inputs.
    """
    inputs = node.entries.get("inputs") if isinstance(node, MappingNode) else None
    earlier = dict.fromkeys(inputs.entries, "") if isinstance(inputs, MappingNode) else {}
    encoded = data.encode if isinstance(data.encode, Mapping) else {}
    columns = [name for name in data.columns or () if name not in data.target]  # a layer named as a target is its output
    if not (isinstance(inputs, MappingNode) and any(isinstance(value, ListNode) for value in inputs.entries.values())):
        earlier |= dict.fromkeys((*INPUTS, *(data.features or {}), *columns, *encoded), "")
    earlier |= dict.fromkeys(_views(node, data), "")

    values = read_block(
        context,
        node,
        "model",
        {
            "inputs": lambda value, path: _read_inputs(context, value, path, data),
            "layers": lambda value, path: _read_layers(context, value, path, earlier),
            "output": lambda value, _path: value,
            "weights": lambda value, path: read_weights_file(context, value, path),
        },
    )
    if "output" in values:  # After the layers, whose names it may take.
        output = _read_output(context, values.pop("output"), earlier)
        if output is not MISMATCH:
            values["output"] = output
    if data.source == NO_DATA and values.get("output", "auto") == "auto":
        values["output"] = "none"  # no target asks for an output: the net is as written
    config = ModelConfig(**values)
    _check_output_of_members(context, config)
    for layer in config.all_layers:
        units, activation = (layer.component.arguments.get(name) for name in ("units", "activation"))
        if layer.component.name == "Dense" and units == 1 and activation == "softmax":
            path = f"{layer.path}.activation"
            place = context.places.get(path) or layer.component.place
            context.faults.add(place, path, "softmax over one unit is always 1", "use sigmoid, or one unit for each class")
    return config


def _check_output_of_members(context: Context, config: ModelConfig) -> None:
    """An ensemble's output stands where outputs do, and of the layers composed of others it alone."""
    for layer in config.layers:
        if layer.component.kind == "composed" and layer.component.name == OUTPUT:
            hint = f"model.output: {OUTPUT}"
            context.faults.add(layer.component.place, layer.path, f"{OUTPUT} is an output, which the task shapes", hint)
    if isinstance(config.output, LayerConfig) and config.output.component.kind == "composed":
        component = config.output.component
        if component.name != OUTPUT:
            message = f"{component.name} puts out as many numbers as come in: it cannot be an output"
            context.faults.add(component.place, "model.output", message, "auto: the output is what the task needs")


def _views(node: Node | None, data: DataConfig) -> list[str]:
    """Parts of a series' windows that layers can take by name, but for those whose name a layer has itself."""
    layers = node.entries.get("layers") if isinstance(node, MappingNode) else None
    own = {layer_name(item) for item in layers.items} if isinstance(layers, ListNode) else set()
    return [name for name in ("known", "static") if data.series is not None and getattr(data.series, name) and name not in own]


def _read_inputs(context: Context, node: Node, path: str, data: DataConfig) -> Any:
    if not isinstance(node, MappingNode):
        return context.misfit(node, path, "a mapping of names to options")
    shape = parse_kind("list(int>=1)")
    for name, options in node.entries.items():
        where = f"{path}.{name}"
        if is_absent(options):
            continue
        if isinstance(options, ListNode):
            _read_columns(context, name, options, where, data)
            continue
        if isinstance(options, MappingNode) and any(isinstance(other, ListNode) for other in node.entries.values()):
            message = "no data goes into an input with a shape, where the other inputs are columns of the table"
            context.faults.add(options, where, message, "name its columns, such as [age, hours], or leave it out")
            continue
        if not isinstance(options, MappingNode):
            hint = "such as {shape: [2]}" if data.source == NO_DATA else "such as [age, hours]"
            context.misfit(options, where, "columns or a shape", hint)
            continue
        for option, value in options.entries.items():
            if option != "shape":
                context.faults.add(options.keys[option], f"{where}.{option}", "unknown option of an input", "inputs take: shape")
            else:
                context.note(value, f"{where}.shape")
                context.read(shape, value, f"{where}.shape")
    return node.plain()


def _read_columns(context: Context, name: str, node: ListNode, where: str, data: DataConfig) -> None:
    """The columns of one input; what no data can have so is noted here, what the table's columns say when they are known."""
    names = read_texts(context, node, where, "list(name)")
    if names is MISMATCH:
        return
    context.note(node, where)
    for index, item in enumerate(node.items):
        context.note(item, f"{where}.{index}")
    if not NAME.fullmatch(name):
        context.faults.add(node, where, f"expected a name of an input, found {quote(name)}", GOOD_NAME)
    if not names:
        context.faults.add(node, where, f"the input {name} has no column", "such as [age, hours]")
    source = SOURCES.get(data.source)
    reason = None
    if source is None or source.holds != "table":
        reason = "there is no data" if data.source == NO_DATA else f"{data.source} is no table of columns"
    elif data.series is not None:
        reason = "a series has one input, the windows of all its columns"
    elif data.transform:
        reason = "the steps of `data.transform` take all numbers together"
    elif data.is_reconstruction:
        reason = "a reconstruction has one input, which is its target"
    if reason:
        context.faults.add(node, where, f"columns cannot be put into named inputs here: {reason}", "leave `model.inputs` out")


def input_columns(model: ModelConfig) -> dict[str, tuple[str, ...]]:
    """Input -> columns, of the inputs that name columns."""
    return {name: tuple(map(str, value)) for name, value in model.inputs.items() if isinstance(value, list | tuple)}


def _read_output(context: Context, node: Node, earlier: dict[str, str]) -> Any:
    if isinstance(node, ScalarNode) and str(node.value).lower() in ("auto", "none"):
        return str(node.value).lower()
    layer = _read_layer(context, node, "model.output", earlier, set())
    return MISMATCH if layer is None else layer


def _read_layers(context: Context, node: Node, path: str, earlier: dict[str, str]) -> Any:
    """The list of layers; `earlier` holds the names of inputs and then of each layer with its path, as they come."""
    items = items_of(context, node, path, "layers", "`- Dense: {units: 8}`, each on a line of its own")
    if items is None:
        return MISMATCH
    all_names = {name for item in items if (name := layer_name(item))}
    layers: list[LayerConfig] = []
    for index, item in enumerate(items):
        name = layer_name(item)
        usable = name is not None and NAME.fullmatch(name) is not None and name not in earlier
        where = f"{path}.{name}" if usable else f"{path}.{index}"
        layer = _read_layer(context, item, where, earlier, all_names)
        if layer is not None:
            layers.append(layer)
        if name is not None:
            earlier.setdefault(name, where)
    return tuple(layers)


def layer_name(node: Node) -> str | None:
    """The name that a layer's entry gives it, read ahead of all else because messages use it; None: none."""
    if not isinstance(node, MappingNode) or len(node.entries) != 1:
        return None
    [arguments] = node.entries.values()
    name = arguments.entries.get("name") if isinstance(arguments, MappingNode) else None
    return name.text if isinstance(name, ScalarNode) and name.value is not None and not name.removed else None


def _read_layer(context: Context, node: Node, path: str, earlier: dict[str, str], all_names: set[str]) -> LayerConfig | None:
    own = _OwnKeys(context, earlier, all_names)
    extras = {"name": own.read_name, "from": own.read_from}
    if not _is_several_layers(context, node):
        extras["weights"] = own.read_weights
    component = read_component(context, LAYER_KINDS, node, path, extras)
    if component is None:
        return None
    if component.kind == "application":
        _resolve_weights(context, node, path, component.arguments)
    return LayerConfig(component, own.name, own.inputs, own.weights, path)


@dataclass(slots=True)
class _OwnKeys:
    """What a layer says beside Keras's arguments.

    Attributes:
        context: faults and the rest.
        earlier: the names that stand above -> paths of these layers, empty for inputs.
        all_names: of the layers, above and below.
        name, inputs, weights: what was read; None where it is not said.
    """

    context: Context
    earlier: dict[str, str]
    all_names: set[str]
    name: str | None = None
    inputs: tuple[str, ...] | None = None
    weights: Any = None

    def read_name(self, node: Node, path: str) -> None:
        """Reads `name`."""
        name = self.context.read(parse_kind("name"), node, path)
        if name is MISMATCH:
            return
        self.name = name
        if not NAME.fullmatch(name):
            is_number = name.lstrip("-").isdigit()
            hint = "a number would be taken for a position in the list" if is_number else GOOD_NAME
            self.context.faults.add(node, path, f"expected a name, found {describe(name)}", hint)
        elif name in self.earlier:
            other = f", of {self.earlier[name]}" if self.earlier[name] else ", of an input"
            self.context.faults.add(node, path, f"the name {name} is taken{other}")

    def read_from(self, node: Node, path: str) -> None:
        """Reads `from`, the names of the inputs."""
        names = read_texts(self.context, node, path, "name|list(name)")
        if names is MISMATCH:
            return
        self.inputs = names
        for name, item in zip(names, scalars_of(node)):
            if name in self.earlier:
                continue
            if name in self.all_names:
                message = f"the layer {name} is this one, or comes later in the list"
                self.context.faults.add(item, path, message, "a layer takes what stands above it")
            else:
                above = [other for other, place in self.earlier.items() if place]
                otherwise = f"named above: {one_of(above)}" if above else "no layer above has a name"
                hint = did_you_mean(name, self.earlier) or otherwise
                self.context.faults.add(item, path, f"unknown layer {quote(name)}", hint)

    def read_weights(self, node: Node, path: str) -> None:
        """Reads `weights`, a list of arrays."""
        if not isinstance(node, ListNode):
            self.context.misfit(node, path, "a list of arrays, as layer.get_weights() gives them")
            return
        self.weights = node.plain()
        for index, item in enumerate(node.items):
            shape_of(self.context, item, f"{path}.{index}")


def _is_several_layers(context: Context, node: Node) -> bool:
    name = node.text if isinstance(node, ScalarNode) else next(iter(node.entries), "") if isinstance(node, MappingNode) else ""
    found = [context.catalog.find(kind, name) for kind in LAYER_KINDS if kind != "layer"]
    return any(found) and context.catalog.find("layer", name) is None


def _resolve_weights(context: Context, node: Node, path: str, arguments: Any) -> None:
    """Makes a weights file's path absolute; `imagenet` stays, `none` becomes None."""
    weights = arguments.get("weights")
    if weights is None:
        return
    if weights.lower() in ("none", "imagenet"):
        arguments["weights"] = None if weights.lower() == "none" else "imagenet"
        return
    assert isinstance(node, MappingNode)
    [given] = node.entries.values()
    value = given.entries["weights"] if isinstance(given, MappingNode) and "weights" in given.entries else given
    if not weights.endswith((".h5", ".keras")):
        context.faults.add(
            value,
            f"{path}.weights",
            f"expected imagenet, none or a file of weights (.h5), found {describe(weights)}",
            did_you_mean(weights, ["imagenet", "none"]),
        )
        return
    arguments["weights"] = context.path_of(weights, value, f"{path}.weights", also="weights")


def _is_finite(value: float) -> bool:
    """Whether it is a number to a model: of whole numbers some are too large for one."""
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def shape_of(context: Context, node: Node, path: str) -> tuple[int, ...] | None:
    """The shape of nested lists of finite numbers; None where they are ragged or hold something else (noted)."""
    if isinstance(node, ScalarNode):
        if isinstance(node.value, bool) or not isinstance(node.value, int | float) or not _is_finite(node.value):
            context.faults.add(node, path, f"expected a number, found {describe(node.value)}")
            return None
        return ()
    if not isinstance(node, ListNode):
        context.misfit(node, path, "numbers")
        return None
    shapes = [shape_of(context, item, f"{path}.{index}") for index, item in enumerate(node.items)]
    if None in shapes:
        return None
    for index, shape in enumerate(shapes):
        if shape != shapes[0]:
            context.faults.add(
                node.items[index],
                f"{path}.{index}",
                f"expected the shape {list(shapes[0] or ())} of the row above, found {list(shape or ())}",
            )
            return None
    return (len(shapes), *(shapes[0] or ())) if shapes else (0,)


def plain_layer(layer: LayerConfig) -> Any:
    """A layer as plain values."""
    extras: dict[str, Any] = {}
    if layer.name is not None:
        extras["name"] = layer.name
    if layer.inputs is not None:
        extras["from"] = layer.inputs[0] if len(layer.inputs) == 1 else list(layer.inputs)
    plain = plain_component(layer.component, extras)
    if layer.weights is not None:
        arguments = plain[layer.component.name] if isinstance(plain, dict) else {}
        plain = {layer.component.name: {**arguments, "weights": layer.weights}}
    return plain


def plain_model(config: ModelConfig) -> dict[str, Any]:
    """The block as plain values, with its defaults."""
    return {"layers": [], **plain_block(config, _plain, whole=True)}


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [plain_layer(layer) for layer in value]
    return plain_layer(value) if isinstance(value, LayerConfig) else plain_value(value)
