"""Filling gaps in numbers and bringing them to one scale: statistics of the training part, in float64.

The same as scikit-learn's SimpleImputer followed by StandardScaler, MinMaxScaler, RobustScaler or QuantileTransformer; the smooth
clip is that of RealMLP (Holzmüller, Grinsztajn, Steinwart 2024, arXiv 2407.04491).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

SCALES = ("standard", "minmax", "robust", "smooth_clip", "quantile", "none")
STRAIGHT_SCALES = ("standard", "minmax", "robust", "none")
IMPUTES = ("median", "mean", "most_frequent", "none")
NUM_QUANTILES = 1000
# What the smooth clip tends to, and a value that it cannot tell from infinity: the square of a larger one might overflow.
CLIP = 3.0
FAR = 1e9
# A difference that small beside the values themselves is one of rounding.
ROUNDING = 1e-12
# From here on neighbouring whole numbers are one float.
WHOLE = 2.0**53
# Beside the values themselves, what two neighbours of float32 differ by.
FLOAT32_ROUNDING = 2.0**-23
# A distance between float32 numbers by which a deviation is lost.
LOST_SHARE = 0.2
# Of these scales the values that are told apart by next to nothing become large numbers.
STRETCHING = ("standard", "minmax", "robust")
# Nine in ten of the training rows lie between these shares, and of so many of them it is looked at.
MOSTLY = (5, 95)
MOST_LOOKED_AT = 10_000
NOT_SEEN = np.full(4, np.nan)
NO_VALUE = "no value in the training part"
BY_ROUNDING = "it varies in the training part by less than float32 numbers of its size are told apart"

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class NumberTransform:
    """One number that goes into the model: (value, or `fill` where there is none, - center) / spread; or its quantile.

    The smooth clip bends the scaled value x to x / sqrt(1 + (x / 3)^2), which never leaves -3 to 3.

    Attributes:
        name: what it is (`age`, `date year`).
        scale: one of `SCALES`.
        fill: stands for a missing value.
        indicator: the training part had gaps, so a second column says (1.0) where the value was missing.
        center, spread: of the scale; the spread is infinite where the training part shows one value only: then it is 0 in every
            row, whatever the value, because no weight of it was ever trained.
        quantiles: float64 [<= 1000], ascending, for the quantile scale; else empty.
        seen: float64 [4], the least value of the training rows, what 5 % and 95 % of them lie below, and the greatest; empty
            where that is not known.
    """

    name: str
    scale: str
    fill: float
    indicator: bool
    center: float = 0.0
    spread: float = 1.0
    quantiles: Numbers = field(default_factory=lambda: np.zeros(0), compare=False)
    seen: Numbers = field(default_factory=lambda: np.zeros(0), compare=False)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the model's columns that are made of the number."""
        return (self.name, f"{self.name} missing") if self.indicator else (self.name,)

    def transform(self, values: Numbers) -> Numbers:
        """Scaled float64 [rows] of values [rows] in which NaN means missing."""
        values = np.where(np.isnan(values), self.fill, values)
        if self.scale == "quantile":
            return to_quantiles(values, self.quantiles)
        scaled = (values - self.center) / self.spread
        return clip_smoothly(scaled) if self.scale == "smooth_clip" else scaled

    def inverse(self, scaled: Numbers) -> Numbers:
        """Values [rows] in the column's own units from scaled ones [rows]."""
        if self.scale == "quantile":
            return np.asarray(np.interp(scaled, np.linspace(0, 1, len(self.quantiles)), self.quantiles))
        if np.isinf(self.spread):
            return np.full(len(scaled), self.center)
        if self.scale == "smooth_clip":
            scaled = unclip(scaled)
        return scaled * self.spread + self.center


def fit_number(name: str, values: Numbers, scale: str, impute: str | float) -> NumberTransform:
    """Learn fill and scale from the training rows.

    Args:
        name: what the number is.
        values: float64 [rows], NaN where missing.
        scale: one of `SCALES`.
        impute: one of `IMPUTES`, or the number to fill in.
    """
    gaps = np.isnan(values)
    indicator = bool(gaps.any())
    seen = values[~gaps] if indicator else values
    fill, around = fill_value(seen, impute), seen_range(seen)
    if indicator:
        # The smooth clip is by the quartiles of what there is: where most is filled in, the middle half has no width.
        values = seen if np.isnan(fill) or scale == "smooth_clip" else np.where(gaps, fill, values)
    center, spread, quantiles = fit_scale(values, scale)
    return NumberTransform(name, scale, fill, indicator, center, spread, quantiles, around)


