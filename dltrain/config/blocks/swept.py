"""Reads what is varied: keys or parameters, and the values of each."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping
from typing import Any

from dltrain.config.bases import EXTENDS
from dltrain.config.keys import KEYS
from dltrain.config.kinds import MISMATCH, parse_kind
from dltrain.config.old_words.arguments import KNOWN_ARGUMENTS
from dltrain.config.old_words.keys import said_here
from dltrain.config.reading import Context, is_removed
from dltrain.config.text.nodes import ListNode, MappingNode, Node, ScalarNode
from dltrain.config.text.scalars import describe
from dltrain.config.types import Place
from dltrain.wording import did_you_mean, normalize, one_of

RANGE_KEYS = {"low": "number", "high": "number", "log": "bool", "step": "number>0"}
RUN_KEYS = ("data.preprocessing", "model.weights")
PATH_KEYS = ("data.path", "data.validation", "data.test", *RUN_KEYS, EXTENDS)
SWEPT_BLOCKS = ("data", "model", "training", "seed", "parameters", EXTENDS)
_NUMBER = r"[+-]?\d+(?:\.\d*)?(?:[eE][+-]?\d+)?"
# As calls of other tools and as mathematics write a range.
_RANGE = re.compile(
    rf"(?:(?P<name>[\w.]+)\(\s*)?(?P<low>{_NUMBER})\s*(?:,|\.\.\.?|to|:|-|\u2013)\s*(?P<high>{_NUMBER})"
    rf"(?(name)(?:\s*,\s*(?P<step>{_NUMBER}))?\s*\))"
)
# Where a key is varied only with some values of another one.
WHERE = "where"


def read_space(context: Context, node: Node, path: str, uses: Mapping[str, Any], choices: Mapping[str, Any] | None = None) -> Any:
    """What is varied: key, parameter or name of choices -> its values; `MISMATCH` where it is no mapping.

    Args:
        context: faults and the rest.
        node: what stands there.
        path: its key.
        uses: the parameters of the config.
        choices: names of choices.
    """
    if not isinstance(node, MappingNode):
        hint = "such as {training.optimizer.learning_rate: [0.001, 0.01]}"
        return context.misfit(node, path, "a mapping of keys to values", hint)
    space: dict[str, Any] = {}
    for name, value in node.entries.items():
        if is_removed(value):
            continue
        where = f"{path}.{name}"
        context.note(value, where)
        if name not in (choices or {}):
            check_name(context, node.keys[name], value.word, name, where, uses)
        if name in PATH_KEYS:
            make_absolute(context, value, name)
        found = read_values(context, value, where)
        if found is not MISMATCH:
            space[name] = found
    return space


def is_endless(space: Any) -> bool:
    """Whether the values of a swept key cannot be listed: a range without a step that is not of whole numbers."""
    return (
        isinstance(space, Mapping)
        and "low" in space
        and "step" not in space
        and not all(isinstance(space.get(end), int) for end in ("low", "high"))
    )


def make_absolute(context: Context, node: Node, path: str) -> None:
    """Paths of a list stay the same files, wherever the trial's config stands; runs may go by their names."""
    if isinstance(node, ScalarNode) and isinstance(node.value, str):
        found = context.path_of(node.value, node, path)
        if found is not MISMATCH and (path not in RUN_KEYS or os.path.exists(found)):
            node.value = node.text = found
    for child in node.children():
        make_absolute(context, child, path)


def check_name(
    context: Context, place: Place | None, word: str | None, name: str, where: str, parameters: Mapping[str, Any]
) -> None:
    """Notes a name that is neither a parameter nor a key that can be varied."""
    head, _, rest = name.partition(".")
    if head == EXTENDS and rest:
        message, hint = f"what a config extends is varied as a whole, not {name}", "extends=a.yaml,b.yaml"
        context.faults.add(place, where, message, hint, word=word)
        return
    if (not rest and head in parameters) or (head in SWEPT_BLOCKS and head != "parameters"):
        return
    if head == "parameters" and rest in parameters:
        return
    known = [*parameters, *SWEPT_BLOCKS]
    searched = rest if head == "parameters" else head
    said = said_here(searched)
    hint = (
        (said if said is not None and "model.layers: " not in said else None)
        or did_you_mean(searched, known)
        or next(
            (
                f"write {path}{f'.{rest}' if rest and head != 'parameters' else ''}"
                for path in KEYS
                if path.rpartition(".")[2] == searched and path.startswith(SWEPT_BLOCKS)
            ),
            None,
        )
        or _argument_of_layers(context, searched)
        or said
        or f"a key such as training.batch_size, or one of the parameters: {one_of(parameters) or 'none declared'}"
    )
    context.faults.add(place, where, f"{name} is neither a parameter nor a key that can be varied", hint, word=word)


