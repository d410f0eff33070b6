"""Words that nobody can tell apart are told, and a category that is called as its column is no header."""

from __future__ import annotations

import numpy as np
import polars
import pytest

from dltrain.data.columns.column import FeatureColumn
from dltrain.data.columns.kind import Unseen
from dltrain.data.columns.reading import Reading
from dltrain.data.dataset import TargetSpec
from dltrain.data.tables.fitting.alike import alike_words, counted_words
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


def test_the_words_of_few_rows_become_that_of_most() -> None:
    columns = [FeatureColumn("c", "category", categories=("YES", "Yes", "no", "yes"))]
    counts = {"c": {"YES": 1, "Yes": 2, "no": 40, "yes": 30}, "y": {"Good": 3, "bad": 20, "good": 20}}
    notes = alike_words(columns, [TargetSpec("y", "classification", ("Good", "bad", "good"))], counts)
    labels, categories = (note.text for note in notes)
    assert '`data.replace: {y: {"Good": "good"}}` makes one of two' in labels
    assert '`data.replace: {c: {"Yes": "yes", "YES": "yes"}}` makes one of them' in categories


def test_words_are_counted_in_the_rows_that_train() -> None:
    columns = [FeatureColumn("c", "category", categories=("No", "Yes")), FeatureColumn("a", "number")]
    shown = {"c": polars.Series(["Yes", "No", "Yes", None]), "a": [1.0]}
    spec = TargetSpec("y", "classification", ("p", "q"))
    counts = counted_words(columns, shown, [spec], {"y": np.array([1, 1, -1, 0])})
    assert counts == {"c": {"Yes": 2, "No": 1, None: 1}, "y": {"p": 1, "q": 2}}


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
