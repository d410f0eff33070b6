"""The metric that a person asked for, beside the one that trials are compared by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dltrain.config.catalog.metrics import USUAL_SCORES, canonical, find_name, metric_name, split_part
from dltrain.parts import COMPARED_ON
from dltrain.sweep.plan import SweepPlan
from dltrain.sweep.trials import Trial


def asked_metric(plan: SweepPlan, trials: Sequence[Trial]) -> str | None:
    """The first of `training.metrics`, else the task's usual one; None where trials are compared by it anyway, or have none."""
    names = dict.fromkeys(name for trial in trials for part in COMPARED_ON for name in trial.metrics.get(part, {}))
    asked = [metric_name(metric) for metric in plan.config.training.metrics] if plan.config.training else []
    for wanted in asked[:1] or USUAL_SCORES:
        # With several targets a metric's name begins with its target's.
        found = find_name(wanted, names) or next((name for name in names if name.endswith(f"_{wanted}")), None)
        if found is not None:
            compared = split_part(plan.metric)[1]
            return None if canonical(found) == canonical(compared) else found
    return None


def value_on_compared_part(metrics: Any, name: str) -> float | None:
    """A metric on the part that trials are compared on: validation where there is one."""
    parts: Mapping[str, Any] = metrics if isinstance(metrics, Mapping) else {}
    return next((parts[part][name] for part in COMPARED_ON if name in parts.get(part, {})), None)
