"""The trials of a space in which some keys are varied with some values of others only: all of them, and how many there are."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dltrain.config.blocks.sweep import is_within, standing
from dltrain.config.keys import IN_CHOICE
from dltrain.errors import ConfigError, Fault
from dltrain.sweep.dimension import Dimension, is_among


def in_order(space: Sequence[Dimension]) -> list[Dimension]:
    """The dimensions, each behind those that it depends on, else as they are; those in a circle are left out."""
    left, names = list(space), {dimension.name for dimension in space}
    found: list[Dimension] = []
    while True:
        waiting = {dimension.name for dimension in left}
        ready = next((one for one in left if not (one.where.keys() & names & waiting)), None)
        if ready is None:
            return found
        left.remove(ready)
        found.append(ready)


def check_conditions(space: Sequence[Dimension]) -> None:
    """Refuse dimensions that depend on what is not there, or on themselves, and keys that are set twice.

    Raises:
        ConfigError: all of it at once.
    """
    faults = []
    for dimension in space:
        path = f"sweep.parameters.{dimension.name}.where"
        for name, values in dimension.where.items():
            named = [other for other in space if other.name == name]
            known = [value for other in named for value in other.values]
            if not named:
                message, hint = f"{dimension.name} is varied with {name}, which is not", f"vary {name} as well"
                faults.append(Fault(message, path=f"{path}.{name}", hint=hint))
            elif any(other.is_range for other in named):
                message = f"{dimension.name} is varied with values of {name}, which is a range"
                faults.append(Fault(message, path=f"{path}.{name}", hint=f"give {name} a list of values"))
            else:
                missing = [value for value in values if not is_among(value, known)]
                message = f"{dimension.name} is varied with {name}: {{}}, which is none of its values"
                hint = f"they are {', '.join(map(str, known[:20]))}"
                faults += [Fault(message.format(value), path=f"{path}.{name}", hint=hint) for value in missing]
    circle = [dimension.name for dimension in space if dimension not in in_order(space)]
    if circle and not faults:
        faults.append(
            Fault(f"{', '.join(circle)} are varied with each other in a circle", path=f"sweep.parameters.{circle[0]}.where")
        )
    faults += _set_twice(space)
    faults += _set_nowhere(space)
    if faults:
        raise ConfigError(faults)


def _set_twice(space: Sequence[Dimension]) -> Iterator[Fault]:
    """Keys that two of the dimensions set in one trial: which of both held would be a matter of their order."""
    setting: dict[str, list[_Setting]] = {}
    for dimension in space:
        for place in dimension.keys if not dimension.sets else ():
            key, where = place, dimension.where
            if choice := IN_CHOICE.match(place):
                name, word = choice[0].split(".")[2:4]
                key, where = place[choice.end() :], {**where, name: (word,) if is_among(word, where.get(name, (word,))) else ()}
            setting.setdefault(key, []).append(_Setting(dimension, dimension.name, dimension.path, where))
        for word, sets in dimension.sets.items():
            where, inside = {**dimension.where, dimension.name: (word,)}, f"sweep.choices.{dimension.name}.{word}"
            for key in sets:
                one = _Setting(dimension, f"{dimension.name}={word}", f"{inside}.{key}", where)
                setting.setdefault(key, []).append(one)
    for key, found in setting.items():
        for index, one in enumerate(found):
            other = next((other for other in found[index + 1 :] if one.meets(other)), None)
            if other is not None:
                who = f"{one.name} and {other.name}" if one.name != other.name else f"{one.name}, twice"
                yield Fault(f"{key} is set by {who}", path=other.path, hint="leave one of them out")
                break


def _set_nowhere(space: Sequence[Dimension]) -> Iterator[Fault]:
    """Parameters that stand only in what some choices set, but are varied with others too: these would be trained repeatedly."""
    for dimension in space:
        names = {place.split(".")[2] if IN_CHOICE.match(place) else "" for place in dimension.keys}
        chosen = next((other for other in space if other.sets and {other.name} == names), None)
        if chosen is None or dimension.sets:
            continue
        words = [word for word in chosen.sets if is_among(word, dimension.where.get(chosen.name, list(chosen.sets)))]
        held = [word for word in words if standing(dimension.keys, {chosen.name: word}, {chosen.name: chosen.sets[word]})]
        if missing := [word for word in words if word not in held]:
            name = dimension.name.removeprefix("parameters.")
            message = f"{name} is varied with {chosen.name}={missing[0]} as well, where ${name} is nowhere"
            hint = f"write {name}: {{choices: [...], where: {{{chosen.name}: [{', '.join(held)}]}}}}"
            yield Fault(message, path=dimension.path, hint=hint if held else f"leave out {name}")


@dataclass(frozen=True, slots=True)
class _Setting:
    """Who sets a key, where that is written, and with which choices."""

    dimension: Dimension
    name: str
    path: str
    where: Mapping[str, tuple[Any, ...]]

    def meets(self, other: _Setting) -> bool:
        """Whether both set the key in a trial; a parameter that is written in what a choice sets goes before it."""
        path = self.path if self.dimension.sets else other.path
        written = any(is_within(place, path) for one in (self, other) for place in one.dimension.keys)
        return self.dimension is not other.dimension and not written and not _excludes(self.where, other.where)


def _excludes(where: Mapping[str, tuple[Any, ...]], other: Mapping[str, tuple[Any, ...]]) -> bool:
    """Whether no trial meets both conditions."""
    return any(not any(is_among(value, other[name]) for value in values) for name, values in where.items() if name in other)


def assemble(space: Sequence[Dimension], choose: Callable[[Dimension], Any]) -> dict[str, Any]:
    """A trial: a value for each dimension that is varied with those that were chosen before it.

    Args:
        space: in order.
        choose: gives the value of a dimension.
    """
    chosen: dict[str, Any] = {}
    for dimension in space:
        if dimension.is_varied(chosen):
            chosen[dimension.name] = choose(dimension)
    return chosen


def grid(space: Sequence[Dimension], chosen: Mapping[str, Any] | None = None) -> Iterator[dict[str, Any]]:
    """All combinations; the last dimension changes fastest.

    Args:
        space: in order.
        chosen: values of dimensions before them.
    """
    if not space:
        yield {}
        return
    first, before = space[0], chosen or {}
    if not first.is_varied(before):
        yield from grid(space[1:], before)
        return
    # Not `itertools.product`, which lists what it is given.
    for value in first.values:
        for others in grid(space[1:], {**before, first.name: value}):
            yield {first.name: value, **others}


def branches(space: Sequence[Dimension]) -> Iterator[list[Dimension]]:
    """For each choice of what others depend on, the dimensions that are varied with it; of those chosen, the one value."""
    yield from _branches(list(space), {}, {name for dimension in space for name in dimension.where})


def _branches(space: list[Dimension], chosen: Mapping[str, Any], named: set[str]) -> Iterator[list[Dimension]]:
    kept: list[Dimension] = []
    for index, dimension in enumerate(space):
        if not dimension.is_varied(chosen):
            continue
        if dimension.name in named:
            for value in dimension.values:
                for rest in _branches(space[index + 1 :], {**chosen, dimension.name: value}, named):
                    yield [*kept, dimension.only(value), *rest]
            return
        kept.append(dimension)
    yield kept


def grid_size(space: Sequence[Dimension]) -> int:
    """How many combinations there are; 0 where a range has no end of values."""
    if not any(dimension.where for dimension in space):
        return math.prod(len(dimension.values) for dimension in space)
    sizes = [math.prod(len(dimension.values) for dimension in branch) for branch in branches(space)]
    return 0 if 0 in sizes else sum(sizes)


def num_configurations(space: Sequence[Dimension]) -> int | None:
    """How many different trials a strategy that draws can choose; None: no end of them."""
    total = 0
    for branch in branches(space):
        counts = [dimension.num_choices for dimension in branch]
        if None in counts:
            return None
        total += math.prod(count for count in counts if count is not None)
    return total
