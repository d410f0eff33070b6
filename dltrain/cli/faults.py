"""Errors as the user sees them: a compiler's lines on the terminal, a list of objects in JSON."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from dltrain.cli.text import pieces
from dltrain.errors import Fault
from dltrain.wording import display_width, one_line, printable

_MARGIN = 100
_LARGEST_SOURCE = 4 << 20


def render_faults(faults: Iterable[Fault], width: int | None = None) -> str:
    """Each fault with its place, its line of the file with a caret under the column, and the next step.

    Args:
        faults: errors and warnings.
        width: of the terminal, at which sentences are cut between words; None: each stays on one line.
    """
    sources: dict[str, list[str]] = {}
    return "\n".join(line for fault in faults for line in _render(fault, sources, width))


def _render(fault: Fault, sources: dict[str, list[str]], width: int | None) -> list[str]:
    def sentence(text: str) -> list[str]:
        return [text] if width is None else list(pieces(text, width))

    place = ":".join(str(part) for part in (fault.file, fault.line, fault.column) if part is not None)
    path = f"{fault.path}: " if fault.path else ""
    lines = sentence(one_line(f"{place + ': ' if place else ''}{fault.severity}: {path}{fault.message}"))
    source = _source_line(fault, sources)
    if source is not None:
        lines += _excerpt(source, fault.line or 0, fault.column)
    lines += [piece for line in fault.details for piece in sentence(f"  {one_line(line)}")]
    if fault.hint and fault.hint.startswith("dltrain "):
        lines += ["go on with:", one_line(fault.hint)]  # a command stands alone on its line, to be copied whole
    elif fault.hint:
        lines += sentence(f"  hint: {one_line(fault.hint)}")
    return lines


def _source_line(fault: Fault, sources: dict[str, list[str]]) -> str | None:
    if fault.file is None or fault.line is None:
        return None
    if fault.file not in sources:
        sources[fault.file] = _read_lines(Path(fault.file))
    lines = sources[fault.file]
    return lines[fault.line - 1] if 0 < fault.line <= len(lines) else None


def _read_lines(file: Path) -> list[str]:
    """The file's lines; none where it is no plain text file of a sensible size, for then a quotation would not help."""
    try:
        if not file.is_file() or file.stat().st_size > _LARGEST_SOURCE:
            return []
        text = file.read_bytes()
    except (OSError, ValueError):
        return []
    return (
        [] if b"\0" in text else text.decode("utf-8-sig", errors="replace").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    )


def _excerpt(source: str, line: int, column: int | None) -> list[str]:
    """The line, cut around the column where it is long, and the caret."""
    at = min(max((column or 1) - 1, 0), len(source))
    start = max(0, at - _MARGIN // 2) if len(source) > _MARGIN else 0
    end = start + _MARGIN
    before = ("..." if start else "") + source[start:at].replace("\t", " ")
    after = source[at:end].replace("\t", " ") + ("..." if end < len(source) else "")
    number = f"{line:>5} | "
    lines = [number + printable(before) + printable(after).rstrip()]
    if column is not None:
        lines.append(" " * (len(number) - 2) + "| " + " " * display_width(printable(before)) + "^")
    return lines
