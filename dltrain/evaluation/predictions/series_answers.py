"""One answer for each series from those of its windows: where a whole series has a label, the mean of what its windows say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.data.dataset import SERIES, Part
from dltrain.evaluation.spread_sample import take_part
from dltrain.model.heads.head import Head

OF_WINDOW = ("time", "row")  # what names a window within its series


@dataclass(frozen=True, slots=True)
class WholeSeries:
    """The series that a part's windows are of.

    Attributes:
        codes: int64 [windows]: which series each window is of, from 0 in the order of their first windows.
        first: int64 [series]: the first window of each.
        counts: int64 [series]: how many windows each has.
    """

    codes: NDArray[np.int64]
    first: NDArray[np.int64]
    counts: NDArray[np.int64]

    def mean(self, probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
        """The mean over the windows of each series, [series, classes]."""
        sums = np.zeros((len(self.first), *probabilities.shape[1:]))
        np.add.at(sums, self.codes, probabilities)
        means: NDArray[np.float64] = sums / self.counts.reshape(-1, *[1] * (probabilities.ndim - 1))
        return means

    def part(self, part: Part) -> Part:
        """A row for each series: its first window, without what names that."""
        found = take_part(replace(part, inputs={}), self.first)
        found.identifiers = {name: values for name, values in found.identifiers.items() if name not in OF_WINDOW}
        return found


def whole_series(part: Part) -> WholeSeries | None:
    """The series of a part's windows, where each has one label; None: a window's answer is its own."""
    if part.blocks is None or part.blocks_by != SERIES:
        return None
    _, first, codes, counts = np.unique(part.blocks, return_index=True, return_inverse=True, return_counts=True)
    order = np.argsort(first)
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    return WholeSeries(place[codes], first[order], counts[order])


@dataclass(frozen=True, slots=True)
class AnsweredRows:
    """The rows that predictions are made for, with the answers.

    Attributes:
        answers: of each head, see `answers_of`.
        part: the rows.
        series: of which windows were put together; None: each row is answered by itself.
    """

    answers: list[NDArray[np.float64]]
    part: Part
    series: WholeSeries | None = None

    def joined(self, answers: Sequence[NDArray[np.float64]]) -> list[NDArray[np.float64]]:
        """Averages other answers for the same windows in the same way, series by series."""
        return list(answers) if self.series is None else [self.series.mean(values) for values in answers]

    @property
    def columns(self) -> dict[str, list[int]]:
        """How many windows each answer is of."""
        return {} if self.series is None else {"windows": self.series.counts.tolist()}

    @property
    def notes(self) -> list[str]:
        """Says where there is a row for each series rather than for each window."""
        if self.series is None:
            return []
        count, windows = len(self.series.first), len(self.series.codes)
        return [
            f"one answer for each of {count:,} series: the mean probability of its windows, {windows:,} in all; --windows "
            "gives that of each"
        ]


def answered_rows(heads: Sequence[Head], answers: Sequence[NDArray[Any]], part: Part, *, windows: bool) -> AnsweredRows:
    """The rows that predictions are of: where a whole series has a label one for each series, unless windows are asked for."""
    found = whole_series(part) if not windows and all(head.classes for head in heads) else None
    if found is None:
        return AnsweredRows(list(answers), part)
    return AnsweredRows([found.mean(values) for values in answers], found.part(part), found)
