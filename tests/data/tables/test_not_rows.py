"""Lines that are no rows: headers repeated where files were put one behind the other, and rows of totals; in memory and streamed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars
import pytest

from dltrain.config.types import DataConfig, SplitConfig
from dltrain.data.dataset import Dataset
from dltrain.data.new_rows import read_part
from dltrain.errors import DataError
from tests.data.streaming import IN_MEMORY, STREAMED, assert_same, load_as, small_chunks

ROWS = 40
LINES = [f"r{row},{row * 7 % 23},{row * 3 % 11 / 4},{'up' if row * 7 % 23 > 11 else 'down'}" for row in range(ROWS)]
HEADER = "name,a,b,y"


@pytest.fixture(params=[IN_MEMORY, STREAMED], ids=["resident", "streamed"])
def bound(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("DLTRAIN_CACHE", str(tmp_path / "cache"))
    small_chunks(monkeypatch, 150)
    return str(request.param)


def config_of(*files: Path, target: str = "y") -> DataConfig:
    return DataConfig(files[0].suffix[1:], path=tuple(map(str, files)), target=(target,), scale="none")


def values(dataset: Dataset) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    array = dataset.parts["train"].inputs["features"]
    return np.asarray(array if isinstance(array, np.ndarray) else array.read(0, len(array)))


@pytest.mark.parametrize("between", [f"{HEADER}\n", f"\ufeff{HEADER}\n", f"{HEADER}\r\n", f"\n{HEADER}\n{HEADER}\n"])
def test_a_repeated_header_is_no_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bound: str, between: str) -> None:
    plain, joined = tmp_path / "plain.csv", tmp_path / "joined.csv"
    plain.write_text("\n".join([HEADER, *LINES]), encoding="utf-8")
    halves = ["\n".join([HEADER, *LINES[:25]]) + "\n", "\n".join(LINES[25:])]
    joined.write_bytes(between.join(halves).encode())
    expected, found = (load_as(monkeypatch, bound, config_of(file)) for file in (plain, joined))
    np.testing.assert_array_equal(values(found), values(expected))
    assert values(found).shape == (ROWS, 2)
    np.testing.assert_array_equal(found.parts["train"].targets["y"], expected.parts["train"].targets["y"])
    said = [warning for warning in found.warnings if "header" in warning]
    lines = [number for number, line in enumerate(joined.read_bytes().decode().split("\n"), 1) if HEADER in line][1:]
    where = f"line {lines[0]}" if len(lines) == 1 else f"lines {', '.join(map(str, lines))}"
    assert len(said) == 1
    assert f"joined.csv: the header is repeated at {where}, " in said[0]
    assert not any("header" in warning for warning in expected.warnings)
    part = read_part(found.preprocessing, [str(joined)], with_targets=True)
    assert part.num_rows == ROWS


def test_a_mark_of_an_encoding_between_two_files_is_no_part_of_a_value(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bound: str
) -> None:
    (tmp_path / "plain.csv").write_text("\n".join([HEADER, *LINES]))
    (tmp_path / "joined.csv").write_text("\n".join([HEADER, *LINES[:25], *(f"\ufeff{line}" for line in LINES[25:])]))
    expected, found = (load_as(monkeypatch, bound, config_of(tmp_path / name)) for name in ("plain.csv", "joined.csv"))
    np.testing.assert_array_equal(values(found), values(expected))
    assert found.warnings == expected.warnings


@pytest.mark.parametrize("end", ["\x1a", "\n\x1a", "\r\n\x1a\x1a"], ids=["behind the last cell", "alone", "several"])
def test_the_mark_by_which_dos_ends_a_file_is_no_row_and_in_no_cell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bound: str, end: str
) -> None:
    text = "\n".join([HEADER, *LINES])
    (tmp_path / "plain.csv").write_text(text)
    (tmp_path / "dos.csv").write_bytes((text + end).encode())
    expected, found = (load_as(monkeypatch, bound, config_of(tmp_path / name)) for name in ("plain.csv", "dos.csv"))
    np.testing.assert_array_equal(values(found), values(expected))
    assert found.preprocessing.to_state()[0] == expected.preprocessing.to_state()[0]
    assert found.warnings == expected.warnings


@pytest.mark.parametrize("end", [",,,\r\n" * 90, ",,,\n\n , ,,\n", ",,,"], ids=["many", "blank lines among them", "one"])
def test_rows_of_nothing_at_the_end_are_left_out_and_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bound: str, end: str
) -> None:
    plain, padded = tmp_path / "plain.csv", tmp_path / "padded.csv"
    text = "\n".join([HEADER, *LINES[:9], ",,,down", *LINES[9:]]) + "\n"
    plain.write_text(text)
    padded.write_bytes((text + end).encode())
    expected, found = (load_as(monkeypatch, bound, replace(config_of(file), impute="median")) for file in (plain, padded))
    np.testing.assert_array_equal(values(found), values(expected))
    assert len(values(found)) == ROWS + 1
    rows = end.count(",,,") + end.count(", ,,")
    said = f"padded.csv: {rows} row{'s' * (rows > 1)} without any value at the end left out"
    assert [line for line in found.summary if line.endswith(said)]
    assert not any("without any value" in line for line in expected.summary)
    assert read_part(found.preprocessing, [str(padded)], with_targets=True).num_rows == ROWS + 1


MARKED = {
    "Markdown": ("| {} | {} | {} | {} |", "|---|--:|:-:|-----|", ""),
    "Markdown without a frame": ("{} | {} | {} | {}", "--- | ---: | :---: | ---", ""),
    "psql": (" {} | {} | {} | {}", "------+----+---+-----", ""),
    "mysql": ("| {} | {} | {} | {} |", "+------+----+---+----+", "+------+----+---+----+"),
}
COUNTED = {"psql": ["(40 rows)", "", "Time: 1.234 ms"], "mysql": ["40 rows in set (0.01 sec)", ""]}


@pytest.mark.parametrize("kind", MARKED)
@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["unix", "windows"])
def test_lines_that_rule_a_pasted_table_are_no_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bound: str, kind: str, end: str
) -> None:
    row, rule, frame = MARKED[kind]
    plain, ruled = tmp_path / "plain.csv", tmp_path / "ruled.csv"
    plain.write_text("\n".join([HEADER, *LINES]), encoding="utf-8")
    lines = [row.format(*line.split(",")) for line in (HEADER, *LINES)]
    lines = [*([frame] if frame else []), lines[0], rule, *lines[1:], *([frame] if frame else []), *COUNTED.get(kind, [])]
    ruled.write_bytes(("\ufeff" + end.join(lines) + end).encode())
    expected, found = (load_as(monkeypatch, bound, config_of(file)) for file in (plain, ruled))
    np.testing.assert_array_equal(values(found), values(expected))
    np.testing.assert_array_equal(found.parts["train"].targets["y"], expected.parts["train"].targets["y"])
    if bound == IN_MEMORY:
        assert any("the lines of dashes left out" in line for line in found.summary)
    for file in (plain, ruled):
        assert read_part(found.preprocessing, [str(file)], with_targets=True).num_rows == ROWS


def test_dashes_that_stand_for_no_value_are_a_row(tmp_path: Path) -> None:
    from dltrain.data.sources.csv import parse_text

    for text in (b"a|b\n--|--\n1|2\n", b"a,b\n---,---\n1,2\n", b"a|b\n1|2\n---|---\n3|4\n"):
        assert parse_text(text, "t.csv", config_of(tmp_path / "t.csv")).frame.height == text.count(b"\n") - 1


@pytest.mark.parametrize("text", ["x,tags\n1,a|b\n2,b\n", "tags\na|b\nb\n", "|x|,y\n1,2\n2,3\n"])
def test_without_a_line_of_dashes_bars_are_a_text_like_others(tmp_path: Path, text: str) -> None:
    from dltrain.data.sources.csv import parse_text

    read = parse_text(text.encode(), "t.csv", config_of(tmp_path / "t.csv")).frame
    assert [",".join(row) for row in [read.columns, *read.cast(polars.String).rows()]] == text.splitlines()


def test_a_value_that_is_the_name_of_a_single_column_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bound: str) -> None:
    from dltrain.data.sources.csv import parse_text

    assert parse_text(b"word\none\nword\n", "t.csv", config_of(tmp_path / "t.csv")).frame["word"].to_list() == ["one", "word"]
    quoted = f'{HEADER}\n"a\n{HEADER}\n",1,2,up\nb,1,2,down\n'
    frame = parse_text(quoted.encode(), "t.csv", config_of(tmp_path / "t.csv")).frame
    assert frame["name"].to_list() == [f"a\n{HEADER}\n", "b"]


def test_one_column_of_decimal_commas_has_no_names_of_rows(tmp_path: Path) -> None:
    from dltrain.data.sources.csv import parse_text

    text = ("p\n" + "\n".join(f"{row},{row % 10}" for row in range(20))).encode()
    with pytest.raises(DataError, match="the rows have 2 values each, the header names 1"):
        parse_text(text, "t.csv", config_of(tmp_path / "t.csv"))
    found = parse_text(text, "t.csv", replace(config_of(tmp_path / "t.csv"), separator=";"))
    assert (found.frame.columns, found.reading["decimal"]) == (["p"], ",")
    named = parse_text(b'"p"\n"1",5\n"2",7\n"3",6\n', "t.csv", config_of(tmp_path / "t.csv"))
    assert named.frame["p"].to_list() == ["5", "7", "6"]


def test_both_ways_say_the_same_of_totals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DLTRAIN_CACHE", str(tmp_path / "cache"))
    small_chunks(monkeypatch, 150)
    sums = np.array([[float(cell) for cell in line.split(",")[1:3]] for line in LINES]).sum(axis=0)
    total = f"Summe,{sums[0]:g},{sums[1]:g},down"
    first, second = tmp_path / "a.csv", tmp_path / "b.csv"
    first.write_text("\n".join([HEADER, *LINES, total]))
    second.write_text("\n".join([HEADER, *LINES]))
    resident, streamed = (load_as(monkeypatch, way, config_of(first, second)) for way in (IN_MEMORY, STREAMED))
    assert_same(resident, streamed)
    found = [[warning for warning in data.warnings if "called" in warning] for data in (resident, streamed)]
    assert found[0] == found[1]
    assert len(found[0]) == 1
    assert "the last row of " in found[0][0]
    assert "a.csv is called 'Summe' and holds the sums of the others (a): it is no row; `data.comment: Summe`" in found[0][0]


def test_totals_of_parquet_and_in_another_column(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bound: str) -> None:
    rows = [{"a": row * 7 % 23, "name": f"r{row % 4}", "y": row % 2} for row in range(ROWS)]
    rows.append({"a": sum(int(row["a"]) for row in rows), "name": "Total", "y": 0})
    polars.DataFrame(rows).write_parquet(tmp_path / "t.parquet")
    polars.DataFrame(rows).write_csv(tmp_path / "t.csv")
    for ending in ("parquet", "csv"):
        warnings = load_as(monkeypatch, bound, config_of(tmp_path / f"t.{ending}")).warnings
        said = [warning for warning in warnings if "called" in warning]
        assert said == [
            "the last row is called 'Total' and holds the sums of the others (a): it is no row; take it out of the file"
        ]


def test_a_row_of_two_separators_has_a_value(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bound: str) -> None:
    """As the last comma of a text whose words are tagged."""
    path = tmp_path / "tags.csv"
    path.write_text("word\ttag\n" + "dog\tN\n,\t,\n" * ROWS)
    found = load_as(monkeypatch, bound, replace(config_of(path, target="tag"), labels=None))
    assert found.parts["train"].num_rows == 2 * ROWS
    assert not any("without any value" in line for line in found.summary)


@pytest.mark.parametrize(
    ("odd", "said"),
    [
        ("Subtotal,11,4.5,up", "kind is 'Subtotal' in some rows: if these are sums of the others, `data.comment: \"Subtotal\"`"),
        ("# second,1,1,down", "kind is '# second' in some rows: if these are comments, `data.comment: \"#\"` leaves out"),
        ("low,1,1,down", ""),
    ],
)
def test_rows_in_the_middle_that_may_be_none_are_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bound: str, odd: str, said: str
) -> None:
    rows = [f"{'abcde'[row % 5]}{line[line.index(',') :]}" for row, line in enumerate(LINES)]
    (tmp_path / "t.csv").write_text("\n".join(["kind,a,b,y", *rows[:20], odd, odd, *rows[20:]]))
    found = load_as(monkeypatch, bound, config_of(tmp_path / "t.csv"))
    told = [warning for warning in found.warnings if "in some rows" in warning]
    assert len(told) == bool(said)
    assert all(warning.startswith(said) for warning in told)


def test_headers_in_other_letters_are_said_a_category_called_as_its_column_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bound: str
) -> None:
    rows = [f"{'abc'[row % 3]},{'remote' if row % 2 else 'near'},{'up' if row % 5 else 'down'}" for row in range(ROWS)]
    for header, is_said in (("Kind,REMOTE,Y", True), ("a,remote,up", False)):
        (tmp_path / "t.csv").write_text("\n".join(["kind,remote,y", *rows[:20], header, header, *rows[20:]]))
        told = " ".join(load_as(monkeypatch, bound, config_of(tmp_path / "t.csv")).warnings)
        assert ("kind is 'Kind' in some rows: if these are headers in the middle of the file" in told) == is_said


@pytest.mark.parametrize("comment", ["# made by x", "# made by x, on Monday", "% 1, 2, 3", "// x\n// y", "# a\n#\n# b, c"])
def test_a_comment_above_the_header_is_told_by_what_leaves_it_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bound: str, comment: str
) -> None:
    (tmp_path / "t.csv").write_text("\n".join([comment, HEADER, *LINES]))
    mark = comment.split()[0]
    with pytest.raises(DataError) as error:
        load_as(monkeypatch, bound, config_of(tmp_path / "t.csv"))
    assert len(error.value.faults) == 1
    assert f'`data.comment: "{mark}"` leaves out' in str(error.value.faults[0].hint)
    assert load_as(monkeypatch, bound, replace(config_of(tmp_path / "t.csv"), comment=(mark,))).parts["train"].num_rows == ROWS


def test_a_comment_among_labels_and_subtotals_of_the_test_part_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bound: str
) -> None:
    lines = [f"{'up' if row % 3 else 'down'},{'abc'[row % 3]},{row % 7}" for row in range(ROWS)]
    (tmp_path / "c.csv").write_text("\n".join(["y,k,x", *lines[:20], "# a pause,,", *lines[20:]]))
    config = DataConfig("csv", path=(str(tmp_path / "c.csv"),), target=("y",))
    assert any("'# a pause' in some rows: if these are comments" in note for note in load_as(monkeypatch, bound, config).warnings)
    with pytest.raises(DataError) as error:
        load_as(monkeypatch, bound, replace(config, split=SplitConfig(test=0.25)))
    assert str(error.value.faults[0].hint).startswith('if it is a comment, `data.comment: "#"` leaves out lines that begin so; ')
    (tmp_path / "t.csv").write_text("\n".join(["y,k,x", *lines[:35], "up,Subtotal,9", *lines[35:], "up,subtotal,4"]))
    config = DataConfig("csv", path=(str(tmp_path / "t.csv"),), target=("y",), split=SplitConfig(test=0.25, shuffle=False))
    told = [note for note in load_as(monkeypatch, bound, config).warnings if "has not seen" in note]
    assert len(told) == 1
    how = "if it is the sum of others, take the row out (`data.comment: Subtotal` does, where its line begins so)"
    assert told[0].endswith(f"k 2 (Subtotal, subtotal); 'Subtotal': {how}")


@pytest.mark.parametrize(
    ("second", "said"),
    [
        (["", "city,c,d,z", *LINES[:9]], "a row of words below a blank line, city, c, d, z"),
        (["", "", "city,c", "Rome,3", "Oslo,5"], "from here on the rows have 2 values, the header names 4"),
        (["city,c,d,z,u", *(f"{line},1" for line in LINES[:9])], "from here on the rows have 5 values, the header names 4"),
    ],
    ids=["as wide", "narrower", "wider"],
)
def test_a_second_table_below_the_first_is_one_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bound: str, second: list[str], said: str
) -> None:
    small_chunks(monkeypatch, 5_000)  # a header is known by the rows before it
    file = tmp_path / "two.csv"
    lines = [HEADER, *LINES, *second]
    file.write_text("\n".join(lines) + "\n")
    with pytest.raises(DataError, match=said) as caught:
        load_as(monkeypatch, bound, config_of(file))
    assert len(caught.value.faults) == 1
    assert caught.value.faults[0].line == next(row for row, line in enumerate(lines, 1) if line.startswith("city"))
    assert "a file of its own" in str(caught.value.faults[0].hint)


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("len,wid,kind", ""),
        ("Len,Wid,Kind", "a row of words among numbers, Len, Wid, Kind"),
        ("price,rate,class", "a row of words among numbers, price, rate, class"),
        ("NA,,class", ""),
        ("unknown,unknown,class", ""),
        ("north,7.5,b", ""),
    ],
)
def test_a_second_table_right_below_the_rows_of_the_first(tmp_path: Path, header: str, said: str) -> None:
    """The file's own header again is left out; words in one column, or for no value, are cells."""
    from dltrain.data.sources.csv import parse_text

    rows = [f"{row % 7}.{row % 10},{'' if row == 3 else row * 3 % 11},{'ab'[row % 2]}" for row in range(40)]
    text = "\n".join(["len,wid,kind", *rows, header, "4,70.5,x", "5,61.0,y"]).encode()
    if not said:
        assert parse_text(text, "t.csv", config_of(tmp_path / "t.csv")).frame.height == 43 - (header == "len,wid,kind")
        return
    with pytest.raises(DataError, match=said) as caught:
        parse_text(text, "t.csv", config_of(tmp_path / "t.csv"))
    assert caught.value.faults[0].line == 42
    assert "a file of its own" in str(caught.value.faults[0].hint)


def test_words_below_a_blank_line_are_a_row_where_columns_hold_words(tmp_path: Path) -> None:
    from dltrain.data.sources.csv import parse_text

    for text in (b"a,b\nx,1\ny,2\n\nz,NA\nu,3\n", b"a,b\nx,y\ny,z\n\nz,x\nu,v\n", b"a,b\n1,y\n2,z\n\n3,x\n4,v\n"):
        assert parse_text(text, "t.csv", config_of(tmp_path / "t.csv")).frame.height == 4
