"""Gradients that shrink or grow on their way from the last layer to the first."""

from __future__ import annotations

import math
from collections.abc import Iterator

from dltrain.evaluation.diagnosis.evidence import Evidence, Finding, show
from dltrain.model.layer_statistics import LayerStatistics

LEAST_LAYERS = 3
VANISHED = 1e-3
EXPLODED = 1e3
HUGE_NORM = 1e4
NOTABLE_NORM = 1.0
TINY = 1e-10  # a root mean square below it is rounding: there is no gradient that could vanish


def find_vanishing_gradients(evidence: Evidence) -> Iterator[Finding]:
    """The first layer's weights get less than a thousandth of the gradient that the last one's get."""
    chain = [layer for layer in evidence.layers if layer.gradient is not None]
    if len(chain) < LEAST_LAYERS or any(layer.dead == 1.0 for layer in chain):
        return  # behind a wholly dead layer there is no gradient at all, which has been said
    first, last = chain[0].gradient or 0.0, chain[-1].gradient or 0.0
    if last < TINY or first >= VANISHED * last:
        return
    steps = ", ".join(f"{layer.name} {show(layer.gradient or 0.0)}" for layer in _some(chain))
    yield Finding(
        "vanishing_gradients",
        f"The gradient vanishes on its way back: its root mean square is {steps}, so that {chain[0].name} learns "
        f"{show(last / first) + ' times' if first > 0 else 'nothing, infinitely'} slower than {chain[-1].name}.",
        "Try relu in place of sigmoid or tanh, BatchNormalization between the layers, he_normal as kernel_initializer, "
        "or fewer layers.",
        {"gradients": {layer.name: layer.gradient for layer in chain}},
    )


def find_exploding_gradients(evidence: Evidence) -> Iterator[Finding]:
    """The gradient grows a thousandfold towards the first layer, or is huge altogether."""
    chain = [layer for layer in evidence.layers if layer.gradient is not None and math.isfinite(layer.gradient)]
    if not chain:
        return
    first, last = chain[0].gradient or 0.0, chain[-1].gradient or 0.0
    longest = max(layer.gradient_norm or 0.0 for layer in chain)
    # A gradient that is next to nothing everywhere, as behind dead units or at a minimum, has ratios of rounding errors.
    grows = len(chain) >= LEAST_LAYERS and last > 0 and first > EXPLODED * last and longest > NOTABLE_NORM
    if not grows and longest < HUGE_NORM:
        return
    what = "The gradient explodes on its way back: its length is" if grows else "The gradient is huge: its length is"
    steps = ", ".join(f"{layer.name} {show(layer.gradient_norm or 0.0)}" for layer in _some(chain))
    yield Finding(
        "exploding_gradients",
        f"{what} {steps}.",
        "Try `training.clip_norm: 1.0`, a lower learning rate, or scaled inputs and targets.",
        {"gradient_norms": {layer.name: layer.gradient_norm for layer in chain}},
    )


def _some(chain: list[LayerStatistics]) -> list[LayerStatistics]:
    """First, middle and last layers of a long chain."""
    return chain if len(chain) <= 5 else [*chain[:2], chain[len(chain) // 2], *chain[-2:]]
