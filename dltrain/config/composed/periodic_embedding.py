"""Numbers embedded by cosines of trained frequencies (PBLD of RealMLP, arXiv 2407.04491): periodic, bias, linear, densenet-like.

Of each feature x: cos(2 pi w x + b) for some frequencies w, drawn with a small deviation, and phases b from all of a period; a
linear map of these to a few numbers; and x itself beside them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from dltrain.config.composed.parts import INPUT, initializer, linear, part
from dltrain.config.types import LayerConfig

ENTRY: Mapping[str, Any] = {
    "doc": "Embeds each feature by cosines of trained frequencies, a linear map of them, and itself (PBLD, arXiv 2407.04491).",
    "arguments": [
        ["frequencies", "int>=1", "How many cosines there are of each feature.", 16],
        ["sigma", "number>0", "Standard deviation of the frequencies at first.", 0.1],
        ["units", "int>=1", "How many numbers the cosines of a feature are mapped to, beside itself.", 3],
        ["trainable", "bool", "Whether training changes its weights.", True],
    ],
}
LAYERS = frozenset({"EinsumDense", "Reshape", "Concatenate", "Flatten"})


def expand(arguments: Mapping[str, Any], name: str, shape: Sequence[int]) -> list[LayerConfig]:
    """[n] -> [n * (units + 1)]; the factor 2 pi is in the frequencies."""
    [width] = shape
    count, units = arguments["frequencies"], arguments["units"]
    waves, mapped, itself, beside = (f"{name}_{word}" for word in ("waves", "linear", "itself", "beside"))
    drawn = {
        "kernel_initializer": initializer("RandomNormal", mean=0.0, stddev=2 * math.pi * float(arguments["sigma"])),
        "bias_initializer": initializer("RandomUniform", minval=-math.pi, maxval=math.pi),
    }
    return [
        linear(waves, None, "bn,nk->bnk", [width, count], 1, activation="cosine", **drawn),
        linear(mapped, waves, "bnk,nkm->bnm", [width, units], count),
        part("Reshape", itself, INPUT, target_shape=[width, 1]),
        part("Concatenate", beside, itself, mapped),
        part("Flatten", name, beside),
    ]
