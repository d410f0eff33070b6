from __future__ import annotations

import math
import resource
import time

import pytest

from dltrain.config.text.nodes import Faults
from dltrain.config.text.yaml_reader import read_yaml
from dltrain.errors import ConfigError
from tests.config.support import faults_of


def value_of(text: str) -> object:
    faults = Faults()
    node = read_yaml(f"a: {text}\n", "c.yaml", faults)
    assert not faults.errors
    return node.plain()["a"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001), ("1E+3", 1000.0), (".5", 0.5), ("5.", 5.0), ("-0.0", -0.0), ("+1", 1), ("017", 17), ("0o17", 15), ("0x1F", 31),
        ("NO", "NO"), ("no", "no"), ("yes", "yes"), ("on", "on"), ("y", "y"), ("True", True), ("FALSE", False), ("tRue", "tRue"),
        ("null", None), ("~", None), ("", None), ("Null", None), ("nUll", "nUll"), ("12:30:00", "12:30:00"), ("2024-01-01", "2024-01-01"),
        ("1_000", "1_000"), ("1,000", "1,000"), ("0b1", "0b1"), ("1e", "1e"), (".", "."), ("1.2.3", "1.2.3"), ("'1'", "1"), ('"NO"', "NO"),
        (".inf", math.inf), ("-.INF", -math.inf), ("inf", "inf"), ("nan", "nan"), ("0x", "0x"), ("=", "="), ("9" * 500, "9" * 500),
        ("[1, [2, 3], {b: c}]", [1, [2, 3], {"b": "c"}]), ("{1: 2, NO: 3, null: 4}", {"1": 2, "NO": 3, "null": 4}),
    ],
)  # fmt: skip
def test_scalars_are_those_of_yaml_1_2(text: str, value: object) -> None:
    read = value_of(text)
    assert read == value
    assert type(read) is type(value)


def test_not_a_number_is_a_number() -> None:
    value = value_of(".nan")
    assert isinstance(value, float)
    assert math.isnan(value)


def test_anchors_and_merge_keys_are_written_out() -> None:
    faults = Faults()
    node = read_yaml("base: &b {x: 1, y: [2]}\nother: {<<: *b, x: 3}\nlist: [*b, *b]\n", "c.yaml", faults)
    assert node.plain() == {
        "base": {"x": 1, "y": [2]},
        "other": {"x": 3, "y": [2]},
        "list": [{"x": 1, "y": [2]}, {"x": 1, "y": [2]}],
    }


