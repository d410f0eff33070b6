"""Checks what a config says to a source."""

from __future__ import annotations

from typing import Any

from dltrain.config.catalog.sources import SOURCES
from dltrain.config.types import DataConfig, config_fault
from dltrain.errors import ConfigError, DataError, Fault
from dltrain.parts import KEY_OF_PART
from dltrain.wording import quoted

# Arguments with which dltrain itself reads further data of a run, or leaves pictures unopened.
UNREAD = "unread"
# Columns that some of several files may be without.
MAY_LACK = "may_lack"
OUR_OWN = (UNREAD, MAY_LACK, "with_targets", "own_columns", "optional_columns", "digest")


def argument_fault(config: DataConfig, name: str, expected: str, hint: str | None = None) -> Fault:
    """The fault for `data.<name>`: what was expected, what was found, where it stands."""
    return config_fault(config, f"data.{name}", f"expected {expected}, found {quoted(config.arguments.get(name))}", hint)


def given(config: DataConfig, name: str) -> Any:
    """An argument of the source as the config has it, else its default."""
    return config.arguments.get(name, SOURCES[config.source].arguments[name].default)


def refuse_unknown(config: DataConfig) -> None:
    """Raise ConfigError if the source was given an argument that it does not take."""
    known = SOURCES[config.source].arguments
    faults = [
        argument_fault(config, name, f"no such argument of {config.source}", f"it takes {', '.join(known) or 'none'}")
        for name in config.arguments
        if name not in known and name not in OUR_OWN
    ]
    if faults:
        raise ConfigError(faults)


def refuse_missing_files(config: DataConfig) -> None:
    """Raise DataError, at the keys that name them, for files that are not there."""
    from dltrain.data.files import expand_paths
    from dltrain.storage.far.failure import NotFetchedError

    faults = []
    for key in KEY_OF_PART.values():
        try:
            expand_paths(getattr(config, key))
        except NotFetchedError:
            raise
        except DataError as error:
            faults += [config_fault(config, f"data.{key}", fault.message, fault.hint) for fault in error.faults]
    if faults:
        raise DataError(faults)


def is_integer(value: Any, lowest: int, highest: int) -> bool:
    """Whether `value` is an int (not a bool) in the range, both ends included."""
    return isinstance(value, int) and not isinstance(value, bool) and lowest <= value <= highest
