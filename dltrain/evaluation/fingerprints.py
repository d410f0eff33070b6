"""Telling what differs between the data of a run and the data that is there now."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from typing import Any

from dltrain.data.fingerprint import is_same_inside
from dltrain.errors import Fault
from dltrain.wording import shown as shown_path

_MOST = 8


def is_other_data(recorded: Mapping[str, Any], fingerprint: str, details: Mapping[str, Any]) -> bool:
    """Whether data is not that of a run; a folder that was given another name is the same.

    Args:
        recorded: of the run's manifest: its fingerprint and details.
        fingerprint: of the data that is there now.
        details: the same: file or folder -> what is known of it.
    """
    if recorded.get("fingerprint") == fingerprint:
        return False
    before = recorded.get("details")
    if not isinstance(before, Mapping) or len(before) != len(details):
        return True
    return not all(is_same_inside(was, now) for was, now in zip(before.values(), details.values(), strict=True))


def fingerprint_faults(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Fault]:
    """A fault for each file of the data that is not what it was, eight at the most.

    Args:
        before: of the run: file -> what is known of it: digest, bytes, rows.
        after: the same of the data that is there now.
    """
    told = [text for old, new in _pairs(before, after) if (text := _told(old, new, before, after))]
    more = len(told) - _MOST
    if more > 0:
        told = [*told[:_MOST], f"and {more:,} more files differ"]
    if not told:
        told = ["its files are the same, but other columns, rows or values are read from them"]
    return [Fault(f"the data is not that of the run: {text}") for text in told]


def _pairs(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[tuple[str | None, str | None]]:
    """Each file of before beside that of now: by its path, else by contents, by its name, or as what is left."""
    olds, news = [name for name in before if name not in after], [name for name in after if name not in before]
    yield from ((name, name) for name in before if name in after)
    for is_same in (lambda old, new: _is_same(before[old], after[new]), _has_same_name, lambda old, new: True):
        for old in list(olds):
            new = next((new for new in news if is_same(old, new)), None)
            if new is not None:
                yield old, new
                olds.remove(old)
                news.remove(new)
    yield from ((old, None) for old in olds)
    yield from ((None, new) for new in news)


def _is_same(was: Any, now: Any) -> bool:
    return bool(was == now) or is_same_inside(was, now)


def _has_same_name(old: str, new: str) -> bool:
    return os.path.basename(old) == os.path.basename(new)


def _told(old: str | None, new: str | None, before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """What is different of one file; nothing where it has only been moved."""
    if new is None:
        return f"{shown_path(str(old))} is missing"
    if old is None:
        return f"{shown_path(new)} has come to it"
    was, now = before[old], after[new]
    if _is_same(was, now):
        return ""
    name = shown_path(new) + (f" (in the place of {shown_path(old)})" if old != new else "")
    if not isinstance(was, Mapping) or not isinstance(now, Mapping):
        return f"{name} was {shown(was)}, is {shown(now)}"
    keys = [key for key in now if key in was and was[key] != now[key] and key not in ("digest", "inside")]
    counts = [key for key in keys if isinstance(was[key], int) and isinstance(now[key], int)]
    others = "; ".join(f"its {key} were {shown(was[key])} and are {shown(now[key])}" for key in keys if key not in counts)
    if counts:
        told = f"{name} has {_counted(now, counts)}; it had {_counted(was, counts)}"
        return f"{told}; {others}" if others else told
    return f"{name}: {others}" if others else f"{name} has other contents, of the same length"


def _counted(entry: Mapping[str, Any], keys: list[str]) -> str:
    """`39 rows in 613 bytes`."""
    named = [f"{entry[key]:,} {key}" for key in keys if key != "bytes"]
    size = f"{entry['bytes']:,} bytes" if "bytes" in keys else ""
    return " in ".join(text for text in (" and ".join(named), size) if text)


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
