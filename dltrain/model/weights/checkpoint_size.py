"""How large a run's checkpoint may be, from its config alone: what is larger is not hashed, and no Keras is imported for it."""

from __future__ import annotations

from collections.abc import Sequence

from dltrain.config.types import Config
from dltrain.data.dataset import Schema
from dltrain.model.heads.head import Head
from dltrain.model.symbolic import infer_network
from dltrain.model.weights.weights import most_bytes

# Of a model with a layer whose weights the arithmetic does not know, such as one of own code.
_OF_UNKNOWN = 64 << 30


def largest_checkpoint(config: Config, schema: Schema, heads: Sequence[Head]) -> int:
    """Bytes that a checkpoint of a run may have.

    Args:
        config: of the run.
        schema: of its data.
        heads: outputs of its model; of an ensemble, those of one member.
    """
    network = infer_network(config.model, schema, heads, config.data.augment)
    if any(row.found.parameters is None for row in network.rows):
        return _OF_UNKNOWN
    members = config.training.members.count if config.training is not None and config.training.members.are_several else 1
    return most_bytes(members * (network.parameters or 0))
