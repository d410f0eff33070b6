"""Telling what differs between the data of a run and the data that is there now."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from dltrain.errors import Fault


def fingerprint_faults(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Fault]:
    """A fault for each detail of the data that is not what it was, eight at the most."""
    old, new = flatten(before), flatten(after)
    faults = [
        Fault(f"the data is not that of the run: {key} was {shown(old.get(key))}, is {shown(new.get(key))}")
        for key in sorted(old.keys() | new.keys())
        if old.get(key) != new.get(key)
    ]
    return faults[:8] or [Fault("the data is not that of the run: its fingerprint differs")]


def flatten(value: Any, path: str = "") -> dict[str, Any]:
    """Leaves of nested mappings by key path; a list is a leaf unless it holds mappings."""
    if isinstance(value, Mapping) and value:
        return {
            key: leaf
            for name, item in value.items()
            for key, leaf in flatten(item, f"{path}.{name}" if path else str(name)).items()
        }
    if isinstance(value, (list, tuple)):
        if any(isinstance(item, Mapping) for item in value):
            return {key: leaf for index, item in enumerate(value) for key, leaf in flatten(item, f"{path}.{index}").items()}
        return {path: list(value)}
    return {path: value}


def shown(value: Any) -> str:
    """A value as JSON, cut to 80 characters."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 80 else text[:77] + "..."
