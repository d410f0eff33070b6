"""The weights of a run as text and as plain values."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dltrain.cli.tracing.document import plain_array

if TYPE_CHECKING:
    from dltrain.evaluation.run_weights import Weight

MOST_NUMBERS = 400  # of one array; of a larger one its edges
LINE = 100


def weights_text(run: Path, which: str, weights: Sequence[Weight]) -> str:
    """Name, shape and numbers of each."""
    total = sum(weight.values.size for weight in weights)
    blocks = [f"{run}: {which} weights, {total:,} numbers"]
    for weight in weights:
        shape = "×".join(map(str, weight.values.shape)) or "one number"
        frozen = "" if weight.trainable else ", not trained"
        numbers = np.array2string(weight.values, precision=6, threshold=MOST_NUMBERS, max_line_width=LINE, suppress_small=False)
        blocks.append(f"{weight.name}  {shape}{frozen}\n{numbers}")
    return "\n\n".join(blocks)


def weights_document(run: Path, which: str, weights: Sequence[Weight]) -> dict[str, Any]:
    """The weights as plain values, for JSON."""
    arrays = [
        {
            "name": weight.name,
            "layer": weight.layer,
            "shape": list(weight.values.shape),
            "trainable": weight.trainable,
            "values": plain_array(weight.values),
        }
        for weight in weights
    ]
    return {"status": "finished", "source": str(run), "weights": which, "arrays": arrays}
