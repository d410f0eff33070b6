"""Stored values of a preprocessing's state: written by name, and read each with the check of its type."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any


def attributes(thing: object, *names: str) -> dict[str, Any]:
    """Some attributes of a thing by their names, in this order."""
    return {name: getattr(thing, name) for name in names}


def typed(mapping: Mapping[str, Any], key: str, kind: type) -> Any:
    """The value of a key that must be there and of that type."""
    value = mapping[key]
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise TypeError(f"{key}: expected {kind.__name__}, got {type(value).__name__}")
    return value


def one_of(mapping: Mapping[str, Any], key: str, words: Sequence[str]) -> str:
    """The value of a key that must be one of some words."""
    value = mapping[key]
    if value not in words:
        raise ValueError(f"{key}: expected one of {', '.join(words)}, got {value!r}")
    return str(value)


def positive(value: Any) -> float:
    """A finite number above zero."""
    number = float(value)
    if not 0 < number < math.inf:
        raise ValueError(f"expected a number above 0, got {value!r}")
    return number


def least_and_largest(value: Any) -> tuple[float, float]:
    """Two finite numbers, the first no larger than the second."""
    low, high = (float(bound) for bound in value)
    if not -math.inf < low <= high < math.inf:
        raise ValueError(f"expected the least and the largest of some numbers, got {value!r}")
    return low, high


def texts(mapping: Mapping[str, Any], key: str) -> tuple[str, ...]:
    """The value of a key that must be a list of texts."""
    values = typed(mapping, key, list)
    if not all(isinstance(value, str) for value in values):
        raise TypeError(f"{key}: expected texts")
    return tuple(values)


def text_map(mapping: Any) -> dict[str, str]:
    """A mapping of texts to texts."""
    return {str(name): str(value) for name, value in dict(mapping).items()}


def limits_of(limits: Any) -> tuple[float, float] | None:
    """The least and the largest number between which a target is kept; None: it is not."""
    if limits is None:
        return None
    low, high = (float(limit) for limit in limits)
    if not -math.inf < low <= high < math.inf:
        raise ValueError("limits of a target: expected two finite numbers in order")
    return low, high
