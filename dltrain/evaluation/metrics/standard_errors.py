"""How far chance in the choice of the rows may have moved a metric: standard errors of means over rows."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.data.dataset import Part
from dltrain.evaluation.metrics.metrics import row_losses
from dltrain.model.heads.head import Head

_CROSSENTROPIES = ("BinaryCrossentropy", "CategoricalCrossentropy", "SparseCategoricalCrossentropy")
_LEAST_PROBABILITY = 1e-7  # as in Keras's cross-entropy, whose mean is the loss


def standard_errors(head: Head, probabilities_or_values: NDArray[np.float64], part: Part) -> dict[str, float]:
    """The standard error of each metric that is a mean over rows, or a root of one.

    Args:
        head: the only one of the model; classification, or regression of one target.
        probabilities_or_values: [rows, classes], or [rows] in the target's own units.
        part: the rows.

    Returns:
        `accuracy`, `log_loss`, `rmse`, `mse`, `mae` and `loss`, as far as they are such means; rows are taken to weigh the same.
    """
    num_rows = part.num_rows
    if num_rows < 2:
        return {}
    if head.task == "classification":
        codes = part.targets[head.targets[0].name]
        right = probabilities_or_values.argmax(axis=1) == codes
        given = probabilities_or_values[np.arange(num_rows), codes]
        errors = {"accuracy": _error(right), "log_loss": _error(row_losses(given))}
        if head.loss.name not in _CROSSENTROPIES:
            return errors
        kept = given if head.logits else np.clip(given, _LEAST_PROBABILITY, 1 - _LEAST_PROBABILITY)
        return errors | {"loss": _error(row_losses(kept))}
    target = head.targets[0]
    true = target.to_own(part.targets[target.name])
    squares, sizes = (probabilities_or_values - true) ** 2, np.abs(probabilities_or_values - true)
    mean = float(squares.mean())
    errors = {"mse": _error(squares), "mae": _error(sizes)}
    # The first term of the root's Taylor series.
    errors["rmse"] = errors["mse"] / (2 * math.sqrt(mean)) if mean > 0 else 0.0
    if target.is_log:  # its loss is that of the logarithms
        return errors
    own = {"MeanSquaredError": errors["mse"] / target.scale**2, "MeanAbsoluteError": errors["mae"] / target.scale}
    own["HalfSquaredError"] = own["MeanSquaredError"] / 2
    return errors | ({"loss": own[head.loss.name]} if head.loss.name in own else {})


def _error(values: NDArray[Any]) -> float:
    return float(np.std(values, dtype=np.float64, ddof=1) / math.sqrt(len(values)))
