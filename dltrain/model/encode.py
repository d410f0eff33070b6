"""Parts of the data as a compiled model takes them: inputs, targets and weights in the model's order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.data.arrays.disk_array import Array, is_streamed
from dltrain.data.dataset import IGNORED, Part, Schema
from dltrain.errors import ConfigError
from dltrain.model.heads.head import Head, is_by_target


@dataclass(slots=True)
class EncodedPart:
    """A part as arrays in the order of the model's inputs and outputs.

    Attributes:
        inputs: one array [rows, ...] per input, in memory or on disk.
        targets: one array per head: float32 [rows, 1] (binary), int32 [rows] (index), float32 [rows, classes] (one-hot, or
            several labels), float32 [rows, n] (values), the input itself, in memory or on disk (reconstruction), uint8 codes
            [rows, height, width] (masks, which `pixel_targets` encodes batch by batch).
        weights: one float32 [rows] per head, or None; of masks [rows, height, width] where classes have weights.
    """

    inputs: tuple[Array, ...]
    targets: tuple[Array, ...]
    weights: tuple[NDArray[np.float32], ...] | None

    @property
    def num_rows(self) -> int:
        """How many rows the part has."""
        return len(self.inputs[0])

    @property
    def on_disk(self) -> bool:
        """Whether an input stays on disk."""
        return any(is_streamed(array) for array in self.inputs)

    @property
    def num_bytes(self) -> int:
        """Bytes of all arrays together."""
        arrays = {id(array): array for array in (*self.inputs, *self.targets, *(self.weights or ()))}
        return sum(array.nbytes for array in arrays.values())


def encode_part(
    part: Part, schema: Schema, heads: Sequence[Head], class_weights: Mapping[str, NDArray[np.float32]] | None = None
) -> EncodedPart:
    """Encode targets as the losses need them and class weights as weights of rows.

    Args:
        part: a preprocessed part with targets.
        schema: gives the order of the inputs.
        heads: from `resolve_heads`.
        class_weights: head name -> weight by class index; None for parts that are only evaluated.
    """
    inputs = tuple(part.inputs[spec.name] for spec in schema.inputs)
    targets = tuple(encode_target(part, head, inputs) for head in heads)
    if part.weights is None and not class_weights:
        return EncodedPart(inputs, targets, None)
    base = np.ones(part.num_rows, "float32") if part.weights is None else part.weights
    weights = []
    for head in heads:
        weight = base
        if class_weights and head.name in class_weights:
            weight = _weighted(base, class_weights[head.name], part.targets[head.targets[0].name])
        weights.append(weight.astype("float32", copy=False))
    return EncodedPart(inputs, targets, tuple(weights))


def _weighted(base: NDArray[np.float32], by_class: NDArray[np.float32], codes: NDArray[Any]) -> NDArray[np.float32]:
    """The weight of each row, or of each pixel of a mask, by its class."""
    if codes.ndim > 1:
        by_class = np.pad(by_class, (0, IGNORED + 1 - len(by_class)))  # pixels that are ignored weigh nothing
        base = base[:, None, None]
    weights: NDArray[np.float32] = base * by_class[codes]
    return weights


def encode_target(part: Part, head: Head, inputs: tuple[Array, ...] = ()) -> Array:
    """The target of a head as its loss and metrics take it [rows, ...]; of a reconstruction the first of `inputs`."""
    if head.encoding == "input":
        return inputs[0]
    if head.encoding == "value":
        values: NDArray[np.float32] = np.stack([part.targets[target.name] for target in head.targets], axis=1)
        return values.astype("float32", copy=False)
    indices: NDArray[np.int32] = part.targets[head.targets[0].name]
    if head.is_mask:
        return indices
    if head.encoding == "labels":
        return indices.astype("float32")
    if head.encoding == "binary":
        return indices.astype("float32")[:, None]
    if head.encoding == "one_hot":
        one_hot: NDArray[np.float32] = np.eye(len(head.classes), dtype="float32")[indices]
        return one_hot
    return indices.astype("int32", copy=False)


def resolve_class_weights(
    wanted: str | Mapping[str, Any] | None, part: Part, heads: Sequence[Head]
) -> dict[str, NDArray[np.float32]]:
    """Weights by class index for each head that classifies.

    `balanced` is scikit-learn's: rows / (classes * rows of the class), counted on the training part.

    Args:
        wanted: "balanced" or label -> weight, for all targets that classify; or target -> one of these.
        part: the training part.
        heads: from `resolve_heads`.

    Raises:
        ConfigError: a label that no target has, or no target that classifies.
    """
    if wanted is None:
        return {}
    classified = [head for head in heads if head.targets[0].is_one_of_classes]
    if not classified:
        raise ConfigError("class_weight needs a target that classifies", path="training.class_weight")
    by_target = isinstance(wanted, Mapping) and is_by_target(wanted)
    weights = {}
    for head in classified:
        asked = wanted.get(head.targets[0].name) if by_target and isinstance(wanted, Mapping) else wanted
        if asked == "balanced":
            codes = part.targets[head.targets[0].name].ravel()
            counts = np.bincount(codes, minlength=len(head.classes))[: len(head.classes)]  # without pixels that are ignored
            weights[head.name] = (counts.sum() / (len(counts) * np.maximum(counts, 1))).astype("float32")
        elif isinstance(asked, Mapping):
            known = head.classes if by_target else tuple(label for other in classified for label in other.classes)
            unknown = [str(label) for label in asked if str(label) not in known]
            if unknown:
                message = f"no class is called {', '.join(map(repr, unknown))}"
                raise ConfigError(message, path="training.class_weight", hint=f"the classes are {', '.join(known)}")
            given = {str(label): float(weight) for label, weight in asked.items()}
            weights[head.name] = np.array([given.get(name, 1.0) for name in head.classes], "float32")
    return weights
