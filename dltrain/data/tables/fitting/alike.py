"""What is said of labels and categories that nobody can tell apart."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dltrain.data.columns.kind import plain_word
from dltrain.data.columns.spoken import FEW_CATEGORIES
from dltrain.data.dataset import TargetSpec
from dltrain.errors import Note, warn
from dltrain.wording import listed, shown_column

if TYPE_CHECKING:
    from dltrain.data.columns.column import FeatureColumn

# Of so few even single letters are alike, as `m` and `M` are.
FEW_LETTERS = 8
# How one answer is written where files of several programs were put together.
_SHORT = (("true", "t"), ("true", "1"), ("false", "f"), ("false", "0"), ("yes", "y"), ("yes", "1"), ("no", "n"), ("no", "0"))


def alike_words(
    columns: Sequence[FeatureColumn],
    specs: Sequence[TargetSpec],
    counts: Mapping[str, Mapping[str, int]] = MappingProxyType({}),
    *,
    of_folders: bool = False,
) -> list[Note]:
    """Warnings of labels and of a column's few categories that are one word in other capitals, blanks or points, or cut short.

    Args:
        columns: the features.
        specs: what is to be learnt.
        counts: column or target -> how often a word is met: what most rows have is what the others are to become.
        of_folders: labels are names of folders.
    """
    known = [(spec.name, "labels", spec.classes) for spec in specs]
    known += [
        (c.name, "categories", tuple(word for word in c.categories if len(word) > 1 or len(c.categories) <= FEW_LETTERS))
        for c in columns
        if len(c.categories) <= FEW_CATEGORIES
    ]
    found = []
    for name, what, words in known:
        same: dict[str, list[str]] = {}
        for word in words:
            same.setdefault(plain_word(word), []).append(word)
        for whole, short in _SHORT:
            if whole in same and short in same:
                same[whole] += same.pop(short)
        groups = [group for group in same.values() if len(group) > 1]
        if groups:
            told = listed([" and ".join(map(repr, group)) for group in groups], 3)
            how = "put them into one folder" if of_folders else _made_one(name, groups[0], counts.get(name, {}))
            said = f"{shown_column(name)}: {told} are different {what}: if they mean the same, {how}"
            found.append(warn(said, "alike_words"))
    return found


def _made_one(name: str, words: Sequence[str], counts: Mapping[str, int]) -> str:
    """What to write so that words of one meaning become the one that most rows have."""
    first, *others = (
        json.dumps(word, ensure_ascii=not word.isprintable()) for word in sorted(words, key=lambda word: -counts.get(word, 0))
    )
    pairs = ", ".join(f"{other}: {first}" for other in others)
    return f"`data.replace: {{{name}: {{{pairs}}}}}` makes one of {'two' if len(others) == 1 else 'them'}"


def counted_words(
    columns: Sequence[FeatureColumn],
    shown: Mapping[str, Any],
    specs: Sequence[TargetSpec],
    told: Mapping[str, NDArray[Any]],
) -> dict[str, dict[str, int]]:
    """How often the categories of a column and the classes of a target are met in some rows, by name."""
    counts = {
        c.name: dict(shown[c.name].alias("word").value_counts(name="rows").iter_rows())
        for c in columns
        if c.categories and c.name in shown
    }
    for spec in specs:
        if spec.task == "classification" and spec.name in told:
            met = np.bincount(told[spec.name][told[spec.name] >= 0].astype(np.int64), minlength=len(spec.classes))
            counts[spec.name] = dict(zip(spec.classes, met.tolist(), strict=False))
    return counts
