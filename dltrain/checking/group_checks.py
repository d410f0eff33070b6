"""Groups of an optimizer's weights, against the optimizer and the layers."""

from __future__ import annotations

from collections.abc import Iterator

from dltrain.checking.places import fault
from dltrain.config.types import Component, Config
from dltrain.errors import Fault
from dltrain.model.groups import NOT_WITH, groups_of, matches
from dltrain.model.symbolic import Network
from dltrain.wording import did_you_mean, one_of

# What Keras calls the weights of its layers.
WEIGHTS = (
    "kernel", "bias", "embeddings", "gamma", "beta", "alpha", "recurrent_kernel", "depthwise_kernel", "pointwise_kernel",
    "scale", "query_dense", "position_embeddings",
)  # fmt: skip


def check_groups(config: Config, network: Network | None) -> Iterator[Fault]:
    """Groups that an optimizer cannot have, that change nothing, or that match no layer.

    Args:
        config: the config.
        network: of its model; None: not known.
    """
    training = config.training
    if training is None:
        return
    optimizers = [("training.optimizer", training.optimizer)]
    for index, phase in enumerate(training.phases):
        own = phase.changes.get("optimizer")
        if isinstance(own, Component):
            optimizers.append((f"training.phases.{index}.optimizer", own))
    for path, optimizer in optimizers:
        groups = groups_of(optimizer)
        if groups and optimizer.name in NOT_WITH:
            message = f"{optimizer.name} takes no groups: {NOT_WITH[optimizer.name]}"
            yield fault(config, f"{path}.groups", message, "AdamW takes them")
            continue
        for index, group in enumerate(groups):
            where = f"{path}.groups.{index}"
            if not set(group) - {"match"}:
                message = "the group changes nothing"
                yield fault(config, where, message, "say its learning_rate, weight_decay or ntk", warning=True)
            if (
                "weight_decay" in group
                and not optimizer.arguments.get("weight_decay")
                and optimizer.name not in ("AdamW", "Muon")
            ):
                message = f"{optimizer.name} has no weight_decay that could be multiplied"
                yield fault(config, f"{where}.weight_decay", message, "say one among the optimizer's arguments", warning=True)
            if network is not None and not _may_match(group["match"], network):
                names = [row.name for row in network.rows if row.found.weights]
                words = ", ".join(group["match"])
                near = did_you_mean(group["match"][0], [*names, *WEIGHTS])
                hint = near or f"layers with weights: {one_of(names)}; weights: {one_of(WEIGHTS, 5)}"
                yield fault(config, f"{where}.match", f"no weight of the model matches {words}", hint)


def _may_match(words: list[str], network: Network) -> bool:
    """Whether a word of `match` may mean a weight; what a layer calls its weights is not known here."""
    rows = [row for row in network.rows if row.found.weights != ()]
    if any(row.found.weights is None or (row.config is not None and row.config.component.kind == "application") for row in rows):
        return True
    paths = [(row.name, row.layer, f"{row.name}/{weight}") for row in rows for weight in WEIGHTS]
    return any(matches(word, [name], [layer], path) for word in words for name, layer, path in paths)
