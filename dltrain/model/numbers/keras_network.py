"""The numbers of any Keras model: outputs of every layer, gradients by the tape, a step of the model's own optimizer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.later import tensorflow as tf
from dltrain.model.heads.head import Head
from dltrain.model.keras_import import import_keras
from dltrain.model.numbers.activations import find_activation
from dltrain.model.numbers.losses import find_loss, one_hot
from dltrain.model.numbers.passes import LayerNumbers, NetworkNumbers, Pass, as_floats
from dltrain.model.symbolic import Network
from dltrain.model.symbolic.traits import DROPPING


class KerasNetwork(NetworkNumbers):
    """Numbers of a Keras model, in its own precision.

    Args:
        model: from `build_model`; compiled, if there shall be losses and steps.
        network: from `infer_network` for the same model.
        heads: of the model's outputs.
    """

    backend = "tensorflow"

    def __init__(self, model: Any, network: Network, heads: Sequence[Head]) -> None:
        keras = import_keras()
        self._model, self._heads, self._rows = model, heads, {row.name: row for row in network.rows}
        self._layers = [layer for layer in model.layers if type(layer).__name__ != "InputLayer"]
        self._layers = [layer for layer in self._layers if isinstance(layer.output, keras.KerasTensor)]
        self._inner = keras.Model(model.inputs, [layer.output for layer in self._layers] + list(model.outputs))
        off = [layer.name for layer in self._layers if type(layer).__name__ in DROPPING]
        self.notes = [f"off here, on in training only: {', '.join(off)}"] if off else []
        normal = [layer.name for layer in self._layers if type(layer).__name__ == "BatchNormalization"]
        if normal:
            self.notes.append(f"with the moving averages that it has learnt, as in prediction: {', '.join(normal)}")

    @property
    def learning_rate(self) -> float | None:
        """As in `NetworkNumbers`."""
        optimizer = getattr(self._model, "optimizer", None)
        return None if optimizer is None else float(np.asarray(optimizer.learning_rate))

    def forward_and_back(self, inputs: list[NDArray[Any]], targets: list[NDArray[Any]] | None) -> Pass:
        """As in `NetworkNumbers`."""
        x = [tf.convert_to_tensor(array) for array in inputs]
        # The outputs of the layers are watched by themselves, so that the loss can be taken by each of them.
        with tf.GradientTape() as tape:
            for tensor in x:
                if tensor.dtype.is_floating:
                    tape.watch(tensor)
            found = self._inner(x if len(x) > 1 else x[0], training=False)
            found = list(found) if isinstance(found, list | tuple) else [found]
            outputs = found[len(self._layers) :]
            loss = self._loss(outputs, targets)
        values = {tensor.name: array for tensor, array in zip(self._model.inputs, inputs, strict=True)}
        done = Pass([], [as_floats(output) for output in outputs])
        outer = {id(layer.output): found[index] for index, layer in enumerate(self._layers)}
        arrays = {id(tensor): as_floats(values[tensor.name]) for tensor in self._model.inputs}
        arrays |= {key: as_floats(value) for key, value in outer.items()}
        for index, layer in enumerate(self._layers):
            done.layers.append(self._numbers(layer, arrays.get(id(layer.input)), as_floats(found[index])))
        if loss is not None:
            self._gradients(done, tape, loss, found)
            self._last_gradient(done, targets)
        return done

    def _last_gradient(self, done: Pass, targets: list[NDArray[Any]] | None) -> None:
        """Keras takes cross-entropy from the last weighted sums, past the output, whose own gradient is then missing."""
        last = done.layers[-1]
        if (
            last.outputs_gradient is not None
            or last.sums is None
            or last.activation is None
            or not targets
            or len(self._heads) != 1
        ):
            return
        head = self._heads[0]
        loss, target = find_loss(head.loss), as_floats(targets[0])
        if loss is None or loss.takes != last.activation.name or loss.slope_by_sums is None:
            return
        target = one_hot(target.astype(np.int64), head.units) if head.encoding == "index" else target
        last.outputs_gradient = loss.slope(last.outputs, target) / len(target)
        last.sums_gradient = loss.slope_by_sums(last.sums, target) / len(target)
        done.by_sums = True

    def _loss(self, outputs: list[Any], targets: list[NDArray[Any]] | None) -> Any:
        if targets is None or getattr(self._model, "optimizer", None) is None:
            return None
        single = len(outputs) == 1
        return self._model._compute_loss(
            x=None, y=targets[0] if single else targets, y_pred=outputs[0] if single else outputs, training=False
        )

    def _numbers(self, layer: Any, inputs: Any, outputs: Any) -> LayerNumbers:
        row = self._rows.get(layer.name)
        config = row.config if row is not None else None
        weights = {variable.path.rpartition("/")[2]: as_floats(variable) for variable in layer.weights}
        activation = None
        if config is not None and "activation" in config.component.arguments:
            activation = find_activation(config.component.arguments["activation"])
        elif type(layer).__name__ == "Dense":
            activation = find_activation(None)
        numbers = LayerNumbers(layer.name, type(layer).__name__, config, inputs, outputs, weights, activation)
        if type(layer).__name__ == "Dense" and inputs is not None and inputs.ndim == 2 and set(weights) <= {"kernel", "bias"}:
            numbers.sums = inputs @ weights["kernel"] + weights.get("bias", 0.0)
        return numbers

    def _gradients(self, done: Pass, tape: Any, loss: Any, found: Sequence[Any]) -> None:
        variables = [variable for layer in self._layers for variable in layer.trainable_variables]
        sources = [*found[: len(self._layers)], *(variable.value for variable in variables)]
        gradients = tape.gradient(loss, sources)
        dense = [None if gradient is None else as_floats(_whole(gradient)) for gradient in gradients]
        done.loss = float(loss)
        done.penalty = float(sum(float(item) for item in self._model.losses))
        by_variable = dict(zip((id(variable) for variable in variables), dense[len(self._layers) :]))
        for layer, numbers, gradient in zip(self._layers, done.layers, dense):
            numbers.outputs_gradient = gradient
            if numbers.sums is not None and numbers.activation is not None and gradient is not None:
                numbers.sums_gradient = numbers.activation.backward(numbers.sums, numbers.outputs, gradient)
            for variable in layer.trainable_variables:
                array = by_variable[id(variable)]
                name = variable.path.rpartition("/")[2]
                numbers.gradients[name] = np.zeros(variable.shape) if array is None else array

    def step(self, done: Pass) -> None:
        """As in `NetworkNumbers`."""
        optimizer = getattr(self._model, "optimizer", None)
        if optimizer is None:
            return
        places = [
            (layer, numbers, variable)
            for layer, numbers in zip(self._layers, done.layers)
            for variable in layer.trainable_variables
        ]
        gradients = [numbers.gradients[variable.path.rpartition("/")[2]] for _, numbers, variable in places]
        optimizer.apply(
            [np.asarray(g, variable.dtype) for g, (_, _, variable) in zip(gradients, places)], [v for _, _, v in places]
        )
        for _, numbers, variable in places:
            numbers.updated[variable.path.rpartition("/")[2]] = as_floats(variable)


def _whole(gradient: Any) -> Any:
    """A gradient that holds some rows only (of an embedding) as a whole array."""
    return tf.convert_to_tensor(gradient)
