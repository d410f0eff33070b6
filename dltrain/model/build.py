"""Config + data schema → Keras model."""

from __future__ import annotations

import hashlib
import inspect
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from dltrain.config.catalog.catalog import NAMESPACES, entry_of
from dltrain.config.composed import INPUT, expand
from dltrain.config.curves import is_curve, peak_of
from dltrain.config.types import Component, LayerConfig, ModelConfig, fault_at
from dltrain.data.dataset import InputSpec, Schema
from dltrain.errors import ConfigError
from dltrain.model.application import apply_application
from dltrain.model.heads.head import Head, input_names
from dltrain.model.heads.pinball import PINBALL, pinball_class
from dltrain.model.heads.shapes import require_shape
from dltrain.model.inputs import Entry, resolve_entry
from dltrain.model.keras_import import NOT_IN_HALF, import_keras
from dltrain.model.layer_names import LayerNames
from dltrain.model.own_code.blame import reraise_ours
from dltrain.model.own_code.importing import own_class
from dltrain.wording import snake_case


def derive_seed(seed: int, *purpose: object) -> int:
    """A seed of 31 bits that depends on the run's seed and on what it is for, and on nothing else."""
    text = "/".join(str(word) for word in (seed, *purpose))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=4).digest(), "big") >> 1


def build_model(
    model: ModelConfig,
    schema: Schema,
    heads: Sequence[Head],
    *,
    seed: int,
    augment: Sequence[Component] = (),
    pretrained: bool = True,
    shared: tuple[Any, int] = (None, 0),
) -> Any:
    """Build the Keras model, not yet compiled.

    Args:
        model: the `model:` block.
        schema: the data's inputs.
        heads: from `resolve_heads`.
        seed: initial weights and the draws of random layers are functions of it and of the layer's place.
        augment: random layers for pictures, put first; they act in training only.
        pretrained: False does not read the pretrained weights of a `keras.applications` body, nor `model.weights`: a
            checkpoint's follow.
        shared: a model that was built of a config with the same first layers, which the new one has in common with it, and how
            many of the config's layers these are.

    Returns:
        A `keras.Model`. Its layers have names of their own, the same in every process.

    Raises:
        ConfigError: Keras refuses a layer; the message is Keras's, at the layer's place.
    """
    keras = import_keras()
    keras.utils.set_random_seed(derive_seed(seed, "build"))
    with _computing_in(keras, model.precision):
        built = _Builder(keras, seed, pretrained, shared).build(model, schema, heads, augment)
    if pretrained and model.weights is not None:
        from dltrain.model.weights.transfer import take_weights  # NumPy is not needed to check a config

        built.dltrain_taken = take_weights(built, Path(model.weights))
    return built


