"""What is reported of a series: errors in the series' own units beside those of the last value and of a season before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dltrain.data.dataset import Part, TargetSpec
from dltrain.evaluation.metrics.metrics import is_no_better, regression_metrics
from dltrain.model.heads.head import Head

if TYPE_CHECKING:
    from dltrain.evaluation.metrics.report import PartReport

MEAN = "mean of the training part"


@dataclass(frozen=True, slots=True)
class Forecast:
    """One column foretold, for its picture.

    Attributes:
        column: its name.
        times: of the first row after each window, as text.
        truth, forecast: float64 [windows, steps ahead] in the column's own units.
        references: name -> the same by a simple forecast.
    """

    column: str
    times: list[str]
    truth: NDArray[np.float64]
    forecast: NDArray[np.float64]
    references: dict[str, NDArray[np.float64]]


def report_forecast(
    result: PartReport,
    name: str,
    heads: Sequence[Head],
    outputs: Sequence[NDArray[Any]],
    part: Part,
    reference: Mapping[str, NDArray[Any]],
) -> None:
    """Put the report of a part of a series together.

    All steps ahead count together; with several of them each has its `rmse_step_<n>` as well.

    Args:
        result: has Keras's metrics already; is added to. `baseline` is the last value, `report` holds all simple forecasts.
        name: of the part.
        heads, outputs: of the model.
        part: with its references.
        reference: target name -> the training part's stored targets.
    """
    columns: dict[str, list[tuple[TargetSpec, NDArray[Any]]]] = {}
    for head, output in zip(heads, outputs, strict=True):
        for index, target in enumerate(head.targets):
            columns.setdefault(target.column, []).append((target, output[:, index]))
    times = next(iter(part.identifiers.values()), [])
    for column, steps in columns.items():
        specs = [target for target, _ in steps]
        found = Forecast(
            column,
            times,
            _stack(specs, part.targets),
            np.stack([target.to_prediction(output) for target, output in steps], axis=1),
            {key: _stack(specs, values) for key, values in part.references.items()},
        )
        means = {target.name: np.full(part.num_rows, target.mean_of(reference[target.name])) for target in specs}
        _add(result, name, found, _stack(specs, means), prefix=f"{column}_" if len(columns) > 1 else "")
        result.forecasts.append(found)
    if name != "train":
        result.notes += [
            f"The {key} is not among the rows for {count:,} of the {part.num_rows:,} forecasts of the {name} part: "
            "the last value stands for it there."
            for key, count in part.num_unforeseen.items()
        ]


def _stack(specs: Sequence[TargetSpec], values: Mapping[str, NDArray[Any]]) -> NDArray[np.float64]:
    """Scaled values of each step as [rows, steps] in the column's own units."""
    return np.stack([spec.to_own(values[spec.name]) for spec in specs], axis=1)


def _add(result: PartReport, part: str, found: Forecast, means: NDArray[np.float64], *, prefix: str) -> None:
    truth = found.truth.ravel()
    metrics = regression_metrics(truth, found.forecast.ravel())
    if found.truth.shape[1] > 1:
        for step in range(found.truth.shape[1]):
            metrics[f"rmse_step_{step + 1}"] = regression_metrics(found.truth[:, step], found.forecast[:, step])["rmse"]
    result.metrics |= {prefix + key: value for key, value in metrics.items()}
    simple = {**found.references, MEAN: means}
    baselines = {key: regression_metrics(truth, values.ravel()) for key, values in simple.items()}
    first = next(iter(found.references))
    result.baseline |= {prefix + key: value for key, value in baselines[first].items()}
    result.report.setdefault("baselines", {})
    for key, values in baselines.items():
        result.report["baselines"].setdefault(key, {}).update({prefix + metric: value for metric, value in values.items()})
    if part == "train":
        return
    errors = ((found.forecast - found.truth) ** 2).mean(axis=1)
    for key, forecast in found.references.items():
        simple_errors = ((forecast - found.truth) ** 2).mean(axis=1)
        if is_no_better(errors, simple_errors):
            is_worse = not is_no_better(simple_errors, errors)
            shown = "no better" if is_worse else "not shown to be better"
            chance = "" if is_worse else ", and the difference is within chance"
            result.notes.append(
                f"The model is {shown} than the {key}: {prefix}rmse on the {part} part is {metrics['rmse']:.4g}, "
                f"that of the {key} is {baselines[key]['rmse']:.4g}{chance}."
            )
