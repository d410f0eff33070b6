"""The rows that importances are measured on, with what the model says of them, and what a metric says of that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.config.catalog.metrics import find_direction, find_name
from dltrain.data.arrays.disk_array import in_memory
from dltrain.data.dataset import Part
from dltrain.errors import UsageError
from dltrain.evaluation.metrics.intervals import Drawn, Units, draw
from dltrain.evaluation.metrics.part_intervals import sums_of_part, units_of_part
from dltrain.evaluation.metrics.report import answers_of
from dltrain.evaluation.scored import Scored
from dltrain.evaluation.spread_sample import take_part

MOST_ROWS = 10_000
SEED = 0x1397
_DECIDING = ("log_loss", "rmse", "accuracy")


@dataclass(slots=True)
class Sample:
    """Rows of a part on which one metric is computed again and again.

    Attributes:
        scored: the whole part.
        part: the rows.
        inputs, outputs: of the model for these rows.
        units: what chance draws; None: too few rows.
        metric: its name.
        whole: its value, with all that the model looks at.
        is_drawn: whether these are not all rows of the part.
    """

    scored: Scored
    part: Part
    inputs: list[NDArray[Any]]
    outputs: list[NDArray[Any]]
    units: Units | None
    metric: str
    whole: Drawn
    is_drawn: bool

    @property
    def sign(self) -> float:
        """1 where less of the metric is better, -1 where more is: multiplied by it, the worse value is the larger one."""
        return -1.0 if find_direction(self.metric) == "max" else 1.0

    def value(self, outputs: Sequence[NDArray[Any]]) -> float:
        """The metric of other outputs for these rows."""
        return next(
            value
            for prefix, one in sums_of_part(self.scored.heads, answers_of(self.scored.heads, outputs), self.part, {}).items()
            for key, value in one.values().items()
            if prefix + key == self.metric
        )

    def drawn(self, outputs: Sequence[NDArray[Any]]) -> Drawn:
        """The metric over bootstrap samples of the part's rows."""
        return _drawn(self.scored, self.part, outputs)[0][self.metric]


def sample_of(scored: Scored, metric: str | None) -> Sample:
    """The rows of a part, at most `MOST_ROWS` of them, drawn at random.

    Args:
        scored: the part.
        metric: what gets worse; None: the log loss of classes, rmse of numbers.

    Raises:
        UsageError: there is no such metric.
    """
    rows = np.arange(scored.part.num_rows)
    is_drawn = len(rows) > MOST_ROWS
    if is_drawn:
        rows = np.sort(np.random.default_rng(SEED).choice(rows, MOST_ROWS, replace=False))
    part = take_part(scored.part, rows)
    inputs = [in_memory(part.inputs[spec.name]) for spec in scored.stored.preprocessing.schema.inputs]
    outputs = [np.asarray(output)[rows] for output in scored.outputs]
    values, units = _drawn(scored, part, outputs)
    name = _metric(metric, values)
    return Sample(scored, part, inputs, outputs, units, name, values[name], is_drawn)


def _drawn(scored: Scored, part: Part, outputs: Sequence[NDArray[Any]]) -> tuple[dict[str, Drawn], Units | None]:
    sums = sums_of_part(scored.heads, answers_of(scored.heads, outputs), part, {})
    units = units_of_part(part, sums)
    if units is None:
        none = np.zeros(0)
        return {p + key: Drawn(value, none, none) for p, one in sums.items() for key, value in one.values().items()}, None
    return {p + key: value for p, one in sums.items() for key, value in draw(one, units).items()}, units


def _metric(wanted: str | None, there: Mapping[str, Drawn]) -> str:
    if wanted is None:
        return next((name for name in _DECIDING if name in there), None) or next(
            name for key in _DECIDING for name in there if name.endswith(f"_{key}")
        )
    name = find_name(wanted, there)
    if name is None:
        known = ", ".join(key for key in there if "[" not in key)
        raise UsageError(f"there is no importance by {wanted!r}", hint=f"the metrics are {known}")
    return name
