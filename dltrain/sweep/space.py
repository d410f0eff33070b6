"""The search space: which keys are varied, and over which values."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from dltrain.config.blocks.choices import OWN
from dltrain.config.blocks.sweep import standing
from dltrain.config.blocks.swept import is_endless
from dltrain.config.overrides import override_word
from dltrain.config.types import Config
from dltrain.errors import ConfigError
from dltrain.sweep.combinations import check_conditions, in_order
from dltrain.sweep.dimension import Dimension, Steps
from dltrain.wording import shown

DEFAULT_SPACE = {"training.optimizer.learning_rate": [0.0001, 0.001, 0.01, 0.1]}
MOST_GRID_TRIALS = 100_000


def build_space(config: Config, space: Mapping[str, Any], choices: Mapping[str, Any] | None = None) -> tuple[Dimension, ...]:
    """The dimensions of a checked `sweep.parameters` mapping, each behind those that it depends on, else in its order.

    Args:
        config: whose keys and parameters they are.
        space: name -> values.
        choices: name -> choice -> key -> value; a choice's own parameters are dimensions that are varied with it alone.

    Raises:
        ConfigError: what is varied depends on what is not there, or on itself.
    """
    found = [
        dimension
        for name, values in space.items()
        for dimension in _dimensions(config, f"sweep.parameters.{name}", name, values, choices or {}, {})
    ]
    check_conditions(found)
    return tuple(in_order(found))


def _dimensions(
    config: Config, path: str, name: str, given: Any, choices: Mapping[str, Any], where: Mapping[str, tuple[Any, ...]]
) -> Iterator[Dimension]:
    conditions = given.get("where", {}) if isinstance(given, Mapping) else {}
    where = {**where, **{other: _wanted(other, values, choices) for other, values in conditions.items()}}
    if name not in choices:
        yield replace(_dimension(config, name, given), where=where, path=path)
        return
    if name in where:
        raise ConfigError(f"{name} is chosen within one of its own choices", path=f"sweep.choices.{name}")
    names = tuple(dict.fromkeys(given["choices"] if isinstance(given, Mapping) else given))
    sets = {word: {key: value for key, value in choices[name][word].items() if key != OWN} for word in names}
    yield Dimension(name, (name,), names, where=where, sets=sets, path=path)
    for word in names:
        for key, values in choices[name][word].get(OWN, {}).items():
            inside = f"sweep.choices.{name}.{word}.{OWN}.{key}"
            yield from _dimensions(config, inside, key, values, choices, {**where, name: (word,)})


def _wanted(name: str, values: Any, choices: Mapping[str, Any]) -> tuple[Any, ...]:
    """The values of a condition; choices go by their names, which are texts."""
    listed = values if isinstance(values, list) else [values]
    return tuple(value if isinstance(value, str) or name not in choices else json.dumps(value) for value in listed)


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


def sets_of(dimension: Dimension, value: Any) -> Mapping[str, Any]:
    """The keys that a value of a dimension sets, with what it sets them to; of a parameter wherever it may stand."""
    return dimension.sets.get(value, {}) if dimension.sets else dict.fromkeys(dimension.keys, value)


def words_of(space: Sequence[Dimension], parameters: Mapping[str, Any]) -> list[str]:
    """The overrides that put a trial's values into the config; whole components before the arguments inside them."""
    varied = [dimension for dimension in space if dimension.name in parameters and dimension.is_varied(parameters)]
    chosen = {dimension.name: parameters[dimension.name] for dimension in varied if dimension.sets}
    sets = {dimension.name: dimension.sets[chosen[dimension.name]] for dimension in varied if dimension.sets}
    words = []
    for dimension in varied:
        value = parameters[dimension.name]
        keys = dict.fromkeys(standing(dimension.keys, chosen, sets), value)
        words += [(key, override_word(key, value)) for key, value in sets.get(dimension.name, keys).items()]
    return [word for _, word in sorted(words, key=lambda item: item[0].count("."))]


def show(parameters: Mapping[str, Any]) -> str:
    """A trial's values on one line: `learning_rate=0.01 droprate=0.2`; keys by their last words, as far as these differ."""
    names = short_names(list(parameters))
    return " ".join(f"{names[name]}={show_value(value)}" for name, value in parameters.items())


def show_value(value: Any) -> str:
    """A value as the config has it, short: paths from the working directory, where that is shorter."""
    value = _with_short_paths(value)
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, Mapping) and len(value) == 1:
        [(name, arguments)] = value.items()
        if isinstance(arguments, Mapping) and not arguments:
            return str(name)
        if isinstance(arguments, Mapping):
            return f"{name}({', '.join(f'{key}={show_value(item)}' for key, item in arguments.items())})"
    return value if isinstance(value, str) else json.dumps(value)


def _with_short_paths(value: Any) -> Any:
    """A value with the absolute paths in it as `../b.csv` where that takes fewer letters."""
    if isinstance(value, list):
        return [_with_short_paths(item) for item in value]
    if not isinstance(value, str) or not os.path.isabs(value):
        return value
    short = shown(value)
    return min(short, os.path.relpath(value), key=len) if os.path.isabs(short) else short


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
