"""About how many bytes a training takes."""

from __future__ import annotations

import math

from dltrain.checking.result import Memory
from dltrain.config.types import Config
from dltrain.data.facts import DataFacts
from dltrain.model.symbolic import Network
from dltrain.model.symbolic.rule import size_of

FLOAT = 4
KEPT_AS_BYTES = ("image_folder",)
# Numbers that an optimizer keeps for each trained weight (Keras's own variables); SGD keeps one with momentum.
_SLOTS = {"SGD": 0, "Adadelta": 2, "Adagrad": 1, "RMSprop": 1, "Lion": 1, "Adafactor": 1, "Muon": 2, "Ftrl": 2}


def estimate_memory(config: Config, facts: DataFacts, network: Network) -> Memory:
    """Weights with gradients and optimizer, one batch of all outputs forwards and backwards, the data as it is held."""
    assert facts.schema is not None
    parameters = sum(row.found.parameters or 0 for row in network.rows)
    trained = sum(row.found.trainable or 0 for row in network.rows)
    slots = 0
    batch_size = 1
    if config.training is not None:
        optimizer = config.training.optimizer
        slots = _SLOTS.get(optimizer.name, 2) + bool(optimizer.name == "SGD" and optimizer.arguments.get("momentum"))
        batch_size = config.training.batch_size
        if facts.rows:
            batch_size = min(batch_size, facts.rows.get("train", batch_size))
    outputs = sum((size_of(row.found.output) or 0) for row in network.rows if row.found.output is not None)
    width = sum(math.prod(spec.shape) for spec in facts.schema.inputs) + sum(
        1 if target.task != "reconstruction" else 0 for target in facts.schema.targets
    )
    rows = sum(facts.rows.values()) if facts.rows else None
    return Memory(
        model=FLOAT * (parameters + trained * (1 + slots)),
        batch=FLOAT * 2 * outputs * batch_size,
        data=None if rows is None else (1 if config.data.source in KEPT_AS_BYTES else FLOAT) * rows * width,
    )
