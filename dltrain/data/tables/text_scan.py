"""The structure of delimited text - records, fields, quotes - in a few vectorized passes, so that no row is ever guessed at.

Readers made for speed pad a short row with nothing and cut or refuse a long one without saying where. This scan goes first.
It follows RFC 4180: a quoted field may hold separators, line ends and doubled quotes. A quote inside an unquoted field is
an ordinary character as long as it hides no separator and no line end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from dltrain.data.files import place
from dltrain.errors import NUM_SHOWN, DataError, Fault, capped
from dltrain.machine import memory_bytes
from dltrain.storage.bounds import CELLS, LINE_BYTES, most_cells

CHUNK = 1 << 23
NEWLINE, BLANK = 10, 32
# What a row without any value consists of.
EMPTY_ROW = b" \t,;|\r\n"
# More blanks than that beside a quote belong to the text.
MOST_BLANKS = 8
# So many lines may one row go over; it is told by so many rows.
MOST_LINES, PERIODS = 6, 5
BROKEN_ROWS = "write each row in one line"
ANOTHER_TABLE = "where another table, or a newer form of this one, begins there, write it to a file of its own"


@dataclass(slots=True)
class TextScan:
    """Where the records of a text are.

    Attributes:
        starts, ends: int64 [records]: byte offsets of each record, its line end not counted; blank lines are left out.
        num_fields: int64 [records].
        lines: int64 [records]: 1-based line at which each record starts.
        blanks: [k, 2] byte ranges of blank lines, their line ends included.
        field_blanks: int64: offsets of blanks between a separator and a quote beside it, where a reader would miss the quote.
        faults: quotes that are not closed, or not where a quote can be.
    """

    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    num_fields: NDArray[np.int64]
    lines: NDArray[np.int64]
    blanks: NDArray[np.int64]
    field_blanks: NDArray[np.int64]
    faults: list[Fault]


def scan_text(content: bytes, separator: str, quote: str | None, file: str, first_line: int = 1) -> TextScan:
    """Find the records of `content` (UTF-8, `\\n` line ends, from `first_line` of the file on) and the faults of its quotes.

    Raises:
        DataError: more cells than memory is given for, or a record of absurd length.
    """
    _refuse_long_lines(content, file, first_line)
    num_cells = content.count(b"\n") + content.count(separator.encode()) + (content.count(quote.encode()) // 2 if quote else 0)
    if num_cells > (most := most_cells(len(content))):
        message = f"holds {num_cells:,} separators, line ends and quoted fields, more than {most:,}"
        message += "" if most == CELLS.value else f", which take the {memory_bytes() / 1e9:,.1f} GB that this machine has"
        hint = f"set the environment variable DLTRAIN_STREAM_BYTES to 0 to have it read in pieces; {CELLS.hint}"
        raise DataError(message, file=file or None, hint=hint)
    data = np.frombuffer(content, np.uint8)
    separator_byte = ord(separator)
    quote_byte = ord(quote) if quote and quote.encode() in content else None
    ends, separators_before, lines_before, quote_positions = _delimiters(data, separator_byte, quote_byte)
    starts = np.concatenate([[0], ends[:-1] + 1]).astype(np.int64) if len(ends) else np.zeros(0, np.int64)
    num_fields = np.diff(separators_before, prepend=0) + 1
    lines = np.concatenate([[0], lines_before[:-1]]).astype(np.int64) + first_line if len(ends) else np.zeros(0, np.int64)
    faults: list[Fault] = []
    field_blanks = np.zeros(0, np.int64)
    if quote_byte is not None and len(quote_positions):
        field_blanks, begins, finishes = _blanks_around(data, quote_positions[::2], quote_positions[1::2], separator_byte)
        faults = _quote_faults(content, quote_positions, begins, finishes, separator_byte, file, first_line)
    longest = int(np.argmax(ends - starts)) if len(ends) and not faults else 0
    if len(ends) and not faults and ends[longest] - starts[longest] > LINE_BYTES.value:
        raise DataError(too_long(file, int(lines[longest])))
    blank = _blank_records(content, starts, ends, num_fields)
    blanks = np.stack([starts[blank], np.minimum(ends[blank] + 1, len(data))], axis=1)
    keep = ~blank
    return TextScan(starts[keep], ends[keep], num_fields[keep], lines[keep], blanks, field_blanks, faults)


def without_empty_end(content: bytes) -> tuple[bytes, int]:
    """The text without the rows of nothing but separators that spreadsheets leave at its end, and how many these are.

    Args:
        content: UTF-8.
    """
    end, count = len(content), 0
    while end:
        start = content.rfind(b"\n", 0, end - 1) + 1
        line = content[start:end]
        if line.strip(EMPTY_ROW) or len({*line}.difference(b" \r\n")) > 1:  # of two signs one is a value: `,<tab>,`
            break
        count += bool(line.strip(b" \r\n"))
        end = start
    return (content[:end], count) if count and end else (content, 0)


def quotes_are_letters(content: bytes, scan: TextScan, separator: str, file: str) -> bool:
    """Whether quotes surround nothing: without them each line has as many fields as the others, and with them lines are lost.

    Args:
        content: the text.
        scan: of it, with quotes.
        separator: between fields.
        file: for faults.
    """
    if not scan.faults and not (np.diff(scan.lines) > 1).any() and not content.endswith(b'"\n'):
        return False
    plain = scan_text(content, separator, None, file)
    widths = plain.num_fields
    is_table = len(widths) > 1 and widths[0] > 1 and bool((widths == widths[0]).all())
    return is_table and (bool(scan.faults) or len(widths) > len(scan.num_fields))


def _refuse_long_lines(content: bytes, file: str, first_line: int) -> None:
    """Before quotes are looked at, of which there may be millions; a record of several lines is measured when it is known."""
    start, longest = 0, LINE_BYTES.value
    while len(content) - start > longest:
        end = content.rfind(b"\n", start, start + longest + 1)
        if end < 0:
            raise DataError(too_long(file, first_line + content.count(b"\n", 0, start)))
        start = end + 1


def too_long(file: str, line: int) -> Fault:
    """The fault of a line that no table has."""
    message = f"the line is longer than {LINE_BYTES.value:,} bytes: this is not a table"
    return Fault(message, file=file or None, line=line, hint=LINE_BYTES.hint)


def _delimiters(
    data: NDArray[np.uint8], separator: int, quote: int | None
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Record ends; separators and physical lines up to each; positions of quotes. In chunks, so that memory stays small."""
    ends, counts, lines, quotes = [], [], [], []
    num_separators = num_lines = num_quotes = 0
    for offset in range(0, len(data), CHUNK):
        chunk = data[offset : offset + CHUNK]
        special = (chunk == separator) | (chunk == NEWLINE)
        if quote is not None:
            special |= chunk == quote
        positions = np.flatnonzero(special)
        kinds = chunk[positions]
        newlines = kinds == NEWLINE
        physical = np.cumsum(newlines) + num_lines
        num_lines = int(physical[-1]) if len(physical) else num_lines
        if quote is not None:
            quoting = kinds == quote
            quotes.append(positions[quoting] + offset)
            parity = np.cumsum(quoting) + num_quotes
            num_quotes = int(parity[-1]) if len(parity) else num_quotes
            outside = (parity & 1) == 0
            newlines &= outside
            separators = np.cumsum((kinds == separator) & outside) + num_separators
        else:
            separators = np.cumsum(kinds == separator) + num_separators
        num_separators = int(separators[-1]) if len(separators) else num_separators
        ends.append(positions[newlines] + offset)
        counts.append(separators[newlines])
        lines.append(physical[newlines])
    if (len(data) and data[-1] != NEWLINE) or num_quotes % 2:
        ends.append(np.array([len(data)]))
        counts.append(np.array([num_separators]))
        lines.append(np.array([num_lines + 1]))
    return _joined(ends), _joined(counts), _joined(lines), _joined(quotes)


