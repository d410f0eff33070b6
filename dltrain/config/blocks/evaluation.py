"""Reads the `evaluation:` block."""

from __future__ import annotations

from typing import Any

from dltrain.config.gates import parse_gate
from dltrain.config.keys import KEYS
from dltrain.config.kinds import MISMATCH, parse_kind
from dltrain.config.reading import Context, read_block, read_key, scalars_of
from dltrain.config.text.nodes import MappingNode, Node
from dltrain.config.types import EvaluationConfig, ThresholdConfig
from dltrain.errors import UsageError

_RULES = ("recall", "precision", "cost")


def read_evaluation(context: Context, node: Node | None) -> EvaluationConfig:
    """The `evaluation:` block; gates are checked for their form."""

    def gates(value: Node, path: str) -> Any:
        texts = read_key(context, KEYS[path], value)
        if texts is MISMATCH:
            return texts
        for text, item in zip(texts, scalars_of(value)):
            try:
                parse_gate(text)
            except UsageError as error:
                context.faults.add(item, path, error.faults[0].message, error.faults[0].hint)
        return texts

    def slices(value: Node, path: str) -> Any:
        found = read_key(context, KEYS[path], value)
        if found is MISMATCH or not isinstance(value, MappingNode):
            return found
        kept: dict[str, tuple[str, ...]] = {}
        for column, given in found.items():
            kept[column] = () if given is None else (given,) if isinstance(given, str) else tuple(given)
            for text in kept[column]:
                try:
                    parse_gate(text)
                except UsageError as error:
                    context.faults.add(value.entries[column], path, error.faults[0].message, error.faults[0].hint)
        return kept

    special = {
        "require": gates,
        "slices": slices,
        "threshold": lambda value, path: _read_threshold(context, value, path),
    }
    values = read_block(context, node, "evaluation", special)
    return EvaluationConfig(**{**values, "baselines": tuple(dict.fromkeys(values.get("baselines", ())))})


def _read_threshold(context: Context, node: Node, path: str) -> Any:
    """A number, a word, or a mapping of one rule."""
    if not isinstance(node, MappingNode):
        found = context.read(parse_kind("number(0,1)|'f1'"), node, path)
        if found is MISMATCH:
            return found
        return ThresholdConfig(f1=True) if found == "f1" else ThresholdConfig(number=float(found))
    values = read_block(context, node, path, {})
    given = [name for name in _RULES if name in node.entries]
    if not given and node.entries:
        return MISMATCH
    if len(given) != 1:
        words = f"found {' and '.join(given)}" if given else "found none"
        context.faults.add(node, path, f"expected one of {', '.join(_RULES)}, {words}", f"write {path}: {{recall: 0.9}}")
        return MISMATCH
    if given[0] not in values:
        return MISMATCH
    config = ThresholdConfig(**values)
    if config.cost is not None and config.cost.false_positive + config.cost.false_negative == 0:
        message = "expected that one of the two mistakes costs something, found 0 for both"
        context.faults.add(node.entries["cost"], f"{path}.cost", message)
        return MISMATCH
    return config


def plain_evaluation(config: EvaluationConfig) -> dict[str, Any]:
    """The block as plain values."""
    slices = {column: list(gates) for column, gates in config.slices.items()}
    return {
        **({"require": list(config.require)} if config.require else {}),
        **({"slices": slices} if slices else {}),
        **({"baselines": list(config.baselines)} if config.baselines else {}),
        **({"threshold": config.threshold.plain()} if config.threshold else {}),
        **({"calibrate": config.calibrate} if config.calibrate else {}),
    }
