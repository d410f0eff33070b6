"""Checks the arguments that a config gives to a named dataset."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from dltrain.config.types import DataConfig, config_fault
from dltrain.errors import ConfigError, Fault


def argument_fault(config: DataConfig, name: str, expected: str, hint: str | None = None) -> Fault:
    """The fault for `data.<name>`: what was expected, what was found, where it stands."""
    return config_fault(config, f"data.{name}", f"expected {expected}, found {config.arguments.get(name)!r}", hint)


def refuse_unknown(config: DataConfig, known: Iterable[str] = ()) -> None:
    """Raise ConfigError if the source was given an argument that it does not take."""
    known = tuple(known)
    faults = [
        argument_fault(config, name, f"no such argument of {config.source}", f"it takes {', '.join(known) or 'none'}")
        for name in config.arguments
        if name not in known
    ]
    if faults:
        raise ConfigError(faults)


def is_integer(value: Any, lowest: int, highest: int) -> bool:
    """Whether `value` is an int (not a bool) in the range, both ends included."""
    return isinstance(value, int) and not isinstance(value, bool) and lowest <= value <= highest
