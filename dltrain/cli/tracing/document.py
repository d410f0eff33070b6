"""A trace as plain values, for JSON."""

from __future__ import annotations

from typing import Any

import numpy as np

from dltrain.evaluation.tracing.trace import Trace
from dltrain.model.numbers.passes import LayerNumbers
from dltrain.model.numbers.pixel import middle_pixel

MOST_NUMBERS = 5_000  # of one array; of a larger one its beginning, its sum and its norm


def trace_document(trace: Trace) -> dict[str, Any]:
    """All numbers of a trace."""
    first = trace.first
    document: dict[str, Any] = {
        "status": "finished",
        "source": trace.source,
        "weights": trace.weights,
        "computed_by": trace.backend,
        "rows": trace.names,
        "inputs": {spec.name: plain_array(array) for spec, array in zip(trace.schema.inputs, trace.inputs)},
        "layers": [_layer(layer) for layer in first.layers],
        "outputs": [plain_array(output) for output in first.outputs],
        "predictions": trace.predictions,
    }
    if trace.targets is not None:
        document["targets"] = [plain_array(target) for target in trace.targets]
        document["loss"] = {
            "name": trace.heads[0].loss.name if len(trace.heads) == 1 else [head.loss.name for head in trace.heads],
            "value": first.loss,
            "rows": None if first.losses is None else first.losses.tolist(),
            "penalty": first.penalty,
        }
        assert trace.optimizer is not None
        document["optimizer"] = {
            "name": trace.optimizer.name,
            "learning_rate": trace.learning_rate,
            "formulas": list(trace.formulas),
        }
        document["losses"] = list(trace.losses)
    return {**document, "notes": list(trace.notes)}


def _layer(layer: LayerNumbers) -> dict[str, Any]:
    found: dict[str, Any] = {
        "name": layer.name,
        "layer": layer.layer,
        "activation": layer.activation.name if layer.activation else None,
        "inputs": plain_array(layer.inputs),
        "weights": {name: plain_array(array) for name, array in layer.weights.items()},
        "sums": plain_array(layer.sums),
        "outputs": plain_array(layer.outputs),
    }
    pixel = middle_pixel(layer)
    if pixel is not None:
        terms = [{"place": list(place), "weight": weight, "input": value} for place, weight, value in pixel.terms]
        found["pixel"] = {
            "position": list(pixel.position),
            "filter": pixel.filter,
            "terms": terms,
            "bias": pixel.bias,
            "sum": pixel.total,
        }
    if layer.outputs_gradient is not None or layer.gradients:
        found["gradients"] = {
            "outputs": plain_array(layer.outputs_gradient),
            "sums": plain_array(layer.sums_gradient),
            "weights": {name: plain_array(array) for name, array in layer.gradients.items()},
        }
    if layer.updated:
        found["updated"] = {name: plain_array(array) for name, array in layer.updated.items()}
        found["memories"] = {
            name: {word: plain_array(array) for word, array in memory.items()}
            for name, memory in layer.memories.items()
            if memory
        }
    return found


def plain_array(array: Any) -> Any:
    """Nested lists; of a large array its shape, its first numbers, its sum and its norm."""
    if array is None:
        return None
    array = np.asarray(array)
    if array.size <= MOST_NUMBERS:
        return array.tolist()
    flat = array.reshape(-1)
    return {
        "shape": list(array.shape),
        "first": flat[:100].tolist(),
        "sum": float(flat.sum()),
        "norm": float(np.linalg.norm(flat)),
    }
