"""Text → tree of nodes: YAML 1.2 scalars, places, no tags, and bounds that no bomb passes."""

from __future__ import annotations

import re
from typing import Any

import yaml

from dltrain.config.text.nodes import Faults, ListNode, MappingNode, Node, ScalarNode
from dltrain.config.text.scalars import describe, read_scalar
from dltrain.config.types import Place
from dltrain.errors import ConfigError

MOST_BYTES = 4 << 20
MOST_NODES = 30_000
DEEPEST = 50

# What YAML does not allow; the table of all of Unicode takes milliseconds to compile, and most configs need no more than ASCII's.
_FORBIDDEN = "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
_FORBIDDEN_IN_ASCII = "[^\t\n\r\x20-\x7e]"
LOADER: Any = getattr(yaml, "CLoader", yaml.Loader)


def find_forbidden(text: str) -> re.Match[str] | None:
    """The first character that YAML does not allow, and no value may have."""
    return re.search(_FORBIDDEN_IN_ASCII if text.isascii() else _FORBIDDEN, text)


def read_yaml(text: str | bytes, file: str, faults: Faults) -> Node:
    """Parses one YAML document.

    Args:
        text: the document; bytes must be UTF-8.
        file: what places are said to be in.
        faults: where duplicate keys, tags and the like are noted.

    Raises:
        ConfigError: where the text cannot be read to its end: not UTF-8, not YAML, too large, too deep, empty.
    """
    decoded = _decode(text, file, faults)
    try:
        return _Composer(file, faults).compose(yaml.parse(decoded, Loader=LOADER))
    except yaml.MarkedYAMLError as error:
        _add_syntax_fault(error, decoded, file, faults)
    except yaml.YAMLError as error:
        faults.add(Place(file, 1, 1), None, f"not YAML: {str(error).splitlines()[0]}")
    faults.raise_errors()
    raise AssertionError("unreachable: a syntax fault was noted")


def read_value(text: str, word: str, faults: Faults) -> Node | None:
    """Reads the value of an override: one YAML value, as in a file; None where that was impossible (noted in `faults`)."""
    own = Faults()
    if word.partition("=")[0].count(".") > DEEPEST:
        faults.add(None, None, f"expected a key of at most {DEEPEST} levels, found more", word=word)
        return None
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        faults.add(None, word.partition("=")[0], "the value cannot be read: it is not UTF-8 text", word=word)
        return None
    if text == "" or not _may_be_structured(text):
        return ScalarNode(None, word, None, text, read_scalar(text))
    try:
        node = _Composer(word, own).compose(yaml.parse(text, Loader=LOADER))
        own_errors = [fault.message for fault in own.errors]
    except yaml.YAMLError as error:
        own_errors = [str(getattr(error, "problem", None) or error).splitlines()[0]]
    except ConfigError as error:
        own_errors = [fault.message for fault in error.faults]
    if own_errors:
        faults.add(None, word.partition("=")[0], f"the value cannot be read: {own_errors[0]}", word=word)
        return None
    _mark(node, word)
    return node


def _may_be_structured(text: str) -> bool:
    """Whether an override's value is more than a plain scalar; `a: b` and `# x` are taken as text, as a shell user means them."""
    return text.lstrip()[:1] in ("[", "{", '"', "'", "&", "*", "!", "|", ">", "%", "@", "`")


def _mark(node: Node, word: str) -> None:
    node.place, node.word = None, word
    if isinstance(node, MappingNode):
        node.keys = dict.fromkeys(node.keys)
    for child in node.children():
        _mark(child, word)


