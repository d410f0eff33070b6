"""Regression targets and outputs in their own units, as part of the graph in which metrics are computed."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.data.arrays.curve import CurveTables
from dltrain.data.dataset import TargetSpec
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
    """The way back to own units for the targets of a head, or of the heads of stacked fits; outputs in their range and smeared.

    Targets and outputs are tensors [rows, targets], of stacked fits [K or 1, rows, targets].

    Args:
        heads: whose targets are numbers: one, or of stacked fits one each.
        stacked: whether they are those of stacked fits.
    """

    def __init__(self, heads: Sequence[Head], *, stacked: bool = False) -> None:
        self._stacked = stacked
        self._scale = self._array(heads, lambda target: target.scale)
        # What is added for all metrics, the means of logarithms, and what for those that see more than differences.
        self._mean = self._array(heads, lambda target: target.mean if target.is_log else 0.0)
        self._means_beside = self._array(heads, lambda target: 0.0 if target.is_log else target.mean)
        self._is_log = np.array([target.is_log for target in heads[0].targets])
        self._low = self._array(heads, lambda target: (target.limits or (-np.inf, np.inf))[0])
        self._high = self._array(heads, lambda target: (target.limits or (-np.inf, np.inf))[1])
        self._is_clipped = any(target.limits is not None for head in heads for target in head.targets)
        curves = [[target.curve for target in head.targets] for head in heads]
        is_bent = any(curve for each in curves for curve in each)
        self._curves = CurveTables([[each] for each in curves] if stacked else curves[0]) if is_bent else None
        self._smearing: Any = None  # found after training; not a variable of the model: it is stored with the targets
        if self._is_log.any():
            factors = self._array(heads, lambda target: target.smearing)
            self._smearing = import_keras().Variable(factors, dtype="float32", trainable=False, name="smearing")

    def _array(self, heads: Sequence[Head], number: Callable[[TargetSpec], float]) -> NDArray[np.float32]:
        found = np.array([[number(target) for target in head.targets] for head in heads], "float32")
        return found[:, None] if self._stacked else found[0]

    def seen(self, metric: Any, y: Any, y_pred: Any) -> tuple[Any, Any]:
        """Targets and outputs as a metric is to see them; arguments as `of_targets` and `of_outputs` give them."""
        return (y, y_pred) if sees_differences(metric) else (y + self._means_beside, y_pred + self._means_beside)

    def of_relative_differences(self, metric: Any, y: Any, y_pred: Any) -> Any:
        """Values [..., rows] whose mean is a metric of relative differences; None for other metrics."""
        return of_relative_differences(metric, y, y_pred, self._means_beside)

    def update(self, metric: Any, y: Any, y_pred: Any) -> None:
        """Let a metric of Keras's see targets and outputs, both as `of_targets` and `of_outputs` give them."""
        values = self.of_relative_differences(metric, y, y_pred)
        if values is None:
            metric.update_state(*self.seen(metric, y, y_pred))
        else:
            import_keras().metrics.Mean.update_state(metric, values)

    def of_targets(self, values: Any) -> Any:
        """Stored targets in own units, less the means of targets that are no logarithms."""
        ops = import_keras().ops
        if self._curves is not None:
            values = self._curves.to_values(values, ops)
        values = values * self._scale + self._mean
        if not self._is_log.any():
            return values
        return ops.exp(values) if self._is_log.all() else ops.where(self._is_log, ops.exp(values), values)

    def of_outputs(self, values: Any) -> Any:
        """A model's outputs in own units, less the same."""
        if self._is_clipped:
            values = import_keras().ops.clip(values, self._low, self._high)
        own = self.of_targets(values)
        return own if self._smearing is None else own * self._smearing.value

    def set_smearing(self, heads: Sequence[Head]) -> None:
        """Take over the smearing of heads whose targets are otherwise the same."""
        if self._smearing is not None:
            self._smearing.assign(self._array(heads, lambda target: target.smearing))


def own_units(heads: Sequence[Head], *, stacked: bool = False) -> OwnUnits | None:
    """The units of a head, or of those of stacked fits; None where the targets are not scaled."""
    if heads[0].encoding != "value" or not any(target.is_scaled for head in heads for target in head.targets):
        return None
    return OwnUnits(heads, stacked=stacked)


def measure_in_own_units(model: Any, heads: Sequence[Head]) -> None:
    """Let a compiled model's metrics see what targets and outputs are in their own units; the loss keeps the stored ones.

    Args:
        model: compiled.
        heads: of its outputs.
    """
    units = [own_units([head]) for head in heads]
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
            unit.set_smearing([head])
