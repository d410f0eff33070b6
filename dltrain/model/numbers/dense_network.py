"""A chain of dense layers in NumPy, float64: forward, the chain rule backwards, and a step of the optimizer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.config.types import Component
from dltrain.model.heads.head import Head
from dltrain.model.numbers.activations import Activation, Floats, activation_of_layer, find_activation
from dltrain.model.numbers.losses import Loss, find_loss, one_hot
from dltrain.model.numbers.optimizers import Optimizer
from dltrain.model.numbers.passes import LayerNumbers, NetworkNumbers, Pass, as_floats
from dltrain.model.symbolic import Network, Row
from dltrain.model.symbolic.traits import DROPPING

_DENSE_ARGUMENTS = {"units", "activation", "use_bias", "kernel_initializer", "bias_initializer", "trainable"}
_SHAPING = ("Flatten", "Reshape", "Identity", *DROPPING)


@dataclass(slots=True)
class _Link:
    """One layer of the chain; a layer without weights has an empty mapping."""

    row: Row
    activation: Activation | None
    weights: dict[str, Floats]
    trained: bool


def why_not_numpy(network: Network, heads: Sequence[Head], optimizer: Component | None, num_inputs: int) -> str | None:
    """What of a model is left to TensorFlow; None where NumPy can do all of it."""
    if num_inputs != 1 or len(network.outputs) != 1:
        return "several inputs or outputs"
    last = None
    for row in network.rows:
        reason = _why_not_layer(row, last)
        if reason:
            return reason
        last = row.name
    if heads and find_loss(heads[0].loss) is None:
        return f"the loss {heads[0].loss.name}"
    if heads and heads[0].encoding == "input":
        return "a reconstruction"
    return Optimizer.why_not(optimizer) if optimizer is not None else None


def _why_not_layer(row: Row, last: str | None) -> str | None:
    if row.config is None or (last is not None and row.sources != (last,)):
        return f"the layer {row.name} ({row.layer})"
    component = row.config.component
    if component.name in _SHAPING:
        return None
    if component.name == "Dense":
        rest = set(component.arguments) - _DENSE_ARGUMENTS
        rest = {name for name in rest if component.arguments[name] is not None}
        if rest:
            return f"{', '.join(sorted(rest))} of the layer {row.name}"
        if find_activation(component.arguments.get("activation")) is None:
            return f"the activation of the layer {row.name}"
        if row.inputs[0] is None or len(row.inputs[0]) != 1 or row.found.note:
            return f"the layer {row.name}, whose input is no row of numbers,"
        return None
    if activation_of_layer(component) is None:
        return f"the layer {row.name} ({row.layer})"
    shape = row.inputs[0]
    return None if shape is not None and len(shape) == 1 else f"the layer {row.name}, whose input is no row of numbers,"


class DenseNetwork(NetworkNumbers):
    """Numbers of a chain of dense layers.

    Args:
        network: from `infer_network`; one for which `why_not_numpy` is None.
        arrays: layer name -> its arrays in the order of Keras's `layer.get_weights()`.
        head: of the model's output; None: forward only.
        optimizer: kind "optimizer"; None: no step.
    """

    backend = "numpy"

    def __init__(
        self, network: Network, arrays: Mapping[str, Sequence[NDArray[Any]]], head: Head | None, optimizer: Component | None
    ) -> None:
        self._links = [_link(row, arrays.get(row.name, ())) for row in network.rows]
        self._head = head
        self._loss: Loss | None = find_loss(head.loss) if head is not None else None
        trained = [array.shape for link in self._links if link.trained for array in link.weights.values()]
        self._optimizer = Optimizer(optimizer, trained) if optimizer is not None else None
        off = [link.row.name for link in self._links if link.row.layer in DROPPING]
        self.notes = [f"off here, on in training only: {', '.join(off)}"] if off else []

    @property
    def learning_rate(self) -> float | None:
        """As in `NetworkNumbers`."""
        return self._optimizer.learning_rate if self._optimizer else None

    @property
    def formulas(self) -> tuple[str, ...]:
        """As in `NetworkNumbers`."""
        return self._optimizer.formulas if self._optimizer else ()

    def forward_and_back(self, inputs: list[NDArray[Any]], targets: list[NDArray[Any]] | None) -> Pass:
        """As in `NetworkNumbers`."""
        values = as_floats(inputs[0])
        layers = []
        for link in self._links:
            layers.append(_forward(link, values))
            values = layers[-1].outputs
        done = Pass(layers, [values])
        if targets is not None and self._loss is not None:
            self._back(done, self._target(as_floats(targets[0])))
        return done

    def _target(self, target: Floats) -> Floats:
        """Targets of the output's own shape: indices one-hot."""
        assert self._head is not None
        return one_hot(target.astype(np.int64), self._head.units) if self._head.encoding == "index" else target

    def _back(self, done: Pass, target: Floats) -> None:
        loss, last = self._loss, done.layers[-1]
        assert loss is not None
        outputs, num_rows = done.outputs[0], len(target)
        sums_gradient: Floats | None = None
        if loss.from_logits and loss.from_sums and loss.slope_by_sums:
            done.losses, gradient = loss.from_sums(outputs, target), loss.slope_by_sums(outputs, target)
            done.by_sums = True
        elif loss.from_sums and loss.slope_by_sums and last.sums is not None and last.activation and _fits(loss, last):
            done.losses, gradient = loss.from_sums(last.sums, target), loss.slope(outputs, target)
            sums_gradient = loss.slope_by_sums(last.sums, target) / num_rows
            done.by_sums = True
        else:
            done.losses, gradient = loss.value(outputs, target), loss.slope(outputs, target)
        done.loss = float(done.losses.mean())
        gradient = gradient / num_rows
        for link, layer in zip(reversed(self._links), reversed(done.layers)):
            gradient = _backward(link, layer, gradient, sums_gradient)
            sums_gradient = None

    def step(self, done: Pass) -> None:
        """As in `NetworkNumbers`."""
        if self._optimizer is None:
            return
        places = [(link, layer, name) for link, layer in zip(self._links, done.layers) if link.trained for name in link.weights]
        weights = [link.weights[name] for link, _, name in places]
        gradients = [layer.gradients[name] for _, layer, name in places]
        after, memories = self._optimizer.step(weights, gradients)
        for (link, layer, name), weight, memory in zip(places, after, memories):
            link.weights[name] = layer.updated[name] = weight
            layer.memories[name] = memory


