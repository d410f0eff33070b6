"""What has to be known of a delimited text before its rows are read: separator, quote, header, column names."""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from dltrain.config.types import DataConfig, config_fault
from dltrain.data.columns.number_signs import CURRENCY, MINUS, NumberSigns, find_number_signs
from dltrain.data.columns.reading import USUAL_MISSING, is_number
from dltrain.data.raw import TWO_READINGS
from dltrain.data.tables.column_names import comment_hint, named_columns, refuse_long_names
from dltrain.data.tables.text_format import NAMES, SAMPLE_BYTES, Framing, find_separator, is_followed_by_blank, show_separator
from dltrain.data.tables.text_parse import read_columns, strip_field_blanks
from dltrain.data.tables.text_scan import TextScan, WidthCheck, quotes_are_letters, scan_text
from dltrain.data.tables.units_row import units_below
from dltrain.errors import NUM_SHOWN, ConfigError, DataError, Fault, Note, capped, warn
from dltrain.storage.bounds import COLUMNS
from dltrain.wording import counted, listed, quoted

PLAIN = Framing()
ROW_NAMES_LOOKED_AT = 100
_DECIMAL_COMMA = re.compile(rb"\s*[-+]?\d+,\d+\s*")
_QUOTES_AND_BLANKS = re.compile(rb'"[^"\n]*"([ \t]+"[^"\n]*")+ *\r?\n')
_FIGURE = re.compile(rf"[-+{MINUS}(]?(?:{CURRENCY})? ?\d[\d.,' ]*(?: ?(?:{CURRENCY}|%))?\)?")
YEAR = re.compile(r"(?:1[5-9]|20)[0-9]{2}")
NO_HEADER = "if the file has no header line, say data.header: false or name its columns with data.columns"


@dataclass(frozen=True, slots=True)
class TextLayout:
    """How a file is written.

    Attributes:
        columns: names.
        first: records before the data: 1 where there is a header, more where lines of units are below it, else 0.
        separator: one character.
        quote: one character, or None.
        signs: of its numbers.
        look: the separator as a message shows it.
        named_by: what says how many columns there are ("the header names").
        warnings: sentences for the user.
        strips_names: names of columns had blanks around them, which were left out.
        header: the line with the names of several columns, as it stands; empty where there is none.
        has_units: there are lines of units below it.
        left_out: what of the lines was left out, in words.
    """

    columns: tuple[str, ...]
    first: int
    separator: str
    quote: str | None
    signs: NumberSigns
    look: str
    named_by: str
    warnings: tuple[Note, ...] = ()
    strips_names: bool = False
    header: bytes = b""
    has_units: bool = False
    left_out: tuple[str, ...] = ()

    def width_check(self, file: str) -> WidthCheck:
        """A check of the file's records."""
        return WidthCheck(len(self.columns), self.named_by, file, comment_hint(self.columns) if self.first else "")

    def without_repeats(self, content: bytes, first_line: int, *, begins: bool) -> tuple[bytes, list[int]]:
        """Whole lines of the text with repeated headers left empty, as files put one behind the other have them; and their lines.

        Args:
            content: UTF-8, from `first_line` of the file on.
            first_line: a line's number.
            begins: whether the header itself is among the lines.
        """
        if not self.header or self.header not in content:
            return content, []
        again, lines, done = [], [], 0
        for start, end in list(_lines_that_are(self.header, content))[int(begins) :]:
            if self.quote is not None and content.count(self.quote.encode(), 0, start) % 2:
                continue
            again.append(content[done:start])
            done = end
            lines.append(first_line + content.count(b"\n", 0, start))
        return b"".join([*again, content[done:]]), lines

    def describe(self, name: str, num_rows: int) -> str:
        """`adult-train.csv: 32,561 rows, 15 columns (separator ", ")`."""
        signs = [f'decimal sign "{self.signs.decimal}"'] if self.signs.decimal != "." else []
        signs += [f'"{self.signs.thousands}" between thousands'] if self.signs.thousands else []
        signs += self.left_out
        signs += ["blanks around names of columns left out"] if self.strips_names else []
        written = ", ".join([f"separator {self.look}", *signs])
        return f"{name}: {num_rows:,} rows, {len(self.columns)} columns ({written})"

    @property
    def reading(self) -> dict[str, Any]:
        """What was found out, by the keys that say it; whether the numbers show their signs, else what was said of them."""
        found: dict[str, Any] = {"separator": self.separator, "decimal": self.signs.decimal}
        if self.has_units:
            found["units_row"] = True
        if self.signs.thousands:
            found["thousands"] = self.signs.thousands
        if self.signs.is_sure:
            found["is_sure"] = "true"
        found |= {key: value for key in ("remark", "unsure") if (value := getattr(self.signs, key))}
        return found


