"""The intervals of a part's metrics, from a model's outputs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dltrain.config.catalog.metrics import canonical
from dltrain.data.dataset import Part, TargetSpec
from dltrain.evaluation.metrics.forecasts.quantile_scores import scores_of_rows
from dltrain.evaluation.metrics.forecasts.scaled_errors import shares_of_rows
from dltrain.evaluation.metrics.intervals import Interval, Sums, Units, intervals, units_of
from dltrain.evaluation.metrics.label_sums import label_sums
from dltrain.evaluation.metrics.row_sums import class_sums, number_sums
from dltrain.model.heads.answers import decide, decide_labels
from dltrain.model.heads.head import Head, layer_name

if TYPE_CHECKING:
    from dltrain.evaluation.metrics.report import PartReport

_OTHER = 1e-3
_SAME = 1e-4  # relative: what Keras computes in float32


def sums_of_part(
    heads: Sequence[Head],
    answers: Sequence[NDArray[Any]],
    part: Part,
    means: Mapping[str, NDArray[Any]],
    predictions: Sequence[NDArray[Any] | None] = (),
) -> dict[str, Sums]:
    """Sums of each target, by the prefix that its metrics have.

    Args:
        heads: of the model; no reconstruction.
        answers: for each head probabilities [rows, classes], or [rows, targets] numbers in the targets' own units.
        part: the rows.
        means: of a single target: from `row_values`.
        predictions: for each head predicted classes [rows], or whether each label is said [rows, labels]; None, or none at all:
            what the head decides for.
    """
    several = sum(len(head.targets) for head in heads) > 1
    found: dict[str, Sums] = {}
    if part.references:
        return _of_series(heads, answers, part)
    for head, values, named in zip(heads, answers, predictions or [None] * len(heads), strict=True):
        if head.classes:
            codes = part.targets[head.targets[0].name]
            more = {} if several or "loss" not in means else {"loss": _weighted(means["loss"], part)}
            if head.is_multilabel:
                labels = () if several else head.classes
                marks = decide_labels(head, values) if named is None else named
                found[f"{head.name}_" if several else ""] = label_sums(codes, values, labels, more, marks)
                continue
            said = decide(head, values) if named is None else named
            found[f"{head.name}_" if several else ""] = class_sums(codes, values, () if several else head.classes, more, said)
            continue
        for index, target in enumerate(head.targets):
            more = {} if several or "loss" not in means else {"loss": _weighted(means["loss"], part)}
            true = target.to_own(part.targets[target.name])
            found[f"{layer_name(target.name)}_" if several else ""] = number_sums(true, values[:, index], more)
    return found


def units_of_part(part: Part, sums: Mapping[str, Sums]) -> Units | None:
    """What is drawn again and again for these sums: the part's rows, or what belongs together among them."""
    most = max((one.num_sums for one in sums.values()), default=1)
    return units_of(part.num_rows, part.blocks, part.blocks_by, most)


def add_intervals(result: PartReport, sums: Mapping[str, Sums], units: Units | None) -> None:
    """Put the intervals into a report whose metrics are there.

    A metric of Keras's that has the value of one of these has its interval; one of the same name and another value has not. What
    is added to the mean of the rows' losses, such as penalties of the weights, does not vary with the rows.
    """
    if units is None:
        return
    result.units, result.drawn = units.document(), units
    for prefix, one in sums.items():
        found, values = intervals(one, units), one.values()
        for name, (low, high) in found.items():
            value = result.metrics.get(prefix + name, values[name])
            if name != "loss" and abs(value - values[name]) > _OTHER * max(abs(value), 1.0):
                continue  # one of Keras's that has the name, such as its Precision of several classes
            moved = value - values[name] if name == "loss" and math.isfinite(value) else 0.0
            result.intervals[prefix + name] = (low + moved, high + moved)
    for name, value in result.metrics.items():
        same = canonical(name)
        is_same = math.isclose(value, result.metrics.get(same, math.nan), rel_tol=_SAME)
        if is_same and name not in result.intervals and same in result.intervals:
            result.intervals[name] = result.intervals[same]


def mean_intervals(values: Mapping[str, NDArray[Any]], num_rows: int) -> dict[str, Interval]:
    """Intervals of means over rows, and of `rmse` beside `mse`."""
    units = units_of(num_rows)
    if units is None:
        return {}
    squares = np.asarray(values["mse"], np.float64)
    one = number_sums(np.zeros(num_rows), np.sqrt(squares), {name: np.asarray(found) for name, found in values.items()})
    kept = intervals(one, units)
    return {name: kept[name] for name in ("mse", "rmse", *values) if name in kept}


def _weighted(values: NDArray[Any], part: Part) -> NDArray[np.float64]:
    return np.asarray(values, np.float64) * (1.0 if part.weights is None else part.weights)


def _of_series(heads: Sequence[Head], answers: Sequence[NDArray[Any]], part: Part) -> dict[str, Sums]:
    """All steps ahead of a column together, as `report_forecast` counts them."""
    columns: dict[str, list[tuple[TargetSpec, NDArray[Any]]]] = {}
    quantiles: dict[str, dict[float, list[NDArray[Any]]]] = {}
    for head, values in zip(heads, answers, strict=True):
        for index, target in enumerate(head.targets):
            if target.is_middle:
                columns.setdefault(target.column, []).append((target, values[:, index]))
            if target.quantile is not None:
                quantiles.setdefault(target.column, {}).setdefault(target.quantile, []).append(values[:, index])
    found = {}
    for column, steps in columns.items():
        truth = np.stack([target.to_own(part.targets[target.name]) for target, _ in steps], axis=1)
        said = np.stack([values for _, values in steps], axis=1)
        errors = (said - truth) ** 2
        roots = {f"rmse_step_{step + 1}": errors[:, step] for step in range(len(steps))} if len(steps) > 1 else {}
        means = {} if part.series is None else shares_of_rows(truth, said, column, part.series)
        if part.series is not None and "rmsse" in means and len(np.unique(part.series.codes)) == 1:
            del means["rmsse"]
            roots["rmsse"] = errors.mean(axis=1) / part.series.squared[column][part.series.codes]
        foretold = {quantile: np.stack(ahead, axis=1) for quantile, ahead in quantiles.get(column, {}).items()}
        losses, shares = scores_of_rows(truth, foretold) if foretold else ({}, {})
        found[f"{column}_" if len(columns) > 1 else ""] = number_sums(truth, said, {**means, **losses}, roots, shares)
    return found
