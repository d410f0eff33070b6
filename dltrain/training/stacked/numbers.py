"""A number that may differ from trial to trial: a Python number where it does not, an array [trials] where it does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.later import tensorflow as tf

Number = float | NDArray[np.float64]


def number_of(owners: Sequence[Any], name: str) -> Any:
    """An attribute of the trials' objects: one value where all have the same, else float64 [trials].

    Args:
        owners: an object a trial, such as its optimizer.
        name: of the attribute.
    """
    values = [getattr(owner, name) for owner in owners]
    return values[0] if all(value == values[0] for value in values) else np.array(values, np.float64)


def shaped(value: Number, rank: int) -> Any:
    """A number as it meets stacked tensors: unchanged where all trials have the same, else a float32 tensor [trials, 1, ...].

    Args:
        value: from `number_of`, or computed from such.
        rank: of the tensors, trials included.
    """
    if not isinstance(value, np.ndarray):
        return value
    return tf.constant(value.astype("float32").reshape(-1, *[1] * (rank - 1)))
