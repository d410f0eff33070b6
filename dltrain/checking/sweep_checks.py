"""Is what a sweep sets a key of the config, and each value one that it takes?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from dltrain.checking.places import fault
from dltrain.config import dump_yaml, load_config_text
from dltrain.config.blocks.choices import OWN
from dltrain.config.blocks.sweep import sets_in_keys
from dltrain.config.blocks.swept import WHERE
from dltrain.config.overrides import override_word
from dltrain.config.types import Config
from dltrain.errors import ConfigError, Fault
from dltrain.wording import without_override

MOST_VALUES = 20


def check_sweep(config: Config) -> Iterator[Fault]:
    """Tries each value of each swept key on the config; parameters were tried where they stand."""
    if config.sweep is None:
        return
    text = dump_yaml({key: value for key, value in config.resolved.items() if key != "sweep"})
    for path, space in _keys(config.sweep.parameters):
        tried = (_fault_of(config, text, [override_word(path, value)]) for value in _values(space)[:MOST_VALUES])
        yield from _each_once(config, f"sweep.parameters.{path}", tried)
    for name, choices in config.sweep.choices.items():
        for word, given in choices.items():
            sets = sets_in_keys(name, word, given, config.parameter_keys)
            own = sets.pop(OWN, {})
            words = [override_word(key, sets[key]) for key in sorted(sets, key=lambda key: key.count("."))]
            where = f"sweep.choices.{name}.{word}"
            found = _fault_of(config, text, words)
            if found is not None:
                at = next((key for key in sets if (found.path or "").startswith(key)), None)
                yield fault(config, f"{where}.{at}" if at else where, found.message, found.hint)
                continue
            for path, space in _keys(own):
                tried = (_fault_of(config, text, [*words, override_word(path, value)]) for value in _values(space)[:MOST_VALUES])
                yield from _each_once(config, f"{where}.{OWN}.{path}", tried)


def _keys(space: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """What is a key of the config, and is varied by itself: what is varied with others alone is checked in trials."""
    for path, values in space.items():
        is_alone = not (isinstance(values, Mapping) and WHERE in values)
        if "." in path and not path.startswith("parameters.") and is_alone:
            yield path, values


def _each_once(config: Config, path: str, tried: Iterable[Fault | None]) -> Iterator[Fault]:
    """The faults of a key's values, of which one may be the key's own, whatever the value."""
    told = set()
    for found in tried:
        if found is not None and (sentence := without_override(found.message)) not in told:
            told.add(sentence)
            yield fault(config, path, found.message, found.hint)


def _fault_of(config: Config, text: str, words: list[str]) -> Fault | None:
    """The first fault of the config with these overrides."""
    try:
        load_config_text(text, file="<sweep>", folder=Path(), overrides=words, code=config.code)
    except ConfigError as error:
        return error.faults[0]
    return None


def _values(space: Any) -> list[Any]:
    if isinstance(space, list | tuple):
        return list(space)
    if isinstance(space, Mapping):
        if "choices" in space:
            return list(space["choices"])
        return [space[end] for end in ("low", "high") if end in space]
    return []
