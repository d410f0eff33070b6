"""How a text table is written, as far as a config has to say it: its encoding, whether its first line is a header, late signs."""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dltrain.config.types import DataConfig
from dltrain.data.columns.number_signs import signs_of
from dltrain.data.columns.reading import USUAL_MISSING, Reading, is_text, mend, to_numbers
from dltrain.data.files import read_blocks, to_utf8
from dltrain.data.raw import TWO_READINGS, RawTable
from dltrain.data.sources.csv import parse_text
from dltrain.data.tables.column_names import column_of
from dltrain.data.tables.sample import read_head
from dltrain.data.tables.tagged_words import refused_words
from dltrain.data.tables.text_comments import comment_mark, marks_below, names_in_comment
from dltrain.data.tables.text_encoding import detect_encoding
from dltrain.data.tables.text_format import DOUBLED, SEPARATORS, UNIT_SEPARATOR, WHITESPACE, Framing, find_separator, plainness
from dltrain.data.tables.text_layout import are_years, is_figure
from dltrain.data.tables.text_scan import BROKEN_ROWS, lines_of_a_row, quotes_are_letters, scan_text
from dltrain.errors import DataError, warn
from dltrain.later import polars
from dltrain.starting.header import HEAD_LINES, has_header, years_above_amounts
from dltrain.wording import listed, shown

if TYPE_CHECKING:
    from numpy.typing import NDArray

LOOKED_AT = 1 << 26
FEWEST_LINES, BEGINNING = 5, 1 << 20
MOST_BEFORE = 30
FASTTEXT = b"__label__"
# Lines that begin with the same word, in the mean, where these are labels before texts of so many words.
FEWEST_OF_LABEL, MOST_LABELS, FEWEST_WORDS = 5, 60, 3
_SPARSE = re.compile(rb"[-+]?\d[\d.,eE+-]*(?: +\d+:[-+]?[\d.eE+-]+)+")
# So many fields between two signs hold no separator; a column without a value leaves two signs side by side as well.
MOSTLY_PLAIN = 0.6
# Different values that are no numbers by the signs which the beginning shows, and the same of numbers, that tell the signs.
MOST_ODD = 500
_FIELD = re.compile(r'"[^"]*"|[^ \t]+')


def find_text_options(file: str, asked: str | None = None) -> dict[str, Any]:
    """The options of `data:` without which the file would be misread, such as `encoding` and `header`; empty: none is needed.

    Args:
        file: the text.
        asked: the target that the user named: a first line with that name is a header.

    Raises:
        DataError: unreadable, empty, or rows of unequal length in the first thousand lines.
    """
    content = _first_megabytes(file)
    encoding = detect_encoding(content)
    options: dict[str, Any] = {} if encoding is None else {"encoding": encoding}
    text = to_utf8(content, encoding, file)
    _refuse_other_text(text, file)
    lines = _first_lines(text)
    mark = comment_mark(lines)
    if comments := (mark,) if mark else marks_below(text):
        options["comment"] = comments
        text = Framing(comments=tuple(comment.encode() for comment in comments)).apply(text)
    options |= _by_signs(text, file)
    head, _, _ = read_head(file, HEAD_LINES)
    plain = DataConfig("csv", header=False, **options)
    table = _parsed(head, file, plain)
    if "skip" not in options:
        if table is None and _parsed(head, file, replace(plain, header=None)) is not None:
            return options  # a header without a name for the names of rows, or rows that end in separators
        table, skip = _below_lines(table, head, text, plain, file)
        options |= skip
    if table is None:
        parse_text(head, file, replace(plain, header=None))  # which says why
        return options
    if table.frame.width == 1 and "skip" not in options:
        _refuse_labels_first(_first_lines(text), file)
    if has_header(table.frame):
        first = table.frame.row(0)
        looks_like_data = years_above_amounts(first, table.frame.slice(1)) and not are_years(first)
        named = {"header": True} if looks_like_data else {}
        return options | named | _group_line(table.frame, asked, options.get("skip", 0))
    columns = names_in_comment(lines, mark, table.reading.get("separator", ","), table.frame.width) if mark else None
    if columns:
        return options | {"header": False, "columns": tuple(columns)}
    is_place = asked is not None and is_figure(asked) and not (asked.isdecimal() and int(asked) > table.frame.width)
    return options | {"header": asked is not None and asked in _cells(table.frame, 0) and not is_place}


def _cells(frame: polars.DataFrame, row: int) -> list[str]:
    return [(cell or "").strip() for cell in frame.row(row)]


