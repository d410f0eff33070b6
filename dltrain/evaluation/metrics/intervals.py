"""Between which values a metric lies by chance in the choice of the rows: confidence intervals by a seeded bootstrap.

A metric is here a function of sums over rows. What is drawn again and again is how often each row counts, so that a thousand
samples are one product of matrices. Rows that belong together - of one patient, of one week - are drawn together, for they
say less than so many rows that do not.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dltrain.evaluation.metrics.bootstrap.studentized import studentized_intervals
from dltrain.evaluation.metrics.standard_errors import jackknife_variance, share_bounds, student_quantile, wilson

Floats = NDArray[np.float64]
Interval = tuple[float, float]

LEVEL = 95  # percent
RESAMPLES = 2000
MOST_UNITS = 1000  # more rows are drawn in so many groups, put together at random: the spread of sums stays what it is
LEAST_UNITS = 5
_FEW_SUMS = 40  # of rows, whose errors' slopes are looked at: it costs a pass over the samples for each
_MOST_NUMBERS = 200_000  # units times sums
_SEED = 0xB007
PRECISION = "average_precision"


@dataclass(frozen=True, slots=True)
class Share:
    """A metric that counts hits among rows, or rises with such a share.

    Attributes:
        hits, of: from sums [units, sums] to the hits of each unit, and to the rows that they are counted among.
        rise: from the share to the metric, rising.
    """

    hits: Callable[[Floats], Floats]
    of: Callable[[Floats], Floats]
    rise: Callable[[float], float] = float


@dataclass(frozen=True, slots=True)
class Sums:
    """Metrics as functions of sums over rows.

    Attributes:
        num_rows, num_sums: how many there are.
        add_up: from the number of each row's unit [rows] and how many units there are to the sums [units, sums].
        compute: from sums [..., sums] to metric -> values [...].
        shares: metrics whose interval has a closed form.
        bounded: metrics that are never above 1.
        areas: areas under ROC curves, with how many rows of the rarer class each has; and average precisions, likewise.
        tailed: errors, with the scale on which their samples are drawn.
    """

    num_rows: int
    num_sums: int
    add_up: Callable[[NDArray[np.int64], int], Floats]
    compute: Callable[[Floats], dict[str, Floats]]
    shares: Mapping[str, Share] = field(default_factory=dict)
    bounded: Sequence[str] = ()
    tailed: Mapping[str, Callable[[Floats], Floats]] = field(default_factory=dict)
    areas: Mapping[str, float] = field(default_factory=dict)

    def values(self) -> dict[str, float]:
        """The metrics of all rows."""
        added = self.add_up(np.zeros(self.num_rows, np.int64), 1)[0]
        return {name: float(value) for name, value in self.compute(added).items()}


def add_columns(columns: Sequence[Floats], codes: NDArray[np.int64], count: int) -> Floats:
    """Sums of columns [rows] over units: [count, columns]."""
    return np.stack([np.bincount(codes, column, count) for column in columns], axis=1)


@dataclass(frozen=True, slots=True)
class Units:
    """What is drawn: rows, or rows that belong together.

    Attributes:
        codes: int64 [rows]: the number of the unit that has the row.
        count: of the units.
        by: in words: "rows", "groups of patient", "blocks of time".
        are_rows: whether the rows are taken to be independent.
    """

    codes: NDArray[np.int64]
    count: int
    by: str = "rows"
    are_rows: bool = True

    def document(self) -> dict[str, object]:
        """How the intervals were made, for metrics.json."""
        return {"level": LEVEL / 100, "by": self.by, "units": self.count, "resamples": RESAMPLES}


def units_of(num_rows: int, blocks: ArrayLike | None = None, by: str = "rows", num_sums: int = 12) -> Units | None:
    """The units of a part; None where they are too few to say anything.

    Args:
        num_rows: of the part.
        blocks: int [rows]: rows of one number belong together; None: each stands alone.
        by: what the blocks are, in words.
        num_sums: how many sums are made of them: of very many, fewer units are drawn.
    """
    most = max(100, min(MOST_UNITS, _MOST_NUMBERS // max(num_sums, 1)))
    if blocks is not None:
        _, codes = np.unique(np.asarray(blocks), return_inverse=True)
        count = int(codes.max()) + 1 if num_rows else 0
        if count < LEAST_UNITS:
            return None
        return Units(codes.astype(np.int64), count, by, are_rows=False)
    if num_rows < LEAST_UNITS:
        return None
    if num_rows <= most:
        return Units(np.arange(num_rows), num_rows)
    codes = np.random.default_rng([_SEED, num_rows]).permutation(num_rows) % most
    return Units(codes, most)


@lru_cache(maxsize=2)
def resample_counts(count: int) -> Floats:
    """How often each of so many units is drawn in each of the samples: float64 [RESAMPLES, count]; the same every time."""
    drawn = np.random.default_rng([_SEED, count]).integers(0, count, (RESAMPLES, count))
    drawn += np.arange(RESAMPLES)[:, None] * count
    counts = np.bincount(drawn.ravel(), minlength=RESAMPLES * count).reshape(RESAMPLES, count).astype(np.float64)
    counts.setflags(write=False)
    return counts


def intervals(sums: Sums, units: Units | None, level: int = LEVEL) -> dict[str, Interval]:
    """Metric -> its interval; metrics that are no number have none.

    Shares get the interval of a share of as many rows as the spread over the units is worth, and so do areas under a curve;
    errors get a studentized one; others quantiles of the bootstrap.

    Args:
        sums: of the part.
        units: what is drawn; None: nothing is known.
        level: in percent.
    """
    if units is None:
        return {}
    added = sums.add_up(units.codes, units.count)
    drawn = draw(sums, units)
    found: dict[str, Interval] = {}
    studentized: Mapping[str, Interval] = {}
    if sums.tailed and (sums.num_sums <= _FEW_SUMS or not units.are_rows):
        quantile = student_quantile(1 - (1 - level / 100) / 2, units.count - 1)
        studentized = studentized_intervals(sums.compute, added, resample_counts(units.count), sums.tailed, quantile)
    for name, one in drawn.items():
        if not math.isfinite(one.value):
            continue
        if name in sums.shares:
            interval = _share_interval(sums.shares[name], added, units, level)
        elif name in studentized:
            interval = studentized[name]
        elif name in sums.areas:
            # A precision is a mean over the rows that have the label: so few say less than all rows do.
            counted = sums.areas[name] if name.startswith(PRECISION) else units.count
            interval = _area_interval(one, level, sums.areas[name], max(2.0, min(counted, units.count)) - 1)
        else:
            interval = _bootstrapped(sums, name, one, level)
        if interval is not None:
            found[name] = interval
    return found


@dataclass(frozen=True, slots=True)
class Drawn:
    """A metric, or the difference of two, over samples.

    Attributes:
        value: of all rows.
        samples: of each sample [RESAMPLES].
        without: of all units but one [units].
    """

    value: float
    samples: Floats
    without: Floats

    def less(self, other: Drawn) -> Drawn:
        """The difference, sample by sample."""
        return Drawn(self.value - other.value, self.samples - other.samples, self.without - other.without)

    def interval(self, level: int = LEVEL) -> Interval | None:
        """Quantiles of the samples, moved for bias and skewness and, where there are few units, outwards.

        BCa (Efron, JASA 82, 1987), with Student's quantile as Hesterberg has it ("What Teachers Should Know About the
        Bootstrap", 2015, 5.3).
        """
        kept = self.samples[np.isfinite(self.samples)]
        if len(kept) < RESAMPLES // 2 or not math.isfinite(self.value):
            return None
        units, normal = len(self.without), NormalDist()
        wide = math.sqrt(units / (units - 1)) * student_quantile(1 - (1 - level / 100) / 2, units - 1)
        below = (np.count_nonzero(kept < self.value) + np.count_nonzero(kept <= self.value)) / (2 * len(kept))
        bias = normal.inv_cdf(min(max(below, 0.01), 0.99))
        moved = np.mean(self.without) - self.without
        spread = float((moved**2).sum())
        skew = float((moved**3).sum()) / (6 * spread**1.5) if math.isfinite(spread) and spread > 0 else 0.0
        ends = [bias + (bias + z) / max(0.1, 1 - skew * (bias + z)) for z in (-wide, wide)]
        low, high = (float(end) for end in np.quantile(kept, [normal.cdf(end) for end in ends]))
        return low, high


def draw(sums: Sums, units: Units) -> dict[str, Drawn]:
    """Metric -> its values over samples. Of two models on the same units the samples are of the same rows."""
    added = sums.add_up(units.codes, units.count)
    with np.errstate(divide="ignore", invalid="ignore"):
        total = added.sum(axis=0)
        values, samples = sums.compute(total), sums.compute(resample_counts(units.count) @ added)
        without = sums.compute(total - added)
    return {name: Drawn(float(value), samples[name], without[name]) for name, value in values.items()}


def _bootstrapped(sums: Sums, name: str, drawn: Drawn, level: int) -> Interval | None:
    interval, units = drawn.interval(level), len(drawn.without)
    if interval is None or name not in sums.bounded:
        return interval
    low, high = interval
    if low >= 1:  # nothing went wrong in so many units: that says no more than it does of a share
        return wilson(units, units, level)
    return low, min(high, 1.0)


def _area_interval(drawn: Drawn, level: int, rarer: float, freedom: float) -> Interval | None:
    """Wilson's, as of a share of as many rows as the area's spread says.

    Pairs of rows say more than the rows, and no more than the rarer class has to say: measured, up to six times as many rows as
    it has hold what is true in 93 to 99 of 100 samples. An area of 1 is that of a share of twice as many, without a fault.
    """
    units, value = len(drawn.without), drawn.value
    if not rarer:  # no row has the label
        return None
    if value in (0, 1):
        rows = min(float(units), 2 * rarer)
        return wilson(value * rows, rows, level)
    rows, spread = 6 * rarer, jackknife_variance(drawn.without)
    if spread == 0:  # scores that are all the same
        return value, value
    if math.isfinite(spread):
        rows = min(rows, value * (1 - value) / spread)
    return wilson(value * rows, rows, level, student_quantile(1 - (1 - level / 100) / 2, freedom))


def _share_interval(share: Share, added: Floats, units: Units, level: int) -> Interval | None:
    hits, of = share.hits(added), share.of(added)
    total = float(of.sum())
    if total <= 0:
        return None
    part = float(hits.sum()) / total
    rows, quantile = total, None
    if not units.are_rows:
        quantile = student_quantile(1 - (1 - level / 100) / 2, units.count - 1)
        spread = float(((hits - part * of) ** 2).sum()) * units.count / (units.count - 1) / total**2
        # Where nothing varies, each unit that has such rows says as much as one row.
        alone = float(np.count_nonzero(of))
        rows = min(total, part * (1 - part) / spread) if spread > 0 else alone
    low, high = share_bounds(part * rows, rows, level, quantile)
    return share.rise(low), share.rise(high)
