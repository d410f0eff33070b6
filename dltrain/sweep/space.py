"""The search space: which keys are varied, and over which values."""

from __future__ import annotations

import json
import math
import random
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, overload

from dltrain.config.blocks.sweep import is_endless
from dltrain.config.overrides import override_word
from dltrain.config.types import Config

DEFAULT_SPACE = {"training.optimizer.learning_rate": [0.0001, 0.001, 0.01, 0.1]}
MOST_GRID_TRIALS = 100_000


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
        keys: the keys of the config that are set.
        values: the values of a grid, in order; empty where a range has no end of them.
        low, high: ends of the range, both included; where there are `values`, their first and last.
        log: steps of the range are ratios.
        step: between neighbours, or None.
        whole: the numbers of the range are whole.
    """

    name: str
    keys: tuple[str, ...]
    values: Sequence[Any] = ()
    low: float = 0.0
    high: float = 0.0
    log: bool = False
    step: float | None = None
    whole: bool = False

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


def build_space(config: Config, space: Mapping[str, Any]) -> tuple[Dimension, ...]:
    """The dimensions of a checked `sweep.parameters` mapping, in its order."""
    return tuple(_dimension(config, name, values) for name, values in space.items())


def _dimension(config: Config, name: str, given: Any) -> Dimension:
    bare = name.removeprefix("parameters.")
    keys = config.parameter_keys.get(bare, ()) if bare in config.parameter_keys else (name,)
    if isinstance(given, Mapping) and "choices" in given:
        given = given["choices"]
    if not isinstance(given, Mapping):
        return Dimension(name, keys, tuple({json.dumps(value, sort_keys=True): value for value in given}.values()))
    low, high, log, step = given["low"], given["high"], bool(given.get("log")), given.get("step")
    whole = all(isinstance(number, int) for number in (low, high, 1 if step is None else step))
    values: Sequence[Any] = ()
    if not is_endless(given):
        values = tuple(_doublings(low, high)) if log else Steps(low, high, 1 if step is None else step)
    return Dimension(name, keys, values, low, high, log, step, whole)


def _doublings(low: float, high: float) -> Iterator[float]:
    """The values of a logarithmic range of whole numbers."""
    value = low
    while value < high:
        yield value
        value *= 2
    yield high


def grid_size(space: Sequence[Dimension]) -> int:
    """How many combinations there are; 0 where a range has no end of values."""
    return math.prod(len(dimension.values) for dimension in space)


def grid(space: Sequence[Dimension]) -> Iterator[dict[str, Any]]:
    """All combinations; the last dimension changes fastest."""
    if not space:
        yield {}
        return
    # Not `itertools.product`, which lists what it is given.
    for value in space[0].values:
        for others in grid(space[1:]):
            yield {space[0].name: value, **others}


def num_configurations(space: Sequence[Dimension]) -> int | None:
    """How many different trials a strategy that draws can choose; None: no end of them."""
    counts = [dimension.num_choices for dimension in space]
    return math.prod(count for count in counts if count is not None) if None not in counts else None


def words_of(space: Sequence[Dimension], parameters: Mapping[str, Any]) -> list[str]:
    """The overrides that put a trial's values into the config; whole components before the arguments inside them."""
    words = [
        (key, override_word(key, parameters[dimension.name]))
        for dimension in space
        if dimension.name in parameters
        for key in dimension.keys
    ]
    return [word for _, word in sorted(words, key=lambda item: item[0].count("."))]


def show(parameters: Mapping[str, Any]) -> str:
    """A trial's values on one line: `learning_rate=0.01 droprate=0.2`; keys by their last words, as far as these differ."""
    names = short_names(list(parameters))
    return " ".join(f"{names[name]}={show_value(value)}" for name, value in parameters.items())


def show_value(value: Any) -> str:
    """A value as the config has it, short."""
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, Mapping) and len(value) == 1:
        [(name, arguments)] = value.items()
        if isinstance(arguments, Mapping) and not arguments:
            return str(name)
        if isinstance(arguments, Mapping):
            return f"{name}({', '.join(f'{key}={show_value(item)}' for key, item in arguments.items())})"
    return value if isinstance(value, str) else json.dumps(value)


def short_names(names: Sequence[str]) -> dict[str, str]:
    """Key -> the key without the words that say nothing: `learning_rate`, `layers.0.units`, `hidden.units`, `split.test`.

    Where that is the name of another one as well, or of another column of a table of trials, the key stays whole.
    """
    short = {name: _without_block(name) for name in names}
    return {name: name if text in _TAKEN or list(short.values()).count(text) > 1 else text for name, text in short.items()}


# The other columns of a table of trials; `training.loss` is none of them.
_TAKEN = {"trial", "status", "epoch", "loss", "spread", "value", "seconds"}


def _without_block(name: str) -> str:
    block, _, rest = name.partition(".")
    if block not in ("data", "model", "training", "parameters") or not rest:
        return name
    if block == "training":
        return rest.removeprefix("optimizer.")
    named = rest.removeprefix("layers.")
    return named if block == "model" and "." in named and not named[:1].isdigit() else rest
