"""The search space: which keys are varied, and over which values."""

from __future__ import annotations

import itertools
import json
import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dltrain.config.sweep_block import is_endless
from dltrain.config.types import Config

DEFAULT_SPACE = {"training.optimizer.learning_rate": [0.0001, 0.001, 0.01, 0.1]}
MOST_GRID_TRIALS = 100_000


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
    values: tuple[Any, ...] = ()
    low: float = 0.0
    high: float = 0.0
    log: bool = False
    step: float | None = None
    whole: bool = False

    @property
    def is_range(self) -> bool:
        """Whether it was given as a range."""
        return self.low < self.high

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
        return Dimension(name, keys, tuple(given))
    low, high, log, step = given["low"], given["high"], bool(given.get("log")), given.get("step")
    whole = all(isinstance(number, int) for number in (low, high, 1 if step is None else step))
    values = () if is_endless(given) else tuple(_steps(low, high, log=log, step=step))
    return Dimension(name, keys, values, low, high, log, step, whole)


def _steps(low: float, high: float, *, log: bool, step: float | None) -> Iterator[float]:
    """The values of a range: doublings of whole numbers on a logarithmic one, else steps of `step`, or of 1."""
    if log:
        value = low
        while value < high:
            yield value
            value *= 2
        yield high
        return
    width = 1 if step is None else step
    for index in range(math.floor((high - low) / width + 1e-9) + 1):
        value = low + index * width
        yield value if isinstance(value, int) else float(f"{value:.12g}")


def grid_size(space: Sequence[Dimension]) -> int:
    """How many combinations there are; 0 where a range has no end of values."""
    return math.prod(len(dimension.values) for dimension in space)


def grid(space: Sequence[Dimension]) -> Iterator[dict[str, Any]]:
    """All combinations; the last dimension changes fastest."""
    for values in itertools.product(*(dimension.values for dimension in space)):
        yield dict(zip((dimension.name for dimension in space), values))


def words_of(space: Sequence[Dimension], parameters: Mapping[str, Any]) -> list[str]:
    """The overrides that put a trial's values into the config; whole components before the arguments inside them."""
    words = [
        (key, f"{key}={json.dumps(parameters[dimension.name])}")
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
        if isinstance(arguments, Mapping):
            return f"{name}({', '.join(f'{key}={show_value(item)}' for key, item in arguments.items())})"
    return value if isinstance(value, str) else json.dumps(value)


def short_names(names: Sequence[str]) -> dict[str, str]:
    """Key -> its last words, as many as it takes to tell it from the others; a layer's argument keeps the layer."""
    short: dict[str, str] = {}
    for name in names:
        words = name.split(".")
        count = 2 if words[0] == "model" and len(words) > 2 else 1
        while count < len(words) and sum(other.split(".")[-count:] == words[-count:] for other in names) > 1:
            count += 1
        short[name] = ".".join(words[-count:])
    return short
