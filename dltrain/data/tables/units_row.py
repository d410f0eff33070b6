"""Lines below the header that are no rows: units (`kg;m/s;°C`) of instruments, questions of a survey, names of stocks."""

from __future__ import annotations

import re
from collections.abc import Sequence

from dltrain.config.types import DataConfig
from dltrain.data.columns.number_signs import CURRENCY
from dltrain.data.columns.reading import USUAL_MISSING
from dltrain.data.tables.text_parse import read_columns, strip_field_blanks
from dltrain.data.tables.text_scan import TextScan
from dltrain.later import polars
from dltrain.wording import listed

ROWS_LOOKED_AT = 50
FEW_ROWS = 3
# Lines below the header that may be none of its rows, such as the questions and the numbers of a survey.
MOST_LINES = 3
# How a number or a date begins.
_FIGURE = re.compile(rf"[-+(\u2212]?\s*(?:(?:{CURRENCY})\s*)?[.,]?\d")
# Words that stand for a value that is not known.
_NOT_KNOWN = ("unknown", "missing", "none", "nil", "n.d.", "nd", "n.a.", "tbd", "absent", "error")
_UNKNOWN = {*(word.casefold() for word in USUAL_MISSING), *_NOT_KNOWN}
# Units as words; a µ is a u or either of two signs.
_WORDS = (
    "[kmcdnuµμ]?m[²³23]?", "[kmuµμn]?g", "t", "lbs?", "oz", "tons?", "[mcd]?l", "gal(lons?)?", "ft[23]?", "feet",
    "inch(es)?", "in", "miles?", "mi", "yd", "acres?", "ha", r"sq\.? ?(ft|m|feet|meters?)", "[muµμnp]?s", r"secs?\.?",
    "seconds?", r"mins?\.?", "minutes?", "h", "hrs?", "hours?", "days?", "weeks?", "months?", "years?", "yrs?",
    "yyyy.*", "hh:?mm.*", "utc", "date", "time", "[kmg]?hz", "[kmg]?wh?", "[kmuµμ]?v", "[kmuµμn]?a", "k?va", "ohms?",
    "Ω", "[kmh]?pa", "[mh]?bar", "atm", "psi", "mmhg", "[km]?n", "[kmg]?j", "k?cal", "rpm", "mph", "kmh", "kph",
    "kn(ots?)?", "dba?", "lux", "lx", "ppm", "ppb", "ph", "bpm", "k", "f", "celsius", "fahrenheit", "kelvin",
    "° ?[cfk]?", r"deg(rees?)?\.?( ?[cfk])?", "[%‰$€£¥]", "usd", "eur", "gbp", "chf", "jpy", "dollars?", "euros?",
    "pct", "percent", "counts?", "number", "#", "units?", "[mgk]?b(ytes)?", "m?mol", "ts", "rn", "avg", "smp", "tot",
    "std", "text", "string", "float", "integer", "int",
)  # fmt: skip
# One of them; anything in brackets; with a slash or a power.
_UNIT = re.compile(
    rf"(?i){'|'.join(_WORDS)}"
    r"|[\[(].*[\])]|[\w°µμ%²³-]+(/| per |\^-?\d|\*)[\w°µμ²³/^*.-]+|[\w°µμ]+ ?[\w°µμ]*([²³]|-1|-2|-3|⁻¹|⁻²|⁻³)"
)
_MANY = 2
_LONGEST = 100  # characters of a unit: the pattern looks at long text for very long


def units_below(
    content: bytes, scan: TextScan, config: DataConfig, separator: str, quote: str | None, file: str
) -> tuple[int, str]:
    """How many lines below the header hold units or descriptions, and are no rows; and a sentence for the user, or nothing.

    They have none of the figures that all rows below have in their columns. One line is taken for such where some cell is a known
    unit, for words that are none may be values that are not known; several are, where each has words there.

    Args:
        content: UTF-8, with a header.
        scan: of its records.
        config: whose `units_row` says that there are some, or that there are none.
        separator, quote: of the text.
        file: its name.
    """
    count = min(len(scan.starts) - 1, ROWS_LOOKED_AT + 1)
    if config.units_row is False or count < 2 or (config.units_row is None and count <= FEW_ROWS):
        return 0, ""
    if (scan.num_fields[1 : count + 1] != scan.num_fields[1]).any():
        return 0, ""
    begin = content[scan.starts[1] : scan.ends[1]].decode("utf-8", "replace").strip(f" {quote or ''}")
    if config.units_row is None and _FIGURE.match(begin):
        return 0, ""  # most tables: their first row begins with a number
    lines = [strip_field_blanks(content[scan.starts[row] : scan.ends[row]], scan, row) for row in range(1, count + 1)]
    names = [f"column_{index}" for index in range(int(scan.num_fields[1]))]
    frame = read_columns(b"\n".join(lines), names, separator, quote, file)
    if frame.height != count:
        return 0, ""
    below = [[(cell or "").strip() for cell in frame.row(row)] for row in range(min(MOST_LINES, count - 1))]
    if config.units_row and "own_columns" in config.arguments:  # rows for a stored run may come without them
        return _as_the_training(below, frame, file)
    if config.units_row and any(_FIGURE.match(cell) for cell in below[0]):
        held = listed(_some(below[0]), 4)
        return 0, f"data.units_row: the line below the header of {file} holds values ({held}): it is a row"
    num_lines = _num_lines(below, frame)
    return (max(1, num_lines), "") if config.units_row else _judged(below, num_lines, frame, file)


