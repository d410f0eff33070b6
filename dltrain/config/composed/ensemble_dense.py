"""A dense layer of many members that share its matrix (BatchEnsemble, arXiv 2002.06715, as TabM has it, arXiv 2410.24210).

Of member k: s_k * (W (r_k * x)) + b_k. A vector that comes in is every member's; then the factors r_k are 1 or -1 at first, by
which the members differ, and 1 behind another such layer.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from dltrain.config.composed.parts import initializer, linear, part, small
from dltrain.config.types import LayerConfig

ENTRY: Mapping[str, Any] = {
    "doc": "A dense layer of many members that share a matrix, each with factors of its inputs and outputs and a bias of its own"
    " (arXiv 2410.24210).",
    "arguments": [
        ["units", "int>=1", "How many numbers each member puts out."],
        [
            "members",
            "int>=2",
            "How many members there are, where one vector comes in; behind another such layer as many as it has.",
            32,
        ],
        ["trainable", "bool", "Whether training changes its weights.", True],
    ],
}
LAYERS = frozenset({"RepeatVector", "EinsumDense", "Dense"})


def expand(arguments: Mapping[str, Any], name: str, shape: Sequence[int]) -> list[LayerConfig]:
    """[n] or [k, n] -> [k, units]."""
    units, width, is_first = arguments["units"], shape[-1], len(shape) == 1
    members = arguments["members"] if is_first else shape[0]
    ones = initializer("Ones")
    into = part("EinsumDense", f"{name}_in", equation="bkn,kn->bkn", output_shape=[members, width], kernel_initializer=ones)
    return [
        *([part("RepeatVector", f"{name}_members", n=members)] if is_first else []),
        replace(into, weights=(_signs(members, width),)) if is_first else into,
        part("Dense", f"{name}_shared", units=units, use_bias=False, kernel_initializer=small(width)),
        linear(name, None, "bkm,km->bkm", [members, units], width, kernel_initializer=ones),
    ]


def _signs(members: int, width: int) -> list[list[float]]:
    """1 or -1 by chance, the same in every fit: what is drawn anew for each is the matrix."""
    drawn = random.Random(f"{members} {width}")
    return [[float(drawn.choice((-1, 1))) for _ in range(width)] for _ in range(members)]
