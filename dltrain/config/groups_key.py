"""Reads `groups` of an optimizer: which weights take other steps than the rest."""

from __future__ import annotations

from typing import Any

from dltrain.config.keys import GROUP_KEYS
from dltrain.config.kinds import MISMATCH, parse_kind
from dltrain.config.reading import Context, is_absent, is_removed, items_of
from dltrain.config.text.nodes import MappingNode, Node
from dltrain.wording import did_you_mean, one_of

EXAMPLE = "[{match: bias, learning_rate: 0.1, weight_decay: 0}]"


def read_groups(context: Context, node: Node, path: str) -> Any:
    """The groups as a tuple of mappings, `match` as a list of words; `MISMATCH` where one of them is wrong (noted)."""
    items = items_of(context, node, path, "groups", EXAMPLE)
    if items is None:
        return MISMATCH
    groups = [_read_group(context, item, f"{path}.{index}") for index, item in enumerate(items)]
    return MISMATCH if any(group is None for group in groups) else tuple(groups)


def _read_group(context: Context, node: Node, path: str) -> dict[str, Any] | None:
    if not isinstance(node, MappingNode):
        hint = f"such as {EXAMPLE}"
        context.misfit(node, path, "a mapping of keys", hint)
        return None
    context.note(node, path)
    group: dict[str, Any] = {}
    whole = True
    for name, value in node.entries.items():
        where = f"{path}.{name}"
        key = GROUP_KEYS.get(name)
        if key is None:
            takes = f"a group takes: {one_of(GROUP_KEYS)}"
            near = did_you_mean(name, GROUP_KEYS)
            context.faults.add(
                node.keys[name], where, "unknown key of a group", f"{near} {takes}" if near else takes, word=value.word
            )
            whole = False
        elif not is_removed(value) and not is_absent(value):
            context.note(value, where)
            found = context.read(parse_kind(key.type), value, where)
            if found is MISMATCH:
                whole = False
            else:
                group[name] = found if name != "match" or isinstance(found, list) else [found]
    if whole and not group.get("match"):
        hint = "such as bias, the name of a layer, Dense, or embedding/kernel"
        context.faults.add(node, path, "missing: which weights are meant, `match`", hint)
        whole = False
    return group if whole else None


def put_among_arguments(node: Node | None) -> None:
    """`{Adam: {…}, groups: […]}` says what `{Adam: {…, groups: […]}}` does: changed into it."""
    if not isinstance(node, MappingNode) or len(node.entries) != 2 or "groups" not in node.entries:
        return
    [name] = [word for word in node.entries if word != "groups"]
    arguments = node.entries[name]
    if not isinstance(arguments, MappingNode):
        if not is_absent(arguments):
            return
        arguments = MappingNode(node.keys[name], node.word)
        node.entries[name] = arguments
    if "groups" not in arguments.entries:
        arguments.entries["groups"], arguments.keys["groups"] = node.entries.pop("groups"), node.keys.pop("groups")
