"""A training part that stays on disk: windows of rows are read ahead by a thread while the one before is trained on.

The order of an epoch is a function of seed and epoch: blocks of neighbouring rows are put in random order, and the rows of
as many blocks as a window holds are shuffled together. A row can so move within the whole part by its block, and within a
window by itself.
"""

from __future__ import annotations

import math
import queue
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.data.arrays.disk_array import DiskArray
from dltrain.data.arrays.scaled_pixels import ScaledPixels
from dltrain.later import tensorflow as tf
from dltrain.model import pixels
from dltrain.model.encode import EncodedPart
from dltrain.training.loop import Tensors
from dltrain.training.segments import Segment

WINDOW_BYTES = 96 << 20
BLOCK_BYTES = 1 << 20


class StreamedSegments:
    """Windows of rows from disk.

    Args:
        part: inputs as arrays on disk (or in memory), targets and weights in memory.
        batch_size: rows a step; no step crosses a window's end, except that the last window may end with a smaller step.
        seed: the run's seed.
        shuffle: False reads the rows as they are.
        window_bytes: about how many bytes of rows are shuffled together.
        block_bytes: about how many bytes of neighbouring rows stay together on disk.
    """

    def __init__(
        self,
        part: EncodedPart,
        *,
        batch_size: int,
        seed: int,
        shuffle: bool,
        window_bytes: int = WINDOW_BYTES,
        block_bytes: int = BLOCK_BYTES,
    ) -> None:
        self.num_rows = part.num_rows
        self.num_steps = math.ceil(part.num_rows / batch_size)
        self._part, self._batch_size, self._seed, self._shuffle = part, batch_size, seed, shuffle
        row_bytes = sum(array.nbytes for array in part.inputs) // max(part.num_rows, 1)
        self.block_rows = max(1, block_bytes // row_bytes)
        self.window_rows = max(1, window_bytes // row_bytes // batch_size) * batch_size

    @property
    def description(self) -> str:
        """How the rows are read, in a few words."""
        return (
            f"data streamed from disk: {self.num_rows:,} rows, shuffled in blocks of {self.block_rows:,} "
            f"and within windows of {self.window_rows:,}"
        )

    def segments(self, epoch: int, first_step: int) -> Iterator[Segment]:
        """The windows of an epoch from a step on, each read while the one before is used."""
        starts = self._block_order(epoch)
        steps_per_window = self.window_rows // self._batch_size
        first_window = first_step // steps_per_window
        num_windows = math.ceil(self.num_rows / self.window_rows)
        ready: queue.Queue[Any] = queue.Queue(maxsize=1)
        stop = threading.Event()

        def read() -> None:
            try:
                for window in range(first_window, num_windows):
                    if not _put(ready, self._read_window(starts, epoch, window), stop):
                        return
            except BaseException as error:  # handed to the training thread, which raises it
                ready.put(error)

        thread = threading.Thread(target=read, name="window reader", daemon=True)
        thread.start()
        try:
            for window in range(first_window, num_windows):
                item = ready.get()
                if isinstance(item, BaseException):
                    raise item
                data, order = item
                first = first_step - window * steps_per_window if window == first_window else 0
                yield Segment(data, order, first, math.ceil(len(order) / self._batch_size) - first)
                del data, order, item
        finally:
            stop.set()
            while thread.is_alive():
                try:
                    ready.get_nowait()
                except queue.Empty:
                    thread.join(0.05)

    def _block_order(self, epoch: int) -> NDArray[np.int64]:
        """First rows of the blocks in the epoch's order."""
        starts = np.arange(0, self.num_rows, self.block_rows, dtype=np.int64)
        if self._shuffle:
            np.random.default_rng([self._seed, epoch, 0xB10C5]).shuffle(starts)
        return starts

    def _read_window(self, starts: NDArray[np.int64], epoch: int, window: int) -> tuple[Tensors, Any]:
        pieces = self._pieces(starts, window)
        count = sum(stop - start for start, stop in pieces)
        part = self._part
        # What is input and target at once is read once.
        arrays = {id(array): array for array in (*part.inputs, *part.targets, *(part.weights or ()))}
        held = {key: _gather_tensor(array, pieces, count) for key, array in arrays.items()}
        inputs, targets = (tuple(held[id(array)] for array in group) for group in (part.inputs, part.targets))
        weights = None if part.weights is None else tuple(held[id(array)] for array in part.weights)
        order = np.arange(count, dtype=np.int32)
        if self._shuffle:
            np.random.default_rng([self._seed, epoch, 0x31D0, window]).shuffle(order)
        return Tensors(inputs, targets, weights), tf.constant(order)

    def _pieces(self, starts: NDArray[np.int64], window: int) -> list[tuple[int, int]]:
        """Runs of rows that make up a window: whole blocks, but for the first and the last one of the window."""
        sizes = np.minimum(starts + self.block_rows, self.num_rows) - starts
        ends = np.cumsum(sizes)
        low, high = window * self.window_rows, min((window + 1) * self.window_rows, self.num_rows)
        pieces = []
        for index in range(int(np.searchsorted(ends, low, side="right")), len(starts)):
            begin = int(ends[index] - sizes[index])
            if begin >= high:
                break
            skip, take = max(low - begin, 0), min(high - begin, int(sizes[index]))
            pieces.append((int(starts[index]) + skip, int(starts[index]) + take))
        return pieces


def _put(ready: queue.Queue[Any], item: Any, stop: threading.Event) -> bool:
    """Wait until there is room for an item; False where that is no longer wanted."""
    while not stop.is_set():
        try:
            ready.put(item, timeout=0.2)
            break
        except queue.Full:
            continue
    return not stop.is_set()


def _gather_tensor(array: Any, pieces: Sequence[tuple[int, int]], count: int) -> Any:
    """Rows as a tensor; pixels stay of 8 bits."""
    if not isinstance(array, ScaledPixels):
        return tf.constant(_gather(array, pieces, count))
    window = ScaledPixels(_gather(array.pixels, pieces, count), array.center, array.spread)
    return pixels.to_tensors(pixels.pixel_tensor(window))


def _gather(array: Any, pieces: Sequence[tuple[int, int]], count: int) -> NDArray[Any]:
    result = np.empty((count, *array.shape[1:]), array.dtype)
    first = 0
    for start, stop in pieces:
        target = result[first : first + stop - start]
        if isinstance(array, DiskArray):
            array.read_into(target, start)
        else:
            target[:] = array[start:stop]
        first += stop - start
    return result
