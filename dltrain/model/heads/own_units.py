"""Regression targets and outputs in their own units, as part of the graph in which metrics are computed."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.data.arrays.curve import CurveTables
from dltrain.model.heads.head import Head
from dltrain.model.keras_import import import_keras

# Metrics that see differences alone. They are not given the mean: a float32 of a large number has no digits left for them.
_OF_DIFFERENCES = (
    "MeanAbsoluteError", "MeanSquaredError", "RootMeanSquaredError", "LogCoshError", "R2Score", "PearsonCorrelation",
    "ConcordanceCorrelation",
)  # fmt: skip
# The functions behind Keras's metrics of means and losses of which that is true as well.
_FUNCTIONS_OF_DIFFERENCES = ("huber", "log_cosh", "mean_absolute_error", "mean_squared_error")


def sees_differences(metric: Any) -> bool:
    """Whether a metric of Keras's is the same where all targets and outputs are moved by one number."""
    function = getattr(getattr(metric, "_fn", None), "__name__", "")
    return type(metric).__name__ in _OF_DIFFERENCES or function in _FUNCTIONS_OF_DIFFERENCES


def means_inside(head: Head) -> NDArray[np.float32]:
    """What is added to scaled targets and outputs [targets] for all metrics: the means of logarithms."""
    return np.array([target.mean if target.is_log else 0.0 for target in head.targets], "float32")


def means_beside(head: Head) -> NDArray[np.float32]:
    """What is added on top [targets] for metrics that see more than differences."""
    return np.array([0.0 if target.is_log else target.mean for target in head.targets], "float32")


def of_relative_differences(metric: Any, y: Any, y_pred: Any, means: Any) -> Any:
    """Values [..., rows] whose mean is a metric that is told by differences and by the true numbers; None for other metrics.

    The differences keep the digits that they have not in numbers far from zero.

    Args:
        metric: Keras's.
        y, y_pred: in own units, without their means [..., rows, targets].
        means: what they lack.
    """
    ops = import_keras().ops
    name = getattr(getattr(metric, "_fn", None), "__name__", "")
    if name not in ("mean_absolute_percentage_error", "mean_squared_logarithmic_error"):
        return None
    least = import_keras().backend.epsilon()
    difference, true, said = y - y_pred, y + means, y_pred + means
    if name == "mean_absolute_percentage_error":
        return 100.0 * ops.mean(ops.abs(difference) / ops.maximum(ops.abs(true), least), axis=-1)
    true_above, said_above = ops.maximum(true, least), ops.maximum(said, least)
    difference = ops.where((true > least) & (said > least), difference, true_above - said_above)
    return ops.mean(ops.square(ops.log1p(difference / (said_above + 1.0))), axis=-1)


class OwnUnits:
    """The way back to own units for the targets of one head: the range of its outputs, and their smearing, found after training.

    Args:
        head: whose targets are numbers.
    """

    def __init__(self, head: Head) -> None:
        self._targets = head.targets
        self._scale = np.array([target.scale for target in head.targets], "float32")
        self._mean = means_inside(head)
        self._means_beside = means_beside(head)
        self._is_log = np.array([target.is_log for target in head.targets])
        limits = [target.limits or (-np.inf, np.inf) for target in head.targets]
        self._low, self._high = (np.array(bounds, "float32") for bounds in zip(*limits))
        self._is_clipped = any(target.limits is not None for target in head.targets)
        curves = [target.curve for target in head.targets]
        self._curves = CurveTables(curves) if any(curves) else None
        self._smearing: Any = None
        if self._is_log.any():
            # Not a variable of the model: it is stored with the targets.
            keras = import_keras()
            self._smearing = keras.Variable(self._factors(head), dtype="float32", trainable=False, name="smearing")

    def update(self, metric: Any, y: Any, y_pred: Any) -> None:
        """Let a metric of Keras's see targets and outputs, both as `of_targets` and `of_outputs` give them."""
        if sees_differences(metric):
            metric.update_state(y, y_pred)
            return
        values = of_relative_differences(metric, y, y_pred, self._means_beside)
        if values is None:
            metric.update_state(y + self._means_beside, y_pred + self._means_beside)
        else:
            import_keras().metrics.Mean.update_state(metric, values)

    def of_targets(self, values: Any) -> Any:
        """Tensor [rows, targets] of stored ones, less the means of targets that are no logarithms."""
        ops = import_keras().ops
        if self._curves is not None:
            values = self._curves.to_values(values, ops)
        values = values * self._scale + self._mean
        if not self._is_log.any():
            return values
        return ops.exp(values) if self._is_log.all() else ops.where(self._is_log, ops.exp(values), values)

    def of_outputs(self, values: Any) -> Any:
        """Tensor [rows, targets] of a model's outputs, less the same."""
        if self._is_clipped:
            values = import_keras().ops.clip(values, self._low, self._high)
        own = self.of_targets(values)
        return own if self._smearing is None else own * self._smearing.value

    def set_smearing(self, head: Head) -> None:
        """Take over the smearing of a head whose targets are otherwise the same."""
        if self._smearing is not None:
            self._smearing.assign(self._factors(head))

    @staticmethod
    def _factors(head: Head) -> Any:
        return np.array([target.smearing for target in head.targets], "float32")


def measure_in_own_units(model: Any, heads: Sequence[Head]) -> None:
    """Let a compiled model's metrics see what targets and outputs are in their own units; the loss keeps the stored ones.

    Args:
        model: compiled.
        heads: of its outputs.
    """
    units = [
        OwnUnits(head) if head.encoding == "value" and any(target.is_scaled for target in head.targets) else None
        for head in heads
    ]
    if not any(units) or all(head.tells_quantiles for head in heads):  # these have no metrics of Keras's
        return
    compute = type(model).compute_metrics

    @functools.wraps(compute)
    def compute_metrics(x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        container = model._compile_metrics
        if not container.built:
            container.build(y, y_pred)
        each = [y], [y_pred]
        for own, unit, true, said in zip(
            container._flat_metrics, units, *(each if len(heads) == 1 else (y, y_pred)), strict=True
        ):
            if unit is not None:
                true, said = unit.of_targets(true), unit.of_outputs(said)
            for metric in own.metrics if own else ():
                if unit is None:
                    metric.update_state(true, said)
                else:
                    unit.update(metric, true, said)
        return model.get_metrics_result()

    model.compute_metrics = compute_metrics
    compute_metrics.units = units  # type: ignore[attr-defined]


def set_smearing(model: Any, heads: Sequence[Head]) -> None:
    """Let the metrics of a model count its outputs with the smearing of these heads."""
    for unit, head in zip(getattr(model.compute_metrics, "units", ()), heads):
        if unit is not None:
            unit.set_smearing(head)
