"""A line of units below the header (`kg;m/s;°C`), as instruments and spreadsheets write it: it is no row of the table."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from dltrain.config.types import DataConfig
from dltrain.data.columns.number_signs import CURRENCY
from dltrain.data.columns.reading import USUAL_MISSING
from dltrain.data.tables.text_parse import read_columns, strip_field_blanks
from dltrain.data.tables.text_scan import TextScan
from dltrain.wording import listed

if TYPE_CHECKING:
    import polars

ROWS_LOOKED_AT = 50
FEW_ROWS = 3
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
) -> tuple[list[str], str]:
    """The cells of the line below the header where it holds units, else none; and a sentence for the user, or nothing.

    It is taken for units where it has none of the figures that all rows below have in their columns, and some cell is a known
    unit; words that are none may be values that are not known.

    Args:
        content: UTF-8, with a header.
        scan: of its records.
        config: whose `units_row` says that there is one, or that there is none.
        separator, quote: of the text.
        file: its name.
    """
    count = min(len(scan.starts) - 1, ROWS_LOOKED_AT + 1)
    if config.units_row is False or count < 2 or (config.units_row is None and count <= FEW_ROWS):
        return [], ""
    if (scan.num_fields[1 : count + 1] != scan.num_fields[1]).any():
        return [], ""
    begin = content[scan.starts[1] : scan.ends[1]].decode("utf-8", "replace").strip(f" {quote or ''}")
    if config.units_row is None and _FIGURE.match(begin):
        return [], ""  # most tables: their first row begins with a number
    lines = [strip_field_blanks(content[scan.starts[row] : scan.ends[row]], scan, row) for row in range(1, count + 1)]
    names = [f"column_{index}" for index in range(int(scan.num_fields[1]))]
    frame = read_columns(b"\n".join(lines), names, separator, quote, file)
    if frame.height != count:
        return [], ""
    cells = [(cell or "").strip() for cell in frame.row(0)]
    if config.units_row:
        if "own_columns" in config.arguments:  # rows for a stored run may come without it
            return (cells if _mostly_units(_some(cells)) else []), ""
        if not any(_FIGURE.match(cell) for cell in cells):
            return cells, ""
        return [], f"data.units_row: the line below the header of {file} holds values ({listed(_some(cells), 4)}): it is a row"
    return _judged(cells, _columns_of_figures(frame[1:]), frame, file)


def _judged(cells: Sequence[str], figures: Sequence[int], frame: polars.DataFrame, file: str) -> tuple[list[str], str]:
    told = [cells[index] for index in figures if cells[index].strip("-")]  # a dash: no unit
    if not told or any(_FIGURE.match(cell) for cell in cells) or any(cell.casefold() in _UNKNOWN for cell in told):
        return [], ""
    others = [index for index in range(len(cells)) if index not in figures and cells[index] and not _is_unit(cells[index])]
    if others and (len(told) < _MANY or any(cells[index] in frame[frame.columns[index]][1:].to_list() for index in others)):
        return [], ""
    where, shown = f"the line below the header of {file}", listed(_some(cells), 4)
    if _mostly_units(told):
        return list(cells), f"{where} holds units ({shown}) and is no row; data.units_row: false makes it one"
    if len(told) < max(_MANY, len(figures)):
        return [], ""
    what = f"{where} holds words ({shown}) where all rows hold numbers"
    names = [cell.casefold() for cell in cells]
    may_name = all(names) and len(set(names)) == len(names)
    are_names = "if these are the names of the columns, data.skip: 1 begins there; " if may_name else ""
    return [], f"{what}: {are_names}if these are units or descriptions, data.units_row: true leaves it out"


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