def _lines_that_are(line: bytes, content: bytes) -> Iterator[tuple[int, int]]:
    """Where a line stands in a text, a mark of its encoding before it and a carriage return behind it included.

    It is sought as it stands: it may be megabytes long, of which a pattern would take long to make.
    """
    place = content.find(line)
    while place >= 0:
        start = place - len(BOM_UTF8) if content.endswith(BOM_UTF8, 0, place) else place
        end = place + len(line)
        end += content.startswith(b"\r", end)
        if (start == 0 or content[start - 1 : start] == b"\n") and content[end : end + 1] in (b"", b"\n"):
            yield start, end
        place = content.find(line, end)


def find_layout(content: bytes, config: DataConfig, name: str, framing: Framing = PLAIN) -> tuple[TextLayout, TextScan]:
    """The layout of a text and the scan of its records.

    Args:
        content: the text (UTF-8), or as many whole lines from its beginning as one cares to look at.
        config: what the user says about it.
        name: the file, for faults.
        framing: what was taken off the text.

    Raises:
        DataError: empty, quotes out of place, column names that do not do.
        ConfigError: a separator or quote that is no single character.
    """
    if not content or content.isspace():
        raise DataError("the file is empty", file=name)
    quote = _quote(config)
    separator = _separator(config) or framing.separator or ("|" if framing.has_rules else None)
    separator = separator or find_separator(content, quote, header=config.header)
    if config.arguments.get("own_columns") and not _has_columns(content, separator, quote, config.arguments["own_columns"], name):
        separator = find_separator(content, quote, header=config.header)  # a file that is written otherwise than the training's
    scan = scan_text(content, separator, quote, name)
    if scan.faults:
        raise DataError(_with_hint(scan.faults, content, config))
    if len(scan.num_fields) and scan.num_fields[0] > COLUMNS.value:
        message = f"the first row has {scan.num_fields[0]:,} values, more than {COLUMNS.value:,} columns"
        hint = f"is the separator right (data.separator)? {COLUMNS.hint}"
        raise DataError(message, file=name, line=int(scan.lines[0]), hint=hint)
    first_row, header = _header(content, scan, config, separator, quote, name)
    if header and config.columns is None and _has_row_names(content, scan, len(first_row), separator, quote, name):
        first_row = ["", *first_row]
    elif header and config.columns is None:
        first_row += [""] * _num_behind(content, scan, len(first_row), separator, quote, name)
    first_row, stripped = _names_as_meant(config, first_row) if header else ([cell.strip() for cell in first_row], False)
    columns, first = _column_names(config, first_row, header, name)
    named_by = "the header names" if first else ("data.columns names" if config.columns else "the first row has")
    warnings: tuple[Note, ...] = ()
    if config.quote is None and quotes_are_letters(content, scan, separator, name):
        lost = f"{name}: quotes join lines that each have {scan.num_fields[0]} fields without them"
        warnings = (
            warn(f"{lost}; data.quote: none reads them so, data.quote: '\"' says that this is meant", "quotes_join_lines"),
        )
    is_odd = sum(is_figure(cell) for cell in first_row) > len(first_row) / 3 and not are_years(first_row)
    if first and config.header is None and is_odd:
        first_line = f"the first line of {name} looks like data ({listed(first_row, 4)}); {NO_HEADER}"
        warnings = (*warnings, warn(first_line, "first_line_is_data"))
    num_below, said = units_below(content, scan, config, separator, quote, name) if first else (0, "")
    warnings = (*warnings, warn(said, "row_of_units")) if said else warnings
    head = content[: scan.starts[1]] + content[scan.ends[num_below] :] if num_below else content
    signs = _signs(head, config, separator, quote)
    if signs.remark:
        warnings = (*warnings, warn(f"{name}: {signs.remark}", TWO_READINGS))
    look = show_separator(separator, is_followed_by_blank(content, separator))
    stripped = stripped and first > 0 and not framing.has_rules and not is_followed_by_blank(content, separator)
    line = content[scan.starts[0] : scan.ends[0]] if first and len(columns) > 1 else b""
    first += num_below
    out = framing.left_out
    return TextLayout(
        tuple(columns), first, separator, quote, signs, look, named_by, warnings, stripped, line, num_below > 0, out
    ), scan


