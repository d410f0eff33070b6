"""The parts of the data by name: which is asked for first, and what folders and columns call them."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Sequence

# As they are shown side by side.
PARTS = ("train", "validation", "test")
# Under which key of `data:` the files of each are named.
KEY_OF_PART = {"train": "path", "validation": "validation", "test": "test"}
# Which one a run is judged by: the first that it has.
JUDGED_BY = ("test", "validation", "train")
# Which one trials are compared on: what is chosen by a test part is no longer tested by it.
COMPARED_ON = ("validation", "test", "train")


def judged_part(there: Container[str]) -> str | None:
    """The part that a run with these parts is judged by; None where it has none of them."""
    return next((name for name in JUDGED_BY if name in there), None)


# What a column of parts, or a folder, is called; of FER-2013 the public test chose models and the private one judged them.
_CALLED = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val", "dev", "development", "publictest"),
    "test": ("test", "testing", "privatetest"),
}
_PART_OF = {word: part for part, words in _CALLED.items() for word in words}


def part_called(word: str) -> str | None:
    """Which part a word names, however it is written: `Train`, `test set`, `PublicTest`; None: none."""
    bare = re.sub(r"[\W_]", "", word.casefold())
    return _PART_OF.get(bare) or _PART_OF.get(re.sub(r"(set|data|split)$", "", bare))


def parts_among(names: Sequence[str]) -> dict[str, str]:
    """Name -> part, of those among several names that are called after the parts of one data set; empty: there are none.

    Such as `train` and `test`, or `seg_train` and `seg_test`, which but for one word are the same.
    """
    groups: dict[tuple[str, ...], dict[str, str]] = {}
    for name in names:
        words = re.split(r"[\W_]+", name.casefold())
        parts = [(place, _PART_OF[word]) for place, word in enumerate(words) if word in _PART_OF]
        if (whole := part_called(name)) is not None:
            groups.setdefault((), {})[name] = whole
        elif len(parts) == 1:
            place, part = parts[0]
            groups.setdefault((*words[:place], "", *words[place + 1 :]), {})[name] = part
    several = [group for group in groups.values() if "train" in group.values() and 1 < len(group) == len(set(group.values()))]
    return several[0] if len(several) == 1 else {}


def part_folders(names: Sequence[str], holds_folders: Callable[[str], bool]) -> dict[str, str]:
    """Name -> part, of folders that are parts of the data and no classes. Empty: these are classes.

    They are parts where all of them are called so, or where several are beside others and hold folders themselves.

    Args:
        names: of the folders in one folder.
        holds_folders: whether what is looked for lies in folders within one of them.
    """
    several = parts_among(names)
    called = several or {name: part for name in names if (part := part_called(name))}
    return called if len(called) == len(names) or (several and all(map(holds_folders, several))) else {}
