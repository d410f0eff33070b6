"""The diagnosis of a fit that has just ended: the evidence gathered within bounds of time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dltrain.evaluation.diagnosis import Evidence, diagnose
from dltrain.evaluation.metrics.report import PartReport
from dltrain.model.dense_statistics import measure_dense
from dltrain.model.layer_statistics import LayerStatistics, measure_layers
from dltrain.model.symbolic import infer_network
from dltrain.model.symbolic.traits import RECURRENT, RECURRENT_OVER_PICTURES
from dltrain.training.loop import Tensors
from dltrain.training.pace import Pace
from dltrain.training.saving.record import RunRecord

SHARE_OF_TRAINING = 0.005  # of the training's seconds, for further rows after the first batch
# Outside of a compiled function a recurrent layer goes through its steps in Python, which takes about a second.
CROSSENTROPIES = ("BinaryCrossentropy", "CategoricalCrossentropy", "SparseCategoricalCrossentropy")
SLOW_LEARNERS = (*RECURRENT, *RECURRENT_OVER_PICTURES, "TimeDistributed")
RECURRENT_SECONDS = 60.0


def diagnose_fit(
    record: RunRecord, model: Any, train: Tensors, reports: Mapping[str, PartReport], pace: Pace, *, weights: str, seconds: float
) -> list[dict[str, Any]]:
    """What the diagnosis found to be wrong, as plain values.

    Args:
        record: of the fit.
        model: the Keras model with the last epoch's weights.
        train: the training part.
        reports: part -> report.
        pace: where training ended.
        weights: "best" or "last": whose reports these are.
        seconds: how long training took.
    """
    dataset = record.dataset
    layers, num_sampled = _measure(record, model, train, seconds)
    evidence = Evidence(
        history=pace.history.rows,
        layers=layers,
        num_sampled=num_sampled,
        rows={name: part.num_rows for name, part in dataset.parts.items()},
        metrics={name: report.metrics for name, report in reports.items()},
        baselines={name: report.baseline for name, report in reports.items()},
        reports={name: report.report for name, report in reports.items()},
        targets={target.name: target.task for target in dataset.schema.targets},
        verdicts={name: report.verdicts for name, report in reports.items()},
        weights=weights,
        epochs=pace.training.epochs,
        stopped=pace.stopped,
        loss_is_log_loss=_is_log_loss(record, model),
    )
    return [
        {"kind": found.kind, "sentence": found.sentence, "advice": found.advice, "figures": dict(found.figures)}
        for found in diagnose(evidence)
    ]


def _is_log_loss(record: RunRecord, model: Any) -> bool:
    """Whether the training's loss is the mean cross-entropy of the rows, by weights whose mean is 1, and nothing besides."""
    training = record.config.needed_training
    by_rows = record.config.data.weight is None and training.class_weight in (None, "balanced")
    losses = [head.loss for head in record.heads]
    means = [loss.arguments.get("reduction", "sum_over_batch_size") == "sum_over_batch_size" for loss in losses]
    return by_rows and all(means) and all(loss.name in CROSSENTROPIES for loss in losses) and not model.losses


def _measure(record: RunRecord, model: Any, train: Tensors, train_seconds: float) -> tuple[list[LayerStatistics], int]:
    """Statistics of the layers on training rows, and of how many rows they are."""
    heads = record.heads
    # Layers that act in training only are nothing here, so that the augmentation may stay out.
    network = infer_network(record.config.model, record.dataset.schema, heads)
    trained = {layer.name for layer in model.layers}
    found: tuple[list[LayerStatistics], int] | None = None
    if all(row.name in trained for row in network.rows if row.found.weights):  # else it is trained on features of the first ones
        found = measure_dense(model, network, heads, train.inputs, train.targets)
    slow = any(type(layer).__name__ in SLOW_LEARNERS for layer in model.layers) and train_seconds < RECURRENT_SECONDS
    if found is None and slow:
        found = [], 0
    if found is None:
        seconds = SHARE_OF_TRAINING * train_seconds
        found = measure_layers(model, train.inputs, train.targets, train.weights, seconds=seconds)
    layers, num_sampled = found
    # Layers that the data brings (the mask of a text, a body's preprocessing) have no units that could fall ill.
    own = {row.name for row in network.rows if row.config is not None}
    return [layer for layer in layers if layer.name in own], num_sampled
