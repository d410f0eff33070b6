"""The parts of the data by name, and the orders in which one of them is asked for."""

from __future__ import annotations

import re
from collections.abc import Container

# As they are shown side by side.
PARTS = ("train", "validation", "test")
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
