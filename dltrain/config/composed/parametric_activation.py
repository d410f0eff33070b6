"""An activation that each feature takes to a trained share (RealMLP, arXiv 2407.04491): x + a (f(x) - x), with a = 1 at first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dltrain.config.composed.parts import INPUT, initializer, part
from dltrain.config.types import LayerConfig

ENTRY: Mapping[str, Any] = {
    "doc": "Goes a trained share of the way from each feature to its activation, the whole way at first (arXiv 2407.04491).",
    "arguments": [
        ["activation", "activation", "Activation function."],
        ["trainable", "bool", "Whether training changes its weights.", True],
    ],
}
LAYERS = frozenset({"Activation", "Subtract", "EinsumDense", "Add"})


def expand(arguments: Mapping[str, Any], name: str, shape: Sequence[int]) -> list[LayerConfig]:
    """x + a * (f(x) - x)."""
    [width] = shape
    full, way, share = f"{name}_full", f"{name}_way", f"{name}_share"
    ones = initializer("Ones")
    return [
        part("Activation", full, activation=arguments["activation"]),
        part("Subtract", way, full, INPUT),
        part("EinsumDense", share, way, equation="bc,c->bc", output_shape=[width], kernel_initializer=ones),
        part("Add", name, INPUT, share),
    ]
