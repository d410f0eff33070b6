"""One trained factor for each feature (the scaling layer of RealMLP, arXiv 2407.04491): what does not help can be made small."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dltrain.config.composed.parts import initializer, part
from dltrain.config.types import LayerConfig

ENTRY: Mapping[str, Any] = {
    "doc": "Multiplies each feature by a trained factor, which is 1 at first (arXiv 2407.04491).",
    "arguments": [["trainable", "bool", "Whether training changes its weights.", True]],
}
LAYERS = frozenset({"EinsumDense"})


def expand(arguments: Mapping[str, Any], name: str, shape: Sequence[int]) -> list[LayerConfig]:
    """x * s."""
    [width] = shape
    return [part("EinsumDense", name, equation="bc,c->bc", output_shape=[width], kernel_initializer=initializer("Ones"))]