def seen_range(values: Numbers) -> Numbers:
    """Where values without gaps lie, as `NumberTransform.seen` has it."""
    if not len(values):
        return np.zeros(0)
    low, high = np.percentile(values[:: -(-len(values) // MOST_LOOKED_AT)], MOSTLY)
    return np.array([values.min(), low, high, values.max()])


def why_untaught(values: Numbers) -> str:
    """Why nothing can be learnt from the training rows' values [rows], NaN where missing; empty where something can."""
    gaps = np.isnan(values)
    if gaps.all():
        return NO_VALUE
    if not gaps.any() and are_one(values):
        told = " as far as 64-bit floats tell" if abs(values[0]) >= WHOLE else ""
        if values.min() != values.max():
            told = " but for less than a millionth of a millionth of it"
        return same_value(f"{values[0]:g}{told}")
    return ""


def are_one(values: Numbers) -> bool:
    """Whether values differ by rounding at most, as 0.1 + 0.2 and 0.3: by their spread, another value would be astronomical."""
    low, high = float(values.min()), float(values.max())
    return low == high or bool(high - low <= ROUNDING * max(abs(low), abs(high)) < np.inf)


def vary_by_rounding(values: Numbers, scale: str) -> bool:
    """Whether scaling to their spread makes of values [rows] what may be rounding: they differ by less than float32 holds.

    A sensor that is stuck at 300.1 is written as 300.1 and as 300.10000610; another value than these would be billions of their
    deviations away. Whole numbers, such as milliseconds since 1970, are not rounded.
    """
    low, high = (float(values.min()), float(values.max())) if len(values) else (0.0, 0.0)
    if scale not in STRETCHING or low == high or not high - low <= FLOAT32_ROUNDING * max(abs(low), abs(high)):
        return False
    return bool((values != np.floor(values)).any())


def lost_in_float32(center: Numbers, spread: Numbers) -> NDArray[np.bool_]:
    """Whether float32 numbers about a center are too far from each other to tell values of a spread apart."""
    far = np.spacing(np.abs(center).astype(np.float32)).astype(np.float64)
    return np.asarray(far > LOST_SHARE * np.asarray(spread))


def same_value(value: str) -> str:
    """Says that nothing can be learnt from a column that does not vary."""
    return f"the same in every row of the training part: {value}"


def ignoring_constant(number: NumberTransform, values: Numbers, *, keeps_rounding: bool = True) -> NumberTransform:
    """The transform, which makes 0 of every value if the training rows' values [rows], NaN where missing, are all one.

    Without `keeps_rounding`, also if they `vary_by_rounding`.
    """
    seen = values[~np.isnan(values)]
    if number.scale not in (*STRETCHING, "smooth_clip") or not len(seen):
        return number
    is_filled = number.indicator and not np.isnan(number.fill)
    found = np.append(seen, number.fill) if is_filled else seen  # filled with another number, it varies
    if not are_one(found) and (keeps_rounding or not vary_by_rounding(found, number.scale)):
        return number
    return replace(number, center=float(seen[0]), spread=float("inf"))


def fill_value(values: Numbers, impute: str | float) -> float:
    """The number put in for a missing value: 0 where no row has a value, NaN where gaps are not to be filled."""
    if not isinstance(impute, str):
        return float(impute)
    if impute == "none":
        return float("nan")
    if not len(values):
        return 0.0
    if impute == "mean":
        return float(values.mean())
    if impute == "most_frequent":
        distinct, counts = np.unique(values, return_counts=True)
        return float(distinct[np.argmax(counts)])
    return float(np.median(values))


def fit_scale(values: Numbers, scale: str) -> tuple[float, float, Numbers]:
    """(center, spread, quantiles) of values without gaps; a column that does not vary keeps a spread of 1."""
    none = np.zeros(0)
    if scale == "none" or not len(values):
        return 0.0, 1.0, none
    if scale == "standard":
        mean = float(values.mean())
        difference = values - mean
        variance = float(np.square(difference, out=difference).mean())
        return mean, float(nonzero_deviation(np.array(mean), np.array(variance), len(values))), none
    if scale == "minmax":
        low, high = float(values.min()), float(values.max())
        return low, _nonzero(high - low), none
    if scale == "robust":
        low, middle, high = (float(value) for value in np.percentile(values, [25, 50, 75]))
        return middle, _nonzero(high - low), none
    if scale == "smooth_clip":
        low, middle, high = (float(value) for value in np.percentile(values, [25, 50, 75]))
        width = high - low if high > low else (float(values.max()) - float(values.min())) / 2
        return middle, _nonzero(width), none
    references = np.linspace(0, 1, min(NUM_QUANTILES, len(values)))
    quantiles = np.maximum.accumulate(np.percentile(values, references * 100))
    return 0.0, 1.0, quantiles


def clip_smoothly(scaled: Numbers) -> Numbers:
    """x / sqrt(1 + (x / 3)^2) of each number: near 0 the number itself, far away 3 or -3."""
    near = np.clip(scaled, -FAR, FAR)
    return np.asarray(near / np.sqrt(1.0 + np.square(near / CLIP)))


def unclip(clipped: Numbers) -> Numbers:
    """The numbers that `clip_smoothly` took; of 3 and beyond, what float32 holds next to 3 comes from."""
    limit = 1.0 - 2.0**-24
    share = np.clip(clipped / CLIP, -limit, limit)
    return np.asarray(CLIP * share / np.sqrt(1.0 - np.square(share)))


def nonzero_deviation(mean: Numbers, variance: Numbers, num_rows: int) -> Numbers:
    """The standard deviation, 1 where it is zero but for rounding (scikit-learn's bound, Chan et al. 1983)."""
    epsilon = np.finfo(np.float64).eps
    constant = variance <= num_rows * epsilon * variance + (num_rows * mean * epsilon) ** 2
    return np.where(constant, 1.0, np.sqrt(variance))


def _nonzero(spread: float) -> float:
    return 1.0 if spread < 10 * np.finfo(np.float64).eps else spread


def to_quantiles(values: Numbers, quantiles: Numbers) -> Numbers:
    """Share of the training rows below each value, 0 to 1; the middle where a value stands for a range of shares."""
    references = np.linspace(0, 1, len(quantiles))
    rising = np.interp(values, quantiles, references)
    falling = np.interp(-values, -quantiles[::-1], -references[::-1])
    result = 0.5 * (rising - falling)
    result[values == quantiles[-1]] = 1.0
    result[values == quantiles[0]] = 0.0
    return np.asarray(result)
