"""Parts of a series' windows that layers take by name: `from: known`, what is known of the rows to come, and `from: static`.

They are made of layers of Keras's own with fixed weights, so that the model has one input, and plain Keras opens it.
"""

from __future__ import annotations

from typing import Any

from dltrain.config.types import Component, LayerConfig, ModelConfig
from dltrain.data.dataset import InputSpec
from dltrain.data.series.window_specs import WindowView


def view_layers(model: ModelConfig, spec: InputSpec) -> tuple[LayerConfig, ...]:
    """The layers before the model's own that give each view its name, of those views that one of these takes."""
    taken = {word for layer in model.layers for word in layer.inputs or ()}
    own = {layer.name for layer in model.layers}
    found = (view for view in spec.views if view.name in taken - own)
    return tuple(layer for view in found for layer in _layers_of(spec, view))


def _layers_of(spec: InputSpec, view: WindowView) -> list[LayerConfig]:
    history, width = spec.shape
    path, source, layers = f"data.series.{view.name}", spec.name, list[LayerConfig]()

    def add(name: str, kind: str, arguments: dict[str, Any], weights: Any = None) -> None:
        nonlocal source
        layers.append(LayerConfig(Component("layer", kind, arguments), name, (source,), weights, path))
        source = name

    if history > max(view.rows, 1):
        add(f"{view.name}_rows", "Cropping1D", {"cropping": [history - max(view.rows, 1), 0]})
    if not view.rows:
        add(f"{view.name}_row", "Flatten", {})
    kernel = [[float(row == place) for place in view.places] for row in range(width)]
    add(view.name, "Dense", {"units": len(view.places), "use_bias": False, "trainable": False}, (kernel,))
    return layers
