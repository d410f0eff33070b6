"""Whether the baselines that learn can be fitted on a config's data."""

from __future__ import annotations

import math

from dltrain.config.types import Config
from dltrain.data.dataset import Schema
from dltrain.errors import Fault

PATH = "evaluation.baselines"
MOST_NUMBERS = 5000  # of a window, as a row of a table


def check_baselines(config: Config, schema: Schema | None) -> list[Fault]:
    """Faults of `evaluation.baselines`: they learn one target from a table's numbers and categories.

    Args:
        config: from `load_config`.
        schema: of the data; None: it is not known.
    """
    reason = _reason(config, schema) if config.evaluation.baselines and schema is not None else ""
    if not reason:
        return []
    hint = "leave it out: the baseline that needs no learning is shown all the same"
    return [Fault(f"no linear model and no trees are fitted here: {reason}", path=PATH, hint=hint)]


def _reason(config: Config, schema: Schema) -> str:
    if config.data.series is not None and schema.targets[0].task == "regression":
        return "a series has simple forecasts to be held against"
    if len(schema.targets) != 1 or schema.targets[0].is_reconstruction:
        return "they have one target" if len(schema.targets) != 1 else "the input is reconstructed"
    if schema.targets[0].is_mask:
        return "each pixel has a class"
    if schema.targets[0].is_multilabel:
        return "they have one label a row"
    most = MOST_NUMBERS if config.data.series is not None else 0
    for spec in schema.inputs:
        if 0 < most < math.prod(spec.shape):
            return f"a window has {math.prod(spec.shape):,} numbers, and {most:,} at most are taken as a row"
        if spec.holds_tokens:
            return f"{spec.name} is free text"
        if len(spec.shape) > 1 and not most:
            return f"{spec.name} has the shape {'×'.join(map(str, spec.shape))}, no row of a table"
    return ""
