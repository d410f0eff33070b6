"""`KEY=VALUE` words of the command line, and `KEY+=VALUE` and `KEY-=VALUE` of lists, put into the tree of a config."""

from __future__ import annotations

import json
import os.path
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeGuard

from dltrain.config.catalog.catalog import Catalog
from dltrain.config.keys import COMPONENT_PLACES, KEYS, WORD, from_the_top
from dltrain.config.text.nodes import Faults, ListNode, MappingNode, Node, ScalarNode
from dltrain.config.text.scalars import describe
from dltrain.config.text.yaml_reader import read_value
from dltrain.errors import Fault, UsageError
from dltrain.wording import did_you_mean, normalize, one_of

if TYPE_CHECKING:
    from dltrain.config.environment import Environment

CALLBACK_KEYS = {"training.early_stopping", "training.reduce_lr_on_plateau", "training.tensorboard", "training.checkpoint"}


# What comes near to `KEY=VALUE`: `metrics+=AUC`, `layers[0].units=3`, `--training.epochs=3`.
_KEY_OF_OTHERS = re.compile(r"(\w+(?:(?:/|:|->|\[['\"]?)\w+['\"]?\]?)+)([+-]?)=(.*)", flags=re.DOTALL)
_NEARLY = re.compile(r"-{0,2}([^\W\d][\w-]*(?:\.[\w-]+|\[\s*-?\w+\s*\])*)\s*([+-]?)=(.*)", flags=re.DOTALL)


