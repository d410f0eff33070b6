"""How a delimited text is written: its separator, found out from its first lines where they are not given."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from dltrain.config.types import DataConfig
from dltrain.data.columns.number_signs import CURRENCY, MINUS
from dltrain.data.tables.text_scan import scan_text
from dltrain.wording import counted

SEPARATORS = ("\t", ",", ";", "|")  # of two that do equally well the earlier; a tab hardly stands within a field
SAMPLE_BYTES = 1 << 16
WHITESPACE = "whitespace"
MOST_BEFORE = 100  # lines before the header of a file for a run
FEWEST_LINES = 4  # of fewer it is not told that they stand within quotes
# Two signs between fields stand for this one, which no text has.
DOUBLED, UNIT_SEPARATOR = ("::", "||"), "\x1f"
_SEP_LINE = re.compile(rb"sep=([^\n])\r?\n", flags=re.IGNORECASE)
_BLANKS = re.compile(rb'("[^"\n]*")|[ \t]+')
# Below the header of a table in Markdown, and around it where a database draws boxes: |---|:--:| or +----+----+.
_RULE = rb"[ \t]*[|+]?[ \t]*:?-+:?[ \t]*([|+][ \t]*:?-+:?[ \t]*)*[|+]?[ \t]*"
_RULES = re.compile(rb"(?m)^(?=[^\n]*[|+])(?=[^\n]*(---|[:+]-|-:))" + _RULE + rb"\r?$")
# What databases say below such a table: (60 rows), 60 rows in set (0.00 sec), Time: 1.2 ms. A row of it has a `|`.
_COUNTS = re.compile(rb"(?m)^[ \t]*(\(\d+ [^\s|()]+\)|\d+ rows? in set[^\n|]*|Time: [^\n|]+)[ \t]*\r?$")
# A whole line within quotes, those in it doubled: what a spreadsheet makes of a line that it took for one cell.
_QUOTED_LINE = re.compile(rb'(?m)^"((?:[^"\n]|"")*)"(\r?)$')
_OUTER = re.compile(rb"(?m)^[ \t]*\||\|[ \t]*(?=\r?$)")
# A number with commas: 1,5 or 1.234,56 or 1,234.56, or an amount of money.
_WITH_COMMAS = re.compile(
    rf"\s*\(?[-+{MINUS}]?(?:{CURRENCY})?\s*(?:[\d.]*\d,\d+|\d{{1,3}}(?:,\d{{3}})+(?:\.\d*)?)\s*(?:{CURRENCY}|%)?\)?\s*"
)
NAMES = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|", "space": " ", "whitespace": "\t"}
NAMES |= dict.fromkeys(DOUBLED, UNIT_SEPARATOR)


def find_separator(content: bytes, quote: str | None, *, header: bool | None = None) -> str:
    """The separator by which the first 64 KB are a table: it stands in the first line, and records have as many fields as that.

    Among several the one by which the most records agree with the first line, then the one whose fields hold the fewest other
    separators, commas of numbers left out (`1,34;8,47;-5,78` are three), then the one with fewer empty fields. A text of one
    column has a comma.

    Args:
        content: UTF-8.
        quote: what surrounds fields.
        header: False: the first line is a row like others.
    """
    sample = content[:SAMPLE_BYTES]
    if len(sample) < len(content):
        sample = sample[: sample.rfind(b"\n") + 1] or sample
    best, best_score = ",", (0.0, 0.0, 0, 0)
    for separator in SEPARATORS:
        scan = scan_text(sample, separator, quote, "")
        num_fields = scan.num_fields
        if not len(num_fields) or num_fields[0] < 2:
            continue
        if len(num_fields) == 2 and header is not False and num_fields[1] != num_fields[0]:
            continue
        alike = round(float((num_fields == num_fields[0]).mean()), 2)
        empty = sample.count(separator.encode() * 2)
        score = (alike, round(plainness(sample, separator, quote), 2), int(num_fields[0]), -empty)
        if score > best_score:
            best, best_score = separator, score
    return best


def plainness(sample: bytes, separator: str, quote: str | None) -> float:
    """The share of fields without another separator in them; of a number its commas are none."""
    text = sample.decode("utf-8", "replace")
    if quote:
        text = re.sub(f"{re.escape(quote)}[^{re.escape(quote)}]*{re.escape(quote)}", "", text)
    fields = re.split(rf"[\n{re.escape(separator)}]", text)
    others = [other for other in SEPARATORS if other != separator]
    odd = sum(any(other in field for other in others) and _WITH_COMMAS.fullmatch(field) is None for field in fields)
    return 1 - odd / len(fields)


def is_followed_by_blank(content: bytes, separator: str) -> bool:
    """Whether the text is written `a, b, c`."""
    sample = content[:SAMPLE_BYTES]
    separators = sample.count(separator.encode())
    return separator != " " and separators > 0 and sample.count(separator.encode() + b" ") > 0.9 * separators


def show_separator(separator: str, followed_by_blank: bool = False) -> str:
    """The separator as a message shows it."""
    return "tab" if separator == "\t" else f'"{separator}{" " if followed_by_blank else ""}"'


@dataclass(frozen=True, slots=True)
class Framing:
    """What of a file is no table: lines before it, comments, the line `sep=;` of a spreadsheet; runs of blanks that separate.

    Attributes:
        skip: lines before the table.
        comments: how lines begin that are none of it.
        squeezes: runs of blanks and tabs become one tab.
        separator: what the line `sep=;` says, or None; that line is no row, whatever the config says of the separator.
        has_rules: lines such as `|---|---|` stand between header and rows, as in Markdown: they are no rows.
        doubled: two signs that separate fields become one.
        is_boxed: the lines of that table begin with `|`, and those at their ends enclose no fields.
        is_quoted: lines stand whole within quotes, which are none of the table's.
        skips_more: the lines before the table are other than the config says.
    """

    skip: int = 0
    comments: tuple[bytes, ...] = ()
    squeezes: bool = False
    separator: str | None = None
    has_rules: bool = False
    is_boxed: bool = False
    doubled: bytes | None = None
    is_quoted: bool = False
    skips_more: bool = False

    @property
    def left_out(self) -> tuple[str, ...]:
        """What of the lines was left out, in words."""
        lines = f"the first {counted(self.skip, 'line')} left out"
        return (
            *[lines] * self.skips_more,
            *["the lines of dashes left out"] * self.has_rules,
            *["the quotes around whole lines left out"] * self.is_quoted,
        )

    @classmethod
    def of(cls, config: DataConfig, head: bytes) -> Framing:
        """By the config, and by the beginning of the text."""
        framing = cls._of_lines(config, head)
        sample = framing.apply(head[:SAMPLE_BYTES])
        return replace(framing, is_quoted=True) if _has_quoted_lines(sample, config, framing) else framing

    @classmethod
    def _of_lines(cls, config: DataConfig, head: bytes) -> Framing:
        match = _SEP_LINE.match(head)
        skip = _lines_before(config, head)
        framing = cls(
            skip,
            tuple(comment.encode() for comment in config.comment or () if comment),
            (config.separator or "").casefold() == WHITESPACE,
            match[1].decode("ascii", "ignore") or None if match else None,
            doubled=config.separator.encode() if config.separator in DOUBLED else None,
            skips_more=skip > config.skip,
        )
        if NAMES.get((config.separator or "|").casefold(), config.separator) not in (None, "|"):
            return framing
        lines = (line for line in framing.apply(head[:SAMPLE_BYTES]).removeprefix(b"\xef\xbb\xbf").split(b"\n", 100)[:100])
        first = [line.strip() for line in lines if not line.isspace() and line][:2]
        names = [line for line in first if not _RULES.fullmatch(line)]
        if len(first) == 2 and len(names) == 1 and b"|" in names[0]:
            return replace(framing, has_rules=True, is_boxed=names[0].startswith(b"|"))
        return framing

    def apply(self, content: bytes, first_line: int = 1) -> bytes:
        """Whole lines of a text with what is no table left empty, so that every line keeps its number."""
        blank = max(self.skip - first_line + 1, int(first_line == 1 and self.separator is not None))
        if blank:
            place = -1
            for _ in range(blank):
                place = content.find(b"\n", place + 1)
                if place < 0:
                    return b"\n" * content.count(b"\n")
            content = b"\n" * blank + content[place + 1 :]
        content = content.replace(b"\n\xef\xbb\xbf", b"\n")  # where files were put one behind the other
        marks = [re.escape(comment) for comment in self.comments if comment in content]
        if marks:
            content = re.sub(rb"(?m)^[ \t]*(?:" + b"|".join(marks) + rb")[^\n]*$", b"", content)
        if self.is_quoted:
            content = _QUOTED_LINE.sub(lambda match: match[1].replace(b'""', b'"') + match[2], content)
        if self.has_rules:
            content = _COUNTS.sub(b"", _RULES.sub(b"", content))
        if self.is_boxed:
            content = _OUTER.sub(b"", content)
        if self.doubled is not None:
            sign = UNIT_SEPARATOR.encode()
            content = re.sub(rb'("[^"\n]*")|' + re.escape(self.doubled), lambda match: match[1] or sign, content)
        if self.squeezes:
            content = content.replace(b"\r\n", b"\n")
            content = re.sub(rb"(?m)^[ \t]+|[ \t]+$", b"", content)
            content = _BLANKS.sub(lambda match: match[1] or b"\t", content)
        return content


def _lines_before(config: DataConfig, head: bytes) -> int:
    """The lines before the table: as the config says; in a file for a run those before the line that names the run's columns."""
    own = {*config.arguments.get("own_columns", ())}
    if len(own) < 2 or config.header is False or config.columns is not None:
        return config.skip
    signs = (NAMES.get((config.separator or ",").casefold(), config.separator or ","), *SEPARATORS)
    for place, line in enumerate(head[:SAMPLE_BYTES].removeprefix(b"\xef\xbb\xbf").split(b"\n")[: MOST_BEFORE + 1]):
        text = line.decode("utf-8", "replace")
        cells = [{cell.strip(" \t\r\"'") for cell in text.split(sign)} for sign in signs if sign]
        if max(len(names & own) for names in cells) > max(1, len(own) / 2):
            return place
    return config.skip


def _has_quoted_lines(sample: bytes, config: DataConfig, framing: Framing) -> bool:
    """Whether some lines stand whole within quotes and, without these, have as many fields as the header, which has several.

    Args:
        sample: the beginning of the text, framed.
        config: how the file is written.
        framing: by which it is framed.
    """
    if config.quote not in (None, '"') or b'\n"' not in sample or framing.squeezes or framing.doubled:
        return False
    sample = sample[: sample.rfind(b"\n") + 1].removeprefix(b"\xef\xbb\xbf")
    lines = [line for line in sample.split(b"\n") if line.strip()]
    quoted = sum(_QUOTED_LINE.fullmatch(line) is not None for line in lines[1:])
    if not quoted or len(lines) < FEWEST_LINES:
        return False
    bare = replace(framing, is_quoted=True, skip=0, separator=None).apply(sample)
    said = NAMES.get((config.separator or "").casefold(), config.separator) or framing.separator
    separator = said or find_separator(bare, '"', header=config.header)
    widths = scan_text(bare, separator, '"', "").num_fields
    if not len(widths) or widths[0] < 2 or (widths != widths[0]).any():
        return False
    return _QUOTED_LINE.fullmatch(lines[0]) is None or quoted == len(lines) - 1
