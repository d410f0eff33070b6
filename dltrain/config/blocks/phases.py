"""Reads `training.phases`: a list of mappings, each with keys of the block around it and `unfreeze`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from dltrain.config.components import plain_value
from dltrain.config.keys import KEYS, keys_of
from dltrain.config.kinds import MISMATCH
from dltrain.config.reading import Context, Special, is_absent, is_removed, items_of, read_key
from dltrain.config.text.nodes import MappingNode, Node
from dltrain.config.types import PhaseConfig
from dltrain.wording import did_you_mean, one_of

# Keys of `training` that a phase may give; the others make the history, the files or the loss, which are of the whole run.
PHASE_KEYS = (
    "epochs", "optimizer", "warmup", "batch_size", "shuffle", "class_weight", "early_stopping", "reduce_lr_on_plateau",
    "jit_compile", "cache_features",
)  # fmt: skip
UNFREEZE = "training.phases.unfreeze"
MOST_PHASES = 100


def read_phases(
    context: Context,
    node: Node,
    path: str,
    special: Mapping[str, Special],
    settle: Callable[[MappingNode, dict[str, Any], str], dict[str, Any]],
) -> Any:
    """The phases as a tuple of `PhaseConfig`; `MISMATCH` where there is no list of them.

    Args:
        context: faults and the rest.
        node: the list.
        path: its key.
        special: last word of a key of `training` -> its own reader.
        settle: checks the metrics that a phase's callbacks watch, and returns what changes.
    """
    items = items_of(context, node, path, "phases", "[{epochs: 5}, {epochs: 5, unfreeze: 20}]")
    if items is None:
        return MISMATCH
    if len(items) > MOST_PHASES:
        context.faults.add(node, path, f"expected at most {MOST_PHASES} phases, found {len(items):,}")
        return MISMATCH
    phases = []
    for index, item in enumerate(items):
        where = f"{path}.{index}"
        if not isinstance(item, MappingNode):
            hint = f"a phase takes: {one_of([*PHASE_KEYS, 'unfreeze'], 16)}"
            context.misfit(item, where, "a mapping of keys", hint)
            continue
        context.note(item, where)
        phases.append(_read_phase(context, item, where, special, settle))
    return tuple(phases)


def _read_phase(
    context: Context,
    node: MappingNode,
    path: str,
    special: Mapping[str, Special],
    settle: Callable[[MappingNode, dict[str, Any], str], dict[str, Any]],
) -> PhaseConfig:
    changes: dict[str, Any] = {}
    unfreeze: Any = None
    for name, value in node.entries.items():
        where = f"{path}.{name}"
        if name not in (*PHASE_KEYS, "unfreeze"):
            _add_unknown(context, node, path, name)
            continue
        if is_removed(value) or is_absent(value):
            continue
        context.note(value, where)
        key = KEYS[UNFREEZE if name == "unfreeze" else f"training.{name}"]
        read = special.get(name)
        found = read(value, where) if read else read_key(context, key, value, where)
        if found is MISMATCH:
            continue
        if name == "unfreeze":
            unfreeze = _unfrozen(found)
        else:
            changes[name] = found
    return PhaseConfig(changes | settle(node, changes, path), unfreeze)


def _unfrozen(found: Any) -> bool | int | tuple[str, ...] | None:
    if isinstance(found, list):
        return tuple(found) or None
    if isinstance(found, str):
        return (found,)
    return None if found is False else found


def _add_unknown(context: Context, node: MappingNode, path: str, name: str) -> None:
    known = [*PHASE_KEYS, "unfreeze"]
    takes = f"a phase takes: {one_of(known, 16)}"
    if name in keys_of("training") and name != "phases":
        message, hint = f"{name} holds for all phases", f"put it under `training` itself; {takes}"
    else:
        near = did_you_mean(name, known)
        message, hint = "unknown key of a phase", f"{near} {takes}" if near else takes
    context.faults.add(node.keys[name], f"{path}.{name}", message, hint, word=node.entries[name].word)


def plain_phase(phase: PhaseConfig) -> dict[str, Any]:
    """A phase as plain values."""
    plain: dict[str, Any] = {}
    for name, value in phase.changes.items():
        if value is None:  # decided by the tool, or a callback that is switched off
            plain[name] = "auto" if KEYS[f"training.{name}"].is_auto else False
        else:
            plain[name] = plain_value(value)
    if phase.unfreeze is not None:
        plain["unfreeze"] = list(phase.unfreeze) if isinstance(phase.unfreeze, tuple) else phase.unfreeze
    return plain
