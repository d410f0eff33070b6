"""`LayerStatistics` of a chain of dense layers by NumPy: milliseconds, where the tape takes a tenth of a second."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from dltrain.model.heads.head import Head
from dltrain.model.layer_statistics import MOST_ROWS, LayerStatistics, evenly, near_an_end, take
from dltrain.model.numbers.dense_network import DenseNetwork, why_not_numpy
from dltrain.model.numbers.passes import LayerNumbers
from dltrain.model.symbolic import Network

MOST_NUMBERS = 1 << 22  # of all inputs together


def measure_dense(
    model: Any, network: Network, heads: Sequence[Head], inputs: Sequence[Any], targets: Sequence[Any]
) -> tuple[list[LayerStatistics], int] | None:
    """What `measure_layers` gives, with weights of rows left out; None where the model is no chain of dense layers.

    Args:
        model: the Keras model, for its weights.
        network: of the same model, from `infer_network`.
        heads: of its outputs.
        inputs, targets: tensors, arrays, or arrays on disk [rows, ...].
    """
    if why_not_numpy(network, heads, None, len(inputs)) is not None:
        return None
    num_rows = inputs[0].shape[0]
    numbers = max(1, int(np.prod(inputs[0].shape[1:])))
    rows = evenly(num_rows, max(1, min(MOST_ROWS, MOST_NUMBERS // numbers)))
    arrays = {row.name: model.get_layer(row.name).get_weights() for row in network.rows if row.found.weights}
    chain = DenseNetwork(network, arrays, heads[0], None)
    done = chain.forward_and_back([np.asarray(take(inputs[0], rows))], [np.asarray(take(targets[0], rows))])
    layers = [layer for layer in done.layers if layer.sums is not None]
    return [_statistics(layer, is_output=layer is done.layers[-1]) for layer in layers], len(rows)


def _statistics(layer: LayerNumbers, *, is_output: bool) -> LayerStatistics:
    name = layer.activation.name if layer.activation else ""
    name = name if name in ("relu", "relu6", "sigmoid", "tanh") else ""
    gradient = layer.gradients.get("kernel")
    length = None if gradient is None else float(np.linalg.norm(gradient))
    return LayerStatistics(
        name=layer.name,
        activation=name,
        num_units=int(layer.outputs.shape[-1]),
        dead=float((layer.outputs.max(axis=0) <= 0).mean()) if name.startswith("relu") and not is_output else None,
        saturated=float(near_an_end(name, layer.outputs).mean()) if name in ("sigmoid", "tanh") and not is_output else None,
        places=len(layer.outputs),
        gradient=None if gradient is None or length is None else length / float(np.sqrt(gradient.size)),
        gradient_norm=length,
    )
