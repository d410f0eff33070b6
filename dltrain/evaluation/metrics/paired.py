"""Two models on the same rows: by how much their metrics differ, and whether by more than chance."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dltrain.config.catalog.metrics import find_direction
from dltrain.evaluation.metrics.intervals import LEVEL, Floats, Interval, Sums, Units
from dltrain.evaluation.metrics.standard_errors import jackknife_variance, student_quantile

# Relative: what the digits of a file, or of float32, make of one and the same model is no difference.
_ROUNDING = 1e-6
_OF_ROWS = ("accuracy", "subset_accuracy")  # shares of rows that are right
# More or less as the mean squared error of the same rows is: their differences have its verdict.
_OF_SQUARES = ("rmse", "r2")
DECIDING = ("log_loss", "mse", "accuracy")  # proper scores first


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A difference, and what it is without each of the units.

    Attributes:
        value: of all rows.
        without: of all units but one [units].
    """

    value: float
    without: Floats

    def interval(self) -> Interval | None:
        """Student's, of as many units less one, by the jackknife (Tukey, 1958); None where it hangs on a single unit.

        Of two models that are equally good, what each unit brings lies evenly around zero, and may lie far out: measured, this
        calls them different at most 6 times of 100. Moved for the skewness of the units at hand it would do so up to 22 times.
        """
        units = len(self.without)
        if not (np.isfinite(self.without).all() and math.isfinite(self.value)):
            return None
        half = student_quantile(1 - (1 - LEVEL / 100) / 2, units - 1) * math.sqrt(jackknife_variance(self.without))
        return self.value - half, self.value + half


@dataclass(frozen=True, slots=True)
class Difference:
    """One metric of both models.

    Attributes:
        old, new: its values.
        difference: new less old.
        interval: of the difference, with a confidence of 95 %; None: not known.
        verdict: "better", "worse", or "not different" by more than chance explains; None: not known.
    """

    old: float
    new: float
    difference: float
    interval: Interval | None
    verdict: str | None


@dataclass(frozen=True, slots=True)
class McNemar:
    """Rows that one of two models has right and the other wrong.

    Attributes:
        only_new, only_old: how many.
        p: how likely so uneven a division would be of two models that are equally often right: McNemar's test, exact.
    """

    only_new: int
    only_old: int
    p: float

    def interval(self, num_rows: int) -> Interval:
        """Of the difference of two accuracies: it holds zero where the test does not tell the models apart.

        Clopper and Pearson's interval (Biometrika 26, 1934) of the share that the new model has of the rows on which they differ.
        """
        from scipy.special import betaincinv

        new, old, tail = self.only_new, self.only_old, (1 - LEVEL / 100) / 2
        low = float(betaincinv(new, old + 1, tail)) if new else 0.0
        high = float(betaincinv(new + 1, old, 1 - tail)) if old else 1.0
        part = (new + old) / num_rows
        return part * (2 * low - 1), part * (2 * high - 1)


@dataclass(frozen=True, slots=True)
class Paired:
    """A comparison on one part.

    Attributes:
        metrics: metric -> its difference.
        decided_by: the metric whose verdict is that on the models; empty: none can tell.
        mcnemar: for one target of classes whose rows stand alone; else None.
        of_classes: the same of the metrics of one class, such as `f1[spam]`, which gates ask for.
    """

    metrics: dict[str, Difference]
    decided_by: str
    mcnemar: McNemar | None = None
    of_classes: dict[str, Difference] = field(default_factory=dict)

    @property
    def verdict(self) -> str | None:
        """The verdict on the two models, that of the metric which decides; None: no metric can tell."""
        return self.metrics[self.decided_by].verdict if self.decided_by else None

    def document(self) -> dict[str, Any]:
        """The comparison as plain values, for JSON."""
        found = {"verdict": self.verdict, **asdict(self)}
        del found["of_classes"]  # of as many numbers as there are classes
        return found


