"""Files in folders that are named after their classes: folders that are parts of the data instead, and the first files of all."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TypeVar

from dltrain.parts import KEY_OF_PART, part_folders
from dltrain.wording import listed, shown

T = TypeVar("T")


def parts_fault(folder: str, files: Mapping[str, Sequence[str]]) -> tuple[str, str] | None:
    """What is wrong with a folder whose folders are parts of the data, and a hint; None: they are classes.

    Args:
        folder: that was named.
        files: name of each folder in it -> paths of the files below that one.
    """

    def holds_folders(name: str) -> bool:
        return any(os.path.dirname(file) != os.path.join(folder, name) for file in files[name])

    parts = part_folders([name for name in files if files[name]] or [*files], holds_folders)
    if not parts:
        return None
    words = [f"{KEY_OF_PART[part]}: {shown(os.path.join(folder, name))}" for name, part in parts.items()]
    what = f"{shown(folder)} holds {listed(list(parts))}: these are parts, not classes"
    return what, f"say data: {{{', '.join(words)}}}"


def in_turn(files: Sequence[T], labels: Sequence[str | None], limit: int | None) -> list[T]:
    """The first `limit` files, taken from the classes in turn: they stand one class after the other."""
    if limit is None or len(files) <= limit:
        return [*files]
    turns: Counter[str | None] = Counter()
    order = []
    for row, label in enumerate(labels):
        order.append((turns[label], row))
        turns[label] += 1
    return [files[row] for row in sorted(row for _, row in sorted(order)[:limit])]
