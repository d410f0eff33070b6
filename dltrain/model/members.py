"""An ensemble: the configs of its members, and one Keras model that holds them all and outputs their average.

Probabilities are averaged, also where the members put out logits; numbers as they are stored, which for targets that are scaled
straight is the mean in own units, and for `scale_target: log` the mean of logarithms, on which the smearing is found. It is
made of Keras's own layers, so that its file opens in plain Keras.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from dltrain.config.types import Component, Config, EvaluationConfig, MembersConfig
from dltrain.data.dataset import Schema
from dltrain.model.build import build_model
from dltrain.model.frozen import find_frozen_prefix
from dltrain.model.heads.head import Head
from dltrain.model.keras_import import import_keras


def member_configs(config: Config) -> list[Config]:
    """The config of each member's own fit: the same but for the seed of its draws and the fold that it validates on."""
    wanted = config.needed_training.members
    return [_member_config(config, wanted, number) for number in range(1, wanted.count + 1)]


def _member_config(config: Config, wanted: MembersConfig, number: int) -> Config:
    members = {"folds": wanted.folds} if wanted.folds else {"number": wanted.number}
    resolved = {**config.resolved, "training": {**config.resolved["training"], "members": {**members, "member": number}}}
    resolved.pop("sweep", None)
    training = replace(config.needed_training, members=replace(wanted, member=number))
    # What the ensemble is held to, no member is.
    evaluation = EvaluationConfig()
    resolved.pop("evaluation", None)
    return replace(config, training=training, evaluation=evaluation, sweep=None, resolved=resolved, warnings=())


def averaged_heads(heads: Sequence[Head]) -> tuple[Head, ...]:
    """The heads of members as those of their average: of classes it holds probabilities, whatever the members' outputs are."""
    return tuple(replace(head, logits=False, loss=_of_probabilities(head.loss)) if head.logits else head for head in heads)


def _of_probabilities(loss: Component) -> Component:
    return replace(loss, arguments={name: value for name, value in loss.arguments.items() if name != "from_logits"})


def build_members(config: Config, schema: Schema, heads: Sequence[Head]) -> list[Any]:
    """A model for each member, not compiled; pretrained weights of bodies are not read, as a checkpoint's follow.

    Args:
        config: of the ensemble.
        schema: of the data.
        heads: of a member.
    """
    augment = config.data.augment
    return [
        build_model(config.model, schema, heads, seed=member.draw_seed, augment=augment, pretrained=False)
        for member in member_configs(config)
    ]


def have_same_beginning(members: Sequence[Any]) -> bool:
    """Whether members begin with the same layers and weights, which training left alone, as those of a pretrained body."""
    found = [find_frozen_prefix(member) for member in members]
    first = found[0]
    if first is None or not first.prefix.weights:
        return False
    return all(
        other is not None
        and other.layers == first.layers
        and all(np.array_equal(one.numpy(), same.numpy()) for one, same in zip(other.prefix.weights, first.prefix.weights))
        for other in found[1:]
    )


def average_models(members: Sequence[Any], heads: Sequence[Head], *, same_beginning: bool = False) -> Any:
    """One model of several, whose outputs are the averages of theirs.

    Args:
        members: models of the same inputs and outputs; they become layers of it, `member_1` and so on.
        heads: of a member.
        same_beginning: from `have_same_beginning`: it is computed once, and stands once in a file.
    """
    keras = import_keras()
    first = members[0]
    inputs = [keras.Input(tensor.shape[1:], dtype=tensor.dtype, name=tensor.name) for tensor in first.inputs]
    names = output_names(first)
    prefix = "member"
    while any(name.startswith(prefix) for name in (*names, *(tensor.name for tensor in inputs))):
        prefix += "_"
    taken = inputs if len(inputs) > 1 else inputs[0]
    if same_beginning:
        cut = [frozen for frozen in map(find_frozen_prefix, members) if frozen is not None]
        beginning = cut[0].prefix
        beginning.name = f"{prefix}s_beginning"
        taken, members = beginning(taken), [one.rest for one in cut]
    outputs: list[list[Any]] = []
    for number, member in enumerate(members, 1):
        member.name = f"{prefix}_{number}"
        found = member(taken)
        tensors = list(found) if isinstance(found, (list, tuple)) else [found]
        outputs.append(
            [_probabilities(keras, head, tensor, f"{member.name}_{name}") for head, name, tensor in zip(heads, names, tensors)]
        )
    averages = [keras.layers.Average(name=name)(list(tensors)) for name, tensors in zip(names, zip(*outputs))]
    return keras.Model(
        inputs if len(inputs) > 1 else inputs[0], averages if len(averages) > 1 else averages[0], name=f"average_of_{prefix}s"
    )


def output_names(model: Any) -> list[str]:
    """The names of a model's outputs, as Keras calls their metrics."""
    return list(model.output_names)


def outputs_with_members(model: Any) -> Any:
    """A model with the outputs of each member behind its own, as they go into the average."""
    keras = import_keras()
    taken = [model.get_layer(name).input for name in output_names(model)]
    averages = list(model.outputs)
    members = [tensor for place in range(len(taken[0])) for tensor in (group[place] for group in taken)]
    return keras.Model(model.inputs, [*averages, *members])


def _probabilities(keras: Any, head: Head, tensor: Any, name: str) -> Any:
    if not head.logits:
        return tensor
    activation = "sigmoid" if tensor.shape[-1] == 1 else "softmax"
    return keras.layers.Activation(activation, name=f"{name}_probabilities")(tensor)
