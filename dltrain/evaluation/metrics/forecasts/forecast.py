"""What is reported of a series: errors in the series' own units beside those of the last value and of a season before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dltrain.data.dataset import Part, TargetSpec
from dltrain.evaluation.metrics.forecasts.quantile_scores import quantile_scores, quantiles_of
from dltrain.evaluation.metrics.forecasts.scaled_errors import over_series, scaled_errors, scaled_words, series_table
from dltrain.evaluation.metrics.metrics import regression_metrics
from dltrain.evaluation.metrics.verdicts import Verdict, errors_better
from dltrain.evaluation.metrics.worst import worst_forecasts
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
        quantiles: quantile -> the same of it, where quantiles are foretold.
        first_ahead: rows from the window's last to the first that is foretold.
    """

    column: str
    times: list[str]
    truth: NDArray[np.float64]
    forecast: NDArray[np.float64]
    references: dict[str, NDArray[np.float64]]
    quantiles: dict[float, NDArray[np.float64]] = field(default_factory=dict)
    first_ahead: int = 1


def report_forecast(
    result: PartReport,
    name: str,
    heads: Sequence[Head],
    outputs: Sequence[NDArray[Any]],
    part: Part,
    reference: Mapping[str, NDArray[Any]],
) -> None:
    """Reports a part of a series: errors in its own units, baselines, quantiles, and a verdict.

    All steps ahead count together; with several of them each has its `rmse_step_<n>` as well.

    Args:
        result: has Keras's metrics already; is added to. `baseline` is the last value, `report` holds all simple forecasts.
        name: of the part.
        heads, outputs: of the model.
        part: with its references.
        reference: target name -> the training part's stored targets.
    """
    columns = columns_ahead(heads, outputs)
    times = list(next(iter(part.identifiers.values()), ()))
    for column, steps in columns.items():
        specs = [target for target, _ in steps]
        found = Forecast(
            column,
            times,
            stack_steps(specs, part.targets),
            np.stack([target.to_prediction(output) for target, output in steps], axis=1),
            {key: stack_steps(specs, values) for key, values in part.references.items()},
            quantiles_of(heads, outputs, column),
            specs[0].ahead,
        )
        means = {target.name: np.full(part.num_rows, target.mean_of(reference[target.name])) for target in specs}
        _add(result, name, found, stack_steps(specs, means), part, prefix=f"{column}_" if len(columns) > 1 else "")
        result.forecasts.append(found)
        worst = worst_forecasts(found.truth, found.forecast, found.first_ahead, part)
        result.report.setdefault("furthest", {})[column] = worst
    if name != "train":
        result.notes += [
            f"The {key} is not among the rows for {count:,} of the {part.num_rows:,} forecasts of the {name} part: "
            "the last value stands for it there."
            for key, count in part.num_unforeseen.items()
        ]


def columns_ahead(heads: Sequence[Head], outputs: Sequence[NDArray[Any]]) -> dict[str, list[tuple[TargetSpec, NDArray[Any]]]]:
    """Column that is foretold -> each step ahead with what the model says of it."""
    columns: dict[str, list[tuple[TargetSpec, NDArray[Any]]]] = {}
    for head, output in zip(heads, outputs, strict=True):
        for index, target in enumerate(head.targets):
            if target.is_middle:
                columns.setdefault(target.column, []).append((target, output[:, index]))
    return columns


def stack_steps(specs: Sequence[TargetSpec], values: Mapping[str, NDArray[Any]]) -> NDArray[np.float64]:
    """Scaled values of each step as [rows, steps] in the column's own units."""
    return np.stack([spec.to_own(values[spec.name]) for spec in specs], axis=1)


def _of_steps(found: Forecast) -> dict[str, float]:
    """The error of each step ahead, where there are several."""
    steps = zip(found.truth.T, found.forecast.T, strict=True) if found.truth.shape[1] > 1 else ()
    return {f"rmse_step_{step}": regression_metrics(*values)["rmse"] for step, values in enumerate(steps, 1)}


def _add(result: PartReport, name: str, found: Forecast, means: NDArray[np.float64], part: Part, *, prefix: str) -> None:
    rows = part.series
    truth = found.truth.ravel()

    def measure(forecast: NDArray[np.float64]) -> dict[str, float]:
        scaled = over_series(scaled_errors(found.truth, forecast, found.column, rows)) if rows is not None else {}
        return regression_metrics(truth, forecast.ravel()) | scaled

    metrics = measure(found.forecast)
    if rows is not None:
        result.report["scaled"] = scaled_words(rows)
        if len(rows.names) > 1:
            errors = scaled_errors(found.truth, found.forecast, found.column, rows)
            result.report.setdefault("series", []).extend(series_table(errors, found.column, rows))
    metrics |= _of_steps(found)
    if found.quantiles:
        scores, table = quantile_scores(found.truth, found.quantiles)
        metrics |= scores
        result.report.setdefault("quantiles", []).extend({"target": found.column, **row} for row in table)
    result.metrics |= {prefix + key: value for key, value in metrics.items()}
    simple = {**found.references, MEAN: means}
    baselines = {key: measure(values) for key, values in simple.items()}
    first = next(iter(found.references))
    result.baseline |= {prefix + key: value for key, value in baselines[first].items()}
    result.report.setdefault("baselines", {})
    for key, values in baselines.items():
        result.report["baselines"].setdefault(key, {}).update({prefix + metric: value for metric, value in values.items()})
    if name == "train":
        return
    errors_of_rows = ((found.forecast - found.truth) ** 2).mean(axis=1)
    for key, forecast in simple.items():
        simple_errors = ((forecast - found.truth) ** 2).mean(axis=1)
        score = errors_better(errors_of_rows, simple_errors, blocks=part.blocks)  # windows whose futures overlap are alike
        squares = metrics["rmse"] ** 2, baselines[key]["rmse"] ** 2
        verdict = Verdict("mse", *squares, len(errors_of_rows), False, score, strength=score, against=key, prefix=prefix)
        result.verdicts[f"{prefix}{key}"] = verdict
        sentence = verdict.sentence(f"on the {name} part")
        result.notes += [sentence] if sentence is not None else []


def forecast_baseline(heads: Sequence[Head], part: Part) -> dict[str, float]:
    """All metrics of the first simple forecast for some windows.

    Args:
        heads: of the model.
        part: of these windows.
    """
    found: dict[str, float] = {}
    simple = next(iter(part.references.values()))
    columns = columns_ahead(heads, [np.zeros((part.num_rows, len(head.targets))) for head in heads])
    for column, steps in columns.items():
        specs, prefix = [target for target, _ in steps], f"{column}_" if len(columns) > 1 else ""
        truth, naive = stack_steps(specs, part.targets), stack_steps(specs, simple)
        own = regression_metrics(truth.ravel(), naive.ravel())
        if part.series is not None:
            own |= over_series(scaled_errors(truth, naive, column, part.series))
        found |= {prefix + name: value for name, value in own.items()}
    return found