def _joined(arrays: list[NDArray[np.int64]]) -> NDArray[np.int64]:
    return np.concatenate(arrays).astype(np.int64) if arrays else np.zeros(0, np.int64)


def _blank_records(
    content: bytes, starts: NDArray[np.int64], ends: NDArray[np.int64], num_fields: NDArray[np.int64]
) -> NDArray[np.bool_]:
    blank = ends - starts == 0
    for record in np.flatnonzero((num_fields == 1) & ~blank & (ends - starts < 200)):
        blank[record] = not content[starts[record] : ends[record]].strip()
    return np.asarray(blank)


def _blanks_around(
    data: NDArray[np.uint8], openings: NDArray[np.int64], closings: NDArray[np.int64], separator: int
) -> tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.bool_]]:
    """Offsets of the blanks between a field's edges and its quotes; which openings begin a field, which closings end one."""
    none = np.zeros(0, np.int64)
    if separator == BLANK:
        return none, _is_edge(data, openings - 1, separator), _is_edge(data, closings + 1, separator)
    found = [none]
    reached = []
    for quotes, step in ((openings, -1), (closings, 1)):
        positions, runs = quotes + step, []
        for _ in range(MOST_BLANKS):
            inside = (positions >= 0) & (positions < len(data))
            blank = inside & (data[np.where(inside, positions, 0)] == BLANK)
            if not blank.any():
                break
            runs.append((positions.copy(), blank))
            positions = np.where(blank, positions + step, positions)
        edge = _is_edge(data, positions, separator)
        found += [offsets[blank & edge] for offsets, blank in runs]
        reached.append(edge)
    return np.unique(np.concatenate(found)), reached[0], reached[1]


