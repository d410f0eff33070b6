"""Whether what begins, holds and penalizes a layer's weights can be computed of weights of their shapes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from dltrain.config.catalog.catalog import arguments_of
from dltrain.config.types import Component
from dltrain.model.symbolic.rule import Arguments, Inferred, Shape, ShapeError, show_shape

_KINDS = ("_initializer", "_regularizer", "_constraint")
# Where a weight stands among the layer's; the bias comes after all of these that the layer has.
_PLACES = {"kernel": 0, "embeddings": 0, "depthwise": 0, "alpha": 0, "gamma": 0, "beta": 0, "pointwise": 1, "recurrent": 1}


def check_on_weights(arguments: Arguments, found: Inferred) -> None:
    """Refuse what Keras cannot compute of a layer's weights, or of its output.

    Args:
        arguments: of the layer.
        found: what is known of the layer behind its input.

    Raises:
        ShapeError: with the argument and the shape that it is given.
    """
    for name, value in arguments.component.arguments.items():
        if not isinstance(value, Component) or not name.endswith(_KINDS):
            continue
        shape = _shape_of(name.rpartition("_")[0], arguments, found)
        if shape is not None and None not in shape and (odd := _why_not(value, shape)):
            raise ShapeError(f"{name} {value.name} {odd[0]}, found {show_shape(shape)}", odd[1])


def _shape_of(weight: str, arguments: Arguments, found: Inferred) -> Shape | None:
    """The shape of a weight by its name; None: not known, or there is none."""
    if weight == "activity":  # of the layer's output, with the rows of a batch
        return None if found.output is None else (1, *found.output)
    if weight == "bias" and not arguments["use_bias"]:
        return None
    if weight in ("gamma", "beta") and not arguments["scale" if weight == "gamma" else "center"]:
        return None
    known = [place for name, place in _PLACES.items() if f"{name}_initializer" in arguments]
    place = _PLACES.get(weight, 1 + max(known, default=0))
    weights = found.weights or ()
    return weights[place].shape if place < len(weights) else None


def _why_not(component: Component, shape: Sequence[Any]) -> tuple[str, str] | None:
    """What a component takes, as words before the shape that it gets, and the next step; None where it takes that."""
    check = _CHECKS.get(component.name)
    return check(arguments_of(component), shape) if check is not None else _of_axes(arguments_of(component), shape)


def _matrix(given: Any, shape: Sequence[Any]) -> tuple[str, str] | None:
    return None if len(shape) == 2 else ("takes a matrix, of two axes", "leave it out: it is for the kernels of Dense layers")


def _orthogonal(given: Any, shape: Sequence[Any]) -> tuple[str, str] | None:
    return None if len(shape) >= 2 else ("takes weights of at least two axes", "zeros or ones are usual here")


def _constant(given: Any, shape: Sequence[Any]) -> tuple[str, str] | None:
    import numpy as np

    try:
        fits = np.broadcast_shapes(np.shape(given["value"]), tuple(shape)) == tuple(shape)
    except ValueError:  # sizes that do not go together, or lists of different lengths
        fits = False
    return None if fits else ("takes weights that its list of numbers fits", "one number fits all")


def _stft(given: Any, shape: Sequence[Any]) -> tuple[str, str] | None:
    return None if len(shape) == 3 else ("takes the kernel of a Conv1D, of three axes", "leave it out")


def _of_axes(given: Any, shape: Sequence[Any]) -> tuple[str, str] | None:
    """Axes that the weights have, each once."""
    for name in ("axis", "input_axes", "output_axes"):
        axes = given.get(name)
        axes = [axes] if isinstance(axes, int) else axes or []
        if any(not -len(shape) <= axis < len(shape) for axis in axes):
            return f"with {name} {given[name]} takes weights that have such an axis", f"0 to {len(shape) - 1} here"
        if name == "axis" and len({axis % len(shape) for axis in axes}) < len(axes):
            return f"takes each axis once, not {name} {axes}", "name each axis once"
    return None


_CHECKS: dict[str, Callable[[Any, Sequence[Any]], tuple[str, str] | None]] = {
    "OrthogonalRegularizer": _matrix,
    "Identity": _matrix,
    "Orthogonal": _orthogonal,
    "Constant": _constant,
    "STFT": _stft,
}
