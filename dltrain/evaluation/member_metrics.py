"""What the members of an ensemble come to one by one: the mean of each metric, between which values it is, and each member's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np


def summarize_members(metrics: Sequence[Mapping[str, Mapping[str, float]]]) -> dict[str, dict[str, dict[str, Any]]]:
    """Part -> metric -> {"mean", "min", "max", "values"}.

    Args:
        metrics: of each member: part -> metric -> value.
    """
    parts = list(dict.fromkeys(part for one in metrics for part in one))
    return {part: summarize([one.get(part, {}) for one in metrics]) for part in parts}


def summarize(metrics: Sequence[Mapping[str, float]]) -> dict[str, dict[str, Any]]:
    """Metric -> {"mean", "min", "max", "values"} of one part."""
    names = [name for name in metrics[0] if all(name in one for one in metrics)]
    found = {name: [float(one[name]) for one in metrics] for name in names}
    return {
        name: {"mean": float(np.mean(values)), "min": min(values), "max": max(values), "values": values}
        for name, values in found.items()
    }
