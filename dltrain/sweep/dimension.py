"""A dimension of a search space: a key that is varied, its values, and with what it is varied."""

from __future__ import annotations

import json
import math
import random
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, overload


def is_among(value: Any, values: Sequence[Any]) -> bool:
    """Whether a value is one of others, as a config tells them apart: true is no 1."""
    text = json.dumps(value, sort_keys=True)
    return any(json.dumps(other, sort_keys=True) == text for other in values)


class Steps(Sequence[float]):
    """The values of a range, each computed when it is asked for: a range may have more of them than fit into memory."""

    def __init__(self, low: float, high: float, step: float) -> None:
        self._low, self._step = low, step
        exact = all(isinstance(number, int) for number in (low, high, step))
        count = int((high - low) // step) + 1 if exact else math.floor((high - low) / step + 1e-9) + 1
        self._count = min(count, sys.maxsize)  # more than `len` can say

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> float: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[float]: ...

    def __getitem__(self, index: int | slice) -> float | Sequence[float]:
        if isinstance(index, slice):
            return [self[place] for place in range(*index.indices(self._count))]
        place = index + self._count if index < 0 else index
        if not 0 <= place < self._count:
            raise IndexError(index)
        value = self._low + place * self._step
        return value if isinstance(value, int) else float(f"{value:.12g}")


@dataclass(frozen=True, slots=True)
class Dimension:
    """One swept key.

    Attributes:
        name: as the user wrote it: a key, or a parameter's name.
        keys: the keys of the config that are set; one in what a choice sets has `sweep.choices.NAME.CHOICE.` in front.
        values: the values of a grid, in order; empty where a range has no end of them.
        low, high: ends of the range, both included; where there are `values`, their first and last.
        log: steps of the range are ratios.
        step: between neighbours, or None.
        whole: the numbers of the range are whole.
        where: name of another dimension -> its values with which this one is varied; empty: it always is.
        sets: of named choices, name -> key -> the value that it sets.
        path: where it is written.
    """

    name: str
    keys: tuple[str, ...]
    values: Sequence[Any] = ()
    low: float = 0.0
    high: float = 0.0
    log: bool = False
    step: float | None = None
    whole: bool = False
    where: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    sets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    path: str = field(default="", compare=False)

    def is_varied(self, chosen: Mapping[str, Any]) -> bool:
        """Whether it has a value in a trial with these values of the dimensions before it."""
        return all(name in chosen and is_among(chosen[name], values) for name, values in self.where.items())

    def only(self, value: Any) -> Dimension:
        """The dimension with one of its values alone."""
        return replace(self, values=(value,))

    @property
    def label(self) -> str:
        """A name that no other dimension has: one key may be varied in two ways, each with another choice."""
        return f"{self.name} where {json.dumps(self.where, sort_keys=True)}" if self.where else self.name

    @property
    def is_range(self) -> bool:
        """Whether it was given as a range."""
        return self.low < self.high

    @property
    def num_choices(self) -> int | None:
        """How many different values a strategy that draws may choose; None: no end of them."""
        if self.log and self.whole:
            return int(self.high) - int(self.low) + 1
        return len(self.values) or None

    @property
    def ends(self) -> list[Any]:
        """All values of a list, both ends of a range."""
        return [self.low, self.values[-1] if self.values else self.high] if self.is_range else list(self.values)

    def draw(self, generator: random.Random) -> Any:
        """A value, each equally likely; on a logarithmic range each ratio."""
        share = generator.random()
        if self.values and not self.log:
            return self.values[int(share * len(self.values))]
        if self.log:
            low, high = math.log(self.low), math.log(self.high)
            value = min(max(math.exp(low + share * (high - low)), self.low), self.high)
            return round(value) if self.whole else value
        return self.low + share * (self.high - self.low)
