"""How far chance in the choice of the rows may have moved a metric: standard errors of means, bounds of shares."""

from __future__ import annotations

import math
from collections.abc import Mapping
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.data.dataset import Part
from dltrain.evaluation.metrics.label_metrics import row_metrics
from dltrain.evaluation.metrics.metrics import row_losses
from dltrain.model.heads.answers import decide, decide_labels
from dltrain.model.heads.head import Head

_CROSSENTROPIES = ("BinaryCrossentropy", "CategoricalCrossentropy", "SparseCategoricalCrossentropy")
# Keras's loss is of what goes into softmax or sigmoid: a smaller probability no longer says how large it is.
_SATURATED = float(np.finfo(np.float64).eps)


def row_values(
    head: Head, probabilities_or_values: NDArray[np.float64], part: Part, plain: NDArray[np.float64] | None = None
) -> dict[str, NDArray[Any]]:
    """What each row brings to the metrics that are means over rows.

    Args:
        head: the only one of the model; classification, or regression of one target.
        probabilities_or_values: [rows, classes], or [rows] in the target's own units.
        part: the rows.
        plain: the probabilities as the model says them, of which the loss is; None: those.

    Returns:
        `accuracy`, `log_loss`, `mse`, `mae` and `loss`, as far as they are such means and rows tell them (`loss` is left out
        where a probability is 0 or nearly so); rows are taken to weigh the same.
    """
    if head.is_multilabel:
        true = np.asarray(part.targets[head.targets[0].name]) > 0
        said = decide_labels(head, probabilities_or_values)
        values = {
            name: column for name, column in row_metrics(true, probabilities_or_values, said).items() if name != "f1_samples"
        }
        if head.loss.name == "BinaryCrossentropy" and not head.loss.arguments.keys() - {"from_logits"}:
            given = probabilities_or_values if plain is None else plain
            given = np.where(true, given, 1.0 - given)
            if given.min(initial=1.0) > _SATURATED:
                values["loss"] = row_losses(given).mean(axis=1)
        return values
    if head.task == "classification":
        codes = part.targets[head.targets[0].name]
        given = probabilities_or_values[np.arange(part.num_rows), codes]
        values = {"accuracy": decide(head, probabilities_or_values) == codes, "log_loss": row_losses(given)}
        given = given if plain is None else plain[np.arange(part.num_rows), codes]
        if head.loss.name in _CROSSENTROPIES and given.min(initial=1.0) > _SATURATED:
            values["loss"] = row_losses(given)
        return values
    target = head.targets[0]
    errors = probabilities_or_values - target.to_own(part.targets[target.name])
    values = {"mse": errors**2, "mae": np.abs(errors)}
    if target.is_bent:  # its loss is that of the logarithms, or of what is on the curve
        return values
    scaled = values["mse"] / target.scale**2
    own = {"MeanSquaredError": scaled, "MeanAbsoluteError": values["mae"] / target.scale, "HalfSquaredError": scaled / 2}
    return values | ({"loss": own[head.loss.name]} if head.loss.name in own else {})


def standard_errors(values: Mapping[str, NDArray[Any]]) -> dict[str, float]:
    """The standard error of each metric that is a mean over rows, and of `rmse`, the root of one.

    Args:
        values: from `row_values`.
    """
    if any(len(column) < 2 for column in values.values()):
        return {}
    errors = {name: _error(column) for name, column in values.items()}
    if "mse" in errors:
        mean = float(np.mean(values["mse"]))
        # The first term of the root's Taylor series.
        errors["rmse"] = errors["mse"] / (2 * math.sqrt(mean)) if mean > 0 else 0.0
    return errors


def _error(values: NDArray[Any]) -> float:
    return float(np.std(values, dtype=np.float64, ddof=1) / math.sqrt(len(values)))


def wilson(hits: float, rows: float, level: int = 95, quantile: float | None = None) -> tuple[float, float]:
    """Wilson's interval of a share: `hits` of so many `rows`, which need not be whole.

    Args:
        hits, rows: what was counted.
        level: in percent.
        quantile: to use in place of the normal distribution's.
    """
    z = NormalDist().inv_cdf(1 - (1 - level / 100) / 2) if quantile is None else quantile
    part = hits / rows
    middle = (part + z * z / (2 * rows)) / (1 + z * z / rows)
    half = z / (1 + z * z / rows) * math.sqrt(part * (1 - part) / rows + z * z / (4 * rows * rows))
    low, high = max(0.0, middle - half), min(1.0, middle + half)
    return (0.0 if hits <= 0 else low), (1.0 if hits >= rows else high)


def share_bounds(hits: float, rows: float, level: int = 95, quantile: float | None = None) -> tuple[float, float]:
    """An interval of a share: Wilson's (JASA 22, 1927), with both ends no nearer than the exact one-sided bounds.

    Of a share near 0 or 1 Wilson's alone holds what is true in as few as 84 of 100 samples (Brown, Cai and DasGupta, Statistical
    Science 16, 2001, who widen it so by Poisson's distribution). The bounds are Clopper and Pearson's (Biometrika 26, 1934).

    Args:
        hits, rows, level, quantile: as of `wilson`.
    """
    from scipy.special import betaincinv

    low, high = wilson(hits, rows, level, quantile)
    tail = 1 - level / 100 if quantile is None else 2 * (1 - NormalDist().cdf(quantile))
    missed = max(rows - hits, 0.0)
    if hits > 0:
        low = min(low, float(betaincinv(hits, missed + 1, tail)))
    if missed > 0:
        high = max(high, float(betaincinv(hits + 1, missed, 1 - tail)))
    return low, high


def student_quantile(share: float, freedom: float) -> float:
    """The quantile of Student's distribution."""
    from scipy.special import stdtrit

    return float(stdtrit(freedom, share))


def jackknife_variance(without: NDArray[np.float64]) -> float:
    """Of a metric, from its values without each of the units (Tukey, 1958); no finite number where it hangs on a single unit."""
    units = len(without)
    with np.errstate(invalid="ignore"):
        return (units - 1) / units * float(((without - without.mean()) ** 2).sum())
