"""The scan agrees with Python's csv module wherever that is strict, and places what is wrong."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dltrain.data.tables.text_format import find_separator, is_followed_by_blank
from dltrain.data.tables.text_scan import WidthCheck, scan_text

CELLS = st.text(alphabet='ab ,;"\n1.é', max_size=6)


@given(st.lists(st.lists(CELLS, min_size=2, max_size=4), min_size=1, max_size=8), st.booleans())
def test_records_and_lines_are_those_of_the_csv_module(rows: list[list[str]], ends_with_newline: bool) -> None:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows(rows)
    text = buffer.getvalue() if ends_with_newline else buffer.getvalue().removesuffix("\n")
    content = text.encode()
    scan = scan_text(content, ",", '"', "t.csv")
    assert not scan.faults
    assert scan.num_fields.tolist() == [len(row) for row in rows]
    read = [content[start:end].decode() for start, end in zip(scan.starts, scan.ends, strict=True)]
    assert [next(csv.reader(io.StringIO(record))) for record in read] == rows
    lines = [1 + text[: len(content[:start].decode())].count("\n") for start in scan.starts]
    assert scan.lines.tolist() == lines


@given(st.binary(max_size=60))
def test_any_bytes_are_scanned_without_a_crash(content: bytes) -> None:
    scan = scan_text(content, ",", '"', "t.csv")
    assert len(scan.starts) == len(scan.ends) == len(scan.num_fields) == len(scan.lines)
    assert (scan.ends >= scan.starts).all()


@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        ('a,b\n1,"x\n2,y\n', 2, 3, "never closed"),
        ('a,b\n1,"x\n2,"y"\n', 2, 3, "closed at line 3"),
        ('a,b\n1,x"y,z"\n', 2, 4, "middle of a field"),
    ],
)
def test_a_quote_out_of_place_is_placed(text: str, line: int, column: int, words: str) -> None:
    (fault,) = scan_text(text.encode(), ",", '"', "t.csv").faults
    assert (fault.file, fault.line, fault.column) == ("t.csv", line, column)
    assert words in fault.message


def test_a_quote_inside_a_field_that_hides_nothing_is_a_character() -> None:
    scan = scan_text(b'a,b\n1,5" x 7"\n2,b\n', ",", '"', "t.csv")
    assert not scan.faults
    assert scan.num_fields.tolist() == [2, 2, 2]


def test_rows_of_another_length_are_named_and_ten_are_shown() -> None:
    text = "a,b\n" + "1\n" * 6 + "1,2\n" + "1,2,3\n" * 6
    scan, check = scan_text(text.encode(), ",", '"', "t.csv"), WidthCheck(2, "the header names", "t.csv")
    check.add(scan.num_fields[1:], scan.lines[1:])
    faults = check.faults()
    assert [fault.line for fault in faults[:10]] == [2, 3, 4, 5, 6, 7, 9, 10, 11, 12]
    assert "1 values, fewer than" in faults[0].message
    assert "3 values, more than" in faults[6].message
    assert faults[10].message == "and 2 more"


@pytest.mark.parametrize(
    ("text", "separator"),
    [
        (b"a,b,c\n1,2,3\n", ","),
        (b"a;b\n1,5;2,5\n3,5;4,5\n", ";"),
        (b"a\tb\n1,0\t2\n", "\t"),
        (b"a|b|c\n1|2|3\n", "|"),
        (b'"x;y",b\n"1;2",3\n', ","),
        (b"a\n1\n2\n", ","),
    ],
)
def test_separator_is_found(text: bytes, separator: str) -> None:
    assert find_separator(text, '"') == separator


def test_blanks_after_separators_are_found() -> None:
    assert is_followed_by_blank(b"1, 2, 3\n4, 5, 6\n", ",")
    assert not is_followed_by_blank(b"1,2,3\n", ",")


@pytest.mark.parametrize(
    ("record", "blanks"),
    [
        (b'"a" ,b', [3]),
        (b'b,  "a"', [2, 3]),
        (b'"a"  ', [3, 4]),
        (b' "a ""b"" c" , d', [0, 12]),
        (b'b,x "a" y', []),
        (b'b,5" ', []),
    ],
)
def test_blanks_beside_the_quotes_of_a_field(record: bytes, blanks: list[int]) -> None:
    scan = scan_text(b"p,q\n" + record, ",", '"', "t.csv")
    assert (scan.field_blanks - 4).tolist() == blanks
    assert not scan.faults or record.count(b'"') % 2


@pytest.mark.parametrize("record", [b'"a" b,c', b'"a"b,c', b'"a""b" c,d', b'x "a,b" y,c'])
def test_text_beside_the_quotes_of_a_field(record: bytes) -> None:
    (fault,) = scan_text(b"p,q\n" + record, ",", '"', "t.csv").faults
    assert fault.line == 2
