"""What regression targets and outputs are in their own units, as part of a graph, where metrics are computed."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.model.heads.head import Head
from dltrain.model.keras_import import import_keras

# Metrics that see differences alone. They are not given the mean: a float32 of a large number has no digits left for them.
_OF_DIFFERENCES = ("MeanAbsoluteError", "MeanSquaredError", "RootMeanSquaredError", "LogCoshError", "R2Score")


def means_seen(head: Head, metrics: Sequence[Any]) -> NDArray[np.float32]:
    """What is added to scaled targets and outputs [targets] before the metrics see them: the means, where it matters to one.

    Args:
        head: whose targets are numbers.
        metrics: Keras's, of this head.
    """
    of_differences = all(type(metric).__name__ in _OF_DIFFERENCES for metric in metrics)
    means = [0.0 if of_differences and not target.is_log else target.mean for target in head.targets]
    return np.array(means, "float32")


class OwnUnits:
    """The way back to own units for the targets of one head: the range of its outputs, and their smearing, found after training.

    Args:
        head: whose targets are numbers.
        metrics: Keras's, of this head.
    """

    def __init__(self, head: Head, metrics: Sequence[Any]) -> None:
        self._targets = head.targets
        self._scale = np.array([target.scale for target in head.targets], "float32")
        self._mean = means_seen(head, metrics)
        self._is_log = np.array([target.is_log for target in head.targets])
        limits = [target.limits or (-np.inf, np.inf) for target in head.targets]
        self._low, self._high = (np.array(bounds, "float32") for bounds in zip(*limits))
        self._is_clipped = any(target.limits is not None for target in head.targets)
        self._smearing: Any = None
        if self._is_log.any():
            # Not a variable of the model: it is stored with the targets.
            keras = import_keras()
            self._smearing = keras.Variable(self._factors(head), dtype="float32", trainable=False, name="smearing")

    def of_targets(self, values: Any) -> Any:
        """Tensor [rows, targets] of stored ones."""
        values = values * self._scale + self._mean
        if not self._is_log.any():
            return values
        ops = import_keras().ops
        return ops.exp(values) if self._is_log.all() else ops.where(self._is_log, ops.exp(values), values)

    def of_outputs(self, values: Any) -> Any:
        """Tensor [rows, targets] of a model's outputs."""
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


def measure_in_own_units(model: Any, heads: Sequence[Head], metrics: Sequence[Sequence[Any]]) -> None:
    """Let a compiled model's metrics see what targets and outputs are in their own units; the loss keeps the stored ones.

    Args:
        model: compiled.
        heads: of its outputs.
        metrics: Keras's, of each head.
    """
    units = [
        OwnUnits(head, own) if head.encoding == "value" and any(target.is_scaled for target in head.targets) else None
        for head, own in zip(heads, metrics, strict=True)
    ]
    if not any(units):
        return
    compute = type(model).compute_metrics

    @functools.wraps(compute)
    def compute_metrics(x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        single = len(heads) == 1
        true, said = ([y], [y_pred]) if single else (y, y_pred)
        true = [value if unit is None else unit.of_targets(value) for value, unit in zip(true, units)]
        said = [value if unit is None else unit.of_outputs(value) for value, unit in zip(said, units)]
        return compute(model, x, true[0] if single else true, said[0] if single else said, sample_weight)

    model.compute_metrics = compute_metrics
    compute_metrics.units = units  # type: ignore[attr-defined]


def set_smearing(model: Any, heads: Sequence[Head]) -> None:
    """Let the metrics of a model count its outputs with the smearing of these heads."""
    for unit, head in zip(getattr(model.compute_metrics, "units", ()), heads):
        if unit is not None:
            unit.set_smearing(head)
