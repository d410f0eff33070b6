"""Reads blocks of keys: unknown keys, types, defaults; the base that the readers of the single blocks share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, is_dataclass
from typing import Any

from dltrain.config.catalog.catalog import Catalog, load_catalog
from dltrain.config.catalog.sources import SOURCES
from dltrain.config.keys import KEYS, MOST, blocks_with, keys_of
from dltrain.config.kinds import MISMATCH, Kind, Mismatch, parse_kind, read_kind
from dltrain.config.old_words.calls import from_alone, whole_entries, whole_items
from dltrain.config.old_words.keys import said_here
from dltrain.config.text.nodes import Faults, ListNode, MappingNode, Node, ScalarNode
from dltrain.config.text.paths import Paths, why_no_path, why_not_held
from dltrain.config.text.scalars import describe
from dltrain.config.types import Place
from dltrain.config.types.key import Key, default_of, keys_in
from dltrain.config.types.own_code import OwnCode
from dltrain.wording import did_you_mean, nearest, normalize, one_of

MOST_ITEMS = 2000

Special = Callable[[Node, str], Any]


@dataclass(slots=True)
class Context:
    """What every reader needs.

    Attributes:
        faults: where misfits are noted.
        paths: how relative paths become absolute.
        read_component: reads a component that is an argument: (context, its kind, node, path) -> value or `MISMATCH`.
        catalog: Keras's components.
        places: key path -> where its value stands, filled on the way.
        code: the config's own code, whose components `catalog` has.
        unregistered: classes of that code that could be components, but are not registered -> where they stand.
    """

    faults: Faults
    paths: Paths
    read_component: Callable[[Context, str, Node, str], Any]
    catalog: Catalog = field(default_factory=load_catalog)
    places: dict[str, Place] = field(default_factory=dict)
    code: OwnCode | None = None
    unregistered: Mapping[str, Place] = field(default_factory=dict)

    def note(self, node: Node, path: str) -> None:
        """Remembers where a key's value stands."""
        if node.place is not None:
            self.places[path] = node.place
        elif node.word is not None:
            self.places[path] = Place("", 0, 0, node.word)

    def read(self, kind: Kind, node: Node, path: str) -> Any:
        """Reads a value, components included; `MISMATCH` where it does not fit."""
        found = read_kind(kind, node, path, self.faults, lambda word, inner, where: self.read_component(self, word, inner, where))
        most = MOST.get(path)
        if most is not None and isinstance(found, int) and found > most:
            self.faults.add(node, path, f"expected at most {most:,}, found {found:,}")
            return MISMATCH
        return found

    def misfit(self, node: Node, path: str, expected: str, hint: str | None = None) -> Mismatch:
        """Notes that something else was expected at a node than what it holds; `MISMATCH`."""
        self.faults.add(node, path, f"expected {expected}, found {describe(node.plain())}", hint)
        return MISMATCH

    def path_of(self, text: str, node: Node, path: str, *, also: str | None = None) -> Any:
        """The absolute path of what a text names, see `Paths.resolve`; `MISMATCH` where it can be none."""
        found = self.paths.resolve(text, node, also=also) if why_no_path(text) is None else ""
        reason = why_no_path(text) or why_not_held(found)
        if reason is not None:
            self.faults.add(node, path, reason)
            return MISMATCH
        return found


def is_absent(node: Node) -> bool:
    """Whether the value says that there is none: null, or removed by an override."""
    return isinstance(node, ScalarNode) and node.value is None and not node.quoted


def is_none(node: Node | None) -> bool:
    """Whether the value is the word `none`, which leaves a block out where that means something."""
    return isinstance(node, ScalarNode) and isinstance(node.value, str) and node.value.lower() == "none"


def is_removed(node: Node) -> bool:
    """Whether an override removed the value."""
    return isinstance(node, ScalarNode) and node.removed


