"""What quantiles that are foretold are worth: pinball loss, CRPS, and how often the truth lies between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.config.catalog.metrics import coverage_name, quantile_pairs
from dltrain.model.heads.head import Head


def quantiles_of(heads: Sequence[Head], outputs: Sequence[NDArray[Any]], column: str) -> dict[float, NDArray[np.float64]]:
    """Quantile -> what the model says of it, [windows, steps ahead] in the column's own units; empty where it foretells none."""
    found: dict[float, list[NDArray[np.float64]]] = {}
    for head, output in zip(heads, outputs, strict=True):
        for index, target in enumerate(head.targets):
            if target.column == column and target.quantile is not None:
                found.setdefault(target.quantile, []).append(target.to_prediction(output[:, index]))
    return {quantile: np.stack(steps, axis=1) for quantile, steps in found.items()}


def quantile_scores(
    truth: NDArray[np.float64], quantiles: Mapping[float, NDArray[np.float64]]
) -> tuple[dict[str, float], list[dict[str, float]]]:
    """Scores of all steps ahead together.

    Args:
        truth: [windows, steps ahead].
        quantiles: quantile -> what is said of it, of the same shape.

    Returns:
        "pinball", the mean over the quantiles; "crps", twice that: the continuous ranked probability score, which is twice the
        integral of the pinball loss over all quantiles (Gneiting & Ranjan, Journal of Business & Economic Statistics 29, 2011),
        by those that there are; `coverage_80` of the quantiles 0.1 and 0.9, the share of truths between them. And a row for each
        quantile: the share of truths at or below it, which should be the quantile, and its pinball loss.
    """
    table = [
        {"quantile": quantile, "below": float((truth <= said).mean()), "pinball": float(_pinball(truth, quantile, said).mean())}
        for quantile, said in quantiles.items()
    ]
    means, shares = scores_of_rows(truth, quantiles)
    return {name: float(values.mean()) for name, values in {**means, **shares}.items()}, table


def scores_of_rows(
    truth: NDArray[np.float64], quantiles: Mapping[float, NDArray[np.float64]]
) -> tuple[dict[str, NDArray[np.float64]], dict[str, NDArray[np.float64]]]:
    """What each window brings to the scores, whose means over windows they are: errors, and shares of its steps [windows]."""
    mean = np.mean([_pinball(truth, quantile, said) for quantile, said in quantiles.items()], axis=(0, 2))
    shares = {
        coverage_name(low, high): ((quantiles[low] <= truth) & (truth <= quantiles[high])).mean(axis=1)
        for low, high in quantile_pairs(quantiles)
    }
    return {"pinball": mean, "crps": 2 * mean}, shares


def _pinball(truth: NDArray[np.float64], quantile: float, said: NDArray[np.float64]) -> NDArray[np.float64]:
    error = truth - said
    return np.maximum(quantile * error, (quantile - 1) * error)
