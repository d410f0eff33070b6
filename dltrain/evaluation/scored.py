"""A part with a model's predictions for it, row by row: what comparisons, slices and importances begin with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from dltrain.config.types import DataConfig
from dltrain.data.dataset import Part
from dltrain.evaluation.metrics.intervals import Sums, Units
from dltrain.evaluation.metrics.part_intervals import sums_of_part, units_of_part
from dltrain.evaluation.metrics.report import answers_of
from dltrain.model.heads.head import Head

if TYPE_CHECKING:
    from dltrain.evaluation.load_run import StoredRun
    from dltrain.model.encode import EncodedPart
    from dltrain.model.forward import Forward


@dataclass(slots=True)
class Scored:
    """Rows and answers.

    Attributes:
        stored: the run.
        part: the rows, with their targets.
        encoded: the same as the model takes them.
        forward: of the model.
        outputs: one array [rows, ...] per head.
        places: the run's `data:` block with its files where they are now; None where other data was evaluated.
        paths: of other data.
    """

    stored: StoredRun
    part: Part
    encoded: EncodedPart
    forward: Forward
    outputs: Sequence[NDArray[Any]]
    places: DataConfig | None = None
    paths: tuple[str, ...] = ()

    @property
    def heads(self) -> tuple[Head, ...]:
        """Of the model."""
        return self.stored.heads

    @property
    def answers(self) -> list[NDArray[Any]]:
        """For each head probabilities [rows, classes], or numbers [rows, targets] in the targets' own units."""
        return answers_of(self.heads, self.outputs)

    def sums(self) -> dict[str, Sums]:
        """Sums of each target, by the prefix that its metrics have."""
        return sums_of_part(self.heads, self.answers, self.part, {})

    def units(self, sums: Mapping[str, Sums]) -> Units | None:
        """The rows, or groups of rows, that the bootstrap draws."""
        return units_of_part(self.part, sums)
