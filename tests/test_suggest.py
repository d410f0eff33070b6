from __future__ import annotations

import random
import string

from hypothesis import given
from hypothesis import strategies as st

from dltrain.config.catalog.catalog import load_catalog
from dltrain.config.catalog.sources import SOURCES
from dltrain.config.keys import KEYS, keys_of
from dltrain.wording import edit_distance, nearest, normalize

WORDS = st.text("abcd", max_size=8)


def one_edit(word: str, draw: random.Random) -> str:
    place, letter = draw.randrange(len(word)), draw.choice(string.ascii_lowercase)
    edits = [
        word[:place] + word[place + 1 :],
        word[:place] + letter + word[place:],
        word[:place] + letter + word[place + 1 :],
        word[:place] + word[place + 1 : place + 2] + word[place : place + 1] + word[place + 2 :],
    ]
    return draw.choice(edits)


def test_one_edit_misspellings_get_the_right_name() -> None:
    catalog, draw = load_catalog(), random.Random(1)
    groups = [catalog.names(kind) for kind in catalog.kinds()] + [list(catalog.activations), list(SOURCES)]
    groups += [list(keys_of(block)) for block in ("", *(path for path, key in KEYS.items() if "block" in key.type))]
    for kind in ("layer", "optimizer"):
        groups += [list(entry.arguments) for name in catalog.names(kind) if (entry := catalog.find(kind, name))]
    tried = right = 0
    for names in groups:
        spellings = {normalize(name) for name in names}
        for name in names:
            word = one_edit(name, draw)
            if normalize(word) not in spellings:
                tried += 1
                right += nearest(word, names) == name
    assert tried > 1500
    assert right / tried >= 0.98


@given(WORDS, WORDS)
def test_the_distance_is_symmetric_and_bounded_by_the_length(first: str, second: str) -> None:
    distance = edit_distance(first, second, 99)
    assert distance == edit_distance(second, first, 99)
    assert abs(len(first) - len(second)) <= distance <= max(len(first), len(second))
    assert (distance == 0) == (first == second)
    for limit in range(4):
        assert (edit_distance(first, second, limit) <= limit) == (distance <= limit)


def test_a_letter_too_often_means_the_name_with_one() -> None:
    catalog = load_catalog()
    assert [nearest(word, catalog.names("optimizer")) for word in ("Adamm", "Adammm", "adamww", "SGDD")] == [
        *("Adam",) * 2,
        "AdamW",
        "SGD",
    ]
    assert nearest("reluu", catalog.activations) == "relu"
    assert nearest("paddding", ["pad", "padding"]) == "padding"


def test_far_names_are_not_suggested() -> None:
    assert nearest("zebra", ["units", "activation"]) is None
    assert nearest("", ["a"]) is None
    assert nearest("x", ["y"]) is None
    assert nearest("x" * 10_000, ["units"]) is None
