"""Tables of known values, written as people and programs write them: separators, signs, quotes, encodings, dates, words, gaps."""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import dataclass
from typing import Any

WORDS = [
    ["red", "green", "blue"], ["N/S", "E-W", "both"], ["Müller", "Öz", "ça"], ["a b", "c,d", "e;f"], ["x|y", "tab", "TRUE2"],
    ["True", "False"], ["yes", "no"],
]  # fmt: skip
DATES = [
    "%Y-%m-%d", "%d.%m.%Y", "%Y/%m/%d", "%d-%b-%Y", "%b %d, %Y", "%B %d, %Y", "%d %B %Y", "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%dT%H:%M:%S", "%d.%m.%Y %H:%M", "%m/%d/%Y %I:%M:%S %p", "%Y.%m.%d", "%Y-%m-%dT%H:%M:%SZ",
]  # fmt: skip
NAMES = ["price", "n Zimmer", "a.b", "Größe", "x_1", "Umsatz (EUR)", "μ", "score"]
SEPARATORS = [",", ",", ";", ";", "\t", "|", "::"]
GAPS = ["", "", "NA", "?", "n/a", "NULL"]
ENCODINGS = ["utf-8", "utf-8", "utf-8-sig", "utf-16", "utf-32", "cp1252"]
AROUND = ["{}", "{}", "{}", "{} kg", "€{}", "{}%", "+{}"]


@dataclass(frozen=True)
class MadeColumn:
    """A column: its kind, the cells as they are written, and what they mean (None: no value)."""

    name: str
    kind: str
    cells: list[str]
    values: list[Any]


@dataclass(frozen=True)
class MadeTable:
    """A table as bytes, and what it holds."""

    content: bytes
    columns: list[MadeColumn]
    manner: str


def _grouped(whole: str, sign: str) -> str:
    return f"{int(whole):,}".replace(",", sign)


def _number(value: float, digits: int, decimal: str, thousands: str, around: str) -> tuple[str, float]:
    whole, _, fraction = f"{abs(value):.{digits}f}".partition(".")
    text = (_grouped(whole, thousands) if thousands else whole) + (decimal + fraction if fraction else "")
    read = float(f"{abs(value):.{digits}f}")
    minus = "-" if value < 0 and read else ""
    return minus + (around if not minus else around.replace("+", "")).format(text), -read if minus else read


def _column(draw: random.Random, name: str, decimal: str, thousands: str, num_rows: int) -> MadeColumn:
    kind = draw.choice(["number", "number", "number", "whole", "word", "date"])
    if kind == "word":
        words = draw.choices(draw.choice(WORDS), k=num_rows)
        return MadeColumn(name, kind, words, list(words))
    if kind == "date":
        written, first = draw.choice(DATES), dt.datetime(draw.choice([1975, 1999, 2015]), 1, 1)
        days = [first + dt.timedelta(days=draw.randrange(3000), seconds=draw.randrange(86_400)) for _ in range(num_rows)]
        cells = [day.strftime(written) for day in days]
        return MadeColumn(name, kind, cells, [dt.datetime.strptime(cell, written) for cell in cells])
    # Of exactly three digits after the sign nothing could tell which of two readings is meant.
    digits, scale = (
        (0, draw.choice([9, 60, 5_000, 10**7])) if kind == "whole" else (draw.choice([1, 2, 4, 6]), draw.choice([1, 100, 5_000]))
    )
    around, share, gap = draw.choice(AROUND), draw.choice([0, 0, 0.05, 0.2]), draw.choice(GAPS)
    sign = -1 if draw.random() < 0.4 and "€" not in around else 0
    cells, values = list[str](), list[Any]()
    for _ in range(num_rows):
        value = draw.gauss(sign, 1) * scale if kind == "number" else float(draw.randrange(scale))
        text, read = _number(abs(value) if sign == 0 else value, digits, decimal, thousands, around)
        is_gap = draw.random() < share
        cells.append(gap if is_gap else text)
        values.append(None if is_gap else read)
    return MadeColumn(name, "number", cells, values)


def make_table(seed: int, num_rows: int = 60) -> MadeTable:
    """The table of this number: the same in every run."""
    draw = random.Random(seed)
    separator, decimal = draw.choice(SEPARATORS), draw.choice([".", ".", ","])
    thousands = draw.choice(["", "", *({".", ",", " ", "'"} - {decimal})]) if decimal == "." else draw.choice(["", "", "."])
    columns = [_column(draw, name, decimal, thousands, num_rows) for name in draw.sample(NAMES, draw.randint(1, 5))]
    shown = [_number(draw.gauss(0, 1) * 5_000, 2, decimal, thousands, "{}") for _ in range(num_rows)]  # tells the decimal sign
    columns.append(MadeColumn("target", "number", [text for text, _ in shown], [value for _, value in shown]))
    quotes_all = draw.random() < 0.25
    lines = []
    for row in [[column.name for column in columns], *zip(*(column.cells for column in columns), strict=True)]:
        fields = [f'"{cell}"' if quotes_all or any(sign in cell for sign in separator) else cell for cell in row]
        lines.append(separator.join(fields))
    above = draw.choice([[]] * 6 + [["# made by hand", "# twice"], [f"sep={separator}"] if len(separator) == 1 else []])
    text, encoding = draw.choice(["\n", "\n", "\r\n"]).join([*above, *lines, ""]), draw.choice(ENCODINGS)
    try:
        content = text.encode(encoding)
    except UnicodeEncodeError:
        encoding, content = "utf-8", text.encode()
    manner = f"table {seed}: separator {separator!r}, decimal {decimal!r}, thousands {thousands!r}, {encoding}, above {above}"
    return MadeTable(content, columns, manner)
