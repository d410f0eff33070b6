"""How a first config prepares a table: decided by what the training part shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dltrain.config.types import DataConfig
from dltrain.data.arrays.disk_array import in_memory

if TYPE_CHECKING:
    from dltrain.data.columns.column import FeatureColumn
    from dltrain.data.fitted import Fitted

# Up to so many categories each is a number of its own; of more, an embedding learns which are alike.
MOST_ONE_HOT = 9
# So many times the middle half's width lies a number's farthest value from the middle before it is bent in.
FAR_OUT = 5.0
# How far a positive target leans to one side, and how much of that its logarithm may keep for the logarithm to be learned.
SKEWED, STILL_SKEWED = 1.0, 0.5


@dataclass(frozen=True, slots=True)
class Preparation:
    """What a first config says of preparation, beside what every table gets.

    Attributes:
        encode: column -> "embedding", for categories of more values than are one-hot.
        log_target: the logarithm of the target is to be learned, for its skewness is this: of the values, of their logarithms.
        clip_target: predictions of a number are kept within what the training part has.
        scale: "smooth_clip" for all numbers, or column -> "smooth_clip", for those with values far out.
    """

    encode: Mapping[str, str] = field(default_factory=dict)
    log_target: tuple[float, float] | None = None
    scale: str | Mapping[str, str] = field(default_factory=dict)
    clip_target: bool = False

    def apply(self, config: DataConfig) -> DataConfig:
        """The `data:` block with the decisions in it."""
        return replace(
            config,
            encode=self.encode or None,
            scale=self.scale or config.scale,
            scale_target="log" if self.log_target else config.scale_target,
            clip_target=True if self.clip_target else None,
        )


def decide(fitted: Fitted, numbers: Mapping[str, NDArray[np.float64]]) -> Preparation:
    """What to do, by the training part of a table.

    Args:
        fitted: with what every table gets.
        numbers: column -> values [rows] of the table, NaN where missing.
    """
    columns: tuple[FeatureColumn, ...] = getattr(fitted.preprocessing, "features", ())
    encode = {column.name: "embedding" for column in columns if len(column.categories) > MOST_ONE_HOT}
    rows = fitted.parts["train"].row_ids
    numeric = [column.name for column in columns if column.by_kind.holds_numbers and column.name in numbers]
    tails = [name for name in numeric if is_far_out(numbers[name][rows])]
    return Preparation(encode, _skewness(fitted, numbers), dict.fromkeys(tails, "smooth_clip"))


def is_far_out(values: NDArray[np.float64]) -> bool:
    """Whether some values lie far from the middle half, which must have a width: where most are one value, others are no tail."""
    values = values[np.isfinite(values)]
    if not len(values):
        return False
    low, middle, high = np.percentile(values, [25, 50, 75])
    return bool(high > low and np.abs(values - middle).max() > FAR_OUT * (high - low))


def _skewness(fitted: Fitted, numbers: Mapping[str, NDArray[np.float64]]) -> tuple[float, float] | None:
    """That of a target and of its logarithm, where the logarithm is the better to learn."""
    specs = fitted.preprocessing.schema.targets
    if len(specs) != 1 or specs[0].task != "regression":
        return None
    values = specs[0].to_own(in_memory(fitted.parts["train"].targets[specs[0].name]))
    # Of all parts, as they are in the table: a zero that was scaled and back is zero but for rounding.
    own = numbers.get(specs[0].name, values)
    if values.min() <= 0 or np.nanmin(own) <= 0:
        return None
    before, after = skewness(values), skewness(np.log(values))
    return (before, after) if before > SKEWED and abs(after) < STILL_SKEWED * before else None


def skewness(values: NDArray[Any]) -> float:
    """The third standardized moment; 0 where nothing varies."""
    differences = np.asarray(values, np.float64) - np.mean(values, dtype=np.float64)
    deviation = float(np.sqrt((differences**2).mean()))
    return float(((differences / deviation) ** 3).mean()) if deviation > 0 else 0.0