def _below_lines(
    table: RawTable | None, head: bytes, text: bytes, plain: DataConfig, file: str
) -> tuple[RawTable | None, dict[str, int]]:
    """The table without the lines before it that belong to none, and the option `skip` that leaves them out."""
    if table is None or table.frame.width == 1:
        _refuse_broken_rows(text, file)
        before, is_sure = _lines_before(text[:BEGINNING])
        inner = parse_text(head, file, replace(plain, skip=before)) if before else None
        if inner is not None and (is_sure or has_header(inner.frame)):
            return inner, {"skip": before}
    if table is not None and (padded := _padded_rows(table.frame)):
        skip = [number for number, line in enumerate(text.split(b"\n")) if line.strip(b" \r")][padded]
        return parse_text(head, file, replace(plain, skip=skip)), {"skip": skip}
    return table, {}


def _group_line(frame: polars.DataFrame, asked: str | None, skip: int) -> dict[str, int]:
    """The option `skip` where the target that was asked for is a name of the second line: that above groups or counts columns."""
    if asked is None or asked in _cells(frame, 0) or frame.height <= 2:
        return {}
    named = Counter(cell for cell in _cells(frame, 1) if cell)
    is_header = asked in named and max(named.values()) == 1 and has_header(frame[1:])
    return {"skip": skip + 1} if is_header else {}


def _parsed(head: bytes, file: str, config: DataConfig) -> RawTable | None:
    """The beginning of a text as a table; None where it is none."""
    try:
        return parse_text(head, file, config)
    except DataError:
        return None


def _refuse_other_text(text: bytes, file: str) -> None:
    """Raise DataError where lines are labels and texts as fastText writes them, or words with their tags."""
    if text.startswith(FASTTEXT):
        _refuse_fasttext(text, file)
    if (fault := refused_words(text[:BEGINNING], file)) is not None:
        raise DataError(fault)


def _refuse_fasttext(text: bytes, file: str) -> None:
    """Raise DataError where each line begins with a label as fastText writes it."""
    if all(line.startswith(FASTTEXT) and b" " in line for line in _first_lines(text)):
        raise _labels_first(file, "__label__", "each line begins with a label, as fastText writes it")