def split_words(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """The words that name files, and those that are overrides (`name(.name)*=value`, `+=`, `-=`), each in their order.

    Raises:
        UsageError: a word is nearly an override, and no file.
    """
    files = [word for word in words if not WORD.fullmatch(word)]
    faults = [fault for word in files if (fault := _near_override(word)) is not None] or _torn_overrides(words)
    if faults:
        raise UsageError(faults)
    return files, [word for word in words if WORD.fullmatch(word)]


def _is_below_block(key: str) -> bool:
    return any(key == path or key.startswith(f"{path}.") for path in KEYS if "." in path)


def _near_override(word: str) -> Fault | None:
    """What is wrong with a word that was meant as an override, or None."""
    if os.path.exists(word):
        return None
    match = _NEARLY.fullmatch(word)
    if match is None and (other := _KEY_OF_OTHERS.fullmatch(word)) is not None:  # `training/epochs=5`, `training['epochs']=5`
        key, sign, value = ".".join(re.findall(r"\w+", other[1])), other[2], other[3]
        hint = f"write {key}{sign}={value}"
        return Fault(f'expected KEY=VALUE, found "{word}"', hint=hint) if _is_below_block(key) else None
    if match is None:
        return None
    key, sign, value = match.groups()
    key = from_the_top(re.sub(r"\[\s*(-?\w+)\s*\]", r".\1", key))
    return Fault(f'expected KEY=VALUE, found "{word}"', hint=f"write {key}{sign}={value}")


def _torn_overrides(words: Sequence[str]) -> list[Fault]:
    """Keys without a value: `training.epochs 5`, `training.epochs = 5`, `training.epochs: 5`."""
    faults = []
    for index, word in enumerate(words):
        if WORD.fullmatch(word):
            continue
        key, colon, value = word.partition(":")
        following = [other for other in words[index + 1 : index + 3] if other != "="]
        if not _is_below_block(key) or os.path.exists(word):
            continue
        given = value.strip() if colon else following[0] if following else "VALUE"
        faults.append(Fault(f'expected KEY=VALUE, found "{word}"', hint=f"write {key}={given}, without blanks"))
    return faults


@dataclass(slots=True)
class _Override:
    word: str
    parts: list[str]
    sign: str
    value: Node


def override_word(key: str, value: Any) -> str:
    """The override that sets a key to a plain value, whatever it is made of."""
    return f"{key}={json.dumps(value)}"


def apply_overrides(
    root: MappingNode, words: Sequence[str], faults: Faults, catalog: Catalog, *, parameters: bool, environment: Environment
) -> list[Node]:
    """Puts overrides into the tree, in order.

    Args:
        root: the config's tree; it is changed.
        words: the overrides.
        faults: where words that cannot be read or put in are noted.
        catalog: Keras's components, to look through their names.
        parameters: take only the overrides of `parameters` and `parameters.…` (True), or only the others (False).
        environment: puts its values into those of the words.

    Returns:
        the values that were put in.
    """
    done: list[Node] = []
    for word in words:
        match = WORD.fullmatch(word)
        if match is None:
            if not parameters:
                faults.add(None, None, "expected KEY=VALUE, such as training.epochs=5", word=word)
            continue
        parts = match.group(1).split(".")
        if (parts[0] == "parameters") != parameters:
            continue
        key, sign, text = match.groups()
        if not text.strip():
            hint = f"if a variable stands there, it is not set; {key}=null leaves the key out, {key}='\"\"' is empty text"
            faults.add(None, key, "expected a value after =, found nothing", hint, word=word)
            continue
        value = read_value(text, word, faults)
        if value is not None:
            value = environment.put_in(value, key)
            _Walker(faults, catalog, _Override(word, parts, sign, value)).put(root)
            done.append(value)
    return done


class _Walker:
    """Finds the place that a path names, making what is missing on the way, and puts the value there."""

    def __init__(self, faults: Faults, catalog: Catalog, override: _Override) -> None:
        self.faults = faults
        self.catalog = catalog
        self.override = override
        self.inside_component = False
        self.named_arguments: Node | None = None  # of a component that the path has just named

    def put(self, root: MappingNode) -> None:
        """Walks from the root and sets, replaces or removes."""
        node: Node = root
        path = ""
        for index, part in enumerate(self.override.parts[:-1]):
            following = self.override.parts[index + 1]
            child = self._child(node, part, path, following)
            if child is None:
                return
            path = f"{path}.{part}" if path else part
            if isinstance(child, ScalarNode):
                opened = self._open(node, part, child, path, following)
                if opened is None:
                    return
                child = opened
            inner = self._look_through(child, path, following)
            if inner is None:
                return
            node = inner
        change = {"": self._set, "+": self._add, "-": self._take_out}[self.override.sign]
        change(node, self.override.parts[-1], path)

    def _fault(self, path: str, message: str, hint: str | None = None) -> None:
        self.faults.add(None, path, message, hint, word=self.override.word)

    def _child(self, node: Node, part: str, path: str, following: str) -> Node | None:
        """The value under `part`; a missing key of a mapping is made."""
        where = f"{path}.{part}" if path else part
        if isinstance(node, MappingNode):
            name = self._key(node, part)
            if name not in node.entries:
                node.entries[name] = self._missing(where, following)
                node.keys[name] = None
            return node.entries[name]
        if isinstance(node, ListNode):
            index = self._index(node, part, path)
            return None if index is None else node.items[index]
        self._fault(where, f"{path} is {describe(node.plain())}, which has no parts")
        return None

    def _missing(self, path: str, following: str) -> Node:
        """What stands for a key that the config leaves out, so that a path can go on through it."""
        if _is_list(path, following):
            return ListNode(None, self.override.word)
        if path == "training.optimizer":
            return ScalarNode(None, self.override.word, None, str(KEYS[path].default), KEYS[path].default, quoted=True)
        return MappingNode(None, self.override.word)

    def _key(self, node: MappingNode, part: str) -> str:
        """The key as the mapping spells it; among arguments of a component case and underscores do not count."""
        if part in node.entries or not self.inside_component:
            return part
        return next((name for name in node.entries if normalize(name) == normalize(part)), part)

    def _index(self, node: ListNode, part: str, path: str) -> int | None:
        """The position that `part` names, by number or by the name of a component; None (noted) where there is none."""
        if part.isdigit():
            if int(part) < len(node.items):
                return int(part)
            last = len(node.items) - 1
            has = f"{path} has {last + 1} entries, 0 to {last}" if last > 0 else f"{path} has one entry, {path}.0"
            has = has if node.items else f"{path} is empty"
            self._fault(f"{path}.{part}", f"no entry {part}", has)
            return None
        names = {name: index for index, item in enumerate(node.items) if (name := _component_name(item)) is not None}
        if part in names:
            return names[part]
        hint = did_you_mean(part, names) or (
            f"named entries: {one_of(names)}" if names else f"entries of {path} are named by position, from 0"
        )
        self._fault(f"{path}.{part}", f"no entry named {part}", hint)
        return None

    def _open(self, parent: Node, part: str, scalar: ScalarNode, path: str, following: str) -> Node | None:
        """What a path goes on into, in the place of a scalar; None (noted) where that has no parts.

        A bare name becomes `Name: {}`, nothing and a callback's `true` a mapping, one value of what may be a list a list of one.
        """
        word = self.override.word
        new: Node
        if following.isdigit() and _is_list(path, following):
            new = self._listed(scalar)
        elif scalar.value is None or (isinstance(scalar.value, bool) and path in CALLBACK_KEYS):
            new = MappingNode(None, word)
        elif isinstance(scalar.value, str) and self._is_component(path):
            name = scalar.text
            new = MappingNode(scalar.place, scalar.word, None, {name: MappingNode(None, word)}, {name: scalar.place})
        else:
            hint = None
            kinds = ("curve", "schedule") if part == "learning_rate" else ("curve",)
            if self.inside_component and (found := self.catalog.in_place_of_number(following, kinds)) is not None:
                hint = f"to use a {found[0]}: {path}={found[1]}"
            self._fault(f"{path}.{following}", f"{path} is {describe(scalar.value)}, which has no parts", hint)
            return None
        if isinstance(parent, MappingNode):
            parent.entries[self._key(parent, part)] = new
        elif isinstance(parent, ListNode):
            index = self._index(parent, part, "")
            if index is not None:
                parent.items[index] = new
        return new

    def _is_component(self, path: str) -> bool:
        return self.inside_component or COMPONENT_PLACES.fullmatch(path) is not None

    def _look_through(self, node: Node, path: str, following: str) -> Node | None:
        """From a component `Name: {arguments}` to its arguments; other nodes as they are."""
        if not isinstance(node, MappingNode) or not self._is_component(path) or len(node.entries) != 1:
            return node
        [(name, arguments)] = node.entries.items()
        kind = self.catalog.kind_of(name)
        entry = self.catalog.find(kind, name) if kind else None
        if entry and normalize(following) == normalize(name) and following not in entry.arguments:
            self.inside_component = True
            self.named_arguments = arguments
            return node
        is_no_name = self.inside_component and not (name[:1].isupper() or self.catalog.kind_of(name))
        if node is self.named_arguments or is_no_name:
            return node
        if path == "training.loss" and self.catalog.find("loss", name) is None:
            return node
        self.inside_component = True
        if isinstance(arguments, ScalarNode) and arguments.value is None:
            arguments = MappingNode(None, self.override.word)
            node.entries[name] = arguments
        if isinstance(arguments, ScalarNode):
            self._fault(f"{path}.{following}", f"the arguments of {name} are {describe(arguments.value)}, not a mapping")
            return None
        return arguments

    def _set(self, node: Node, part: str, path: str) -> None:
        where = f"{path}.{part}" if path else part
        value = self.override.value
        removes = isinstance(value, ScalarNode) and value.value is None and not value.quoted
        if isinstance(node, ListNode):
            index = self._index(node, part, path)
            if index is None:
                return
            if removes:
                del node.items[index]
            else:
                node.items[index] = value
            return
        if not isinstance(node, MappingNode):
            self._fault(where, f"{path} is {describe(node.plain())}, which has no parts")
            return
        name = self._key(node, part)
        before = node.entries.get(name)
        number = value.text if isinstance(value, ScalarNode) and isinstance(value.value, int | float) else None
        if number is not None and self._is("schedule", before):
            key, named = (path, "Adam") if path.endswith("optimizer") else path.rsplit(".", 1)
            whole = f"{key}={{{named}: {{learning_rate: {number}}}}}"
            hint = f"set {where}.initial_learning_rate={number}, or replace the optimizer: {whole}"
            self._fault(where, f"the learning rate is a schedule, {_name_of(before)}, and not a number", hint)
            return
        if number is not None and self._is("curve", before):
            hint = f"set {where}.peak={number}, or replace {path} as a whole"
            self._fault(where, f"{part} follows a curve, {_name_of(before)}, and is not a number", hint)
            return
        if removes and before is not None:
            del node.entries[name]
            del node.keys[name]
            return
        if removes:
            assert isinstance(value, ScalarNode)
            value.removed = True
        node.entries[name] = value
        node.keys[name] = None

    def _add(self, node: Node, part: str, path: str) -> None:
        """Puts the value, or each entry of a list, at the end of the list, or behind the entry of one that the path names."""
        value = self.override.value
        added = list(value.items) if isinstance(value, ListNode) else [value]
        if isinstance(node, ListNode):
            index = self._index(node, part, path)
            if index is not None:
                node.items[index + 1 : index + 1] = added
            return
        found = self._list(node, part, path)
        if found is not None:
            found.items += added

    def _take_out(self, node: Node, part: str, path: str) -> None:
        """Takes the entry that is the value, or a component of that name, out of the list."""
        where = f"{path}.{part}" if path else part
        found = self._list(node, part, path)
        for value in self.override.value.items if isinstance(self.override.value, ListNode) else [self.override.value]:
            if found is None:
                return
            alike = [index for index, item in enumerate(found.items) if self._is_same(item, value)]
            if len(alike) == 1:
                del found.items[alike[0]]
            elif alike:
                several = ", ".join(f"{where}.{index}" for index in alike)
                self._fault(where, f"{_shown(value)} stands {len(alike)} times, as {several}", f"write {where}.{alike[0]}=null")
            else:
                entries = one_of([_shown(item) for item in found.items])
                self._fault(where, f"there is no {_shown(value)} to take out", f"{where} has: {entries}" if entries else None)

    def _list(self, node: Node, part: str, path: str) -> ListNode | None:
        """The list under a key; one value is a list of one, nothing an empty one. None (noted) where it is no list."""
        where = f"{path}.{part}" if path else part
        before: Node | None = None
        if isinstance(node, MappingNode):
            name = self._key(node, part)
            before = node.entries.get(name)
            is_listed = "list(" in KEYS[where].type if where in KEYS else not path  # what reading it says of an unknown key
            if is_listed and (before is None or isinstance(before, ScalarNode)):
                before = node.entries[name] = self._listed(before)
                node.keys[name] = None
        if isinstance(before, ListNode):
            return before
        found = describe(None if before is None else before.plain())
        self._fault(where, f"{where} is no list, but {found}", f"write {where}=VALUE")
        return None

    def _listed(self, one: Node | None) -> ListNode:
        return ListNode(None, self.override.word, None, [] if one is None or one.plain() is None else [one])

    def _is_same(self, item: Node, value: Node) -> bool:
        if item.plain() == value.plain():
            return True
        return isinstance(value, ScalarNode) and self._name(item) == self._name(value) != ""

    def _name(self, node: Node) -> str:
        """The canonical name of a component, or of a bare word; "" where there is none."""
        name = node.text if isinstance(node, ScalarNode) else next(iter(node.entries)) if _has_one_key(node) else ""
        entries = [self.catalog.find(kind, name) for kind in ("metric", "loss", "layer", "application", "transformer")]
        return next((entry.name for entry in entries if entry is not None), normalize(name))

    def _is(self, kind: str, node: Node | None) -> bool:
        """Whether a component of that kind is there."""
        return isinstance(node, MappingNode) and len(node.entries) == 1 and self.catalog.find(kind, _name_of(node)) is not None


def _is_list(path: str, following: str) -> bool:
    """Whether a key takes a list, of which a path may name an entry by its position."""
    kinds = KEYS[path].type if path in KEYS else ""
    return kinds.startswith("list(") or ("|list(" in kinds and following.isdigit())


def _name_of(node: Node | None) -> str:
    assert isinstance(node, MappingNode)
    return next(iter(node.entries))


def _has_one_key(node: Node) -> TypeGuard[MappingNode]:
    return isinstance(node, MappingNode) and len(node.entries) == 1


def _shown(node: Node) -> str:
    return node.text if isinstance(node, ScalarNode) else _name_of(node) if _has_one_key(node) else describe(node.plain())


def _component_name(node: Node) -> str | None:
    from dltrain.config.blocks.model import layer_name

    return layer_name(node)
