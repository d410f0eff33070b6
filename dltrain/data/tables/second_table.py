"""A second table below the first one in a file, as spreadsheets and reports write them: it has a header of its own."""

from __future__ import annotations

import numpy as np

from dltrain.data.columns.reading import USUAL_MISSING
from dltrain.data.tables.text_layout import TextLayout, is_figure
from dltrain.data.tables.text_scan import ANOTHER_TABLE, TextScan
from dltrain.errors import Fault

# So many gaps are looked at, and so many rows before each.
MOST_GAPS, ROWS_BEFORE = 20, 20


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


def _is_name(cell: str) -> bool:
    return (cell[:1].isalpha() or cell[:1] == "_") and cell not in USUAL_MISSING and not is_figure(cell)