@contextmanager
def _computing_in(keras: Any, policy: str) -> Iterator[None]:
    """Layers that are made within the context have this dtype policy, and so has a model, whose `compile` goes by it."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


# Layers whose inputs are arguments of their own (query, value, key), not one list.
_SEPARATE_INPUTS = {"MultiHeadAttention", "GroupQueryAttention"}


class _Builder:
    """Puts layers together and remembers their outputs by name."""

    def __init__(self, keras: Any, seed: int, pretrained: bool, shared: tuple[Any, int] = (None, 0)) -> None:
        self.keras = keras
        self.seed = seed
        self.pretrained = pretrained
        self.shared, self.num_shared = shared
        self.tensors: dict[str, Any] = {}
        self.names = LayerNames(self.tensors)
        self.vectors: dict[str, Any] = {}
        self.in_float32: set[str] = set()  # names of the layers that put out what the model puts out

    def build(self, model: ModelConfig, schema: Schema, heads: Sequence[Head], augment: Sequence[Component]) -> Any:
        names = input_names(schema.inputs, model, heads)
        inputs = self._inputs(schema, names)
        entry = resolve_entry(model, schema.inputs)
        if entry.faults:
            raise ConfigError(entry.faults)
        self.vectors = {path: spec.vectors for path, spec in entry.vectors.items()}
        tensor = self._join(schema.inputs, inputs, names, entry)
        for index, component in enumerate(in_unit_range(augment, schema)):
            tensor = self._apply(LayerConfig(component, path=f"data.augment.{index}"), tensor)
        self.names.keep_free(model, heads)
        sources = [head.source for head in heads if not head.layers] if heads else [None]
        self.in_float32 = {name for name in sources if name is not None}
        for index, layer in enumerate(entry.layers):
            is_output = None in sources and index == len(entry.layers) - 1
            tensor = self._apply(layer, tensor, shared=index < self.num_shared, in_float32=is_output)
        outputs = [] if heads else [tensor]
        for head in heads:
            output = tensor if head.source is None else self.tensors[head.source]
            for layer in head.layers:
                output = self._apply(layer, output, in_float32=True)
            outputs.append(self._to_float32(output))
            require_shape(head, schema, tuple(output.shape[1:]), entry.layers)
        with keras_refusals():
            return self.keras.Model(
                inputs if len(inputs) > 1 else inputs[0], outputs if len(outputs) > 1 else outputs[0], name="model"
            )

    def _inputs(self, schema: Schema, names: Sequence[str]) -> list[Any]:
        if self.shared is not None:
            return list(self.shared.inputs)
        return [
            self.keras.Input(spec.shape, dtype=spec.dtype, name=name) for spec, name in zip(schema.inputs, names, strict=True)
        ]

    def _join(self, specs: Sequence[InputSpec], inputs: Sequence[Any], names: Sequence[str], entry: Entry) -> Any:
        """One tensor of the inputs that are joined: categories are looked up and put beside the numbers, texts as means."""
        tensors = []
        for spec, tensor, key in zip(specs, inputs, names, strict=True):
            self.tensors[spec.name] = tensor
            if spec in entry.joined:
                embedded = tensor if spec.vocabulary_size is None else self._embed(spec, tensor, key)
                tensors.append(self._mean(tensor, embedded, key) if spec.holds_tokens else embedded)
        if not tensors:
            return self.tensors[entry.plain.name if entry.plain else specs[0].name]
        return tensors[0] if len(tensors) == 1 else self.keras.layers.Concatenate(name="inputs")(tensors)

    def _embed(self, spec: InputSpec, tensor: Any, key: str) -> Any:
        name = f"{key}_embedding"
        seed = derive_seed(self.seed, "initializer", name)
        initializer = self.keras.initializers.RandomUniform(-0.05, 0.05, seed=seed)
        layer = self.keras.layers.Embedding(
            spec.vocabulary_size,
            spec.embedding_dimension or 8,
            embeddings_initializer=initializer,
            name=name,
            trainable=spec.trainable,
        )
        output = layer(tensor)
        if spec.vectors is not None:
            layer.set_weights([spec.vectors])
        return output

    def _mean(self, indices: Any, embedded: Any, key: str) -> Any:
        """The mean over a text's tokens. The mask is made by layers, because an .h5 file cannot hold Keras's own."""
        layers = self.keras.layers
        mask = layers.ReLU(max_value=1.0, name=f"{key}_mask")(layers.Rescaling(1.0, name=f"{key}_indices")(indices))
        return layers.GlobalAveragePooling1D(name=f"{key}_mean")(embedded, mask=mask)

    def _to_float32(self, output: Any) -> Any:
        """An output in float32, where the layer that puts it out could not be told to compute in it."""
        if not str(output.dtype).endswith("float16"):
            return output
        name = f"{output._keras_history.operation.name}_float32"
        return self.keras.layers.Activation("linear", dtype="float32", name=name)(output)

    def _apply(self, config: LayerConfig, tensor: Any, *, shared: bool = False, in_float32: bool = False) -> Any:
        name = self.names.name(config)
        if in_float32:
            self.in_float32.add(name)
        if config.component.kind == "composed":
            return self._compose(config, name, tensor)
        is_there = shared and self.shared is not None
        output = _output_of(self.shared, name) if is_there else self._call(config, name, tensor)
        self.tensors[name] = output
        if config.is_frozen:
            # What follows begins alike, whether these layers were made here or are another model's.
            self.keras.utils.set_random_seed(derive_seed(self.seed, "after", name))
        return output

    def _compose(self, config: LayerConfig, name: str, tensor: Any) -> Any:
        """One layer after the other of which a composed one is."""
        source = tensor if config.inputs is None else self.tensors[config.inputs[0]]
        output = self.tensors[INPUT] = source
        for part in expand(config, name, tuple(map(int, source.shape[1:]))):
            output = self._apply(part, output)
        return output

    def _call(self, config: LayerConfig, name: str, tensor: Any) -> Any:
        """Make a layer, and let it take its inputs."""
        try:
            source = tensor if config.inputs is None else [self.tensors[word] for word in config.inputs]
            if config.inputs is not None and len(source) == 1:
                source = source[0]
            if config.component.kind == "application":
                output = apply_application(
                    self.keras, config.component, name, source, pretrained=self.pretrained, path=config.path
                )
            else:
                layer = self._make(config, name)
                if config.component.name in _SEPARATE_INPUTS:
                    sources = source if isinstance(source, list) else [source, source]  # alone: attention to itself
                    output = layer(*sources)
                else:
                    output = layer(source)
                if config.weights is not None:
                    self._set_weights(layer, config)
                elif config.path in self.vectors:
                    layer.set_weights([self.vectors[config.path]])
        except (ValueError, TypeError, KeyError, IndexError) as error:
            reraise_ours(error)
            message = f"Keras refuses {config.component.name}: {refusal(error)[1]}"
            raise ConfigError(fault_at(config.component.place, message, path=config.path or None)) from error
        return output

    def _make(self, config: LayerConfig, name: str) -> Any:
        layer_class = class_of(self.keras, config.component)
        arguments = {key: make_value(self.keras, value) for key, value in config.component.arguments.items()}
        if "seed" in inspect.signature(layer_class.__init__).parameters and arguments.get("seed") is None:
            arguments["seed"] = derive_seed(self.seed, "layer", name)
        if name in self.in_float32 or config.component.name in NOT_IN_HALF:
            arguments.setdefault("dtype", "float32")
        layer = _construct(layer_class, {"name": name, **arguments})
        curves = {key: value for key, value in config.component.arguments.items() if is_curve(value)}
        if curves:
            layer.dltrain_curves = curves
        for key in arguments if layer_class.__module__.startswith("keras.") else ():
            for kept_as in (key, f"_{key}"):  # Keras keeps a list as one of its own kind, which no .h5 file takes
                if isinstance(kept := vars(layer).get(kept_as), list) and all(
                    isinstance(item, int | float | None) for item in kept
                ):
                    setattr(layer, kept_as, tuple(kept))
        return layer

    def _set_weights(self, layer: Any, config: LayerConfig) -> None:
        import numpy as np

        given = [np.asarray(values, dtype="float32") for values in config.weights]
        expected = [tuple(weight.shape) for weight in layer.weights]
        if [array.shape for array in given] != expected:
            found = ", ".join(str(array.shape) for array in given)
            raise ValueError(f"weights of shapes {found} were given; expected {', '.join(map(str, expected))}")
        layer.set_weights(given)


def in_unit_range(augment: Sequence[Component], schema: Schema) -> list[Component]:
    """The random layers, with pixels from 0 to 1 where the data is so: by itself Keras takes them to go up to 255."""
    if not schema.inputs or not schema.inputs[0].unit_range:
        return list(augment)
    return [
        replace(component, arguments={**component.arguments, "value_range": [0.0, 1.0]})
        if takes_value_range(component) and "value_range" not in component.arguments
        else component
        for component in augment
    ]


def takes_value_range(component: Component) -> bool:
    """Whether a layer depends on the least and the largest value that a pixel can have."""
    entry = entry_of(component)
    return entry is not None and "value_range" in entry.arguments


def _output_of(model: Any, name: str) -> Any:
    """The output tensor of a layer within a model; the layer may be used in other models too."""
    [node] = [node for nodes in model._nodes_by_depth.values() for node in nodes if node.operation.name == name]
    return node.outputs[0]


def refusal(error: Exception) -> tuple[str, str]:
    """What Keras refused to call (a class, or "" where it does not say) and why, without the dump of arguments that follows."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", str(error.args[0] if error.args else error))
    called = re.match(r"Exception encountered when calling (\w+)(?:\.call\(\))?\.?\s*", text)
    reason = text[called.end() :] if called else text
    return called.group(1) if called else "", re.split(r"\n\s*Arguments received|\n\n", reason)[0].strip().replace("\n", " ")


