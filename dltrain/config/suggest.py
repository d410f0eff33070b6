"""The known name nearest to a misspelt one."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from dltrain.config.catalog import normalize

LONGEST = 64


def edit_distance(first: str, second: str, limit: int) -> int:
    """Insertions, deletions, replacements and swaps of neighbours that lead from one word to the other.

    The optimal string alignment distance (Damerau 1964; Levenshtein 1966); gives up above `limit` and returns `limit + 1`.
    """
    if abs(len(first) - len(second)) > limit:
        return limit + 1
    before: list[int] = []
    above = list(range(len(second) + 1))
    for row, left in enumerate(first, 1):
        current = [row]
        for column, right in enumerate(second, 1):
            cost = min(above[column] + 1, current[-1] + 1, above[column - 1] + (left != right))
            if row > 1 and column > 1 and left == second[column - 2] and first[row - 2] == right:
                cost = min(cost, before[column - 2] + 1)
            current.append(cost)
        if min(current) > limit:
            return limit + 1
        before, above = above, current
    return above[-1]


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known name that `word` most likely means, or None where none is near; case and underscores do not count.

    Of equally near names the one that begins and ends as the word does is taken, then the first given.
    """
    return _nearest(word[:LONGEST], tuple(known))


@lru_cache(maxsize=4096)
def _nearest(word: str, known: tuple[str, ...]) -> str | None:
    plain = normalize(word)
    if not plain:
        return None
    limit = 1 if len(plain) < 4 else 2 if len(plain) < 9 else 3
    best: tuple[int, int, int] | None = None
    found = None
    for name in known:
        candidate = normalize(name)
        distance = edit_distance(plain, candidate, limit)
        if distance > limit or distance >= max(len(plain), len(candidate)):
            continue
        prefix = next((i for i, (a, b) in enumerate(zip(plain, candidate)) if a != b), min(len(plain), len(candidate)))
        suffix = next(
            (i for i, (a, b) in enumerate(zip(reversed(plain), reversed(candidate))) if a != b), min(len(plain), len(candidate))
        )
        rank = (distance, abs(len(plain) - len(candidate)), -(prefix + suffix))
        if best is None or rank < best:
            best, found = rank, name
    return found


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """`did you mean "units"?`, or None."""
    name = nearest(word, known)
    return None if name is None else f'did you mean "{name}"?'


def one_of(names: Iterable[str], limit: int = 12) -> str:
    """The names as text, shortened where there are many: `a, b, c, … (134 in all)`."""
    listed = list(names)
    if len(listed) <= limit:
        return ", ".join(listed)
    return ", ".join(listed[:limit]) + f", … ({len(listed)} in all)"