def _argument_of_layers(context: Context, name: str) -> str | None:
    """Where an argument such as `units` stands."""
    catalog, names = context.catalog, (name, *KNOWN_ARGUMENTS.get(normalize(name), ()))
    entries = [catalog.find("layer", layer) for layer in ("Dense", "Dropout", "Conv2D", "LSTM", *catalog.names("layer"))]
    found = next((known for known in names for entry in entries if entry is not None and known in entry.arguments), None)
    return None if found is None else f"an argument of a layer is varied by its place, such as model.layers.0.{found}"


def read_values(context: Context, node: Node, path: str) -> Any:
    """A list of values, `{choices: [...]}` or `{low, high, log, step}`; in a mapping `where` says with what it is varied."""
    if isinstance(node, ListNode):
        if not node.items:
            context.faults.add(node, path, "expected at least one value, found an empty list")
            return MISMATCH
        return node.plain()
    if not isinstance(node, MappingNode):
        hint = (_as_range(node.text) or f"write [{node.text}]") if isinstance(node, ScalarNode) else None
        return context.misfit(node, path, "a list of values or a range {low, high}", hint)
    conditions = {WHERE: _read_where(context, node.entries[WHERE], f"{path}.{WHERE}")} if WHERE in node.entries else {}
    if "choices" in node.entries:
        for other in node.entries:
            if other not in ("choices", WHERE):
                context.faults.add(node.keys[other], f"{path}.{other}", "`choices` stands alone")
        choices = node.entries["choices"]
        if not isinstance(choices, ListNode):
            return read_values(context, choices, path)
        found = read_values(context, choices, f"{path}.choices")
        return found if found is MISMATCH else {"choices": found, **conditions}
    found = _read_range(context, node, path)
    return found if found is MISMATCH else {**found, **conditions}


def _as_range(text: str) -> str | None:
    """How a range is written that stands there as elsewhere: `loguniform(1e-4, 1e-1)`, `1e-4..1e-1`; None: it is none."""
    found = _RANGE.fullmatch(text.strip())
    if found is None:
        return None
    ending = ", log: true" if "log" in (found["name"] or "").lower() else f", step: {found['step']}" if found["step"] else ""
    return f"write {{low: {found['low']}, high: {found['high']}{ending}}}"


def _read_where(context: Context, node: Node, path: str) -> dict[str, Any]:
    """Key, parameter or name of choices -> the value with which something is varied, or a list of them."""
    if isinstance(node, MappingNode) and node.entries:
        return {name: value.plain() for name, value in node.entries.items()}
    message = f"expected a mapping of keys to the values with which this is varied, found {describe(node.plain())}"
    context.faults.add(node, path, message, "such as where: {depth: 2}")
    return {}


def _read_range(context: Context, node: MappingNode, path: str) -> Any:
    values = _read_range_keys(context, node, path)
    for name in ("low", "high"):
        if name not in node.entries and not set(node.entries) - {*RANGE_KEYS, WHERE}:
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
    elif "step" in values and low < high and values["step"] > high - low:
        message = f"a step of {values['step']} leads beyond {high}: {low} is the only value"
        context.faults.add(node.entries["step"], f"{path}.step", message, f"expected at most {high - low}")
    if not math.isfinite(high - low):
        context.faults.add(node, path, "the range is wider than numbers go")
    return values


def _read_range_keys(context: Context, node: MappingNode, path: str) -> dict[str, Any]:
    """The keys of a range that are right, each by itself."""
    values: dict[str, Any] = {}
    for name, value in node.entries.items():
        where = f"{path}.{name}"
        if name == WHERE:
            continue
        if name not in RANGE_KEYS:
            known = [*RANGE_KEYS, "choices", WHERE]
            hint = said_here(name, "a range") or did_you_mean(name, known) or f"a range takes: {one_of(known)}"
            context.faults.add(node.keys[name], where, "unknown key of a range", hint, word=value.word)
            continue
        found = context.read(parse_kind(RANGE_KEYS[name]), value, where)
        if found is not MISMATCH:
            values[name] = found
    return values
