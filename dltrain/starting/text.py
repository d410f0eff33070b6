"""How a text table is written, as far as a config has to say it: its encoding, and whether its first line is a header."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dltrain.config.types import DataConfig
from dltrain.data.columns.reading import USUAL_MISSING, is_number
from dltrain.data.files import read_blocks
from dltrain.data.tables.sample import read_head
from dltrain.data.tables.text_encoding import detect_encoding
from dltrain.data.tables.text_layout import are_years

if TYPE_CHECKING:
    import polars

HEAD_LINES = 1_000
LOOKED_AT = 1 << 26


def find_text_options(file: str) -> dict[str, Any]:
    """The options of `data:` without which the file would be misread: `encoding`, `header`; empty where none is needed.

    Raises:
        DataError: unreadable, empty, or rows of unequal length in the first thousand lines.
    """
    from dltrain.data.sources.csv import parse_text

    options: dict[str, Any] = {}
    encoding = _find_encoding(file)
    if encoding is not None:
        options["encoding"] = encoding
    head, _, _ = read_head(file, HEAD_LINES)
    table = parse_text(head, file, DataConfig("csv", header=False, encoding=encoding))
    if not has_header(table.frame):
        options["header"] = False
    return options


def _find_encoding(file: str) -> str | None:
    """What is no UTF-8 and has no mark of UTF-16, by the first megabytes; else None."""
    parts: list[bytes] = []
    size = 0
    for block in read_blocks(file, 1 << 22):
        parts.append(block)
        size += len(block)
        if size > LOOKED_AT:
            break
    return detect_encoding(b"".join(parts))


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
