"""The whole network by arithmetic: shape and parameters of each layer, and every layer that cannot take its input."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from dltrain.config.composed import COMPOSED, INPUT, MOST_LISTED, expand, listed_numbers
from dltrain.config.types import Component, LayerConfig, ModelConfig, fault_at
from dltrain.data.dataset import InputSpec, Schema
from dltrain.errors import Fault
from dltrain.model.heads.head import Head, input_names
from dltrain.model.inputs import Entry, resolve_entry
from dltrain.model.layer_names import LayerNames
from dltrain.model.symbolic.application import preprocessing_of
from dltrain.model.symbolic.layers import infer_layer
from dltrain.model.symbolic.recurrent import SEVERAL_OUTPUTS
from dltrain.model.symbolic.rule import Inferred, Shape, ShapeError, show_shape
from dltrain.model.symbolic.traits import TAKES_SEVERAL


@dataclass(frozen=True, slots=True)
class Row:
    """One layer of the table.

    Attributes:
        name: as the model names it.
        layer: Keras's class.
        inputs: shapes that come in; None: not known.
        found: what the arithmetic says.
        config: the entry of the config; None for a layer that the data asks for.
        sources: names of the layers or inputs that it takes.
    """

    name: str
    layer: str
    inputs: tuple[Shape | None, ...]
    found: Inferred
    config: LayerConfig | None = None
    sources: tuple[str, ...] = ()


@dataclass(slots=True)
class Network:
    """What is known of a model without building it.

    Attributes:
        rows: a layer each, in the order in which they are built.
        outputs: (name of the last layer, its shape) for each head.
        faults: layers that cannot take their input, at their lines.
    """

    rows: list[Row] = field(default_factory=list)
    outputs: list[tuple[str, Shape | None]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    @property
    def parameters(self) -> int | None:
        """All parameters; None: those of a layer are not known."""
        return _sum([row.found.parameters for row in self.rows])

    @property
    def trainable(self) -> int | None:
        """Parameters that training changes; None where they are not known."""
        return _sum([row.found.trainable for row in self.rows])

    def needed_for(self, name: str) -> set[str]:
        """Names of all layers and inputs that a layer's output depends on, itself included."""
        above = {row.name: row.sources for row in self.rows}
        found: set[str] = set()
        waiting = [name]
        while waiting:
            word = waiting.pop()
            if word not in found:
                found.add(word)
                waiting += above.get(word, ())
        return found


