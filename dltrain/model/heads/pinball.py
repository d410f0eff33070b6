"""The loss of quantiles. Keras has none."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from dltrain.model.keras_import import import_keras

PINBALL = "PinballLoss"


@cache
def pinball_class() -> Any:
    """The class, made when Keras is there."""
    keras = import_keras()

    class PinballLoss(keras.losses.Loss):  # type: ignore[misc, name-defined]
        """The mean over the outputs of max(q e, (q - 1) e), where e is what the forecast of the quantile q is too low by.

        Its least value has the quantile itself (Koenker & Bassett, "Regression quantiles", Econometrica 46, 1978).

        Args:
            quantiles: of each output.
            name: of the loss.
            reduction: as Keras's losses have it.
        """

        def __init__(
            self, quantiles: Sequence[float], name: str = "pinball", reduction: str = "sum_over_batch_size", **more: Any
        ) -> None:
            super().__init__(name=name, reduction=reduction, **more)
            self.quantiles = [float(quantile) for quantile in quantiles]

        def call(self, y_true: Any, y_pred: Any) -> Any:
            """The loss of each row."""
            ops = keras.ops
            error = ops.cast(y_true, y_pred.dtype) - y_pred
            quantiles = ops.convert_to_tensor(self.quantiles, y_pred.dtype)
            return ops.mean(ops.maximum(quantiles * error, (quantiles - 1.0) * error), axis=-1)

        def get_config(self) -> dict[str, Any]:
            return {**super().get_config(), "quantiles": self.quantiles}

    return PinballLoss
