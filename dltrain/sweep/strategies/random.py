"""Values drawn at random, each trial by itself.

Bergstra & Bengio, "Random Search for Hyper-Parameter Optimization", JMLR 13 (2012).
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from typing import Any

from dltrain.sweep.combinations import assemble, num_configurations
from dltrain.sweep.dimension import Dimension
from dltrain.sweep.strategies.strategy import ListStrategy


class RandomStrategy(ListStrategy):
    """Draws that do not repeat each other; a function of space and seed, so that more trials begin with the same ones.

    Args:
        space: the dimensions.
        seed: of the draws.
        most: how many trials; fewer where there are not so many combinations.
    """

    def __init__(self, space: Sequence[Dimension], seed: int, most: int) -> None:
        super().__init__(list(_draws(space, seed, most)))


def _draws(space: Sequence[Dimension], seed: int, most: int) -> Iterator[dict[str, Any]]:
    different = num_configurations(space)
    total = most if different is None else min(most, different)
    seen: set[str] = set()
    number = 0
    while len(seen) < total:
        generator = random.Random(f"{seed}/{number}")  # a text: its hash does not depend on the version or the process
        trial = _drawn(space, generator)
        number += 1
        key = json.dumps(list(trial.items()), sort_keys=True)
        if key not in seen or (different is None and number > 20 * total):
            seen.add(key if key not in seen else f"{key} {number}")
            yield trial


def _drawn(space: Sequence[Dimension], generator: random.Random) -> dict[str, Any]:
    return assemble(space, lambda dimension: dimension.draw(generator))
