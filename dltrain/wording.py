"""How text is worded and shown: foreign text made safe to print and log; counts, lists, paths and near names."""

from __future__ import annotations

import json
import os
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from itertools import groupby
from typing import Any

MOST_LISTED = 12
# How a line begins that is a comment, and what a row is called that holds the sums of others.
COMMENTS = ("#", "//", "%%")
TOTALS = re.compile(
    r"(?i)(grand |sub-?|sous-)?(total|sum|summe|zwischensumme|gesamt|gesamtsumme|insgesamt|totals|somme|totale|suma|totaal|summa"
    r"|razem|celkem|összesen|toplam|итого|всего|合計|小計|总计|合计|小计|總計|σύνολο|tot\.|[Σ∑])( général| geral| general)?:?"
)
# Control characters of C0 and C1 but the line feed: in a label or a file name they would steer the terminal.
_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160)) if code != 10}
_CONTROLS |= {ord("\t"): "\\t", ord("\r"): "\\r"}
# Reordering and invisible characters, with which a name can pretend to be another; separators that some take for a line's end.
_CONTROLS |= {code: f"\\u{code:04x}" for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x2028, 0x2029, 0x200B, 0xFEFF)}
# What begins a line for a person is a command for a CI job: "::error ..." at its start, "##[...]" anywhere (GitHub, Azure).
_COMMAND = re.compile(r"^([^\S\n]*)::|##(?=vso)?\[|##vso\[", flags=re.MULTILINE)
# A path made of a URL has one slash: "https:/user:password@host".
# Bounded, so that long text of one word is looked through in one go.
_CREDENTIALS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{0,40}:/+)[^\s/@'\"]*@")
_SECRET = re.compile(
    r"([?&](?:[\w-]{0,60}(?:token|key|secret|password|signature|sig|credential)[\w-]{0,60})=)[^&\s'\"]+", re.IGNORECASE
)


def printable(text: str) -> str:
    """Text that steers neither a terminal nor a CI job and gives no password away; line feeds stay."""
    text = without_controls(without_credentials(text))
    if "::" in text or "##" in text:
        text = _COMMAND.sub(lambda match: f"{match[1]}:\\x3a" if match[1] is not None else "#\\x23" + match[0][2:], text)
    return text


def without_controls(text: str) -> str:
    """Text that steers no terminal; line feeds stay."""
    return text.translate(_CONTROLS)


def is_text(name: str) -> bool:
    """Whether the name of a file is text; one of other bytes than UTF-8 cannot be written as such."""
    return not any("\ud800" <= letter <= "\udfff" for letter in name)


def as_text(name: str) -> str:
    """The name of a file, what of it is no UTF-8 replaced."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


# The same in a JSON text, where the quoted text alone can hold them, and a reader takes these back; and what a name of a file
# holds in the place of bytes that are no UTF-8, which cannot be written at all.
_IN_JSON = {code: f"\\u{code:04x}" for code in (*_CONTROLS, *range(0xD800, 0xE000)) if code > 31}


def json_without_controls(text: str) -> str:
    """A JSON text that means the same and steers no terminal."""
    return text if text.isascii() and "\x7f" not in text else text.translate(_IN_JSON)


def one_line(text: str, width: int | None = None) -> str:
    """Text on one line, cut to `width` columns."""
    line = printable(text.replace("\n", "\\n"))
    return line if width is None or display_width(line) <= width else line[: width - 3] + "..."


def shortened(words: str, most: int) -> str:
    """The text, or its beginning and its end where it is longer than so many letters."""
    return words if len(words) <= most else f"{words[: most - most // 3 - 1]}\u2026{words[-(most // 3) :]}"


# What joins pictures to one, shows a sign as a picture, and colours the skin of the one before.
_JOINER, _AS_PICTURE, _SKINS = "\u200d", "\ufe0f", "\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff"


def display_width(text: str) -> int:
    """Columns that a terminal takes for the text: two for wide letters and pictures, none for what joins the one before."""
    if text.isascii():
        return len(text)
    columns, before, last = 0, "", 0
    for letter in text:
        if unicodedata.category(letter) in ("Mn", "Me", "Cf"):  # accents, vowels of Thai and Hindi, joiners
            wide = letter == _AS_PICTURE and last == 1 and not before.isalnum()
            columns, last = columns + wide, last + wide
        elif before == _JOINER or letter in _SKINS or "\u1160" <= letter <= "\u11ff":  # of the picture, or syllable, before
            last = 0
        else:
            last = 2 if unicodedata.east_asian_width(letter) in "WF" else 1
            columns += last
        before = letter
    return columns


# A secret that a config takes from the environment -> the reference that stands for it in all that is written or shown.
_SECRETS: dict[str, str] = {}


def hide_secret(value: str, reference: str) -> None:
    """From now on the reference is shown and written where the value would be, also as JSON, HTML and addresses spell it."""
    import html  # as few configs have a secret
    from urllib.parse import quote

    spelt = {json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1], repr(value)[1:-1]}
    spelt |= {json_without_controls(word) for word in spelt}
    spelt |= {html.escape(value), html.escape(value, quote=False), quote(value), quote(value, safe="")}
    _SECRETS.update(dict.fromkeys((value, *spelt), reference))


def without_secrets(text: str) -> str:
    """The text with references in the place of secrets."""
    for value, reference in all_secrets().items():
        text = text.replace(value, reference)
    return text


class Secrets(dict[str, str]):
    """Secrets with their references; whoever takes them out of another process's parcel hides them as well."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Made anew by `all_secrets`, which hides them."""
        return all_secrets, (dict(self),)


def all_secrets(more: Mapping[str, str] | None = None) -> Secrets:
    """The secrets that are hidden in this process, and `more`: the longest first, as one may hold another."""
    _SECRETS.update(more or {})
    return Secrets(sorted(_SECRETS.items(), key=lambda item: len(item[0]), reverse=True))


def without_credentials(text: str) -> str:
    """The text with `***` in the place of user and password, tokens and signatures of the URLs in it."""
    text = without_secrets(text)
    if ":/" not in text:
        return text
    return _SECRET.sub(r"\1***", _CREDENTIALS.sub(r"\1***@", text))


def percent(share: float, decimals: int = 1) -> str:
    """A share as a percentage: `12.5 %`; one that would be rounded to none is `under 0.1 %`."""
    least = 10.0**-decimals
    return f"under {least:g} %" if 0 < share < least / 200 else f"{100 * share:.{decimals}f} %"


def rough_percent(share: float) -> str:
    """A share in two digits: `12 %`, or `1.2 %`."""
    return percent(share, int(share < 0.095))


def shares_of(counts: Iterable[tuple[str, int]], num_rows: int) -> str:
    """How many rows each label has, and what share of all: `yes: 1,200 (75.0 %), no: 400 (25.0 %)`; of many, the largest."""
    counts = list(counts)
    if len(counts) > MOST_LISTED:
        counts.sort(key=lambda of: -of[1])
    return listed([f"{label}: {count:,} ({percent(count / max(num_rows, 1))})" for label, count in counts])


def counted(count: int, noun: str) -> str:
    """`1 row`, `1,200 rows`."""
    ending = "" if count == 1 else "es" if noun.endswith(("s", "x", "ch", "sh")) and noun != "epoch" else "s"
    return f"{count:,} {noun}{ending}"


# A path of the cache -> the name under which the user knows what lies there.
_NAMES: dict[str, str] = {}


def amount(value: float) -> str:
    """A number by its six leading digits, and large ones in full: 1,520,000, not 1.52e+06."""
    text = f"{value:,.6g}"
    return f"{float(text):,.0f}" if "e+" in text and abs(value) < 1e15 else text


def name_path(path: str, name: str) -> None:
    """From now on the path is shown by that name."""
    _NAMES[path] = name


@contextmanager
def named(path: str, name: str) -> Iterator[None]:
    """`name_path` for as long as the context lasts."""
    name_path(path, name)
    try:
        yield
    finally:
        _NAMES.pop(path, None)


def shown(path: str) -> str:
    """A path as short as it can be: relative where it is below the working directory; of a copy, what it is a copy of."""
    for known, name in _NAMES.items():
        if path == known or path.startswith(f"{known}{os.sep}"):
            return name + path[len(known) :]
    relative = os.path.relpath(path) if os.path.isabs(path) else path
    return path if relative.startswith(os.pardir) else relative


def listed(words: Sequence[object], limit: int = MOST_LISTED) -> str:
    """Words with commas; a long list is cut and counted, of a long word the middle is left out."""
    text = ", ".join(cut_middle(str(word)) for word in words[:limit])
    return text if len(words) <= limit else f"{text}, and {len(words) - limit:,} more"


LONGEST_WORD = 120  # of a list
LONGEST_OVERRIDE = LONGEST_KEY = 300
LONGEST_SAYING = 6000


def in_override(word: str) -> str:
    """The end of a sentence on what an override brought, without its secrets; the middle of a long one is left out."""
    return f', in "{cut_middle(without_credentials(word), LONGEST_OVERRIDE)}"'


def without_override(sentence: str) -> str:
    """A sentence without the end that `in_override` gives it: what is wrong whatever the value."""
    return sentence.partition(', in "')[0]


def cut_middle(word: str, longest: int = LONGEST_WORD) -> str:
    """The word; of one with more characters the middle is left out."""
    if len(word) <= longest:
        return word
    word = without_secrets(without_credentials(word))  # of which half would not be known as one
    return f"{word[: longest * 3 // 4]}…{word[-longest // 4 :]}"


def quoted(value: object) -> str:
    """Text of a file as it is told within a sentence: in quotes, the middle of a long one left out."""
    return cut_middle(repr(value))


def cut_saying(text: str) -> str:
    """What is told of a thing, no longer than anybody reads: a sentence may hold a text of a file, and a cell a whole book."""
    return cut_middle(text, LONGEST_SAYING)


def column_hint(word: str, columns: Sequence[str]) -> str:
    """The nearest column name, and what columns there are; of a single one that holds the word what else may separate fields."""
    sign = _separator_beside(word, columns[0]) if len(columns) == 1 else None
    if sign is not None:
        shown = "whitespace" if not sign.strip(" \t") else f'"{sign}"' if sign.isprintable() else json.dumps(sign)
        how = f"data.separator: {shown}" if len(sign) == 1 or shown == "whitespace" else "write one character in its place"
        return f"the file is read as one column, {columns[0]}: if {cut_middle(sign)!r} separates fields, {how}"
    return meant_or(word, columns, f"columns: {listed(columns, 30)}")


def the_target(name: str) -> str:
    """`the target income`; one that is called target is not named twice."""
    return "the target" if name == "target" else f"the target {name}"


def label_hint(column: str, label: str, known: Sequence[str], what: str) -> str:
    """What helps where a label of a column is none of those known: the nearest of these as a replacement, and `what` they are."""
    close = None if re.fullmatch(r"[\W\d_]*\d[\W\d_]*", label) else nearest(label, known)  # another number is no slip
    meant = f'if it means {close}, say data.replace: {{{column}: {{"{label}": "{close}"}}}}; ' if close else ""
    return f"{no_row_hint(label)}{meant}{what}: {listed(known)}"


def no_row_hint(word: str) -> str:
    """What to say of a word that names no thing but a row that is none, before what else there is; empty: it is a word."""
    mark = next((mark for mark in COMMENTS if word.startswith(mark)), None)
    if mark and word[len(mark) :][:1].isspace():
        return f'if it is a comment, `data.comment: "{mark}"` leaves out lines that begin so; '
    if not TOTALS.fullmatch(word.strip()):
        return ""
    return f"if it is the sum of others, take the row out (`data.comment: {word.strip()}` does, where its line begins so); "


def _separator_beside(word: str, column: str) -> str | None:
    """What stands beside a word in a longer one, where the word is at one of its ends or between two such: `y` in `a^b^y`."""
    found = re.search(rf"(?:^|([^\w\"'. -]+|\s+)){re.escape(word)}(?:$|([^\w\"'. -]+|\s+))", column) if word.strip() else None
    return found and (found[1] or found[2])


def shown_column(name: str) -> str:
    """A column's name as it is told."""
    return name or "(a column without a name)"


def snake_case(name: str) -> str:
    """A class name as Keras names its instances: `BatchNormalization` → `batch_normalization`, `Conv2D` → `conv2d`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=.)(?=[A-Z][a-z])", "_", name).lower()


def normalize(name: str) -> str:
    """The spelling under which a name is looked up: lower case, without underscores, hyphens and blanks."""
    return name.lower().replace("_", "").replace("-", "").replace(" ", "")


LONGEST = 64


def edit_distance(first: str, second: str, limit: int) -> int:
    """Insertions, deletions, replacements and swaps of neighbours that lead from one word to the other.

    The optimal string alignment distance (Damerau 1964; Levenshtein 1966); gives up above `limit` and returns `limit + 1`.
    """
    if abs(len(first) - len(second)) > limit:
        return limit + 1
    before: list[int] = []
    above = list(range(len(second) + 1))
    for row, left in enumerate(first, 1):
        current = [row]
        for column, right in enumerate(second, 1):
            cost = min(above[column] + 1, current[-1] + 1, above[column - 1] + (left != right))
            if row > 1 and column > 1 and left == second[column - 2] and first[row - 2] == right:
                cost = min(cost, before[column - 2] + 1)
            current.append(cost)
        if min(current) > limit:
            return limit + 1
        before, above = above, current
    return above[-1]


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known name that `word` most likely means, or None where none is near; case and underscores do not count.

    A name of which a letter stands there too often or not often enough comes before all others (`Adamm` is Adam, not AdamW). Of
    equally near names the one that begins and ends as the word does is taken (`rlu` is relu, not elu), then the first given.
    """
    return _nearest(word[:LONGEST], tuple(known))


@lru_cache(maxsize=4096)
def _nearest(word: str, known: tuple[str, ...]) -> str | None:
    plain = normalize(word)
    if not plain:
        return None
    limit = 1 if len(plain) < 4 else 2 if len(plain) < 9 else 3
    best: tuple[bool, int, int, int] | None = None
    found = None
    for name in known:
        candidate = normalize(name)
        distance = edit_distance(plain, candidate, limit)
        if distance > limit or distance >= max(len(plain), len(candidate)):
            continue
        prefix = next((i for i, (a, b) in enumerate(zip(plain, candidate)) if a != b), min(len(plain), len(candidate)))
        suffix = next(
            (i for i, (a, b) in enumerate(zip(reversed(plain), reversed(candidate))) if a != b), min(len(plain), len(candidate))
        )
        rank = (
            _without_doubles(plain) != _without_doubles(candidate),
            distance,
            -(prefix + suffix),
            abs(len(plain) - len(candidate)),
        )
        if best is None or rank < best:
            best, found = rank, name
    return found


def _without_doubles(word: str) -> str:
    return "".join(letter for letter, _ in groupby(word))


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """`did you mean "units"?`, or None."""
    name = nearest(word, known)
    return None if name is None else f'did you mean "{name}"?'


def meant_or(word: str, known: Iterable[str], otherwise: str) -> str:
    """`did you mean "units"? `, where a known name is near, and what else helps."""
    return f"{did_you_mean(word, known) or ''} {otherwise}".lstrip()


def one_of(names: Iterable[str], limit: int = 12) -> str:
    """The names as text, shortened where there are many: `a, b, c, … (134 in all)`."""
    listed = list(names)
    if len(listed) <= limit:
        return ", ".join(listed)
    return ", ".join(listed[:limit]) + f", … ({len(listed)} in all)"
