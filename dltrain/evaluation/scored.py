"""A part with a model's predictions for it, row by row: what comparisons, slices and importances begin with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dltrain.config.types import DataConfig
from dltrain.data.dataset import Part
from dltrain.evaluation.metrics.intervals import Sums, Units
from dltrain.evaluation.metrics.part_intervals import sums_of_part, units_of_part
from dltrain.evaluation.metrics.report import answers_of
from dltrain.model.heads.head import Head

if TYPE_CHECKING:
    from dltrain.evaluation.load_run import StoredRun
    from dltrain.evaluation.masks.score import PixelScore
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
        """The model's output heads."""
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


@dataclass(slots=True)
class ScoredMasks:
    """Pictures with what a model says of their pixels.

    Attributes:
        head: of the model.
        part: the pictures, or tiles of them.
        score: what was added up, of each picture.
    """

    head: Head
    part: Part
    score: PixelScore

    @property
    def row_ids(self) -> NDArray[np.int64]:
        """The pictures [pictures], as the part numbers them."""
        return np.asarray(self.part.row_ids if self.part.blocks is None else np.unique(self.part.blocks), np.int64)

    def sums(self) -> Sums:
        """What the metrics are made of."""
        return self.score.sums(self.head.classes)
