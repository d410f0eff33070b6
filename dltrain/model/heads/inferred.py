"""What the heads of a model put into its resolved config."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dltrain.config.components import plain_component
from dltrain.config.types import ModelConfig
from dltrain.model.heads.head import Head


def inferred_values(model: ModelConfig, heads: Sequence[Head]) -> dict[str, Any]:
    """Loss and output layer by key path (`training.loss`, `model.output`), as plain values.

    Args:
        model: the `model:` block.
        heads: of its model.
    """
    if len(heads) != 1:
        return {"training.loss": {head.targets[0].name: _plain_loss(head) for head in heads}} if heads else {}
    head, found = heads[0], {}
    if not head.tells_quantiles:  # those follow from data.series.quantiles
        found["training.loss"] = plain_component(head.loss)
    if model.output == "auto" and len(head.layers) < 2:
        layer = head.layers[0].component if head.layers else None
        found["model.output"] = {layer.name: dict(layer.arguments)} if layer else "none"
    return found


def _plain_loss(head: Head) -> dict[str, Any]:
    """The loss of one target of several, with its weight, as a config holds it."""
    return {head.loss.name: dict(head.loss.arguments), **({} if head.loss_weight == 1.0 else {"weight": head.loss_weight})}
