"""Running metrics of an epoch whose rows several processes share: each counts its own, and their sums are those of all rows.

Keras's metrics count sums (of values, of rows, of cells of a confusion matrix) that begin at 0, so that they can be added.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.training.saving.state import TrainingState
from dltrain.training.workers.group import Alone

_PREFIX = "workers/"


def added_metrics(gathered: Sequence[Sequence[NDArray[Any]]]) -> list[NDArray[Any]]:
    """The running metrics over all rows.

    Args:
        gathered: for each process its own.
    """
    if len(gathered) == 1:
        return list(gathered[0])
    sums = [np.sum(arrays, axis=0, dtype=np.float64) for arrays in zip(*gathered)]
    return [np.asarray(total, array.dtype) for total, array in zip(sums, gathered[0])]  # a sum of single numbers is no array


def arrays_of_workers(gathered: Sequence[Sequence[NDArray[Any]]]) -> dict[str, NDArray[Any]]:
    """What a state keeps of them, so that as many processes go on with the very same numbers."""
    if len(gathered) == 1:
        return {}
    return {f"{_PREFIX}{worker}/{place}": array for worker, own in enumerate(gathered) for place, array in enumerate(own)}


def own_metrics(state: TrainingState, group: Alone) -> Sequence[NDArray[Any]]:
    """The running metrics with which a process goes on: its own, where there were as many, else the chief has them all."""
    saved = {name for name in state.arrays if name.startswith(_PREFIX)}
    count = len({name.split("/")[1] for name in saved}) or 1
    if count == group.count > 1:
        return [state.arrays[f"{_PREFIX}{group.index}/{place}"] for place in range(len(state.metrics))]
    return state.metrics if group.is_chief else [np.zeros_like(array) for array in state.metrics]
