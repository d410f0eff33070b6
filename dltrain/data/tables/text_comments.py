"""Lines of a text that begin with a sign of comments, and the names of columns that stand in the last before the table."""

from __future__ import annotations

import re

from dltrain.data.tables.text_layout import is_figure

MARKS = (b"#", b"%")
# Rows whose first value begins with the sign are no comments: of these there are few.
MOST_COMMENTS = 0.2
MOST_BEFORE = 100
FEWEST_ROWS = 5
# Lines below a table, how much of its end is looked at for them, and what separates its fields.
MOST_BELOW, END_BYTES, SIGNS = 10, 1 << 16, (b"\t", b",", b";", b"|")


def comment_mark(lines: list[bytes]) -> str | None:
    """The sign with which lines before a table begin that are no rows of it; None: there are none such.

    A single line such as `#id,x,y` is a header whose first name has the sign; `# id,x,y` is none.

    Args:
        lines: the first of the text, blank ones left out.
    """
    for mark in MARKS:
        is_comment = [line.lstrip().startswith(mark) for line in lines]
        before = is_comment.index(False) if False in is_comment else len(lines)
        rows = len(lines) - sum(is_comment)
        if not 0 < before <= MOST_BEFORE or rows < FEWEST_ROWS or sum(is_comment) - before > MOST_COMMENTS * len(lines):
            continue
        first = lines[0].strip()
        is_name = before == 1 and re.match(re.escape(mark) + rb"[^\s#%]|" + re.escape(mark) + rb"[\t,;|]", first) is not None
        if is_name and any(first.count(sign) == lines[1].count(sign) > 0 for sign in (b"\t", b",", b";", b"|")):
            continue
        if is_name and len(first.split()) == len(lines[1].split()) > 1:
            continue
        return mark.decode()
    return None


def marks_below(text: bytes) -> tuple[str, ...]:
    """How the lines below a table begin that are no rows of it, such as `Source: ...`; empty: there are none.

    Args:
        text: whole, without a mark of its encoding.
    """
    header = next((line for line in text[:END_BYTES].split(b"\n") if line.strip()), b"")
    lines = [line.strip() for line in text[-END_BYTES:].split(b"\n") if line.strip()]
    for sign in SIGNS:
        last = len(lines)
        while last and sign not in lines[last - 1]:
            last -= 1
        below = lines[last:]
        if header.count(sign) < 2 or not 0 < len(below) <= MOST_BELOW or last < FEWEST_ROWS:
            continue
        if any(b'"' in line for line in below):  # of a text that goes over lines
            return ()
        return _marks_of(below, text)
    return ()


def _marks_of(below: list[bytes], text: bytes) -> tuple[str, ...]:
    """The fewest beginnings of all lines below a table that no line of it has; empty: one of them begins as a row does."""
    marks: list[bytes] = []
    for line in below:
        if line.startswith(tuple(marks)):
            continue
        first = re.match(rb"[#%*!/\-]+|\S+", line)
        for mark in (first[0] if first else line, line):
            if text.count(b"\n" + mark) == sum(other.startswith(mark) for other in below):
                marks.append(mark)
                break
        else:
            return ()
    return tuple(mark.decode("utf-8", "replace") for mark in marks)


def names_in_comment(lines: list[bytes], mark: str, separator: str, width: int) -> list[str]:
    """The names of all columns where the last comment before the table holds them; empty: it holds something else.

    Args:
        lines: the first of the text, blank ones left out.
        mark: with which comments begin.
        separator: of the fields; a tab stands for runs of blanks as well.
        width: columns of the table.
    """
    comments = [line.decode("utf-8", "replace").strip() for line in lines[:MOST_BEFORE]]
    before = next((place for place, line in enumerate(comments) if not line.startswith(mark)), 0)
    for line in reversed(comments[:before]):
        words = line.lstrip(mark).strip()
        cells = (
            words.split() if separator == "\t" and "\t" not in words else [cell.strip(' "') for cell in words.split(separator)]
        )
        if len(cells) == width > 1 and len({*cells}) == width and all(cells) and not any(map(is_figure, cells)):
            return cells
        if words:
            return []
    return []