def _is_edge(data: NDArray[np.uint8], positions: NDArray[np.int64], separator: int) -> NDArray[np.bool_]:
    """Whether a separator, a line end, or the text's beginning or end is there."""
    inside = (positions >= 0) & (positions < len(data))
    found = data[np.where(inside, positions, 0)] if len(data) else np.zeros(len(positions), np.uint8)
    return np.asarray(~inside | (found == separator) | (found == NEWLINE))


def _quote_faults(
    content: bytes,
    quotes: NDArray[np.int64],
    begins: NDArray[np.bool_],
    finishes: NDArray[np.bool_],
    separator: int,
    file: str,
    first_line: int,
) -> list[Fault]:
    """The first quote out of place: from there on, everything is read the other way round.

    Args:
        content: the text.
        quotes: positions of its quotes, opening and closing by turns.
        begins: which openings begin a field.
        finishes: which closings end one.
        separator: a byte.
        file, first_line: for the fault.
    """
    hint = "close the quote, or double a quote that belongs to the text, or, where quotes mean nothing here, data.quote: none"
    openings, closings = quotes[::2], quotes[1::2]
    # Doubled quotes stand side by side, the closing one of a pair before the opening one of the next.
    doubled = closings[: len(openings) - 1] + 1 == openings[1:]
    finishes = finishes | np.concatenate([doubled, [False]])[: len(closings)]
    is_first = np.concatenate([[True], ~doubled])
    begins = begins[is_first][np.cumsum(is_first) - 1]
    misplaced = ~begins
    open_ended = begins[: len(closings)] & ~finishes
    suspicious = np.flatnonzero(misplaced[: len(closings)] | open_ended)
    for index in suspicious:
        inside = content[openings[index] : closings[index]]
        if misplaced[index] and inside.find(separator) < 0 and inside.find(NEWLINE) < 0:
            continue
        line, column = place(content, int(openings[index]), first_line)
        end_line, end_column = place(content, int(closings[index]), first_line)
        if misplaced[index]:
            message = "a quote in the middle of a field that does not begin with one"
        else:
            message = (
                f"the quoted field that begins here is closed at line {end_line}, column {end_column}, where more text follows"
            )
        return [Fault(message, file=file, line=line, column=column, hint=hint)]
    if len(quotes) % 2:
        line, column = place(content, int(quotes[-1]), first_line)
        return [Fault("the quote that opens here is never closed", file=file, line=line, column=column, hint=hint)]
    return []