def read_block(
    context: Context,
    node: Node | None,
    block: str,
    special: Mapping[str, Special],
    unknown: Callable[[str, Node], bool] | None = None,
) -> dict[str, Any]:
    """Reads a mapping of keys of the table in `keys.py`.

    Args:
        context: faults and the rest.
        node: the mapping; None: absent.
        block: path of the block, such as `data.split`; "" for the whole config.
        special: last word of a key -> its own reader (node, path) -> value or `MISMATCH`.
        unknown: asked about a key that the table does not have; True: it was dealt with.

    Returns:
        last word of the key -> value, for the keys that are given and right.
    """
    if node is None or (is_absent(node) and not (block and KEYS[block].required)):
        return {}
    if not isinstance(node, MappingNode):
        spelled = from_alone(block, node.plain())
        hint = f"write {block}: {spelled}" if spelled is not None else _block_hint(block)
        context.misfit(node, block, "a mapping of keys", hint)
        return {}
    node = whole_entries(node)
    known = keys_of(block)
    values: dict[str, Any] = {}
    for name, value in node.entries.items():
        path = f"{block}.{name}" if block else name
        key = known.get(name)
        if key is None:
            if unknown is None or not unknown(name, value):
                add_unknown_key(context, node, block, name)
            continue
        if is_removed(value):
            continue
        context.note(value, path)
        if is_absent(value) and (key.default is None or key.type == "block") and not key.required:
            continue
        read = special.get(name)
        found = read(value, path) if read else read_key(context, key, value)
        if found is not MISMATCH:
            values[name] = found
    _note_missing(context, node, block, known)
    return values


def _note_missing(context: Context, node: MappingNode, block: str, known: Mapping[str, Key]) -> None:
    """Notes required keys that are not there, but for those that a misspelt one is likely meant to be."""
    meant = {nearest(name, known) for name in node.entries if name not in known}
    for name, key in known.items():
        if key.required and name not in meant and (name not in node.entries or is_removed(node.entries[name])):
            path = f"{block}.{name}" if block else name
            context.faults.add(node, path, f"missing: {key.description.rstrip('.')}", _missing_hint(path))


def read_key(context: Context, key: Key, node: Node, path: str | None = None) -> Any:
    """The value of a key as its field holds it: paths absolute, one value or several as a tuple, a block as its dataclass.

    Args:
        context: faults and the rest.
        key: of the table.
        node: what is there.
        path: where it stands, if not at the key's own path.
    """
    path = path or key.path
    if key.type == "block":
        assert key.block is not None
        values = read_block(context, node, path, {})
        return (
            MISMATCH
            if any(inner.required and name not in values for name, inner in keys_of(path).items())
            else key.block(**values)
        )
    value = context.read(parse_kind(key.type), node, path)
    if value is MISMATCH:
        return value
    if key.is_path:
        texts = value if isinstance(value, list) else [value]
        found = tuple(context.path_of(text, item, path) for text, item in zip(texts, scalars_of(node)))
        return MISMATCH if MISMATCH in found else found if key.is_several else found[0]
    if key.is_several:
        return tuple(value) if isinstance(value, list) else (value,)
    return None if key.is_auto and value == "auto" else value


def plain_block(block: Any, plain: Callable[[Any], Any], *, whole: bool = False) -> dict[str, Any]:
    """A block's dataclass as plain values: what is not the default; `whole`: all that says something.

    Args:
        block: a dataclass with keyed fields.
        plain: makes values without components of what a field holds.
        whole: also what holds anyway, but for blocks and texts without entries.
    """
    values: dict[str, Any] = {}
    for key in keys_in(type(block)):
        if "." in key.path:
            continue
        value, default = getattr(block, key.path), default_of(block, key.path)
        says_nothing = value == default and (not whole or value in ((), {}) or key.block is not None)
        if value is None and key.is_auto and whole:
            values[key.path] = "auto"
        elif value is None or (says_nothing and not key.required):
            continue
        elif key.block is not None and is_dataclass(value):
            values[key.path] = plain_block(value, plain)
        elif key.is_several and len(value) == 1 and not key.type.startswith("list("):
            values[key.path] = value[0]
        else:
            values[key.path] = plain(value)
    return values


