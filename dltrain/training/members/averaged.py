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
from dltrain.model.encode import EncodedPart, encode_part
from dltrain.model.forward import Forward, evaluation_batch_size
from dltrain.model.frozen import MOST_BYTES, FrozenPrefix, find_frozen_prefix
from dltrain.model.given_outputs import OutputScorer
from dltrain.model.heads.head import Head
from dltrain.model.keras_import import import_keras
from dltrain.model.members import average_models, averaged_heads, build_members, have_same_beginning, output_names
from dltrain.model.weights.weights import load_weights
from dltrain.storage.atomic import write_atomically
from dltrain.storage.run import Run
from dltrain.training.frozen_features import features_bytes, with_features
from dltrain.training.saving.model_file import model_bytes
from dltrain.training.session import Session


@dataclass(slots=True)
class Average:
    """The ensemble's model.

    Attributes:
        model: compiled, with the weights by which it is judged.
        heads: of it.
        members: its members' models, in order.
        weights: "best" or "last": which of theirs.
        frozen: the beginning that all members have, as the first of them has it; None: they share none.
    """

    model: Any
    heads: tuple[Head, ...]
    members: list[Any]
    weights: str
    frozen: FrozenPrefix | None = None

    def to(self, outputs: Any) -> Any:
        """The model up to some of its tensors, from where the members' beginning ends: it takes what `encode` makes."""
        whole = find_frozen_prefix(self.model) if self.frozen is not None else None
        return import_keras().Model(self.model.inputs if whole is None else whole.prefix.outputs, outputs)

    def scored(self, training: TrainingConfig) -> Any:
        """The model with its loss and metrics, for what `encode` makes."""
        if self.frozen is None:
            return self.model
        rest = self.to(self.model.outputs)
        compile_model(rest, self.heads, training)
        return rest

    def encode(
        self, parts: Mapping[str, Part], schema: Schema, training: TrainingConfig, session: Session
    ) -> dict[str, EncodedPart]:
        """Parts for `to`: in place of the inputs, the features of a beginning that all members have, as they were trained on."""
        encoded = {name: encode_part(part, schema, self.heads) for name, part in parts.items()}
        if self.frozen is None:
            return encoded
        if training.cache_features is False or features_bytes(self.frozen, encoded) > MOST_BYTES:
            self.frozen = None
            return encoded
        return with_features(self.frozen, encoded, threads=session.threads, reporter=session.reporter)


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
    models, own = build_members(config, schema, heads), averaged_heads(heads)
    suffix = training.checkpoint.format
    names = ["last", "best"] if best else ["last"]

    def load(name: str) -> None:
        for member, made in zip(members, models, strict=True):
            file = member.checkpoints / f"{name}.{suffix}"
            load_weights(made, file if file.exists() else member.checkpoints / f"last.{suffix}")

    load(names[0])
    same = have_same_beginning(models)
    model = average_models(models, heads, same_beginning=same)
    compile_model(model, own, training.stages[-1])
    for name in names:
        load(name)
        write_atomically(run.checkpoints / f"{name}.{suffix}", model_bytes(model, suffix))
    return Average(model, own, models, names[-1], find_frozen_prefix(models[0]) if same else None)


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


def held_out_outputs(average: Average, train: EncodedPart, rows: Sequence[tuple[Rows, Rows]]) -> list[NDArray[Any]]:
    """For each row of the encoded training part what the member says that was not trained on it, for each head."""
    outputs: list[NDArray[Any]] = []
    for member, (_, held) in zip(average.members, rows, strict=True):
        # The path of one member through the whole, with probabilities where it puts out logits.
        index = average.members.index(member)
        one = average.to([average.model.get_layer(name).input[index] for name in output_names(average.model)])
        inputs = [array[held] if isinstance(array, np.ndarray) else array.take(held) for array in train.inputs]
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