def _refuse_labels_first(lines: Sequence[bytes], file: str) -> None:
    """Raise DataError where lines of one column are a label and words, or a label and numbers of their own places (LIBSVM)."""
    rows = [line.split() for line in lines if line.strip()]
    if len(rows) < FEWEST_LINES:
        return
    if all(_SPARSE.fullmatch(line.strip()) for line in lines if line.strip()):
        name, stem = shown(file), Path(file).stem
        code = f'from sklearn.datasets import load_svmlight_file; x, y = load_svmlight_file("{name}")'
        how = f"python -c 'import numpy; {code}; numpy.savez(\"{stem}.npz\", x=x.toarray(), y=y)'"
        plain = re.fullmatch(r"[\w.,+/-]+", name) is not None
        hint = f"{how} makes arrays of it" if plain else "write its numbers as CSV, Parquet or .npz"
        raise DataError("each line is a label and numbers with their places, as LIBSVM writes them", file=name, hint=hint)
    labels = Counter(row[0] for row in rows)
    words = sum(len(row) - 1 for row in rows) / len(rows)
    most = min(MOST_LABELS, len(rows) // FEWEST_OF_LABEL)
    if min(map(len, rows)) > 1 and 1 < len(labels) <= most and words >= FEWEST_WORDS:
        shown_labels = listed([label.decode("utf-8", "replace") for label in labels], 5)
        raise _labels_first(file, "", f"each line begins with one of {len(labels)} words: {shown_labels}")


def _labels_first(file: str, mark: str, said: str) -> DataError:
    name = shown(file)
    how = f"sed -E 's/^{mark}([^ ]+) +/\\1\\t/' {shlex.quote(name)} > {shlex.quote(name + '.tsv')}"
    return DataError(said, file=name, hint=f"`{how}` makes a table of it; its target is --target 1")


def _by_signs(text: bytes, file: str) -> dict[str, Any]:
    """The options by what stands between the fields of the first lines, where that is no single sign, or quotes are letters."""
    lines = _first_lines(text)
    if (signs := _two_signs(lines)) is not None:
        separator, before = signs
    elif (blanks := _blanks_separate(lines)) is not None:
        separator, before = WHITESPACE, blanks
    else:
        return {"quote": "none"} if _quotes_are_letters(text, file) else {}
    found: dict[str, Any] = {"separator": separator}
    if before:
        found["skip"] = [number for number, line in enumerate(text.split(b"\n")) if line.strip()][before]
    return found


def _first_lines(text: bytes) -> list[bytes]:
    """The first lines that are not blank."""
    some = text if len(text) <= BEGINNING else text[: text.rfind(b"\n", 0, BEGINNING) + 1]
    return [line for line in some.splitlines()[:HEAD_LINES] if line.strip()]


def _refuse_broken_rows(text: bytes, file: str) -> None:
    """Raise DataError where each row goes over several lines, as in old collections of data."""
    rows = [_FIELD.findall(line.decode("utf-8", "replace")) for line in _first_lines(text)]
    widths = lines_of_a_row([len(row) for row in rows])
    if widths and all(map(is_figure, rows[-1])):
        raise DataError(f"each row goes over {len(widths)} lines, of {listed(widths, 4)} values", file=file, hint=BROKEN_ROWS)


def _lines_before(text: bytes) -> tuple[int, bool]:
    """How many lines stand before the table, of which all rows have as many fields, and whether no header may be among them.

    0: none, or there is no such table.
    """
    found, is_sure = (-MOST_BEFORE * BEGINNING, 1), True
    for separator in SEPARATORS:
        scan = scan_text(text, separator, '"', "")
        widths = scan.num_fields[:HEAD_LINES]
        before = int(np.argmax(widths == widths[-1])) if len(widths) else 0
        is_table = len(widths) - before > FEWEST_LINES and bool((widths[before:] == widths[-1]).all())
        if not is_table or scan.faults or not 0 < before < MOST_BEFORE:
            continue
        # A header may lack the name of the names of rows, so one line with one field less says nothing.
        most = int(widths[:before].max())
        if most < widths[-1] - 1 or (most == 1 and widths[-1] == 2):
            # What separates does so in the header as well; the commas of numbers below it do not.
            candidate = 1 - int(scan.lines[before]), int(widths[-1])
            if candidate > found:
                found, is_sure = candidate, most < widths[-1] - 1 or before > 1
    return max(0, -found[0]) if found[1] > 1 else 0, is_sure


def _padded_rows(frame: polars.DataFrame) -> int:
    """How many rows of mostly empty cells stand before a header, as spreadsheets export the lines above a table."""
    for place, row in enumerate(frame.head(MOST_BEFORE).iter_rows()):
        num_filled = sum(bool(cell and cell.strip()) for cell in row)
        if num_filled == len(row):
            return place if place and frame.height - place > FEWEST_LINES and has_header(frame[place:]) else 0
        if 2 * num_filled >= len(row):
            return 0
    return 0


def _blanks_separate(lines: list[bytes]) -> int | None:
    """How many lines stand before a table of whose fields most are numbers, with runs of blanks and tabs between them.

    None where something else makes a table of the text. Columns that are aligned by blanks may have a tab or another sign
    somewhere: where it cuts each line, two blanks side by side in every line say that it does not separate.
    """
    if len(lines) < FEWEST_LINES:
        return None
    rows = [_FIELD.findall(line.decode("utf-8", "replace")) for line in lines]
    width = len(rows[-1])
    others = [place for place, row in enumerate(rows) if len(row) != width]
    before = others[-1] + 1 if others else 0
    if before == 1 and len(rows[0]) == width - 1 and len({row[0] for row in rows[1:]}) == len(rows) - 1:
        before = 0  # as R writes a table
    words = [cell for row in rows[:before] for cell in row]
    # A line of text may have as many words, but then the table has a header.
    is_begun = 3 * sum(map(is_figure, words)) > len(words) or (len(others) < before and any(map(is_figure, rows[before])))
    if width < 2 or before > MOST_BEFORE or len(rows) - before < FEWEST_LINES or (before and is_begun):
        return None
    body = rows[before + 1 :]
    numeric = [all(is_figure(cell) or cell in USUAL_MISSING for cell in column) for column in zip(*body)]
    is_quoted = lines[before].count(b'"') == 2 * len(rows[before]) and re.search(rb'"[ \t]+"', lines[before]) is not None
    if 2 * sum(numeric) < len(numeric) and not is_quoted:
        return None
    separator = find_separator(b"\n".join(lines[before:]), '"').encode()
    counts = {re.sub(rb'"[^"]*"', b"", line).count(separator) for line in lines[before:]}
    is_aligned = all(b"  " in line.strip() for line in lines[before:])
    return before if len(counts) > 1 or counts == {0} or is_aligned else None


def _two_signs(lines: list[bytes]) -> tuple[str, int] | None:
    """The two signs that stand between fields, where each line has them as often, and how many lines stand before these.

    None where a single sign makes a table whose fields are plainer.
    """
    for signs in DOUBLED:
        counts = [re.sub(rb'"[^"]*"', b"", line).count(signs.encode()) for line in lines]
        others = [place for place, count in enumerate(counts) if count != counts[-1]]
        before = others[-1] + 1 if others else 0
        if not counts or not counts[-1] or len(lines) - before < FEWEST_LINES or before > MOST_BEFORE or any(counts[:before]):
            continue
        table = b"\n".join(lines[before:])
        separator = find_separator(table, '"')
        num_fields = scan_text(table, separator, '"', "").num_fields
        is_other = num_fields[0] > 1 and bool((num_fields == num_fields[0]).all())
        marked = table.replace(signs.encode(), b"|" if separator != "|" else b";")
        joined = Framing(doubled=signs.encode()).apply(table)
        if separator in signs:
            fields = re.sub(rb'"[^"]*"', b"", joined).replace(b"\n", UNIT_SEPARATOR.encode()).split(UNIT_SEPARATOR.encode())
            is_plainer = sum(separator.encode() not in field for field in fields) >= MOSTLY_PLAIN * len(fields)
        else:
            is_plainer = plainness(joined, UNIT_SEPARATOR, '"') >= plainness(marked, separator, '"')
        if not is_other or is_plainer:
            return signs, before
    return None


def _quotes_are_letters(text: bytes, file: str) -> bool:
    """Whether quotes surround no fields, see `quotes_are_letters`; not asked of fields between commas, which stand in texts."""
    config = DataConfig("csv")
    framing = Framing.of(config, text)
    text = framing.apply(text)
    separator = framing.separator or find_separator(text, '"')
    if separator == "," or framing.has_rules:
        return False
    return quotes_are_letters(text, scan_text(text, separator, '"', file), separator, file)


def _first_megabytes(file: str) -> bytes:
    """The beginning of a file, unpacked, up to a line's end; all of it where it is no larger."""
    parts: list[bytes] = []
    size = 0
    for block in read_blocks(file, 1 << 22):
        parts.append(block)
        size += len(block)
        if size > LOOKED_AT:
            whole = b"".join(parts)
            return whole[: whole.rfind(b"\n") + 1] or whole
    return b"".join(parts)


def with_late_signs(raw: RawTable) -> RawTable:
    """The table with the signs of its numbers as all of its rows show them, where by these more values are numbers.

    The beginning of a text may not show that thousands have a sign, which only large numbers do, or that decimals have a comma.
    """
    reading = Reading(decimal=raw.reading.get("decimal", "."), thousands=raw.reading.get("thousands"))
    mended = {name: mend(column_of(raw.frame, name), reading) for name in raw.frame.columns if is_text(raw.frame[name])}
    cells, odd = [], {}
    for name, series in mended.items():
        numbers = to_numbers(series, reading)
        is_odd = _odd_cells(series, numbers)
        if is_odd.any():
            odd[name] = int(is_odd.sum())
            some = [*series.filter(is_odd).unique()[:MOST_ODD], *series.filter(numbers == numbers)[:MOST_ODD]]
            cells.append([name, *some])
    signs = signs_of(cells, raw.reading.get("separator", ","))
    found = Reading(decimal=signs.decimal, thousands=signs.thousands or reading.thousands)
    if not cells or found == reading or found.decimal == found.thousands:
        return raw
    left = {name: int(_odd_cells(series, to_numbers(series, found)).sum()) for name, series in mended.items()}
    if sum(left.values()) == sum(odd.values()) or (signs.remark and "decimal" in raw.reading):
        return raw
    worse = [name for name, count in left.items() if count > odd.get(name, 0)]
    better = [name for name in odd if left[name] < odd[name]]
    if worse and not better:
        return raw
    if worse:
        text = f"numbers of {listed(better, 8)} are not written as those of {listed(worse, 8)} are, and are text"
        return replace(raw, notes=(*raw.notes, warn(f"{text}; data.decimal and data.thousands say which are numbers", "signs")))
    if signs.remark:  # in text of a Parquet file
        raw = replace(raw, notes=(*raw.notes, warn(signs.remark, TWO_READINGS)))
    if not any(left[name] for name in better):  # each column is written in one way, if not all in the same
        raw = replace(raw, notes=tuple(note for note in raw.notes if note.code != TWO_READINGS))
    said = {key: value for key, value in raw.reading.items() if key not in ("remark", "unsure")}
    more = {"thousands": found.thousands} if found.thousands else {}
    more |= {"remark": signs.remark} if signs.remark else {"is_sure": "true"}
    return replace(raw, reading={**said, "decimal": found.decimal, **more})


def _odd_cells(series: polars.Series, numbers: NDArray[np.float64]) -> polars.Series:
    """Where something with digits stands that is no number."""
    return polars.Series(numbers != numbers) & series.str.contains("[0-9]").fill_null(False)
