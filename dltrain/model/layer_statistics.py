"""What the layers of a trained model do on a sample of rows: dead and saturated units, gradients of the loss."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.data.arrays.disk_array import DiskArray
from dltrain.data.arrays.scaled_pixels import ScaledPixels
from dltrain.later import tensorflow as tf
from dltrain.model.forward import evaluation_batch_size
from dltrain.model.keras_import import import_keras
from dltrain.model.pixels import take_rows

MOST_ROWS = 1024
GRADIENT_ROWS = 128  # the tape's pass costs three times a forward one
_SATURATED = 0.01  # so near to the end of its range an activation passes next to no gradient


@dataclass(frozen=True, slots=True)
class LayerStatistics:
    """One layer on a sample of rows.

    Attributes:
        name: of the layer.
        activation: "relu", "relu6", "sigmoid", "tanh", or another one or none: "".
        num_units: units, or filters of a convolution.
        dead: share of the units that put out 0 for every row and place; None where the activation cannot die.
        saturated: share of all outputs at an end of the activation's range; None where it has none.
        places: rows times places at which each unit was seen.
        gradient: root mean square of the loss's gradient by the layer's kernel; None where it has none that is trained.
        gradient_norm: its length.
    """

    name: str
    activation: str
    num_units: int
    dead: float | None
    saturated: float | None
    places: int
    gradient: float | None
    gradient_norm: float | None


def measure_layers(
    model: Any, inputs: Sequence[Any], targets: Sequence[Any], weights: Sequence[Any] | None, *, seconds: float
) -> tuple[list[LayerStatistics], int]:
    """Look at the layers on rows that lie evenly over those given. Layers are in inference mode.

    Args:
        model: a compiled Keras model.
        inputs, targets, weights: tensors, arrays, or arrays on disk [rows, ...].
        seconds: stop adding rows after so long; at least one batch is looked at.

    Returns:
        The layers in the order of the model, recurrent ones and those without units left out, and how many rows were used.
    """
    keras = import_keras()
    layers = [layer for layer in model.layers if _activation_of(layer) or _kernel_of(layer) is not None]
    outputs = {id(output) for output in model.outputs}
    # A layer may stand in a larger model too, where it has another output.
    tensors = {id(node.operation): node.outputs[0] for nodes in model._nodes_by_depth.values() for node in nodes}
    watched = [layer for layer in layers if _activation_of(layer) and id(tensors[id(layer)]) not in outputs]
    watcher = keras.Model(model.inputs, [*(tensors[id(layer)] for layer in watched), *model.outputs])
    batch_size, num_rows = min(GRADIENT_ROWS, evaluation_batch_size(inputs)), inputs[0].shape[0]
    wanted = evenly(num_rows, MOST_ROWS)
    # Rows of the first batch lie evenly over all rows as well.
    order = np.concatenate([wanted[first :: -(-len(wanted) // batch_size)] for first in range(-(-len(wanted) // batch_size))])
    highest: dict[str, NDArray[Any]] = {}
    saturated: dict[str, list[float]] = {}
    places: dict[str, int] = {}
    gradients: dict[str, tuple[float, float]] = {}
    started, used = time.monotonic(), 0
    while used < len(order) and (used == 0 or time.monotonic() - started < seconds):
        rows = np.sort(order[used : used + batch_size])
        x = [take(array, rows) for array in inputs]
        if used == 0:
            y = [take(array, rows) for array in targets]
            w = None if weights is None else [take(array, rows) for array in weights]
            found, gradients = _with_gradients(model, watcher, layers, x, y, w)
        else:
            found = _outputs(watcher, x)
        used += len(rows)
        for layer, output in zip(watched, found):
            _look(layer, np.asarray(output), highest, saturated, places)
    return [_summary(layer, highest, saturated, places, gradients) for layer in layers], used


def evenly(num_rows: int, count: int) -> NDArray[np.int64]:
    """Row numbers, at most `count`, that lie evenly over all rows."""
    return np.unique(np.linspace(0, num_rows - 1, min(num_rows, count)).astype(np.int64))


def near_an_end(activation: str, outputs: NDArray[Any]) -> NDArray[np.bool_]:
    """Where sigmoid or tanh is saturated: so near to an end of its range that hardly any gradient passes."""
    low = -1.0 if activation == "tanh" else 0.0
    return np.asarray((outputs < low + _SATURATED) | (outputs > 1 - _SATURATED))


def take(array: Any, rows: NDArray[np.int64]) -> Any:
    """Rows of a tensor, of an array in memory, or (in whole stretches) of one on disk, as a tensor."""
    if isinstance(array, np.ndarray):
        return tf.convert_to_tensor(array[rows])
    if isinstance(array, ScaledPixels):
        return tf.convert_to_tensor(array.take(rows).read(0, len(rows)))
    if not isinstance(array, DiskArray):
        return take_rows(array, rows)
    # From disk whole stretches: a row at a time would seek for each.
    stretches = np.array_split(rows, min(8, len(rows)))
    pieces = [array.read(int(part[0]), min(int(part[0]) + len(part), len(array))) for part in stretches]
    return tf.convert_to_tensor(np.concatenate(pieces))


def _outputs(watcher: Any, x: list[Any]) -> list[Any]:
    found = watcher(x if len(x) > 1 else x[0], training=False)
    return list(found) if isinstance(found, list | tuple) else [found]


def _with_gradients(
    model: Any, watcher: Any, layers: Sequence[Any], x: list[Any], y: list[Any], w: list[Any] | None
) -> tuple[list[Any], dict[str, tuple[float, float]]]:
    """Outputs, and for each layer root mean square and length of the gradient by its kernel."""
    kernels = [(layer, kernel) for layer in layers if (kernel := _kernel_of(layer)) is not None]
    with tf.GradientTape() as tape:
        found = _outputs(watcher, x)
        outputs = found[-len(model.outputs) :]
        single = len(outputs) == 1
        loss = model._compute_loss(
            x=None,
            y=y[0] if single else y,
            y_pred=outputs[0] if single else outputs,
            sample_weight=None if w is None else (w[0] if single else w),
            training=False,
        )
    slopes = tape.gradient(loss, [kernel.value for _, kernel in kernels])
    norms = {}
    for (layer, kernel), slope in zip(kernels, slopes):
        length = 0.0 if slope is None else float(tf.linalg.global_norm([slope]))
        norms[layer.name] = (length / float(np.sqrt(np.prod(kernel.shape))), length)
    return found, norms


def _look(
    layer: Any, output: NDArray[Any], highest: dict[str, NDArray[Any]], saturated: dict[str, list[float]], places: dict[str, int]
) -> None:
    values = output.reshape(-1, output.shape[-1])
    name, activation = layer.name, _activation_of(layer)
    places[name] = places.get(name, 0) + len(values)
    if activation in ("relu", "relu6"):
        top = values.max(axis=0)
        highest[name] = np.maximum(highest[name], top) if name in highest else top
    else:
        saturated.setdefault(name, []).append(float(near_an_end(activation, values).mean()))


def _summary(
    layer: Any,
    highest: dict[str, NDArray[Any]],
    saturated: dict[str, list[float]],
    places: dict[str, int],
    gradients: dict[str, tuple[float, float]],
) -> LayerStatistics:
    name = layer.name
    mean_square, length = gradients.get(name, (None, None))
    return LayerStatistics(
        name=name,
        activation=_activation_of(layer),
        num_units=int(layer.output.shape[-1] or 0),
        dead=float((highest[name] <= 0).mean()) if name in highest else None,
        saturated=float(np.mean(saturated[name])) if name in saturated else None,
        places=places.get(name, 0),
        gradient=mean_square,
        gradient_norm=length,
    )


def _activation_of(layer: Any) -> str:
    """The activation whose units can die or saturate; "" for others, and for layers with gates of their own."""
    kind = type(layer).__name__
    if kind == "ReLU" and not layer.negative_slope:
        return "relu"
    if kind not in ("Dense", "Activation", "Conv1D", "Conv2D", "Conv3D", "DepthwiseConv2D", "SeparableConv2D"):
        return ""
    name = getattr(getattr(layer, "activation", None), "__name__", "")
    return name if name in ("relu", "relu6", "sigmoid", "tanh") else ""


def _kernel_of(layer: Any) -> Any:
    """The layer's trained array by which its inputs are multiplied; None where it has none."""
    if type(layer).__name__ == "Embedding":
        return None
    kernel = getattr(layer, "kernel", None)
    return kernel if kernel is not None and any(variable is kernel for variable in layer.trainable_variables) else None
