"""The weights of a run: names, shapes, numbers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.evaluation.load_run import load_run
from dltrain.model.keras_import import import_keras
from dltrain.reporting import Reporter


@dataclass(frozen=True, slots=True)
class Weight:
    """One array of weights.

    Attributes:
        name: as Keras has it: `dense/kernel`.
        layer: the model's layer that holds it.
        trainable: whether training changes it.
        values: in their own shape.
    """

    name: str
    layer: str
    trainable: bool
    values: NDArray[Any]


def weights_of(
    run: Path, *, weights: str | None = None, threads: int | None = None, reporter: Reporter | None = None
) -> tuple[str, list[Weight]]:
    """All weights of a run's model, in its order.

    Args:
        run: the run directory.
        weights: "best", "last", or None: the run's model.
        threads: threads for one operation; None: those of the run.
        reporter: is told what happens.

    Returns:
        Which they are, "best" or "last", and the arrays.

    Raises:
        RunError: the run is damaged.
        UsageError: it has no such weights.
    """
    stored = load_run(run)
    name, checkpoint = stored.checkpoint(weights)
    (reporter or Reporter()).status("importing Keras")
    import_keras(threads or stored.threads)
    model = stored.build(checkpoint)
    return name, [
        Weight(variable.path, layer.name, bool(variable.trainable), np.asarray(variable.numpy()))
        for layer in model.layers
        for variable in layer.weights
    ]
