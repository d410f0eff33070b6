"""A report as one HTML file that needs no network and runs no script."""

from __future__ import annotations

import base64
import itertools
import re
from collections.abc import Iterator, Sequence
from html import escape

from dltrain.cli.reports.page import Block, Code, Page, Paragraph, Picture, Section, Table
from dltrain.wording import without_controls

# The browser itself holds the page to it: nothing is fetched and nothing runs.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_LEFT = ' class="left"'
_INTERVAL = re.compile(r"\([-+.\w]+\u2013[-+.\w]+\)")
_LONG = 32  # letters of a cell that is broken into lines
_STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #57606a; --line: #d0d7de; --back: #ffffff; --card: #f6f8fa; }
:root { --link: #0550ae; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6edf3; --soft: #9ea7b3; --line: #3d444d; --back: #0d1117; --card: #161b22; }
  :root { --link: #79b8ff; }
}
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--back); }
body { margin: 0 auto; max-width: 60rem; padding: 1rem; }
h1 { font-size: 1.6rem; overflow-wrap: anywhere; } h2 { font-size: 1.2rem; margin-top: 2rem; }
.verdict { font-size: 1.1rem; border-left: 4px solid #0072b2; padding: .5rem 1rem; background: var(--card); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
caption { text-align: left; color: var(--soft); padding: .25rem 0; }
th, td { border-bottom: 1px solid var(--line); padding: .25rem .75rem .25rem 0; text-align: right; vertical-align: top; }
th:first-child, td:first-child { text-align: left; } tbody th { font-weight: normal; } th, td { white-space: nowrap; }
.left { text-align: left; }
.long { white-space: normal; overflow-wrap: anywhere; min-width: 14rem; max-width: 28rem; text-align: left; }
pre { background: var(--card); padding: .75rem; overflow-x: auto; font-size: .85rem; }
nav ul { list-style: none; padding: 0; display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; } a { color: var(--link); }
figure { margin: 1rem 1rem 1rem 0; max-width: 100%; } img { max-width: 100%; height: auto; vertical-align: middle; }
.charts figure { min-width: 0; } .wide { margin: 1rem 0; } h2, summary, a, p, figcaption { overflow-wrap: anywhere; }
.charts { display: flex; flex-wrap: wrap; align-items: flex-start; }
figcaption { color: var(--soft); font-size: .9rem; }
summary { cursor: pointer; margin-top: 2rem; } summary h2 { display: inline; }
@media (max-width: 40rem) {
  table { font-size: .8125rem; } th, td { white-space: normal; padding-right: .4rem; } td.long, th.long { min-width: 7rem; }
  .span { white-space: nowrap; } pre { white-space: pre-wrap; overflow-wrap: anywhere; } figure { margin-right: 0; }
}
@media (max-width: 27rem) {
  body { padding: .75rem; } table { font-size: .75rem; } th, td { padding-right: .3rem; }
  tbody th { overflow-wrap: anywhere; min-width: 4.75rem; }
}
@media print { body { max-width: none; } nav { display: none; } figure, tr { break-inside: avoid; } h2 { break-after: avoid; } }
@media print { details::details-content { content-visibility: visible; block-size: auto; } }
"""


def render_html(page: Page) -> str:
    """The page as HTML."""
    title = escape(page.title)
    named = list(enumerate(page.sections, 1))
    sections = "\n".join(_section(number, section) for number, section in named)
    links = "".join(f'<li><a href="#s{number}">{escape(section.heading)}</a></li>' for number, section in named)
    return without_controls(
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(_POLICY)}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f'<header>\n<h1>{title}</h1>\n<p class="verdict">{escape(page.verdict)}</p>\n</header>\n'
        f'<nav aria-label="Sections">\n<ul>{links}</ul>\n</nav>\n<main>\n{sections}\n</main>\n</body>\n</html>\n'
    )


def _section(number: int, section: Section) -> str:
    heading, blocks = escape(section.heading), "\n".join(_blocks(section.blocks))
    if section.is_folded:
        return f'<section id="s{number}">\n<details>\n<summary><h2>{heading}</h2></summary>\n{blocks}\n</details>\n</section>'
    return f'<section id="s{number}">\n<h2>{heading}</h2>\n{blocks}\n</section>'


def _blocks(blocks: Sequence[Block]) -> Iterator[str]:
    """Pictures that follow each other stand side by side where there is room."""
    for are_pictures, group in itertools.groupby(blocks, key=lambda block: isinstance(block, Picture)):
        inside = "\n".join(map(_block, group))
        yield f'<div class="charts">\n{inside}\n</div>' if are_pictures else inside


def _block(block: Block) -> str:
    if isinstance(block, Paragraph):
        return f"<p>{escape(block.text)}</p>"
    if isinstance(block, Code):
        # What scrolls has to be reached by the keyboard, and needs a name for that.
        return f"<figure><figcaption>{escape(block.caption)}</figcaption>\n{_code(block)}</figure>"
    if isinstance(block, Picture):
        return f"<figure>{_image(block)}</figure>"
    return _table(block)


def _image(picture: Picture) -> str:
    data = base64.b64encode(picture.content).decode()
    return f'<img alt="{escape(picture.alternative)}" src="data:{picture.kind};base64,{data}">'


def _code(block: Code) -> str:
    return f'<pre tabindex="0" role="group" aria-label="{escape(block.caption)}"><code>{escape(block.text)}</code></pre>'


def _table(block: Table) -> str:
    words = [any(map(_is_word, column)) for column in zip(*block.rows, strict=True)] or [False] * len(block.header)
    head = "".join(
        f'<th scope="col"{_LEFT if is_word else ""}>{_breakable(cell)}</th>' if cell else "<td></td>"
        for cell, is_word in zip(block.header, words, strict=True)
    )
    rows = "\n".join(
        f"<tr>{''.join(_cell(place, cell, words[place]) for place, cell in enumerate(row))}</tr>" for row in block.rows
    )
    caption = escape(block.caption)
    more = f"\n<p>{block.more:,} more rows are not shown.</p>" if block.more else ""
    return (
        f'<div class="wide" tabindex="0" role="group" aria-label="{caption}"><table><caption>{caption}</caption>\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody></table></div>{more}"
    )


def _breakable(name: str) -> str:
    """A name that may be broken after its dots and underscores."""
    return re.sub(r"([._])(?=\w)", r"\1<wbr>", escape(name))


def _is_word(cell: str | Picture) -> bool:
    """Whether a cell is no number, so that it and those above and below it begin at the left."""
    return isinstance(cell, str) and cell not in ("", "-", "none", "nan", "inf", "-inf") and cell[0] not in "+-.0123456789"


def _cell(place: int, cell: str | Picture, is_word: bool) -> str:
    """Short cells are broken on narrow screens alone, and there not within an interval; a table still too wide is scrolled."""
    inside = _INTERVAL.sub(r'<span class="span">\g<0></span>', escape(cell)) if isinstance(cell, str) else _image(cell)
    kind = ' class="long"' if isinstance(cell, str) and len(cell) > _LONG else _LEFT if is_word else ""
    return f"<td{kind}>{inside}</td>" if place else f'<th scope="row"{kind}>{inside}</th>'