def _fits(loss: Loss, last: LayerNumbers) -> bool:
    return last.activation is not None and last.activation.name == loss.takes


def _link(row: Row, arrays: Sequence[NDArray[Any]]) -> _Link:
    assert row.config is not None
    component = row.config.component
    if component.name != "Dense":
        return _Link(row, activation_of_layer(component) if component.name not in _SHAPING else None, {}, False)
    weights = {name: as_floats(array).copy() for name, array in zip(("kernel", "bias"), arrays)}
    trained = component.arguments.get("trainable", True) is not False
    return _Link(row, find_activation(component.arguments.get("activation")), weights, trained)


def _forward(link: _Link, values: Floats) -> LayerNumbers:
    layer = LayerNumbers(link.row.name, link.row.layer, link.row.config, values, values, dict(link.weights), link.activation)
    if link.weights:
        layer.sums = values @ link.weights["kernel"]
        if "bias" in link.weights:
            layer.sums = layer.sums + link.weights["bias"]
    elif link.activation is not None:
        layer.sums = values
    if layer.sums is not None:
        assert link.activation is not None
        layer.outputs = link.activation.value(layer.sums)
    elif link.row.found.output is not None:
        layer.outputs = values.reshape(len(values), *(extent or -1 for extent in link.row.found.output))
    return layer


def _backward(link: _Link, layer: LayerNumbers, gradient: Floats, sums_gradient: Floats | None) -> Floats:
    """Fill in the layer's gradients; returns dL/d(inputs)."""
    layer.outputs_gradient = gradient
    assert layer.inputs is not None
    if layer.sums is None:
        return gradient.reshape(layer.inputs.shape)
    if sums_gradient is None:
        assert link.activation is not None
        sums_gradient = link.activation.backward(layer.sums, layer.outputs, gradient)
    layer.sums_gradient = sums_gradient
    if not link.weights:
        return sums_gradient
    layer.gradients["kernel"] = layer.inputs.T @ sums_gradient
    if "bias" in link.weights:
        layer.gradients["bias"] = sums_gradient.sum(axis=0)
    return np.asarray(sums_gradient @ link.weights["kernel"].T)
