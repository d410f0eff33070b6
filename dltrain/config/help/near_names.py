"""The names of the config language that are near to a word that is none."""

from __future__ import annotations

from collections.abc import Iterable

from dltrain.config.catalog.sources import SOURCES
from dltrain.config.help.known import known_catalog
from dltrain.config.keys import KEYS
from dltrain.config.old_words.arguments import KNOWN_ARGUMENTS
from dltrain.config.old_words.names import KNOWN_ELSEWHERE
from dltrain.wording import nearest, normalize


def near_names(word: str, *, is_argument: bool = False) -> list[str]:
    """Up to three names that are near to a word.

    Args:
        word: without dots.
        is_argument: the word stands where an argument of a component would.

    Returns:
        First what the word is known as elsewhere, then what differs by a few letters, then what begins with it.
    """
    catalog = known_catalog()
    entries = [entry for kind in catalog.kinds() for name in catalog.names(kind) if (entry := catalog.find(kind, name))]
    arguments = list(dict.fromkeys(name for entry in entries for name in entry.arguments))
    names = [path.rpartition(".")[2] for path in KEYS] + [*SOURCES, *catalog.activations, *(entry.name for entry in entries)]
    names += [alias for kind in catalog.kinds() for alias in catalog.aliases(kind)]
    names += [name for source in SOURCES.values() for name in source.arguments]
    first, second = (arguments, names) if is_argument else (names, arguments)
    spelling = normalize(word)
    found = list(dict.fromkeys(known[spelling] for known in KNOWN_ELSEWHERE.values() if spelling in known))[:2]
    today = [name for name in KNOWN_ARGUMENTS.get(spelling, ()) if name in arguments]
    if found or today:
        return [*found, *today][:3]
    while len(found) < 3:
        spellings = {normalize(name) for name in found}
        match = nearest(word, [name for name in first if normalize(name) not in spellings])
        if match is None and not found:
            match = longer_name(word, first) or nearest(word, second)
        if match is None:
            break
        found.append(match)
    return found


def longer_name(word: str, names: Iterable[str]) -> str | None:
    """The first name that begins with the word."""
    return next((name for name in names if len(word) > 1 and normalize(name).startswith(normalize(word))), None)
