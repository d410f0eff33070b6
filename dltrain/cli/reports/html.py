"""A report as one HTML file that needs no network and runs no script."""

from __future__ import annotations

import base64
from html import escape

from dltrain.cli.reports.page import Block, Code, Page, Paragraph, Picture, Section, Table

# The browser itself holds the page to it: nothing is fetched and nothing runs.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #57606a; --line: #d0d7de; --back: #ffffff; --card: #f6f8fa; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6edf3; --soft: #9ea7b3; --line: #3d444d; --back: #0d1117; --card: #161b22; }
}
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--back); }
body { margin: 0 auto; max-width: 60rem; padding: 1rem; }
h1 { font-size: 1.6rem; overflow-wrap: anywhere; } h2 { font-size: 1.2rem; margin-top: 2rem; }
.verdict { font-size: 1.1rem; border-left: 4px solid #0072b2; padding: .5rem 1rem; background: var(--card); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
caption { text-align: left; color: var(--soft); padding: .25rem 0; }
th, td { border-bottom: 1px solid var(--line); padding: .25rem .75rem .25rem 0; text-align: right; vertical-align: top; }
th:first-child, td:first-child { text-align: left; overflow-wrap: anywhere; } tbody th { font-weight: normal; }
pre { background: var(--card); padding: .75rem; overflow-x: auto; font-size: .85rem; }
figure { margin: 1rem 0; } img { max-width: 100%; height: auto; background: #ffffff; }
figcaption { color: var(--soft); font-size: .9rem; }
summary { cursor: pointer; font-size: 1.2rem; font-weight: bold; margin-top: 1rem; }
@media print { body { max-width: none; } details > * { display: block; } section, figure, table { break-inside: avoid; } }
"""


def render_html(page: Page) -> str:
    """The page as HTML."""
    title = escape(page.title)
    sections = "\n".join(map(_section, page.sections))
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(_POLICY)}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n"
        f'<p class="verdict">{escape(page.verdict)}</p>\n{sections}\n</main>\n</body>\n</html>\n'
    )


def _section(section: Section) -> str:
    heading, blocks = escape(section.heading), "\n".join(map(_block, section.blocks))
    if section.is_folded:
        return f"<details>\n<summary>{heading}</summary>\n{blocks}\n</details>"
    return f"<section>\n<h2>{heading}</h2>\n{blocks}\n</section>"


def _block(block: Block) -> str:
    if isinstance(block, Paragraph):
        return f"<p>{escape(block.text)}</p>"
    if isinstance(block, Code):
        # What scrolls has to be reached by the keyboard, and needs a name for that.
        return f"<figure><figcaption>{escape(block.caption)}</figcaption>\n{_code(block)}</figure>"
    if isinstance(block, Picture):
        data = base64.b64encode(block.content).decode()
        return f'<figure><img alt="{escape(block.alternative)}" src="data:{block.kind};base64,{data}"></figure>'
    return _table(block)


def _code(block: Code) -> str:
    return f'<pre tabindex="0" role="region" aria-label="{escape(block.caption)}"><code>{escape(block.text)}</code></pre>'


def _table(block: Table) -> str:
    head = "".join(f'<th scope="col">{escape(cell)}</th>' if cell else "<td></td>" for cell in block.header)
    rows = "\n".join(
        "<tr>"
        + "".join(f'<th scope="row">{escape(c)}</th>' if not place else f"<td>{escape(c)}</td>" for place, c in enumerate(row))
        + "</tr>"
        for row in block.rows
    )
    caption = escape(block.caption)
    return (
        f'<div class="wide" tabindex="0" role="region" aria-label="{caption}"><table><caption>{caption}</caption>\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody></table></div>"
    )
