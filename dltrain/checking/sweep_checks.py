"""Is what a sweep sets a key of the config, and each value one that it takes?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from dltrain.checking.places import fault
from dltrain.config import dump_yaml, load_config_text
from dltrain.config.overrides import override_word
from dltrain.config.types import Config
from dltrain.errors import ConfigError, Fault

MOST_VALUES = 20


def check_sweep(config: Config) -> Iterator[Fault]:
    """Tries each value of each swept key on the config; parameters were tried where they stand."""
    swept: Mapping[str, Any] = config.sweep.parameters if config.sweep else {}
    paths = {path: value for path, value in swept.items() if "." in path and not path.startswith("parameters.")}
    if not paths:
        return
    plain = {key: value for key, value in config.resolved.items() if key != "sweep"}
    text = dump_yaml(plain)
    for path, space in paths.items():
        for value in _values(space)[:MOST_VALUES]:
            try:
                load_config_text(text, file="<sweep>", folder=Path(), overrides=[override_word(path, value)], code=config.code)
            except ConfigError as error:
                first = error.faults[0]
                yield fault(config, f"sweep.parameters.{path}", first.message, first.hint)
                break


def _values(space: Any) -> list[Any]:
    if isinstance(space, list | tuple):
        return list(space)
    if isinstance(space, Mapping):
        if "choices" in space:
            return list(space["choices"])
        return [space[end] for end in ("low", "high") if end in space]
    return []
