"""Faults at their keys."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from dltrain.config.types import Config, Place, fault_at
from dltrain.errors import Fault


def place_of(config: Config, path: str) -> Place | None:
    """Where a key stands, or the nearest key above it."""
    while path:
        if path in config.places:
            return config.places[path]
        path = path.rpartition(".")[0]
    return None


def fault(config: Config, path: str, message: str, hint: str | None = None, *, warning: bool = False) -> Fault:
    """A fault at a key."""
    found = fault_at(place_of(config, path), message, path=path, hint=hint)
    return replace(found, severity="warning") if warning else found


def placed(config: Config, faults: Iterable[Fault]) -> list[Fault]:
    """The faults, those without a place at their keys."""
    result = []
    for item in faults:
        place = place_of(config, item.path) if item.path and item.file is None else None
        found = fault_at(place, item.message)
        result.append(
            replace(item, message=found.message, file=found.file, line=found.line, column=found.column) if place else item
        )
    return result


def in_order(faults: Iterable[Fault]) -> tuple[Fault, ...]:
    """Faults by their place in the file, each once; those without a line come last."""
    unique = dict.fromkeys(faults)
    return tuple(sorted(unique, key=lambda item: (item.line is None, item.line or 0, item.column or 0)))
