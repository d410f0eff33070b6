"""One layer: its rule, and what is said where there is none; and the wrappers, whose rule asks for that of the layer within."""

from __future__ import annotations

from dataclasses import replace

from dltrain.config.catalog.catalog import arguments_of
from dltrain.config.types import Component
from dltrain.model.own_code.shapes import CannotCompute, output_shape
from dltrain.model.symbolic import (
    attention,
    convolution,
    dense,
    elementwise,
    merging,
    normalization,
    pictures,
    pooling,
    recurrent,
    reshaping,
)
from dltrain.model.symbolic.application import infer_application
from dltrain.model.symbolic.on_weights import check_on_weights
from dltrain.model.symbolic.recurrent import SEVERAL_OUTPUTS
from dltrain.model.symbolic.rule import Arguments, Inferred, Rule, Rules, Shape, ShapeError, Weight, only, show_shape
from dltrain.model.symbolic.traits import RECURRENT

MODULES = (attention, convolution, dense, elementwise, merging, normalization, pictures, pooling, recurrent, reshaping)
WRAPPERS = Rules()
# Activations that Keras knows by name, and that none of its layers can be given by name.
_UNUSABLE = {
    "glu": "it halves the last axis, which no layer of Keras reckons with",
    "threshold": "it needs two numbers, which its name does not say",
}
RULES: dict[str, Rule] = {name: rule for module in MODULES for name, rule in module.RULES.by_name.items()}


def infer_layer(component: Component, inputs: tuple[Shape, ...]) -> Inferred:
    """Output shape and weights of a layer behind inputs of known shape.

    Args:
        component: kind "layer" or "application".
        inputs: one shape, or several where the layer joins branches.

    Raises:
        ShapeError: the layer cannot take them.
    """
    if component.kind == "application":
        return infer_application(component, inputs)
    if component.code is not None:
        return _infer_own(component, inputs)
    for name in ("activation", "recurrent_activation"):
        given = component.arguments.get(name)
        if isinstance(given, str) and given in _UNUSABLE:
            raise ShapeError(
                f"{component.name} cannot have the {name} {given}: {_UNUSABLE[given]}", "another, such as relu or gelu"
            )
    rule = RULES.get(component.name)
    if rule is None:
        return Inferred(None, None, f"check does not know what {component.name} does to a shape")
    found = rule(Arguments(component), inputs)
    check_on_weights(Arguments(component), found)
    if component.arguments.get("trainable") is False and found.weights:
        return replace(found, weights=tuple(replace(weight, trainable=False) for weight in found.weights))
    return found


def _infer_own(component: Component, inputs: tuple[Shape, ...]) -> Inferred:
    """What a layer of own code says itself; of its weights it says nothing."""
    try:
        found = output_shape(component, inputs)
    except CannotCompute as error:
        raise ShapeError(
            f"{component.name} takes no such input: {error}", "mend its compute_output_shape, or the input"
        ) from error
    if isinstance(found, str):
        return Inferred(None, None, found)
    return Inferred(found, None, "how many parameters is known when it is built")


@WRAPPERS.add("Bidirectional")
def infer_bidirectional(arguments: Arguments, inputs: tuple[Shape, ...]) -> Inferred:
    """A recurrent layer forwards and one backwards, their outputs merged."""
    forward = _inner(arguments, "layer", inputs)
    given = arguments["backward_layer"]
    backward = _inner(arguments, "backward_layer", inputs) if isinstance(given, Component) else forward
    first = arguments["layer"].arguments.get("go_backwards", False)
    if isinstance(given, Component) and given.arguments.get("go_backwards", False) == first:
        raise ShapeError(
            "backward_layer goes the same way as layer", f"`go_backwards: {str(not first).lower()}` in backward_layer"
        )
    weights = None if forward.weights is None or backward.weights is None else (*forward.weights, *backward.weights)
    if forward.output is None or arguments["merge_mode"] is None:
        return Inferred(None, weights, SEVERAL_OUTPUTS if forward.weights is not None else forward.note)
    if arguments["merge_mode"] != "concat":
        return Inferred(forward.output, weights)
    last = forward.output[-1]
    return Inferred((*forward.output[:-1], None if last is None else 2 * last), weights)


@WRAPPERS.add("RNN")
def infer_cells(arguments: Arguments, inputs: tuple[Shape, ...]) -> Inferred:
    """What a layer of the same cell is; of stacked cells the last one's shape."""
    cell, shape = arguments["cell"], only(inputs, arguments)
    cells = cell.arguments.get("cells") or [] if cell.name == "StackedRNNCells" else [cell]
    names = [one.name.removesuffix("Cell") if isinstance(one, Component) else "" for one in cells]
    if not cells or not set(names) <= {"GRU", "LSTM", "SimpleRNN"}:
        raise ShapeError(f"RNN takes a cell, found {cell.name}", "GRUCell, LSTMCell, SimpleRNNCell, or StackedRNNCells of them")
    weights: tuple[Weight, ...] = ()
    for index, (one, name) in enumerate(zip(cells, names)):
        told = arguments if index == len(cells) - 1 else {"return_sequences": True}
        more = {key: told[key] for key in ("return_sequences", "return_state", "stateful") if key in told}
        kept = {key: value for key, value in one.arguments.items() if key != "name"}
        found = infer_layer(Component("layer", name, {**kept, **more}), (shape,))
        weights, shape = (*weights, *(found.weights or ())), found.output or shape
    return Inferred(found.output, weights, found.note)


@WRAPPERS.add("SpectralNormalization")
def infer_spectral_normalization(arguments: Arguments, inputs: tuple[Shape, ...]) -> Inferred:
    """A layer whose kernel is divided by its largest singular value."""
    inner, component = _inner(arguments, "layer", inputs), arguments["layer"]
    if not {"kernel_initializer", "embeddings_initializer"} & set(arguments_of(component)) or component.name in RECURRENT:
        raise ShapeError(f"SpectralNormalization takes a layer with a kernel, found {component.name}", "such as Dense or Conv2D")
    return Inferred(inner.output, None, "how many parameters is known when it is built")


@WRAPPERS.add("TimeDistributed")
def infer_time_distributed(arguments: Arguments, inputs: tuple[Shape, ...]) -> Inferred:
    """A layer at each step: [steps, ...] -> [steps, ...]."""
    shape = only(inputs, arguments)
    if len(shape) < 2:
        raise ShapeError(f"TimeDistributed takes steps [steps, ...], found an input of shape {show_shape(shape)}")
    inner = _inner(arguments, "layer", (shape[1:],))
    output = None if inner.output is None else (shape[0], *inner.output)
    return Inferred(output, inner.weights, inner.note)


def _inner(arguments: Arguments, name: str, inputs: tuple[Shape, ...]) -> Inferred:
    component = arguments[name]
    if (
        name in ("layer", "backward_layer")
        and arguments.component.name == "Bidirectional"
        and not component.name.endswith(("LSTM", "GRU", "RNN"))
        and not component.name.startswith("ConvLSTM")
    ):
        raise ShapeError(f"Bidirectional takes a recurrent layer, found {component.name}", "one of LSTM, GRU, SimpleRNN")
    return infer_layer(component, inputs)


RULES |= WRAPPERS.by_name
