"""Each window of a series by its own mean and deviation, and the way back: layers at both ends of the model.

Reversible instance normalization (Kim et al., "Reversible Instance Normalization for Accurate Time-Series Forecasting against
Distribution Shift", ICLR 2022) without trained factors. All of it is layers of Keras's own, so that whoever opens the model's
file, or a program that it is exported for, gets forecasts in the units that the training part was scaled to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from dltrain.config.types import Component, LayerConfig
from dltrain.data.dataset import InputSpec
from dltrain.data.series.window_specs import WindowScale
from dltrain.model.heads.head import Head

LEVEL, SPREAD, SCALED = "window_level", "window_spread", "window_scaled"
# Beside the variance of a window, in units of the training part: what does not vary stays zero.
EPSILON = 1e-10


def entry_layers(spec: InputSpec, scale: WindowScale) -> tuple[LayerConfig, ...]:
    """Layers that take an input [history, numbers] to its windows scaled by themselves; the last one puts these out.

    Numbers that are no amounts, such as those of categories, stay as they are.
    """
    normal = Component("layer", "LayerNormalization", {"axis": 1, "epsilon": EPSILON, "center": False, "scale": False})
    pooling = Component("layer", "GlobalAveragePooling1D")
    mean = replace(pooling, arguments={"keepdims": True})
    layers = [
        LayerConfig(pooling, LEVEL, (spec.name,)),
        LayerConfig(mean, "window_mean", (spec.name,)),
        LayerConfig(Component("layer", "Subtract"), "window_centered", (spec.name, "window_mean")),
        # The mean of (x - m) (x - m) / d is d, the deviation: Keras has no layer that draws a root.
        LayerConfig(Component("layer", "Multiply"), "window_products", ("window_centered", "window_normal")),
        LayerConfig(pooling, SPREAD, ("window_products",)),
    ]
    if not scale.to_target:  # a label has no way back
        layers = []
    layers.insert(0, LayerConfig(normal, "window_normal", (spec.name,)))
    places = range(len(scale.amounts))
    amounts = [[float(row == column and scale.amounts[row]) for column in places] for row in places]
    others = [[float(row == column and not scale.amounts[row]) for column in places] for row in places]
    layers += [
        _fixed("window_amounts", "window_normal", amounts),
        _fixed("window_others", spec.name, others),
        LayerConfig(Component("layer", "Add"), SCALED, ("window_amounts", "window_others")),
    ]
    return tuple(replace(layer, path="data.series.scale") for layer in layers)


def with_way_back(head: Head, scale: WindowScale) -> Head:
    """The head with layers that bring what it says of a scaled window back to the units of its targets."""
    rows, factors = range(len(scale.amounts)), [scale.to_target[target.column] for target in head.targets]
    kernel = [[factor if row == place else 0.0 for place, factor, _ in factors] for row in rows]
    names = {what: f"{head.name}_{what}" for what in ("normal", "spread", "level", "scaled", "own")}
    layers: Sequence[LayerConfig] = (
        LayerConfig(Component("layer", "Activation", {"activation": "linear"}), names["normal"]),
        _fixed(names["spread"], SPREAD, kernel),
        _fixed(names["level"], LEVEL, kernel, [offset for _, _, offset in factors]),
        LayerConfig(Component("layer", "Multiply"), names["scaled"], (names["normal"], names["spread"])),
        LayerConfig(Component("layer", "Add"), names["own"], (names["scaled"], names["level"])),
    )
    return replace(head, layers=(*head.layers, *(replace(layer, path="data.series.scale") for layer in layers)))


def _fixed(name: str, source: str, kernel: list[list[float]], bias: list[float] | None = None) -> LayerConfig:
    """A layer of fixed sums."""
    arguments: dict[str, Any] = {"units": len(kernel[0]), "use_bias": bias is not None, "trainable": False}
    weights = (kernel,) if bias is None else (kernel, bias)
    return LayerConfig(Component("layer", "Dense", arguments), name, (source,), weights)
