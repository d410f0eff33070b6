"""Loss and metrics of outputs that are there already, as Keras computes them for a model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from numpy.typing import NDArray

from dltrain.config.types import Component, TrainingConfig
from dltrain.model.compile import compile_model
from dltrain.model.forward import Forward
from dltrain.model.heads.head import Head
from dltrain.model.keras_import import import_keras


class OutputScorer:
    """A model whose outputs are its inputs, compiled as another one is: it computes losses and metrics of given outputs.

    Args:
        shapes: of the outputs, without the rows.
        names: of the outputs, which Keras's metrics of several begin with.
        heads: of the outputs.
        training: the metrics.
    """

    def __init__(
        self, shapes: Sequence[tuple[int, ...]], names: Sequence[str], heads: Sequence[Head], training: TrainingConfig
    ) -> None:
        keras = import_keras()
        inputs = [keras.Input(shape, name=f"given_{index}") for index, shape in enumerate(shapes)]
        tensors = [keras.layers.Activation("linear", name=name)(tensor) for name, tensor in zip(names, inputs, strict=True)]
        model = keras.Model(inputs, tensors if len(tensors) > 1 else tensors[0])
        compile_model(model, heads, replace(training, optimizer=Component("optimizer", "SGD")))  # it has no weights
        self._forward = Forward(model, 1024)

    def score(self, outputs: Sequence[NDArray[Any]], targets: Sequence[Any], weights: Sequence[Any] | None) -> dict[str, float]:
        """Loss and metrics, by Keras's names.

        Args:
            outputs: an array [rows, ...] each.
            targets, weights: the encoded rows.
        """
        return self._forward.evaluate(tuple(outputs), targets, weights)[0]
