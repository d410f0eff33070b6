"""What a loss is the sum of: losses of different things are no more or less than each other."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

# What a loss is, in which units, and of which rows with which weights.
_MADE_OF = ("training.loss", "data.scale_target", "data.weight", "data.series.quantiles", "data.series.scale")
_PENALTY = "_regularizer"
_PENALTY_LAYER = "ActivityRegularization"
PENALTIES = "the penalties of the regularizers"


def is_loss(metric: str) -> bool:
    """Whether a metric is the loss itself, of whatever part: `loss`, `val_loss`, `test.loss`."""
    return metric.rpartition(".")[2].removeprefix("val_").removeprefix("test_").removeprefix("train_") == "loss"


def loss_meaning(resolved: Mapping[str, Any]) -> dict[str, str]:
    """What tells losses apart that cannot be compared: key of the config -> its value, those alone that are set.

    Args:
        resolved: a config, as its run stores it.
    """
    found = {}
    for key in _MADE_OF:
        value: Any = resolved
        for name in key.split("."):
            value = value.get(name) if isinstance(value, Mapping) else None
        if value is not None and value is not True:  # a standardized target is the usual one
            found[key] = json.dumps(value, sort_keys=True, default=str)
    return found


def penalties(resolved: Mapping[str, Any]) -> str:
    """The regularizers of a model, which its loss holds beside what it says of the predictions; empty: none."""
    return json.dumps(sorted({json.dumps(value, sort_keys=True, default=str) for value in _penalties(resolved.get("model"))}))


def _penalties(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            if (str(key).endswith(_PENALTY) or key == _PENALTY_LAYER) and item is not None:
                yield {str(key): item}
            else:
                yield from _penalties(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _penalties(item)


def differing(meanings: Sequence[Mapping[str, str]]) -> list[str]:
    """The keys in which some configs mean other things by their loss."""
    return [key for key in _MADE_OF if len({meaning.get(key) for meaning in meanings}) > 1]
