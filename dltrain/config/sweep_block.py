"""Reads the `sweep:` block: what is varied, how, and what is compared."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from dltrain.config.keys import keys_of
from dltrain.config.kinds import MISMATCH, parse_kind
from dltrain.config.nodes import ListNode, MappingNode, Node, ScalarNode
from dltrain.config.parameters import Parameters
from dltrain.config.reading import Context, is_absent, is_removed, read_block
from dltrain.config.scalars import describe
from dltrain.config.suggest import did_you_mean, one_of

RANGE_KEYS = {"low": "number", "high": "number", "log": "bool", "step": "number>0"}
SWEPT_BLOCKS = ("data", "model", "training", "seed", "parameters")


def read_sweep(context: Context, node: Node | None, parameters: Parameters) -> dict[str, Any] | None:
    """The `sweep:` block as plain values with its defaults, None where there is none; what is wrong with it is noted."""
    if node is None or is_absent(node) or is_removed(node):
        return None
    values = read_block(context, node, "sweep", {"parameters": lambda value, path: _read_space(context, value, path, parameters)})
    return {
        name: values.get(name, key.default) for name, key in keys_of("sweep").items() if values.get(name, key.default) is not None
    }


def _read_space(context: Context, node: Node, path: str, parameters: Parameters) -> Any:
    if not isinstance(node, MappingNode):
        hint = "such as {training.optimizer.learning_rate: [0.001, 0.01]}"
        context.faults.add(node, path, f"expected a mapping of keys to values, found {describe(node.plain())}", hint)
        return MISMATCH
    space: dict[str, Any] = {}
    for name, value in node.entries.items():
        if is_removed(value):
            continue
        where = f"{path}.{name}"
        _check_name(context, node, name, where, parameters)
        found = _read_values(context, value, where)
        if found is not MISMATCH:
            space[name] = found
    return space


def _check_name(context: Context, node: MappingNode, name: str, where: str, parameters: Parameters) -> None:
    head, _, rest = name.partition(".")
    if (not rest and (head in parameters.uses or head == "seed")) or (rest and head in SWEPT_BLOCKS and head != "parameters"):
        return
    if head == "parameters" and rest in parameters.uses:
        return
    known = [*parameters.uses, *SWEPT_BLOCKS]
    searched = rest if head == "parameters" else head
    hint = (
        did_you_mean(searched, known)
        or f"a key such as training.batch_size, or one of the parameters: {one_of(parameters.uses) or 'none declared'}"
    )
    context.faults.add(
        node.keys[name], where, f"{name} is neither a parameter nor a key that can be varied", hint, word=node.entries[name].word
    )


def _read_values(context: Context, node: Node, path: str) -> Any:
    """A list of values, `{choices: [...]}` or `{low, high, log, step}`."""
    if isinstance(node, ListNode):
        if not node.items:
            context.faults.add(node, path, "expected at least one value, found an empty list")
            return MISMATCH
        return node.plain()
    if not isinstance(node, MappingNode):
        hint = f"write [{node.text}]" if isinstance(node, ScalarNode) else None
        context.faults.add(
            node, path, f"expected a list of values or a range {{low, high}}, found {describe(node.plain())}", hint
        )
        return MISMATCH
    if "choices" in node.entries:
        for other in node.entries:
            if other != "choices":
                context.faults.add(node.keys[other], f"{path}.{other}", "`choices` stands alone")
        choices = node.entries["choices"]
        return (
            {"choices": _read_values(context, choices, f"{path}.choices")}
            if isinstance(choices, ListNode)
            else _read_values(context, choices, path)
        )
    return _read_range(context, node, path)


def _read_range(context: Context, node: MappingNode, path: str) -> Any:
    values: dict[str, Any] = {}
    for name, value in node.entries.items():
        where = f"{path}.{name}"
        if name not in RANGE_KEYS:
            known = [*RANGE_KEYS, "choices"]
            hint = did_you_mean(name, known) or f"a range takes: {one_of(known)}"
            context.faults.add(node.keys[name], where, "unknown key of a range", hint, word=value.word)
            continue
        found = context.read(parse_kind(RANGE_KEYS[name]), value, where)
        if found is not MISMATCH:
            values[name] = found
    for name in ("low", "high"):
        if name not in node.entries:
            context.faults.add(node, path, f"a range needs `{name}`", "such as {low: 0.0001, high: 0.1, log: true}")
    low, high = values.get("low"), values.get("high")
    if low is None or high is None:
        return MISMATCH
    if not low < high:
        context.faults.add(node, path, f"expected low below high, found {low} and {high}")
    if values.get("log") and low <= 0:
        context.faults.add(node.entries["low"], f"{path}.low", f"expected a number above 0 on a logarithmic range, found {low}")
    if values.get("log") and "step" in values:
        context.faults.add(node.entries["step"], f"{path}.step", "a logarithmic range has no step")
    if not math.isfinite(high - low):
        context.faults.add(node, path, "the range is wider than numbers go")
    return values


def plain_sweep(sweep: Mapping[str, Any] | None, uses: Mapping[str, list[str]]) -> dict[str, Any] | None:
    """The block for a resolved config, in which parameters are put in: their names become the keys they stand at.

    None where one of them stands at several keys, or at none: no single key means the same then.
    """
    if sweep is None:
        return None
    space: dict[str, Any] = {}
    for name, values in sweep.get("parameters", {}).items():
        places = uses.get(name.removeprefix("parameters."))
        if places is None:
            space[name] = values
        elif len(places) == 1:
            space[places[0]] = values
        else:
            return None
    return {**sweep, "parameters": space}
