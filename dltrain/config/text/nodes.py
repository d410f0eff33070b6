"""A YAML text as a tree of values that know where they stand, and the list that faults are collected in."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from dltrain.config.types import Place
from dltrain.errors import ConfigError, Fault
from dltrain.wording import in_override

MOST_FAULTS = 100
_OF_COMPONENT = re.compile(r"\.[A-Z]\w*$")  # at the end of the path of a component's arguments


@dataclass(slots=True)
class Node:
    """What all nodes have.

    Attributes:
        place: where the value begins; None for a value from an override.
        word: the override that the value comes from, or None.
        parameter: the name of the parameter that the value was put in for, or None.
    """

    place: Place | None = None
    word: str | None = None
    parameter: str | None = None

    def plain(self) -> Any:
        """The value without places: None, bool, int, float, str, list or dict."""
        raise NotImplementedError

    def copy(self) -> Node:
        """A tree of its own with the same values and places."""
        raise NotImplementedError

    def children(self) -> Sequence[Node]:
        """The entries of a list, or the values of a mapping."""
        return ()

    def count(self) -> int:
        """How many nodes the tree has."""
        return 1 + sum(child.count() for child in self.children())

    def depth(self) -> int:
        """How many lists and mappings stand in each other, at most."""
        return 0 if isinstance(self, ScalarNode) else 1 + max((child.depth() for child in self.children()), default=0)


@dataclass(slots=True)
class ScalarNode(Node):
    """A scalar.

    Attributes:
        text: as written, without quotes.
        value: what it means.
        quoted: whether it was quoted or a block scalar.
        removed: set by an override `key=null` on a key that is not there.
        looked_up: whether all of it is the value of a variable, which stands for a number too where one is expected.
    """

    text: str = ""
    value: Any = None
    quoted: bool = False
    removed: bool = False
    looked_up: bool = False

    def plain(self) -> Any:
        """As in `Node`."""
        return self.value

    def copy(self) -> ScalarNode:
        """As in `Node`."""
        return ScalarNode(self.place, self.word, self.parameter, self.text, self.value, self.quoted, self.removed, self.looked_up)


@dataclass(slots=True)
class ListNode(Node):
    """A list."""

    items: list[Node] = field(default_factory=list)

    def plain(self) -> list[Any]:
        """As in `Node`."""
        return [item.plain() for item in self.items]

    def copy(self) -> ListNode:
        """As in `Node`."""
        return ListNode(self.place, self.word, self.parameter, [item.copy() for item in self.items])

    def children(self) -> Sequence[Node]:
        """As in `Node`."""
        return self.items


@dataclass(slots=True)
class MappingNode(Node):
    """A mapping; keys are always the text that was written.

    Attributes:
        entries: key -> value.
        keys: key -> where the key stands.
    """

    entries: dict[str, Node] = field(default_factory=dict)
    keys: dict[str, Place | None] = field(default_factory=dict)

    def plain(self) -> dict[str, Any]:
        """As in `Node`."""
        return {key: value.plain() for key, value in self.entries.items()}

    def copy(self) -> MappingNode:
        """As in `Node`."""
        entries = {key: value.copy() for key, value in self.entries.items()}
        return MappingNode(self.place, self.word, self.parameter, entries, dict(self.keys))

    def children(self) -> Sequence[Node]:
        """As in `Node`."""
        return list(self.entries.values())


# What is true of a value, whatever else the config holds: its own form, and a key or argument that nothing has.
_STANDS_ALONE = re.compile(r"expected .+, found |unknown (?:key|argument|option|source)\b", re.DOTALL)


class Faults:
    """Collects what is wrong; after 100 errors it gives up with a `ConfigError` of these.

    Attributes:
        are_partial: whether a file of the config is missing. What could follow from that is not noted any more: keys, parameters
            and components that are not there.
    """

    def __init__(self) -> None:
        self.are_partial = False
        self.errors: list[Fault] = []
        self.warnings: list[Fault] = []
        self._unknown: set[str] = set()

    def leave_open(self, path: str) -> None:
        """What the value of a key would be is not known, which was noted: what follows from that is not noted any more."""
        self._unknown |= {path, _OF_COMPONENT.sub("", path)}

    def is_open(self, path: str) -> bool:
        """Whether the value of a key is not known."""
        return path in self._unknown

    def add(
        self,
        node: Node | Place | None,
        path: str | None,
        message: str,
        hint: str | None = None,
        *,
        word: str | None = None,
        warning: bool = False,
    ) -> None:
        """Notes a fault.

        Args:
            node: the node it concerns, or the place of a key.
            path: the key in override form.
            message: expected and found.
            hint: the next step.
            word: the override that brought the key, where `node` is a place.
            warning: it is only worth knowing.
        """
        if self.are_partial and not _STANDS_ALONE.match(message):
            return
        place = node.place if isinstance(node, Node) else node
        if isinstance(node, Place):
            word = word or node.word
        if isinstance(node, Node):
            word = word or node.word
            if node.parameter:
                message += f" (the value of the parameter {node.parameter})"
        if word is not None:
            message += in_override(word)
            place = None
        fault = Fault(
            message,
            file=place.file if place else None,
            line=place.line if place else None,
            column=place.column if place else None,
            path=path or None,
            hint=hint,
            severity="warning" if warning else "error",
        )
        into = self.warnings if warning else self.errors
        if fault not in into[-MOST_FAULTS:] and path not in self._unknown:
            into.append(fault)
        if len(self.errors) >= MOST_FAULTS:
            self.errors.append(Fault(f"more than {MOST_FAULTS} errors; the rest is not shown"))
            self.raise_errors()

    def raise_errors(self) -> None:
        """Raises a `ConfigError` with all errors in the order of their places, if there are any."""
        if self.errors:
            raise ConfigError(sorted(self.errors, key=_place_of))


def _place_of(fault: Fault) -> tuple[bool, str, int, int]:
    return fault.line is None, fault.file or "", fault.line or 0, fault.column or 0