def _signs(content: bytes, config: DataConfig, separator: str, quote: str | None) -> NumberSigns:
    """The signs of numbers, by the first lines of a text."""
    head = content if len(content) <= SAMPLE_BYTES else content[: content.rfind(b"\n", 0, SAMPLE_BYTES) + 1] or content
    missing = USUAL_MISSING if config.missing is None else config.missing
    return find_number_signs(head, separator, quote, decimal=config.decimal, thousands=config.thousands, missing=missing)


def repeats_warning(name: str, lines: Sequence[int]) -> Note:
    """What is said of headers that are repeated further down."""
    where = f"line {lines[0]:,}" if len(lines) == 1 else f"lines {listed([f'{line:,}' for line in lines], 4)}"
    return warn(f"{name}: the header is repeated at {where}, as in files put one behind the other: left out", "repeated_header")


def empty_note(name: str, count: int) -> Note:
    """What is said of rows without any value at the end of a file."""
    return Note(f"{name}: {counted(count, 'row')} without any value at the end left out")


def is_figure(cell: str) -> bool:
    """Whether a cell is a number, or one with a decimal comma, a currency or percent."""
    return is_number(cell) or _FIGURE.fullmatch(cell) is not None


def are_years(row: Sequence[str | None]) -> bool:
    """Whether most cells of a row are years, all in order, and no cell is another number: a header."""
    years = [int(cell) for cell in row if cell and YEAR.fullmatch(cell.strip())]
    numbers = sum(is_number(cell) for cell in row if cell)
    are_some = 2 < len(years) == numbers > len(row) / 2
    return are_some and any(all(early < late for early, late in pairwise(order)) for order in (years, years[::-1]))


def _has_columns(content: bytes, separator: str, quote: str | None, columns: Sequence[str], name: str) -> bool:
    """Whether the first record, split by the separator, names one of the columns, or is no header at all."""
    scan = scan_text(content[:SAMPLE_BYTES], separator, quote, name)
    if not len(scan.starts):
        return True
    record = content[scan.starts[0] : scan.ends[0]].decode("utf-8", "replace")
    cells = {cell.strip(f" {quote or ''}") for cell in record.split(separator)}
    return len(columns) < 2 or len(cells & set(columns)) > 1 or not any(column in record for column in columns)


def _quote(config: DataConfig) -> str | None:
    if config.quote is None:
        return '"'
    if config.quote.casefold() == "none":
        return None
    if len(config.quote) != 1 or not config.quote.isascii():
        raise ConfigError(config_fault(config, "data.quote", f"expected one character, got {quoted(config.quote)}"))
    return config.quote


def _separator(config: DataConfig) -> str | None:
    if config.separator is None:
        return None
    separator = NAMES.get(config.separator.casefold(), config.separator)
    separator = separator.strip(" ") or " " if separator else separator
    if len(separator) != 1 or not separator.isascii() or separator in "\n\r\0":
        raise ConfigError(
            config_fault(
                config,
                "data.separator",
                f"expected one character, got {quoted(config.separator)}",
                "blanks after it are left out",
            )
        )
    return separator


def _header(
    content: bytes, scan: TextScan, config: DataConfig, separator: str, quote: str | None, file: str
) -> tuple[list[str], bool]:
    """The first record's fields, with the blanks around them, and whether it is a header."""
    record = content[scan.starts[0] : scan.ends[0]]
    wide = [f"column_{index}" for index in range(int(scan.num_fields[0]))]
    frame = read_columns(strip_field_blanks(record, scan, 0), wide, separator, quote, file, strips=False)
    cells = [cell or "" for cell in frame.row(0)] if frame.height else [""]
    own = {cell.strip() for cell in cells} & set(config.arguments.get("own_columns", ()))
    if config.header is not None:
        return cells, config.header or len(own) > 1  # the run's own file had none, this one names what the run goes by
    if config.columns is not None:
        names = {cell.strip() for cell in cells}
        return cells, len(names) > 1 and names <= {column.strip() for column in config.columns}
    return cells, True


