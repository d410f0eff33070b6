"""Units that no longer take part: dead (always 0) and saturated (at an end of their range)."""

from __future__ import annotations

from collections.abc import Iterator

from dltrain.evaluation.diagnosis.evidence import Evidence, Finding
from dltrain.wording import percent

DEAD_SHARE = 0.5
LEAST_PLACES = 64  # seen less often, a unit may just not have had its chance
SATURATED_SHARE = 0.75


def find_dead_units(evidence: Evidence) -> Iterator[Finding]:
    """Layers of which half the relu units or more output 0 for every row: they pass no gradient, so they stay so."""
    for layer in evidence.layers:
        if layer.dead is None or layer.dead < DEAD_SHARE or layer.places < LEAST_PLACES:
            continue
        count = round(layer.dead * layer.num_units)
        yield Finding(
            "dead_units",
            f"{count:,} of the {layer.num_units:,} units of the layer {layer.name} ({percent(layer.dead, 0)}) are dead: "
            f"{layer.activation} gives 0 on all of {evidence.num_sampled:,} training rows.",
            "Try a lower learning rate, leaky_relu in place of relu, or he_normal as kernel_initializer.",
            {"layer": layer.name, "dead": layer.dead, "units": layer.num_units, "rows": evidence.num_sampled},
        )
        if layer.dead == 1.0:
            return  # what lies behind it gets the same numbers for every row: no illness of its own


def find_saturated_units(evidence: Evidence) -> Iterator[Finding]:
    """Hidden sigmoid or tanh layers whose outputs lie nearly all at the ends of the range, where the slope is next to 0."""
    for layer in evidence.layers:
        if layer.saturated is None or layer.saturated < SATURATED_SHARE or layer.places < LEAST_PLACES:
            continue
        ends = "-1 or 1" if layer.activation == "tanh" else "0 or 1"
        yield Finding(
            "saturated_units",
            f"{percent(layer.saturated, 0)} of the outputs of the layer {layer.name} are saturated: {layer.activation} is within "
            f"0.01 of {ends} on {evidence.num_sampled:,} training rows, where hardly any gradient passes.",
            "Try a lower learning rate, scaled inputs, BatchNormalization before it, or relu.",
            {"layer": layer.name, "saturated": layer.saturated, "rows": evidence.num_sampled},
        )
