"""Numbers embedded by the ranges they lie in (PLE, arXiv 2203.05556): how far a number has got through each range, 0 to 1.

The ranges are of equal width, and the numbers expected between 0 and 1: with `data.scale: quantile` they are quantiles of the
training part, as in the paper. A linear map of a feature's own, of the paper's variant Q-L, makes a few numbers of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dltrain.config.composed.parts import linear, part
from dltrain.config.types import LayerConfig

ENTRY: Mapping[str, Any] = {
    "doc": "Embeds each feature, a number from 0 to 1, by how far it is through each of some ranges (PLE, arXiv 2203.05556).",
    "arguments": [
        [
            "bins",
            "int>=2",
            "How many ranges there are between 0 and 1; with data.scale: quantile they hold as many rows each.",
            16,
        ],
        ["units", "int>=1", "How many numbers the ranges of a feature are mapped to.", 8],
        ["trainable", "bool", "Whether training changes its weights.", True],
    ],
}
LAYERS = frozenset({"RepeatVector", "Permute", "Rescaling", "ReLU", "EinsumDense", "Flatten"})


def expand(arguments: Mapping[str, Any], name: str, shape: Sequence[int]) -> list[LayerConfig]:
    """[n] -> [n * units]; of range t the number is min(max(bins * x - t, 0), 1)."""
    [width] = shape
    bins, units = arguments["bins"], arguments["units"]
    return [
        part("RepeatVector", f"{name}_repeated", n=bins),
        part("Permute", f"{name}_ranges", dims=[2, 1]),
        part("Rescaling", f"{name}_shares", scale=float(bins), offset=[-float(place) for place in range(bins)]),
        part("ReLU", f"{name}_clipped", max_value=1.0),
        linear(f"{name}_linear", None, "bnk,nkm->bnm", [width, units], bins),
        part("Flatten", name),
    ]
