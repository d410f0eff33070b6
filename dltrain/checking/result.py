"""The result of a check."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from dltrain.errors import Fault
from dltrain.model.symbolic import Network, Shape


@dataclass(frozen=True, slots=True)
class LayerRow:
    """One layer of the table.

    Attributes:
        name: as the model names it.
        layer: Keras's class.
        output_shape: without the batch; None: not known; None inside: an extent that is not known.
        parameters: how many; None: not known.
        trainable: how many of them training changes; None: not known.
        arithmetic: how the number comes about, such as `784×64 + 64 = 50,240`.
        note: what is not known, and why.
    """

    name: str
    layer: str
    output_shape: Shape | None
    parameters: int | None
    trainable: int | None
    arithmetic: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes that training needs, about; what the framework itself takes is not counted.

    Attributes:
        model: weights, their gradients, and what the optimizer keeps for each.
        batch: the outputs of all layers for one batch, forwards and backwards.
        data: all parts as arrays; None: how many rows there are is not known.
        reading: what a table of text takes while it is read, before anything is trained; 0: little, or it stays on disk.
        answers: what the model says of all rows of the largest part, while it is scored after the training; 0: rows are scored in
            pieces, or are not known.
    """

    model: int
    batch: int
    data: int | None
    reading: int = 0
    answers: int = 0

    @property
    def total(self) -> int:
        """Bytes of the model, of a batch or all answers, and of the data as far as it is known; or of reading it, if more."""
        return max(self.model + max(self.batch, self.answers) + (self.data or 0), self.reading)


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What a check found.

    Attributes:
        errors: in the order of their places; those of the data come after those of the config.
        warnings: likewise.
        exit_code: 0, 2 where the config is wrong, 3 where only the data is.
        layers: a row each; empty where the data's shape is not known.
        parameters: of the whole model; None: those of a layer are not known.
        trainable: those that training changes.
        memory: None where shapes are not known.
        too_large: what a fit refuses: the memory that this machine does not have.
        decisions: task, output and loss, each with its reason.
        data: what the data is.
        built: the layers are Keras's own answer.
        inferred: values that go into the resolved config, by key path.
    """

    errors: tuple[Fault, ...] = ()
    warnings: tuple[Fault, ...] = ()
    exit_code: int = 0
    layers: tuple[LayerRow, ...] = ()
    parameters: int | None = None
    trainable: int | None = None
    memory: Memory | None = None
    decisions: tuple[str, ...] = ()
    data: tuple[str, ...] = ()
    built: bool = False
    too_large: Fault | None = None
    inferred: Mapping[str, Any] | None = None

    def to_document(self) -> dict[str, Any]:
        """All but the faults as plain values, for JSON."""
        memory = None if self.memory is None else {**asdict(self.memory), "total": self.memory.total}
        return {
            "layers": [asdict(row) for row in self.layers],
            "parameters": self.parameters,
            "trainable_parameters": self.trainable,
            "memory_bytes": memory,
            "decisions": list(self.decisions),
            "data": list(self.data),
            "built": self.built,
        }


def rows_of(network: Network) -> tuple[LayerRow, ...]:
    """The table of a network."""
    return tuple(
        LayerRow(
            row.name,
            row.layer,
            row.found.output,
            row.found.parameters,
            row.found.trainable,
            row.found.arithmetic,
            row.found.note,
        )
        for row in network.rows
    )
