"""A report as the Markdown of GitHub: for `$GITHUB_STEP_SUMMARY` and for comments."""

from __future__ import annotations

import re
from html import escape

from dltrain.cli.reports.page import Block, Code, Page, Paragraph, Picture, Section, Table
from dltrain.wording import counted, without_controls

MOST_CHARACTERS = 65_000  # a comment takes 65,536
_MOST_ROWS = 40  # of a table: the others are in the HTML report
_LONGEST = 1000  # letters of title and verdict
_MARKUP = re.compile(r"([\\`*_\[\]#!|~@:$])")
_CUT = "\n\n(Cut: the whole of it is in the HTML report.)\n"


def render_markdown(page: Page, most: int = MOST_CHARACTERS) -> str:
    """The page as Markdown, without its pictures; sections for which there is no room are left out, and that is said."""
    text = f"## {_text(page.title[:_LONGEST])}\n\n**{_text(page.verdict[:_LONGEST])}**\n"
    is_cut = False
    for section in page.sections:
        more = _section(section)
        if len(text) + len(more) > most - len(_CUT):
            is_cut = True
        else:
            text += more
    return without_controls(text + _CUT if is_cut else text)


def _section(section: Section) -> str:
    blocks = [text for block in section.blocks if (text := _block(block))]
    if not blocks:
        return ""
    body = "\n\n".join(blocks)
    if section.is_folded:
        return f"\n<details><summary>{escape(section.heading)}</summary>\n\n{body}\n\n</details>\n"
    return f"\n### {_text(section.heading)}\n\n{body}\n"


def _block(block: Block) -> str:
    if isinstance(block, Paragraph):
        return _text(block.text)
    if isinstance(block, Code):
        # A fence longer than any in the text: nothing in it ends the block.
        longest = max((len(run) for run in re.findall(r"`+", block.text)), default=0)
        fence = "`" * max(3, longest + 1)
        return f"{_text(block.caption)}\n\n{fence}\n{block.text.rstrip()}\n{fence}"
    if isinstance(block, Table):
        lines = [f"| {' | '.join(map(_text, block.header))} |", f"|{' --- |' + ' ---: |' * (len(block.header) - 1)}"]
        lines += [f"| {' | '.join(map(_cell, row))} |" for row in block.rows[:_MOST_ROWS]]
        more = block.more + max(0, len(block.rows) - _MOST_ROWS)
        return "\n".join([*lines, *([f"\n({counted(more, 'row')} more)"] if more else [])])
    return ""


def _cell(cell: str | Picture) -> str:
    """Markdown of GitHub shows no picture that is not somewhere on the network."""
    return _text(cell) if isinstance(cell, str) else ""


def _text(text: str) -> str:
    """Text that is nothing but text: no mention, no link, no markup, on one line."""
    return _MARKUP.sub(lambda match: f"&#{ord(match[1])};", escape(" ".join(text.split()), quote=False))
