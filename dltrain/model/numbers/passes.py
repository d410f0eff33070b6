"""What one pass through a network leaves: the numbers of every layer, forwards, backwards and after the step."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.config.types import LayerConfig
from dltrain.model.numbers.activations import Activation, Floats


@dataclass(slots=True)
class LayerNumbers:
    """One layer's numbers for a few rows.

    Attributes:
        name: as the model names it.
        layer: Keras's class.
        config: the entry of the config; None for a layer that the data asks for.
        inputs: what comes in, [rows, ...]; None where several arrays do.
        outputs: [rows, ...].
        weights: by Keras's name (`kernel`, `bias`, ...), before the step.
        activation: of a layer that has one; None where it is not among those of `activations`.
        sums: the weighted sums z [rows, units], of which the activation makes the outputs; None where a layer has none.
        outputs_gradient: dL/d(outputs), of the mean loss of the rows; None without a target.
        sums_gradient: dL/dz.
        gradients: dL/dw by the weights' names, of those that are trained.
        updated: the weights after the step, of those that are trained.
        memories: what the optimizer keeps for each of them after the step: weights' name -> its name -> array.
    """

    name: str
    layer: str
    config: LayerConfig | None
    inputs: Floats | None
    outputs: Floats
    weights: dict[str, Floats] = field(default_factory=dict)
    activation: Activation | None = None
    sums: Floats | None = None
    outputs_gradient: Floats | None = None
    sums_gradient: Floats | None = None
    gradients: dict[str, Floats] = field(default_factory=dict)
    updated: dict[str, Floats] = field(default_factory=dict)
    memories: dict[str, dict[str, Floats]] = field(default_factory=dict)


@dataclass(slots=True)
class Pass:
    """A pass of a few rows.

    Attributes:
        layers: in the order in which they compute.
        outputs: one array [rows, ...] for each output of the model.
        losses: [rows]; None without targets, or where only their mean is known.
        loss: the mean over the rows, with what `penalty` adds; None without targets.
        penalty: what the layers' regularizers add.
        by_sums: the loss was computed from the last weighted sums rather than from the outputs (the same, but exact).
    """

    layers: list[LayerNumbers]
    outputs: list[Floats]
    losses: Floats | None = None
    loss: float | None = None
    penalty: float = 0.0
    by_sums: bool = False


class NetworkNumbers(ABC):
    """A network whose numbers can be looked at, with its weights and its optimizer.

    Attributes:
        backend: "numpy" or "tensorflow".
        notes: sentences for the user: what is left out of the numbers.
    """

    backend: str
    notes: list[str]

    @abstractmethod
    def forward_and_back(self, inputs: list[NDArray[Any]], targets: list[NDArray[Any]] | None) -> Pass:
        """Forward through all layers and, with targets, the gradients of the mean loss. Dropout and the like are off.

        Args:
            inputs: one array [rows, ...] for each input.
            targets: one array for each output, encoded as its loss needs it; None: forward only.
        """

    @abstractmethod
    def step(self, done: Pass) -> None:
        """Let the optimizer make one step by the pass's gradients; the pass gets the new weights."""

    @property
    @abstractmethod
    def learning_rate(self) -> float | None:
        """The rate of the next step; None where there is no optimizer."""

    @property
    def formulas(self) -> tuple[str, ...]:
        """The optimizer's step in symbols; empty where it is Keras's own business."""
        return ()


def as_floats(values: Any) -> Floats:
    """An array as float64."""
    return np.asarray(values, np.float64)