@contextmanager
def keras_refusals() -> Iterator[None]:
    """Turn what Keras says of a model while it is put together or traced into an error of the config.

    Raises:
        ConfigError: a layer, the loss or a metric cannot be computed on such rows.
    """
    try:
        yield
    except (ValueError, TypeError, IndexError, RuntimeError) as error:
        reraise_ours(error)
        what, reason = refusal(error)
        message = f"Keras cannot compute {what or 'the model with its loss and metrics'}: {reason}"
        raise ConfigError(message, path="model" if what else "training") from error


# Keras's Huber is half of the squared error up to its delta: with one that no error reaches it is that everywhere. A loss of
# Keras's own, it stands in files that any Python loads. The square of it is a float32.
_FAR = 1e18


def make_component(keras: Any, component: Component, **more: Any) -> Any:
    """The Keras object of a component; its arguments may be components themselves."""
    if component.name == "HalfSquaredError":
        component = replace(
            component, name="Huber", arguments={"name": "half_squared_error", **component.arguments, "delta": _FAR}
        )
    arguments = {key: make_value(keras, value) for key, value in component.arguments.items()}
    if component.name == PINBALL:
        return pinball_class()(**{**arguments, **more})
    if component.kind == "optimizer":
        arguments.pop("groups", None)  # Keras has none; see `model/groups.py`
    if component.kind == "optimizer" and isinstance(arguments.get("learning_rate"), int):
        arguments["learning_rate"] = float(arguments["learning_rate"])  # Keras takes no whole number for a rate
    if component.own is not None and component.own.is_function:
        return _of_function(keras, component, arguments)
    return _construct(class_of(keras, component), {**arguments, **more})


