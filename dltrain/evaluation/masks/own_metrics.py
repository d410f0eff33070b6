"""Intervals of the loss and of Keras's own metrics of masks, by leaving out some pictures after the others."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.config.catalog.metrics import SCORES_OF_MASKS
from dltrain.data.dataset import IGNORED
from dltrain.evaluation.metrics.bootstrap.jackknife import (
    State,
    groups_of,
    interval_of_mean,
    interval_of_states,
    is_of_keras,
    losses_of_rows,
    states_of,
)
from dltrain.evaluation.metrics.intervals import Interval, units_of
from dltrain.model.heads.head import Head
from dltrain.model.heads.pixel_targets import PixelScorer


class MaskGroups:
    """What the loss and the metrics keep of each group of pictures, some rows after the other.

    Args:
        head: of the model.
        num_rows: of the part.
        pictures: which picture each row is a tile of; None: rows are pictures.
    """

    def __init__(self, head: Head, num_rows: int, pictures: NDArray[np.int64] | None) -> None:
        codes = np.arange(num_rows) if pictures is None else np.unique(pictures, return_inverse=True)[1]
        units = units_of(int(codes.max()) + 1 if num_rows else 0)
        self._groups = [] if units is None else [np.flatnonzero(np.isin(codes, group)) for group in groups_of(units)]
        self._metrics = list[Any]()
        self._states = list[list[State | None]]()
        self._scorer, self._losses = PixelScorer(head, []), list[NDArray[np.float64]]()
        self._head = head
        self._done = 0

    def add(self, model: Any, codes: NDArray[np.uint8], outputs: NDArray[Any]) -> None:
        """Take in the next rows.

        Args:
            model: compiled, and called once: then it knows its metrics, which are copied.
            codes: true classes [rows, height, width].
            outputs: [rows, height, width, units].
        """
        if not self._groups:
            return
        if not self._done:
            [own] = model._compile_metrics._flat_metrics
            asked = [metric for metric in (own.metrics if own else ()) if metric.name not in SCORES_OF_MASKS]
            self._metrics = [type(metric).from_config(metric.get_config()) for metric in asked if is_of_keras(metric)]
            self._states = [[None] * len(self._groups) for _ in self._metrics]
        self._add_loss(codes, outputs)
        for metric, states in zip(self._metrics, self._states, strict=True):
            for place, group in enumerate(self._groups):
                rows = group[(group >= self._done) & (group < self._done + len(codes))] - self._done
                if len(rows):
                    [found] = states_of(metric, partial(self._scorer.update, codes=codes[rows], y_pred=outputs[rows]))
                    before = states[place]
                    states[place] = found if before is None else [a + b for a, b in zip(before, found, strict=True)]
        self._done += len(codes)

    def _add_loss(self, codes: NDArray[np.uint8], outputs: NDArray[Any]) -> None:
        true, said, _ = self._scorer.for_loss(codes, outputs, None)
        losses = losses_of_rows(self._head, true, said)
        if losses.shape == codes.shape:  # else one number of several rows
            counted = codes != IGNORED
            self._losses.append(np.stack([(losses * counted).sum(axis=(1, 2)), counted.sum(axis=(1, 2))], axis=1))

    def intervals(self, values: dict[str, float]) -> dict[str, Interval]:
        """Name -> interval, of those that are known.

        Args:
            values: the metrics of the part.
        """
        found: dict[str, Interval | None] = {}
        if self._losses and self._done == sum(map(len, self._losses)):
            sums = np.concatenate(self._losses)
            found["loss"] = interval_of_mean(sums[:, 0], self._groups, values["loss"], of=sums[:, 1])
        for metric, states in zip(self._metrics, self._states, strict=True):
            known = [state for state in states if state is not None]
            if len(known) == len(states) and metric.name in values:
                found[metric.name] = interval_of_states(metric, known, values[metric.name])
        return {name: interval for name, interval in found.items() if interval is not None}
