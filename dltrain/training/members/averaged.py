"""The average of trained members: its files, and what of its metrics the members tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.config.types import Config, TrainingConfig
from dltrain.data.dataset import Part, Schema
from dltrain.data.splits import Rows
from dltrain.evaluation.drawing.history import read_history
from dltrain.evaluation.member_metrics import summarize_members
from dltrain.model.compile import compile_model
from dltrain.model.encode import encode_part
from dltrain.model.forward import Forward, evaluation_batch_size
from dltrain.model.given_outputs import OutputScorer
from dltrain.model.heads.head import Head
from dltrain.model.keras_import import import_keras
from dltrain.model.members import average_models, averaged_heads, build_members, output_names
from dltrain.model.weights.weights import load_weights
from dltrain.storage.atomic import write_atomically
from dltrain.storage.run import Run
from dltrain.training.saving.model_file import model_bytes


@dataclass(slots=True)
class Average:
    """The ensemble's model.

    Attributes:
        model: compiled, with the weights by which it is judged.
        heads: of it.
        members: its members' models, in order.
        weights: "best" or "last": which of theirs.
    """

    model: Any
    heads: tuple[Head, ...]
    members: list[Any]
    weights: str


def average_runs(config: Config, schema: Schema, heads: Sequence[Head], run: Run, members: Sequence[Run], best: bool) -> Average:
    """Build the average of trained members and write its files, `best` beside `last` where there is a validation part.

    Args:
        config: of the ensemble.
        schema: of its data.
        heads: of a member.
        run: of the ensemble.
        members: the members' runs.
        best: whether the members have best weights.
    """
    training = config.needed_training
    models = build_members(config, schema, heads)
    model, own = average_models(models, heads), averaged_heads(heads)
    compile_model(model, own, training.stages[-1])
    suffix = training.checkpoint.format
    names = ["last", "best"] if best else ["last"]
    for name in names:
        for member, made in zip(members, models, strict=True):
            file = member.checkpoints / f"{name}.{suffix}"
            load_weights(made, file if file.exists() else member.checkpoints / f"last.{suffix}")
        write_atomically(run.checkpoints / f"{name}.{suffix}", model_bytes(model, suffix))
    return Average(model, own, models, names[-1])


def mean_history(members: Sequence[Run]) -> list[dict[str, float]]:
    """Of each epoch the mean over the members that were trained in it, and how many these are."""
    histories = [read_history(member.history_file) for member in members]
    rows = []
    lengths = [len(history.get("epoch", ())) for history in histories]
    for epoch in range(max(lengths)):
        there = [history for history, length in zip(histories, lengths, strict=True) if epoch < length]
        found = [{name: column[epoch] for name, column in history.items()} for history in there]
        row: dict[str, float] = {name: float(np.mean([one[name] for one in found])) for name in found[0]}
        row |= {name: int(row[name]) for name in ("epoch", "phase") if name in row}
        rows.append({**row, "members": len(found)})
    return rows


def member_documents(members: Sequence[Run]) -> dict[str, Any]:
    """What metrics.json says of the members: part -> metric -> mean, min, max and each one's; and their epochs."""
    found = [member.read_metrics() for member in members]
    return {
        "count": len(members),
        "epochs": [int(one.get("epoch", 0)) for one in found],
        "metrics": summarize_members([one.get("metrics", {}) for one in found]),
    }


def joined_findings(members: Sequence[Run]) -> list[dict[str, Any]]:
    """What is wrong with more than half of the members, as the first of them says it."""
    diagnoses = [member.read_metrics().get("diagnosis", []) for member in members]
    found: dict[str, list[Mapping[str, Any]]] = {}
    for diagnosis in diagnoses:
        for finding in {item["kind"]: item for item in diagnosis}.values():
            found.setdefault(finding["kind"], []).append(finding)
    return [
        {**items[0], "sentence": f"{len(items)} of {len(members)} members: {items[0]['sentence']}"}
        for items in found.values()
        if 2 * len(items) > len(members)
    ]


def held_out_outputs(average: Average, train: Part, schema: Schema, rows: Sequence[tuple[Rows, Rows]]) -> list[NDArray[Any]]:
    """For each row of the training part what the member says that was not trained on it, for each head."""
    encoded = encode_part(train, schema, average.heads)
    outputs: list[NDArray[Any]] = []
    for member, (_, held) in zip(average.members, rows, strict=True):
        keras = import_keras()
        # The path of one member through the whole, with probabilities where it puts out logits.
        index = average.members.index(member)
        tensors = [average.model.get_layer(name).input[index] for name in output_names(average.model)]
        one = keras.Model(average.model.inputs, tensors)
        inputs = [array[held] if isinstance(array, np.ndarray) else array.take(held) for array in encoded.inputs]
        found = Forward(one, evaluation_batch_size(inputs)).outputs(inputs)
        for place, values in enumerate(found):
            if len(outputs) <= place:
                outputs.append(np.zeros((train.num_rows, *values.shape[1:]), values.dtype))
            outputs[place][held] = values
    return outputs


def score(
    outputs: Sequence[NDArray[Any]], part: Part, schema: Schema, average: Average, training: TrainingConfig
) -> dict[str, float]:
    """Loss and metrics of outputs that are there already."""
    encoded = encode_part(part, schema, average.heads)
    shapes = [array.shape[1:] for array in outputs]
    scorer = OutputScorer(shapes, output_names(average.model), average.heads, training)
    return scorer.score(outputs, encoded.targets, encoded.weights)
