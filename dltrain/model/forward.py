"""The compiled pass forward: outputs for rows, and loss and metrics beside them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Rows times numbers per row that one evaluation batch may hold: 4 MiB of float32 keeps convolutions in the cache's reach.
_BATCH_NUMBERS = 1 << 20


def evaluation_batch_size(inputs: Sequence[NDArray[Any]]) -> int:
    """Rows per batch where no gradient is needed; a function of the rows' shape alone."""
    numbers = sum(math.prod(array.shape[1:]) for array in inputs)
    return int(min(1024, max(16, _BATCH_NUMBERS // max(numbers, 1))))


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
        self._functions: dict[bool, Any] = {}

    def outputs(self, inputs: Sequence[Any]) -> list[NDArray[np.float32]]:
        """Outputs for rows: a list with one array [rows, ...] per model output."""
        return [array.numpy() for array in self._function(scored=False)(tuple(inputs), (), None)]

    def evaluate(
        self, inputs: Sequence[Any], targets: Sequence[Any], weights: Sequence[Any] | None
    ) -> tuple[dict[str, float], list[NDArray[np.float32]]]:
        """Loss and metrics over rows, by Keras's names, and the outputs."""
        self.model.reset_metrics()
        outputs = self._function(scored=True)(tuple(inputs), tuple(targets), None if weights is None else tuple(weights))
        logs = {name: float(value) for name, value in self.model.get_metrics_result().items()}
        self.model.reset_metrics()
        return logs, [array.numpy() for array in outputs]

    def _function(self, *, scored: bool) -> Any:
        if scored not in self._functions:
            import tensorflow as tf

            self._functions[scored] = tf.function(self._scored if scored else self._unscored, autograph=False, reduce_retracing=True)
        return self._functions[scored]

    def _unscored(self, inputs: Any, targets: Any, weights: Any) -> Any:
        return self._loop(inputs, targets, weights, scored=False)

    def _scored(self, inputs: Any, targets: Any, weights: Any) -> Any:
        return self._loop(inputs, targets, weights, scored=True)

    def _loop(self, inputs: Any, targets: Any, weights: Any, *, scored: bool) -> Any:
        import tensorflow as tf

        num_rows = tf.shape(inputs[0])[0]
        num_batches = (num_rows + self.batch_size - 1) // self.batch_size
        model_outputs = self.model.outputs
        arrays = tuple(
            tf.TensorArray(output.dtype, size=num_batches, element_shape=(None, *output.shape[1:]), infer_shape=False)
            for output in model_outputs
        )

        def body(batch: Any, collected: Any) -> Any:
            first = batch * self.batch_size
            last = tf.minimum(first + self.batch_size, num_rows)
            rows = tf.minimum(tf.range(first, first + self.batch_size), num_rows - 1)
            x = [tf.gather(tensor, rows) for tensor in inputs]
            y_pred = self.model(x if len(x) > 1 else x[0], training=False)
            outputs = list(y_pred) if isinstance(y_pred, (list, tuple)) else [y_pred]
            outputs = [output[: last - first] for output in outputs]
            if scored:
                self._score([t[first:last] for t in targets], outputs, weights and [w[first:last] for w in weights], last - first)
            return batch + 1, tuple(array.write(batch, output) for array, output in zip(collected, outputs))

        _, arrays = tf.while_loop(lambda batch, _: batch < num_batches, body, (0, arrays), parallel_iterations=1)
        return tuple(array.concat() for array in arrays)

    def _score(self, y: list[Any], y_pred: list[Any], weights: list[Any] | None, num_rows: Any) -> None:
        """What Keras's `test_step` does with outputs that are there already."""
        single = len(y_pred) == 1
        y_one, pred_one = (y[0], y_pred[0]) if single else (y, y_pred)
        weight = None if weights is None else (weights[0] if single else weights)
        loss = self.model._compute_loss(x=None, y=y_one, y_pred=pred_one, sample_weight=weight, training=False)
        self.model._loss_tracker.update_state(loss, sample_weight=num_rows)
        self.model.compute_metrics(None, y_one, pred_one, weight)