def _decode(text: str | bytes, file: str, faults: Faults) -> str:
    """The text as str, checked for its size, its encoding and its characters."""
    if len(text) > MOST_BYTES:
        faults.add(
            Place(file, 1, 1),
            None,
            f"expected at most {MOST_BYTES:,} bytes, found {len(text):,}",
            "a config is a few hundred lines",
        )
        faults.raise_errors()
    decoded = (_decode_bytes(text, file, faults) if isinstance(text, bytes) else text).removeprefix("\ufeff")
    match = find_forbidden(decoded)
    if match:
        line = decoded.count("\n", 0, match.start()) + 1
        column = match.start() - decoded.rfind("\n", 0, match.start())
        faults.add(
            Place(file, line, column), None, f"the character U+{ord(match.group()):04X} is not allowed in YAML", "remove it"
        )
        faults.raise_errors()
    return decoded


def _decode_bytes(data: bytes, file: str, faults: Faults) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        line = before.count(b"\n") + 1
        column = len(before[before.rfind(b"\n") + 1 :].decode("utf-8", "replace")) + 1
        message = f"not UTF-8: byte 0x{data[error.start]:02x} at offset {error.start}"
        faults.add(Place(file, line, column), None, message, "save the file as UTF-8")
        faults.raise_errors()
        raise


# (what the parser says, what is in the line, what helps), the first that holds.
_SYNTAX_HINTS = (
    ("", r"^\s*[\w.-]+:[\[{\"']", "a colon needs a space after it"),
    (
        "mapping values are not allowed",
        "",
        "a value that holds a colon and a space needs quotes; a key must be indented like its neighbours",
    ),
    ("could not find expected ':'", "", "a key needs a colon and a space after it"),
    ("cannot start any token", "", "put quotes around the value"),
    ("undefined alias", "", "a value that begins with * needs quotes"),
    ("expected ',' or", r"\$\{(?:env|secret):", 'within brackets ${…} needs quotes, as in {units: "${env:UNITS, 8}"}'),
    ("expected ',' or", "", "is a comma or a closing bracket missing?"),
    ("expected <block end>", "", "the indentation does not fit the lines above"),
)


def _add_syntax_fault(error: yaml.MarkedYAMLError, text: str, file: str, faults: Faults) -> None:
    """Says what the parser met, in words that help."""
    mark = error.problem_mark or error.context_mark
    if mark is None:
        faults.add(Place(file, 1, 1), None, f"not YAML: {error.problem or error}")
        return
    lines = text.splitlines()
    line = lines[mark.line] if mark.line < len(lines) else ""
    place = Place(file, mark.line + 1, mark.column + 1)
    problem = error.problem or "it cannot be read"
    if "\t" in line[: len(line) - len(line.lstrip())] or line[mark.column : mark.column + 1] == "\t":
        tab = line.index("\t")
        faults.add(Place(file, mark.line + 1, tab + 1), None, "a tab cannot indent in YAML", "use spaces")
        return
    hint = next((hint for said, where, hint in _SYNTAX_HINTS if said in problem and re.search(where, line)), None)
    context = f" {error.context}" if error.context else ""
    faults.add(place, None, f"not YAML: {problem}{context}", hint)