def _num_lines(below: Sequence[Sequence[str]], frame: polars.DataFrame) -> int:
    """How many lines in turn have words, and no figures, in columns of which all other rows have figures."""
    for count in range(len(below), 0, -1):
        figures = _columns_of_figures(frame[count:])
        if (
            all(_tells_words(cells, figures) for cells in below[:count])
            and len({tuple(cells) for cells in below[:count]}) == count
        ):
            return count
    return 0


def _tells_words(cells: Sequence[str], figures: Sequence[int]) -> bool:
    told = [cells[index] for index in figures if cells[index].strip("-")]  # a dash: no unit
    return bool(told) and not any(map(_FIGURE.match, cells)) and not any(cell.casefold() in _UNKNOWN for cell in told)


def _as_the_training(below: Sequence[Sequence[str]], frame: polars.DataFrame, file: str) -> tuple[int, str]:
    """The lines that are none of the rows to predict, as there were such in the table of the training; see `units_below`."""
    if _mostly_units(_some(below[0])):
        return max(1, _num_lines(below, frame)), ""
    count = _num_lines(below, frame)
    told = [cell for index, cell in enumerate(below[0]) if index in _columns_of_figures(frame[count:]) and cell]
    if count and len(told) >= _MANY:
        return count, f"{_where(count, file, below)} is no row, as in the table of the training"
    return 0, ""


def _judged(below: Sequence[Sequence[str]], count: int, frame: polars.DataFrame, file: str) -> tuple[int, str]:
    if not count:
        return 0, ""
    cells, figures = below[0], _columns_of_figures(frame[count:])
    told = [cells[index] for index in figures if cells[index].strip("-")]
    others = [index for index in range(len(cells)) if index not in figures and cells[index] and not _is_unit(cells[index])]
    if others and (len(told) < _MANY or any(cells[index] in frame[frame.columns[index]][1:].to_list() for index in others)):
        return 0, ""
    where = _where(count, file, below)
    if _mostly_units(told):
        return count, f"{where} holds units and is no row; data.units_row: false makes it one"
    if len(told) < max(_MANY, len(figures)):
        return 0, ""
    if count > 1:
        return count, f"{where}, where all rows hold numbers, is no row; data.units_row: false makes rows of the lines"
    names = [cell.casefold() for cell in cells]
    may_name = all(names) and len(set(names)) == len(names)
    are_names = "if these are the names of the columns, data.skip: 1 begins there; " if may_name else ""
    what = f"{where} holds words where all rows hold numbers"
    return 0, f"{what}: {are_names}if these are units or descriptions, data.units_row: true leaves it out"


def _where(count: int, file: str, below: Sequence[Sequence[str]]) -> str:
    """The lines, as the beginning of a sentence about one thing."""
    what = "the line" if count == 1 else f"what stands in {count} lines"
    return f"{what} below the header of {file} ({'; '.join(listed(_some(cells), 4) for cells in below[:count])})"


def _mostly_units(cells: Sequence[str]) -> bool:
    return 0 < len(cells) <= 2 * sum(map(_is_unit, cells))


def _is_unit(cell: str) -> bool:
    return len(cell) <= _LONGEST and _UNIT.fullmatch(cell) is not None


def _some(cells: Sequence[str]) -> list[str]:
    return [cell for cell in cells if cell]


def _columns_of_figures(rows: polars.DataFrame) -> list[int]:
    """The columns that hold figures wherever they hold anything, in a few rows at least."""
    found = []
    for index, name in enumerate(rows.columns):
        filled = [cell for cell in rows[name].to_list() if cell and cell not in USUAL_MISSING]
        if len(filled) >= min(FEW_ROWS, rows.height) and all(_FIGURE.match(cell) for cell in filled):
            found.append(index)
    return found
