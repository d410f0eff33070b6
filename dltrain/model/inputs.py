"""How the data's inputs meet the first layers: which are joined, which a layer takes by name, and what its Embedding needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from dltrain.config.types import LayerConfig, ModelConfig, fault_at
from dltrain.data.dataset import InputSpec
from dltrain.data.series.window_specs import WindowScale
from dltrain.errors import Fault
from dltrain.model.heads.reversible import SCALED, entry_layers
from dltrain.model.heads.window_views import view_layers
from dltrain.wording import one_of


@dataclass(frozen=True, slots=True)
class Entry:
    """Where the inputs go.

    Attributes:
        joined: the inputs that are put together to one tensor, which the first layer takes; categories are embedded for it,
            texts embedded and averaged.
        plain: the one text that the first layer, an Embedding, takes as it is; then nothing is joined.
        layers: those of the config, each Embedding over an input with its sizes filled in.
        vectors: path of a layer -> the input whose word vectors its Embedding begins with.
        faults: an Embedding whose sizes cannot be or do not fit.
    """

    joined: tuple[InputSpec, ...]
    plain: InputSpec | None
    layers: tuple[LayerConfig, ...]
    vectors: dict[str, InputSpec]
    faults: tuple[Fault, ...]


def resolve_entry(model: ModelConfig, specs: Sequence[InputSpec]) -> Entry:
    """Decide how the inputs enter the model: those that a layer names in its `from:` are left to it."""
    scaled = next((spec for spec in specs if spec.window_scale is not None), None)
    if scaled is not None and scaled.window_scale is not None:
        return replace(_scaled_entry(model, scaled, scaled.window_scale), faults=tuple(_unknown_names(model, specs)))
    names = {word for layer in model.layers for word in layer.inputs or ()}
    joined = tuple(spec for spec in specs if spec.name not in names)
    plain = None
    if len(joined) == 1 and joined[0].holds_tokens and _begins_with_embedding(model.layers):
        plain, joined = joined[0], ()
    by_name = {spec.name: spec for spec in specs}
    layers, vectors, faults = [], {}, _unjoinable(model, joined)
    if faults:
        joined = tuple(spec for spec in joined if len(spec.shape) != 3)
    for index, layer in enumerate(model.layers):
        if layer.component.name == "Embedding" and layer.component.kind == "layer":
            spec = plain if index == 0 and layer.inputs is None else by_name.get((layer.inputs or ("",))[0])
            layer, found = _fill_in(layer, spec)
            faults += found
            if spec is not None and spec.vectors is not None:
                vectors[layer.path] = spec
        layers.append(layer)
    views = [view for spec in specs for view in view_layers(model, spec)]
    if views and layers and layers[0].inputs is None:
        layers[0] = replace(layers[0], inputs=(joined[0].name,))
    return Entry(joined, plain, (*views, *layers), vectors, (*_unknown_names(model, specs), *faults))


def _unknown_names(model: ModelConfig, specs: Sequence[InputSpec]) -> list[Fault]:
    """A `from:` that names a column which shares its input with others, or another kind of data's input."""
    inputs = [spec.name for spec in specs]
    known = {*inputs, *(view.name for spec in specs for view in spec.views), *(layer.name for layer in model.layers)}
    faults = []
    for layer in model.all_layers:
        for word in layer.inputs or ():
            if word not in known:
                of = next((spec.name for spec in specs if word in spec.columns), None)
                hint = f"the inputs: {one_of(inputs)}"
                hint += f"; `model.inputs: {{{of}: [...], own: [{word}]}}` gives the column an input" if of else ""
                message = f"{word} is one of the columns of the input {of}" if of else f"there is no input {word}"
                faults.append(fault_at(layer.component.place, message, path=f"{layer.path}.from", hint=hint))
    return faults


def _scaled_entry(model: ModelConfig, spec: InputSpec, scale: WindowScale) -> Entry:
    """Of a series whose windows are scaled by themselves: layers that take the input take it scaled."""
    layers = [
        layer
        if layer.inputs is None
        else replace(layer, inputs=tuple(SCALED if word == spec.name else word for word in layer.inputs))
        for layer in model.layers
    ]
    return Entry((spec,), None, (*view_layers(model, spec), *entry_layers(spec, scale), *layers), {}, ())


def _unjoinable(model: ModelConfig, joined: Sequence[InputSpec]) -> list[Fault]:
    """Pictures cannot be put beside other inputs by themselves."""
    pictures = [spec for spec in joined if len(spec.shape) == 3]
    if not pictures or len(joined) == 1:
        return []
    others = ", ".join(spec.name for spec in joined if spec not in pictures[:1])
    message = f"the picture {pictures[0].name} cannot be put beside {others} by itself"
    first = model.layers[0] if model.layers else None
    hint = f"begin a branch with it, such as `Flatten: {{from: {pictures[0].name}}}`, and join the branches by Concatenate"
    return [fault_at(first.component.place if first else None, message, path=first.path if first else "model.layers", hint=hint)]


def _begins_with_embedding(layers: Sequence[LayerConfig]) -> bool:
    return bool(layers) and layers[0].component.name == "Embedding" and layers[0].inputs is None


def _fill_in(layer: LayerConfig, spec: InputSpec | None) -> tuple[LayerConfig, list[Fault]]:
    """The Embedding with `input_dim` and `output_dim` as its input has them, where they are not given."""
    arguments = dict(layer.component.arguments)
    faults = []
    if spec is None or spec.vocabulary_size is None:
        missing = [name for name in ("input_dim", "output_dim") if name not in arguments]
        if missing:
            message = f"Embedding needs {' and '.join(missing)} here"
            hint = "they follow from the data only where it takes a text or a category itself (first, or by `from:`)"
            faults.append(fault_at(layer.component.place, message, path=layer.path, hint=hint))
        return layer, faults
    size, dimension = spec.vocabulary_size, spec.embedding_dimension or 8
    given = arguments.setdefault("input_dim", size)
    if given < size:
        message = f"input_dim is {given:,}, but {spec.name} has {size:,} different indices"
        hint = "leave input_dim out: it follows from the data"
        hint += f"; or set `data.text.max_tokens: {given}` (of pieces of words `vocabulary`)" if spec.holds_tokens else ""
        faults.append(fault_at(layer.component.place, message, path=layer.path, hint=hint))
    width = arguments.setdefault("output_dim", dimension)
    if spec.vectors is not None and (width != dimension or given != size):
        message = f"an Embedding of {given:,}×{width} cannot begin with {size:,} word vectors of {dimension} numbers"
        hint = "leave input_dim and output_dim out: they follow from the vectors"
        faults.append(fault_at(layer.component.place, message, path=layer.path, hint=hint))
    if not spec.trainable:
        arguments.setdefault("trainable", False)
    return replace(layer, component=replace(layer.component, arguments=arguments)), faults
