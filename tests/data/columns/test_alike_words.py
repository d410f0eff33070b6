"""Words that nobody can tell apart are told, and a category that is called as its column is no header."""

from __future__ import annotations

import polars
import pytest

from dltrain.data.columns.column import FeatureColumn
from dltrain.data.columns.kind import Unseen
from dltrain.data.columns.reading import Reading
from dltrain.data.columns.spoken import alike_words
from dltrain.data.dataset import TargetSpec
from dltrain.data.tables.fitting.no_rows import odd_words


@pytest.mark.parametrize(
    ("categories", "said"),
    [
        (("bad", "good", "good\u200b"), r"'good' and 'good\u200b' are different"),
        (("bad", "\ufeffbad", "good"), r"'bad' and '\ufeffbad' are different"),
        (("F", "M", "f"), "'F' and 'f' are different"),
        (tuple("ABCDEFGHIa"), ""),
        (("bad", "good"), ""),
    ],
)
def test_words_that_look_alike(categories: tuple[str, ...], said: str) -> None:
    found = alike_words([FeatureColumn("c", "category", categories=categories)], [])
    assert [said in note.text for note in found] == ([True] if said else [])


def test_the_word_to_replace_can_be_read() -> None:
    [note] = alike_words([FeatureColumn("c", "category", categories=("bad", "good", "good\u200b"))], [])
    assert r'`data.replace: {c: {"good\u200b": "good"}}`' in note.text


def test_headers_in_the_middle_are_in_each_column() -> None:
    columns = [FeatureColumn("a", "number"), FeatureColumn("b", "category", categories=("a", "b", "c"))]
    specs = [TargetSpec("y", "regression")]
    assert odd_words(columns, specs, ["a", "b", "y"], Reading()) == []
    assert odd_words(columns, specs, ["a", "b", "y"], Reading(replace={"a": {"a": ""}})) == []
    [note] = odd_words(columns, specs, ["a", "b", "y"], Reading(replace={"a": {"a": ""}, "y": {"y": ""}}))
    assert "b is 'b' in some rows: if these are headers in the middle of the file" in note.text


def test_new_words_that_training_has_in_other_capitals_are_told() -> None:
    unseen = Unseen()
    unseen.add("c", polars.Series(["RED", "Light  Blue", "purple", "RED"]))
    [note] = unseen.notes([FeatureColumn("c", "category", categories=("green", "light blue", "red"))])
    assert "c 4 (RED, Light  Blue, purple)" in note.text
    assert note.text.endswith(
        "only capitals, blanks or points differ: c RED (training: red), c Light  Blue (training: light blue)"
    )
