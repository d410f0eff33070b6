"""Numbers, durations and tables as plain text."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from typing import Any

from dltrain.wording import display_width, one_line

# A column of a table is not made narrower than this.
_NARROWEST = 12
# Where a cell may go on in the next line.
_BREAKS = r" ,/_-"


def format_number(value: Any) -> str:
    """Four significant digits with thousands separators; whole numbers in full."""
    if value is None:
        return "-"
    if isinstance(value, (bool, str)):
        return str(value)
    if isinstance(value, int):
        return f"{value:,}"
    number = float(value)
    if not math.isfinite(number):
        return str(number)
    if number == 0:
        return "0"
    if not 1e-4 <= abs(number) < 1e9:
        return f"{number:.3e}"
    exponent = math.floor(math.log10(abs(float(f"{number:.3e}"))))
    if exponent > 3:
        return f"{round(number, 3 - exponent):,.0f}"
    return f"{number:,.{3 - exponent}f}"


def signed(value: float) -> str:
    """A difference: the number with its sign."""
    return f"+{format_number(value)}" if value > 0 else format_number(value)


def format_seconds(seconds: float | None) -> str:
    """A duration with its unit: `0.12 s`, `3 min 20 s`, `2 h 5 min`."""
    if seconds is None or not math.isfinite(seconds):
        return "-"
    if seconds < 10:
        return f"{seconds:.2f} s"
    if seconds < 99.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def format_bytes(count: int | None) -> str:
    """A size in decimal units: `233 MB`."""
    if count is None:
        return "-"
    size = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 999.5:
            return f"{size:.0f} {unit}" if unit == "B" or size >= 99.5 else f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:,.3g} TB"


def table(
    header: Sequence[str], rows: Sequence[Sequence[str]], *, left: int = 1, left_after: int = 1 << 30, width: int | None = None
) -> str:
    """Columns in line: the first `left` and those from `left_after` on flush left, the others flush right.

    Args:
        header: a name for each column.
        rows: cells; each becomes one line.
        left: so many columns are flush left.
        left_after: and those from this one on.
        width: of the terminal. What is wider is folded within its cells; where that is not enough, the columns come in groups
            below each other, each with the first column. None: as wide as it is.
    """
    lines = [[one_line(cell) for cell in row] for row in (header, *rows)]
    widths = [max(map(display_width, column)) for column in zip(*lines, strict=True)]
    is_left = [not left <= index < left_after for index in range(len(widths))]
    if width is not None and _total(widths) > width:
        words = [max(map(_longest_piece, column)) for column in zip(*lines, strict=True)]
        widths = _narrowed(widths, is_left, width, words)
    groups = [list(range(len(widths)))] if width is None else _groups(widths, width)
    return "\n\n".join(
        "\n".join(
            _folded([line[index] for index in group], [widths[index] for index in group], [is_left[index] for index in group])
            for line in lines
        )
        for group in groups
    )


def pieces(line: str, columns: int) -> Iterator[str]:
    """The line cut between words where it is wider than the terminal; what is left goes on further to the right."""
    while display_width(line) > columns:
        end = columns
        while display_width(line[:end]) > columns:
            end -= 1
        place = line.rfind(" ", columns // 3, end + 1)
        place = place if place > 0 else end
        yield line[:place].rstrip()
        line = f"  {line[place:].lstrip()}"
    yield line


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + 2 * (len(widths) - 1)


def _longest_piece(cell: str) -> int:
    return max(map(display_width, re.split(rf"(?<=[{_BREAKS}])", cell)))


def _narrowed(widths: Sequence[int], is_left: Sequence[bool], width: int, words: Sequence[int]) -> list[int]:
    """The widths with columns of text narrowed until the table fits, or none is wider than `_NARROWEST`; the first one last.

    Words are cut only where it is not enough to put some of them on the next line.
    """
    widths = list(widths)
    text = [index for index in range(len(widths)) if is_left[index]]
    floors = [max(word, _NARROWEST) for word in words]
    for least in (floors, [_NARROWEST] * len(widths)):
        for columns in ([index for index in text if index > 0], [index for index in text if index == 0]):
            while _total(widths) > width and (wide := [index for index in columns if widths[index] > least[index]]):
                widths[max(wide, key=widths.__getitem__)] -= 1
    return widths


def _groups(widths: Sequence[int], width: int) -> list[list[int]]:
    """The columns in groups that fit, each beginning with the first column."""
    groups: list[list[int]] = [[0]]
    for index in range(1, len(widths)):
        if len(groups[-1]) > 1 and _total([widths[other] for other in (*groups[-1], index)]) > width:
            groups.append([0])
        groups[-1].append(index)
    return groups


def _folded(cells: Sequence[str], widths: Sequence[int], is_left: Sequence[bool]) -> str:
    """A row of a table, on as many lines as its longest cell takes."""
    parts = [_fold(cell, width) for cell, width in zip(cells, widths)]
    return "\n".join(
        "  ".join(
            _pad(part[line] if line < len(part) else "", width, flush_left)
            for part, width, flush_left in zip(parts, widths, is_left)
        ).rstrip()
        for line in range(max(map(len, parts)))
    )


def _fold(cell: str, width: int) -> list[str]:
    """Pieces of the cell that are no wider than `width`, cut after a blank, comma, slash or hyphen where there is one."""
    pieces = []
    while display_width(cell) > width:
        end = 1
        while end < len(cell) and display_width(cell[: end + 1]) <= width:
            end += 1
        nicer = max(cell.rfind(mark, width // 2, end) for mark in " ,/_-")
        end = nicer + 1 if nicer > 0 else end
        pieces.append(cell[:end].rstrip())
        cell = cell[end:].lstrip()
    return [*pieces, cell]


def _pad(cell: str, width: int, left: bool) -> str:
    blanks = " " * (width - display_width(cell))
    return cell + blanks if left else blanks + cell
