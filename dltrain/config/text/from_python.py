"""A config that Python holds, as a config file may hold it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import date
from typing import Any

from dltrain.errors import ConfigError


def plain_mapping(config: Mapping[Any, Any]) -> dict[str, Any]:
    """The mapping with paths and dates as text, and numbers and arrays of NumPy as plain ones.

    Raises:
        ConfigError: a value is something else, with its key.
    """
    return {str(name): _plain(value, str(name)) for name, value in config.items()}


def _plain(value: Any, path: str) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _plain(item, f"{path}.{name}") for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item, f"{path}.{index}") for index, item in enumerate(value)]
    if value is None or type(value) in (bool, int, float, str):
        return value
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, date):
        return value.isoformat()
    if hasattr(value, "columns") or not hasattr(value, "tolist"):
        is_frame = hasattr(value, "columns")
        hint = (
            'write it to a file, frame.write_parquet("rows.parquet"), and name that'
            if is_frame
            else "numbers, text, lists, mappings"
        )
        raise ConfigError(f"expected what a config file may hold, found {type(value).__name__}", path=path, hint=hint)
    return _plain(value.tolist(), path)