def lines_of_a_row(widths: Sequence[int]) -> tuple[int, ...]:
    """How many values stand in each line of a row, where each row goes over several lines; empty: none does."""
    for period in range(2, MOST_LINES + 1):
        turns = list(widths[len(widths) % period :])[-PERIODS * period :]
        if len(turns) == PERIODS * period and turns == turns[:period] * PERIODS and len(set(turns[:period])) > 1:
            return tuple(turns[:period])
    return ()


@dataclass(slots=True)
class WidthCheck:
    """Whether all records have as many fields as there are columns; told of the records in as many turns as it takes.

    Attributes:
        width: columns.
        named_by: what says so ("the header names").
        file: for the faults.
        hint: what may have made columns of a line that names none; empty: nothing.
    """

    width: int
    named_by: str
    file: str
    hint: str = ""
    first_line: int = 0
    num_records: int = 0
    num_wrong: int = 0
    wrong: list[tuple[int, int]] = field(default_factory=list)
    last: list[int] = field(default_factory=list)
    widths: set[int] = field(default_factory=set)
    first_wrong: int = -1

    def add(self, num_fields: NDArray[np.int64], lines: NDArray[np.int64]) -> None:
        """Take in the next records: the number of fields and the line of each."""
        if not len(num_fields):
            return
        self.first_line = self.first_line or int(lines[0])
        self.last = [*self.last, *num_fields[-MOST_LINES * PERIODS :].tolist()][-MOST_LINES * PERIODS :]
        indices = np.flatnonzero(num_fields != self.width)
        if len(indices) and not self.num_wrong:
            self.first_wrong = self.num_records + int(indices[0])
        self.num_records += len(num_fields)
        self.num_wrong += len(indices)
        self.widths.update(np.unique(num_fields).tolist())
        self.wrong += [(int(lines[index]), int(num_fields[index])) for index in indices[: NUM_SHOWN - len(self.wrong)]]

    def add_right(self, num_records: int, first_line: int) -> None:
        """Take in records that are known to be right."""
        if num_records:
            self.first_line = self.first_line or first_line
            self.num_records += num_records
            self.widths.add(self.width)

    def faults(self) -> list[Fault]:
        """Faults of the records so far that have fewer or more fields."""
        if not self.num_wrong:
            return []
        if len(self.widths) == 1 and self.num_records > 1:
            message = f"the rows have {min(self.widths)} values each, {self.named_by} {self.width}"
            question = "is the separator right (data.separator), is there a header line (data.header, data.columns)?"
            return [Fault(message, file=self.file, line=self.first_line, hint=self.hint or question)]
        if broken := lines_of_a_row(self.last):
            message = f"each row goes over {len(broken)} lines, of {', '.join(map(str, broken))} values"
            return [Fault(message, file=self.file, line=self.first_line, hint=BROKEN_ROWS)]
        faults: list[Fault] = []
        is_end = self.num_wrong == self.num_records - self.first_wrong <= self.num_records / 2
        if is_end and self.num_wrong > 1 and len(self.widths) == 2 and self.wrong[0][1] > 1:
            line, have = self.wrong[0]
            message = f"from here on the rows have {have} values, {self.named_by} {self.width}"
            return [Fault(message, file=self.file, line=line, hint=ANOTHER_TABLE)]
        for line, have in self.wrong:
            message = f"the row has {have} values, {'more' if have > self.width else 'fewer'} than {self.named_by} ({self.width})"
            hint = "quote values that hold the separator" if have > self.width else None
            if not faults and (self.width == 1 or len(self.widths) == 2) and self.num_wrong > self.num_records / 2:
                hint = f"if the table begins at line {line} only: data.skip: {line - 1}"
            elif have == 1 or (is_end and have < self.width):
                hint = "if it is no row, `data.comment: …` with its first word leaves out lines that begin so; it takes a list"
            if self.hint and self.num_wrong > self.num_records / 2:
                return [Fault(message, file=self.file, line=line, hint=self.hint)]
            faults.append(Fault(message, file=self.file, line=line, hint=hint))
        return capped(faults, self.num_wrong)
