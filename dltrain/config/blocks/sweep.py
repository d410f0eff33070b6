"""Reads the `sweep:` block: what is varied, how, and what is compared."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from dltrain.config.bases import EXTENDS
from dltrain.config.components import plain_value, read_nested
from dltrain.config.keys import KEYS
from dltrain.config.kinds import MISMATCH, parse_kind
from dltrain.config.old_words.arguments import KNOWN_ARGUMENTS
from dltrain.config.old_words.keys import said_here
from dltrain.config.overrides import WORD
from dltrain.config.parameters import Parameters
from dltrain.config.reading import Context, is_absent, is_removed, plain_block, read_block
from dltrain.config.text.nodes import Faults, ListNode, MappingNode, Node, ScalarNode
from dltrain.config.text.paths import Paths
from dltrain.config.text.scalars import describe
from dltrain.config.text.yaml_reader import read_value
from dltrain.config.types import Config, Place, SweepConfig
from dltrain.wording import did_you_mean, normalize, one_of

RANGE_KEYS = {"low": "number", "high": "number", "log": "bool", "step": "number>0"}
PATH_KEYS = ("data.path", "data.validation", "data.test", EXTENDS)
SWEPT_BLOCKS = ("data", "model", "training", "seed", "parameters", EXTENDS)


def read_sweep(context: Context, node: Node | None, parameters: Parameters) -> SweepConfig | None:
    """The `sweep:` block, None where there is none; what is wrong with it is noted."""
    if node is None or is_absent(node) or is_removed(node):
        return None
    values = read_block(context, node, "sweep", {"parameters": lambda value, path: _read_space(context, value, path, parameters)})
    config = SweepConfig(**values)
    ranges = [name for name, space in config.parameters.items() if is_endless(space)]
    if config.strategy in ("grid", "capacity") and ranges:
        hint = "give it a `step`, or a list; or `strategy: random`"
        message = f"a {config.strategy} cannot go through the range of {ranges[0]}"
        context.faults.add(node, "sweep.strategy", message, hint)
    return config


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
        context.note(value, where)
        _check_name(context, node.keys[name], value.word, name, where, parameters.uses)
        if name in PATH_KEYS:
            _make_absolute(context, value)
        found = _read_values(context, value, where)
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


def read_over(words: Sequence[str], config: Config) -> dict[str, Any]:
    """The space that `--over KEY=a,b,c` words describe.

    Args:
        words: `KEY=a,b,c`, `KEY=[a, b]`, `KEY={low: 1e-4, high: 1e-1, log: true}`; a parameter goes by its bare name.
        config: whose keys and parameters they are; paths among the values are relative to the working directory.

    Raises:
        ConfigError: what is wrong with them, all at once.
    """
    context = Context(Faults(), Paths.of(Path.cwd()), read_nested)
    space: dict[str, Any] = {}
    for word in words:
        match = WORD.fullmatch(word)
        if match is None or match.group(2):
            context.faults.add(None, None, "expected KEY=VALUE,VALUE", "--over training.batch_size=16,32", word=word)
            continue
        name, _, text = match.groups()
        if name in space:
            context.faults.add(None, name, "is swept over twice", word=word)
        _check_name(context, None, word, name, name, config.parameters)
        listed = read_value(f"[{text}]", word, context.faults)
        if not isinstance(listed, ListNode):
            continue
        only = listed.items[0] if len(listed.items) == 1 else None
        is_range = isinstance(only, MappingNode) and not any(context.catalog.kind_of(key) for key in only.entries)
        values = only if only is not None and (is_range or isinstance(only, ListNode)) else listed
        if name in PATH_KEYS:
            _make_absolute(context, values)
        ends = re.fullmatch(r"\s*([\d.eE+-]+?)\s*(?:\.\.+|:|…)\s*([\d.eE+-]+)\s*", text)
        if ends is not None:
            hint = f"a range is {name}={{low: {ends[1]}, high: {ends[2]}}}; `log: true` in it for steps that are ratios"
            context.faults.add(None, name, f"expected values, found {text}", hint, word=word)
            continue
        found = _read_values(context, values, name)
        if found is not MISMATCH:
            space[name] = found
    context.faults.raise_errors()
    return space


def _make_absolute(context: Context, node: Node) -> None:
    """Paths of a list stay the same files, wherever the trial's config stands."""
    if isinstance(node, ScalarNode) and isinstance(node.value, str):
        node.value = node.text = context.paths.resolve(node.value, node)
    for child in node.items if isinstance(node, ListNode) else node.entries.values() if isinstance(node, MappingNode) else ():
        _make_absolute(context, child)


def _check_name(
    context: Context, place: Place | None, word: str | None, name: str, where: str, parameters: Mapping[str, Any]
) -> None:
    head, _, rest = name.partition(".")
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
            hint = said_here(name, "a range") or did_you_mean(name, known) or f"a range takes: {one_of(known)}"
            context.faults.add(node.keys[name], where, "unknown key of a range", hint, word=value.word)
            continue
        found = context.read(parse_kind(RANGE_KEYS[name]), value, where)
        if found is not MISMATCH:
            values[name] = found
    for name in ("low", "high"):
        if name not in node.entries and not set(node.entries) - set(RANGE_KEYS):
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


def plain_sweep(sweep: SweepConfig | None, uses: Mapping[str, list[str]]) -> dict[str, Any] | None:
    """The block for a resolved config, in which parameters are put in: their names become the keys they stand at.

    None where one of them stands at several keys, or at none: no single key means the same then.
    """
    if sweep is None:
        return None
    space: dict[str, Any] = {}
    for name, values in sweep.parameters.items():
        places = uses.get(name.removeprefix("parameters."))
        if places is None:
            space[name] = values
        elif len(places) == 1:
            space[places[0]] = values
        else:
            return None
    return plain_block(replace(sweep, parameters=space), plain_value, whole=True)
