"""Commented YAML: entries as `dump_yaml` writes them, each with a remark beside or above it."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dltrain.config.text.yaml_writer import dump_yaml

WIDTH = 120
REMARK_COLUMN = 34
LONGEST = 1_500


def safe(text: str) -> str:
    """Text of a data file for a comment: on one line, nothing in it that ends a comment, and not endless."""
    visible = "".join(letter if letter.isprintable() else " " for letter in text)
    return visible if len(visible) <= LONGEST else visible[: LONGEST - 3] + "..."


@dataclass(slots=True)
class Block:
    """The lines of a config, from the top."""

    lines: list[str] = field(default_factory=list)

    def remark(self, text: str, indent: int = 0) -> None:
        """A comment on lines of its own."""
        margin = " " * indent + "# "
        self.lines += textwrap.wrap(
            safe(text),
            WIDTH,
            initial_indent=margin,
            subsequent_indent=margin + "  ",
            break_long_words=False,
            break_on_hyphens=False,
        ) or [margin.rstrip()]

    def open(self, key: str) -> None:
        """A key whose entries follow."""
        self.lines.append(f"{key}:")

    def entry(self, key: str, value: Any, remark: str = "") -> None:
        """A key below the one last opened, its remark beside it where there is room, else above it."""
        remark = safe(remark)
        lines = _wrapped(key, value) if isinstance(value, Mapping) and value else _dumped(key, value)
        if remark and len(lines) == 1 and max(len(lines[0]) + 2, REMARK_COLUMN) + len(remark) + 2 <= WIDTH:
            lines = [f"{lines[0]:<{REMARK_COLUMN - 2}}  # {remark}"]
        elif remark:
            self.remark(remark, indent=2)
        self.lines += lines

    def lists(self, key: str, lists: Mapping[str, Sequence[str]], remark: str) -> None:
        """A key below the one last opened that holds names -> lists of names, a line each or more."""
        self.remark(remark, indent=2)
        self.lines.append(f"  {key}:")
        for name, items in lists.items():
            self.lines += _joined(f"    {name}: [", [_dumped("x", [item])[0].strip()[4:-1] for item in items], "]")

    def text(self) -> str:
        """The whole file."""
        return "\n".join(self.lines) + "\n"


def _dumped(key: str, value: Any) -> list[str]:
    return dump_yaml({"block": {key: value}}).splitlines()[1:]


def _wrapped(key: str, mapping: Mapping[str, Any]) -> list[str]:
    """A mapping in braces, over several lines where it is long; a line ends between two entries."""
    return _joined(f"  {key}: {{", [piece for name, value in mapping.items() for piece in _pieces(name, value)], "}")


def _pieces(name: str, value: Any) -> list[str]:
    """An entry of a mapping; a list may go on in the next line after each of its items."""
    if not isinstance(value, list) or len(value) < 2:
        return [_flow_entry(name, value)]
    head, (first, *middle, last) = dump_yaml({name: []}).removesuffix("[]\n"), [dump_yaml({"x": [item]})[4:-2] for item in value]
    return [f"{head}[{first}", *middle, f"{last}]"]


def _flow_entry(name: str, value: Any) -> str:
    if isinstance(value, Mapping):
        key = dump_yaml({name: 0}).removesuffix(" 0\n")
        return f"{key} {{{', '.join(_flow_entry(*entry) for entry in value.items())}}}"
    if isinstance(value, list):
        key = dump_yaml({name: 0}).removesuffix(" 0\n")
        return f"{key} [{', '.join(_dumped('x', [item])[0].strip()[4:-1] for item in value)}]"
    return dump_yaml({name: value}).removesuffix("\n")


def _joined(head: str, entries: Sequence[str], tail: str) -> list[str]:
    lines, line = [], head
    for index, entry in enumerate(entries):
        piece = entry + ("," if index + 1 < len(entries) else tail)
        if line.strip() and not line.endswith(("{", "[")) and len(line) + 1 + len(piece) > WIDTH:
            lines.append(line)
            line = " " * len(head) + piece
        else:
            line += piece if line.endswith(("{", "[")) or not line.strip() else " " + piece
    return [*lines, line]