def add_unknown_key(context: Context, node: MappingNode, block: str, name: str, also: tuple[str, ...] = ()) -> None:
    """Notes a key that its block does not know, with the block it belongs to or the nearest name."""
    known = [*keys_of(block), *also]
    where, path = (f" of {block}", f"{block}.{name}") if block else ("", name)
    hint = _key_meant(node, block, name, known)
    listed = f"{block or 'a config'} takes: {one_of(known, 8 if hint else 30)}"
    words = f"{hint} {listed}" if hint else listed
    context.faults.add(node.keys[name], path, f"unknown key{where}", words, word=node.entries[name].word)


def _key_meant(node: MappingNode, block: str, name: str, known: Sequence[str]) -> str | None:
    """What an unknown key was probably meant to be, as the beginning of a hint."""
    elsewhere = sorted((other for other in blocks_with(name) if other != block), key=lambda other: other.count("."))
    parameters = node.entries.get("parameters") if not block else None
    near = nearest(name, known)
    if isinstance(parameters, MappingNode) and (parameter := nearest(name, list(parameters.entries))) is not None:
        return f'did you mean "parameters.{parameter}"?'
    if ":" in name or (name.startswith(("'", '"'))):
        return "a colon needs a space after it;"
    if (said := said_here(name, block, node.entries[name].plain())) is not None:
        return f"{said};"
    if near is not None:
        return f"{name} belongs under `{elsewhere[0]}`;" if elsewhere and not block else did_you_mean(name, known)
    longer = next((other for other in known if len(name) > 3 and normalize(other).startswith(normalize(name))), None)
    return f'did you mean "{longer}"?' if longer is not None else _place_meant(name, block, elsewhere)


def _place_meant(name: str, block: str, elsewhere: Sequence[str]) -> str | None:
    """Where a key that its own block does not know belongs."""
    if elsewhere:
        return f"{name} belongs under `{elsewhere[0]}`;" if elsewhere[0] else f"{name} belongs at the top level;"
    source = next((source for source, what in SOURCES.items() if name in what.arguments), None)
    if source is not None and block != "data":
        return f"{name} belongs under `data`, where `source` is {source};"
    for other in ("training", "data", "model", "evaluation", "data.split", "training.checkpoint", "sweep", ""):
        near = nearest(name, keys_of(other))
        if other != block and near is not None:
            return f'did you mean "{near}", under `{other}`?' if other else f'did you mean "{near}", at the top level?'
    return None


def read_texts(context: Context, node: Node, path: str, notation: str) -> tuple[str, ...] | Any:
    """A text or a list of texts as a tuple; `MISMATCH` where it is neither."""
    value = context.read(parse_kind(notation), node, path)
    if value is MISMATCH:
        return value
    return tuple(value) if isinstance(value, list) else (value,)


def items_of(context: Context, node: Node, path: str, what: str, example: str) -> list[Node] | None:
    """The entries of a list of components; None where it is no list, or a longer one than any network needs (noted)."""
    if not isinstance(node, ListNode):
        context.misfit(node, path, f"a list of {what}", f"such as {example}")
        return None
    if len(node.items) > MOST_ITEMS:
        context.faults.add(node, path, f"expected at most {MOST_ITEMS:,} {what}, found {len(node.items):,}")
        return None
    return whole_items(node.items)


def scalars_of(node: Node) -> list[Node]:
    """The node itself, or the entries of a list."""
    return list(node.items) if isinstance(node, ListNode) else [node]


def _block_hint(block: str) -> str:
    return f"{block} takes: {one_of(keys_of(block), 16)}" if block else "a config is a mapping: `data:`, `model:`, `training:`"


def _missing_hint(path: str) -> str | None:
    return {"data": "write data: {source: csv, path: …}", "data.source": "such as `source: csv` or `source: digits`"}.get(path)
