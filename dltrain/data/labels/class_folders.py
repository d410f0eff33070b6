"""Files in folders that are named after their classes: folders that are parts of the data instead, and the first files of all."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import TypeVar

from dltrain.config.types import DataConfig
from dltrain.parts import KEY_OF_PART, part_folders
from dltrain.storage.patterns import folders_in
from dltrain.wording import is_text, listed, shown

T = TypeVar("T")
# How far below a folder those of the classes are looked for, and in how many folders of a level.
MOST_BELOW, MOST_LOOKED_AT = 4, 200


def folders_fault(config: DataConfig, folder: str, files: Mapping[str, Sequence[str]]) -> tuple[str, str] | None:
    """Why the folders in a folder are not its classes, and a hint; None: they are.

    Args:
        config: of the data; folders that are one of several hold some of the classes only.
        folder: that was named.
        files: name of each folder in it -> paths of the files below that one.
    """
    for name in files:
        if files[name] and not is_text(name):
            return f"{shown(folder)} holds a folder whose name is not UTF-8, {name!r}: it cannot be a label", "rename the folder"
    return _parts_fault(folder, files) or _outer_fault(config, folder, files)


def _parts_fault(folder: str, files: Mapping[str, Sequence[str]]) -> tuple[str, str] | None:
    """What is wrong with a folder whose folders are parts of the data, and a hint; None: they are classes."""

    def holds_folders(name: str) -> bool:
        return any(os.path.dirname(file) != os.path.join(folder, name) for file in files[name])

    parts = part_folders([name for name in files if files[name]] or [*files], holds_folders)
    if not parts:
        return None
    words = [f"{KEY_OF_PART[part]}: {shown(os.path.join(folder, name))}" for name, part in parts.items()]
    what = f"{shown(folder)} holds {listed(list(parts))}: these are parts, not classes"
    return what, f"say data: {{{', '.join(words)}}}"


def meant_below(folder: str, names: Collection[str], what: str = "the folders of the classes") -> str | None:
    """Which folder below a given one to name instead: the nearest that holds folders of these names; None: there is none.

    Args:
        folder: that was named, or the one in it that is no class.
        names: of the folders that are looked for, such as those of the classes.
        what: they are called.
    """
    level = [folder]
    for _ in range(MOST_BELOW):
        inside = {place: folders_in(place) for place in level[:MOST_LOOKED_AT]}
        found = [place for place in inside if sum(name in names for name in inside[place]) >= min(2, len(names))]
        if found:
            places = listed([shown(place) for place in found], 4)
            return f"{what} are in {places}: name {'that' if len(found) == 1 else 'one of these'}"
        level = [os.path.join(place, name) for place in inside for name in inside[place]]
    return None


def _outer_fault(config: DataConfig, folder: str, files: Mapping[str, Sequence[str]]) -> tuple[str, str] | None:
    """What is wrong with a folder that holds one folder, whose folders are the classes, and a hint; None: it is none such."""
    filled = [name for name in files if files[name]]
    if len(filled) != 1 or config.allow_one_class or config.path != (folder,):
        return None
    inner = os.path.join(folder, filled[0])
    inside = {os.path.relpath(file, inner).split(os.sep)[0] for file in files[filled[0]]}
    if len(inside) < 2 or not inside <= {*folders_in(inner)}:
        return None
    what = (
        f"{shown(folder)} holds one folder, {filled[0]}, whose folders are {listed(sorted(inside), 4)}: there is one class only"
    )
    return what, f"where these are the classes, say path: {shown(inner)}; to train on one class: fit --allow-one-class"


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
