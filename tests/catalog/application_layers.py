"""Writes `symbolic/application_layers.json` from the installed Keras: `python -m tests.catalog.application_layers`."""

from __future__ import annotations

import gc
import json
import math
from typing import Any

from dltrain.model.keras_import import import_keras
from dltrain.model.symbolic.application_layers import _FILE


def describe_body(keras: Any, name: str, **arguments: Any) -> dict[str, Any]:
    """Channels of the output; [name, trainable parameters, others] of each layer with weights, without others that are none."""
    with keras.device("cpu"):
        body = getattr(keras.applications, name)(include_top=False, weights=None, input_shape=(96, 96, 3), **arguments)
    rows: list[list[Any]] = []
    for layer in body.layers:
        if layer.weights:
            trained, fixed = _count(layer.trainable_weights), _count(layer.non_trainable_weights)
            rows.append([layer.name, trained, fixed] if fixed else [layer.name, trained])
    return {"channels": body.output_shape[-1], "layers": rows}


def _count(weights: Any) -> int:
    return sum(math.prod(weight.shape) for weight in weights)


def main() -> None:
    """Build one network after the other; takes some minutes and 2 GB."""
    keras = import_keras()
    lines = []
    for name in sorted(json.loads(_FILE.read_text())):
        keras.backend.clear_session()
        gc.collect()
        lines.append(f"{json.dumps(name)}: {json.dumps(describe_body(keras, name), separators=(',', ':'))}")
    _FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
