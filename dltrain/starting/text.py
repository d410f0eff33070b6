"""How a text table is written, as far as a config has to say it: its encoding, and whether its first line is a header."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from dltrain.config.types import DataConfig
from dltrain.data.columns.reading import USUAL_MISSING, is_number
from dltrain.data.files import read_blocks, to_utf8
from dltrain.data.tables.sample import read_head
from dltrain.data.tables.text_encoding import detect_encoding
from dltrain.data.tables.text_format import WHITESPACE, Framing, find_separator
from dltrain.data.tables.text_layout import are_years
from dltrain.data.tables.text_scan import quotes_are_letters, scan_text

if TYPE_CHECKING:
    import polars

HEAD_LINES = 1_000
LOOKED_AT = 1 << 26
FEWEST_LINES, BEGINNING = 5, 1 << 20
_FIELD = re.compile(r'"[^"]*"|[^ \t]+')


def find_text_options(file: str) -> dict[str, Any]:
    """The options of `data:` without which the file would be misread: `encoding`, `quote`, `header`; empty where
    none is needed.

    Raises:
        DataError: unreadable, empty, or rows of unequal length in the first thousand lines.
    """
    from dltrain.data.sources.csv import parse_text

    options: dict[str, Any] = {}
    content = _first_megabytes(file)
    encoding = detect_encoding(content)
    if encoding is not None:
        options["encoding"] = encoding
    text = to_utf8(content, encoding, file)
    if _blanks_separate(text):
        options["separator"] = WHITESPACE
    elif _quotes_are_letters(text, file):
        options["quote"] = "none"
    head, _, _ = read_head(file, HEAD_LINES)
    table = parse_text(head, file, DataConfig("csv", header=False, **options))
    if not has_header(table.frame):
        options["header"] = False
    return options


def _blanks_separate(text: bytes) -> bool:
    """Whether runs of blanks and tabs stand between fields, most of them numbers, and nothing else makes a table of the text.

    Columns that are aligned by blanks may have a tab or another sign somewhere: where it cuts each line, two blanks side by
    side in every line say that it does not separate.
    """
    lines = [line for line in text[:BEGINNING].splitlines()[:HEAD_LINES] if line.strip()]
    if len(lines) < FEWEST_LINES:
        return False
    rows = [_FIELD.findall(line.decode("utf-8", "replace")) for line in lines]
    if len(rows[0]) < 2 or any(len(row) != len(rows[0]) for row in rows):
        return False
    numeric = [all(is_number(cell) or cell in USUAL_MISSING for cell in column) for column in zip(*rows[1:])]
    if 2 * sum(numeric) < len(numeric):
        return False
    separator = find_separator(text[:BEGINNING], '"').encode()
    counts = {line.count(separator) for line in lines}
    return len(counts) > 1 or counts == {0} or all(b"  " in line.strip() for line in lines)


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


def has_header(frame: polars.DataFrame) -> bool:
    """Whether the first row of a table of text names the columns.

    A word above numbers says so, and so do a count of the columns and years that follow each other where no row below has
    such; otherwise a number, or a word that stands again below, says the opposite.
    """
    first, body = frame.row(0), frame.slice(1)
    is_data = False
    counts = [[str(number) for number in range(begin, begin + len(first))] for begin in (0, 1)]
    if len(first) > 2 and [*first] in counts and any(not column.drop_nulls().str.contains(r"^-?\d*$").all() for column in body):
        return True  # an array without names, as pandas writes it
    if are_years(first) and not any(are_years(row) for row in body.head(100).iter_rows()):
        return True  # a table with a column for each year
    for cell, values in zip(first, body, strict=True):
        values = values.drop_nulls()
        values = values.filter(~values.is_in(["", *USUAL_MISSING]))
        if not cell or cell in USUAL_MISSING:
            continue
        if is_number(cell):
            is_data = True
        elif len(values) and values.cast(float, strict=False).null_count() == 0:
            return True
        elif (values == cell).any():
            is_data = True
    return not is_data
