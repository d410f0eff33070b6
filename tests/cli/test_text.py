import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dltrain.cli.text import format_bytes, format_number, format_seconds, table
from dltrain.wording import display_width, one_line, printable


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (14501, "14,501"),
        (0.0, "0"),
        (0.95, "0.9500"),
        (0.99999, "1.000"),
        (9.9999, "10.00"),
        (0.0001234, "0.0001234"),
        (0.00001234, "1.234e-05"),
        (58123.4, "58,120"),
        (9999.6, "10,000"),
        (-1234.5, "-1,234"),
        (2e12, "2.000e+12"),
        (math.nan, "nan"),
        (-math.inf, "-inf"),
        (None, "-"),
        ("x", "x"),
        (True, "True"),
    ],
)
def test_format_number(value, text):
    assert format_number(value) == text


@given(st.floats(-1e300, 1e300))
def test_four_significant_digits(value):
    assert float(format_number(value).replace(",", "")) == pytest.approx(value, rel=5.01e-4, abs=1e-300)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.1234, "0.12 s"),
        (12.34, "12.3 s"),
        (99.99, "1 min 40 s"),
        (3599.7, "1 h 0 min"),
        (7500, "2 h 5 min"),
        (None, "-"),
        (math.nan, "-"),
    ],
)
def test_format_seconds(seconds, text):
    assert format_seconds(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (232_600_000, "233 MB"), (999_900_000, "1 GB"), (5e12, "5 TB")],
)
def test_format_bytes(count, text):
    assert format_bytes(count) == text


@given(st.text())
def test_printable_text_steers_no_terminal(text):
    shown = printable(text)
    assert not {character for character in shown if (ord(character) < 32 and character != "\n") or 127 <= ord(character) < 160}
    assert "\n" not in one_line(text)


def test_display_width():
    assert display_width("abc") == 3
    assert display_width("犬") == 2
    assert display_width("e\u0301") == 1


cells = st.text(st.characters(codec="utf-8", categories=["L", "N", "Zs"]), max_size=8)


@given(st.lists(st.tuples(cells, cells, cells), max_size=5))
def test_columns_of_a_table_stand_in_line(rows):
    lines = table(["a", "b", "c"], [[f"{one}|", f"|{two}|", f"|{three}|"] for one, two, three in rows]).split("\n")
    assert len(lines) == len(rows) + 1
    ends = {display_width(line[: line.rindex("|") + 1]) for line in lines[1:]}
    assert len(ends) <= 1


@pytest.mark.parametrize("width", [20, 40, 60, 80, 200])
def test_e5_a_table_is_no_wider_than_the_terminal_and_loses_nothing(width):
    header = ["run", "status", "result", *(f"metric {index}" for index in range(6))]
    rows = [
        [f"california_housing-20261122-101500-3f2{index}", "finished", "accuracy 0.9792 (test)", *["0.1234"] * 6]
        for index in range(3)
    ]
    text = table(header, rows, left=3, width=width)
    assert max(map(display_width, text.splitlines())) <= max(width, 24)
    letters = "".join(text.split())
    assert letters.count("0.1234") == 18
    assert all(word in "".join(text.split()) for word in ("metric5", "0.9792", "finished"))


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("猫", 2),
        ("e\u0301", 1),
        ("น้ำ", 2),
        ("😀", 2),
        ("\u2764\ufe0f", 2),
        ("👩\u200d👩\u200d👧", 2),
        ("👍\U0001f3fd", 2),
        ("🇨🇭", 2),
        ("\u1112\u1161\u11ab", 2),
    ],
)
def test_e5_names_of_all_scripts_take_the_columns_that_a_terminal_gives_them(text, columns):
    assert display_width(text) == columns


def test_e5_words_are_cut_only_where_there_is_no_other_way():
    text = table(["name", "task", "where"], [["olivetti_faces", "classification", "comes with scikit-learn"]], left=3, width=48)
    assert max(map(display_width, text.splitlines())) <= 48
    assert "classification" in text
    assert "scikit-learn" in text


@given(
    cells=st.lists(st.lists(st.text("ab 漢-", max_size=30), min_size=3, max_size=3), min_size=1, max_size=4),
    width=st.integers(40, 90),
)
def test_folded_tables_keep_every_letter(cells, width):
    text = table(["one", "two", "three"], cells, left=3, width=width)
    assert all(display_width(line) <= max(width, 40) for line in text.splitlines())
    plain = "".join("".join(row) for row in cells)
    assert sorted("".join(text.split()).replace("onetwothree", "", 1)) == sorted("".join(plain.split()))
