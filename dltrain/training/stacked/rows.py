"""The rows that stacked trials train on and are judged by: those of one data set, or of one each (other splits, other folds)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.data.arrays.disk_array import in_memory
from dltrain.later import tensorflow as tf
from dltrain.model.encode import EncodedPart
from dltrain.training.loop import Tensors, epoch_order


@dataclass(frozen=True, slots=True)
class StackedPart:
    """One part of all data sets, one behind the other.

    Attributes:
        tensors: the rows.
        first: of each trial: where its rows begin.
        num_rows: of each trial: how many they are.
    """

    tensors: Tensors
    first: NDArray[np.int64]
    num_rows: NDArray[np.int64]

    @property
    def is_shared(self) -> bool:
        """Whether all trials have the same rows."""
        return len(set(self.first.tolist())) == 1 and len(set(self.num_rows.tolist())) == 1

    def of(self, trial: int) -> Tensors:
        """A trial's own rows."""
        rows = slice(int(self.first[trial]), int(self.first[trial] + self.num_rows[trial]))

        def own(arrays: Sequence[Any]) -> tuple[Any, ...]:
            return tuple(array[rows] for array in arrays)

        weights = self.tensors.weights
        return Tensors(own(self.tensors.inputs), own(self.tensors.targets), None if weights is None else own(weights))

    @property
    def most_rows(self) -> int:
        """Rows of the trial that has most."""
        return int(self.num_rows.max())


def stack_parts(parts: Sequence[EncodedPart], chosen: Sequence[int]) -> StackedPart:
    """Lay the same part of several data sets one behind the other.

    Args:
        parts: of each data set.
        chosen: of each trial: which data set is its own.
    """

    def joined(groups: Sequence[Sequence[Any]]) -> tuple[Any, ...]:
        held = [[in_memory(array) for array in arrays] for arrays in zip(*groups)]
        return tuple(tf.constant(arrays[0] if len(arrays) == 1 else np.concatenate(arrays)) for arrays in held)

    weights = None
    if any(part.weights is not None for part in parts):
        weights = joined([part.weights or [np.ones(part.num_rows, "float32")] * len(part.targets) for part in parts])
    tensors = Tensors(joined([part.inputs for part in parts]), joined([part.targets for part in parts]), weights)
    rows = np.array([part.num_rows for part in parts], np.int64)
    first = np.concatenate([[0], np.cumsum(rows)[:-1]])
    return StackedPart(tensors, first[list(chosen)], rows[list(chosen)])


class Orders:
    """The order of rows in each epoch, of all trials.

    Args:
        part: the training part.
        seeds: of each trial.
        batch_size: rows a step.
        shuffle: a new order each epoch.
    """

    def __init__(self, part: StackedPart, seeds: Sequence[int], *, batch_size: int, shuffle: bool) -> None:
        self._part, self.batch_size, self._shuffle = part, batch_size, shuffle
        self._seeds = list(seeds)
        self.num_steps = math.ceil(part.most_rows / batch_size)
        self.is_shared = part.is_shared and (len(set(self._seeds)) == 1 or not shuffle)
        steps = {math.ceil(rows / batch_size) for rows in part.num_rows.tolist()}
        self.is_uneven = len(steps) > 1
        self.has_gaps = self.is_uneven or any(rows % batch_size for rows in part.num_rows.tolist())

    @property
    def num_rows(self) -> NDArray[np.int64]:
        """Rows that count, of each trial, or of all together [1]."""
        return self._part.num_rows[:1] if self.is_shared else self._part.num_rows

    def of(self, epoch: int) -> NDArray[np.int32]:
        """Row numbers [trials or 1, steps * batch_size]; what fills up the last batch does not count."""
        known: dict[tuple[int, int], NDArray[np.int32]] = {}
        orders = []
        for first, rows, seed in zip(self._part.first.tolist(), self._part.num_rows.tolist(), self._seeds):
            if (seed, rows) not in known:
                order = epoch_order(rows, seed=seed, epoch=epoch, shuffle=self._shuffle)
                missing = self.num_steps * self.batch_size - rows
                known[seed, rows] = np.concatenate([order, np.zeros(missing, np.int32)])
            orders.append(known[seed, rows] + np.int32(first))
            if self.is_shared:
                break
        return np.stack(orders)
