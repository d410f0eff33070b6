"""Reads the `sweep:` block: what is varied, how, and what is compared."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from dltrain.config.blocks.choices import OWN, check_chosen, read_choices
from dltrain.config.blocks.swept import PATH_KEYS, WHERE, check_name, is_endless, make_absolute, read_space, read_values
from dltrain.config.components import plain_value, read_nested
from dltrain.config.keys import WORD
from dltrain.config.kinds import MISMATCH
from dltrain.config.parameters import Parameters
from dltrain.config.reading import Context, Special, is_absent, is_removed, plain_block, read_block
from dltrain.config.text.nodes import Faults, ListNode, MappingNode, Node, ScalarNode
from dltrain.config.text.paths import Paths
from dltrain.config.text.yaml_reader import read_value
from dltrain.config.types import Config, SweepConfig

# What the places of a parameter in a choice begin with: `sweep.choices.NAME.CHOICE.KEY`.
IN_CHOICES = "sweep.choices."


def read_sweep(context: Context, node: Node | None, parameters: Parameters) -> SweepConfig | None:
    """The `sweep:` block, None where there is none; what is wrong with it is noted."""
    if node is None or is_absent(node) or is_removed(node):
        return None
    uses, block = parameters.uses, node.entries if isinstance(node, MappingNode) else {}
    named = block.get("choices")
    names = named.entries if isinstance(named, MappingNode) else {}
    special: dict[str, Special] = {
        "choices": lambda value, path: read_choices(context, value, path, uses),
        "parameters": lambda value, path: read_space(context, value, path, uses, names),
    }
    config = _with_names(context, block, SweepConfig(**read_block(context, node, "sweep", special)))
    ranges = [name for name, space in config.parameters.items() if is_endless(space)]
    if config.strategy in ("grid", "capacity") and ranges:
        hint = "give it a `step`, or a list; or `strategy: random`"
        message = f"a {config.strategy} cannot go through the range of {ranges[0]}"
        context.faults.add(node, "sweep.strategy", message, hint)
    return config


def _with_names(context: Context, block: Mapping[str, Node], config: SweepConfig) -> SweepConfig:
    """The block in which what is chosen from, at the top and within choices, is known to be there; else it is noted."""

    def known(space: Mapping[str, Any], path: str, node: Node | None) -> dict[str, Any]:
        found = {}
        for name, values in space.items():
            value = node.entries[name] if isinstance(node, MappingNode) else None
            if name in config.choices:
                values = check_chosen(context, value or ScalarNode(), f"{path}.{name}", name, values, config.choices)
            if values is not MISMATCH:
                found[name] = values
        return found

    choices = block.get("choices")
    for name, each in config.choices.items():
        for choice, sets in each.items():
            node = choices
            for word in (name, choice, OWN):
                node = node.entries.get(word) if isinstance(node, MappingNode) else None
            if OWN in sets:
                sets[OWN] = known(sets[OWN], f"sweep.choices.{name}.{choice}.{OWN}", node)
    return replace(config, parameters=known(config.parameters, "sweep.parameters", block.get("parameters")))


def read_over(words: Sequence[str], config: Config) -> dict[str, Any]:
    """The space that `--over KEY=a,b,c` words describe.

    Args:
        words: `KEY=a,b,c`, `KEY=[a, b]`, `KEY={low: 1e-4, high: 1e-1, log: true}`; a parameter goes by its bare name.
        config: whose keys and parameters they are; paths among the values are relative to the working directory.

    Raises:
        ConfigError: what is wrong with them, all at once.
    """
    context = Context(Faults(), Paths.of(Path.cwd()), read_nested)
    choices = config.sweep.choices if config.sweep is not None else {}
    space: dict[str, Any] = {}
    for word in words:
        match = WORD.fullmatch(word)
        if match is None or match.group(2):
            context.faults.add(None, None, "expected KEY=VALUE,VALUE", "--over training.batch_size=16,32", word=word)
            continue
        name, _, text = match.groups()
        if name in space:
            context.faults.add(None, name, "is swept over twice", word=word)
        if name not in choices:
            check_name(context, None, word, name, name, config.parameters)
        listed = read_value(f"[{text}]", word, context.faults)
        if not isinstance(listed, ListNode):
            continue
        only = listed.items[0] if len(listed.items) == 1 else None
        is_range = isinstance(only, MappingNode) and not any(context.catalog.kind_of(key) for key in only.entries)
        values = only if only is not None and (is_range or isinstance(only, ListNode)) else listed
        if name in PATH_KEYS:
            make_absolute(context, values, name)
        ends = re.fullmatch(r"\s*([\d.eE+-]+?)\s*(?:\.\.+|:|…)\s*([\d.eE+-]+)\s*", text)
        if ends is not None:
            hint = f"a range is {name}={{low: {ends[1]}, high: {ends[2]}}}; `log: true` in it for steps that are ratios"
            context.faults.add(None, name, f"expected values, found {text}", hint, word=word)
            continue
        found = read_values(context, values, name)
        if name in choices and found is not MISMATCH:
            found = check_chosen(context, values, name, name, found, choices)
        if found is not MISMATCH:
            space[name] = found
    context.faults.raise_errors()
    return space


def plain_sweep(sweep: SweepConfig | None, uses: Mapping[str, list[str]]) -> dict[str, Any] | None:
    """The block for a resolved config, in which parameters are put in: their names become the keys they stand at.

    None where one of them stands at several keys, or at none: no single key means the same then.
    """
    if sweep is None:
        return None
    try:
        space, choices = in_keys(sweep.parameters, uses), choices_in_keys(sweep.choices, uses)
    except _SeveralKeys:
        return None
    return plain_block(replace(sweep, parameters=space, choices=choices), plain_value, whole=True)


class _SeveralKeys(Exception):
    """A parameter that no single key stands for."""


def in_keys(space: Mapping[str, Any], uses: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """What is varied, with the key of each parameter in the place of its name."""

    def key(name: str) -> str:
        places = uses.get(name.removeprefix("parameters."))
        if places is not None and (len(places) != 1 or places[0].startswith(IN_CHOICES)):
            raise _SeveralKeys
        return name if places is None else places[0]

    found = {key(name): values for name, values in space.items()}
    for name, values in found.items():
        if isinstance(values, Mapping) and WHERE in values:
            found[name] = {**values, WHERE: {key(other): wanted for other, wanted in values[WHERE].items()}}
    return found


def sets_in_keys(name: str, word: str, sets: Mapping[str, Any], uses: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """What a choice sets, with all keys of each parameter in the place of its name; what it varies as it is.

    Args:
        name, word: of the choices, and of this one.
        sets: its keys and parameters with their values.
        uses: parameter -> where it stands.
    """
    found: dict[str, Any] = {}
    for key, value in sets.items():
        places = None if key == OWN else uses.get(key.removeprefix("parameters."))
        found |= dict.fromkeys([key] if places is None else standing(places, {name: word}, {name: sets}), value)
    return found


def standing(places: Iterable[str], chosen: Mapping[str, str], sets: Mapping[str, Iterable[str]]) -> list[str]:
    """The keys that a parameter stands at where these choices are made: in what they set, and elsewhere in the config.

    Args:
        places: as `Parameters.keys` has them.
        chosen: name of choices -> the one that is made.
        sets: name of choices -> the keys that this one sets. Where the parameter is written in the value of one of
            them, it no longer stands where that key had it before.
    """
    inside, elsewhere, replaced = [], [], []
    for place in places:
        name = next((name for name, word in chosen.items() if place.startswith(f"{IN_CHOICES}{name}.{word}.")), None)
        if name is not None:
            inside.append(place.removeprefix(f"{IN_CHOICES}{name}.{chosen[name]}."))
            replaced += [key for key in sets[name] if is_within(inside[-1], key)]
        elif not place.startswith(IN_CHOICES):
            elsewhere.append(place)
    left = [place for place in elsewhere if not any(is_within(place, key) for key in replaced)]
    return list(dict.fromkeys([*left, *inside]))


def is_within(key: str, other: str) -> bool:
    """Whether a key is another one or one inside it."""
    return key == other or key.startswith(f"{other}.")


def choices_in_keys(choices: Mapping[str, Any], uses: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """The choices, with keys in the place of parameters, also in what each varies."""

    def told(name: str, word: str, sets: Mapping[str, Any]) -> dict[str, Any]:
        own = {OWN: in_keys(sets[OWN], uses)} if OWN in sets else {}
        return {**sets_in_keys(name, word, sets, uses), **own}

    return {name: {word: told(name, word, sets) for word, sets in each.items()} for name, each in choices.items()}
