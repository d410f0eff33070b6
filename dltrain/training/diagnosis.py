"""The diagnosis of a fit that has just ended: the evidence gathered within bounds of time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dltrain.config.types import ModelConfig
from dltrain.data.dataset import Dataset
from dltrain.evaluation.diagnosis import Evidence, Finding, diagnose
from dltrain.evaluation.metrics.report import PartReport
from dltrain.model.dense_statistics import measure_dense
from dltrain.model.heads.head import Head
from dltrain.model.layer_statistics import measure_layers
from dltrain.model.symbolic import infer_network
from dltrain.training.loop import Tensors

SHARE_OF_TRAINING = 0.005  # of the training's seconds, for further rows after the first batch
# Outside of a compiled function a recurrent layer goes through its steps in Python, which takes about a second.
RECURRENT = ("LSTM", "GRU", "SimpleRNN", "RNN", "Bidirectional", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D", "TimeDistributed")
RECURRENT_SECONDS = 60.0


def diagnose_fit(
    model: Any,
    config: ModelConfig,
    heads: Sequence[Head],
    train: Tensors,
    dataset: Dataset,
    reports: Mapping[str, PartReport],
    metrics: Mapping[str, Mapping[str, float]],
    *,
    history: Sequence[Mapping[str, float]],
    weights: str,
    epochs: int,
    stopped: bool,
    train_seconds: float,
) -> list[Finding]:
    """What the figures say is wrong.

    Args:
        model: the Keras model with the last epoch's weights.
        config: the `model:` block.
        heads: of its outputs.
        train: the training part.
        dataset: its sizes and targets.
        reports: part -> report.
        metrics: part -> metric -> value.
        history: a row for each epoch.
        weights: "best" or "last": whose metrics these are.
        epochs: how many there were to be.
        stopped: whether a callback ended the training before that.
        train_seconds: how long training took.
    """
    # Layers that act in training only are nothing here, so that the augmentation may stay out.
    network = infer_network(config, dataset.schema, heads)
    trained = {layer.name for layer in model.layers}
    found = None
    if all(row.name in trained for row in network.rows if row.found.weights):  # else it is trained on features of the first ones
        found = measure_dense(model, network, heads, train.inputs, train.targets)
    slow = any(type(layer).__name__ in RECURRENT for layer in model.layers) and train_seconds < RECURRENT_SECONDS
    if found is None and slow:
        found = [], 0
    if found is None:
        seconds = SHARE_OF_TRAINING * train_seconds
        found = measure_layers(model, train.inputs, train.targets, train.weights, seconds=seconds)
    layers, num_sampled = found
    # Layers that the data brings (the mask of a text, a body's preprocessing) have no units that could fall ill.
    own = {row.name for row in network.rows if row.config is not None}
    layers = [layer for layer in layers if layer.name in own]
    evidence = Evidence(
        history=history,
        layers=layers,
        num_sampled=num_sampled,
        rows={name: part.num_rows for name, part in dataset.parts.items()},
        metrics=metrics,
        baselines={name: report.baseline for name, report in reports.items()},
        reports={name: report.report for name, report in reports.items()},
        targets={target.name: target.task for target in dataset.schema.targets},
        verdicts={name: report.verdicts for name, report in reports.items()},
        weights=weights,
        epochs=epochs,
        stopped=stopped,
    )
    return diagnose(evidence)


def finding_documents(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """The findings as plain values."""
    return [
        {"kind": found.kind, "sentence": found.sentence, "advice": found.advice, "figures": dict(found.figures)}
        for found in findings
    ]
