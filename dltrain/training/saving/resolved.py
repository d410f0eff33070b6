"""The config that a run keeps: with all that was inferred."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dltrain.config import dump_yaml, load_config_text, resolve
from dltrain.config.components import plain_component
from dltrain.config.types import Config
from dltrain.data.dataset import Dataset
from dltrain.model.heads.head import Head
from dltrain.storage.run import Run


def resolved_config(config: Config, dataset: Dataset, heads: Sequence[Head], run: Run) -> dict[str, Any]:
    """The config with all that was inferred: kinds and task of the data, output and loss of the model.

    Args:
        config: the checked config.
        dataset: its data.
        heads: of its model.
        run: its directory.
    """
    inferred = dict(dataset.resolved)
    if len(heads) == 1:
        head = heads[0]
        if not head.tells_quantiles:  # those follow from data.series.quantiles
            inferred["training.loss"] = plain_component(head.loss)
        if config.model.output == "auto" and len(head.layers) < 2:
            layer = head.layers[0].component if head.layers else None
            inferred["model.output"] = {layer.name: dict(layer.arguments)} if layer else "none"
    else:
        inferred["training.loss"] = {head.targets[0].name: _plain_loss(head) for head in heads}
    text = dump_yaml(resolve(config, inferred))
    # Read once more, so that what is written has one form, whether it was inferred or given.
    return dict(load_config_text(text, folder=run.path, code=config.code).resolved)


def _plain_loss(head: Head) -> dict[str, Any]:
    """The loss of one target of several, with its weight, as a config holds it."""
    return {head.loss.name: dict(head.loss.arguments), **({} if head.loss_weight == 1.0 else {"weight": head.loss_weight})}
