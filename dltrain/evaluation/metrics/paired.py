"""Two models on the same rows: by how much their metrics differ, and whether by more than chance."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from dltrain.config.catalog.metrics import find_direction
from dltrain.evaluation.metrics.intervals import Interval, Sums, Units, draw

# Relative: what the digits of a file, or of float32, make of one and the same model is no difference.
_ROUNDING = 1e-6
DECIDING = ("log_loss", "mse", "accuracy")  # proper scores first


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


@dataclass(frozen=True, slots=True)
class Paired:
    """A comparison on one part.

    Attributes:
        metrics: metric -> its difference.
        decided_by: the metric whose verdict is that on the models; empty: none can tell.
        mcnemar: for one target of classes whose rows stand alone; else None.
    """

    metrics: dict[str, Difference]
    decided_by: str
    mcnemar: McNemar | None = None

    @property
    def verdict(self) -> str | None:
        """On the models."""
        return self.metrics[self.decided_by].verdict if self.decided_by else None

    def document(self) -> dict[str, Any]:
        """As plain values."""
        return {"verdict": self.verdict, **asdict(self)}


def compare_sums(new: Mapping[str, Sums], old: Mapping[str, Sums], units: Units | None) -> Paired:
    """Compare two models whose sums are of the same rows.

    Both are drawn on the same rows each time, so that what is hard or easy for both does not count.

    Args:
        new, old: prefix of a target -> sums; metrics that only one of them has are left out.
        units: of the rows; None: they are too few for intervals.
    """
    found: dict[str, Difference] = {}
    for prefix, mine in new.items():
        theirs = old[prefix]
        values, before = mine.values(), theirs.values()
        drawn = (draw(mine, units), draw(theirs, units)) if units is not None else ({}, {})
        for name in values:
            if name in before and "[" not in name:
                interval = drawn[0][name].less(drawn[1][name]).interval() if units is not None else None
                found[prefix + name] = _difference(prefix + name, before[name], values[name], interval)
    single = [name for name in DECIDING if name in found]
    several = [prefix + name for prefix in new for name in DECIDING if prefix + name in found]
    return Paired(found, (single or (several if len(new) == 1 else []) or [""])[0])


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


def _difference(name: str, old: float, new: float, interval: Interval | None) -> Difference:
    verdict = None
    direction = find_direction(name)
    if interval is not None and math.isfinite(new - old):
        rounding = _ROUNDING * max(abs(old), abs(new))
        moved = 1 if interval[0] > rounding else -1 if interval[1] < -rounding else 0
        good = 1 if direction == "max" else -1
        verdict = "not different" if moved == 0 else "better" if moved == good else "worse"
    return Difference(old, new, new - old, interval, verdict)
