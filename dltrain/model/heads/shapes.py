"""The shape that an output needs for its target."""

from __future__ import annotations

from collections.abc import Sequence

from dltrain.config.types import LayerConfig, fault_at
from dltrain.data.dataset import Schema
from dltrain.errors import ConfigError
from dltrain.model.heads.head import Head
from dltrain.model.symbolic.rule import Shape, show_shape


def shape_for(head: Head, schema: Schema) -> Shape:
    """The shape of a head's output for one row, as its target needs it; None for an extent that pictures leave open."""
    if head.is_reconstruction:
        return schema.inputs[0].shape
    return (*schema.inputs[0].shape[:2], head.units) if head.is_mask else (head.units,)


def said_of_shape(head: Head, schema: Schema, shape: Shape) -> str | None:
    """What is wrong with an output's shape, as far as it is known; None: nothing."""
    expected = shape_for(head, schema)
    if len(shape) == len(expected) and all(have in (None, want) for have, want in zip(shape, expected)):
        return None
    return f"the output has the shape {show_shape(shape)}, the target {head.targets[0].name!r} needs {show_shape(expected)}"


def require_shape(head: Head, schema: Schema, shape: Shape, layers: Sequence[LayerConfig]) -> None:
    """Refuse what Keras found an output to be, behind layers whose shapes nobody else knows, before anything is trained.

    Raises:
        ConfigError: it cannot be compared with the target.
    """
    message = said_of_shape(head, schema, shape)
    if message is None:
        return
    hint = "put `- Flatten` before the last Dense layer" if len(shape) > len(shape_for(head, schema)) == 1 else None
    last = layers[-1] if layers else None
    place = last.component.place if last else None
    raise ConfigError(fault_at(place, message, path=last.path if last else "model.layers", hint=hint))
