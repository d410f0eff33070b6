"""How numbers are written in a text: one decision about decimal sign and thousands, from all columns together."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

MOST_ROWS = 2_000
# Signs between groups of three digits, beside comma and point: blank, no-break and thin blanks, apostrophes.
GROUPING = " \u00a0\u202f\u2009\u2007'\u2019"
# Signs and names of currencies, as money is written before or after a number.
CURRENCY = (
    r"[A-Z]{1,3}\$|[$€£¥₹₽₩₺₪₫₱₦฿]|USD|EUR|GBP|CHF|JPY|CAD|AUD|NZD|SGD|HKD|MXN|BRL|ZAR|SEK|NOK|DKK|PLN|CZK|HUF|INR|CNY|RUB|TRY"
    r"|Fr\.|kr\.?|zł|Kč|Rs\.?"
)
# What stands before a number that has something behind it as well: `$99/night`; and the sign that numbers things: `#126`.
MARK = rf"{CURRENCY}|[#№]"
# The minus of typesetters, the dash that word processors make of one, that of Chinese and Japanese fonts.
MINUS = "\u2212\u2013\uff0d"
# As telephone numbers are written between countries, and hardly any amount.
TELEPHONE = r"^\+[1-9]\d{0,2}[ \d]{6,}$"
# Where money is written so, a comma stands between thousands: nobody has thousandths of it.
_ENGLISH_MONEY = re.compile(r"\(?\s*[-+]?\s*(?:US\$|[$£₹¥])\s*[-+]?\d")
_FEW_WORDS = 3
_LONGEST = 400  # characters of a number with all that stands around it
_DIGITS = re.compile(rf"[-+{MINUS}]?[\d.,{GROUPING}]*\d[\d.,]*")
_AFFIXES = re.compile(
    rf"^\(?\s*[-+{MINUS}]?\s*(?:{MARK})?\s*\(?\s*[-+{MINUS}]?\s*|\s*(?:{CURRENCY}|%)?\s*-?\)?$|(?<=\d)[eE][-+]?\d{{1,3}}$"
)

# Numbers with a point or none, and nothing around them: 5, -0.344, 1234.567, 1.344, each on a line of its own; and those of
# them that can be read in two ways.
_PLAIN = r"[-+]?\d{1,300}(?:\.\d{0,300})?"
_ALL_PLAIN = re.compile(rf"(?:{_PLAIN}\n)*+{_PLAIN}", re.ASCII)
_TWO_WAYS = re.compile(r"(?m)^[-+]?([1-9]\d{0,2}\.\d{3})$", re.ASCII)
_LONG_WHOLE = re.compile(r"(?m)^[-+]?\d{4,}$", re.ASCII)
_POWER = re.compile(r"(?<=\d)[eE][-+]?\d{1,3}$")
_EITHER = re.compile(r"^([-+]?\d{1,3}[.,])(\d{3})[eE][-+]?\d{1,3}$")
# `499,-`, `5.-- CHF`: no cents.
_NO_CENTS = re.compile(rf"(?<=\d[.,])[-\u2013\u2014]{{1,2}}(?=\s*(?:{CURRENCY})?$)")
# `250,000+`: or more; then `2,500-` is or less, and nothing negative.
_OVER = re.compile(r"\d\+$")
# The unit of a number, where all of a column have the same.
_UNIT = re.compile(r"(?<=\d)\s*(?:/ ?)?([^\W\d_]|[°″])\S{0,11}(?: [^\W\d_]{1,10}){0,2}$")


def grouped(sign: str) -> str:
    """A pattern of whole numbers with a sign (escaped) between their thousands, or as India writes them: 12,34,567."""
    return rf"\d{{1,3}}(?:{sign}\d{{3}})+|\d{{1,2}}(?:{sign}\d\d)+{sign}\d{{3}}"


MIXED = "some numbers have a decimal comma, others a point: those with a comma are text; data.decimal says which one it is"
_OTHER = {",": ".", ".": ","}  # where one stands between thousands, the other is the decimal sign


@dataclass(frozen=True, slots=True)
class NumberSigns:
    """The decimal sign and the sign between thousands.

    Attributes:
        decimal: "." or ",".
        thousands: one character, or None.
        is_sure: a value shows it; else it is the usual.
        remark: where two readings explain every value, which one was taken and how to say otherwise; else empty.
        unsure: the sign of these two readings; else empty.
    """

    decimal: str = "."
    thousands: str | None = None
    is_sure: bool = False
    remark: str = ""
    unsure: str = ""


def find_number_signs(
    text: bytes,
    separator: str,
    quote: str | None,
    *,
    decimal: str | None = None,
    thousands: str | None = None,
    missing: Collection[str] = (),
) -> NumberSigns:
    """Decide by the beginning of a text.

    Args:
        text: UTF-8, whole lines.
        separator, quote: of its fields.
        decimal, thousands: what the user says.
        missing: words for "no value".
    """
    cells = [[value for value in values if value not in missing] for values in _columns(text, separator, quote)]
    return signs_of(cells, separator, decimal, thousands)


def signs_of(
    cells: Iterable[Sequence[str]], separator: str, decimal: str | None = None, thousands: str | None = None
) -> NumberSigns:
    """Decide by the values of all columns, the name of each before them.

    A value such as `2,5`, `0,344` or `1.234,5` can be read in one way only; `1,344` in two. Where nothing but the second kind is
    met, the separator decides, and it is said: a semicolon is written where the comma is the decimal sign, a comma where it
    stands between thousands, and with others long numbers without a sign in the same column speak for the decimal sign.
    """
    columns = _of_numbers(cells)
    comma = any(column.decimal[","] for column in columns)
    point = any(column.decimal["."] for column in columns)
    groups = {sign for column in columns for sign in column.groups}
    either = {sign for column in columns for sign in (",", ".") if column.either[sign]}
    rather = {sign for column in columns if column.has_long for sign in (",", ".") if column.either[sign]}
    spaced = next((sign for sign in GROUPING if sign in groups), None)
    if decimal is None and thousands in _OTHER:
        decimal = _OTHER[thousands]
    if decimal is not None:
        other, is_met, is_other_met = (".", comma, point) if decimal == "," else (",", point, comma)
        found = thousands or (other if other in groups | either and not is_other_met else spaced)
        is_wrong = decimal == "," and is_other_met and not is_met and thousands is None
        return NumberSigns(decimal, found, True, "no number has a decimal comma: those with a point keep it" if is_wrong else "")
    if comma and point:
        return NumberSigns(".", thousands or spaced, False, MIXED)
    if comma or "." in groups:
        return NumberSigns(",", thousands or ("." if "." in groups | either else spaced), True)
    if point or "," in groups:
        return NumberSigns(".", thousands or ("," if "," in groups | either else spaced), True)
    if "," in either:
        if separator == ";" or ("," in rather and separator != ","):
            return NumberSigns(",", thousands or spaced, False, _remark(",", columns, "data.decimal: '.' reads it as 1344"), ",")
        if thousands is None:
            remark = _remark(",", columns, "data.decimal: ',' reads it as 1.344", thousands=True)
            return NumberSigns(".", ",", False, remark, ",")
    if "." in either and separator == ";" and thousands is None:
        return NumberSigns(".", spaced, False, _remark(".", columns, "data.thousands: '.' reads it as 1344"), ".")
    return NumberSigns(".", thousands or spaced, bool(groups or rather))


def _remark(sign: str, columns: Sequence[_Column], otherwise: str, *, thousands: bool = False) -> str:
    value = next(column.example for column in columns if column.either[sign])
    what = "a sign between thousands" if thousands else "the decimal sign"
    plain = value.replace(sign, "" if thousands else ".")
    otherwise = otherwise.replace("1344", value.replace(sign, "")).replace("1.344", value.replace(sign, "."))
    named = "comma" if sign == "," else "point"
    return f"numbers such as {value} could be read in two ways: the {named} is taken for {what} ({plain}); {otherwise}"


def _columns(text: bytes, separator: str, quote: str | None) -> Iterable[list[str]]:
    lines = io.StringIO(text.decode("utf-8", "replace"), newline="")
    columns: list[list[str]] = []
    try:
        # Lines before the table, comments and the like were left empty.
        reader = csv.reader(lines, delimiter=separator, quotechar=quote or "\0", skipinitialspace=separator != " ")
        rows = (row for row in reader if row)
        for number, row in enumerate(rows):
            if number > MOST_ROWS:
                break
            if number == 0:
                columns = [[] for _ in row]
            for column, value in zip(columns, row, strict=False):
                column.append(value.strip())
    except csv.Error:  # what is read so far will do: the reader itself says what is wrong
        pass
    return columns


def _of_numbers(cells: Iterable[Sequence[str]]) -> list[_Column]:
    """The columns of numbers; where their decimal signs differ, those that may hold names do not count."""
    columns = [column for values in cells if (column := _Column.of(values)) is not None]
    differ = all(any(column.decimal[sign] for column in columns) for sign in (",", "."))
    return [column for column in columns if not (differ and column.is_weak)]


@dataclass(slots=True)
class _Column:
    """What the values of one column of numbers show.

    Attributes:
        decimal: sign -> values in which it can only be the decimal sign.
        either: sign -> values in which it may be that, or stand between thousands.
        groups: signs that can only stand between thousands.
        example: a value of the second kind.
        has_long: a value such as 12000 stands beside them: hardly anybody writes thousands in some values alone.
        is_weak: letters stand behind its numbers, and words beside them, as in `1.5HCl`, `water`: these may be names.
    """

    decimal: Counter[str]
    either: Counter[str]
    groups: set[str]
    example: str = ""
    has_long: bool = False
    is_weak: bool = False

    @classmethod
    def of(cls, values: Sequence[str]) -> _Column | None:
        """None where the column holds something else than numbers (a header above them does not count)."""
        found = cls(Counter(), Counter(), set())
        filled = long_whole = 0
        odd: list[str] = []
        # No number is so long, and the patterns below look at long text for very long.
        values = [value if value is None or len(value) <= _LONGEST else "x" for value in values]
        plain = [value for value in values[1:] if value]
        if plain and plain[0].startswith("+") and all(re.match(TELEPHONE, value) for value in plain):
            return None
        joined = "\n".join(plain)
        if plain and _ALL_PLAIN.fullmatch(joined):  # at once, for tables of many thousand columns
            either = _TWO_WAYS.findall(joined)
            found.either["."], found.decimal["."] = len(either), joined.count(".") - len(either)
            found.example = either[0] if either else ""
            filled, long_whole = len(plain), int(_LONG_WHOLE.search(joined) is not None)
            values = values[:1]
        else:
            # 9,712e+03: no sign stands between thousands of what has a power of ten.
            values = [_EITHER.sub(r"\1\g<2>0", value) if value and _POWER.search(value) else value for value in values]
            values = [_NO_CENTS.sub("", value) if value else value for value in values]
            units = {match[0].strip() for value in values[1:] if value and (match := _UNIT.search(value))}
            if len(units) == 1:
                found.is_weak = True
                values = [_UNIT.sub("", value) for value in values]
        is_open = any(value and _OVER.search(value) for value in values[1:])
        for value in values:
            if not value or value.strip(f"-{MINUS}") == "":  # nor does a dash, as which a ledger shows 0
                continue
            filled += 1
            digits = _AFFIXES.sub("", value)
            if (
                not digits
                or (is_open and value.endswith("-"))
                or not _DIGITS.fullmatch(digits)
                or not found._take(digits.lstrip(f"+-{MINUS}"), is_money=_ENGLISH_MONEY.match(value) is not None)
            ):
                odd.append(value)
            elif digits.isdigit() and len(digits) > 3:
                long_whole += 1
        # The header, and now and then a word for "no value", or one such word however often.
        if len(odd) == filled or (
            len(odd) > max(1, 0.1 * filled) and not (len(set(odd)) <= _FEW_WORDS and 2 * len(odd) < filled)
        ):
            return None
        found.has_long = long_whole > 0
        found.is_weak = found.is_weak and len(odd) > 1
        return found

    def _take(self, digits: str, *, is_money: bool = False) -> bool:
        """One value, without its own sign; False where it is no number."""
        for sign in GROUPING:
            if sign in digits:
                return self._take_spaced(digits, sign)
        commas, points = digits.count(","), digits.count(".")
        if not commas and not points:
            return True
        if commas and points:
            last, first = (",", ".") if digits.rfind(",") > digits.rfind(".") else (".", ",")
            whole, _, _ = digits.rpartition(last)
            if digits.count(last) > 1 or not self._take_groups(whole, first):
                return False
            self.decimal[last] += 1
            return True
        sign = "," if commas else "."
        if commas + points > 1:
            return self._take_groups(digits, sign)
        whole, _, fraction = digits.partition(sign)
        if len(fraction) == 3 and 1 <= len(whole) <= 3 and not whole.startswith("0"):
            if is_money and commas:
                self.groups.add(",")
                return True
            self.either[sign] += 1
            self.example = self.example or digits
        else:
            self.decimal[sign] += 1
        return True

    def _take_spaced(self, digits: str, sign: str) -> bool:
        """One value whose thousands stand apart by a sign that is neither a comma nor a point."""
        head = re.match(rf"\d{{1,3}}(?:{sign}\d{{3}})+(?![\d{sign}])", digits)
        if head is None:
            return False
        self.groups.add(sign)
        digits = digits[: head.end()].replace(sign, "") + digits[head.end() :]
        if len(digits) > head.end() and not re.fullmatch(r"\d+[.,]\d*", digits):
            return False
        for mark in (",", "."):
            self.decimal[mark] += mark in digits
        return re.fullmatch(r"\d+(?:[.,]\d*)?", digits) is not None

    def _take_groups(self, whole: str, sign: str) -> bool:
        """Digits with a comma or a point between thousands."""
        if not re.fullmatch(grouped(re.escape(sign)), whole):
            return False
        self.groups.add(sign)
        return True
