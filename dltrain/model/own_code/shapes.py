"""What a layer of own code makes of a shape: asked of its class, where this process has imported it; else it is not known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dltrain.config.types import Component
from dltrain.config.types.own_code import OwnCode
from dltrain.model.keras_import import import_keras
from dltrain.model.own_code.blame import fault_of
from dltrain.model.own_code.importing import import_code, is_imported
from dltrain.settings import trusts_code


class CannotCompute(Exception):
    """The class raised an error; the message tells of it."""


def ask_for_shapes(code: OwnCode | None) -> None:
    """Import own code that is trusted, so that its layers can be asked; without the word their shapes stay unknown.

    Raises:
        ConfigError: it cannot be imported.
    """
    if code is not None and trusts_code():
        import_code(import_keras(), code)


def output_shape(component: Component, inputs: Sequence[tuple[int | None, ...]]) -> tuple[int | None, ...] | str:
    """The shape that comes out, without the batch; or why it is not known.

    Args:
        component: a layer of own code.
        inputs: shapes that come in, without the batch.

    Raises:
        CannotCompute: its class refuses such an input.
    """
    code = component.code
    assert code is not None
    if not is_imported(code):
        return f"what {component.name} does to a shape its own code says: --trust-code asks it"
    keras = import_keras()
    layer_class: Any = import_code(keras, code)[component.name]
    if layer_class.compute_output_shape is keras.layers.Layer.compute_output_shape:
        return f"{component.name} has no compute_output_shape; --build lets Keras find out"
    if any(isinstance(value, Component) for value in component.arguments.values()):
        return f"{component.name} is given components; --build lets Keras find out"
    shapes = [(None, *shape) for shape in inputs]
    try:
        layer = layer_class(**component.arguments)
        found = layer.compute_output_shape(shapes[0] if len(shapes) == 1 else shapes)
        return tuple(None if extent is None else int(extent) for extent in found[1:])
    except Exception as error:  # own code may raise anything
        told = fault_of(error)
        where = f", {told.file}:{told.line}" if told is not None else ""
        raise CannotCompute(
            f"{type(error).__name__}: {str(error).splitlines()[0][:300] if str(error) else '?'}{where}"
        ) from error
