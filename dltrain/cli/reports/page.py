"""The parts of a report, for HTML and Markdown alike. All text in it is text: a label that looks like markup stays as it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A sentence or more."""

    text: str


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture with words for those who do not see it."""

    alternative: str
    kind: str  # image/svg+xml or image/png
    content: bytes


@dataclass(frozen=True, slots=True)
class Table:
    """Cells of text, or of small pictures; the first column names the rows. `more`: rows that are not shown."""

    caption: str
    header: Sequence[str]
    rows: Sequence[Sequence[str | Picture]]
    more: int = 0


@dataclass(frozen=True, slots=True)
class Code:
    """Text as it stands in a file or in a terminal."""

    caption: str
    text: str


Block = Paragraph | Table | Code | Picture


@dataclass(slots=True)
class Section:
    """Blocks under a heading; `is_folded`: what most readers do not open."""

    heading: str
    blocks: list[Block] = field(default_factory=list)
    is_folded: bool = False


@dataclass(slots=True)
class Page:
    """A report: its title, the answer in a sentence, the sections; and what it lacks, as sentences."""

    title: str
    verdict: str
    sections: list[Section] = field(default_factory=list)
    lacks: tuple[str, ...] = ()
