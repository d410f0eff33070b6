"""How the tables of this room are written: a meaning, and all the words that have it."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TypeVar

Meaning = TypeVar("Meaning", bound=Hashable)


def spread(meanings: Mapping[Meaning, str]) -> dict[str, Meaning]:
    """Word -> its meaning, of meanings and their words with blanks between them."""
    return {word: meaning for meaning, words in meanings.items() for word in words.split()}


def spread_all(tables: Mapping[str, Mapping[Meaning, str]]) -> dict[str, dict[str, Meaning]]:
    """Several such tables by their names."""
    return {name: spread(meanings) for name, meanings in tables.items()}