class _Composer:
    """Builds the tree from parser events, without recursion into what an attacker controls beyond `DEEPEST`."""

    def __init__(self, file: str, faults: Faults) -> None:
        self.file = file
        self.faults = faults
        self.anchors: dict[str, Node] = {}
        self.open_anchors: set[str] = set()
        self.num_nodes = 0

    def compose(self, events: Any) -> Node:
        """The one document of the events."""
        self.events = events
        next(events)
        event = next(events)
        if isinstance(event, yaml.StreamEndEvent):
            self._stop(Place(self.file, 1, 1), "the file is empty", "a config has at least `data:` with a `source:`")
        node = self._node(next(events), 0)
        next(events)
        event = next(events)
        if not isinstance(event, yaml.StreamEndEvent):
            self._stop(
                self._place(event),
                "expected one document, found a second one",
                "remove the line `---`, or put it into a file of its own",
            )
        return node

    def _place(self, event: Any) -> Place:
        return Place(self.file, event.start_mark.line + 1, event.start_mark.column + 1)

    def _stop(self, place: Place, message: str, hint: str | None = None) -> None:
        self.faults.add(place, None, message, hint)
        self.faults.raise_errors()

    def _node(self, event: Any, depth: int) -> Node:
        place = self._place(event)
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, place, depth)
        self._count(1, place)
        self._descend(depth, place)
        tag = event.tag
        if tag is not None:
            name = tag.replace("tag:yaml.org,2002:", "!!")
            self.faults.add(place, None, f"the tag {name} is not allowed", "a config holds plain values; quote what is text")
        anchor = event.anchor
        if anchor is not None:
            self.open_anchors.add(anchor)
        node: Node
        if isinstance(event, yaml.ScalarEvent):
            quoted = event.style not in (None, "")
            node = ScalarNode(place, None, None, event.value, event.value if quoted else read_scalar(event.value), quoted)
        elif isinstance(event, yaml.SequenceStartEvent):
            node = self._list(place, depth)
        else:
            node = self._mapping(place, depth)
        if anchor is not None:
            self.open_anchors.discard(anchor)
            self.anchors[anchor] = node
        return node

    def _descend(self, depth: int, place: Place) -> None:
        if depth > DEEPEST:
            self._stop(place, f"expected at most {DEEPEST} levels, aliases written out, found more")

    def _alias(self, event: Any, place: Place, depth: int) -> Node:
        name = event.anchor
        if name in self.open_anchors:
            self._stop(place, f"the alias *{name} stands inside of what it names", "a value cannot hold itself")
        if name not in self.anchors:
            self._stop(place, f"the alias *{name} names no anchor", "a value that begins with * needs quotes")
        original = self.anchors[name]
        self._descend(depth + original.depth(), place)
        self._count(original.count(), place)
        return original.copy()

    def _count(self, number: int, place: Place) -> None:
        self.num_nodes += number
        if self.num_nodes > MOST_NODES:
            self._stop(place, f"expected at most {MOST_NODES:,} values, aliases written out, found more")

    def _list(self, place: Place, depth: int) -> ListNode:
        node = ListNode(place)
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            node.items.append(self._node(event, depth + 1))
        return node

    def _mapping(self, place: Place, depth: int) -> MappingNode:
        node = MappingNode(place)
        merged: list[Node] = []
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            key_place = self._place(event)
            key: Node
            if isinstance(event, yaml.ScalarEvent) and event.anchor is None and event.tag is None:
                self._count(1, key_place)
                key = ScalarNode(key_place, text=event.value, quoted=event.style not in (None, ""))
            else:
                key = self._node(event, depth + 1)
            value = self._node(next(self.events), depth + 1)
            if not isinstance(key, ScalarNode):
                self.faults.add(
                    key_place,
                    None,
                    f"expected text as a key, found {describe(key.plain())}",
                    "a value that begins with { or [ needs quotes",
                )
            elif key.text == "<<" and not key.quoted:
                merged.append(value)
            elif key.text in node.entries:
                first = node.keys[key.text]
                line = first.line if first else "?"
                self.faults.add(
                    key_place,
                    None,
                    f"the key {key.text} stands twice: in line {line} and in line {key_place.line}",
                    "remove one of them",
                )
            else:
                node.entries[key.text] = value
                node.keys[key.text] = key_place
        for value in merged:
            self._merge(node, value)
        return node

    def _merge(self, node: MappingNode, value: Node) -> None:
        """Puts the entries of `<<: *other` in where the mapping has none of that name."""
        for source in value.items if isinstance(value, ListNode) else [value]:
            if not isinstance(source, MappingNode):
                self.faults.add(source, None, f"expected a mapping to merge, found {describe(source.plain())}")
                continue
            for key, entry in source.entries.items():
                if key not in node.entries:
                    node.entries[key] = entry
                    node.keys[key] = source.keys[key]
