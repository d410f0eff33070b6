"""A second table below the first one in a file, as spreadsheets and reports write them: it has a header of its own."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dltrain.data.columns.reading import USUAL_MISSING
from dltrain.data.tables.text_layout import TextLayout, is_figure
from dltrain.data.tables.text_scan import ANOTHER_TABLE, TextScan
from dltrain.errors import Fault
from dltrain.later import polars

# So many gaps, and rows of words, are looked at, and so many rows before each.
MOST_GAPS, ROWS_BEFORE = 20, 20
WORD = r"^[\pL_]"
FEW_NUMBERS = 2  # columns of numbers in which a header among rows shows


def second_table(content: bytes, scan: TextScan, layout: TextLayout, first: int, file: str) -> Fault | None:
    """The fault of a blank line with a second header below it; None: there is none such.

    That is a row of different words, none of them a number or a word for no value, where a column holds numbers alone in the
    rows before it.

    Args:
        content: UTF-8, whole lines.
        scan: of it.
        layout: of the file.
        first: records of the file's own header, and of units below it, in the content.
        file: for the fault.
    """
    width = len(layout.columns)
    if width < 2 or not len(scan.blanks):
        return None

    def cells(record: int) -> list[str]:
        line = content[scan.starts[record] : scan.ends[record]].decode("utf-8", "replace")
        return [cell.strip(f" \t\r{layout.quote or ''}") for cell in line.split(layout.separator)]

    if first == 0 and not (layout.header or all(map(_is_name, cells(0)))):
        return None
    first = first or (not layout.header)
    below = np.unique(np.searchsorted(scan.starts, scan.blanks[:, 0]))
    for record in below[(below > first + 1) & (below < len(scan.starts) - 1)][:MOST_GAPS].tolist():
        names = cells(record)
        if len({*names}) < width or len(names) != width or not all(map(_is_name, names)):
            continue
        before = [cells(row) for row in range(max(first, record - ROWS_BEFORE), record)]
        columns = [column for column in zip(*before, strict=False) if all(map(is_figure, column))]
        if columns and any(map(is_figure, cells(record + 1))):
            message = f"a row of words below a blank line, {', '.join(names[:4])}: it looks like the header of a second table"
            return Fault(message, file=file, line=int(scan.lines[record]), hint=ANOTHER_TABLE)
    return None


def header_among_rows(frame: polars.DataFrame, lines: NDArray[np.int64], file: str) -> Fault | None:
    """The fault of a second header right below the rows of the first table; None: there is none such.

    That is a row of different words, where two columns or more hold numbers alone in the rows around it.

    Args:
        frame: of text, without the file's own header.
        lines: int64 [rows]: where each row begins.
        file: for the fault.
    """
    head = frame.head(ROWS_BEFORE)
    numeric = [place for place in range(frame.width) if _are_figures(head.to_series(place))]
    if len(numeric) < FEW_NUMBERS:
        return None
    # Digits and signs come before all letters: nearly all rows are told by that alone.
    # Without their names, which polars might read as patterns.
    first, last = (frame.to_series(place).head(frame.height - 1).alias("") for place in (numeric[0], numeric[-1]))
    places = (first >= "A").arg_true()
    words = first.gather(places).str.contains(WORD) & last.gather(places).str.contains(WORD)
    for row in places.filter(words.fill_null(False)).head(MOST_GAPS).to_list():
        names = [cell or "" for cell in frame.row(row)]
        around = polars.concat([frame.slice(max(0, row - ROWS_BEFORE), min(row, ROWS_BEFORE)), frame.slice(row + 1, 1)])
        are_numbers = sum(_are_figures(around.to_series(place)) for place in numeric)
        if len({*names}) == len(names) and all(map(_is_name, names)) and are_numbers >= FEW_NUMBERS:
            message = f"a row of words among numbers, {', '.join(names[:4])}: it looks like the header of a second table"
            return Fault(message, file=file, line=int(lines[row]), hint=ANOTHER_TABLE)
    return None


def _are_figures(cells: polars.Series) -> bool:
    """Whether all cells are numbers but for those without a value, which are at most half."""
    present = [cell for cell in cells if cell and cell not in USUAL_MISSING]
    return 2 * len(present) >= len(cells) > 0 and all(map(is_figure, present))


def _is_name(cell: str) -> bool:
    return (cell[:1].isalpha() or cell[:1] == "_") and cell not in USUAL_MISSING and not is_figure(cell)
