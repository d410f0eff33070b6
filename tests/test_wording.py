"""Foreign text steers neither a terminal nor a CI job, and gives no password away."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dltrain.config.types import Place, fault_at
from dltrain.errors import Fault, UsageError, warn
from dltrain.starting.start import make_starter
from dltrain.wording import (
    amount,
    column_hint,
    counted,
    in_override,
    label_hint,
    one_line,
    printable,
    quoted,
    shares_of,
    without_credentials,
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("::error file=x::pwned", ":\\x3aerror file=x::pwned"),
        ("  ::set-output name=x::y", "  :\\x3aset-output name=x::y"),
        ("ok\n::error::x", "ok\n:\\x3aerror::x"),
        ("a ##[error]x", "a #\\x23[error]x"),
        ("##vso[task.setvariable]", "#\\x23vso[task.setvariable]"),
        ("std::vector", "std::vector"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("a\u2028b", "a\\u2028b"),
        ("plain text, 漢字", "plain text, 漢字"),
    ],
)
def test_attack_16_no_line_is_a_command(text, shown):
    assert printable(text) == shown


@given(st.text())
def test_attack_16_one_line_is_one_line(text):
    line = one_line(text)
    assert len(line.splitlines()) <= 1
    assert not line.lstrip().startswith("::")
    assert "##[" not in line
    assert "\x1b" not in line


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://me:secret@host/x.csv", "https://***@host/x.csv"),
        ("no file s3://key:secr/et@bucket", "no file s3://key:secr/et@bucket"),
        ("postgres://me@host/db and ftp://a:b@c", "postgres://***@host/db and ftp://***@c"),
        ("https://host/x?token=abc&y=1", "https://host/x?token=***&y=1"),
        ("https://host/x?X-Amz-Signature=abc", "https://host/x?X-Amz-Signature=***"),
        ("me@example.com", "me@example.com"),
    ],
)
def test_attack_16_passwords_of_urls_are_cut_out(text, shown):
    assert without_credentials(text) == shown
    assert printable(text) == shown


@pytest.mark.parametrize("url", ["https:/user:secret@host/x.csv", "s3:/key:secret@b/x", "https://user:sec%40ret@host/x"])
def test_attack_16_a_path_made_of_a_url_keeps_no_password(url):
    shown = printable(f"no such file: {url}")
    assert "sec" not in shown
    assert "***@" in shown


@pytest.mark.parametrize(
    ("column", "said"),
    [
        ("a^b^y", 'data.separator: "^"'),
        ("y:a:b", 'data.separator: ":"'),
        ("a \t y  b", "data.separator: whitespace"),
        ("a\x1fy", 'data.separator: "\\u001f"'),
        ("a::y", "write one character in its place"),
        ("only-why", "columns: only-why"),
        ("unhappy", "columns: unhappy"),
    ],
)
def test_a_column_that_holds_the_name_looked_for_may_be_several(column, said):
    assert column_hint("y", [column]).endswith(said)


@pytest.mark.parametrize(("noun", "said"), [("row", "2 rows"), ("process", "2 processes"), ("box", "2 boxes")])
def test_several_things_are_told_in_the_plural(noun, said):
    assert counted(2, noun) == said
    assert counted(1, noun) == f"1 {noun}"


def test_an_override_is_named_once_though_its_address_holds_a_secret():
    word = "data.path=https://me:geheim@host/x.csv?X-Amz-Signature=abcdef"
    first = fault_at(Place("c.yaml", 1, 1, word=word), "no such file")
    hidden = without_credentials(first.message)
    assert hidden == first.message
    assert fault_at(Place("c.yaml", 1, 1, word=word), hidden).message == hidden
    assert in_override(word) == ', in "data.path=https://***@host/x.csv?X-Amz-Signature=***"'


@pytest.mark.parametrize(
    ("value", "said"),
    [(1_520_000, "1,520,000"), (1_416_362.5, "1,416,360"), (48_094, "48,094"), (0.30173, "0.30173"), (-2.5e9, "-2,500,000,000")],
)
def test_large_numbers_are_said_in_full(value, said):
    assert amount(value) == said


def test_of_many_labels_those_of_most_rows_are_named():
    counts = {f"l{number}": 1 if number < 10 else 40 for number in range(20)} | {"l10": 2000}
    said = shares_of(counts.items(), 2370)
    assert said.startswith("l10: 2,000 (84.4 %), l11: 40 (1.7 %), ")
    assert said.endswith("l1: 1 (under 0.1 %), and 8 more")
    assert shares_of([("b", 3), ("a", 0)], 3) == "b: 3 (100.0 %), a: 0 (0.0 %)"


def test_what_is_told_of_a_thing_is_no_longer_than_anybody_reads():
    book = "x" * 100_000
    assert len(quoted(book)) < 200
    fault = Fault(f"the label {book} stands in one row", hint=f"write {book}, not another")
    assert max(len(fault.message), len(fault.hint or "")) < 7000
    assert fault.message.endswith("stands in one row")
    assert len(warn(book, "any").text) < 7000


def test_a_table_of_names_that_are_books_is_listed_on_few_pages(tmp_path):
    names = [f"{'h' * 20_000}{number}" for number in range(50)]
    (tmp_path / "t.csv").write_text("\n".join([",".join(names), *[",".join("1" for _ in names)] * 40]))
    with pytest.raises(UsageError) as caught:
        make_starter(str(tmp_path / "t.csv"))
    assert len(str(caught.value)) < 20_000


def test_of_a_label_that_is_a_number_no_other_is_guessed():
    known = ["3.3", "-0.1", "класс 1"]
    assert label_hint("y", "-3.3", known, "labels") == "labels: 3.3, -0.1, класс 1"
    assert label_hint("y", "клас 1", known, "labels").startswith("if it means класс 1, say data.replace")
