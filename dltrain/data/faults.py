"""How faults of data are put together: short file names, the nearest right word, ten shown and the others counted."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

from dltrain.config.suggest import nearest as nearest
from dltrain.config.types import DataConfig, fault_at
from dltrain.errors import DataError, Fault

NUM_SHOWN = 10


def shown(path: str) -> str:
    """A path as short as it can be: relative where it is below the working directory."""
    relative = os.path.relpath(path) if os.path.isabs(path) else path
    return path if relative.startswith(os.pardir) else relative


def capped(faults: Sequence[Fault], total: int | None = None) -> list[Fault]:
    """The first ten faults, and one that counts the others."""
    total = len(faults) if total is None else total
    shown_faults = list(faults[:NUM_SHOWN])
    if total > len(shown_faults):
        last = shown_faults[-1] if shown_faults else Fault("")
        shown_faults.append(Fault(f"and {total - len(shown_faults):,} more", file=last.file))
    return shown_faults


def all_of(*steps: Callable[[], Any]) -> list[Any]:
    """What each step returns; the faults of all that fail are raised together.

    Raises:
        DataError: at least one step failed.
    """
    results: list[Any] = []
    faults: list[Fault] = []
    for step in steps:
        try:
            results.append(step())
        except DataError as error:
            faults.extend(error.faults)
    if faults:
        raise DataError(faults)
    return results


def config_fault(config: DataConfig, key: str, message: str, hint: str | None = None) -> Fault:
    """A fault that the config's author can mend: placed at its key, or at the nearest key above it."""
    above = key
    while above not in config.places and "." in above:
        above = above.rpartition(".")[0]
    return fault_at(config.places.get(above), message, path=key, hint=hint)


def listed(words: Sequence[object], limit: int = 12) -> str:
    """Words with commas; a long list is cut and counted."""
    text = ", ".join(str(word) for word in words[:limit])
    return text if len(words) <= limit else f"{text}, and {len(words) - limit:,} more"


def column_hint(word: str, columns: Sequence[str]) -> str:
    """The nearest column name, and what columns there are."""
    close = nearest(word, columns)
    suggestion = f'did you mean "{close}"? ' if close else ""
    return f"{suggestion}columns: {listed(columns, 30)}"


def shown_column(name: str) -> str:
    """A column's name as it is told."""
    return name or "(a column without a name)"
