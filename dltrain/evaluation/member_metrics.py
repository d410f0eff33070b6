"""Metrics of each member of an ensemble, with their mean, lowest and highest value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.config.types import TrainingConfig
from dltrain.data.dataset import Part
from dltrain.evaluation.metrics.forecasts.forecast import report_forecast
from dltrain.evaluation.metrics.label_metrics import label_metrics
from dltrain.evaluation.metrics.metrics import classification_metrics, regression_metrics
from dltrain.evaluation.metrics.report import PartReport, answers_of, probabilities_of
from dltrain.evaluation.metrics.series_scores import series_scores
from dltrain.evaluation.predictions.series_answers import whole_series
from dltrain.model.encode import EncodedPart
from dltrain.model.forward import Forward, evaluation_batch_size, kept_with
from dltrain.model.given_outputs import OutputScorer
from dltrain.model.heads.head import Head, layer_name, without_answers
from dltrain.model.members import output_names, outputs_with_members


def member_outputs(model: Any, inputs: Sequence[Any], heads: Sequence[Head]) -> list[list[NDArray[Any]]]:
    """The outputs of each member of an ensemble for rows, before they are averaged.

    Args:
        model: from `average_models`.
        inputs: the encoded rows.
        heads: of the model.

    Returns:
        The outputs of the average, then those of each member: an array [rows, ...] for each head.
    """
    size = evaluation_batch_size(inputs)
    found = kept_with(model, ("members", size), lambda: Forward(outputs_with_members(model), size)).outputs(inputs)
    return [found[first : first + len(heads)] for first in range(0, len(found), len(heads))]


def member_answers(heads: Sequence[Head], members: Sequence[Sequence[NDArray[Any]]]) -> list[list[NDArray[np.float64]]]:
    """The answers of each member: what is done to the average's outputs, such as calibration, is not done to these.

    Args:
        heads: of the model.
        members: the outputs of each.
    """
    return [answers_of(without_answers(heads), outputs) for outputs in members]


def measure_members(
    model: Any,
    encoded: EncodedPart,
    part: Part,
    heads: Sequence[Head],
    training: TrainingConfig,
    own_heads: Sequence[Sequence[Head]] = (),
) -> dict[str, dict[str, Any]]:
    """The metrics of each member on a part, see `summarize`.

    Args:
        model: from `average_models`.
        encoded, part: the rows.
        heads: of the model; what is done to the average's outputs is not done to a member's.
        training: the metrics.
        own_heads: of each member, where they are not those of the average: of logarithms each has a smearing of its own.
    """
    heads = without_answers(heads)
    members = member_outputs(model, encoded.inputs, heads)[1:]
    shapes, names = [array.shape[1:] for array in members[0]], output_names(model)
    scorer = OutputScorer(shapes, names, heads, training)
    metrics = []
    for outputs, own in zip_longest(members, own_heads):
        told = heads if own is None else without_answers(own)
        judged = scorer if own is None else OutputScorer(shapes, names, told, training)
        logs = judged.score(outputs, encoded.targets, encoded.weights)
        metrics.append(_own_metrics(told, outputs, part) | logs)
    return summarize(metrics)


def _own_metrics(heads: Sequence[Head], outputs: Sequence[NDArray[Any]], part: Part) -> dict[str, float]:
    """The metrics that are reported besides Keras's, by the same names as those of the average."""
    if part.references:
        report = PartReport({}, {})
        unknown = {target.name: np.zeros(1) for head in heads for target in head.targets}  # of the simple forecasts alone
        report_forecast(report, "train", heads, outputs, part, unknown)
        return report.metrics
    several = sum(len(head.targets) for head in heads) > 1
    found: dict[str, float] = {}
    for head, output in zip(heads, outputs, strict=True):
        if head.classes:
            prefix = f"{head.name}_" if several else ""
            measure = label_metrics if head.is_multilabel else classification_metrics
            codes, probabilities = part.targets[head.targets[0].name], probabilities_of(head, output)
            metrics, of_series = measure(codes, probabilities), whole_series(part)
            if of_series is not None:
                metrics |= series_scores(head, of_series, part, probabilities, codes).metrics
            found |= {prefix + name: value for name, value in metrics.items()}
            continue
        for index, target in enumerate(head.targets):
            prefix = f"{layer_name(target.name)}_" if several else ""
            true, predicted = target.to_own(part.targets[target.name]), target.to_prediction(output[:, index])
            found |= {prefix + name: value for name, value in regression_metrics(true, predicted).items()}
    return found


def summarize_members(metrics: Sequence[Mapping[str, Mapping[str, float | None]]]) -> dict[str, dict[str, dict[str, Any]]]:
    """Part -> metric -> {"mean", "min", "max", "values"}.

    Args:
        metrics: of each member: part -> metric -> value.
    """
    parts = list(dict.fromkeys(part for one in metrics for part in one))
    return {part: summarize([one.get(part, {}) for one in metrics]) for part in parts}


def summarize(metrics: Sequence[Mapping[str, float | None]]) -> dict[str, dict[str, Any]]:
    """Metric -> {"mean", "min", "max", "values"} of one part, over the members that have it.

    Of a member that does not, as a fold of one class alone has no AUC, the value is None.
    """
    found = {}
    for name in dict.fromkeys(name for one in metrics for name in one):
        values = [None if (value := one.get(name)) is None else float(value) for one in metrics]
        known = [value for value in values if value is not None]
        if known:
            found[name] = {"mean": float(np.mean(known)), "min": min(known), "max": max(known), "values": values}
    return found
