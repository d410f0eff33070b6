"""Stacked targets and outputs in their own units, where metrics are computed: `OwnUnits` of all trials at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from dltrain.data.arrays.curve import CurveTables
from dltrain.model.heads.head import Head
from dltrain.model.heads.own_units import means_beside, means_inside, of_relative_differences, sees_differences
from dltrain.model.keras_import import import_keras


class StackedUnits:
    """The way back to own units, and the smearing of outputs, which is found after training.

    Args:
        heads: one a trial, whose targets are numbers.
    """

    def __init__(self, heads: Sequence[Head]) -> None:
        self._scale = np.array([[[target.scale for target in head.targets]] for head in heads], "float32")
        self._mean = np.array([[means_inside(head)] for head in heads], "float32")
        self._means_beside = np.array([[means_beside(head)] for head in heads], "float32")
        self._is_log = np.array([target.is_log for target in heads[0].targets])
        limits = [[target.limits or (-np.inf, np.inf) for target in head.targets] for head in heads]
        self._low, self._high = (np.array([[[pair[end] for pair in of]] for of in limits], "float32") for end in (0, 1))
        self._is_clipped = any(target.limits is not None for head in heads for target in head.targets)
        curves = [[[target.curve for target in head.targets]] for head in heads]
        self._curves = CurveTables(curves) if any(any(of[0]) for of in curves) else None
        self._smearing: Any = None
        if self._is_log.any():
            import tensorflow as tf

            self._smearing = tf.Variable(_factors(heads))

    def seen(self, metric: Any, y: Any, y_pred: Any) -> tuple[Any, Any]:
        """Targets and outputs as a metric is to see them; arguments as `of_targets` and `of_outputs` give them."""
        return (y, y_pred) if sees_differences(metric) else (y + self._means_beside, y_pred + self._means_beside)

    def of_relative_differences(self, metric: Any, y: Any, y_pred: Any) -> Any:
        """Values [K, rows] whose mean is a metric of relative differences; None for other metrics."""
        return of_relative_differences(metric, y, y_pred, self._means_beside)

    def of_targets(self, values: Any) -> Any:
        """Tensor [K or 1, rows, targets] of stored ones, less the means of targets that are no logarithms."""
        if self._curves is not None:
            values = self._curves.to_values(values, import_keras().ops)
        values = values * self._scale + self._mean
        if not self._is_log.any():
            return values
        import tensorflow as tf

        return tf.exp(values) if self._is_log.all() else tf.where(self._is_log, tf.exp(values), values)

    def of_outputs(self, values: Any) -> Any:
        """Tensor [K, rows, targets] of the models' outputs, less the same."""
        if self._is_clipped:
            import tensorflow as tf

            values = tf.clip_by_value(values, self._low, self._high)
        own = self.of_targets(values)
        return own if self._smearing is None else own * self._smearing

    def set_smearing(self, heads: Sequence[Head]) -> None:
        """Take over the smearing of heads whose targets are otherwise the same."""
        if self._smearing is not None:
            self._smearing.assign(_factors(heads))


def _factors(heads: Sequence[Head]) -> Any:
    return np.array([[[target.smearing for target in head.targets]] for head in heads], "float32")


def stacked_units(heads: Sequence[Head]) -> StackedUnits | None:
    """The units of such heads; None where the targets are not scaled."""
    if heads[0].encoding != "value" or not any(target.is_scaled for head in heads for target in head.targets):
        return None
    return StackedUnits(heads)