def _sum(counts: Sequence[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None


def infer_network(model: ModelConfig, schema: Schema, heads: Sequence[Head], augment: Sequence[Component] = ()) -> Network:
    """Walk through a model as `build_model` builds it.

    Args:
        model: the `model:` block.
        schema: the data's inputs.
        heads: from `resolve_heads`; empty where they are in doubt: the config's layers alone.
        augment: random layers for pictures, put first.
    """
    walk = _Walk()
    entry = resolve_entry(model, schema.inputs)
    walk.network.faults += entry.faults
    last = walk.join(schema.inputs, input_names(schema.inputs, model, heads), entry)
    for index, component in enumerate(augment):
        last = walk.add(LayerConfig(component, path=f"data.augment.{index}"), last)
    walk.names.keep_free(model, heads)
    for layer in entry.layers:
        last = walk.add(layer, last)
    for head in heads:
        end = head.source or last
        for layer in head.layers:
            end = walk.add(layer, end)
        walk.network.outputs.append((end, walk.shapes[end]))
    if not heads:
        walk.network.outputs.append((last, walk.shapes[last]))
    return walk.network


class _Walk:
    """Shapes by name, as the layers come."""

    def __init__(self) -> None:
        self.network = Network()
        self.shapes: dict[str, Shape | None] = {}
        self.names = LayerNames(self.shapes)

    def join(self, specs: Sequence[InputSpec], names: Sequence[str], entry: Entry) -> str:
        """The inputs, embedded categories and texts put beside the numbers; returns the name of what goes on."""
        ends = []
        for spec, key in zip(specs, names, strict=True):
            self.shapes[spec.name] = spec.shape
            if spec not in entry.joined:
                continue
            end = spec.name
            if spec.vocabulary_size is not None:
                size = {"input_dim": spec.vocabulary_size, "output_dim": spec.embedding_dimension or 8}
                if not spec.trainable:
                    size["trainable"] = False
                end = self._infer(Component("layer", "Embedding", size), f"{key}_embedding", (spec.name,), None)
            if spec.holds_tokens:
                mask = self._infer(Component("layer", "Rescaling", {"scale": 1.0}), f"{key}_indices", (spec.name,), None)
                self._infer(Component("layer", "ReLU", {"max_value": 1.0}), f"{key}_mask", (mask,), None)
                end = self._infer(Component("layer", "GlobalAveragePooling1D"), f"{key}_mean", (end,), None)
            ends.append(end)
        if not ends:
            return entry.plain.name if entry.plain else specs[0].name
        if len(ends) == 1:
            return ends[0]
        return self._infer(Component("layer", "Concatenate"), "inputs", tuple(ends), None)

    def add(self, layer: LayerConfig, last: str) -> str:
        """One layer of the config; returns its name."""
        name = self.names.name(layer)
        sources = layer.inputs or (last,)
        for word in sources:
            self.shapes.setdefault(word, None)  # a fault of the entry's
        before = preprocessing_of(layer.component)
        if before is not None:
            sources = (self._infer(before, f"{name}_preprocessing", sources, layer),)
        if layer.component.kind == "composed":
            return self._compose(layer, name, sources)
        self._infer(layer.component, name, sources, layer)
        self._check_weights(layer)
        return name

    def _compose(self, layer: LayerConfig, name: str, sources: tuple[str, ...]) -> str:
        """The layers of which a composed one is."""
        shapes = [self.shapes[word] for word in sources]
        shape = shapes[0]
        takes = COMPOSED[layer.component.name].takes
        if len(shapes) > 1 or shape is None or len(shape) not in takes or None in shape:
            wrong = shape is not None or len(shapes) > 1
            found = f"found {len(shapes)} inputs" if len(shapes) > 1 else f"found an input of shape {show_shape(shape)}"
            message = (
                f"{layer.component.name} takes {' or '.join(takes.values())}, {found}" if wrong else "what comes in is not known"
            )
            if wrong:
                hint = "join them first, such as by Concatenate" if len(shapes) > 1 else _hint_of(takes)
                self.network.faults.append(fault_at(layer.component.place, message, path=layer.path, hint=hint))
            return self._unknown(layer, name, sources, message)
        last, known = sources[0], [extent for extent in shape if extent is not None]
        if (listed := listed_numbers(layer, known)) > MOST_LISTED:
            message = f"takes {listed:,} numbers that are written one by one, more than {MOST_LISTED:,}"
            self.network.faults.append(fault_at(layer.component.place, message, path=layer.path))
            return self._unknown(layer, name, sources, message)
        for part in expand(layer, name, known):
            words = tuple(sources[0] if word == INPUT else word for word in part.inputs or (last,))
            last = self._infer(part.component, part.name or name, words, replace(layer, component=part.component))
        return last

    def _unknown(self, layer: LayerConfig, name: str, sources: tuple[str, ...], message: str) -> str:
        """A layer of which no shape is known, and why."""
        self.shapes[name] = None
        shapes = tuple(self.shapes[word] for word in sources)
        self.network.rows.append(Row(name, layer.component.name, shapes, Inferred(None, None, message), layer, sources))
        return name

    def _infer(self, component: Component, name: str, sources: tuple[str, ...], layer: LayerConfig | None) -> str:
        inputs = tuple(self.shapes[word] for word in sources)
        known = tuple(shape for shape in inputs if shape is not None)
        if len(known) < len(inputs):
            found = Inferred(None, None, "what comes in is not known")
            self._refuse_several(component, sources, layer)
        else:
            try:
                found = infer_layer(component, known)
            except ShapeError as error:
                found = Inferred(None, None, error.message)
                place = layer.component.place if layer else None
                self.network.faults.append(fault_at(place, error.message, path=layer.path if layer else None, hint=error.hint))
        self.shapes[name] = found.output
        self.network.rows.append(Row(name, component.name, inputs, found, layer, sources))
        return name

    def _refuse_several(self, component: Component, sources: tuple[str, ...], layer: LayerConfig | None) -> None:
        """Of a layer that gives its state as well, most layers cannot take what comes."""
        if component.code is not None or component.name in TAKES_SEVERAL:
            return
        for row in self.network.rows:
            if row.name in sources and row.found.note == SEVERAL_OUTPUTS and row.config is not None:
                message = f"{row.layer} gives several outputs here, and {component.name} behind it takes one"
                hint = "leave `return_state` out" if "return_state" in row.config.component.arguments else "say a `merge_mode`"
                place = layer.component.place if layer and layer.path else row.config.component.place
                self.network.faults.append(
                    fault_at(place, message, path=(layer or row.config).path or row.config.path, hint=hint)
                )

    def _check_weights(self, layer: LayerConfig) -> None:
        """Weights given in the config must have the shapes that the layer needs."""
        found = self.network.rows[-1].found
        if layer.weights is None or found.weights is None or found.note or any(weight.size is None for weight in found.weights):
            return
        given = [_shape_of(values) for values in layer.weights]
        expected = [weight.shape for weight in found.weights]
        if given != expected:
            words, wanted = (", ".join(map(show_shape, shapes)) or "none" for shapes in (given, expected))
            message = f"weights of shapes {words} were given, expected {wanted}"
            hint = "the order is that of Keras's layer.get_weights(): the kernel [inputs, units], then the bias [units]"
            self.network.faults.append(fault_at(layer.component.place, message, path=f"{layer.path}.weights", hint=hint))


def _hint_of(takes: Mapping[int, str]) -> str:
    """What to put before a composed layer that takes other shapes."""
    return "put `- Flatten` before it" if 1 in takes else "EnsembleDense before it, as `model.preset: tabm` has it"


def _shape_of(values: Any) -> Shape:
    """The shape of nested lists (that they are not ragged was checked when the config was read)."""
    shape: list[int | None] = []
    while isinstance(values, list | tuple):
        shape.append(len(values))
        values = values[0] if values else None
    return tuple(shape)
