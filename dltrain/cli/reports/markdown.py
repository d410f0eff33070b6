"""A report as the Markdown of GitHub: for `$GITHUB_STEP_SUMMARY` and for comments."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

from dltrain.cli.reports.page import Block, Code, Page, Paragraph, Picture, Section, Table
from dltrain.wording import counted, without_controls

MOST_CHARACTERS = 65_000  # a comment takes 65,536
_MOST_ROWS = 40  # of a table: the others are in the HTML report
_FEWEST_ROWS = 8  # where there is no room for as many
_LONGEST = 1000  # letters of title and verdict
_LONGEST_CELL = 160
_MARKUP = re.compile(r"([\\`*_\[\]#!|~@:$])")
# GitHub looks for people, issues and emoji after it has read the Markdown: only a letter without width keeps these apart.
_AFTERWARDS = re.compile(r"(@(?=[\w])|#(?=\d)|\bGH-(?=\d)|:(?=[\w+-]+:))", re.IGNORECASE)
_WITHOUT_WIDTH = "\u200b"
_WEB = re.compile(r"\bwww(?=\.)", re.IGNORECASE)
_LIST = re.compile(r"^(\d+)([.)])|^([-+=])")


def render_markdown(page: Page, most: int = MOST_CHARACTERS) -> str:
    """The page as Markdown, without its pictures; what there is no room for is left out, and that is said."""
    text = f"## {_text(page.title[:_LONGEST])}\n\n**{_text(page.verdict[:_LONGEST])}**\n"
    room, lacking = most - 2 * _LONGEST, list[str]()
    for section in page.sections:
        for rows in (_MOST_ROWS, _FEWEST_ROWS):
            if len(text) + len(more := _section(section, rows)) <= room:
                text += more
                break
        else:
            lacking.append(section.heading)
    return without_controls(text + _left_out(page, lacking))


def _left_out(page: Page, lacking: Sequence[str]) -> str:
    """What of the page stands in the HTML report alone."""
    said = []
    if lacking:
        names = ", ".join(heading[:40] for heading in lacking[:5]) + (", \u2026" if len(lacking) > 5 else "")
        said.append(f"cut for their length: {names}")
    if any(isinstance(block, Picture) for section in page.sections for block in section.blocks):
        said.append("charts and pictures")
    return f"\n\n({_text('; '.join(said)[: _LONGEST // 4])}: see the HTML report.)\n" if said else ""


def _section(section: Section, most_rows: int) -> str:
    blocks = [text for block in section.blocks if (text := _block(block, most_rows))]
    if not blocks:
        return ""
    body = "\n\n".join(blocks)
    if section.is_folded:
        return f"\n<details><summary>{escape(section.heading)}</summary>\n\n{body}\n\n</details>\n"
    return f"\n### {_text(section.heading)}\n\n{body}\n"


def _block(block: Block, most_rows: int) -> str:
    if isinstance(block, Paragraph):
        return _LIST.sub(_entities, _text(block.text))
    if isinstance(block, Code):
        # A fence longer than any in the text: nothing in it ends the block.
        longest = max((len(run) for run in re.findall(r"`+", block.text)), default=0)
        fence = "`" * max(3, longest + 1)
        return f"{_text(block.caption)}\n\n{fence}\n{block.text.rstrip()}\n{fence}"
    return _table(block, most_rows) if isinstance(block, Table) else ""


def _table(table: Table, most_rows: int) -> str:
    """A table under its caption; rows and letters that are left out are said below it."""
    rows = [table.header, *table.rows[:most_rows]]
    lines = [f"| {' | '.join(map(_cell, row))} |" for row in rows]
    lines.insert(1, f"|{' --- |' + ' ---: |' * (len(table.header) - 1)}")
    more = table.more + max(0, len(table.rows) - most_rows)
    is_cut = any(isinstance(cell, str) and len(cell) > _LONGEST_CELL for row in rows for cell in row)
    said = [f"{counted(more, 'row')} more"] * (more > 0) + [f"cells of more than {_LONGEST_CELL} letters are cut"] * is_cut
    return "\n".join([_text(table.caption[:_LONGEST]), "", *lines, *([f"\n({', '.join(said)})"] if said else [])])


def _cell(cell: str | Picture) -> str:
    """Markdown of GitHub shows no picture that is not somewhere on the network."""
    if not isinstance(cell, str):
        return ""
    return _text(cell if len(cell) <= _LONGEST_CELL else f"{cell[:_LONGEST_CELL]}\u2026")


def _text(text: str) -> str:
    """Text that is nothing but text: no mention, no link, no markup, on one line."""
    text = _AFTERWARDS.sub(rf"\1{_WITHOUT_WIDTH}", " ".join(text.split()))
    text = _WEB.sub(_entities, _MARKUP.sub(_entities, escape(text, quote=False)))
    return text.replace(_WITHOUT_WIDTH, _entity(_WITHOUT_WIDTH))


def _entities(found: re.Match[str]) -> str:
    return "".join(sign if sign.isdigit() else _entity(sign) for sign in found[0])


def _entity(sign: str) -> str:
    return f"&#{ord(sign)};"
