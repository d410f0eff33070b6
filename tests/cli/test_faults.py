import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dltrain.cli.faults import render_faults
from dltrain.cli.text import display_width
from dltrain.errors import Fault, fault_documents
from tests.support import examples


@pytest.fixture
def config(tmp_path):
    def write(text):
        file = tmp_path / "config.yaml"
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return str(file)

    return write


def test_place_line_caret_and_hint(config):
    file = config("model:\n  layers: [Dense: {units: twenty}]\n")
    fault = Fault("expected an integer, found text", file, 2, 27, "model.layers.0.units", "write 20")
    assert render_faults([fault]).split("\n") == [
        f"{file}:2:27: error: model.layers.0.units: expected an integer, found text",
        "    2 |   layers: [Dense: {units: twenty}]",
        "      |                           ^",
        "  hint: write 20",
    ]


def test_sentences_are_cut_between_words_at_the_edge_of_a_terminal(config):
    file = config(f"a: {'x' * 60}\n")
    words = "the quick brown fox jumps over the lazy dog and is gone"
    fault = Fault(words, details=(words,), hint=words)
    assert render_faults([fault], 40).split("\n") == [
        "error: the quick brown fox jumps over",
        "  the lazy dog and is gone",
        "  the quick brown fox jumps over the",
        "  lazy dog and is gone",
        "  hint: the quick brown fox jumps over",
        "  the lazy dog and is gone",
    ]
    command = f"dltrain fit {words}"
    lines = render_faults([Fault("x", file, 1, 4, hint=command)], 40).split("\n")
    assert command in lines  # to be copied whole
    assert [line for line in lines if "x" * 60 in line]  # what the file says, above its caret


def test_without_a_place():
    assert render_faults([Fault("nothing to do", severity="warning")]) == "warning: nothing to do"


@pytest.mark.parametrize(("line", "column"), [(99, 1), (0, 1), (None, None)])
def test_a_line_that_is_not_there_is_not_shown(config, line, column):
    assert len(render_faults([Fault("x", config("a: 1\n"), line, column)]).split("\n")) == 1


def test_what_is_no_text_is_not_shown(config, tmp_path):
    assert len(render_faults([Fault("x", config(b"\0\0\n"), 1, 1)]).split("\n")) == 1
    assert len(render_faults([Fault("x", str(tmp_path), 1, 1)]).split("\n")) == 1
    assert len(render_faults([Fault("x", "no/such\0file", 1, 1)]).split("\n")) == 1


@pytest.mark.parametrize("text", ["größe: 1", "犬犬: 1", "\ta: 1", "a\x1b[31m: 1"])
def test_the_caret_stands_under_its_character(config, text):
    column = text.index(":") + 1
    _, source, caret = render_faults([Fault("x", config(text), 1, column)]).split("\n")
    assert display_width(source[: source.index(":")]) == caret.index("^")
    assert "\x1b" not in source


def test_a_byte_order_mark_takes_no_column(config):
    _, source, caret = render_faults([Fault("x", config(b"\xef\xbb\xbfa: 1"), 1, 1)]).split("\n")
    assert source.index("a") == caret.index("^")


def test_a_long_line_is_cut_around_its_column(config):
    text = "a" * 5000 + "X" + "b" * 5000
    _, source, caret = render_faults([Fault("x", config(text), 1, 5001)]).split("\n")
    assert len(source) < 150
    assert source.index("X") == caret.index("^")


@given(content=st.binary(max_size=200), line=st.integers(-2, 5), column=st.integers(-2, 300), message=st.text(max_size=20))
@settings(max_examples=examples(50, 150), deadline=None)
def test_any_file_and_place_can_be_shown(tmp_path_factory, content, line, column, message):
    file = tmp_path_factory.getbasetemp() / "any.yaml"
    file.write_bytes(content)
    shown = render_faults([Fault(message, str(file), line, column, hint=message)])
    assert not {character for character in shown if ord(character) < 32 and character != "\n"}


def test_documents():
    (document,) = fault_documents([Fault("m", "f", 1, 2, "p", "h")])
    assert document == {"file": "f", "line": 1, "column": 2, "path": "p", "message": "m", "hint": "h"}
