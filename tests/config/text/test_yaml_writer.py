from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dltrain.config import dump_yaml
from dltrain.config.text.nodes import Faults
from dltrain.config.text.yaml_reader import read_yaml
from tests.support import examples

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30) | st.sampled_from(
    [
        "NO",
        "yes",
        "1e-3",
        "0x1F",
        "017",
        "~",
        "",
        " ",
        "null",
        "<<",
        "a: b",
        "a #b",
        "- a",
        "$x",
        "$$x",
        "*a",
        "&a",
        "!a",
        "a\nb",
        "12:30",
        "=",
        "é",
        "\ufeff",
        "\x85",
    ]
)
NUMBERS = st.integers(-(10**30), 10**30) | st.floats(allow_nan=False)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(TEXTS.filter(lambda key: key != "<<"), inner, max_size=5),
    max_leaves=30,
)


def read(text: str) -> Any:
    faults = Faults()
    node = read_yaml(text, "c.yaml", faults)
    assert not faults.errors, faults.errors
    return node.plain()


def same(first: Any, second: Any) -> bool:
    """Equal in value and in type, so that 1, 1.0 and true differ."""
    if type(first) is not type(second):
        return False
    if isinstance(first, dict):
        return list(first) == list(second) and all(same(first[key], second[key]) for key in first)
    if isinstance(first, list):
        return len(first) == len(second) and all(same(a, b) for a, b in zip(first, second))
    return bool(first == second)


@given(st.dictionaries(TEXTS, VALUES, max_size=6))
@settings(max_examples=examples(50, 150), deadline=None)
def test_what_is_written_is_read_back(mapping: dict[str, Any]) -> None:
    assert same(read(dump_yaml(mapping)), mapping)


def test_it_looks_like_a_config_written_by_hand() -> None:
    text = dump_yaml(
        {
            "name": "lfw",
            "data": {"source": "lfw_people", "split": {"test": 0.25}},
            "model": {"layers": ["Flatten", {"Dense": {"units": 20, "activation": "relu"}}], "output": "auto"},
            "training": {"optimizer": {"Adam": {"learning_rate": 1e-05}}, "metrics": ["accuracy"]},
            "evaluation": {"require": ["accuracy>=0.9"]},
        }
    )
    assert text == (
        "name: lfw\n"
        "data:\n  source: lfw_people\n  split: {test: 0.25}\n"
        "model:\n  layers:\n    - Flatten\n    - Dense: {units: 20, activation: relu}\n  output: auto\n"
        "training:\n  optimizer: {Adam: {learning_rate: 1.0e-05}}\n  metrics: [accuracy]\n"
        "evaluation:\n  require: [accuracy>=0.9]\n"
    )


def test_values_that_are_not_plain_are_refused() -> None:
    with pytest.raises(TypeError, match="set"):
        dump_yaml({"a": {1, 2}})


def test_what_reorders_or_hides_text_is_written_by_its_number() -> None:
    """Shown as it is, a column's name could stand elsewhere in the line than where it is read."""
    hidden = {"target": "y\u202ecd\u2066", "a\u200bb": ["\ufeff", "ü", "中", "😀"]}
    text = dump_yaml(hidden)
    assert text == 'target: "y\\u202ecd\\u2066"\n"a\\u200bb": ["\\ufeff", "ü", "中", "😀"]\n'
    assert read(text) == hidden


@pytest.mark.parametrize(
    "wrap", [lambda key: {key: 1}, lambda key: {"a": {key: "b", "c": {key: [1]}}}, lambda key: {"a": [{key: {"b": 1}}, {key: 2}]}]
)
@pytest.mark.parametrize("key", ["k" * 1100, "k: " * 400, "é\n" * 600])
def test_a_long_key_is_read_back(wrap: Any, key: str) -> None:
    """YAML ends a key after 1,024 characters, unless it is marked as one."""
    assert same(read(dump_yaml(wrap(key))), wrap(key))
    long = {"b" * 40: [1], "c" * 80: wrap(key)}
    assert same(read(dump_yaml({"data": long, "model": [long, long]})), {"data": long, "model": [long, long]})
