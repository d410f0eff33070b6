"""The compiled pass forward: outputs for rows, and loss and metrics beside them."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.data.arrays.disk_array import Array, DiskArray
from dltrain.data.arrays.scaled_pixels import ScaledPixels
from dltrain.later import tensorflow as tf
from dltrain.model.pixels import PixelTensor, num_rows_of, pixel_tensor, take_rows

# Rows times numbers per row that one evaluation batch may hold: 4 MiB of float32 keeps convolutions in the cache's reach.
_BATCH_NUMBERS = 1 << 20
_PIECE_BYTES = 64 << 20
_KEPT = "_kept_by_dltrain"


def evaluation_batch_size(inputs: Sequence[Array]) -> int:
    """Rows per batch where no gradient is needed; a function of the rows' shape alone."""
    numbers = sum(math.prod(array.shape[1:]) for array in inputs)
    return int(min(1024, max(16, _BATCH_NUMBERS // max(numbers, 1))))


def keep_compiled(model: Any) -> None:
    """Let what is compiled for a model's answers stay with it, for the next question."""
    vars(model).setdefault(_KEPT, {})  # past Keras, which would look through it for layers


def kept_with(model: Any, key: Any, make: Callable[[], Forward]) -> Forward:
    """What stays with a model under a key, made where it is asked for first; made anew of a model that keeps nothing.

    Args:
        model: a Keras model.
        key: among all that is kept with it.
        make: makes it.
    """
    kept: dict[Any, Forward] | None = vars(model).get(_KEPT)
    if kept is None:
        return make()
    if key not in kept:
        kept[key] = make()
    return kept[key]


class Forward:
    """Runs a model over rows in batches of one fixed size, in one compiled call.

    The last batch is filled up by repeating its last row, so that a row's output does not depend on how many rows came
    with it. Layers are in inference mode.

    Args:
        model: a compiled Keras model (for `evaluate`), or any (for `outputs`).
        batch_size: rows a batch, see `evaluation_batch_size`.
    """

    def __init__(self, model: Any, batch_size: int) -> None:
        self.model = model
        self.batch_size = batch_size
        self._functions: dict[tuple[bool, Any], Any] = {}
        # What a regularizer of outputs adds to the loss is a mean over all rows of a batch: then none is filled up.
        self._adds_by_rows = any(layer.activity_regularizer is not None for layer in model._flatten_layers())

    @classmethod
    def of(cls, model: Any, batch_size: int) -> Forward:
        """A new one; of a model that keeps what is compiled for it, that of an earlier question.

        Args:
            model, batch_size: as for a new one.
        """
        return kept_with(model, batch_size, lambda: cls(model, batch_size))

    def outputs(self, inputs: Sequence[Any]) -> list[NDArray[np.float32]]:
        """Outputs for rows: a list with one array [rows, ...] per model output."""
        pieces = [self._call(piece, scored=False) for piece in self._pieces(inputs, (), None, cut=False)]
        return _join(pieces)

    def evaluate(
        self,
        inputs: Sequence[Any],
        targets: Sequence[Any],
        weights: Sequence[Any] | None,
        *,
        consume: Callable[[Sequence[Any], list[NDArray[np.float32]]], None] | None = None,
        merge: Callable[[], None] | None = None,
    ) -> tuple[dict[str, float], list[NDArray[np.float32]]]:
        """Loss and metrics over rows, by Keras's names, and the outputs.

        Args:
            inputs, targets, weights: the encoded rows.
            consume: takes targets and outputs of some rows after the other; the outputs are then not kept.
            merge: adds what the running metrics have of rows that other processes evaluated.
        """
        self.model.reset_metrics()
        pieces = []
        is_empty = merge is not None and not targets[0].shape[0]
        for piece in self._pieces(inputs, targets, weights, cut=consume is not None) if not is_empty else ():
            outputs = self._call(piece, scored=True)
            if consume is None:
                pieces.append(outputs)
            else:
                consume(piece[1], outputs)
        if merge is not None:
            merge()
        logs = {name: float(value) for name, value in self.model.get_metrics_result().items()}
        self.model.reset_metrics()
        return logs, _join(pieces) if pieces else []

    def _pieces(
        self, inputs: Sequence[Any], targets: Sequence[Any], weights: Sequence[Any] | None, *, cut: bool
    ) -> Iterator[Any]:
        """Rows as they go into one call: all of them, or pieces of what is on disk or to be cut. Pieces are whole batches."""
        if not cut and not any(isinstance(array, (DiskArray, ScaledPixels)) for array in inputs):
            yield tuple(inputs), tuple(targets), tuple(weights or ())
            return
        num_rows = int(inputs[0].shape[0])
        row_bytes = sum(math.prod(array.shape[1:]) * np.dtype(_dtype_name(array)).itemsize for array in inputs)
        if cut:  # what comes out is held beside it, and may be larger
            row_bytes += sum(4 * math.prod(output.shape[1:]) for output in self.model.outputs)
        size = max(1, _PIECE_BYTES // max(row_bytes, 1) // self.batch_size) * self.batch_size
        for start in range(0, num_rows, size):
            stop = min(start + size, num_rows)
            groups = (tuple(inputs), tuple(targets), tuple(weights or ()))
            # What is input and target at once is read once.
            read = {id(array): array for group in groups for array in group}
            read = {key: _rows(array, start, stop) for key, array in read.items()}
            yield tuple(tuple(read[id(array)] for array in group) for group in groups)

    def _call(self, arrays: Any, *, scored: bool) -> list[NDArray[np.float32]]:
        """One compiled call. It is traced once for any number of rows."""
        specs = tuple(tuple(_spec(array) for array in group) for group in arrays)
        key = (scored, specs)
        if key not in self._functions:

            def run(inputs: Any, targets: Any, weights: Any) -> Any:
                return self._loop(inputs, targets, weights, scored=scored)

            # `partial` is a function of its own to TensorFlow, which counts others by their code, those of all models together,
            # and warns of so many tracings.
            self._functions[key] = tf.function(functools.partial(run), autograph=False, input_signature=specs)
        return [array.numpy() for array in self._functions[key](*arrays)]

    def _loop(self, inputs: Any, targets: Any, weights: Any, *, scored: bool) -> Any:
        num_rows = num_rows_of(inputs[0])
        num_batches = (num_rows + self.batch_size - 1) // self.batch_size
        model_outputs = self.model.outputs
        arrays = tuple(
            tf.TensorArray(output.dtype, size=num_batches, element_shape=(None, *output.shape[1:]), infer_shape=False)
            for output in model_outputs
        )

        def body(batch: Any, collected: Any) -> Any:
            first = batch * self.batch_size
            last = tf.minimum(first + self.batch_size, num_rows)
            filled = last if scored and self._adds_by_rows else first + self.batch_size
            rows = tf.minimum(tf.range(first, filled), num_rows - 1)
            x = [take_rows(tensor, rows) for tensor in inputs]
            y_pred = self.model(x if len(x) > 1 else x[0], training=False)
            outputs = list(y_pred) if isinstance(y_pred, (list, tuple)) else [y_pred]
            outputs = [_first_rows(output, last - first) for output in outputs]
            if scored:
                self._score([t[first:last] for t in targets], outputs, [w[first:last] for w in weights], last - first)
            return batch + 1, tuple(array.write(batch, output) for array, output in zip(collected, outputs))

        _, arrays = tf.while_loop(lambda batch, _: batch < num_batches, body, (0, arrays), parallel_iterations=1)
        return tuple(array.concat() for array in arrays)

    def _score(self, y: list[Any], y_pred: list[Any], weights: list[Any], num_rows: Any) -> None:
        """What Keras's `test_step` does with outputs that are there already."""
        single = len(y_pred) == 1
        y_one, pred_one = (y[0], y_pred[0]) if single else (y, y_pred)
        weight = (weights[0] if single else weights) if weights else None
        loss = self.model._compute_loss(x=None, y=y_one, y_pred=pred_one, sample_weight=weight, training=False)
        self.model._loss_tracker.update_state(loss, sample_weight=num_rows)
        self.model.compute_metrics(None, y_one, pred_one, weight)


def _first_rows(output: Any, count: Any) -> Any:
    """The first rows of a layer's output, with what Keras hangs on it: cross-entropies are of the logits, however saturated."""
    rows = output[:count]
    if hasattr(output, "_keras_logits"):
        rows._keras_logits = output._keras_logits[:count]
    return rows


def _rows(array: Any, start: int, stop: int) -> Any:
    """Some rows of an array, which may stand on disk."""
    if isinstance(array, ScaledPixels):
        return pixel_tensor(array, start, stop)
    if isinstance(array, PixelTensor):
        return PixelTensor(array.pixels[start:stop], array.scale)
    return array.read(start, stop) if isinstance(array, DiskArray) else array[start:stop]


def _dtype_name(array: Any) -> str:
    array = array.pixels if isinstance(array, PixelTensor) else array
    return str(getattr(array.dtype, "name", array.dtype))


def _spec(array: Any) -> Any:
    """The `TensorSpec` of an array with any number of rows."""
    if isinstance(array, PixelTensor):
        return PixelTensor(_spec(array.pixels), tuple(tf.TensorSpec(value.shape, value.dtype) for value in array.scale))
    return tf.TensorSpec((None, *array.shape[1:]), tf.as_dtype(array.dtype))


def _join(pieces: list[list[NDArray[np.float32]]]) -> list[NDArray[np.float32]]:
    if len(pieces) == 1:
        return pieces[0]
    return [np.concatenate([piece[index] for piece in pieces]) for index in range(len(pieces[0]))]
