"""Reads `sweep.choices`: names, each of which stands for values of several keys, and for what is varied with it alone."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from dltrain.config.bases import EXTENDS
from dltrain.config.blocks.swept import PATH_KEYS, check_name, make_absolute, read_space
from dltrain.config.kinds import MISMATCH
from dltrain.config.reading import Context, is_absent, is_removed
from dltrain.config.text.nodes import MappingNode, Node
from dltrain.wording import did_you_mean, one_of

# Within a choice: what is varied where it is chosen.
OWN = "parameters"
MOST_CHOICES = 1000
EXAMPLE = "choices: {size: {small: {model.layers.0.units: 8}, large: {model.layers.0.units: 64}}}"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,99}")
_TAKEN = ("seed", "parameters", EXTENDS)


def read_choices(context: Context, node: Node, path: str, uses: Mapping[str, Any]) -> Any:
    """The choices: name -> choice -> key -> value; under `parameters` what a choice varies besides. `MISMATCH` where it is none.

    Args:
        context: faults and the rest.
        node: what stands there.
        path: its key.
        uses: the parameters of the config.
    """
    if not isinstance(node, MappingNode):
        return context.misfit(node, path, "a mapping of names to choices", EXAMPLE)
    found: dict[str, dict[str, Any]] = {}
    for name, choices in node.entries.items():
        where = f"{path}.{name}"
        if is_removed(choices):
            continue
        if not _NAME.fullmatch(name) or name in _TAKEN or name in uses:
            what = "is a parameter as well" if name in uses else "is no name for choices"
            context.faults.add(node.keys[name], where, f"{name} {what}", "letters, digits, _ and -, such as size")
        elif not isinstance(choices, MappingNode) or not choices.entries:
            context.misfit(choices, where, "a mapping of choices to what each sets", EXAMPLE)
        elif len(choices.entries) > MOST_CHOICES:
            context.faults.add(choices, where, f"expected at most {MOST_CHOICES:,} choices, found {len(choices.entries):,}")
        else:
            found[name] = {
                choice: _read_choice(context, value, f"{where}.{choice}", uses, node)
                for choice, value in choices.entries.items()
                if not is_removed(value)
            }
    return found


def _read_choice(context: Context, node: Node, path: str, uses: Mapping[str, Any], choices: MappingNode) -> dict[str, Any]:
    """The keys that one choice sets, with their values; empty where it changes nothing."""
    if is_absent(node):
        return {}
    if not isinstance(node, MappingNode):
        context.misfit(node, path, "a mapping of keys to values", "such as {training.batch_size: 64}")
        return {}
    found: dict[str, Any] = {}
    for key, value in node.entries.items():
        where = f"{path}.{key}"
        if key == OWN:
            own = read_space(context, value, where, uses, choices.entries)
            found[OWN] = own if own is not MISMATCH else {}
            continue
        if is_removed(value):
            continue
        context.note(value, where)
        if key == EXTENDS:
            context.faults.add(node.keys[key], where, "a choice sets keys, and extends no file", "--over extends=a.yaml,b.yaml")
        else:
            check_name(context, node.keys[key], value.word, key, where, uses)
        if key in PATH_KEYS:
            make_absolute(context, value, key)
        found[key] = value.plain()
    return found


def check_chosen(
    context: Context, node: Node, path: str, name: str, values: Any, choices: Mapping[str, Mapping[str, Any]]
) -> Any:
    """The names that are chosen from, as text; `MISMATCH` where one of them is none (noted).

    Args:
        context: faults and the rest.
        node: what stands there.
        path: its key.
        name: of the choice.
        values: what `read_values` made of it.
        choices: all of them.
    """
    listed = values.get("choices") if isinstance(values, Mapping) else values
    known = choices[name]
    if not isinstance(listed, list):
        message = f"expected names of choices of {name}, found a range"
        context.faults.add(node, path, message, one_of(known, 20))
        return MISMATCH
    names = [value if isinstance(value, str) else json.dumps(value) for value in listed]
    for word in names:
        if word not in known:
            hint = did_you_mean(word, known) or f"choices of {name}: {one_of(known, 20)}"
            context.faults.add(node, path, f"{word} is none of the choices of {name}", hint)
            return MISMATCH
    return {**values, "choices": names} if isinstance(values, Mapping) else names