def _with_hint(faults: Sequence[Fault], content: bytes, config: DataConfig) -> list[Fault]:
    """Faults of quotes, with what to say of a file whose quoted fields are separated by blanks, as R's write.table writes it."""
    if config.separator is None and _QUOTES_AND_BLANKS.match(content):
        return [replace(fault, hint="if blanks separate the columns: data.separator: whitespace") for fault in faults]
    return list(faults)


def _has_row_names(content: bytes, scan: TextScan, num_names: int, separator: str, quote: str | None, name: str) -> bool:
    """Whether every row has one value more than the header has names, and the first tells the rows apart: R's row names."""
    widths = scan.num_fields[1:]
    if len(widths) < 2 or (widths != num_names + 1).any():
        return False
    last = min(len(widths), ROW_NAMES_LOOKED_AT)
    records = [content[scan.starts[row] : scan.ends[row]] for row in range(1, last + 1)]
    if num_names == 1 and separator == "," and all(_DECIMAL_COMMA.fullmatch(record) for record in records):
        return False  # one column of numbers such as 1,5 looks so as well
    wide = [f"column_{index}" for index in range(num_names + 1)]
    some = b"\n".join(strip_field_blanks(content[scan.starts[row] : scan.ends[row]], scan, row) for row in range(1, last + 1))
    frame = read_columns(some, wide, separator, quote, name)
    is_trailing = (frame[wide[-1]].fill_null("") == "").all()
    return frame[wide[0]].null_count() == 0 and frame[wide[0]].n_unique() == frame.height and not is_trailing


def _num_behind(content: bytes, scan: TextScan, num_names: int, separator: str, quote: str | None, name: str) -> int:
    """How many values each row has more than the header has names, where these are empty: rows that end in separators."""
    widths = scan.num_fields[1:]
    more = int(widths[0]) - num_names if len(widths) else 0
    if more < 1 or num_names < 2 or (widths != widths[0]).any():
        return 0
    wide = [f"column_{index}" for index in range(num_names + more)]
    last = min(len(widths), ROW_NAMES_LOOKED_AT)
    some = b"\n".join(strip_field_blanks(content[scan.starts[row] : scan.ends[row]], scan, row) for row in range(1, last + 1))
    frame = read_columns(some, wide, separator, quote, name)
    return more if all((frame[column].fill_null("") == "").all() for column in wide[num_names:]) else 0


def _names_as_meant(config: DataConfig, cells: list[str]) -> tuple[list[str], bool]:
    """The names of a header without the blanks around them, and whether there were any.

    A name that the config writes with them, and names that differ in nothing else, are kept as they stand.
    """
    names = [cell.strip() for cell in cells]
    if names == cells:
        return names, False
    spoken = {column for _, column in named_columns(config)} | {*(config.columns or ()), *config.arguments.get("own_columns", ())}
    counts = Counter(names)
    kept = [
        cell if (cell in spoken and name not in spoken) or (counts[name] > 1 and name) else name
        for cell, name in zip(cells, names, strict=True)
    ]
    return kept, kept != cells


def _column_names(config: DataConfig, cells: list[str], header: bool, name: str) -> tuple[list[str], int]:
    """Column names, and how many records come before the data (0 or 1)."""
    if config.columns is not None and not (header and set(cells) <= set(config.columns)):
        names = list(config.columns)
        optional = config.arguments.get("optional_columns", ())
        if len(cells) == len(names) - len(optional):
            names = [column for column in names if column not in optional]
        if len(names) != len(cells):
            message = f"names {len(names)} columns, {name} has {len(cells)}"
            raise DataError(config_fault(config, "data.columns", message, f"its first line: {listed(cells, 30)}"))
    elif header:
        names = [cell or f"unnamed_{index}" for index, cell in enumerate(cells, 1)]
    else:
        names = [f"column_{index}" for index in range(1, len(cells) + 1)]
    refuse_long_names(names, name)
    first_places: dict[str, int] = {}
    again = [(index, column) for index, column in enumerate(names) if first_places.setdefault(column, index) != index]
    if again:
        hint = "rename one, or name all columns with data.columns (and say data.header: true to skip the header line)"
        if sum(is_number(cell) for cell in cells) > len(cells) / 3:
            hint = f"this looks like data: {NO_HEADER}"
        places = [
            f"{quoted(column)} stands at {first_places[column] + 1} and again at {index + 1}"
            for index, column in again[:NUM_SHOWN]
        ]
        faults = [Fault(f"the column name {place}", file=name, line=1, hint=hint) for place in places]
        raise DataError(capped(faults, len(again)))
    return names, int(header)