def _of_function(keras: Any, component: Component, arguments: Mapping[str, Any]) -> Any:
    """A function of own code, in the object that Keras puts around one; its arguments are stored with that."""
    function = class_of(keras, component)
    if component.kind == "loss":
        from keras.src.losses.losses import LossFunctionWrapper  # as `compile` puts around a function; it has no public name

        return _construct(LossFunctionWrapper, {"name": snake_case(component.name), "fn": function, **arguments})
    if component.kind == "metric":
        return _construct(keras.metrics.MeanMetricWrapper, {"fn": function, **arguments})
    return function


def class_of(keras: Any, component: Component) -> Any:
    """The class of a component: Keras's, or a class or function of own code."""
    if component.code is not None:
        return own_class(keras, component)
    namespace = keras
    for word in NAMESPACES[component.kind].split("."):
        namespace = getattr(namespace, word)
    return getattr(namespace, component.name)


def _construct(keras_class: Any, arguments: Mapping[str, Any]) -> Any:
    """An object of a Keras class; an argument that it does not take, or lacks, is a ValueError as its other refusals are."""
    try:
        return keras_class(**arguments)
    except TypeError as error:
        raise ValueError(str(error)) from error


def make_value(keras: Any, value: Any) -> Any:
    """An argument's value as Keras takes it."""
    if is_curve(value):
        return peak_of(value)  # the loop puts in what it is at each step; see `training/curves.py`
    if isinstance(value, Component):
        # A layer within a layer would else be named by a counter of the process, and its weights be stored under that name.
        more = {"name": snake_case(value.name)} if value.kind == "layer" and "name" not in value.arguments else {}
        return make_component(keras, value, **more)
    if isinstance(value, Mapping):
        return {key: make_value(keras, item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [make_value(keras, item) for item in value]
    if value == "cosine":
        from keras.src.ops.numpy import Cos

        return Cos()  # the operation is an object that every file of Keras's can hold, which the function keras.ops.cos is not
    if value == "binary_step":
        from dltrain.model.binary_step import make_binary_step

        return make_binary_step(keras)
    return value


def describe_layers(model: Any) -> list[dict[str, Any]]:
    """A row a layer for the user: name, class, output shape (batch as None), parameters, whether they train."""
    rows = []
    for layer in model.layers:
        output = getattr(layer, "output", None)
        shape = [list(item.shape) for item in output] if isinstance(output, list) else list(getattr(output, "shape", ()))
        rows.append(
            {
                "name": layer.name,
                "class": type(layer).__name__,
                "output_shape": shape,
                "parameters": int(layer.count_params()) if layer.built else 0,
                "trainable": bool(layer.trainable_weights),
            }
        )
    return rows