def compare_sums(
    new: Mapping[str, Sums],
    old: Mapping[str, Sums],
    units: Units | None,
    right: tuple[NDArray[np.bool_], NDArray[np.bool_]] | None = None,
) -> Paired:
    """Compare two models whose sums are of the same rows.

    Rows are left out of both together, so that what is hard or easy for both does not count.

    Args:
        new, old: prefix of a target -> sums; metrics that only one of them has are left out.
        units: of the rows; None: they are too few for intervals.
        right: whether the new model, and the old one, is right [rows]; where there is one target of classes and rows stand alone,
            accuracy is judged by McNemar's test.
    """
    found: dict[str, Difference] = {}
    counted = None if right is None or (units is not None and not units.are_rows) else mcnemar(*right)
    for prefix, mine in new.items():
        theirs = old[prefix]
        values, before = mine.values(), theirs.values()
        without = (leave_out(mine, units), leave_out(theirs, units)) if units is not None else ({}, {})
        for name in values:
            if name in before:
                interval = _interval(without[0][name], without[1][name]) if units is not None else None
                if counted is not None and interval is not None and name in _OF_ROWS:
                    interval = counted.interval(mine.num_rows)
                found[prefix + name] = _difference(prefix + name, before[name], values[name], interval)
        _follow_squares(found, prefix)
    of_classes = {name: found.pop(name) for name in list(found) if "[" in name}
    single = [name for name in DECIDING if name in found]
    several = [prefix + name for prefix in new for name in DECIDING if prefix + name in found]
    return Paired(found, (single or (several if len(new) == 1 else []) or [""])[0], counted, of_classes)


def leave_out(sums: Sums, units: Units) -> dict[str, LeftOut]:
    """Metric -> its value, and those without each of the units."""
    added = sums.add_up(units.codes, units.count)
    with np.errstate(divide="ignore", invalid="ignore"):
        total = added.sum(axis=0)
        values, without = sums.compute(total), sums.compute(total - added)
    return {name: LeftOut(float(value), without[name]) for name, value in values.items()}


def mcnemar(new_is_right: ArrayLike, old_is_right: ArrayLike) -> McNemar:
    """McNemar's test (Psychometrika 12, 1947), by the binomial distribution.

    Args:
        new_is_right, old_is_right: of each row [rows].
    """
    from scipy.special import bdtr

    mine, theirs = np.asarray(new_is_right, bool), np.asarray(old_is_right, bool)
    only_new, only_old = int((mine & ~theirs).sum()), int((theirs & ~mine).sum())
    total = only_new + only_old
    p = min(1.0, 2 * float(bdtr(min(only_new, only_old), total, 0.5))) if total else 1.0
    return McNemar(only_new, only_old, p)


def _follow_squares(found: dict[str, Difference], prefix: str) -> None:
    """Give what follows from a target's mean squared error the interval of its difference, in the other's unit.

    A row far out moves a ratio or a root more than the jackknife knows: of numbers with such rows, r2 by itself called 11 of 100
    pairs of equal models different, and contradicted the squares.
    """
    squares = found.get(f"{prefix}mse")
    if squares is None or squares.interval is None or squares.difference == 0:
        return
    for name in _OF_SQUARES:
        one = found.get(prefix + name)
        if one is not None and one.interval is not None:
            low, high = sorted(end * one.difference / squares.difference for end in squares.interval)
            found[prefix + name] = replace(one, interval=(low, high), verdict=squares.verdict)


def _interval(mine: LeftOut, theirs: LeftOut) -> Interval | None:
    if not (math.isfinite(mine.value) and math.isfinite(theirs.value)):
        return None
    return LeftOut(mine.value - theirs.value, mine.without - theirs.without).interval()


def _difference(name: str, old: float, new: float, interval: Interval | None) -> Difference:
    verdict = None
    direction = find_direction(name)
    if interval is not None and math.isfinite(new - old):
        rounding = _ROUNDING * max(abs(old), abs(new))
        moved = 1 if interval[0] > rounding else -1 if interval[1] < -rounding else 0
        good = 1 if direction == "max" else -1
        verdict = "not different" if moved == 0 else "better" if moved == good else "worse"
    return Difference(old, new, new - old, interval, verdict)
