"""The training part as the loop takes it: segments of rows that are in memory, each with the order of its rows."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from dltrain.data.arrays.disk_array import DiskArray
from dltrain.data.arrays.scaled_pixels import ScaledPixels
from dltrain.later import tensorflow as tf
from dltrain.model import pixels
from dltrain.model.encode import EncodedPart
from dltrain.training.loop import Tensors, epoch_order


@dataclass(frozen=True, slots=True)
class Segment:
    """Some steps of an epoch over rows that are in memory together.

    Attributes:
        data: the rows.
        order: int32 tensor of row numbers within `data`.
        first: first step within `order`.
        count: how many steps.
    """

    data: Tensors
    order: Any
    first: int
    count: int


class Segments(Protocol):
    """A training part, cut into pieces that one compiled call trains on."""

    num_rows: int
    num_steps: int

    def segments(self, epoch: int, first_step: int) -> Iterator[Segment]:
        """The segments of an epoch from a step on; a function of the run's seed, the epoch and the step."""
        ...


def to_tensors(part: EncodedPart) -> Tensors:
    """Copy a part's arrays into TensorFlow's memory; those on disk stay there."""

    if part.on_disk:
        return Tensors(part.inputs, part.targets, part.weights)
    # What is input and target at once is held once.
    held = {id(array): _to_tensor(array) for array in (*part.inputs, *part.targets, *(part.weights or ()))}
    weights = None if part.weights is None else tuple(held[id(array)] for array in part.weights)
    return Tensors(tuple(held[id(array)] for array in part.inputs), tuple(held[id(array)] for array in part.targets), weights)


def _to_tensor(array: Any) -> Any:
    return pixels.to_tensors(pixels.pixel_tensor(array)) if isinstance(array, ScaledPixels) else tf.constant(array)


def with_weights(tensors: Tensors, part: EncodedPart) -> Tensors:
    """A part's tensors with the weights of rows that another encoding of it has."""
    return replace(tensors, weights=None if part.weights is None else tuple(tf.constant(array) for array in part.weights))


def take_tensors(tensors: Tensors, rows: NDArray[np.int64]) -> Tensors:
    """Some rows of a part's tensors; what is on disk stays there."""
    taken: dict[int, Any] = {}

    def take(array: Any) -> Any:
        if id(array) not in taken:  # what is input and target at once stays one array
            if isinstance(array, (DiskArray, ScaledPixels)):
                taken[id(array)] = array.take(rows)
            elif isinstance(array, pixels.PixelTensor):
                taken[id(array)] = pixels.PixelTensor(tf.gather(array.pixels, rows), array.scale)
            else:
                taken[id(array)] = array[rows] if isinstance(array, np.ndarray) else tf.gather(array, rows)
        return taken[id(array)]

    weights = None if tensors.weights is None else tuple(map(take, tensors.weights))
    return Tensors(tuple(map(take, tensors.inputs)), tuple(map(take, tensors.targets)), weights)


class ResidentSegments:
    """A training part that is in memory whole: one segment an epoch.

    Args:
        tensors: the rows.
        num_rows: how many.
        batch_size: rows a step.
        seed: the run's seed.
        shuffle: a new order each epoch.
    """

    def __init__(self, tensors: Tensors, num_rows: int, *, batch_size: int, seed: int, shuffle: bool) -> None:
        self.num_rows = num_rows
        self.num_steps = math.ceil(num_rows / batch_size)
        self._tensors, self._seed, self._shuffle = tensors, seed, shuffle

    def segments(self, epoch: int, first_step: int) -> Iterator[Segment]:
        """One segment: the whole epoch from `first_step` on."""
        order = tf.constant(epoch_order(self.num_rows, seed=self._seed, epoch=epoch, shuffle=self._shuffle))
        if first_step < self.num_steps:
            yield Segment(self._tensors, order, first_step, self.num_steps - first_step)