@pytest.mark.parametrize(
    ("text", "line", "column", "fragment"),
    [
        ("", 1, 1, "the file is empty"),
        ("# only this\n", 1, 1, "the file is empty"),
        ("- a\n", 1, 1, "expected a mapping of keys at the top, found a list of 1"),
        ("text\n", 1, 1, 'found text "text"'),
        ("a:\n\tb: 1\n", 2, 1, "a tab cannot indent"),
        ("a:\n  b: 1\n \tc: 1\n", 3, 2, "a tab cannot indent"),
        ("a: [1, 2\n", 2, 1, "a comma or a closing bracket"),
        ("a: {b: 1\nc: 2\n", 2, 2, "not YAML"),
        ("a: b: c\n", 1, 5, "needs quotes"),
        ("a: 1\n b: 2\n", 2, 3, "not YAML"),
        ("a: @x\n", 1, 4, "put quotes around the value"),
        ("a: *x\n", 1, 4, "names no anchor"),
        ("a: 1\nb: 2\na: 3\n", 3, 1, "in line 1 and in line 3"),
        ("a: {b: 1, b: 2}\n", 1, 11, "stands twice"),
        ("a: &x [1, *x]\n", 1, 11, "inside of what it names"),
        ("a: &x {b: *x}\n", 1, 11, "inside of what it names"),
        ("a: !!python/object/apply:os.system [id]\n", 1, 4, "the tag !!python/object/apply:os.system is not allowed"),
        ("a: !!float 3\n", 1, 4, "the tag !!float"),
        ("a: !mine x\n", 1, 4, "the tag !mine"),
        ("a: 1\n---\nb: 2\n", 2, 1, "found a second one"),
        ("? [a, b]\n: 1\n", 1, 3, "expected text as a key"),
        ("a: x\0y\n", 1, 5, "U+0000"),
        ("a: 1\nb: \x1b[31m\n", 2, 4, "U+001B"),
        (b"a: 1\nb: caf\xe9\n", 2, 7, "byte 0xe9 at offset 11"),
        ("a: ä\n".encode("utf-16"), 1, 1, "not UTF-8"),
        (b"\xff", 1, 1, "not UTF-8"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_place(text: str | bytes, line: int, column: int, fragment: str) -> None:
    for fault in faults_of(text):
        if fragment in f"{fault.message} ({fault.hint})":
            assert (fault.line, fault.column) == (line, column)
            return
    pytest.fail(f"{fragment!r} in none of {[str(fault) for fault in faults_of(text)]}")


def test_columns_count_characters_and_a_byte_order_mark_does_not_count() -> None:
    [fault] = faults_of("\ufeffdata: {source: iris, 'ä😀': 1}\n".encode())
    assert (fault.line, fault.column) == (1, 22)


def _aliases(width: int, height: int) -> str:
    lines = ["a0: &a0 [" + ", ".join(["x"] * width) + "]"]
    lines += [f"a{row}: &a{row} [" + ", ".join([f"*a{row - 1}"] * width) + "]" for row in range(1, height)]
    return "\n".join(lines)


def _merges(width: int, height: int) -> str:
    lines = ["a0: &a0 {x: 1}"]
    lines += [f"a{row}: &a{row} {{<<: [" + ", ".join([f"*a{row - 1}"] * width) + f"], k{row}: 1}}" for row in range(1, height)]
    return "\n".join(lines)


def _parameters(width: int, height: int) -> str:
    lines = ["data: $a9", "parameters:", "  a0: [" + ", ".join(["x"] * width) + "]"]
    lines += [f"  a{row}: [" + ", ".join([f"$a{row - 1}"] * width) + "]" for row in range(1, height)]
    return "\n".join(lines)


def _chain(first: str, link: str, opened: str, closed: str) -> str:
    """Each entry holds the one before in as many levels as one may have."""
    lines = [first]
    lines += [link.format(row, row - 1).replace("<", opened * 45).replace(">", closed * 45) for row in range(1, 30)]
    return "\n".join(lines)


HOSTILE = {
    "aliases in aliases": _chain("a0: &a0 [x]", "a{0}: &a{0} <*a{1}>", "[", "]"),
    "mappings in aliases": _chain("a0: &a0 {x: 1}", "a{0}: &a{0} <*a{1}>", "{x: ", "}"),
    "merges of aliases": _chain("a0: &a0 {x: 1}", "a{0}: &a{0} {{<<: *a{1}, y: <*a{1}>}}", "{x: ", "}"),
    "parameters in parameters": _chain("data: $a29\nparameters:\n  a0: [x]", "  a{0}: <$a{1}>", "[", "]"),
    "aliases": _aliases(10, 12),
    "merge keys": _merges(6, 12),
    "parameters": _parameters(10, 12),
    "parameter chain": "parameters:\n" + "".join(f"  a{index}: $a{index + 1}\n" for index in range(20000)) + "data: {}\n",
    "deep lists": "a: " + "[" * 500_000,
    "deep mappings": "a: " + "{a: " * 200_000,
    "deep blocks": "\n".join(" " * depth + "a:" for depth in range(1200)),
    "dashes": "- " * 400_000,
    "questions": "? " * 400_000,
    "many keys": "".join(f"k{index}: 1\n" for index in range(90_000)),
    "many values": "data: [" + "1," * 500_000 + "]",
    "duplicates": "a: 1\n" * 150_000,
    "anchors": "".join(f"a{index}: &x{index} 1\n" for index in range(40_000)),
    "long text": "name: " + "x" * 1_000_000,
    "long number": "seed: " + "9" * 1_000_000,
    "wrong layers": "data: {source: digits}\nmodel:\n  layers:\n" + "    - Dnese: {unts: 3}\n" * 9_000,
    "layers": "data: {source: digits}\nmodel:\n  layers:\n" + "    - Dense: {units: 3}\n" * 9_000,
    "colons": "a" + ":" * 1_000_000,
    "wide format": "data: {source: digits}\ntraining: {checkpoint: {filepath: 'a{epoch:9999999999d}.h5'}}",
    "large": "a: 1\n" * 300_000,
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_bombs_cost_little(kind: str) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.process_time()
    faults = faults_of(HOSTILE[kind])
    seconds = time.process_time() - start
    assert faults
    assert seconds < 10  # Measured 0.01 to 0.6 s; what grows as the square of a bomb takes minutes.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 150_000


def test_a_syntax_fault_is_a_config_error_with_exit_code_2() -> None:
    with pytest.raises(ConfigError) as caught:
        read_yaml("a: [", "c.yaml", Faults())
    assert caught.value.exit_code == 2
