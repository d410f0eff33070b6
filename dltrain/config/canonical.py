"""One form for all spellings of the same configuration."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from dltrain.config.catalog.catalog import ComponentEntry, load_catalog

# Of these, an argument that is left out and one that is given as Keras has it anyway mean the same. Of a layer they need not:
# a last layer with an activation is an output, one without is not.
_KINDS = ("layer", "optimizer", "schedule", "loss", "regularizer", "initializer", "constraint")
# What Keras calls no activation.
_LINEAR = "linear"
# What says nothing of what is trained.
_UNTOLD = ("name", "sweep")


def canonical_text(resolved: Mapping[str, Any]) -> str:
    """A text that two resolved configs have in common exactly where they train the same: `adam` is `{Adam: {epsilon: 1e-7}}`."""
    told = {key: value for key, value in resolved.items() if key not in _UNTOLD}
    return json.dumps(_with_numbers_alike(without_defaults(told)), sort_keys=True, default=str)


def without_defaults(value: Any) -> Any:
    """Plain values without the arguments that components would have in any case."""

    def drop(entry: ComponentEntry, arguments: Mapping[str, Any]) -> Any:
        left = {name: item for name, item in arguments.items() if not _is_default(entry, name, item)}
        return {entry.name: left} if left else entry.name

    return _rewritten(value, drop)


def with_defaults(value: Any) -> Any:
    """Plain values with all arguments that components have, as Keras has them where the config is silent."""

    def fill(entry: ComponentEntry, arguments: Mapping[str, Any]) -> Any:
        known = {name: each.default for name, each in entry.arguments.items() if not each.required}
        return {entry.name: {**known, **arguments}}

    return _rewritten(value, fill)


def _rewritten(value: Any, change: Callable[[ComponentEntry, Mapping[str, Any]], Any]) -> Any:
    if isinstance(value, list | tuple):
        return [_rewritten(item, change) for item in value]
    if isinstance(value, str):
        entry = _entry_of(value)
        return value if entry is None else change(entry, {})
    if not isinstance(value, Mapping):
        return value
    inner = {key: _rewritten(item, change) for key, item in value.items()}
    if len(value) == 1:
        [(name, arguments)] = inner.items()
        entry = _entry_of(name)
        if entry is not None and isinstance(arguments, Mapping):
            return change(entry, arguments)
    return inner


def _entry_of(name: Any) -> ComponentEntry | None:
    """The component of exactly that name; a resolved config has no other spelling."""
    if not isinstance(name, str) or not name[:1].isupper():
        return None
    catalog = load_catalog()
    entry = next((entry for kind in _KINDS if (entry := catalog.find(kind, name))), None)
    return entry if entry is not None and entry.name == name else None


def _is_default(entry: ComponentEntry, name: str, value: Any) -> bool:
    argument = entry.arguments.get(name)
    if argument is None or argument.required:
        return False
    default = argument.default
    if name.endswith("activation"):
        return (default or _LINEAR) == (value or _LINEAR)
    if isinstance(default, str) and isinstance(value, str):
        # `glorot_uniform` is the name by which Keras's signatures call `GlorotUniform`.
        named = next((found for kind in _KINDS if (found := load_catalog().find(kind, default))), None)
        return value in (default, named.name if named else default)
    return _text(default) == _text(value)


def _text(value: Any) -> str:
    return json.dumps(_with_numbers_alike(value), sort_keys=True, default=str)


def _with_numbers_alike(value: Any) -> Any:
    """Whole numbers as such, however they are written: 1.0 and 1 are one value; true is another."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, Mapping):
        return {key: _with_numbers_alike(item) for key, item in value.items()}
    return [_with_numbers_alike(item) for item in value] if isinstance(value, list | tuple) else value
