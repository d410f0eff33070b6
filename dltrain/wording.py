"""Foreign text - labels, names of columns and files, messages of others - made fit to be shown and logged."""

from __future__ import annotations

import re
import unicodedata

# Control characters of C0 and C1 but the line feed: in a label or a file name they would steer the terminal.
_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160)) if code != 10}
_CONTROLS |= {ord("\t"): "\\t", ord("\r"): "\\r"}
# Reordering and invisible characters, with which a name can pretend to be another; separators that some take for a line's end.
_CONTROLS |= {code: f"\\u{code:04x}" for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x2028, 0x2029, 0x200B, 0xFEFF)}
# What begins a line for a person is a command for a CI job: "::error ..." at its start, "##[...]" anywhere (GitHub, Azure).
_COMMAND = re.compile(r"^([^\S\n]*)::|##(?=vso)?\[|##vso\[", flags=re.MULTILINE)
# A path made of a URL has one slash: "https:/user:password@host".
_CREDENTIALS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*:/+)[^\s/@'\"]*@")
_SECRET = re.compile(r"([?&](?:[\w-]*(?:token|key|secret|password|signature|sig|credential)[\w-]*)=)[^&\s'\"]+", re.IGNORECASE)


def printable(text: str) -> str:
    """Text that steers neither a terminal nor a CI job and gives no password away; line feeds stay."""
    text = without_credentials(text).translate(_CONTROLS)
    if "::" in text or "##" in text:
        text = _COMMAND.sub(lambda match: f"{match[1]}:\\x3a" if match[1] is not None else "#\\x23" + match[0][2:], text)
    return text


def one_line(text: str, width: int | None = None) -> str:
    """Text on one line, cut to `width` columns."""
    line = printable(text.replace("\n", "\\n"))
    return line if width is None or display_width(line) <= width else line[: width - 3] + "..."


def display_width(text: str) -> int:
    """Columns that a terminal takes for the text: two for a wide East Asian character, none for a combining one."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(letter) else 2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text
    )


def without_credentials(text: str) -> str:
    """The text with `***` in the place of user and password, tokens and signatures of the URLs in it."""
    if ":/" not in text:
        return text
    return _SECRET.sub(r"\1***", _CREDENTIALS.sub(r"\1***@", text))


def counted(count: int, noun: str) -> str:
    """`1 row`, `1,200 rows`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
